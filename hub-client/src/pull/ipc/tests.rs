use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::*;

fn batch(from: i64, rows: i64) -> RecordBatch {
    let numbers = Int64Array::from_iter_values(from..from + rows);
    let texts = StringArray::from_iter_values((from..from + rows).map(|n| format!("wiersz {n}")));
    RecordBatch::try_from_iter([("n", Arc::new(numbers) as _), ("t", Arc::new(texts) as _)]).unwrap()
}

fn stream(batches: &[RecordBatch]) -> Bytes {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch(0, 1).schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().unwrap().into()
}

#[test]
fn rows_are_counted_over_all_messages() {
    assert_eq!(rows(&stream(&[batch(0, 3), batch(3, 40)])), Ok(43));
    assert_eq!(rows(&stream(&[])), Ok(0));
    assert_eq!(rows(b""), Ok(0));
}

#[test]
fn a_resumed_stream_joins_the_first_part() {
    let whole = stream(&[batch(0, 3)]);
    let (schema, _) = first(&whole).unwrap();
    let (batch_end, kind) = first(&whole[schema..]).unwrap();
    assert_eq!(kind, Kind::Batch(3));
    let resumed = without_schema(&stream(&[batch(3, 2)])).unwrap();
    let joined = [&whole[..schema + batch_end], &resumed].concat();
    let read: usize =
        StreamReader::try_new(joined.as_slice(), None).unwrap().map(|b| b.unwrap().num_rows()).sum();
    assert_eq!(read, 5);
}

#[test]
fn a_batch_alone_is_left_as_it_is() {
    let whole = stream(&[batch(0, 3)]);
    let (schema, kind) = first(&whole).unwrap();
    assert_eq!(kind, Kind::Schema);
    let rest = whole.slice(schema..);
    assert_eq!(without_schema(&rest).unwrap(), rest);
}

#[test]
fn cut_or_foreign_bytes_are_faults() {
    let whole = stream(&[batch(0, 3)]);
    for end in [1, 7, 9, whole.len() / 2] {
        assert!(rows(&whole[..end]).is_err(), "{end}");
    }
    assert!(rows(b"n,t\n1,2\n").is_err());
    assert!(rows(&[0xff; 64]).is_err());
}
