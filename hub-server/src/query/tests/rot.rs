//! A flipped bit in a data file: the right rows or the reasoned error, never others.

use std::sync::Arc;

use hub_proto::Reason;

use super::fixture::{Fixture, Row, answer, collect, row, text};
use crate::query::{QueryError, Scan, TableView};
use crate::store::Snapshot;
use crate::store::blocks::BLOCK_BYTES;
use crate::store::index::{DataFile, FileIndex};

/// The newest state as a process sees it that has read nothing yet.
fn fresh(fixture: &Fixture) -> TableView {
    let newest = fixture.table.snapshot();
    let files = newest.files.iter().map(|file| Arc::new((**file).clone()));
    let snapshot = Snapshot {
        folder: newest.folder.clone(),
        dataset: newest.dataset.clone(),
        log_version: newest.log_version,
        dataset_version: newest.dataset_version,
        committed_at: newest.committed_at,
        schema: Arc::clone(&newest.schema),
        files: FileIndex::default().with([], files).unwrap(),
        homes: newest.homes,
        submissions: Arc::clone(&newest.submissions),
        erased: Arc::default(),
    };
    let columns = fixture.pattern.columns.iter().map(|column| column.name.clone()).collect();
    TableView { snapshot: Arc::new(snapshot), columns, ..fixture.view(None) }
}

async fn read(fixture: &Fixture, filter: Option<&str>) -> Result<Vec<String>, QueryError> {
    let scan = Scan { filter: filter.map(str::to_owned), ..Scan::default() };
    collect(fixture.engine.scan(fresh(fixture), scan).await?).await.map(|batches| text(&batches))
}

/// Rows whose amounts hardly compress.
fn rows(publisher: &'static str, seq: i64, count: u32) -> Vec<Row> {
    let amount = |n: u32| i128::from(n.wrapping_mul(2_654_435_761)) * 7 + i128::from(n);
    (0..count).map(|n| row(publisher, seq, &format!("{n:06}"), amount(n))).collect()
}

fn flip(fixture: &Fixture, file: &DataFile, at: usize) {
    let path = fixture.folder.path().join("tables/proba_v1").join(&file.path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_found_before_a_row_is_given() {
    let fixture = Fixture::new().await;
    fixture.commit(&[rows("a", 1, 60_000), rows("b", 2, 20)]).await;
    let expected = read(&fixture, None).await.unwrap();
    let files: Vec<Arc<DataFile>> = fixture.table.snapshot().files.iter().map(Arc::clone).collect();
    assert!(files[0].bytes > 2 * BLOCK_BYTES, "{} bytes are not several blocks", files[0].bytes);
    for (file, step) in [(&files[0], 40_009), (&files[1], 53)] {
        let (mut refused, mut tries) = (0, 0);
        for at in (0..usize::try_from(file.bytes).unwrap()).step_by(step) {
            flip(&fixture, file, at);
            tries += 1;
            match read(&fixture, None).await {
                // Bytes that no read needs, as those of a filter.
                Ok(rows) => assert_eq!(rows, expected, "byte {at}"),
                Err(error) => {
                    assert_eq!(error.reason(), Reason::StorageCorrupt, "byte {at}: {error}");
                    let said = error.to_string();
                    assert!(said.contains(&file.path) && said.contains("verify data"), "byte {at}: {said}");
                    refused += 1;
                }
            }
            flip(&fixture, file, at);
        }
        assert!(refused * 2 > tries, "{refused} of {tries}");
    }
    assert_eq!(read(&fixture, None).await.unwrap(), expected);
}

#[tokio::test]
async fn what_a_statement_does_not_touch_stays_readable() {
    let fixture = Fixture::new().await;
    fixture.commit(&[rows("a", 1, 30), rows("b", 2, 30)]).await;
    let files: Vec<Arc<DataFile>> = fixture.table.snapshot().files.iter().map(Arc::clone).collect();
    flip(&fixture, &files[0], 100);
    assert_eq!(read(&fixture, Some("_publisher = 'b'")).await.unwrap().len(), 30);
    let error = read(&fixture, Some("_publisher = 'a'")).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt);
    let sum = "SELECT sum(plan) FROM proba";
    let rows = fixture.rows(vec![fresh(&fixture)], sum).await;
    assert_eq!(answer(rows.unwrap()).await.unwrap_err().reason(), Reason::StorageCorrupt);
    std::fs::remove_file(fixture.folder.path().join("tables/proba_v1").join(&files[0].path)).unwrap();
    assert_eq!(read(&fixture, None).await.unwrap_err().reason(), Reason::StorageCorrupt);
}
