//! The data files of one table, as the commit writes and reads them.

use std::fmt::Display;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

use super::CommitError;
use super::dataset::Shape;
use crate::store::disk::ReadAt;
use crate::store::file::{DataFileWriter, FileLayout, ROW_GROUP_ROWS};
use crate::store::index::DataFile;
use crate::store::{Store, StoreError, Table};

/// A table's folder with the layout of its files.
#[derive(Debug)]
pub(crate) struct Files {
    store: Arc<Store>,
    table: Arc<Table>,
    layout: FileLayout,
    slice: Option<String>,
}

impl Files {
    pub(crate) fn new(store: Arc<Store>, table: Arc<Table>, shape: &Shape) -> Self {
        let layout = layout(&table, shape);
        Self { store, table, layout, slice: shape.slice.clone() }
    }
    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }
    pub(crate) fn layout(&self) -> &FileLayout {
        &self.layout
    }
    /// The column whose value is a row's slice.
    pub(crate) fn slice_column(&self) -> Option<&str> {
        self.slice.as_deref()
    }

    pub(crate) fn create(&self) -> Result<DataFileWriter, CommitError> {
        self.store.data_file(&self.table, &self.layout).map_err(|error| self.store_error(error))
    }
    pub(crate) fn finish(&self, writer: DataFileWriter, partition: &str) -> Result<DataFile, CommitError> {
        writer.finish(partition).map_err(|error| self.store_error(error))
    }

    /// Writes the rows of several submissions into one file, in the order given. Blocking.
    pub(crate) fn write<'a>(
        &self,
        partition: &str,
        batches: impl Iterator<Item = &'a RecordBatch>,
    ) -> Result<DataFile, CommitError> {
        let mut writer = self.create()?;
        match self.fill(&mut writer, batches) {
            Ok(()) => self.finish(writer, partition),
            Err(error) => {
                writer.discard();
                Err(error)
            }
        }
    }

    fn fill<'a>(
        &self,
        writer: &mut DataFileWriter,
        batches: impl Iterator<Item = &'a RecordBatch>,
    ) -> Result<(), CommitError> {
        let encoder = writer.encoder();
        let (mut pending, mut rows) = (Vec::new(), 0);
        for batch in batches {
            let mut from = 0;
            while from < batch.num_rows() {
                let taken = (ROW_GROUP_ROWS - rows).min(batch.num_rows() - from);
                pending.push(batch.slice(from, taken));
                (from, rows) = (from + taken, rows + taken);
                if rows == ROW_GROUP_ROWS {
                    let group = encoder.encode(&pending).map_err(|error| self.store_error(error))?;
                    writer.append(group).map_err(|error| self.store_error(error))?;
                    (pending, rows) = (Vec::new(), 0);
                }
            }
        }
        if rows > 0 {
            let group = encoder.encode(&pending).map_err(|error| self.store_error(error))?;
            writer.append(group).map_err(|error| self.store_error(error))?;
        }
        Ok(())
    }

    /// Opens a data file for reading. Blocking.
    pub(crate) fn open(&self, file: &DataFile) -> Result<DataChunks, CommitError> {
        let data = self.table.open_data(file).map_err(|error| self.store_error(error))?;
        Ok(DataChunks { data: Arc::from(data), bytes: file.bytes })
    }
    /// Removes a staged file. One that stays is swept at the next start. Blocking.
    pub(crate) fn discard(&self, file: &DataFile) {
        if let Err(error) = self.table.remove_staged(file) {
            tracing::warn!(%error, "a staged file stays until the next start");
        }
    }

    pub(crate) fn store_error(&self, error: StoreError) -> CommitError {
        CommitError::store(self.table.name(), error)
    }
    pub(crate) fn unreadable(&self, file: &DataFile, error: &dyn Display) -> CommitError {
        let file = format!("{}/{}", self.table.name(), file.path);
        self.store_error(StoreError::Corrupt { file, message: error.to_string() })
    }
}

/// A data file as the Parquet reader wants it.
#[derive(Debug, Clone)]
pub(crate) struct DataChunks {
    data: Arc<dyn ReadAt>,
    bytes: u64,
}

impl Length for DataChunks {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for DataChunks {
    type T = BufReader<DataStream>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(DataStream { data: Arc::clone(&self.data), at: start }))
    }
    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let mut buffer = vec![0; length];
        self.data.read_exact_at(start, &mut buffer)?;
        Ok(buffer.into())
    }
}

/// A data file read on from a place.
#[derive(Debug)]
pub(crate) struct DataStream {
    data: Arc<dyn ReadAt>,
    at: u64,
}

impl Read for DataStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Statistics for key, slice and the hub's own columns; bloom filters on text columns of the key.
fn layout(table: &Table, shape: &Shape) -> FileLayout {
    let schema = Arc::clone(&table.snapshot().schema);
    let mut stats: Vec<String> = shape.key.clone();
    stats.extend(shape.slice.clone());
    stats.extend(["_period_end", "_publisher", "_seq"].map(str::to_owned));
    stats.sort();
    stats.dedup();
    stats.retain(|name| schema.column_with_name(name).is_some());
    let text = |name: &&String| schema.field_with_name(name).is_ok_and(|f| *f.data_type() == DataType::Utf8);
    let blooms = shape.key.iter().filter(text).cloned().collect();
    FileLayout { schema, stats, blooms }
}
