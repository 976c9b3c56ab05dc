use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Decimal128Array, Int64Array, StringArray, StringViewArray,
};
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::StreamExt as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::fixture::{Fixture, row, text};
use crate::query::encode::{Encoder, PIECE_MAX};
use crate::query::{RowFormat, Scan};

fn batch(texts: &[Option<&str>], amounts: &[i64]) -> RecordBatch {
    let amounts: Decimal128Array = amounts.iter().map(|a| Some(i128::from(*a))).collect();
    let columns: [(&str, ArrayRef); 2] = [
        ("nazwa", Arc::new(texts.iter().copied().collect::<StringArray>())),
        ("kwota", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
}

fn encode(format: RowFormat, batches: &[RecordBatch]) -> (Vec<u8>, u64, Vec<usize>) {
    let mut encoder = Encoder::new(format, &batches[0].schema()).unwrap();
    let mut pieces = encoder.start().unwrap();
    for batch in batches {
        pieces.extend(encoder.encode(batch).unwrap());
    }
    pieces.extend(encoder.finish().unwrap());
    let sizes = pieces.iter().map(|(data, _)| data.len()).collect();
    let rows = pieces.iter().map(|(_, rows)| rows).sum();
    (pieces.into_iter().flat_map(|(data, _)| data).collect(), rows, sizes)
}

#[test]
fn csv_is_quoted_and_guarded() {
    let texts = [
        Some("a,b"),
        Some("say \"x\""),
        Some("=1+1"),
        Some("-5"),
        None,
        Some("@x"),
        Some("\tx"),
        Some("two\nlines"),
    ];
    let (bytes, rows, _) = encode(RowFormat::Csv, &[batch(&texts, &[1, -250, 3, 4, 5, 6, 7, 8])]);
    let expected = "nazwa,kwota\n\"a,b\",0.01\n\"say \"\"x\"\"\",-2.50\n'=1+1,0.03\n'-5,0.04\n,0.05\n'@x,0.06\n'\tx,0.07\n\"two\nlines\",0.08\n";
    assert_eq!((String::from_utf8(bytes).unwrap().as_str(), rows), (expected, 8));
}

#[test]
fn a_header_is_guarded_as_well() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("=cmd()", column)]).unwrap();
    let (bytes, ..) = encode(RowFormat::Csv, &[batch]);
    assert_eq!(String::from_utf8(bytes).unwrap(), "'=cmd()\n1\n");
}

#[test]
fn ndjson_has_one_object_a_line_and_writes_nulls() {
    let (bytes, rows, _) = encode(RowFormat::Ndjson, &[batch(&[Some("ż"), None], &[150, 7])]);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(bytes).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows, 2);
    assert_eq!(lines[0]["nazwa"], "ż");
    assert!(lines[1].as_object().unwrap()["nazwa"].is_null());
    assert_eq!(lines[1]["kwota"].to_string().trim_matches('"'), "0.07");
}

#[test]
fn arrow_and_parquet_give_back_what_went_in() {
    let batches = [batch(&[Some("a"), None], &[1, 2]), batch(&[Some("=x")], &[3])];
    let (bytes, rows, _) = encode(RowFormat::Arrow, &batches);
    let read: Vec<RecordBatch> =
        StreamReader::try_new(Cursor::new(bytes), None).unwrap().map(Result::unwrap).collect();
    assert_eq!((text(&read), rows), (text(&batches), 3));
    let (bytes, rows, _) = encode(RowFormat::Parquet, &batches);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let read: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!((text(&read), rows), (text(&batches), 3));
}

#[test]
fn views_leave_as_plain_text() {
    let column: ArrayRef = Arc::new(StringViewArray::from(vec!["a text that is longer than twelve bytes"]));
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let (bytes, ..) = encode(RowFormat::Arrow, &[batch]);
    let read: Vec<RecordBatch> =
        StreamReader::try_new(Cursor::new(bytes), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read[0].column(0).as_string::<i32>().value(0), "a text that is longer than twelve bytes");
}

