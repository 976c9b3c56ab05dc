//! Compaction, checkpoint and archive beside appends and corrections: in all orders the rows are those of
//! the pushes, now and at each earlier version, and which files are merged follows from their lengths.

use std::sync::Arc;

use chrono::NaiveDate;

use super::harness::{House, Push, blocking, commit, oracle, orders, push};
use crate::commit::compact::{Compacted, Stop, choose};
use crate::commit::merge::merge;
use crate::commit::prepare::{Prepared, prepare};
use crate::commit::put::{GroupEnd, Putter};
use crate::store::disk::sim::SimDisk;
use crate::store::index::DataFile;
use crate::store::log::OPTIMIZE;

/// What goes on at once; each takes its steps in order.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Prepared, then committed.
    Correction(usize),
    /// Committed.
    Append(usize),
    /// Made, then put.
    Compaction,
    /// A checkpoint, and all log versions before it into the archive.
    Keeping,
}

impl Work {
    fn steps(self) -> u8 {
        if matches!(self, Self::Append(_) | Self::Keeping) { 1 } else { 2 }
    }
}

/// All orders of the steps of the works, each as the works' numbers.
fn schedules(works: &[Work]) -> Vec<Vec<usize>> {
    orders(works.iter().map(|work| work.steps()).collect())
}

async fn append(house: &House, putter: &mut Putter, pushes: &[Push]) {
    let mut items = Vec::new();
    for push in pushes {
        items.push(house.item(push).await.0);
    }
    commit(house, putter, items, None);
}

/// All live files as one.
fn make(house: &House) -> Option<Compacted> {
    let inputs: Vec<Arc<DataFile>> =
        house.context.files.table().snapshot().files.iter().map(Arc::clone).collect();
    let output = blocking(|| merge(&house.context.files, &inputs, &Stop::default())).unwrap();
    output.map(|output| Compacted { inputs, output: Arc::new(output) })
}

#[derive(Default)]
struct Begun {
    prepared: Vec<(usize, Option<Prepared>)>,
    compacted: Option<Compacted>,
}

async fn step(house: &House, putter: &mut Putter, work: Work, later: &[Push], begun: &mut Begun) {
    match work {
        Work::Append(at) => append(house, putter, &later[at..=at]).await,
        Work::Correction(at) => match begun.prepared.iter().position(|(of, _)| *of == at) {
            None => {
                let item = house.item(&later[at]).await.0;
                begun.prepared.push((at, blocking(|| prepare(&house.context, vec![item]))));
            }
            Some(place) => {
                let prepared = begun.prepared.swap_remove(place).1;
                commit(house, putter, Vec::new(), prepared);
            }
        },
        Work::Compaction => match begun.compacted.take() {
            None => begun.compacted = make(house),
            Some(compacted) => blocking(|| putter.compact(compacted, &mut GroupEnd::default())),
        },
        Work::Keeping => blocking(|| house.keep_log()),
    }
}

