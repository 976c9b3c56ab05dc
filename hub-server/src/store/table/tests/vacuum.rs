//! Vacuum: whatever goes when, and is cut off where, each state finds its rows once, and no file goes that
//! somebody reads or that is the only one with rows of a promised state.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hub_proto::Reason;

use super::keeping::keep;
use super::{ROOT, data_file, entry, open, paths, start};
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{Disk, exists};
use crate::store::file::HeldFile;
use crate::store::index::DataFile;
use crate::store::log::{CommitInfo, Entry, OPTIMIZE};
use crate::store::table::{AsOf, Keep, LogLimits, Put, Snapshot, Table, Vacuumed};
use crate::store::{StoreError, blocks, hex};

/// All states are promised, and nobody is at what left.
pub(super) const ALL: Keep = Keep { since: None, left_after: DateTime::<Utc>::MAX_UTC };
pub(super) const SHORT: LogLimits = LogLimits { checkpoint_versions: 2, margin_versions: 0 };

fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join("tables/rb28s_v1").join(name)
}

/// The file of a commit with bytes that are those of its entry: its number, ten times.
fn whole(file: &DataFile) -> HeldFile {
    use sha2::{Digest as _, Sha256};
    let bytes = vec![u8::try_from(file.rows).unwrap(); 10];
    let sha256 = hex(&Sha256::digest(&bytes));
    let blocks = blocks::Blocks::of(10, &sha256, None).unwrap();
    HeldFile { file: Arc::new(DataFile { sha256, blocks, ..file.clone() }), bytes }
}

/// Rows that a file stands for, by submission; a state holds each once.
fn rows(file: &DataFile) -> BTreeMap<i64, u64> {
    // File `n` of the tests has `n + 1` rows, all of submission `n`.
    file.seqs.iter().map(|seq| (*seq, u64::try_from(*seq).unwrap() + 1)).collect()
}

/// The rows of a state; each of its files must be there, and hold no more than it says.
pub(super) fn found(disk: &SimDisk, state: &Snapshot) -> BTreeMap<i64, u64> {
    let mut all = BTreeMap::new();
    for file in state.files.iter() {
        assert!(exists(disk, &path(&file.path)).unwrap(), "{} is gone", file.path);
        let own = rows(file);
        assert_eq!(own.values().sum::<u64>(), file.rows, "{file:?}");
        for (seq, rows) in own {
            assert_eq!(all.insert(seq, rows), None, "rows of {seq} are there twice");
        }
    }
    all
}

/// Versions 1 to 9: three files, two of them merged, one of the others corrected, the rest merged twice.
fn story(table: &Table, number: u64) -> (Entry, Vec<HeldFile>) {
    let before = table.snapshot();
    let live: Vec<Arc<DataFile>> = before.files.iter().map(Arc::clone).collect();
    let merge = |inputs: &[Arc<DataFile>]| {
        let seqs: BTreeSet<i64> = inputs.iter().flat_map(|file| file.seqs.iter().copied()).collect();
        let rows = inputs.iter().map(|file| file.rows).sum();
        let merged = DataFile { rows, seqs: seqs.into_iter().collect(), ..(*data_file(number)).clone() };
        let merged = whole(&DataFile { publisher_rows: vec![rows], ..merged });
        let info = entry(&before, number, &[], Vec::new(), true).info;
        let info = CommitInfo { operation: OPTIMIZE.into(), ..info };
        let removes = inputs.iter().map(|file| file.as_ref().into()).collect();
        (Entry { info, definition: None, removes, adds: vec![Arc::clone(&merged.file)] }, vec![merged])
    };
    let write = |removes: &[Arc<DataFile>]| {
        let new = whole(&data_file(number));
        (entry(&before, number, removes, vec![Arc::clone(&new.file)], false), vec![new])
    };
    match number {
        4 => merge(&live[..2]),
        // What was merged is corrected as a whole.
        6 => write(&live[1..2]),
        7 | 9 => merge(&live),
        _ => write(&[]),
    }
}

/// Log versions of the story's merges.
const MERGES: [u64; 3] = [4, 7, 9];
const LAST: u64 = 9;

