//! Checkpoints as the Delta protocol has them (V1, one Parquet file): a row for each action that makes the
//! state of a log version, a column for each kind of action. The rows are the log's own actions, so a
//! checkpoint says of a file what the log says of it.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::ChunkReader;
use serde_json::{Value, json};

use super::actions::{add_action, definition_actions, remove_action};
use super::{Definition, Remove};
use crate::store::index::DataFile;

/// Rows that are encoded at a time.
const BATCH_ROWS: usize = 1_024;
/// Rows of a row group: what is encoded but not yet written stays in memory.
const ROW_GROUP_ROWS: usize = 16_384;

/// A removed file that readers may still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) remove: Remove,
    /// Milliseconds since 1970, UTC.
    pub(crate) removed_at: i64,
}

/// The row of a removed file.
pub(crate) fn tombstone_row(tombstone: &Tombstone) -> Value {
    remove_action(&tombstone.remove, tombstone.removed_at, false)
}

/// The row of a live file that was added at a time (milliseconds since 1970, UTC).
pub(crate) fn file_row(file: &DataFile, added_at: i64) -> Value {
    add_action(file, added_at, false)
}

/// The rows of a table's definition.
pub(crate) fn definition_rows(definition: &Definition) -> [Value; 2] {
    definition_actions(definition)
}

/// The bytes of `_last_checkpoint`, which tells readers where to begin.
pub(crate) fn hint(version: u64, rows: u64) -> Vec<u8> {
    json!({"version": version, "size": rows}).to_string().into_bytes()
}

/// The log version that a `_last_checkpoint` names.
pub(crate) fn hinted(bytes: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(bytes).ok()?["version"].as_u64()
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn long(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, true)
}

fn texts(name: &str) -> Field {
    let entries = Fields::from(vec![text("key", false), text("value", true)]);
    let entries = Field::new("key_value", DataType::Struct(entries), false);
    Field::new(name, DataType::Map(Arc::new(entries), false), true)
}

fn action(name: &str, fields: Vec<Field>) -> Field {
    Field::new(name, DataType::Struct(fields.into()), true)
}

/// The columns of a checkpoint, with all that the protocol asks for; the hub writes no `txn`.
fn columns() -> SchemaRef {
    let whole = |name: &str| Field::new(name, DataType::Int32, true);
    let element = Arc::new(text("element", true));
    let format = vec![text("provider", true), texts("options")];
    Arc::new(Schema::new(vec![
        action("txn", vec![text("appId", true), long("version"), long("lastUpdated")]),
        action(
            "add",
            vec![
                text("path", true),
                texts("partitionValues"),
                long("size"),
                long("modificationTime"),
                flag("dataChange"),
                text("stats", true),
                texts("tags"),
            ],
        ),
        action(
            "remove",
            vec![
                text("path", true),
                long("deletionTimestamp"),
                flag("dataChange"),
                flag("extendedFileMetadata"),
                texts("partitionValues"),
                long("size"),
            ],
        ),
        action(
            "metaData",
            vec![
                text("id", true),
                text("name", true),
                text("description", true),
                action("format", format),
                text("schemaString", true),
                Field::new("partitionColumns", DataType::List(element), true),
                texts("configuration"),
                long("createdTime"),
            ],
        ),
        action("protocol", vec![whole("minReaderVersion"), whole("minWriterVersion")]),
    ]))
}

/// Writes rows as a checkpoint; gives their number. Blocking; a row group at most is held in memory.
pub(crate) fn write(
    rows: impl IntoIterator<Item = Value>,
    into: &mut (impl Write + Send),
) -> Result<u64, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(concat!("hub-server ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(into, columns(), Some(properties))?;
    let mut decoder = ReaderBuilder::new(columns()).build_decoder()?;
    let mut count = 0;
    for row in rows {
        decoder.serialize(&[row])?;
        count += 1;
        if decoder.len() >= BATCH_ROWS {
            decoder.flush()?.map_or(Ok(()), |batch| writer.write(&batch))?;
        }
    }
    decoder.flush()?.map_or(Ok(()), |batch| writer.write(&batch))?;
    writer.close()?;
    Ok(count)
}

/// Number of rows of a checkpoint.
pub(crate) fn count(file: impl ChunkReader + 'static) -> Result<u64, ParquetError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
    Ok(reader.metadata().file_metadata().num_rows().unsigned_abs())
}

/// Reads all of a checkpoint; gives the number of its rows. Blocking.
pub(crate) fn read_through(file: impl ChunkReader + 'static) -> Result<u64, ParquetError> {
    let mut batches = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS).build()?;
    batches.try_fold(0, |rows, batch| Ok(rows + batch?.num_rows() as u64))
}

/// The removed files of a checkpoint, ours or another writer's. Blocking.
pub(crate) fn tombstones(
    file: impl ChunkReader + 'static,
) -> Result<impl Iterator<Item = Result<Tombstone, ParquetError>>, ParquetError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let removes = ProjectionMask::columns(reader.parquet_schema(), ["remove"]);
    let batches = reader.with_projection(removes).with_batch_size(BATCH_ROWS).build()?;
    Ok(batches.flat_map(|batch| match batch.and_then(|batch| removed(&batch)) {
        Ok(tombstones) => tombstones.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error.into())],
    }))
}

fn removed(batch: &RecordBatch) -> Result<Vec<Tombstone>, ArrowError> {
    let mut lines = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut lines);
    writer.write(batch)?;
    writer.finish()?;
    let row = |line: &[u8]| -> Result<Option<Tombstone>, ArrowError> {
        let row: Value = serde_json::from_slice(line).map_err(|e| ArrowError::JsonError(e.to_string()))?;
        let remove = &row["remove"];
        let (Some(path), Some(removed_at)) = (remove["path"].as_str(), remove["deletionTimestamp"].as_i64())
        else {
            return Ok(None);
        };
        let partition = remove["partitionValues"][super::schema::PARTITION].as_str().unwrap_or_default();
        let (path, partition) = (path.to_owned(), partition.to_owned());
        let remove = Remove { path, partition, bytes: remove["size"].as_u64().unwrap_or_default() };
        Ok(Some(Tombstone { remove, removed_at }))
    };
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| row(line).transpose()).collect()
}
