//! Checkpoint and archive: whatever is kept short when, and cut off where, every log version is there once
//! and byte for byte, every state is what it was, and other engines find their way in.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use bytes::Bytes;
use chrono::TimeDelta;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::history::many;
use super::{ROOT, data_file, entry, log_path, open, paths, start};
use crate::store::StoreError;
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{self, Disk, exists, read_all};
use crate::store::log::{self, Entry, checkpoint};
use crate::store::table::{AsOf, LogLimits, Put, Table};

/// Small ones, so that few commits do all there is to do.
const OFTEN: LogLimits = LogLimits { checkpoint_versions: 2, margin_versions: 1 };

pub(super) fn keep(table: &Table, limits: LogLimits) -> Result<(), StoreError> {
    table.keep_log(limits, start(), &|| false)
}

fn folder(name: &str) -> PathBuf {
    Path::new(ROOT).join("tables/rb28s_v1").join(name)
}

pub(super) fn names(disk: &SimDisk, dir: &str) -> Vec<String> {
    disk.list(&folder(dir)).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// The commit `number`: adds a file, each second one removes the oldest live one.
pub(super) fn next(table: &Table, number: u64) -> Entry {
    let before = table.snapshot();
    let oldest: Vec<_> =
        before.files.iter().take(usize::from(number.is_multiple_of(2))).map(Arc::clone).collect();
    entry(&before, number, &oldest, vec![data_file(number)], number.is_multiple_of(5))
}

fn put(table: &Table, number: u64) -> Result<Entry, StoreError> {
    let entry = next(table, number);
    match table.put(number, &entry, &[])? {
        Put::Done => table.advance(number, &entry).map(|_| entry),
        other => panic!("{other:?}"),
    }
}

/// A table with so many commits, kept short after each.
fn filled(disk: &SimDisk, commits: u64, limits: LogLimits) -> (Table, Vec<Entry>) {
    let table = open(disk).unwrap();
    let mut log = vec![table.read(0).unwrap().unwrap()];
    for number in 1..=commits {
        log.push(put(&table, number).unwrap());
        keep(&table, limits).unwrap();
    }
    (table, log)
}

/// Live paths after each log version.
pub(super) fn states(log: &[Entry]) -> Vec<Vec<String>> {
    let mut live: Vec<String> = Vec::new();
    let after = |entry: &Entry| {
        live.retain(|path| !entry.removes.iter().any(|remove| remove.path == *path));
        live.extend(entry.adds.iter().map(|file| file.path.clone()));
        live.clone()
    };
    log.iter().map(after).collect()
}

fn text(batch: &arrow::array::RecordBatch, action: &str) -> Vec<String> {
    let action = batch.column_by_name(action).unwrap().as_struct();
    let paths = action.column_by_name("path").unwrap().as_string::<i32>();
    (0..action.len()).filter(|at| action.is_valid(*at)).map(|at| paths.value(at).to_owned()).collect()
}

/// Paths in a checkpoint: of its adds, of its removes.
fn checkpointed(disk: &SimDisk, version: u64) -> (Vec<String>, Vec<String>) {
    let path = folder(&format!("_delta_log/{version:020}.checkpoint.parquet"));
    let bytes = Bytes::from(read_all(disk, &path).unwrap());
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        adds.extend(text(&batch, "add"));
        removes.extend(text(&batch, "remove"));
    }
    (adds, removes)
}

/// The newest state as another engine finds it: the checkpoint of the hint, else the newest one, and the log
/// versions behind it.
fn outside(disk: &SimDisk) -> BTreeSet<String> {
    let log = names(disk, "_delta_log");
    let hint = read_all(disk, &folder("_delta_log/_last_checkpoint")).ok();
    let listed = log.iter().filter_map(|name| name.strip_suffix(".checkpoint.parquet")).next_back();
    let from =
        hint.map(|hint| checkpoint::hinted(&hint).unwrap()).or(listed.map(|name| name.parse().unwrap()));
    let mut live: BTreeSet<String> =
        from.map(|from| checkpointed(disk, from).0.into_iter().collect()).unwrap_or_default();
    let versions = log.iter().filter_map(|name| name.strip_suffix(".json")?.parse::<u64>().ok());
    let behind: Vec<u64> = versions.filter(|version| from.is_none_or(|from| *version > from)).collect();
    let first = from.map_or(0, |from| from + 1);
    assert!(behind.iter().copied().eq((first..).take(behind.len())), "{behind:?} behind {from:?}");
    for version in behind {
        let entry =
            log::parse("", &read_all(disk, &log_path(version)).unwrap(), Some(&super::columns())).unwrap();
        entry.removes.iter().for_each(|remove| assert!(live.remove(&remove.path)));
        live.extend(entry.adds.iter().map(|file| file.path.clone()));
    }
    live
}

