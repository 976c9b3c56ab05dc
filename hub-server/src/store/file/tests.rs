use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{DataFileWriter, FileLayout, ROW_GROUP_ROWS};
use crate::store::disk::sim::{Fault, Op, SimDisk};
use crate::store::disk::{Disk, LocalDisk, exists, read_all};
use crate::store::hex;
use crate::store::index::{Bound, DataFile, Decimal};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("dzial", DataType::Utf8, true),
        Field::new("kwota", DataType::Decimal128(38, 2), true),
        Field::new("udzial", DataType::Float64, true),
        Field::new("_period_end", DataType::Date32, false),
        Field::new("_publisher", DataType::Utf8, false),
        Field::new("_seq", DataType::Int64, false),
    ]))
}

fn layout() -> Arc<FileLayout> {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let stats = names(&["dzial", "kwota", "udzial", "_publisher", "_seq"]);
    FileLayout::new(schema(), stats, names(&["dzial"]))
}

type Row = (Option<String>, Option<i128>, String, i64);

fn batch(rows: &[Row]) -> RecordBatch {
    let amounts: Decimal128Array = rows.iter().map(|r| r.1).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.0.as_deref()).collect::<StringArray>()),
        Arc::new(amounts.with_precision_and_scale(38, 2).unwrap()),
        Arc::new(Float64Array::from(vec![f64::NAN; rows.len()])),
        Arc::new(Date32Array::from(vec![19_357; rows.len()])),
        Arc::new(rows.iter().map(|r| Some(r.2.as_str())).collect::<StringArray>()),
        Arc::new(Int64Array::from(rows.iter().map(|r| r.3).collect::<Vec<_>>())),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn write(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    groups: &[Vec<RecordBatch>],
) -> Result<DataFile, crate::store::StoreError> {
    let mut writer = DataFileWriter::new(Arc::clone(disk), folder, &layout())?;
    let encoder = writer.encoder();
    for group in groups {
        let encoded = encoder.encode(group.clone())?;
        if let Err(error) = writer.append(encoded) {
            writer.discard();
            return Err(error);
        }
    }
    writer.finish("2022-12-31")
}

fn sim() -> Arc<dyn Disk> {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/t/d")).unwrap();
    Arc::new(disk)
}

fn row(dzial: &str, kwota: i128, publisher: &str, seq: i64) -> Row {
    (Some(dzial.into()), Some(kwota), publisher.into(), seq)
}

#[test]
fn what_was_written_is_read_and_described() {
    let disk = sim();
    let first =
        vec![batch(&[row("801", 5, "b", 2), row("600", -7, "b", 2)]), batch(&[row("750", 1, "a", 1)])];
    let second = vec![batch(&[(None, None, "c".into(), 9)])];
    let file = write(&disk, Path::new("/t/d"), &[first.clone(), second.clone()]).unwrap();
    let bytes = read_all(disk.as_ref(), &Path::new("/t").join(&file.path)).unwrap();
    assert_eq!(file.bytes, bytes.len() as u64);
    assert_eq!(file.sha256, hex(&Sha256::digest(&bytes)));
    assert_eq!(
        (file.rows, file.seqs, file.publishers, file.publisher_rows),
        (4, vec![1, 2, 9], vec!["a".into(), "b".into(), "c".into()], vec![1, 2, 1])
    );
    let text = |a: &Option<Bound>| a.as_ref().unwrap().text().unwrap().to_owned();
    let dzial = file.stats.get("dzial").unwrap();
    assert_eq!((text(&dzial.min), text(&dzial.max), dzial.nulls), ("600".into(), "801".into(), 1));
    let kwota = file.stats.get("kwota").unwrap();
    let amount = |unscaled| Some(Bound::Decimal(Decimal::new(unscaled, 38, 2)));
    assert_eq!((&kwota.min, &kwota.max), (&amount(-7), &amount(5)));
    let udzial = file.stats.get("udzial").unwrap();
    assert_eq!((&udzial.min, &udzial.max, udzial.nulls), (&None, &None, 0), "floats have no bounds");
    assert!(file.stats.get("_period_end").is_none(), "only the columns that were asked for");

    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    let written: Vec<_> = first.into_iter().chain(second).collect();
    let (read, written) =
        (concat_batches(&schema(), &read).unwrap(), concat_batches(&schema(), &written).unwrap());
    assert_eq!(read.column(0), written.column(0));
    assert_eq!(read.column(1), written.column(1));
    assert_eq!(read.column(5), written.column(5));
}

