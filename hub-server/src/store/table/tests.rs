//! A table against a model: replay, history, unknown outcomes, power cuts, broken logs.

mod changes;
mod history;
mod keeping;
mod vacuum;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{AsOf, Put, Snapshot, Table, TableSpec};
use crate::store::blocks::Blocks;
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{self, Disk, DiskFile};
use crate::store::index::DataFile;
use crate::store::journal::Journal;
use crate::store::log::tests::{columns, submission};
use crate::store::log::{CommitInfo, Entry, Remove};

const ROOT: &str = "/hub";

fn spec() -> TableSpec {
    TableSpec { dataset: "rb28s".into(), name: "rb28s_v1".into(), schema: columns() }
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap()
}

fn open(disk: &SimDisk) -> Result<Table, crate::store::StoreError> {
    open_as(disk, &spec())
}

fn open_as(disk: &SimDisk, spec: &TableSpec) -> Result<Table, crate::store::StoreError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let journal = Arc::new(Journal::open(&disk, Path::new(ROOT))?);
    Table::open(&disk, &journal, Path::new(ROOT), spec, "epoch", start())
}

fn done(put: Result<Put, crate::store::StoreError>) -> bool {
    matches!(put.unwrap(), Put::Done)
}

fn data_file(number: u64) -> Arc<DataFile> {
    Arc::new(DataFile {
        path: format!("d/{number}.parquet"),
        bytes: 10,
        rows: number + 1,
        sha256: "00".repeat(32),
        blocks: Blocks::of(10, &"00".repeat(32), None).unwrap(),
        partition: "2022-12-31".into(),
        seqs: vec![i64::try_from(number).unwrap()],
        publishers: vec!["a".into()],
        publisher_rows: vec![number + 1],
        partial: false,
        stats: Default::default(),
    })
}

/// The commit `number` on top of a state; with or without a submission.
fn entry(
    before: &Snapshot,
    number: u64,
    removes: &[Arc<DataFile>],
    adds: Vec<Arc<DataFile>>,
    empty: bool,
) -> Entry {
    let submissions = if empty {
        vec![]
    } else {
        vec![submission(&format!("s{number}"), i64::try_from(number).unwrap(), "a")]
    };
    Entry {
        info: CommitInfo {
            commit: format!("commit-{number}"),
            epoch: "epoch".into(),
            operation: "WRITE".into(),
            committed_at: start() + TimeDelta::seconds(i64::try_from(number).unwrap()),
            dataset_version: before.dataset_version + u64::from(!empty),
            submissions,
            erasure: None,
        },
        definition: None,
        removes: removes.iter().map(|f| Remove::from(f.as_ref())).collect(),
        adds,
    }
}

fn paths(state: &Snapshot) -> Vec<String> {
    state.files.iter().map(|f| f.path.clone()).collect()
}

fn log_path(version: u64) -> PathBuf {
    Path::new(ROOT).join(format!("tables/rb28s_v1/_delta_log/{version:020}.json"))
}

/// All that can be seen of a table, to compare a live one with a replayed one.
fn seen(table: &Table) -> String {
    let newest = table.snapshot();
    let seqs: Vec<_> = newest.submissions.iter().map(|(s, i)| (s, i.clone())).collect();
    let states: Vec<_> =
        (0..=newest.dataset_version).map(|v| paths(&table.as_of(AsOf::Version(v)).unwrap())).collect();
    format!(
        "{} {} {:?} {:?} {seqs:?} {states:?} {:?}",
        newest.log_version,
        newest.dataset_version,
        newest.committed_at,
        newest.files.iter().collect::<Vec<_>>(),
        table.versions(None, None, 1_000).unwrap()
    )
}