fn put(table: &Table, number: u64) -> Result<(), StoreError> {
    let (entry, held) = story(table, number);
    match table.put(number, &entry, &held)? {
        Put::Done => table.advance(number, &entry).map(drop),
        Put::Unknown(error) => Err(error),
        Put::Taken(entry) => panic!("{entry:?}"),
    }
}

pub(super) fn told(disk: &SimDisk) -> Table {
    let table = open(disk).unwrap();
    (1..=LAST).for_each(|number| put(&table, number).unwrap());
    table
}

/// The rows after each log version, from files that are all there.
fn states() -> Vec<BTreeMap<i64, u64>> {
    let disk = SimDisk::new();
    let table = told(&disk);
    (0..=LAST).map(|version| found(&disk, &table.as_of(AsOf::LogVersion(version)).unwrap())).collect()
}

fn assert_states(disk: &SimDisk, table: &Table, states: &[BTreeMap<i64, u64>], what: &str) {
    for version in 0..=table.snapshot().log_version {
        let state = table.as_of(AsOf::LogVersion(version)).unwrap();
        let expected = &states[usize::try_from(version).unwrap()];
        assert_eq!(found(disk, &state), *expected, "{what}: version {version}");
    }
}

pub(super) fn vacuum(table: &Table, keep: Keep) -> Result<Vacuumed, StoreError> {
    table.vacuum(keep, &|| false)
}