/// Each log version is as it was put, in one place; each state is what it was; other engines see the newest.
fn assert_whole(disk: &SimDisk, table: &Table, log: &[Entry], what: &str) {
    let newest = table.snapshot().log_version;
    let log = &log[..=usize::try_from(newest).unwrap()];
    let archived = table.log.archived().end();
    for (version, entry) in (0..).zip(log) {
        assert_eq!(table.read(version).unwrap().as_ref(), Some(entry), "{what}: version {version}");
        assert_eq!(
            exists(disk, &log_path(version)).unwrap(),
            version >= archived,
            "{what}: version {version}"
        );
    }
    assert_eq!(table.read(newest + 1).unwrap(), None, "{what}");
    for (version, expected) in (0..).zip(states(log)) {
        let state = table.as_of(AsOf::LogVersion(version)).unwrap();
        assert_eq!(paths(&state), expected, "{what}: state of version {version}");
    }
    assert_eq!(outside(disk), paths(&table.snapshot()).into_iter().collect(), "{what}: other engines");
}

#[test]
fn a_log_is_kept_short_and_nothing_of_it_is_lost() {
    let disk = SimDisk::new();
    let (table, log) = filled(&disk, 21, OFTEN);
    assert_whole(&disk, &table, &log, "live");
    let packs = names(&disk, "_hub/log");
    assert_eq!(packs.len(), 10, "{packs:?}");
    assert_eq!(packs[1], "00000000000000000002-00000000000000000003.pack");
    let left = names(&disk, "_delta_log");
    let of = |ending: &str| left.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((of(".checkpoint.parquet"), of(".json"), left.len()), (1, 2, 4), "{left:?}");
    drop(table);
    let disk = disk.killed();
    let again = open(&disk).unwrap();
    assert_whole(&disk, &again, &log, "replayed");
    keep(&again, OFTEN).unwrap();
    assert_eq!(names(&disk, "_delta_log"), left, "nothing is due");
}

#[test]
fn a_margin_stays_for_engines_that_are_under_way() {
    let disk = SimDisk::new();
    let limits = LogLimits { checkpoint_versions: 3, margin_versions: 6 };
    let (table, log) = filled(&disk, 20, limits);
    assert_whole(&disk, &table, &log, "kept");
    let left = names(&disk, "_delta_log");
    for version in 12..=20_u64 {
        assert!(left.contains(&format!("{version:020}.json")), "{version} of {left:?}");
    }
    let checkpoints: Vec<&String> = left.iter().filter(|name| name.ends_with("parquet")).collect();
    assert_eq!(
        checkpoints,
        ["12", "15", "18"].map(|n| format!("{n:0>20}.checkpoint.parquet")).iter().collect::<Vec<_>>()
    );
    let all = LogLimits { margin_versions: u64::MAX, ..limits };
    let disk = SimDisk::new();
    filled(&disk, 20, all);
    assert_eq!(names(&disk, "_hub/log"), Vec::<String>::new(), "all is to stay");
}

