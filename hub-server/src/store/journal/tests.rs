use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::record::{FRAME_BYTES, encode};
use super::replay::read_record;
use super::{Journal, NewFile, PutFault, segment_path};
use crate::store::StoreError;
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{Disk, exists, read_all};
use crate::store::log::tests::commit_of;

const ROOT: &str = "/hub";

/// A disk with the folders of a table.
fn disk() -> SimDisk {
    let disk = SimDisk::new();
    for folder in ["tables/t/d", "tables/t/_delta_log"] {
        disk.make_dir(&Path::new(ROOT).join(folder)).unwrap();
    }
    disk
}

fn open(disk: &SimDisk) -> Result<Journal, StoreError> {
    open_with(disk, 1 << 20)
}

fn open_with(disk: &SimDisk, segment_bytes: u64) -> Result<Journal, StoreError> {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    Journal::open_with(&shared, Path::new(ROOT), segment_bytes)
}

/// Paths and bytes of a put: a data file, and the log version that names it.
#[derive(Debug, Clone)]
struct Commit {
    data: (String, Vec<u8>),
    log: (String, Vec<u8>),
}

fn commit(version: u64, commit: &str) -> Commit {
    Commit {
        data: (format!("tables/t/d/{commit}.parquet"), commit.repeat(40).into_bytes()),
        log: (format!("tables/t/_delta_log/{version:020}.json"), commit_of(commit)),
    }
}

impl Commit {
    fn put(&self, journal: &Journal) -> Result<(), PutFault> {
        let file = |(path, bytes): &'_ (String, Vec<u8>)| (path.clone(), bytes.clone());
        let (data, log) = (file(&self.data), file(&self.log));
        let new = [NewFile { path: &data.0, bytes: &data.1 }];
        journal.put(&new, NewFile { path: &log.0, bytes: &log.1 })
    }

    /// Whether all of it is on the disk; half of it may not be.
    fn is_there(&self, disk: &SimDisk, what: &str) -> bool {
        let there = |(path, bytes): &(String, Vec<u8>)| {
            read_all(disk, &Path::new(ROOT).join(path)).is_ok_and(|found| found == *bytes)
        };
        let (data, log) = (there(&self.data), there(&self.log));
        assert!(data || !log, "{what}: a log version without its data file");
        log
    }
}

fn segments(disk: &SimDisk) -> Vec<String> {
    disk.list(&Path::new(ROOT).join("journal")).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn every_power_cut_keeps_what_was_put_and_leaves_nothing_half() {
    let commits: Vec<Commit> = (1..=4).map(|version| commit(version, &format!("c{version}"))).collect();
    let run = |disk: &SimDisk| -> Vec<bool> {
        let Ok(journal) = open(disk) else { return vec![false; commits.len()] };
        commits.iter().map(|commit| commit.put(&journal).is_ok()).collect()
    };
    let whole = disk();
    let opened = whole.operations();
    assert_eq!(run(&whole), [true; 4]);
    assert!(whole.operations() > opened + 20);
    for cut in opened..=whole.operations() {
        let disk = disk();
        disk.cut_after(cut);
        let done = run(&disk);
        for seed in [0, 1, 2, 3, 4, 5, u64::MAX] {
            let what = format!("cut {cut}, seed {seed}");
            let after = disk.after_power_loss(seed);
            open(&after).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(segments(&after).is_empty(), "{what}: the journal is empty after a start");
            let lasting = after.after_power_loss(0);
            let mut there = Vec::new();
            for (commit, done) in commits.iter().zip(&done) {
                there.push(commit.is_there(&after, &what));
                assert!(there.last() == Some(&true) || !done, "{what}: {commit:?} was put");
                assert_eq!(commit.is_there(&lasting, &what), there[there.len() - 1], "{what}: durable");
            }
            assert!(there.is_sorted_by(|a, b| a >= b), "{what}: {there:?} in order");
        }
    }
}

/// A put that is refused leaves nothing, neither now nor after a start; one that may have happened says so.
#[test]
fn a_fault_of_each_call_is_told_as_what_it_is() {
    let mut told = BTreeMap::new();
    for op in [Op::Create, Op::Append, Op::SyncFile, Op::SyncDir, Op::Rename, Op::Truncate, Op::Remove] {
        for after_effect in [false, true] {
            for skip in 0..4 {
                let disk = disk();
                let journal = open(&disk).unwrap();
                commit(1, "before").put(&journal).unwrap();
                let fault =
                    |op, skip| Fault { op, path: String::new(), skip, error: ErrorKind::Other, after_effect };
                disk.fail(fault(op, skip));
                if op == Op::Truncate {
                    disk.fail(Fault { after_effect: false, ..fault(Op::Rename, 0) });
                }
                let hurt = commit(2, "hurt");
                let put = hurt.put(&journal);
                let what = format!("{op:?} {after_effect} {skip}: {put:?}");
                let now = hurt.is_there(&disk, &what);
                let powerless = disk.after_power_loss(0);
                open(&powerless).unwrap();
                assert!(commit(1, "before").is_there(&powerless, &what), "{what}");
                let later = hurt.is_there(&powerless, &what);
                match &put {
                    Ok(()) => assert!(now && later, "{what}"),
                    Err(PutFault::NotDone(_)) => assert!(!now && !later, "{what}"),
                    Err(PutFault::Unknown(_)) => {}
                }
                *told
                    .entry(match put {
                        Ok(()) => "done",
                        Err(PutFault::NotDone(_)) => "not done",
                        Err(PutFault::Unknown(_)) => "unknown",
                    })
                    .or_insert(0) += 1;
                // Sent again it is done, whatever came before.
                let disk = disk.killed();
                let journal = open(&disk).unwrap();
                hurt.put(&journal).unwrap_or_else(|error| panic!("{what}, then {error:?}"));
                assert!(hurt.is_there(&disk.after_power_loss(u64::MAX), &what));
            }
        }
    }
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), ["done", "not done", "unknown"], "{told:?}");
}