#[test]
fn no_piece_is_too_big_and_small_batches_are_gathered() {
    let long = "x".repeat(40_000);
    let mut texts: Vec<Option<&str>> = vec![Some("short"); 5_000];
    for at in (0..5_000).step_by(25) {
        texts[at] = Some(&long);
    }
    let amounts: Vec<i64> = (0..5_000).collect();
    let big = batch(&texts, &amounts);
    for format in [RowFormat::Arrow, RowFormat::Csv, RowFormat::Ndjson, RowFormat::Parquet] {
        let (_, rows, sizes) = encode(format, &[big.clone(), big.clone()]);
        assert_eq!(rows, 10_000);
        assert!(sizes.iter().all(|s| *s <= PIECE_MAX), "{format:?} {sizes:?}");
    }
    let small: Vec<RecordBatch> = (0..2_000).map(|n| big.slice(n, 1)).collect();
    let (bytes, rows, sizes) = encode(RowFormat::Arrow, &small);
    assert_eq!(rows, 2_000);
    assert!(sizes.len() < 12, "{sizes:?}");
    let read: Vec<RecordBatch> =
        StreamReader::try_new(Cursor::new(bytes), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_000);
}

#[test]
fn a_row_that_fits_no_message_is_a_limit() {
    let long = "x".repeat(PIECE_MAX + 1);
    let big = batch(&[Some("a"), Some(&long)], &[1, 2]);
    let mut encoder = Encoder::new(RowFormat::Arrow, &big.schema()).unwrap();
    let error = encoder.encode(&big).unwrap_err();
    assert_eq!(error.reason(), hub_proto::Reason::QueryLimit);
}

#[tokio::test]
async fn chunks_count_rows_and_the_last_is_complete() {
    let fixture = Fixture::new().await;
    fixture.commit(&[(0..500).map(|n| row("a", 1, &format!("{n}"), n)).collect()]).await;
    for format in [RowFormat::Arrow, RowFormat::Csv, RowFormat::Ndjson, RowFormat::Parquet] {
        let rows =
            fixture.engine.scan(fixture.view(None), Scan { offset: 100, ..Scan::default() }).await.unwrap();
        let chunks: Vec<_> =
            fixture.engine.encode(rows, format, 100).unwrap().map(Result::unwrap).collect().await;
        assert!(chunks.iter().rev().skip(1).all(|c| !c.complete));
        let last = chunks.last().unwrap();
        assert_eq!((last.complete, last.rows), (true, 500), "{format:?}");
        assert!(chunks.is_sorted_by_key(|c| c.rows));
    }
}

proptest! {
    #[test]
    fn no_text_cell_of_a_csv_starts_a_formula(cells in prop::collection::vec("[-=+@\t\ra\",\n \u{0}ż]{0,4}", 1..6)) {
        let texts: Vec<Option<&str>> = cells.iter().map(|c| Some(c.as_str())).collect();
        let amounts = vec![-1; cells.len()];
        let (bytes, ..) = encode(RowFormat::Csv, &[batch(&texts, &amounts)]);
        let schema = batch(&texts, &amounts).schema();
        let read = arrow::csv::ReaderBuilder::new(schema).with_header(true).build(Cursor::new(bytes)).unwrap();
        let mut read_cells = Vec::new();
        for part in read {
            let part = part.unwrap();
            let column = part.column(0).as_string::<i32>();
            read_cells.extend((0..column.len()).map(|i| if column.is_null(i) { String::new() } else { column.value(i).to_owned() }));
        }
        prop_assert_eq!(read_cells.len(), cells.len());
        for (sent, read) in cells.iter().zip(&read_cells) {
            prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']), "{read:?}");
            prop_assert_eq!(read.strip_prefix('\'').unwrap_or(read), sent.as_str());
        }
    }
}