#[test]
fn a_checkpoint_names_what_was_removed_lately() {
    let disk = SimDisk::new();
    let (table, log) = filled(&disk, 8, LogLimits { checkpoint_versions: 4, margin_versions: 100 });
    let removed: Vec<String> = log.iter().flat_map(|entry| &entry.removes).map(|r| r.path.clone()).collect();
    assert_eq!(checkpointed(&disk, 8), (states(&log)[8].clone(), removed.clone()), "those of version 4 too");
    // A week and four seconds on only the removals after the fourth second are young.
    for number in 9..=12 {
        put(&table, number).unwrap();
    }
    let later = start() + TimeDelta::days(7) + TimeDelta::seconds(4);
    table.keep_log(LogLimits { checkpoint_versions: 4, margin_versions: 100 }, later, &|| false).unwrap();
    let (_, young) = checkpointed(&disk, 12);
    assert_eq!(young[..2], removed[2..], "{young:?}");
    assert_eq!(young.len(), 4);
}

/// A stop ends the work between two packs, and the next time goes on.
#[test]
fn a_stop_leaves_whole_packs() {
    let disk = SimDisk::new();
    let (table, log) = filled(&disk, 12, LogLimits { checkpoint_versions: 100, margin_versions: 0 });
    let asked = std::cell::Cell::new(0);
    let after_two = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    table.keep_log(OFTEN, start(), &after_two).unwrap();
    assert_eq!(names(&disk, "_hub/log"), Vec::<String>::new(), "the newest is within the margin");
    let none = LogLimits { margin_versions: 0, ..OFTEN };
    table.keep_log(none, start(), &after_two).unwrap();
    assert_eq!(names(&disk, "_hub/log").len(), 2);
    assert_whole(&disk, &table, &log, "stopped");
    keep(&table, none).unwrap();
    assert_eq!(names(&disk, "_hub/log").len(), 6);
    assert_whole(&disk, &table, &log, "whole");
}