/// A record that cannot be cut off keeps later puts out until it can: a start would believe it.
#[test]
fn nothing_is_put_over_a_record_that_was_not_cut_off() {
    let disk = disk();
    let journal = open(&disk).unwrap();
    let fault = |op| Fault { op, path: String::new(), skip: 0, error: ErrorKind::Other, after_effect: false };
    disk.fail(fault(Op::Rename));
    disk.fail(fault(Op::Truncate));
    let (given_up, other) = (commit(1, "given-up"), commit(1, "other"));
    assert!(matches!(given_up.put(&journal), Err(PutFault::Unknown(_))));
    disk.fail(fault(Op::Truncate));
    assert!(matches!(other.put(&journal), Err(PutFault::NotDone(_))), "not before it is cut off");
    other.put(&journal).unwrap();
    for seed in [0, 1, 2, 3, u64::MAX] {
        let after = disk.after_power_loss(seed);
        open(&after).unwrap();
        assert!(other.is_there(&after, "acknowledged") && !given_up.is_there(&after, "given up"), "{seed}");
    }
}

#[test]
fn puts_that_fail_leave_few_segments() {
    let disk = disk();
    let journal = open(&disk).unwrap();
    commit(1, "theirs").put(&journal).unwrap();
    for number in 0..100 {
        assert!(commit(1, &format!("ours{number}")).put(&journal).is_err());
    }
    drop(journal);
    assert!(segments(&disk).len() < 100, "{:?}", segments(&disk));
    open(&disk.killed()).unwrap();
    assert!(commit(1, "theirs").is_there(&disk, "theirs"));
}

#[test]
fn a_name_that_another_has_refuses_the_put_and_stays_anothers() {
    let disk = disk();
    let journal = open(&disk).unwrap();
    commit(1, "theirs").put(&journal).unwrap();
    let ours = commit(1, "ours");
    assert!(matches!(ours.put(&journal), Err(PutFault::NotDone(_))));
    assert!(!exists(&disk, &Path::new(ROOT).join(&ours.data.0)).unwrap(), "nothing is left behind");
    commit(2, "next").put(&journal).unwrap();
    let after = disk.after_power_loss(0);
    open(&after).unwrap();
    assert!(commit(1, "theirs").is_there(&after, "") && commit(2, "next").is_there(&after, ""));
    assert!(!exists(&after, &Path::new(ROOT).join(&ours.data.0)).unwrap());
}

#[test]
fn full_segments_are_settled_while_puts_go_on() {
    let disk = disk();
    let journal = open_with(&disk, 400).unwrap();
    let commits: Vec<Commit> = (1..=20).map(|version| commit(version, &format!("c{version}"))).collect();
    commits.iter().for_each(|commit| commit.put(&journal).unwrap());
    while segments(&disk).len() > 1 {
        std::thread::yield_now();
    }
    drop(journal);
    // Without a replay, and nothing unsynced survives: what was settled is durable where it is.
    let bare = disk.after_power_loss(0);
    assert!(commits[..18].iter().all(|commit| commit.is_there(&bare, "settled")));
    open(&bare).unwrap();
    assert!(commits.iter().all(|commit| commit.is_there(&bare, "replayed")));
}

