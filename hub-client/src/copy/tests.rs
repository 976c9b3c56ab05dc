use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use hub_datasets::diff::{AFTER, BEFORE, DELETE, ERASE, INSERT};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::facts::{self, Facts};
use super::net::Net;
use super::rewrite::{Writing, rewrite};
use super::{CopyRequest, lock};

/// A row: its submission and its value.
type Row = (u8, i64);

fn schema() -> SchemaRef {
    let fields = [("_submission", DataType::Utf8), ("plan", DataType::Int64)];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let submissions = StringArray::from_iter_values(rows.iter().map(|(id, _)| format!("s{id}")));
    let plans = Int64Array::from_iter_values(rows.iter().map(|(_, plan)| *plan));
    RecordBatch::try_new(schema(), vec![Arc::new(submissions), Arc::new(plans)]).unwrap()
}

fn changes(changes: &[(&str, Row)]) -> RecordBatch {
    let rows: Vec<Row> = changes.iter().map(|(_, row)| *row).collect();
    let kinds = StringArray::from_iter_values(changes.iter().map(|(kind, _)| *kind));
    let versions = Int64Array::from(vec![1; rows.len()]);
    let own = [("_change_type", DataType::Utf8), ("_dataset_version", DataType::Int64)];
    let own = own.map(|(name, kind)| Arc::new(Field::new(name, kind, false)));
    let fields: Vec<_> = own.into_iter().chain(schema().fields().iter().cloned()).collect();
    let mut columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(kinds), Arc::new(versions)];
    columns.extend(batch(&rows).columns().iter().cloned());
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn request() -> CopyRequest {
    CopyRequest { dataset: "rb28s".to_owned(), columns: Vec::new(), filter: None }
}

fn written(path: &Path, rows: &[Row]) -> Facts {
    let mut writing = Writing::start(path, &schema()).unwrap();
    rows.chunks(3).for_each(|rows| writing.write(&batch(rows)).unwrap());
    writing.settle(path, Facts::of(&request(), 1, "1.a".to_owned())).unwrap();
    facts::read(path).unwrap()
}

fn rows_of(path: &Path) -> Vec<Row> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let (ids, plans) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        rows.extend((0..batch.num_rows()).map(|at| (ids.value(at)[1..].parse().unwrap(), plans.value(at))));
    }
    rows.sort_unstable();
    rows
}

fn brought(path: &Path, pages: &[RecordBatch]) -> Option<(u64, u64, u64)> {
    let was = facts::read(path).unwrap();
    let mut net = Net::new(&was.schema).unwrap();
    pages.iter().for_each(|page| net.add(page).unwrap());
    let next = was.moved_to(2, "2.b".to_owned());
    rewrite(path, &was, next, net).unwrap().map(|done| (done.rows, done.inserted, done.deleted))
}

#[test]
fn rows_and_cursor_change_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopia.parquet");
    let facts = written(&path, &[(1, 10), (1, 10), (1, 20), (2, 30)]);
    assert_eq!((facts.rows, facts.cursor.as_str(), facts.request()), (4, "1.a", request()));
    let page = changes(&[(BEFORE, (1, 10)), (AFTER, (3, 11)), (DELETE, (2, 30)), (INSERT, (3, 40))]);
    assert_eq!(brought(&path, &[page]), Some((4, 2, 2)));
    assert_eq!(rows_of(&path), [(1, 10), (1, 20), (3, 11), (3, 40)]);
    let facts = facts::read(&path).unwrap();
    assert_eq!((facts.rows, facts.version, facts.cursor.as_str()), (4, 2, "2.b"));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["kopia.parquet"], "nothing is left beside it");
}

#[test]
fn an_erased_submission_leaves_whatever_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopia.parquet");
    written(&path, &[(1, 10), (1, 20), (2, 30)]);
    // The first was erased after a page had told that one of its rows went; of the later one nothing stays either.
    let pages = [
        changes(&[(DELETE, (1, 10)), (INSERT, (3, 5)), (INSERT, (4, 6))]),
        changes(&[(ERASE, (1, 0)), (ERASE, (4, 0))]),
    ];
    assert_eq!(brought(&path, &pages), Some((2, 1, 2)));
    assert_eq!(rows_of(&path), [(2, 30), (3, 5)]);
}

#[test]
fn a_copy_that_somebody_changed_is_not_built_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopia.parquet");
    written(&path, &[(1, 10), (2, 30)]);
    // A row is to go that is not there.
    assert_eq!(brought(&path, &[changes(&[(DELETE, (1, 11))])]), None);
    assert_eq!(rows_of(&path), [(1, 10), (2, 30)], "it stays as it was");
    // Other rows under the same footer.
    let facts = facts::read(&path).unwrap();
    written(&path, &[(1, 10), (2, 31)]);
    let net = Net::new(&facts.schema).unwrap();
    assert!(rewrite(&path, &facts, facts.clone(), net).unwrap().is_none());
    // Rows of other columns are no changes of it.
    let other = RecordBatch::new_empty(Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)])));
    assert!(Net::new(&facts.schema).unwrap().add(&other).is_err());
    // Any other Parquet file is not taken for a copy.
    std::fs::write(&path, b"PAR1").unwrap();
    assert!(facts::read(&path).unwrap_err().to_string().contains("no copy that this command keeps"));
}

#[test]
fn one_program_keeps_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopia.parquet");
    let held = lock(&path).unwrap();
    assert!(lock(&path).unwrap_err().to_string().contains("another program"));
    drop(held);
    assert!(lock(&path).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever rows come and go, also the same ones again and in several pages, the copy is what the rows are.
    #[test]
    fn a_copy_follows_what_happens(
        first in proptest::collection::vec((0u8..4, 0i64..6), 0..30),
        steps in proptest::collection::vec((any::<bool>(), 0usize..64, 0u8..4, 0i64..6), 0..60),
        cut in 0usize..60,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kopia.parquet");
        written(&path, &first);
        let mut rows = first;
        let mut told: Vec<(&str, Row)> = Vec::new();
        for (comes, at, id, plan) in steps {
            if comes || rows.is_empty() {
                rows.push((id, plan));
                told.push((INSERT, (id, plan)));
            } else {
                let row = rows.swap_remove(at % rows.len());
                told.push((DELETE, row));
            }
        }
        let (before, after) = told.split_at(cut.min(told.len()));
        let done = brought(&path, &[changes(before), changes(after)]);
        prop_assert_eq!(done.map(|done| done.0), Some(rows.len() as u64));
        rows.sort_unstable();
        prop_assert_eq!(rows_of(&path), rows);
    }
}
