//! The power is cut after every call that changes the disk, and nothing, all or a part of what was not
//! synced survives: what was acknowledged is there exactly once, what was not is there wholly or not.

use std::collections::BTreeSet;
use std::time::Duration;

use super::harness::{House, Push, oracle, push};
use crate::commit::prepare::prepare;
use crate::config::limits::OPEN_VERSION_ROWS;
use crate::store::disk::sim::SimDisk;

/// A script of groups: appends, a shared file, corrections of it, a big job, nothing to report.
fn script() -> Vec<Vec<Push>> {
    vec![
        vec![push(1, "a", &[("u1", 2), ("u2", 1)]), push(2, "b", &[("u1", 1), ("u3", 2)])],
        vec![push(3, "c", &[("u1", 1)])],
        vec![push(4, "a", &[("u2", 3)]), push(5, "b", &[("u3", 1)])],
        vec![Push { big: true, ..push(6, "b", &[("u1", 4), ("u4", 2)]) }],
        vec![Push { nothing: true, confirm: true, units: Default::default(), ..push(7, "c", &[]) }],
        vec![Push { replace_all: true, confirm: true, ..push(8, "a", &[("u1", 1)]) }],
    ]
}

/// Runs the script until the power goes. Returns the ids of the acknowledged pushes.
async fn run(house: &House, (window, rows): (Duration, usize)) -> BTreeSet<String> {
    let Ok(putter) = house.putter_with(window) else { return BTreeSet::new() };
    let mut putter = putter.bounded(rows);
    let mut acknowledged = BTreeSet::new();
    for group in script() {
        let (mut items, mut answers) = (Vec::new(), Vec::new());
        for push in &group {
            // A big push writes its files by itself, which the cut may forbid.
            let Ok((item, answer)) = house.try_item(push).await else { return acknowledged };
            items.push(item);
            answers.push((push.id.clone(), answer));
        }
        tokio::task::block_in_place(|| {
            let end = putter.commit(items, None);
            if !end.back.is_empty() {
                let prepared = prepare(&house.context, end.back);
                assert!(putter.commit(Vec::new(), prepared).back.is_empty());
            }
        });
        for (id, answer) in answers {
            if answer.await.unwrap().is_ok() {
                acknowledged.insert(id);
            }
        }
    }
    acknowledged
}

async fn check(disk: SimDisk, acknowledged: &BTreeSet<String>, what: &str) {
    let house = House::open(&disk, true).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    // It takes up what was acknowledged ahead of the log.
    house.putter_with(Duration::ZERO).unwrap_or_else(|error| panic!("{what}: {error}"));
    let log = house.log();
    let ids: Vec<String> = log
        .iter()
        .flat_map(|entry| &entry.info.submissions)
        .map(|submission| submission.id.clone())
        .collect();
    let unique: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), unique.len(), "{what}: exactly once");
    assert!(acknowledged.is_subset(&unique), "{what}: {acknowledged:?} of {unique:?}");
    let pushes: Vec<Push> = script().concat();
    assert_eq!(house.rows(), oracle(&log, &pushes), "{what}: whole or absent");
    let mentioned: usize = log.iter().map(|entry| entry.adds.len()).sum();
    assert_eq!(house.data_files().len(), mentioned, "{what}: staged files are swept");
    // What is shown after the start is durable, so that it may be answered to a repeated request.
    let again = House::open(&house.disk.after_power_loss(0), true).await.unwrap();
    assert_eq!(again.rows(), house.rows(), "{what}: durable once shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cut_keeps_what_was_acknowledged() {
    cut_everywhere((Duration::ZERO, OPEN_VERSION_ROWS)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cut_keeps_what_was_acknowledged_ahead_of_the_log() {
    cut_everywhere((Duration::from_secs(3_600), OPEN_VERSION_ROWS)).await;
}

/// The first group fills a version, which is encoded while the next one takes submissions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cut_keeps_what_was_acknowledged_in_a_full_version_and_the_next() {
    cut_everywhere((Duration::from_secs(3_600), 6)).await;
}

async fn cut_everywhere(window: (Duration, usize)) {
    let whole = SimDisk::new();
    let house = House::open(&whole, true).await.unwrap();
    let opened = whole.operations();
    let all = run(&house, window).await;
    assert_eq!(all.len(), script().concat().len(), "without a cut all is acknowledged");
    let operations = whole.operations();
    assert!(operations > opened + 50, "{operations}");
    for cut in opened..=operations {
        let disk = SimDisk::new();
        let house = House::open(&disk, true).await.unwrap();
        disk.cut_after(cut);
        let acknowledged = run(&house, window).await;
        for seed in [0, 1, 2, 3, u64::MAX] {
            check(disk.after_power_loss(seed), &acknowledged, &format!("cut {cut}, seed {seed}")).await;
        }
    }
}
