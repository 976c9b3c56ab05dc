//! What a look at a folder tells: nothing when all is as it was written, else the file and why.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, new_null_array};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;

use super::{Finding, Inspection, Work, on_all_cores};
use crate::store::disk::Disk;
use crate::store::disk::sim::SimDisk;
use crate::store::file::{FileLayout, HeldFile};
use crate::store::index::DataFile;
use crate::store::log::tests::{columns, submission};
use crate::store::log::{CommitInfo, Entry, Remove};
use crate::store::table::{Keep, LogLimits, Put, TableSpec};
use crate::store::{Store, Table};

const TABLE: &str = "/hub/tables/rb28s_v1";

fn log_path(version: u64) -> PathBuf {
    Path::new(TABLE).join(format!("_delta_log/{version:020}.json"))
}

/// What a look tells: versions and files that were read, and the faults as lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    versions: usize,
    files: usize,
    faults: Vec<String>,
}

fn look(disk: &SimDisk) -> Told {
    let told = Mutex::new(Told::default());
    let tell = |finding| {
        let mut told = told.lock().unwrap();
        match finding {
            Finding::Version => told.versions += 1,
            Finding::File { .. } => told.files += 1,
            Finding::Fault(fault) => told.faults.push(format!("{}: {}", fault.file, fault.message)),
            Finding::Part(_) | Finding::Note(_) => {}
        }
    };
    let inspection = Inspection::open(Arc::new(disk.clone()), "/hub".into(), &tell).unwrap();
    on_all_cores(&inspection, &tell, |give| {
        for table in inspection.tables().unwrap() {
            let gone = inspection.gone(&table, &tell).unwrap();
            let each = &mut |_: u64, entry: &Entry| {
                let there = entry.adds.iter().filter(|file| !gone.paths.contains(&file.path));
                there.for_each(|file| give(Work::Data(table.clone(), Arc::clone(file))));
            };
            inspection.walk(&table, &tell, each).unwrap();
        }
    });
    told.into_inner().unwrap()
}

async fn open(disk: &SimDisk) -> (Arc<Store>, Arc<Table>) {
    let store = Store::open(Arc::new(disk.clone()), "/hub".into()).await.unwrap();
    let spec = TableSpec { dataset: "rb28s".into(), name: "rb28s_v1".into(), schema: columns() };
    let table = store.open_table_as(spec).await.unwrap();
    (store, table)
}

fn held(store: &Store, table: &Table, rows: usize) -> HeldFile {
    let column = |field: &Arc<arrow::datatypes::Field>| -> ArrayRef {
        match field.name().as_str() {
            "_period_end" => Arc::new(Date32Array::from(vec![19_357; rows])),
            "_publisher" => Arc::new(StringArray::from(vec!["a"; rows])),
            "_seq" => Arc::new(Int64Array::from(vec![1; rows])),
            _ => new_null_array(field.data_type(), rows),
        }
    };
    let batch = RecordBatch::try_new(columns(), columns().fields().iter().map(column).collect()).unwrap();
    let layout = FileLayout::new(columns(), vec!["_seq".into()], Vec::new());
    let mut writer = store.held_file(table, &layout).unwrap();
    writer.append(writer.encoder().encode(vec![batch]).unwrap()).unwrap();
    writer.finish_held("2022-12-31").unwrap()
}

/// Commit `number` at a second, with removes and files.
fn put(table: &Table, number: u64, second: i64, removes: Vec<Remove>, held: &[HeldFile]) {
    let entry = Entry {
        info: CommitInfo {
            commit: format!("c{number}"),
            epoch: "epoch".into(),
            operation: "WRITE".into(),
            committed_at: DateTime::from_timestamp(second, 0).unwrap(),
            dataset_version: number,
            submissions: vec![submission(&format!("s{number}"), i64::try_from(number).unwrap(), "a")],
            erasure: None,
        },
        definition: None,
        removes,
        adds: held.iter().map(|held| Arc::clone(&held.file)).collect(),
    };
    assert!(matches!(table.put(number, &entry, held).unwrap(), Put::Done));
}

