//! Arrow streams from outside. What becomes of whole streams is in `datasets/tests/payloads`.

use std::io::{self, Cursor, Read};

use arrow::array::{ArrayRef, Decimal128Array, Int8Array, RecordBatchOptions, StringArray, UInt32Array};
use arrow::datatypes::Schema;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::*;
use crate::check::Stop;

fn batch(plan: ArrayRef) -> RecordBatch {
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    RecordBatch::try_from_iter([
        ("jednostka_regon", text("001070630")),
        ("dzial", text("801")),
        ("rozdzial", text("80101")),
        ("grupa", text("1300")),
        ("paragraf", text("302")),
        ("p4", text("0")),
        ("plan", plan),
    ])
    .unwrap()
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn read(checker: &Checker, input: impl Read) -> Result<Vec<RecordBatch>, Stop> {
    let mut stream = checker.arrow(input);
    let mut batches = Vec::new();
    while let Some(batch) = stream.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

/// The codes of what ended the reading, and what was said first.
fn refused(end: Result<Vec<RecordBatch>, Stop>) -> (Vec<Code>, String) {
    let Err(Stop::Findings(findings)) = end else { panic!("{end:?}") };
    let codes = findings.counts.keys().map(|(code, ..)| *code).collect();
    (codes, findings.listed[0].message_en.clone())
}

#[test]
fn what_a_batch_may_widen_passes_the_stream_too() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let amounts = Decimal128Array::from(vec![1_790_000]).with_precision_and_scale(12, 2).unwrap();
    let plans: [ArrayRef; 3] =
        [Arc::new(Int8Array::from(vec![17])), Arc::new(UInt32Array::from(vec![17_900])), Arc::new(amounts)];
    for plan in plans {
        let bytes = stream(&[batch(Arc::clone(&plan)), batch(plan)]);
        let batches = read(&checker, bytes.as_slice()).unwrap();
        assert_eq!(batches.len(), 2);
        let checked = checker.batch(&batches[0], 1);
        assert!(checked.findings.counts.is_empty(), "{:?}", checked.findings);
    }
}

#[test]
fn rows_without_columns_cost_nothing() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let options = RecordBatchOptions::new().with_row_count(Some(1 << 20));
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let bytes = stream(&vec![rows; 100]);
    let mut input = Cursor::new(bytes.as_slice());
    let (codes, said) = refused(read(&checker, &mut input));
    assert_eq!(codes, [Code::SchemaMismatch]);
    assert!(said.contains("no column of the pattern"), "{said}");
    // The schema is the first message; no byte of the second was asked for.
    let schema = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    assert_eq!(input.position() as usize, 8 + schema);
}

#[test]
fn a_schema_of_another_table_is_refused_before_its_rows() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let mut bytes = stream(&[batch(Arc::new(StringArray::from(vec!["17900.00"])))]);
    let schema = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    bytes.truncate(schema);
    let (codes, said) = refused(read(&checker, bytes.as_slice()));
    assert_eq!(codes, [Code::SchemaMismatch]);
    assert!(said.contains("column plan is Utf8"), "{said}");
}

#[test]
fn bytes_that_cannot_be_had_are_no_fault_of_the_payload() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line broke"))
        }
    }
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let bytes = stream(&[batch(Arc::new(Int8Array::from(vec![17])))]);
    for cut in [0, 6, 100, bytes.len() - 20] {
        let end = read(&checker, (&bytes[..cut]).chain(Broken));
        assert!(matches!(end, Err(Stop::Io(_))), "{cut}: {end:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Any byte of a real stream may be any other: it ends with batches or a fault, never with a panic.
    #[test]
    fn a_flipped_byte_never_panics(at in 0_usize..2_000, value: u8, cut in 0_usize..2_000) {
        static CHECKER: std::sync::LazyLock<Checker> =
            std::sync::LazyLock::new(|| checker(embedded("rb28s"), Some("2022-Q4")));
        let mut bytes = stream(&[batch(Arc::new(Int8Array::from(vec![17])))]);
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(bytes.len().min(cut.max(64)));
        let mut stream = CHECKER.arrow(bytes.as_slice());
        let mut batches = 0;
        while let Ok(Some(batch)) = stream.next_batch() {
            CHECKER.batch(&batch, 1);
            batches += 1;
            proptest::prop_assert!(batches <= 1_000);
        }
    }
}

/// A part of one row that breaks something.
fn checked(checker: &Checker) -> super::super::Checked {
    let rows = batch(Arc::new(Int8Array::from(vec![17])));
    let mut columns = rows.columns().to_vec();
    columns[1] = Arc::new(StringArray::from(vec!["999"]));
    checker.batch(&RecordBatch::try_new(rows.schema(), columns).unwrap(), 5_000)
}

#[test]
fn a_checked_part_comes_through_as_it_was() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let part = checked(&checker);
    assert!(part.findings.worst().is_some());
    let passed = checker.passed(&part.to_bytes().unwrap()).unwrap();
    assert_eq!((passed.batch, passed.lines), (part.batch, part.lines));
    assert_eq!((passed.findings, passed.rows), (part.findings, part.rows));
}

#[test]
fn a_damaged_part_is_an_error_and_never_rows_of_another_kind() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let whole = checked(&checker).to_bytes().unwrap();
    for at in 0..whole.len() {
        assert!(checker.passed(&whole[..at]).is_err() || at + 64 > whole.len(), "cut at {at}");
        let mut bytes = whole.clone();
        bytes[at] ^= 0x81;
        if let Ok(part) = checker.passed(&bytes) {
            assert_eq!(part.batch.schema(), checker.schema());
        }
    }
    let other = super::checker(embedded("rb27s"), Some("2022-Q4"));
    assert!(other.passed(&whole).is_err());
}
