//! Sorting and comparing keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::super::keys::{KeyOrder, Last};

fn batch(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let codes: StringArray = rows.iter().map(|(code, _)| *code).collect();
    let numbers: Int64Array = rows.iter().map(|(_, number)| Some(*number)).collect();
    let columns: [(&str, ArrayRef, bool); 2] =
        [("kod", Arc::new(codes), true), ("nr", Arc::new(numbers), true)];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn order(batch: &RecordBatch) -> KeyOrder {
    KeyOrder::new(&batch.schema(), &["kod".to_owned(), "nr".to_owned()]).unwrap().unwrap()
}

#[test]
fn a_repeat_names_both_lines_across_batches() {
    let first = batch(&[(Some("a"), 1), (Some("a"), 2)]);
    let second = batch(&[(Some("a"), 2), (Some("a"), 2), (Some("b"), 1)]);
    let order = order(&first);
    let walk = order.walk(&first, &[2, 3], None).unwrap();
    assert!(walk.sorted && walk.repeats.is_empty());
    let last: Option<Last> = walk.last;
    let walk = order.walk(&second, &[4, 5, 6], last.as_ref()).unwrap();
    assert!(walk.sorted);
    let lines: Vec<(u64, u64)> = walk.repeats.iter().map(|r| (r.first_line, r.line)).collect();
    assert_eq!(lines, [(3, 4), (3, 5)]);
}

#[test]
fn a_key_with_a_null_repeats_nothing() {
    let batch = batch(&[(None, 1), (None, 1)]);
    assert_eq!(order(&batch).walk(&batch, &[2, 3], None).unwrap().repeats, []);
}

#[test]
fn no_key_means_no_order() {
    assert!(KeyOrder::new(&batch(&[]).schema(), &[]).unwrap().is_none());
}

proptest! {
    #[test]
    fn sorting_is_stable_and_keeps_lines(numbers in prop::collection::vec(0_i64..6, 0..60), cut in 0_usize..60) {
        let rows: Vec<(Option<&str>, i64)> = numbers.iter().map(|n| (Some("k"), *n)).collect();
        let cut = cut.min(rows.len());
        let batches = [batch(&rows[..cut]), batch(&rows[cut..])];
        let lines: Vec<u64> = (2..2 + rows.len() as u64).collect();
        let order = order(&batches[0]);
        let (sorted, sorted_lines) = order.sort(&batches, &lines).unwrap().unwrap();
        let mut expected: Vec<(i64, u64)> = numbers.iter().copied().zip(lines).collect();
        expected.sort();
        let values = sorted.column(1).as_primitive::<Int64Type>().values().iter().copied();
        prop_assert_eq!(values.zip(sorted_lines.iter().copied()).collect::<Vec<_>>(), expected.clone());
        let walk = order.walk(&sorted, &sorted_lines, None).unwrap();
        prop_assert!(walk.sorted);
        let distinct: std::collections::BTreeSet<i64> = numbers.iter().copied().collect();
        prop_assert_eq!(walk.repeats.len(), numbers.len() - distinct.len());
    }
}