fn run(disk: &SimDisk, steps: &[(Vec<usize>, usize, bool)]) -> (Table, Vec<Vec<String>>) {
    let table = open(disk).unwrap();
    let mut states = vec![vec![]];
    for (number, (picks, adds, empty)) in steps.iter().enumerate() {
        let number = number as u64 + 1;
        let before = table.snapshot();
        let live: Vec<_> = before.files.iter().map(Arc::clone).collect();
        let mut removed: BTreeMap<String, Arc<DataFile>> = BTreeMap::new();
        for pick in picks.iter().filter(|_| !live.is_empty()) {
            let file = &live[pick % live.len()];
            removed.insert(file.path.clone(), Arc::clone(file));
        }
        let removed: Vec<_> = removed.into_values().collect();
        let adds = (0..*adds as u64).map(|n| data_file(number * 100 + n)).collect();
        let entry = entry(&before, number, &removed, adds, *empty);
        assert!(done(table.put(number, &entry, &[])));
        let after = table.advance(number, &entry).unwrap();
        // A commit without a submission moves rows to other files and stays in its version.
        if *empty {
            states.pop();
        }
        states.push(paths(&after));
    }
    (table, states)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_replayed_table_is_the_live_one_and_history_is_exact(
        steps in prop::collection::vec((prop::collection::vec(0_usize..50, 0..3), 0_usize..4, prop::bool::weighted(0.2)), 1..40),
    ) {
        let disk = SimDisk::new();
        let (live, states) = run(&disk, &steps);
        let again = open(&disk.killed()).unwrap();
        prop_assert_eq!(seen(&live), seen(&again));
        for (version, expected) in states.iter().enumerate() {
            prop_assert_eq!(&paths(&again.as_of(AsOf::Version(version as u64)).unwrap()), expected);
        }
    }
}

#[test]
fn history_reaches_over_marks_and_by_time() {
    let disk = SimDisk::new();
    let steps: Vec<_> =
        (0..600_usize).map(|n| (if n % 3 == 2 { vec![n] } else { vec![] }, 1, false)).collect();
    let (table, states) = run(&disk, &steps);
    for version in [1, 254, 255, 256, 257, 511, 512, 513, 600] {
        let state = table.as_of(AsOf::Version(version)).unwrap();
        assert_eq!(paths(&state), states[usize::try_from(version).unwrap()]);
        assert_eq!(state.dataset_version, version);
        let moment = start() + TimeDelta::milliseconds(i64::try_from(version).unwrap() * 1_000 + 999);
        assert_eq!(table.as_of(AsOf::Time(moment)).unwrap().dataset_version, version);
    }
    let state = |version| table.as_of(AsOf::Version(version)).unwrap();
    assert!(Arc::ptr_eq(&state(600), &table.snapshot()));
    assert!(Arc::ptr_eq(&state(100), &state(100)), "a state is made again once");
    let first = Arc::downgrade(&state(101));
    let held = state(99);
    (102..=110).for_each(|version| assert_eq!(state(version).dataset_version, version));
    assert!(first.upgrade().is_none(), "few states are kept");
    assert!(Arc::ptr_eq(&held, &state(99)), "one that somebody holds is given again");
    assert_eq!(table.as_of(AsOf::Version(0)).unwrap().files.len(), 0);
    let error = table.as_of(AsOf::Version(601)).unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::VersionUnknown);
    assert_eq!(
        error.to_string(),
        "dataset rb28s has no dataset version 601; it has versions 1 to 600, the first of 2023-11-14T22:13:21Z"
    );
    assert!(table.as_of(AsOf::Time(start())).is_err());
    let page: Vec<u64> = table.versions(None, Some(3), 10).unwrap().into_iter().map(|v| v.version).collect();
    assert_eq!(page, [2, 1]);
}

#[test]
fn versions_of_one_publisher_tell_nothing_of_others() {
    let table = open(&SimDisk::new()).unwrap();
    let shared = Arc::new(DataFile {
        rows: 5,
        publishers: vec!["a".into(), "b".into()],
        publisher_rows: vec![2, 3],
        partial: false,
        ..(*data_file(1)).clone()
    });
    let mut first = entry(&table.snapshot(), 1, &[], vec![Arc::clone(&shared)], false);
    first.info.submissions.push(submission("of-b", 9, "b"));
    let after = table.advance(1, &first).unwrap();
    // `a` sends anew: the shared file goes, and the rows of `b` are carried into another.
    let rewritten = DataFile { publishers: vec!["b".into()], rows: 3, ..(*data_file(2)).clone() };
    let second = entry(&after, 2, &[shared], vec![Arc::new(rewritten), data_file(7)], false);
    table.advance(2, &second).unwrap();
    let seen = |publisher| {
        let versions = table.versions(publisher, None, 10).unwrap().into_iter();
        versions.map(|v| (v.version, v.rows, v.submissions)).collect::<Vec<_>>()
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen(None), [(2, 11, ids(&["s2"])), (1, 5, ids(&["s1", "of-b"]))]);
    assert_eq!(seen(Some("a")), [(2, 8, ids(&["s2"])), (1, 2, ids(&["s1"]))]);
    assert_eq!(seen(Some("b")), [(2, 3, ids(&[])), (1, 3, ids(&["of-b"]))]);
    assert_eq!(seen(Some("c")), [(2, 0, ids(&[])), (1, 0, ids(&[]))]);
}

