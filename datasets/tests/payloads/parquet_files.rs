//! Parquet files, honest and forged.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int32Array, ListArray, StringArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use crate::arrow_streams::{amount, honest, text, with};

fn properties() -> WriterPropertiesBuilder {
    // Named, so that the bytes do not change with the version of the library.
    WriterProperties::builder().set_created_by("a program".to_owned())
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    written(columns, properties().set_compression(Compression::SNAPPY))
}

/// Replaces the first occurrence of some bytes.
fn patched(mut bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    bytes.splice(at..at + old.len(), new.iter().copied());
    bytes
}

/// Writes over the last bytes.
fn ended(mut bytes: Vec<u8>, end: &[u8]) -> Vec<u8> {
    let at = bytes.len() - end.len();
    bytes[at..].copy_from_slice(end);
    bytes
}

pub(super) fn accepted() -> Vec<(&'static str, Vec<u8>)> {
    let mut turned = with(5, "plan", Arc::new(Int32Array::from(vec![100_000, 20_000])));
    turned[7].1 = amount(&[8_000_000, 2_000_000], 9);
    turned.push(("okres", text(&["2022-M12", "2022-Q4"])));
    turned.reverse();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let groups = properties()
        .set_compression(zstd)
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_column_encoding("plan".into(), Encoding::PLAIN)
        .set_column_encoding("jednostka_regon".into(), Encoding::PLAIN)
        .set_column_encoding("dzial".into(), Encoding::PLAIN)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_max_row_group_row_count(Some(1));
    vec![
        ("honest", file(honest())),
        ("widened", file(turned)),
        ("zstd-row-groups", written(honest(), groups)),
    ]
}

pub(super) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let whole = file(honest());
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), Some([Some(2)])]);
    let mut missing = honest();
    missing.remove(1);
    let mut twice = honest();
    twice.push(("DZIAL", text(&["801", "801"])));
    let none: Vec<(&str, ArrayRef)> =
        honest().into_iter().map(|(name, column)| (name, column.slice(0, 0))).collect();
    let differences = properties().set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY);
    let texts_alone = honest().into_iter().take(5).collect();
    let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap()) as usize;
    let long: StringArray = [Some("8".repeat(1 << 16)), Some("801".to_owned())].into_iter().collect();
    vec![
        ("empty", Vec::new()),
        ("marks-alone", b"PAR1PAR1".to_vec()),
        ("no-parquet", b"jednostka_regon,dzial\n001070630,801\n".to_vec()),
        ("no-rows", file(none)),
        ("encrypted", ended(whole.clone(), b"PARE")),
        ("footer-of-2-gib", ended(whole.clone(), b"\xff\xff\xff\x7fPAR1")),
        ("footer-longer-than-the-file", ended(whole.clone(), b"\xff\xff\x0f\x00PAR1")),
        ("footer-of-noise", {
            let mut bytes = whole.clone();
            let end = bytes.len() - 8;
            bytes[end - footer..end].fill(0x5c);
            bytes
        }),
        ("cut-at-the-end", whole[..whole.len() - 40].to_vec()),
        ("cut-at-the-beginning", whole[40..].to_vec()),
        ("text-that-is-no-text", patched(whole.clone(), b"001070630", b"00107\xff630")),
        ("nested", file(with(1, "dzial", Arc::new(list)))),
        ("differences-of-texts", written(texts_alone, differences)),
        ("foreign-table", file(vec![("kolumna", text(&["x"]))])),
        ("unknown-column", file(with(1, "dział_nowy", text(&["801", "801"])))),
        ("missing-column", file(missing)),
        ("column-twice", file(twice)),
        ("amounts-as-floats", file(with(5, "plan", Arc::new(Float64Array::from(vec![1.0, 2.0]))))),
        ("repeated-keys", {
            let twice = honest().into_iter().map(|(name, column)| {
                let both: Vec<&dyn Array> = vec![&column, &column];
                (name, arrow::compute::concat(&both).unwrap())
            });
            file(twice.collect())
        }),
        ("wrong-code", file(with(1, "dzial", text(&["801", "999"])))),
        ("long-text", file(with(1, "dzial", Arc::new(long)))),
        ("another-period", file(with(7, "okres", text(&["2022-Q4", "2021-Q4"])))),
    ]
}
