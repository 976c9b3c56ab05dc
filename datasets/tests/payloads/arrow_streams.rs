//! Arrow streams, honest and forged.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, DictionaryArray, Float64Array, Int32Array, LargeStringArray, ListArray,
    RecordBatchOptions, StringArray,
};
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;

pub(super) fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn amount(values: &[i128], precision: u8) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, 2).unwrap();
    Arc::new(array)
}

/// Two valid lines of an expenditure report.
pub(super) fn honest() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("jednostka_regon", text(&["001070630", "001070630"])),
        ("dzial", text(&["801", "801"])),
        ("rozdzial", text(&["80101", "80101"])),
        ("paragraf", text(&["401", "411"])),
        ("p4", text(&["0", "0"])),
        ("plan", amount(&[10_000_000, 2_000_000], 18)),
        ("zaangazowanie", amount(&[9_000_000, 2_000_000], 18)),
        ("wykonanie", amount(&[8_000_000, 2_000_000], 18)),
    ]
}

pub(super) fn with(at: usize, name: &'static str, column: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    let mut columns = honest();
    columns[at] = (name, column);
    columns
}

fn written(columns: Vec<(&str, ArrayRef)>, batches: usize, options: IpcWriteOptions) -> Vec<u8> {
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    (0..batches).for_each(|_| writer.write(&batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    written(columns, 1, IpcWriteOptions::default())
}

/// Many rows of no column at all.
fn without_columns() -> Vec<u8> {
    let options = RecordBatchOptions::new().with_row_count(Some(1 << 20));
    let rows = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    (0..64).for_each(|_| writer.write(&rows).unwrap());
    writer.into_inner().unwrap()
}

/// Where the record batch's message begins.
fn second_message(stream: &[u8]) -> usize {
    8 + u32::from_le_bytes(stream[4..8].try_into().unwrap()) as usize
}

pub(super) fn accepted() -> Vec<(&'static str, Vec<u8>)> {
    let mut turned = with(5, "plan", Arc::new(Int32Array::from(vec![100_000, 20_000])));
    turned[1].1 = Arc::new(LargeStringArray::from(vec!["801", "801"]));
    turned[7].1 = amount(&[8_000_000, 2_000_000], 9);
    turned.push(("okres", text(&["2022-M12", "2022-Q4"])));
    turned.reverse();
    let open = stream(honest());
    vec![
        ("honest", open.clone()),
        ("widened", stream(turned)),
        ("no-end-mark", open[..open.len() - 8].to_vec()),
    ]
}

pub(super) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let whole = stream(honest());
    let second = second_message(&whole);
    let dictionary: DictionaryArray<Int32Type> = ["801", "801"].into_iter().collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), Some([Some(2)])]);
    let packed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).unwrap();
    let mut claims = whole.clone();
    claims[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
    let mut missing = honest();
    missing.remove(1);
    let mut twice = honest();
    twice.push(("dzial", text(&["801", "801"])));
    vec![
        ("empty", Vec::new()),
        ("end-mark-alone", whole[whole.len() - 8..].to_vec()),
        ("no-rows", written(honest(), 0, IpcWriteOptions::default())),
        ("no-arrow", b"jednostka_regon,dzial\n001070630,801\n".to_vec()),
        ("arrow-file", b"ARROW1\0\0 but not really, only text that goes on".to_vec()),
        ("metadata-of-2-gib", claims),
        ("cut-in-a-batch", whole[..whole.len() - 40].to_vec()),
        ("cut-in-a-length", whole[..second + 2].to_vec()),
        ("batch-before-schema", whole[second..].to_vec()),
        ("second-schema", [&whole[..second], &whole[..]].concat()),
        ("dictionary", stream(with(1, "dzial", Arc::new(dictionary)))),
        ("nested", stream(with(1, "dzial", Arc::new(list)))),
        ("compressed", written(honest(), 1, packed)),
        ("no-columns", without_columns()),
        ("foreign-table", stream(vec![("kolumna", text(&["x"]))])),
        ("unknown-column", stream(with(1, "dział_nowy", text(&["801", "801"])))),
        ("missing-column", stream(missing)),
        ("column-twice", stream(twice)),
        ("amounts-as-floats", stream(with(5, "plan", Arc::new(Float64Array::from(vec![1.0, 2.0]))))),
        ("repeated-keys", written(honest(), 2, IpcWriteOptions::default())),
        ("wrong-code", stream(with(1, "dzial", text(&["801", "999"])))),
        ("another-period", stream(with(7, "okres", text(&["2022-Q4", "2021-Q4"])))),
    ]
}
