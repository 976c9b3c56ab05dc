//! Writes a copy's file: anew, or with what changed.

use std::fs::File;
use std::io;
use std::path::Path;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow::row::RowConverter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::facts::Facts;
use super::net::{Net, Sum, converter};
use crate::temporary::Temporary;

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// The file of a copy while it is written, under a name of its own.
pub(super) struct Writing {
    writer: ArrowWriter<File>,
    temporary: Temporary,
    schema: SchemaRef,
    converter: RowConverter,
    rows: u64,
    sum: Sum,
}

impl Writing {
    pub(super) fn start(path: &Path, schema: &SchemaRef) -> io::Result<Self> {
        let temporary = Temporary::at(super::beside(path, "copy.part")?)?;
        let level = ZstdLevel::try_new(1).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(temporary.handle()?, SchemaRef::clone(schema), Some(properties));
        let (writer, converter) =
            (writer.map_err(io::Error::other)?, converter(schema).map_err(io::Error::other)?);
        Ok(Self {
            writer,
            temporary,
            schema: SchemaRef::clone(schema),
            converter,
            rows: 0,
            sum: Sum::default(),
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns =
            columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>();
        let batch = columns.and_then(|columns| RecordBatch::try_new(SchemaRef::clone(&self.schema), columns));
        let batch = batch.map_err(io::Error::other)?;
        let rows = self.converter.convert_columns(batch.columns()).map_err(io::Error::other)?;
        rows.iter().for_each(|row| self.sum.add(row.as_ref()));
        self.rows += batch.num_rows() as u64;
        self.writer.write(&batch).map_err(io::Error::other)
    }

    /// The whole file takes the copy's name, durable before it does. Gives its rows.
    pub(super) fn settle(mut self, path: &Path, facts: Facts) -> io::Result<u64> {
        let facts = facts.holding(self.rows, self.sum.to_string());
        self.writer.append_key_value_metadata(facts.written()?);
        self.writer.close().map_err(io::Error::other)?;
        self.temporary.settle(path)?;
        Ok(self.rows)
    }
}

/// What a rewritten copy holds.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) rows: u64,
    pub(super) inserted: u64,
    pub(super) deleted: u64,
}

/// Writes a copy with what changed. None: it is not as it was written, and stays as it is. Blocking.
pub(super) fn rewrite(path: &Path, was: &Facts, next: Facts, mut net: Net) -> io::Result<Option<Rewritten>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(io::Error::other)?;
    let Ok(batches) = builder.with_batch_size(BATCH_ROWS).build() else { return Ok(None) };
    let mut writing = Writing::start(path, &was.schema)?;
    let (mut sum, mut read) = (Sum::default(), 0);
    for batch in batches {
        let Ok(batch) = batch else { return Ok(None) };
        read += batch.num_rows() as u64;
        writing.write(&net.staying(&batch, &mut sum).map_err(io::Error::other)?)?;
    }
    if read != was.rows || sum.to_string() != was.sum {
        return Ok(None);
    }
    let deleted = read - writing.rows;
    let Some(coming) = net.coming().map_err(io::Error::other)? else { return Ok(None) };
    writing.write(&coming)?;
    let inserted = coming.num_rows() as u64;
    let rows = writing.settle(path, next)?;
    Ok(Some(Rewritten { rows, inserted, deleted }))
}