/// What is to be moved away is settled first, so that no start brings it back.
#[test]
fn what_was_settled_is_durable_and_never_made_again() {
    let disk = disk();
    let journal = open(&disk).unwrap();
    let (first, second) = (commit(1, "first"), commit(2, "second"));
    first.put(&journal).unwrap();
    journal.settle().unwrap();
    assert_eq!(segments(&disk), Vec::<String>::new());
    assert!(first.is_there(&disk.after_power_loss(0), "without a replay"));
    disk.remove(&Path::new(ROOT).join(&first.log.0)).unwrap();
    second.put(&journal).unwrap();
    journal.settle().unwrap();
    journal.settle().unwrap();
    for seed in [0, 1, 2, u64::MAX] {
        let after = disk.after_power_loss(seed);
        open(&after).unwrap();
        assert!(second.is_there(&after, "settled"));
        let moved = exists(&after, &Path::new(ROOT).join(&first.log.0)).unwrap();
        assert!(!moved, "seed {seed}: the removal was durable with the next settling");
    }
}

#[test]
fn a_settling_that_failed_is_told_until_the_next_start() {
    for op in [Op::SyncFile, Op::SyncDir, Op::Remove] {
        let disk = disk();
        let journal = open(&disk).unwrap();
        commit(1, "c1").put(&journal).unwrap();
        disk.fail(Fault { op, path: String::new(), skip: 0, error: ErrorKind::Other, after_effect: false });
        let error = journal.settle().unwrap_err().to_string();
        assert!(error.contains("start the server again"), "{op:?}: {error}");
        commit(2, "c2").put(&journal).unwrap();
        assert!(journal.settle().is_err(), "{op:?}: its records are still there");
        drop(journal);
        let journal = open(&disk.killed()).unwrap();
        journal.settle().unwrap();
    }
}

#[test]
fn a_damaged_record_is_told_and_a_torn_last_one_is_not_missed() {
    let path = segment_path(&Path::new(ROOT).join("journal"), 0);
    let filled = || {
        let disk = disk();
        let journal = open(&disk).unwrap();
        (1..=3).for_each(|version| commit(version, &format!("c{version}")).put(&journal).unwrap());
        disk
    };
    let disk = filled();
    disk.flip(&path, FRAME_BYTES + 20);
    let error = open(&disk).unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt);
    assert!(error.to_string().contains("damaged"), "{error}");
    let disk = filled();
    let bytes = disk.info(&path).unwrap().bytes;
    disk.truncate(&path, bytes - 5).unwrap();
    open(&disk).unwrap();
    assert!(segments(&disk).is_empty());
}

#[test]
fn a_record_never_leads_out_of_the_data_folder() {
    let disk = disk();
    let journal = open(&disk).unwrap();
    let outside = NewFile { path: "tables/../../etc/passwd", bytes: b"x" };
    let _no_such_folder =
        journal.put(&[outside], NewFile { path: "tables/t/_delta_log/1.json", bytes: b"{}" });
    let path = segment_path(&Path::new(ROOT).join("journal"), 7);
    let mut file = disk.create(&path).unwrap();
    file.append(&encode(&[outside], outside).unwrap()).unwrap();
    drop(journal);
    let error = open(&disk).unwrap_err();
    assert!(error.to_string().contains("not in the data folder"), "{error}");
}

proptest! {
    #[test]
    fn records_are_read_as_they_were_written(
        files in prop::collection::vec(("[a-z/]{1,20}", prop::collection::vec(any::<u8>(), 0..50)), 1..5),
        flipped in any::<prop::sample::Index>(),
    ) {
        let new: Vec<NewFile<'_>> = files.iter().map(|(path, bytes)| NewFile { path, bytes }).collect();
        let (last, others) = new.split_last().unwrap();
        let bytes = encode(others, *last).unwrap();
        let disk = disk();
        let path = Path::new(ROOT).join("record");
        disk.create(&path).unwrap().append(&bytes).unwrap();
        let read_back = || {
            let file = disk.open(&path).unwrap();
            read_record(file.as_ref(), 0, file.bytes().unwrap()).unwrap()
        };
        let (record, end) = read_back().unwrap();
        prop_assert_eq!(end, bytes.len() as u64);
        let read: Vec<(PathBuf, Vec<u8>)> =
            record.files().map(|file| (file.path.into(), file.bytes.to_vec())).collect();
        let written: Vec<(PathBuf, Vec<u8>)> =
            files.iter().map(|(path, bytes)| (path.into(), bytes.clone())).collect();
        prop_assert_eq!(read, written);
        disk.flip(&path, flipped.index(bytes.len()));
        prop_assert!(read_back().is_none());
    }
}