#[test]
fn the_layout_is_the_one_that_reads_are_fast_with() {
    let disk = sim();
    let rows: Vec<Row> = (0..20_000).map(|n| row(&format!("{:03}", n % 33), n, "a", 1)).collect();
    let file = write(&disk, Path::new("/t/d"), &[vec![batch(&rows)]]).unwrap();
    let bytes = bytes::Bytes::from(read_all(disk.as_ref(), &Path::new("/t").join(&file.path)).unwrap());
    let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
    let options = ReadOptionsBuilder::new().with_page_index().with_reader_properties(properties).build();
    let reader = SerializedFileReader::new_with_options(bytes, options).unwrap();
    let metadata = reader.metadata();
    let group = metadata.row_group(0);
    assert!(group.columns().iter().all(|c| format!("{:?}", c.compression()).starts_with("ZSTD")));
    let has_statistics: Vec<bool> = group.columns().iter().map(|c| c.statistics().is_some()).collect();
    assert_eq!(has_statistics, [true, true, true, false, true, true]);
    let has_bloom: Vec<bool> = group.columns().iter().map(|c| c.bloom_filter_offset().is_some()).collect();
    assert_eq!(has_bloom, [true, false, false, false, false, false]);
    let pages = metadata.offset_index().unwrap()[0][1].page_locations();
    assert_eq!(pages.iter().map(|p| p.first_row_index).collect::<Vec<_>>(), [0, 8_192, 16_384]);
}

#[test]
fn long_texts_have_no_bound_even_when_other_row_groups_are_short() {
    let disk = sim();
    let long = "z".repeat(65);
    let groups = [
        vec![batch(&[row("a", 1, "a", 1)])],
        vec![batch(&[row(&long, 1, "a", 1)])],
        vec![batch(&[row("b", 1, "a", 1)])],
    ];
    let file = write(&disk, Path::new("/t/d"), &groups).unwrap();
    let text = |a: &Option<Bound>| a.as_ref().and_then(Bound::text).map(str::to_owned);
    assert_eq!(text(&file.stats.get("dzial").unwrap().max), None);
    assert_eq!(
        text(&file.stats.get("dzial").unwrap().min),
        Some("a".into()),
        "the other side is not touched"
    );
}

