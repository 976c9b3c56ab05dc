//! Parquet data files: the one way they are laid out, written and hashed.
//!
//! Row groups of 131,072 rows, pages of 8,192, page index, zstd-1, statistics for the columns that
//! are asked for, bloom filters on code columns. Files of few rows, which live until the next
//! compaction, are laid out lightly: each value as its difference from the one before, without
//! compression, dictionaries, bloom filters or page index.

mod chunks;
pub(super) mod sink;
mod summary;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::StoreError;
use super::blocks::Summed;
use super::disk::Disk;
use super::index::{DataFile, shared};
pub(crate) use chunks::DataChunks;
use sink::Sink;
use summary::Summary;

/// How the files of a table are laid out.
#[derive(Debug, Clone)]
pub(crate) struct FileLayout {
    /// Physical schema.
    pub(crate) schema: SchemaRef,
    /// Columns with statistics in file and index: key, slice and the hub's.
    pub(crate) stats: Vec<String>,
    /// Columns with bloom filters: code columns.
    pub(crate) blooms: Vec<String>,
    weight: Weight,
    /// What the encoder makes of it, once for all files.
    prepared: OnceLock<Prepared>,
}

#[derive(Debug, Clone)]
struct Prepared {
    properties: Arc<WriterProperties>,
    schema: TypePtr,
}

/// What a file is laid out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// To be read for years.
    Full,
    /// To be written at once. A codec or a dictionary would spend more time on its own tables than on the
    /// bytes of few rows.
    Light,
}

/// Rows of a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;
/// Rows of a data page at most.
const PAGE_ROWS: usize = 8_192;
/// A column with more distinct values than fit is not worth a dictionary.
const DICTIONARY_BYTES: usize = 128 << 10;
/// Digits of a decimal that Parquet holds as a whole number.
const WHOLE_DIGITS: u8 = 18;
/// Bounds longer than this are left out: exact or absent.
const BOUND_BYTES: usize = 64;

impl FileLayout {
    pub(crate) fn new(schema: SchemaRef, stats: Vec<String>, blooms: Vec<String>) -> Arc<Self> {
        Arc::new(Self { schema, stats, blooms, weight: Weight::Full, prepared: OnceLock::new() })
    }
    /// The layout of a file of few rows.
    pub(crate) fn light(&self) -> Arc<Self> {
        let (schema, stats) = (Arc::clone(&self.schema), self.stats.clone());
        let (blooms, prepared) = (Vec::new(), OnceLock::new());
        Arc::new(Self { schema, stats, blooms, weight: Weight::Light, prepared })
    }

    fn prepared(&self, path: &Path) -> Result<Prepared, StoreError> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared.clone());
        }
        let schema = ArrowSchemaConverter::new().convert(&self.schema).map_err(|e| encode_error(path, &e))?;
        let prepared =
            Prepared { properties: Arc::new(self.properties(path)?), schema: schema.root_schema_ptr() };
        Ok(self.prepared.get_or_init(|| prepared).clone())
    }

    fn properties(&self, path: &Path) -> Result<WriterProperties, StoreError> {
        let zstd = ZstdLevel::try_new(1).map_err(|e| encode_error(path, &e))?;
        let (compression, level) = match self.weight {
            Weight::Full => (Compression::ZSTD(zstd), EnabledStatistics::Page),
            Weight::Light => (Compression::UNCOMPRESSED, EnabledStatistics::Chunk),
        };
        let mut builder = WriterProperties::builder()
            .set_created_by(concat!("hub-server ", env!("CARGO_PKG_VERSION")).into())
            .set_compression(compression)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_statistics_truncate_length(Some(BOUND_BYTES))
            .set_column_index_truncate_length(Some(BOUND_BYTES))
            .set_dictionary_enabled(self.weight == Weight::Full)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_statistics_enabled(EnabledStatistics::None);
        for field in self.schema.fields() {
            let column = ColumnPath::from(field.name().as_str());
            let is_asked_for = self.stats.contains(field.name());
            if is_asked_for {
                builder = builder.set_column_statistics_enabled(column.clone(), level);
            }
            // Keys ascend and the hub's numbers hardly change: their differences are next to nothing.
            if let Some(encoding) = differences(field.data_type())
                && (self.weight == Weight::Light
                    || is_asked_for && matches!(field.data_type(), DataType::Int64 | DataType::Date32))
            {
                builder = builder
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, encoding);
            }
        }
        for name in &self.blooms {
            let column = ColumnPath::from(name.as_str());
            builder = builder.set_column_bloom_filter_enabled(column, true);
        }
        let mut properties = builder.build();
        if self.weight == Weight::Full {
            // All types are told by Parquet's own; for few rows Arrow's would be the larger part of the file.
            add_encoded_arrow_schema_to_metadata(&self.schema, &mut properties);
        }
        Ok(properties)
    }
}