/// Three commits, the last of which removes the file of the first. Settled: the journal holds nothing.
async fn settled(disk: &SimDisk) -> Vec<Arc<DataFile>> {
    let (store, table) = open(disk).await;
    let files: Vec<HeldFile> = (1..=3).map(|rows| held(&store, &table, rows)).collect();
    put(&table, 1, 100, Vec::new(), &files[..1]);
    put(&table, 2, 101, Vec::new(), &files[1..2]);
    put(&table, 3, 102, vec![Remove::from(files[0].file.as_ref())], &files[2..]);
    drop((store, table));
    drop(open(disk).await);
    files.into_iter().map(|held| held.file).collect()
}

fn faults(disk: &SimDisk) -> Vec<String> {
    look(disk).faults
}

#[tokio::test]
async fn a_folder_as_it_was_written_has_no_fault() {
    let disk = SimDisk::new();
    settled(&disk).await;
    let operations = disk.operations();
    assert_eq!(look(&disk), Told { versions: 4, files: 3, faults: Vec::new() });
    assert_eq!(disk.operations(), operations, "looking changes nothing");
}

/// Old versions are read in their pack, and a checkpoint as other engines read it; rot of either is named.
#[tokio::test]
async fn packs_and_checkpoints_are_read_too() {
    let disk = SimDisk::new();
    settled(&disk).await;
    let (store, table) = open(&disk).await;
    let limits = LogLimits { checkpoint_versions: 3, margin_versions: 0 };
    table.keep_log(limits, DateTime::UNIX_EPOCH, &|| false).unwrap();
    drop((store, table));
    assert_eq!(look(&disk), Told { versions: 4, files: 4, faults: Vec::new() }, "the checkpoint is one");
    let archive = Path::new(TABLE).join("_hub/log");
    let packs = disk.list(&archive).unwrap();
    let [pack] = packs.as_slice() else { panic!("{packs:?}") };
    let checkpoint = Path::new(TABLE).join("_delta_log/00000000000000000003.checkpoint.parquet");
    for rotten in [archive.join(&pack.name), checkpoint] {
        let last = disk.info(&rotten).unwrap().bytes - 1;
        disk.flip(&rotten, usize::try_from(last).unwrap());
        let found = faults(&disk);
        assert!(found.iter().any(|fault| fault.starts_with(&rotten.display().to_string())), "{found:?}");
        disk.flip(&rotten, usize::try_from(last).unwrap());
    }
    assert_eq!(faults(&disk), Vec::<String>::new());
}

/// A file that went with the states that read it is not missed; rot of what says so is named.
#[tokio::test]
async fn what_a_vacuum_removed_is_not_missed() {
    let disk = SimDisk::new();
    let files = settled(&disk).await;
    let (store, table) = open(&disk).await;
    let later = DateTime::from_timestamp(200, 0).unwrap();
    let vacuumed = table.vacuum(Keep { since: Some(later), left_after: later }, &|| false).unwrap();
    assert_eq!(vacuumed.files, 1);
    drop((store, table));
    assert!(disk.info(&Path::new(TABLE).join(&files[0].path)).is_err());
    assert_eq!(look(&disk), Told { versions: 4, files: 2, faults: Vec::new() });
    let horizon = Path::new(TABLE).join("_hub/vacuum.json");
    for at in [20, 40] {
        disk.flip(&horizon, at);
        let found = faults(&disk);
        assert!(found.iter().any(|fault| fault.contains("_hub/vacuum.json")), "{found:?}");
        assert!(
            found.iter().any(|fault| fault.contains(&files[0].path)),
            "nobody knows that it is gone: {found:?}"
        );
        disk.flip(&horizon, at);
    }
    disk.remove(&Path::new(TABLE).join(&files[1].path)).unwrap();
    assert!(faults(&disk)[0].contains("the file is gone"));
}