async fn run(schedule: &[usize], works: &[Work], later: &[Push], sliced: bool) {
    let house = House::open(&SimDisk::new(), sliced).await.unwrap();
    let mut putter = house.putter();
    let first = [
        push(1, "a", &[("u1", 3), ("u2", 2)]),
        push(2, "b", &[("u1", 1), ("u2", 2), ("u3", 1)]),
        push(3, "c", &[("u1", 2)]),
    ];
    append(&house, &mut putter, &first[..2]).await;
    append(&house, &mut putter, &first[2..]).await;
    let mut begun = Begun::default();
    for at in schedule {
        step(&house, &mut putter, works[*at], later, &mut begun).await;
    }
    let log = house.log();
    let pushes = [&first, later].concat();
    assert_eq!(house.rows(), oracle(&log, &pushes), "{schedule:?}");
    for version in 0..log.len() {
        let at_the_time = oracle(&log[..=version], &pushes);
        assert_eq!(house.rows_at(version as u64), at_the_time, "{schedule:?}: version {version}");
    }
    let versions = log.iter().filter(|entry| !entry.info.submissions.is_empty()).count() as u64;
    assert_eq!(house.context.files.table().snapshot().dataset_version, versions, "{schedule:?}");
    let mentioned: usize = log.iter().map(|entry| entry.adds.len()).sum();
    assert_eq!(house.data_files().len(), mentioned, "what lost a race is gone: {schedule:?}");
    let fresh = House::open(&house.disk.killed(), sliced).await.unwrap();
    assert_eq!(*fresh.context.state(), *house.context.state(), "replayed state = state");
    assert_eq!(fresh.rows(), house.rows());
    for version in 0..log.len() as u64 {
        assert_eq!(fresh.rows_at(version), house.rows_at(version), "{schedule:?}: version {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_corrections_an_append_and_a_compaction_in_all_orders() {
    let later =
        [push(4, "a", &[("u1", 1)]), push(5, "b", &[("u2", 4), ("u4", 1)]), push(6, "d", &[("u1", 2)])];
    let works = [Work::Correction(0), Work::Correction(1), Work::Append(2), Work::Compaction];
    let all = schedules(&works);
    assert_eq!(all.len(), 630);
    for schedule in all {
        run(&schedule, &works, &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_compactions_and_a_correction_of_a_whole_report_in_all_orders() {
    let later = [push(4, "a", &[("u1", 1)])];
    let works = [Work::Correction(0), Work::Compaction, Work::Compaction];
    for schedule in schedules(&works) {
        run(&schedule, &works, &later, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_corrections_compactions_and_archives_in_all_orders() {
    let later = [push(4, "a", &[("u1", 1)]), push(5, "d", &[("u1", 2)])];
    let works = [Work::Correction(0), Work::Append(1), Work::Compaction, Work::Keeping, Work::Keeping];
    let all = schedules(&works);
    assert_eq!(all.len(), 1_260);
    for schedule in all {
        run(&schedule, &works, &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_committer_merges_what_many_small_pushes_left() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task) = house.committer();
    let pushes: Vec<Push> = (1..=200).map(|seq| push(seq, &format!("p{seq:03}"), &[("u1", 2)])).collect();
    for push in &pushes {
        house.send(&queue, push).await.unwrap();
    }
    // The last merges end behind the last push.
    while house.context.files.table().snapshot().files.len() >= 100 {
        tokio::task::yield_now().await;
    }
    drop(queue);
    task.await.unwrap();
    let log = house.log();
    assert!(log.iter().any(|entry| entry.info.operation == OPTIMIZE));
    assert_eq!(house.rows(), oracle(&log, &pushes));
    let merged = log.iter().filter(|entry| entry.info.operation == OPTIMIZE);
    for file in merged.flat_map(|entry| &entry.adds) {
        assert!(file.publishers.is_sorted() && file.rows == 2 * file.publishers.len() as u64);
    }
}

fn files(count: usize, bytes: u64, partition: &str) -> Vec<Arc<DataFile>> {
    let file = |at| DataFile {
        path: format!("d/{partition}-{bytes}-{at}.parquet"),
        bytes,
        rows: 1,
        sha256: String::new(),
        blocks: Default::default(),
        partition: partition.to_owned(),
        seqs: Vec::new(),
        publishers: Vec::new(),
        publisher_rows: Vec::new(),
        stats: std::collections::BTreeMap::new(),
    };
    (0..count).map(|at| Arc::new(file(at))).collect()
}

#[test]
fn lengths_and_periods_decide_what_is_merged() {
    let today = NaiveDate::from_ymd_opt(2023, 1, 10).unwrap();
    let choose = |of: &[Vec<Arc<DataFile>>], calm| choose(of.concat().iter(), today, calm).map(|f| f.len());
    let chosen = |of: &[Vec<Arc<DataFile>>]| choose(of, true);
    let open = "2022-12-31";
    assert_eq!(chosen(&[files(63, 10_000, open)]), None, "too few");
    assert_eq!(chosen(&[files(64, 10_000, open)]), Some(64));
    assert_eq!(chosen(&[files(400, 10_000, open)]), Some(256), "a bound for one merge");
    assert_eq!(chosen(&[files(40, 10_000, open), files(40, 10_000, "2022-Q4")]), None, "periods stay apart");
    assert_eq!(chosen(&[files(63, 10_000, open), files(8, 1 << 20, open)]), None, "so do tiers");
    assert_eq!(chosen(&[files(9, 1 << 20, open)]), Some(9));
    assert_eq!(chosen(&[files(20, 9 << 20, open)]), None, "long enough while the period is open");
    let closed = "2021-12-31";
    assert_eq!(chosen(&[files(20, 9 << 20, closed)]), Some(14), "128 MiB of a closed one");
    assert_eq!(chosen(&[files(1, 9 << 20, closed)]), None);
    assert_eq!(choose(&[files(20, 9 << 20, closed)], false), None, "a closed one that still gets reports");
    assert_eq!(choose(&[files(70, 9_000, closed), files(1, 1 << 20, closed)], false), Some(70));
    assert_eq!(chosen(&[files(1, 60 << 20, closed), files(1, 5_000, closed)]), None, "a late correction");
}
