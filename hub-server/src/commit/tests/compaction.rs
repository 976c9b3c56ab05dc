//! Compaction, checkpoint, archive and vacuum beside appends and corrections: in all orders the rows are those
//! of the pushes, now and at each earlier version, and which files are merged follows from their lengths.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::NaiveDate;

use super::harness::{House, Push, oracle, push};
use super::works::{Course, Work, schedules};
use crate::commit::compact::choose;
use crate::store::disk::sim::SimDisk;
use crate::store::index::DataFile;
use crate::store::log::OPTIMIZE;

async fn run(schedule: &[usize], works: &[Work], later: &[Push], sliced: bool) {
    let first = [
        push(1, "a", &[("u1", 3), ("u2", 2)]),
        push(2, "b", &[("u1", 1), ("u2", 2), ("u3", 1)]),
        push(3, "c", &[("u1", 2)]),
    ];
    run_from(&first, schedule, works, later, sliced).await;
}

/// The first two pushes share a file.
async fn run_from(first: &[Push], schedule: &[usize], works: &[Work], later: &[Push], sliced: bool) {
    let mut course = Course::new(sliced, later).await;
    course.commit(&first[..2]).await;
    course.commit(&first[2..]).await;
    for at in schedule {
        course.step(works[*at]).await;
    }
    let (pushes, what) = ([first, later].concat(), format!("{schedule:?}"));
    course.assert_whole(&pushes, sliced, &what).await;
    if works.iter().any(|work| matches!(work, Work::Vacuum)) {
        course.step(Work::Vacuum).await;
        course.step(Work::Keeping).await;
        course.assert_whole(&pushes, sliced, &format!("{what}, then a vacuum")).await;
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
    assert_eq!(all.len(), 630);
    for schedule in all {
        run(&schedule, &works, &later, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_corrections_compactions_and_vacuums_in_all_orders() {
    let later = [push(4, "a", &[("u1", 1)]), push(5, "d", &[("u1", 2)])];
    let works = [Work::Correction(0), Work::Append(1), Work::Compaction, Work::Vacuum, Work::Vacuum];
    let all = schedules(&works);
    assert_eq!(all.len(), 630);
    for schedule in all {
        run(&schedule, &works, &later, true).await;
    }
}

/// A report of several files, whose submission several inputs of a merge share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_of_a_report_of_several_files_and_vacuums_in_all_orders() {
    let big = |seq, units: &[(&str, u64)]| Push { big: true, ..push(seq, "a", units) };
    let first = [push(1, "b", &[("u1", 1)]), push(2, "c", &[("u1", 1)]), big(3, &[("u1", 2), ("u2", 1)])];
    let later = [push(4, "a", &[("u1", 1)])];
    let works = [Work::Correction(0), Work::Compaction, Work::Compaction, Work::Vacuum];
    let all = schedules(&works);
    assert_eq!(all.len(), 105);
    for schedule in all {
        run_from(&first, &schedule, &works, &later, true).await;
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

/// A week after a merge the files that went into it go, and no earlier state misses them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_committer_removes_what_its_merges_left() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    // Behind the time at which the table was made, which is the machine's.
    house.clock.0.store(4_000_000_000_000_000, Ordering::SeqCst);
    let (queue, task) = house.committer();
    let pushes: Vec<Push> = (1..=200).map(|seq| push(seq, &format!("p{seq:03}"), &[("u1", 2)])).collect();
    for push in &pushes[..100] {
        house.send(&queue, push).await.unwrap();
    }
    while house.context.files.table().snapshot().files.len() >= 64 {
        tokio::task::yield_now().await;
    }
    let there = house.data_files().len();
    assert!(there > 100, "what was merged stays for a while: {there}");
    house.clock.0.fetch_add(8 * 86_400_000_000, Ordering::SeqCst);
    for push in &pushes[100..] {
        house.send(&queue, push).await.unwrap();
    }
    while house.data_files().len() > 100 + there - 60 {
        tokio::task::yield_now().await;
    }
    drop(queue);
    task.await.unwrap();
    let log = house.log();
    for version in (0..log.len()).step_by(17) {
        assert_eq!(house.rows_at(version as u64), oracle(&log[..=version], &pushes), "version {version}");
    }
}

fn files(count: usize, bytes: u64, partition: &str) -> Vec<Arc<DataFile>> {
    let file = |at| DataFile {
        path: format!("d/{partition}-{bytes}-{at}.parquet"),
        bytes,
        rows: 1,
        sha256: String::new(),
        blocks: Default::default(),
        partition: partition.into(),
        seqs: Vec::new(),
        publishers: Vec::new(),
        publisher_rows: Vec::new(),
        partial: false,
        stats: Default::default(),
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
