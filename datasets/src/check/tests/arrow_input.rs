//! Batches of other formats.

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, LargeStringArray, StringArray, StringViewArray};
use arrow::datatypes::Int8Type;
use arrow::record_batch::RecordBatch;

use super::*;

fn columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("plan", Arc::new(Int32Array::from(vec![Some(17_900)])) as ArrayRef),
        ("jednostka_regon", Arc::new(StringViewArray::from(vec!["001070630"]))),
        ("dzial", Arc::new(LargeStringArray::from(vec!["801"]))),
        ("rozdzial", Arc::new(StringArray::from(vec!["80101"]))),
        ("grupa", Arc::new(StringArray::from(vec!["1300"]))),
        ("paragraf", Arc::new(StringArray::from(vec!["302"]))),
        ("p4", Arc::new(StringArray::from(vec!["0"]))),
    ]
}

fn run(columns: Vec<(&str, ArrayRef)>) -> Report {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let checked = checker.batch(&RecordBatch::try_from_iter(columns).unwrap(), 1);
    checker.finish(checked.findings, checked.rows, checker.uncompared())
}

#[test]
fn safe_types_in_any_order_pass() {
    let report = run(columns());
    assert_eq!((codes(&report), report.rows_read), (vec![], 1));
}

#[test]
fn a_schema_that_differs_is_refused_as_a_whole() {
    let mut wrong = columns();
    wrong[2].1 = Arc::new(["801"].into_iter().collect::<DictionaryArray<Int8Type>>());
    wrong[6].0 = "p5";
    let report = run(wrong);
    assert_eq!(codes(&report), [(Code::SchemaMismatch, 3)]);
    let named: Vec<&str> = report.violations.iter().map(|v| v.column.as_str()).collect();
    assert_eq!(named, ["dzial", "p5", "p4"]);
}

#[test]
fn rows_of_a_batch_are_checked_like_those_of_a_file() {
    let mut wrong = columns();
    wrong[1].1 = Arc::new(StringArray::from(vec!["001070631"]));
    wrong[0].1 = Arc::new(Int32Array::from(vec![-1]));
    let report = run(wrong);
    assert!(blocking(&report).contains(&Code::ChecksumInvalid));
    assert_eq!((report.violations[0].row, report.rows_refused), (1, 1));
}