/// The encoding that keeps the difference of each value from the one before it, if there is one.
fn differences(kind: &DataType) -> Option<Encoding> {
    match kind {
        DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        // Longer ones are not whole numbers in Parquet.
        DataType::Decimal128(precision, _) if *precision <= WHOLE_DIGITS => {
            Some(Encoding::DELTA_BINARY_PACKED)
        }
        DataType::Utf8 => Some(Encoding::DELTA_BYTE_ARRAY),
        _ => None,
    }
}

fn encode_error(path: &Path, error: &ParquetError) -> StoreError {
    StoreError::Encode { file: path.display().to_string(), message: error.to_string() }
}

/// Does the work of all items on some threads; the results stand in the order of the items.
fn shared_out<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let (take, work) = (&take, &work);
    let all = || std::iter::from_fn(take).map(|(at, item)| (at, work(item))).collect::<Vec<_>>();
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(all)).collect();
        let mut done = all();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Encodes whole row groups on any thread; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RowGroupEncoder {
    factory: Arc<ArrowRowGroupWriterFactory>,
    layout: Arc<FileLayout>,
    path: PathBuf,
}

/// An encoded row group that waits for its turn in the file.
#[derive(Debug)]
pub(crate) struct EncodedRowGroup {
    columns: Vec<ArrowColumnChunk>,
    summary: Summary,
}

impl EncodedRowGroup {
    #[cfg(test)]
    pub(crate) fn rows(&self) -> u64 {
        self.summary.rows
    }
}

impl RowGroupEncoder {
    /// Encodes up to ROW_GROUP_ROWS rows given as batches of the physical schema. Blocking, pure CPU.
    /// What is encoded is let go column by column.
    pub(crate) fn encode(&self, batches: Vec<RecordBatch>) -> Result<EncodedRowGroup, StoreError> {
        self.encode_on(1, batches)
    }

    /// As `encode`, with so many threads that share the columns.
    pub(crate) fn encode_on(
        &self,
        threads: usize,
        batches: Vec<RecordBatch>,
    ) -> Result<EncodedRowGroup, StoreError> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 || rows > ROW_GROUP_ROWS {
            return Err(self.refused(format!("a row group of {rows} rows; it holds 1 to {ROW_GROUP_ROWS}")));
        }
        self.same_columns(&batches)?;
        let summary = Summary::of(&self.layout, &batches).map_err(|e| self.refused(e.to_string()))?;
        let columns = self.columns(threads, batches).map_err(|e| encode_error(&self.path, &e))?;
        Ok(EncodedRowGroup { columns, summary })
    }

    fn columns(
        &self,
        threads: usize,
        batches: Vec<RecordBatch>,
    ) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        // The index only matters for encrypted files.
        let writers = self.factory.create_column_writers(0)?;
        let fields = self.layout.schema.fields();
        let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); fields.len()];
        for batch in batches.into_iter().filter(|batch| batch.num_rows() > 0) {
            let (_, arrays, _) = batch.into_parts();
            columns.iter_mut().zip(arrays).for_each(|(column, array)| column.push(array));
        }
        let encode = |((mut writer, field), column): ((ArrowColumnWriter, &FieldRef), Vec<ArrayRef>)| {
            for array in column {
                for leaf in compute_leaves(field, &array)? {
                    writer.write(&leaf)?;
                }
            }
            writer.close()
        };
        let columns = writers.into_iter().zip(fields).zip(columns);
        match threads {
            0 | 1 => columns.map(encode).collect(),
            _ => shared_out(threads, columns.collect(), encode).into_iter().collect(),
        }
    }

    /// All columns are flat, so that column writers and fields stand in the same order.
    fn same_columns(&self, batches: &[RecordBatch]) -> Result<(), StoreError> {
        let wanted = self.layout.schema.fields();
        for batch in batches {
            let schema = batch.schema();
            let same = schema.fields().len() == wanted.len()
                && schema
                    .fields()
                    .iter()
                    .zip(wanted)
                    .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
            if !same {
                return Err(self.refused(format!("columns {} are not the table's {wanted:?}", schema)));
            }
        }
        Ok(())
    }

    fn refused(&self, message: String) -> StoreError {
        StoreError::Encode { file: self.path.display().to_string(), message }
    }
}