/// Faults before and after the effect of each call of a put: the outcome is always found out.
#[test]
fn an_unknown_outcome_is_not_a_failed_one() {
    let faults = [
        (Op::Create, false, false),
        (Op::Append, false, false),
        (Op::Append, true, false),
        (Op::Rename, false, false),
        (Op::Rename, true, true),
    ];
    for (op, after_effect, happened) in faults {
        for error in [ErrorKind::StorageFull, ErrorKind::Other] {
            let disk = SimDisk::new();
            let table = open(&disk).unwrap();
            let entry = entry(&table.snapshot(), 1, &[], vec![data_file(1)], false);
            disk.fail(Fault { op, path: "_delta_log".into(), skip: 0, error, after_effect });
            let put = table.put(1, &entry, &[]);
            assert_eq!(disk.faults_left(), 0, "{op:?}");
            assert_eq!(matches!(put, Ok(Put::Done)), happened, "{op:?} after={after_effect}: {put:?}");
            if let Err(refused) = put {
                assert_eq!(
                    refused.reason() == hub_proto::Reason::StorageFull,
                    error == ErrorKind::StorageFull
                );
                assert!(done(table.put(1, &entry, &[])), "the same put again");
            }
            let lost = open(&disk.after_power_loss(0)).unwrap();
            assert_eq!(lost.snapshot().log_version, 1, "{op:?}: done means durable");
        }
    }
}

#[test]
fn a_rival_takes_the_version_and_both_see_it() {
    let disk = SimDisk::new();
    let ours = open(&disk).unwrap();
    let first = entry(&ours.snapshot(), 1, &[], vec![data_file(1)], false);
    let second = entry(&ours.snapshot(), 2, &[], vec![data_file(2)], false);
    // Another engine that writes Delta puts its entry beside us.
    disk::publish(&disk, &log_path(1), &crate::store::log::write(&first).unwrap()).unwrap();
    let put = ours.put(1, &second, &[]).unwrap();
    assert!(matches!(put, Put::Taken(rival) if *rival == first));
    ours.advance(1, &first).unwrap();
    assert_eq!(paths(&ours.snapshot()), ["d/1.parquet"]);
    assert!(ours.advance(1, &first).is_err(), "a version is applied once");
    assert_eq!(ours.read(1).unwrap(), Some(first));
    assert_eq!(ours.read(2).unwrap(), None);
}

/// Every operation index × torn variants: an acknowledged put is there, nothing is half there, and what
/// the table names exists.
#[test]
fn power_cuts_lose_nothing_acknowledged() {
    let script = |disk: &SimDisk| -> u64 {
        let Ok(table) = open(disk) else { return 0 };
        let folder = table.data_folder();
        let mut acknowledged = 0;
        for number in 1..=3 {
            let staged = |n: u64| {
                let write = || {
                    let mut file: Box<dyn DiskFile> = disk.create(&folder.join(format!("{n}.parquet")))?;
                    file.append(b"rows")?;
                    file.sync()?;
                    disk.sync_dir(&folder)
                };
                write().is_ok()
            };
            if !staged(number) {
                return acknowledged;
            }
            let before = table.snapshot();
            let removes: Vec<_> = before.files.iter().map(Arc::clone).collect();
            let next = entry(&before, number, &removes, vec![data_file(number)], false);
            match table.put(number, &next, &[]) {
                Ok(Put::Done) => acknowledged = number,
                Ok(Put::Taken(_)) => panic!("nobody else writes"),
                Ok(Put::Unknown(_)) | Err(_) => return acknowledged,
            }
            table.advance(number, &next).unwrap();
        }
        acknowledged
    };
    let whole = SimDisk::new();
    assert_eq!(script(&whole), 3);
    for cut in 0..=whole.operations() {
        let disk = SimDisk::new();
        disk.cut_after(cut);
        let acknowledged = script(&disk);
        for seed in [0, 1, 2, 3, 4, 5, u64::MAX] {
            let after = disk.after_power_loss(seed);
            let table = open(&after).unwrap_or_else(|e| panic!("cut {cut} seed {seed}: {e}"));
            let state = table.snapshot();
            assert!(state.log_version >= acknowledged, "cut {cut} seed {seed}");
            assert!(state.log_version <= acknowledged + 1, "cut {cut} seed {seed}");
            for file in state.files.iter() {
                let path = Path::new(ROOT).join("tables/rb28s_v1").join(&file.path);
                assert_eq!(after.info(&path).unwrap().bytes, 4, "cut {cut} seed {seed}: {}", file.path);
            }
            let staged = after.list(&table.data_folder()).unwrap().len();
            assert_eq!(staged as u64, state.log_version, "orphans are swept, history stays");
        }
    }
}

