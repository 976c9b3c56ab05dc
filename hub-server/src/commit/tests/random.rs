//! Random pushes by several senders at once through the committer: rows, state and projection are
//! those of the log, replayed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::harness::{House, Push, oracle, push};
use crate::commit::CommitError;
use crate::commit::projector::Projected;
use crate::store::disk::sim::SimDisk;

/// A push of one of three publishers for one of two periods, of some of four units.
fn any_push(seq: i64) -> impl Strategy<Value = Push> {
    let units = prop::collection::btree_map("u[1-4]", 1..4_u64, 1..4);
    let flags = (0..10_u8, 0..10_u8, 0..10_u8, any::<bool>());
    (0..3_usize, 0..2_usize, units, flags, prop::option::weighted(0.2, 0..4_u64)).prop_map(
        move |(publisher, period, units, (replace, nothing, big, confirm), parent)| {
            let nothing = nothing == 0;
            Push {
                partition: ["2022-12-31", "2023-03-31"][period].into(),
                units: if nothing { BTreeMap::new() } else { units },
                replace_all: replace < 2,
                confirm,
                nothing,
                parent,
                big: big < 3 && !nothing,
                ..push(seq, ["a", "b", "c"][publisher], &[])
            }
        },
    )
}

fn any_pushes() -> impl Strategy<Value = Vec<Push>> {
    (4..24_i64).prop_flat_map(|count| (1..=count).map(any_push).collect::<Vec<_>>())
}

async fn story(pushes: Vec<Push>, at_once: usize, sliced: bool) {
    let house = House::open(&SimDisk::new(), sliced).await.unwrap();
    let (queue, task) = house.committer();
    let mut acknowledged = BTreeSet::new();
    for group in pushes.chunks(at_once) {
        let answers = futures::future::join_all(group.iter().map(|push| house.send(&queue, push))).await;
        for (push, answer) in group.iter().zip(answers) {
            match answer {
                Ok(committed) => {
                    assert!(committed.unchanged || committed.id == push.id);
                    acknowledged.insert(committed.id);
                }
                Err(CommitError::RevisionMoved { .. }) => assert!(push.parent.is_some()),
                Err(CommitError::DeletionUnconfirmed { .. }) => {
                    assert!(!push.confirm && (push.nothing || push.replace_all));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    drop(queue);
    let projected = task.await.unwrap();
    let log = house.log();
    let logged: BTreeSet<String> =
        log.iter().flat_map(|entry| &entry.info.submissions).map(|s| s.id.clone()).collect();
    assert_eq!(logged, acknowledged);
    assert_eq!(house.rows(), oracle(&log, &pushes));
    let mentioned: usize = log.iter().map(|entry| entry.adds.len()).sum();
    assert_eq!(house.data_files().len(), mentioned, "refused files are gone");
    let state = house.context.state().clone();
    let fresh = House::open(&house.killed(), sliced).await.unwrap();
    assert_eq!(*fresh.context.state(), state);
    let replayed = fresh.projected.lock().unwrap().clone();
    let shown = |commit: &Projected| {
        let records: Vec<_> = commit.records().collect();
        (commit.log_version, records, commit.superseded.clone())
    };
    let from_scratch = replayed.iter().skip(1).map(shown);
    assert!(from_scratch.eq(projected.iter().map(shown)), "projection from scratch = incremental one");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_acknowledged_is_what_the_log_replays(
        pushes in any_pushes(), at_once in 1..8_usize, sliced in prop::bool::weighted(0.8),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(story(pushes, at_once, sliced));
    }
}