fn files(disk: &SimDisk) -> Vec<String> {
    disk.list(&path("d")).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn merged_files_go_and_every_state_finds_its_rows() {
    let (disk, states) = (SimDisk::new(), states());
    let table = told(&disk);
    assert_states(&disk, &table, &states, "before");
    let before = files(&disk).len();
    let vacuumed = vacuum(&table, ALL).unwrap();
    assert_eq!(vacuumed, Vacuumed { files: 7, bytes: 70 });
    assert_eq!(files(&disk), ["4.parquet", "9.parquet"].map(str::to_owned), "{before} before");
    assert_states(&disk, &table, &states, "after");
    assert_eq!(vacuum(&table, ALL).unwrap(), Vacuumed::default(), "nothing is left to do");
    let state = table.as_of(AsOf::LogVersion(1)).unwrap();
    let home = state.files.iter().next().unwrap();
    assert!(home.partial && home.path == "d/4.parquet", "{home:?}");
    assert_eq!(
        (home.rows, home.publisher_rows.as_slice(), home.stats.iter().count()),
        (2, [2].as_slice(), 0)
    );
    drop(table);
    keep(&open(&disk.killed()).unwrap(), SHORT).unwrap();
    let disk = disk.killed();
    assert_states(&disk, &open(&disk).unwrap(), &states, "replayed");
    assert_eq!(files(&disk).len(), 2);
}

#[test]
fn files_that_left_lately_stay() {
    let (disk, states) = (SimDisk::new(), states());
    let table = told(&disk);
    let until = |second: i64| Keep { since: None, left_after: start() + TimeDelta::seconds(second) };
    assert_eq!(vacuum(&table, until(3)).unwrap().files, 0);
    assert_eq!(vacuum(&table, until(4)).unwrap().files, 2);
    assert_states(&disk, &table, &states, "one merge");
    assert_eq!(vacuum(&table, until(8)).unwrap().files, 3);
    assert_states(&disk, &table, &states, "two merges");
    assert_eq!(vacuum(&table, until(9)).unwrap().files, 2);
    assert_states(&disk, &table, &states, "three merges");
}

/// A stop ends a vacuum between two merges, and the next one goes on.
#[test]
fn a_stopped_vacuum_leaves_whole_merges() {
    let (disk, states) = (SimDisk::new(), states());
    let table = told(&disk);
    let asked = std::cell::Cell::new(0);
    let after_one = || asked.replace(asked.get() + 1) > 0;
    assert_eq!(table.vacuum(ALL, &after_one).unwrap().files, 2);
    assert_states(&disk, &table, &states, "stopped");
    assert_eq!(vacuum(&table, ALL).unwrap().files, 5);
}

#[test]
fn what_is_beyond_the_reach_goes_with_its_files() {
    let disk = SimDisk::new();
    let table = told(&disk);
    // Dataset versions 1, 2, 3, 4, 5, 6 are log versions 1, 2, 3, 5, 6, 8.
    let since = Some(start() + TimeDelta::seconds(7));
    let keep = Keep { since, left_after: DateTime::<Utc>::MAX_UTC };
    assert_eq!(table.oldest(None).unwrap().0, 1);
    assert_eq!(table.oldest(since).unwrap().0, 5);
    assert_eq!(vacuum(&table, keep).unwrap().files, 8);
    assert_eq!(files(&disk), ["9.parquet"].map(str::to_owned));
    for table in [&table, &open(&disk.killed()).unwrap()] {
        // However long a reach is set afterwards.
        assert_eq!(table.oldest(None).unwrap().0, 5);
        for gone in [AsOf::Version(4), AsOf::LogVersion(3), AsOf::Time(start() + TimeDelta::seconds(5))] {
            let error = table.promised(gone, None).unwrap_err();
            assert_eq!(error.reason(), Reason::HistoryExpired, "{error}");
            assert!(error.to_string().contains("is version 5 of"), "{error}");
        }
        assert_eq!(found(&disk, &table.promised(AsOf::Version(5), None).unwrap()).len(), 3);
        assert_eq!(table.versions(None, None, 100).unwrap().len(), 6, "what was is still listed");
        assert_eq!(table.versions(Some("a"), Some(3), 100).unwrap()[0].rows, 5);
    }
}

/// A cut stream goes on while its files are there in their order, and is told when they are not.
#[test]
fn a_session_goes_on_or_is_told() {
    let disk = SimDisk::new();
    let table = told(&disk);
    let pin = |version| {
        let state = table.as_of(AsOf::Version(version)).unwrap();
        (AsOf::Session { log_version: state.log_version, homes: state.homes, erased: 0 }, paths(&state))
    };
    let (second, third, newest) = (pin(2), pin(4), pin(6));
    let early = Keep { since: None, left_after: start() + TimeDelta::seconds(4) };
    vacuum(&table, early).unwrap();
    assert_eq!(paths(&table.as_of(third.0).unwrap()), third.1, "its files were made by that merge");
    let error = table.as_of(second.0).unwrap_err();
    assert_eq!(error.reason(), Reason::SessionExpired, "{error}");
    let again = pin(2);
    assert_eq!(again.1, ["d/4.parquet"]);
    vacuum(&table, ALL).unwrap();
    assert_eq!(paths(&table.as_of(again.0).unwrap()), again.1, "a later merge was not of its rows");
    assert_eq!(paths(&table.as_of(newest.0).unwrap()), newest.1);
}

#[test]
fn files_that_somebody_reads_stay() {
    let (disk, states) = (SimDisk::new(), states());
    let table = told(&disk);
    let reading = table.as_of(AsOf::LogVersion(3)).unwrap();
    assert_eq!(vacuum(&table, ALL).unwrap().files, 0);
    assert_eq!(found(&disk, &reading), states[3]);
    let later = table.as_of(AsOf::LogVersion(6)).unwrap();
    drop(reading);
    assert_eq!(vacuum(&table, ALL).unwrap().files, 2, "those of the first merge");
    assert_eq!(found(&disk, &later), states[6]);
    let home = table.as_of(AsOf::LogVersion(2)).unwrap();
    assert_eq!(paths(&home), ["d/4.parquet"]);
    drop(later);
    let all_but_the_newest = Keep { since: Some(DateTime::<Utc>::MAX_UTC), ..ALL };
    vacuum(&table, all_but_the_newest).unwrap();
    assert_eq!(found(&disk, &home), states[2], "the home of the old rows too");
    drop(home);
    vacuum(&table, all_but_the_newest).unwrap();
    assert_eq!(files(&disk), ["9.parquet"].map(str::to_owned));
}

/// What a damaged file was made of is the only whole copy of its rows.
#[test]
fn nothing_goes_for_a_file_that_is_damaged() {
    let (disk, states) = (SimDisk::new(), states());
    let table = told(&disk);
    disk.flip(&path("d/7.parquet"), 3);
    assert_eq!(vacuum(&table, ALL).unwrap().files, 2, "those of the merge before it");
    assert_states(&disk, &table, &states, "damaged");
    disk.flip(&path("d/7.parquet"), 3);
    assert_eq!(vacuum(&table, ALL).unwrap().files, 5);
}

#[test]
fn a_damaged_horizon_keeps_the_table_closed() {
    let disk = SimDisk::new();
    vacuum(&told(&disk), ALL).unwrap();
    for at in [3, 20, 50] {
        let disk = disk.killed();
        disk.flip(&path("_hub/vacuum.json"), at);
        let error = open(&disk).unwrap_err();
        assert!(
            error.reason() == Reason::StorageCorrupt && error.to_string().contains("vacuum.json"),
            "{error}"
        );
    }
}

/// The power is cut after each change of the disk, at commits and vacuums and what keeps the log short.
#[test]
fn power_cuts_of_a_vacuum_lose_no_row() {
    let states = states();
    let run = |disk: &SimDisk| -> Result<(), StoreError> {
        let table = open(disk)?;
        for number in 1..=LAST {
            put(&table, number)?;
            if MERGES.contains(&number) {
                keep(&table, SHORT)?;
                vacuum(&table, ALL)?;
            }
        }
        Ok(())
    };
    let whole = SimDisk::new();
    run(&whole).unwrap();
    for cut in 0..=whole.operations() {
        let disk = SimDisk::new();
        disk.cut_after(cut);
        // What fails after the cut is told; a start sees how far it came.
        let _cut_off = run(&disk);
        for seed in [0, 1, 2, u64::MAX] {
            let what = format!("cut {cut}, seed {seed}");
            let after = disk.after_power_loss(seed);
            let table = open(&after).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_states(&after, &table, &states, &what);
            for number in table.snapshot().log_version + 1..=LAST {
                put(&table, number).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            vacuum(&table, ALL).unwrap_or_else(|error| panic!("{what}: {error}"));
            drop(table);
            let lasting = after.after_power_loss(0);
            let again = open(&lasting).unwrap_or_else(|error| panic!("{what}, then: {error}"));
            assert_states(&lasting, &again, &states, &what);
            assert_eq!(files(&lasting).len(), 2, "{what}");
        }
    }
}

/// A fault of each call is told, takes no row, and what it left goes at the next start.
#[test]
fn faults_of_the_disk_in_a_vacuum_are_told() {
    let (states, mut told_faults) = (states(), 0);
    for op in [Op::Create, Op::Append, Op::SyncFile, Op::Rename, Op::Remove, Op::SyncDir] {
        for (after_effect, skip) in (0..8).flat_map(|skip| [(false, skip), (true, skip)]) {
            let disk = SimDisk::new();
            let table = told(&disk);
            disk.fail(Fault { op, path: String::new(), skip, error: ErrorKind::StorageFull, after_effect });
            let what = format!("{op:?} {after_effect} {skip}");
            told_faults += usize::from(vacuum(&table, ALL).is_err());
            if disk.faults_left() > 0 {
                continue;
            }
            assert_states(&disk, &table, &states, &what);
            drop(table);
            let disk = disk.killed();
            let table = open(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            vacuum(&table, ALL).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_states(&disk, &table, &states, &what);
            assert_eq!(files(&disk).len(), 2, "{what}");
        }
    }
    assert!(told_faults > 12, "{told_faults}");
}

/// A lost archive pack names files that may be the last with their rows: nothing is removed without it.
#[test]
fn nothing_goes_while_the_log_is_damaged() {
    let disk = SimDisk::new();
    let table = told(&disk);
    keep(&table, SHORT).unwrap();
    let before = files(&disk);
    let archive = path("_hub/log");
    let packs = disk.list(&archive).unwrap();
    for pack in &packs {
        disk.flip(
            &archive.join(&pack.name),
            usize::try_from(disk.info(&archive.join(&pack.name)).unwrap().bytes / 2).unwrap(),
        );
    }
    let error = vacuum(&table, ALL).unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt, "{error}");
    assert_eq!(files(&disk), before);
    drop(table);
    let disk = disk.killed();
    open(&disk).unwrap_err();
    assert_eq!(files(&disk), before, "a start removes nothing either");
}