/// A killed process can leave a version whose name is not durable: once read it must stay.
#[test]
fn what_a_restart_has_read_survives_a_power_loss_after_it() {
    let disk = SimDisk::new();
    let table = open(&disk).unwrap();
    let next = entry(&table.snapshot(), 1, &[], vec![], false);
    // Put without the sync of the folder, as kill -9 leaves it.
    let temporary = log_path(1).with_extension("x.tmp");
    let mut file = disk.create(&temporary).unwrap();
    file.append(&crate::store::log::write(&next).unwrap()).unwrap();
    file.sync().unwrap();
    disk.rename(&temporary, &log_path(1)).unwrap();
    let restarted = disk.killed();
    // `killed` keeps everything durable; so look at the calls instead.
    let before = restarted.operations();
    restarted.fail(Fault {
        op: Op::SyncDir,
        path: "_delta_log".into(),
        skip: 0,
        error: ErrorKind::Other,
        after_effect: false,
    });
    assert!(open(&restarted).is_err(), "the folder is synced before its log is believed");
    assert!(restarted.operations() > before);
    assert_eq!(open(&restarted).unwrap().snapshot().log_version, 1);
}

#[test]
fn gaps_foreign_files_and_rot_are_named() {
    let fresh = || {
        let disk = SimDisk::new();
        run(&disk, &[(vec![], 1, false), (vec![], 1, false)]);
        // The start takes the journal in, which would repair what is broken here.
        drop(open(&disk).unwrap());
        disk
    };
    let fails = |disk: &SimDisk, expected: &str| {
        let error = open(&disk.killed()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.reason(), hub_proto::Reason::StorageCorrupt);
    };
    let disk = fresh();
    disk.remove(&log_path(1)).unwrap();
    fails(&disk, "00000000000000000001.json, line 1: this log version is missing");
    let disk = fresh();
    disk.remove(&log_path(0)).unwrap();
    fails(&disk, "00000000000000000000.json, line 1: this log version is missing");
    let disk = fresh();
    drop(disk.create(&log_path(0).with_file_name("00000000000000000001.crc")).unwrap());
    fails(&disk, "00000000000000000001.crc: is not a log version");
    let disk = fresh();
    disk.truncate(&log_path(2), 200).unwrap();
    fails(&disk, "00000000000000000002.json, line 1");
    let disk = fresh();
    disk.flip(&log_path(2), 1);
    fails(&disk, "00000000000000000002.json, line 1");
}

#[test]
fn new_columns_are_added_and_other_changes_refused() {
    use arrow::datatypes::{DataType, Field, Schema};
    let disk = SimDisk::new();
    run(&disk, &[(vec![], 1, false)]);
    let with =
        |fields: Vec<Field>| open_as(&disk, &TableSpec { schema: Arc::new(Schema::new(fields)), ..spec() });
    let mut fields: Vec<Field> = columns().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.insert(3, Field::new("nowa", DataType::Utf8, true));
    let table = with(fields.clone()).unwrap();
    assert_eq!((table.snapshot().log_version, table.snapshot().dataset_version), (2, 1));
    assert_eq!(with(fields.clone()).unwrap().snapshot().log_version, 2, "only once");
    fields.remove(0);
    let error = with(fields).unwrap_err().to_string();
    assert!(error.contains("column dzial is gone") && error.contains("new major version"), "{error}");
}