/// The power is cut after each change of the disk, at commits and at what keeps the log short.
#[test]
fn power_cuts_lose_and_double_nothing() {
    let whole = SimDisk::new();
    let (_, log) = filled(&whole, 9, OFTEN);
    let run = |disk: &SimDisk| -> u64 {
        let Ok(table) = open(disk) else { return 0 };
        for number in 1..=9 {
            let entry = next(&table, number);
            let Ok(Put::Done) = table.put(number, &entry, &[]) else { return number - 1 };
            table.advance(number, &entry).unwrap();
            if keep(&table, OFTEN).is_err() {
                return number;
            }
        }
        9
    };
    for cut in 0..=whole.operations() {
        let disk = SimDisk::new();
        disk.cut_after(cut);
        let acknowledged = run(&disk);
        for seed in [0, 1, 2, 3, 4, 5, u64::MAX] {
            let what = format!("cut {cut}, seed {seed}");
            let after = disk.after_power_loss(seed);
            let table = open(&after).unwrap_or_else(|error| panic!("{what}: {error}"));
            let newest = table.snapshot().log_version;
            assert!((acknowledged..=acknowledged + 1).contains(&newest), "{what}: {newest}");
            // Version 0 has an id of its own in each run.
            let mut log = log.clone();
            log[0] = table.read(0).unwrap().unwrap();
            assert_whole(&after, &table, &log, &what);
            // It goes on as if nothing had been, and what it shows is durable.
            for number in newest + 1..=9 {
                put(&table, number).unwrap();
                keep(&table, OFTEN).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            drop(table);
            let lasting = after.after_power_loss(0);
            let again = open(&lasting).unwrap_or_else(|error| panic!("{what}, then: {error}"));
            assert_eq!(again.snapshot().log_version, 9, "{what}");
            assert_whole(&lasting, &again, &log, &what);
        }
    }
}

/// A fault of each call is told, harms nothing, and the next time does the work or the next start.
#[test]
fn faults_of_the_disk_are_told_and_harm_nothing() {
    let mut told = 0;
    for op in [Op::Create, Op::Append, Op::SyncFile, Op::Rename, Op::Remove, Op::SyncDir] {
        for (after_effect, skip) in (0..12).flat_map(|skip| [(false, skip), (true, skip)]) {
            let disk = SimDisk::new();
            let (table, mut log) =
                filled(&disk, 6, LogLimits { checkpoint_versions: 100, margin_versions: 0 });
            disk.fail(Fault { op, path: String::new(), skip, error: ErrorKind::StorageFull, after_effect });
            let what = format!("{op:?} {after_effect} {skip}");
            let limits = LogLimits { margin_versions: 0, ..OFTEN };
            told += usize::from(keep(&table, limits).is_err());
            if disk.faults_left() > 0 {
                // There are fewer calls of this kind.
                continue;
            }
            for number in 7..=9 {
                log.push(put(&table, number).unwrap_or_else(|error| panic!("{what}: {error}")));
            }
            for (version, entry) in (0..).zip(&log) {
                assert_eq!(table.read(version).unwrap().as_ref(), Some(entry), "{what}: version {version}");
            }
            drop(table);
            let disk = disk.killed();
            let table = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            keep(&table, limits).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_whole(&disk, &table, &log, &what);
            assert!(names(&disk, "_hub/log").len() >= 3, "{what}");
        }
    }
    assert!(told > 40, "{told}");
}

#[test]
fn rot_and_gaps_of_the_archive_are_named() {
    let pack = |first: u64| folder(&format!("_hub/log/{first:020}-{:020}.pack", first + 1));
    let fresh = || {
        let disk = SimDisk::new();
        filled(&disk, 12, OFTEN);
        disk.killed()
    };
    let fails = |disk: &SimDisk, expected: &str| {
        let error = open(&disk.killed()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt);
    };
    let disk = fresh();
    let middle = usize::try_from(disk.info(&pack(4)).unwrap().bytes / 2).unwrap();
    disk.flip(&pack(4), middle);
    fails(&disk, "00000000000000000004-00000000000000000005.pack: ");
    let disk = fresh();
    disk.remove(&pack(4)).unwrap();
    fails(&disk, "00000000000000000004.json, line 1: this log version is missing");
    let disk = fresh();
    let other = read_all(&disk, &pack(6)).unwrap();
    disk.remove(&pack(4)).unwrap();
    disk::publish(&disk, &pack(4), &other).unwrap();
    fails(&disk, "holds other log versions than its name says");
    let disk = fresh();
    drop(disk.create(&folder("_hub/log/notes.txt")).unwrap());
    fails(&disk, "notes.txt: is not a pack");
    let disk = fresh();
    disk::publish(&disk, &log_path(3), b"{}\n").unwrap();
    fails(&disk, "the archive holds other bytes of this log version");
    let disk = fresh();
    for name in names(&disk, "_delta_log") {
        disk.remove(&folder("_delta_log").join(name)).unwrap();
    }
    fails(&disk, "this log version is missing");
}

/// A hint that lacks or that is behind is written anew.
#[test]
fn a_lost_hint_is_written_again() {
    let hint = folder("_delta_log/_last_checkpoint");
    let disk = SimDisk::new();
    filled(&disk, 12, OFTEN);
    let told = read_all(&disk, &hint).unwrap();
    assert_eq!(checkpoint::hinted(&told), Some(12));
    for lost in [None, Some(checkpoint::hint(10, 3)), Some(b"rot".to_vec())] {
        let disk = disk.killed();
        disk.remove(&hint).unwrap();
        if let Some(bytes) = lost {
            disk::publish(&disk, &hint, &bytes).unwrap();
        }
        let table = open(&disk).unwrap();
        keep(&table, OFTEN).unwrap();
        assert_eq!(read_all(&disk, &hint).unwrap(), told);
    }
}

/// Who reads while versions move finds each of them at every moment.
#[test]
fn readers_find_every_version_while_it_moves() {
    let disk = SimDisk::new();
    let (table, log) = many(&disk, 120, LogLimits { checkpoint_versions: 1_000, margin_versions: 0 });
    let limits = LogLimits { checkpoint_versions: 10, margin_versions: 0 };
    let moved = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        let read = threads.spawn(|| {
            let mut rounds = 0;
            while !moved.load(std::sync::atomic::Ordering::SeqCst) || rounds == 0 {
                for (version, entry) in (0..).zip(&log) {
                    assert_eq!(table.read(version).unwrap().as_ref(), Some(entry), "{version}");
                }
                rounds += 1;
            }
        });
        keep(&table, limits).unwrap();
        moved.store(true, std::sync::atomic::Ordering::SeqCst);
        read.join().unwrap();
    });
    assert_eq!(names(&disk, "_hub/log").len(), 12);
}