/// A finished data file of few rows that is not on the disk yet.
#[derive(Debug, Clone)]
pub(crate) struct HeldFile {
    pub(crate) file: Arc<DataFile>,
    pub(crate) bytes: Vec<u8>,
}

/// Writes one data file, row group after row group, hashing as it goes. Blocking.
#[derive(Debug)]
pub(crate) struct DataFileWriter {
    writer: SerializedFileWriter<Sink>,
    encoder: RowGroupEncoder,
    summary: Summary,
    name: String,
}

impl DataFileWriter {
    /// A new file in a table's folder of data files.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        layout: &Arc<FileLayout>,
    ) -> Result<Self, StoreError> {
        Self::onto(|path| Sink::new(disk, path), folder, layout)
    }
    /// A new file that stays in memory until its commit brings it to the disk.
    pub(super) fn held(folder: &Path, layout: &Arc<FileLayout>) -> Result<Self, StoreError> {
        Self::onto(|_| Sink::held(), folder, layout)
    }

    fn onto(
        sink: impl FnOnce(PathBuf) -> Sink,
        folder: &Path,
        layout: &Arc<FileLayout>,
    ) -> Result<Self, StoreError> {
        let name = format!("{}.parquet", uuid::Uuid::now_v7());
        let path = folder.join(&name);
        let Prepared { properties, schema } = layout.prepared(&path)?;
        let writer = SerializedFileWriter::new(sink(path.clone()), schema, properties);
        let writer = writer.map_err(|e| encode_error(&path, &e))?;
        let factory = Arc::new(ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&layout.schema)));
        let encoder = RowGroupEncoder { factory, layout: Arc::clone(layout), path };
        Ok(Self { writer, encoder, summary: Summary::default(), name })
    }
    pub(crate) fn encoder(&self) -> RowGroupEncoder {
        self.encoder.clone()
    }
    #[cfg(test)]
    pub(crate) fn rows(&self) -> u64 {
        self.summary.rows
    }
    pub(crate) fn append(&mut self, group: EncodedRowGroup) -> Result<(), StoreError> {
        let write = || {
            let mut next = self.writer.next_row_group()?;
            for column in group.columns {
                column.append_to_row_group(&mut next)?;
            }
            next.close().map(drop)
        };
        let written = write();
        written.map_err(|e| self.failed(&e))?;
        self.summary.merge(group.summary);
        Ok(())
    }
    /// Footer, fsync of file and folder; the file is durable but in no log yet.
    pub(crate) fn finish(mut self, partition: &str) -> Result<DataFile, StoreError> {
        if let Err(error) = self.close() {
            self.discard();
            return Err(error);
        }
        let sink = self.writer.inner_mut();
        match sink.finish() {
            Ok(summed) => Ok(self.described(partition, summed)),
            Err(error) => {
                sink.remove();
                Err(StoreError::io("write", &self.encoder.path, error))
            }
        }
    }
    /// The finished file of a writer that was made to hold it in memory.
    pub(crate) fn finish_held(mut self, partition: &str) -> Result<HeldFile, StoreError> {
        self.close()?;
        let (bytes, summed) = self.writer.inner_mut().take_held();
        let file = Arc::new(self.described(partition, summed));
        Ok(HeldFile { file, bytes })
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let closed = self.writer.finish().map(drop);
        closed.map_err(|error| self.failed(&error))
    }

    fn described(self, partition: &str, summed: Summed) -> DataFile {
        let summary = self.summary;
        DataFile {
            path: format!("d/{}", self.name),
            bytes: summed.bytes,
            rows: summary.rows,
            sha256: summed.sha256,
            blocks: summed.blocks,
            partition: shared(partition),
            seqs: summary.seqs.iter().copied().collect(),
            publishers: summary.publishers.keys().map(|publisher| shared(publisher)).collect(),
            publisher_rows: summary.publishers.values().copied().collect(),
            partial: false,
            stats: summary.stats(),
        }
    }
    /// Removes what was written.
    pub(crate) fn discard(mut self) {
        self.writer.inner_mut().remove();
    }

    /// A fault of the disk is told as such, whatever the encoder made of it.
    fn failed(&mut self, error: &ParquetError) -> StoreError {
        match self.writer.inner_mut().take_fault() {
            Some(fault) => StoreError::io("write", &self.encoder.path, fault),
            None => encode_error(&self.encoder.path, error),
        }
    }
}