#[test]
fn row_groups_are_encoded_on_many_threads_and_appended_in_order() {
    let disk = sim();
    let mut writer = DataFileWriter::new(Arc::clone(&disk), Path::new("/t/d"), &layout()).unwrap();
    let encoded: Vec<_> = std::thread::scope(|scope| {
        let tasks: Vec<_> = (0..4_i64)
            .map(|n| {
                let encoder = writer.encoder();
                scope.spawn(move || {
                    encoder.encode(vec![batch(&[row("x", 1, "a", n), row("y", 1, "a", n)])]).unwrap()
                })
            })
            .collect();
        tasks.into_iter().map(|t| t.join().unwrap()).collect()
    });
    for group in encoded {
        assert_eq!(group.rows(), 2);
        writer.append(group).unwrap();
    }
    assert_eq!(writer.rows(), 8);
    let file = writer.finish("p").unwrap();
    let bytes = read_all(disk.as_ref(), &Path::new("/t").join(&file.path)).unwrap();
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let seqs: Vec<i64> =
        reader.flat_map(|b| b.unwrap().column(5).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(seqs, [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn threads_that_share_the_columns_write_the_same_bytes() {
    let disk = sim();
    let rows: Vec<Row> = (0..5_000).map(|n| row(&format!("d{}", n % 7), n.into(), "a", n)).collect();
    let written = [1, 2, 3, 9].map(|threads| {
        let mut writer = DataFileWriter::new(Arc::clone(&disk), Path::new("/t/d"), &layout()).unwrap();
        writer.append(writer.encoder().encode_on(threads, vec![batch(&rows)]).unwrap()).unwrap();
        let file = writer.finish("p").unwrap();
        read_all(disk.as_ref(), &Path::new("/t").join(&file.path)).unwrap()
    });
    assert!(written.iter().all(|bytes| *bytes == written[0]));
}

#[test]
fn wrong_columns_and_sizes_are_refused() {
    let disk = sim();
    let writer = DataFileWriter::new(disk, Path::new("/t/d"), &layout()).unwrap();
    let encoder = writer.encoder();
    assert!(encoder.encode(vec![]).unwrap_err().to_string().contains("1 to 131072"));
    let rows = vec![row("a", 1, "a", 1); ROW_GROUP_ROWS + 1];
    assert!(encoder.encode(vec![batch(&rows)]).is_err());
    let other = batch(&rows[..1]).project(&[1, 0, 2, 3, 4, 5]).unwrap();
    assert!(encoder.encode(vec![other]).unwrap_err().to_string().contains("are not the table's"));
}

/// A small file costs one create, one write, one sync of the file and one of the folder.
#[test]
fn a_small_file_is_four_calls_and_a_discarded_one_leaves_nothing() {
    let disk = SimDisk::new();
    disk.make_dir(Path::new("/t/d")).unwrap();
    let before = disk.operations();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    write(&shared, Path::new("/t/d"), &[vec![batch(&[row("a", 1, "a", 1)])]]).unwrap();
    assert_eq!(disk.operations() - before, 4);
}

#[test]
fn a_full_disk_is_told_as_such_and_the_file_is_removed() {
    for (op, rows) in
        [(Op::Create, 10), (Op::Append, 10), (Op::SyncFile, 10), (Op::SyncDir, 10), (Op::Append, 60_000)]
    {
        let disk = SimDisk::new();
        disk.make_dir(Path::new("/t/d")).unwrap();
        let fault =
            Fault { op, path: "/t/d".into(), skip: 0, error: ErrorKind::StorageFull, after_effect: false };
        disk.fail(fault);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let rows: Vec<Row> =
            (0..rows).map(|n| row(&hex(&Sha256::digest(n.to_string())), n * n * n, "a", 1)).collect();
        let groups: Vec<Vec<RecordBatch>> = vec![vec![batch(&rows)]];
        let error = write(&shared, Path::new("/t/d"), &groups).unwrap_err();
        assert_eq!(error.reason(), hub_proto::Reason::StorageFull, "{op:?}: {error}");
        assert_eq!(disk.list(Path::new("/t/d")).unwrap(), [], "{op:?}");
    }
}

#[test]
fn power_cuts_leave_a_whole_file_once_it_was_finished() {
    let script = |disk: &SimDisk| {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let rows: Vec<Row> =
            (0..30_000).map(|n| row(&hex(&Sha256::digest(n.to_string())), n, "a", 1)).collect();
        write(&shared, Path::new("/t/d"), &[vec![batch(&rows)], vec![batch(&rows[..9])]]).ok()
    };
    let whole = SimDisk::new();
    whole.make_dir(Path::new("/t/d")).unwrap();
    let made = whole.operations();
    assert!(script(&whole).is_some());
    assert!(whole.operations() - made > 4, "a big file is poured out in parts");
    for cut in made..=whole.operations() {
        let disk = SimDisk::new();
        disk.make_dir(Path::new("/t/d")).unwrap();
        disk.cut_after(cut);
        let Some(file) = script(&disk) else { continue };
        for seed in [0, 1, 2, u64::MAX] {
            let after = disk.after_power_loss(seed);
            let path = Path::new("/t").join(&file.path);
            assert!(exists(&after, &path).unwrap());
            assert_eq!(hex(&Sha256::digest(read_all(&after, &path).unwrap())), file.sha256);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Bounds hold for each row, so that pruning never drops a matching one (also beyond 15 digits).
    #[test]
    fn bounds_hold_for_each_row(
        groups in prop::collection::vec(prop::collection::vec(
            (prop::option::of("\\PC{0,40}"), prop::option::of(-(10_i128.pow(37))..10_i128.pow(37)), "[a-c]", 0_i64..9), 1..20), 1..4),
    ) {
        let disk = sim();
        let batches: Vec<Vec<RecordBatch>> = groups.iter().map(|rows| vec![batch(rows)]).collect();
        let file = write(&disk, Path::new("/t/d"), &batches).unwrap();
        let rows: Vec<&Row> = groups.iter().flatten().collect();
        let dzial = file.stats.get("dzial").unwrap();
        let kwota = file.stats.get("kwota").unwrap();
        prop_assert_eq!(dzial.nulls, rows.iter().filter(|r| r.0.is_none()).count() as u64);
        for row in &rows {
            if let (Some(value), Some(min), Some(max)) = (&row.0, &dzial.min, &dzial.max) {
                prop_assert!(min.text().unwrap() <= value.as_str() && value.as_str() <= max.text().unwrap());
            }
            if let Some(value) = row.1 {
                let value = Some(Bound::Decimal(Decimal::new(value, 38, 2)));
                prop_assert!(kwota.min <= value && value <= kwota.max);
            }
            prop_assert!(file.seqs.contains(&row.3) && file.publishers.iter().any(|publisher| **publisher == row.2));
        }
    }
}

#[test]
fn the_real_disk_holds_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    std::fs::create_dir(root.path().join("d")).unwrap();
    let file = write(&disk, &root.path().join("d"), &[vec![batch(&[row("a", 1, "a", 1)])]]).unwrap();
    let bytes = std::fs::read(root.path().join(&file.path)).unwrap();
    assert_eq!(hex(&Sha256::digest(&bytes)), file.sha256);
}
