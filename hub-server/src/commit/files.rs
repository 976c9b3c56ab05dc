//! The data files of one table, as the commit writes and reads them.

use std::fmt::Display;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hub_datasets::check::keys::KeyOrder;

use super::CommitError;
use super::dataset::Shape;
use crate::config::limits::SMALL_JOB_ROWS;
use crate::store::file::{DataChunks, DataFileWriter, FileLayout, HeldFile, ROW_GROUP_ROWS, RowGroupEncoder};
use crate::store::index::DataFile;
use crate::store::{Store, StoreError, Table};

/// A table's folder with the layout of its files.
#[derive(Debug)]
pub(crate) struct Files {
    store: Arc<Store>,
    table: Arc<Table>,
    layout: Arc<FileLayout>,
    /// Of files of few rows.
    light: Arc<FileLayout>,
    key: Vec<String>,
    slice: Option<String>,
    threads: usize,
}

/// Threads that share the columns of one light file at most.
const ENCODE_THREADS: usize = 4;
/// So few rows are encoded by one thread: to start another costs as much.
const ONE_THREAD_ROWS: usize = 2_048;

impl Files {
    pub(crate) fn new(store: Arc<Store>, table: Arc<Table>, shape: &Shape) -> Self {
        let layout = layout(&table, shape);
        let light = layout.light();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(ENCODE_THREADS);
        Self { store, table, layout, light, key: shape.key.clone(), slice: shape.slice.clone(), threads }
    }
    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }
    pub(crate) fn layout(&self) -> &Arc<FileLayout> {
        &self.layout
    }
    /// The column whose value is a row's slice.
    pub(crate) fn slice_column(&self) -> Option<&str> {
        self.slice.as_deref()
    }

    /// The order of rows within a file: publisher, then key.
    pub(crate) fn sort_order(&self) -> Result<KeyOrder, CommitError> {
        let columns = [vec!["_publisher".to_owned()], self.key.clone()].concat();
        let order = KeyOrder::new(&self.layout.schema, &columns);
        let wrong = |message: String| CommitError::Rows { dataset: self.table.name().to_owned(), message };
        order.map_err(|error| wrong(error.to_string()))?.ok_or_else(|| wrong("no order".to_owned()))
    }

    /// A new data file, to which batches of any length are given. Blocking.
    pub(crate) fn output(&self) -> Result<Output<'_>, CommitError> {
        let writer = self.store.data_file(&self.table, &self.layout);
        let writer = writer.map_err(|error| self.store_error(error))?;
        Ok(Output { files: self, encoder: writer.encoder(), writer, pending: Vec::new(), rows: 0 })
    }

    /// Writes rows into a file of their own, in the order given. Blocking.
    pub(crate) fn write(&self, partition: &str, batches: &[&RecordBatch]) -> Result<DataFile, CommitError> {
        let mut output = self.output()?;
        match batches.iter().try_for_each(|batch| output.push((*batch).clone())) {
            Ok(()) => output.finish(partition),
            Err(error) => {
                output.discard();
                Err(error)
            }
        }
    }

    /// Encodes the rows of several submissions as one file, in the order given: few rows stay in memory
    /// until their commit, many go to the disk. Somebody waits for it. Blocking.
    pub(crate) fn encode(&self, partition: &str, batches: &[&RecordBatch]) -> Result<Encoded, CommitError> {
        self.encode_on(self.threads, partition, batches)
    }

    /// As `encode`, on so many threads at most.
    pub(crate) fn encode_on(
        &self,
        threads: usize,
        partition: &str,
        batches: &[&RecordBatch],
    ) -> Result<Encoded, CommitError> {
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        if rows > SMALL_JOB_ROWS {
            return self.write(partition, batches).map(|file| Encoded::OnDisk(Arc::new(file)));
        }
        let encode_failed =
            |error: &ArrowError| StoreError::encode(&self.table.data_folder().display().to_string(), error);
        let hold = || {
            let mut writer = self.store.held_file(&self.table, &self.light)?;
            // Each batch costs each column a round of its own: one batch is cheaper.
            let batch = concat_batches(&self.light.schema, batches.iter().copied());
            let batch = batch.map_err(|error| encode_failed(&error))?;
            let threads = if rows > ONE_THREAD_ROWS { threads } else { 1 };
            writer.append(writer.encoder().encode_on(threads, vec![batch])?)?;
            writer.finish_held(partition)
        };
        hold().map(Encoded::Held).map_err(|error| self.store_error(error))
    }

    /// Opens a data file for reading. What is read of it is compared with what was committed, so that rot
    /// is never written again into a file that looks good. Blocking.
    pub(crate) fn open(&self, file: &Arc<DataFile>) -> Result<DataChunks, CommitError> {
        self.table.open_data(file).map(DataChunks::from).map_err(|error| self.store_error(error))
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

/// A file of a commit's rows, ready for its log version.
#[derive(Debug)]
pub(crate) enum Encoded {
    Held(HeldFile),
    OnDisk(Arc<DataFile>),
}

impl Encoded {
    pub(crate) fn file(&self) -> &Arc<DataFile> {
        match self {
            Self::Held(held) => &held.file,
            Self::OnDisk(file) => file,
        }
    }
}

/// A data file that is being written, row group by row group.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    files: &'a Files,
    writer: DataFileWriter,
    encoder: RowGroupEncoder,
    pending: Vec<RecordBatch>,
    rows: usize,
}

impl Output<'_> {
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), CommitError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let taken = (ROW_GROUP_ROWS - self.rows).min(batch.num_rows() - from);
            self.pending.push(batch.slice(from, taken));
            (from, self.rows) = (from + taken, self.rows + taken);
            if self.rows == ROW_GROUP_ROWS {
                self.row_group()?;
            }
        }
        Ok(())
    }

    fn row_group(&mut self) -> Result<(), CommitError> {
        let batches = std::mem::take(&mut self.pending);
        self.rows = 0;
        let group = self.encoder.encode(batches).map_err(|error| self.files.store_error(error))?;
        self.writer.append(group).map_err(|error| self.files.store_error(error))
    }

    /// Encodes what is left; durable when it returns, and in no log yet.
    pub(crate) fn finish(mut self, partition: &str) -> Result<DataFile, CommitError> {
        if self.rows > 0
            && let Err(error) = self.row_group()
        {
            self.discard();
            return Err(error);
        }
        self.writer.finish(partition).map_err(|error| self.files.store_error(error))
    }

    /// Removes what was written.
    pub(crate) fn discard(self) {
        self.writer.discard();
    }
}

/// Statistics for key, slice and the hub's own columns; bloom filters on text columns of the key.
fn layout(table: &Table, shape: &Shape) -> Arc<FileLayout> {
    let schema = Arc::clone(&table.snapshot().schema);
    let mut stats: Vec<String> = shape.key.clone();
    stats.extend(shape.slice.clone());
    stats.extend(["_period_end", "_publisher", "_seq"].map(str::to_owned));
    stats.sort();
    stats.dedup();
    stats.retain(|name| schema.column_with_name(name).is_some());
    let text = |name: &&String| schema.field_with_name(name).is_ok_and(|f| *f.data_type() == DataType::Utf8);
    let blooms = shape.key.iter().filter(text).cloned().collect();
    FileLayout::new(schema, stats, blooms)
}
