//! Short files, which are read whole, beside long ones, which are not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use sha2::{Digest as _, Sha256};

use super::fixture::{Fixture, Row, row};
use crate::query::Scan;
use crate::query::limits::{SMALL_FILE_BYTES, SMALL_FILES_AT_ONCE};
use crate::query::small::as_wanted;
use crate::store::hex;

/// Rows whose texts no codec makes shorter than their hashes are.
fn long(from: i128, seq: i64) -> Vec<Row> {
    let text = |n: i128| hex(&Sha256::digest(n.to_le_bytes()));
    (from..from + 12_000).map(|n| row("c", seq, &text(n), n)).collect()
}

/// Short files of `a` and `b` in turn, a long one of `c`, and short ones again.
async fn mixture() -> (Fixture, i128) {
    let fixture = Fixture::new().await;
    let mut files: Vec<Vec<Row>> = Vec::new();
    let mut next = 0;
    for n in 0..2 * SMALL_FILES_AT_ONCE + 3 {
        let (publisher, seq) = if n % 2 == 0 { ("a", 1) } else { ("b", 2) };
        files.push((next..next + 7).map(|n| row(publisher, seq, "750", n)).collect());
        next += 7;
    }
    let at = files.len() / 2;
    let before = files[at - 1].last().unwrap().plan.unwrap();
    // The long file lies between: its rows follow those before it.
    for file in &mut files[at..] {
        file.iter_mut().for_each(|row| row.plan = row.plan.map(|plan| plan + 12_000));
    }
    files.insert(at, long(before + 1, 3));
    fixture.commit(&files).await;
    let lengths: Vec<u64> = fixture.table.snapshot().files.iter().map(|file| file.bytes).collect();
    assert_eq!(lengths.iter().filter(|bytes| **bytes > SMALL_FILE_BYTES).count(), 1, "{lengths:?}");
    (fixture, next + 12_000)
}

#[tokio::test]
async fn statements_see_short_and_long_files_alike() {
    let (fixture, rows) = mixture().await;
    let ask = async |sql: &str| fixture.sql(None, sql).await.unwrap().join(";");
    let sum = rows * (rows - 1) / 2;
    let expected = format!("{rows}|{}.{:02}", sum / 100, sum % 100);
    assert_eq!(ask("SELECT count(*), sum(plan) FROM proba").await, expected);
    assert_eq!(ask("SELECT count(plan), sum(plan) FROM proba WHERE dzial <> ''").await, expected);
    assert_eq!(ask("SELECT count(*) FROM proba").await, rows.to_string());
    let bounds = format!("0.00|{}.{:02}", (rows - 1) / 100, (rows - 1) % 100);
    assert_eq!(ask("SELECT min(plan), max(plan) FROM proba").await, bounds);
    assert_eq!(ask("SELECT count(*) FROM (SELECT 1 FROM proba LIMIT 5)").await, "5");
    assert_eq!(ask("SELECT plan FROM proba WHERE plan = 0.03").await, "0.03");
    let by = "SELECT _publisher, _submission, count(*) FROM proba GROUP BY 1, 2 ORDER BY 1";
    assert_eq!(ask(by).await, "a|s1|126;b|s2|119;c|s3|12000");
}

#[tokio::test]
async fn a_scan_keeps_the_order_of_all_files_and_resumes() {
    let (fixture, rows) = mixture().await;
    let scan = |offset| Scan { columns: vec!["plan".into()], offset, ..Scan::default() };
    let whole = fixture.scan(None, scan(0)).await.unwrap();
    let expected: Vec<String> = (0..rows).map(|n| format!("{}.{:02}", n / 100, n % 100)).collect();
    assert_eq!(whole, expected);
    for offset in [1usize, 6, 7, 100, 119, 5_000, 12_130, 12_244] {
        let rest = fixture.scan(None, scan(offset as u64)).await.unwrap();
        assert_eq!(rest, expected[offset..], "from {offset}");
    }
    // Files of `a` alone are all short.
    let own = fixture.scan(Some("a"), scan(0)).await.unwrap();
    let alone =
        fixture.scan(None, Scan { filter: Some("_publisher = 'a'".into()), ..scan(0) }).await.unwrap();
    assert_eq!((own.len(), &own), (126, &alone));
    assert_eq!(fixture.scan(Some("a"), scan(100)).await.unwrap(), own[100..]);
}

#[test]
fn columns_of_a_file_become_those_of_the_table() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let file = RecordBatch::try_from_iter([("n", numbers), ("t", Arc::clone(&texts))]).unwrap();
    let wanted = |fields: Vec<Field>| Arc::new(Schema::new(fields));
    let schema = wanted(vec![
        Field::new("t", DataType::Utf8, false),
        Field::new("younger", DataType::Utf8, true),
        Field::new("n", DataType::Int32, false),
    ]);
    let batch = as_wanted(&schema, &file).unwrap();
    assert_eq!((batch.schema(), batch.column(0)), (Arc::clone(&schema), &texts));
    assert_eq!(batch.column(1).null_count(), 2);
    assert!(as_wanted(&wanted(vec![Field::new("younger", DataType::Utf8, false)]), &file).is_err());
    assert_eq!(as_wanted(&wanted(vec![]), &file).unwrap().num_rows(), 2);
}