#[tokio::test]
async fn what_the_journal_holds_is_no_fault() {
    let disk = SimDisk::new();
    let (store, table) = open(&disk).await;
    let file = held(&store, &table, 2);
    put(&table, 1, 100, Vec::new(), std::slice::from_ref(&file));
    drop((store, table));
    let data = Path::new(TABLE).join(&file.file.path);
    disk.flip(&data, 20);
    disk.remove(&log_path(1)).unwrap();
    assert_eq!(faults(&disk), Vec::<String>::new());
    let journal = Path::new("/hub/journal/000000000000.journal");
    disk.remove(journal).unwrap();
    disk.flip(&data, 20);
    assert_eq!(look(&disk), Told { versions: 1, files: 0, faults: Vec::new() }, "nothing names the file");
}

#[tokio::test]
async fn files_of_today_and_of_earlier_versions_are_compared() {
    let disk = SimDisk::new();
    let files = settled(&disk).await;
    for file in &files {
        let path = Path::new(TABLE).join(&file.path);
        for at in (0..usize::try_from(file.bytes).unwrap()).step_by(101) {
            disk.flip(&path, at);
            let found = faults(&disk);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(&file.path) && found[0].contains("are not those that were committed"));
            disk.flip(&path, at);
        }
    }
    let path = |at: usize| Path::new(TABLE).join(&files[at].path);
    disk.truncate(&path(0), 10).unwrap();
    disk.remove(&path(1)).unwrap();
    let found = faults(&disk);
    assert!(
        found.iter().any(|fault| fault.contains(&files[0].path) && fault.contains("it has 10 bytes")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|fault| fault.contains(&files[1].path) && fault.contains("the file is gone")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_log_that_does_not_follow_is_told() {
    let gap = SimDisk::new();
    settled(&gap).await;
    gap.remove(&log_path(2)).unwrap();
    drop(gap.create(&log_path(0).with_file_name("notes.txt")).unwrap());
    let found = faults(&gap);
    assert!(found[0].contains("notes.txt: it is not a log version"), "{found:?}");
    assert!(found[1].contains("00000000000000000002.json: line 1: this log version is missing"), "{found:?}");
    assert_eq!(found.len(), 2, "what comes behind a gap is read and not judged: {found:?}");

    let strange = SimDisk::new();
    let (store, table) = open(&strange).await;
    let file = held(&store, &table, 2);
    put(&table, 1, 100, Vec::new(), std::slice::from_ref(&file));
    put(&table, 2, 100, Vec::new(), &[]);
    put(&table, 3, 103, vec![Remove { path: "d/none.parquet".into(), partition: "p".into(), bytes: 1 }], &[]);
    let found = faults(&strange.killed());
    assert!(found[0].contains("00000000000000000002.json: its time"), "{found:?}");
    assert!(found[1].contains("d/none.parquet is removed but not live"), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test]
async fn an_entry_that_counts_other_rows_is_told() {
    let disk = SimDisk::new();
    let (store, table) = open(&disk).await;
    let right = held(&store, &table, 2);
    let file = DataFile { rows: 7, ..(*right.file).clone() };
    put(&table, 1, 100, Vec::new(), &[HeldFile { file: Arc::new(file), bytes: right.bytes }]);
    let found = faults(&disk.killed());
    assert!(found[0].ends_with("it holds 2 rows, its entry in the log says 7"), "{found:?}");
}

#[tokio::test]
async fn a_folder_in_use_and_a_damaged_format_are_told() {
    let disk = SimDisk::new();
    let opened = open(&disk).await;
    let in_use = Inspection::open(Arc::new(disk.clone()), "/hub".into(), &|_| {}).unwrap_err();
    assert!(in_use.to_string().contains("another hub-server uses this folder"), "{in_use}");
    drop(opened);
    disk.flip(Path::new("/hub/format.json"), 30);
    assert!(faults(&disk)[0].starts_with("/hub/format.json: "));
    let nowhere = Inspection::open(Arc::new(SimDisk::new()), "/none".into(), &|_| {}).unwrap_err();
    assert!(nowhere.to_string().starts_with("could not read /none"), "{nowhere}");
}
