//! How the engine reaches data files: each by its entry in the log, so that no byte is decoded which was
//! not compared with what was committed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetRowSelection};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::store::index::DataFile;
use crate::store::{Objects, OneFile, blocking};

/// The rows of partial files that a scan reads, by the paths of the files.
pub(super) type Parts = HashMap<String, RowSelection>;

fn location(folder: &str, file: &DataFile) -> String {
    format!("{folder}/{}", file.path)
}

/// A file of a scan, with its entry and the rows that are meant of it.
pub(super) fn scanned(folder: &str, file: &Arc<DataFile>, parts: &Parts) -> PartitionedFile {
    let scanned = PartitionedFile::new(location(folder, file), file.bytes).with_extension(Arc::clone(file));
    match parts.get(&file.path) {
        Some(part) => scanned.with_extension(ParquetRowSelection::new(part.clone())),
        None => scanned,
    }
}

/// Finds out which rows are meant of the partial ones among files.
pub(super) async fn parts(
    objects: Arc<Objects>,
    folder: &str,
    files: impl Iterator<Item = &Arc<DataFile>>,
) -> Result<Parts> {
    let partial: Vec<(String, Arc<DataFile>)> =
        files.filter(|file| file.partial).map(|file| (location(folder, file), Arc::clone(file))).collect();
    if partial.is_empty() {
        return Ok(Parts::new());
    }
    let part = move |(location, file): (String, Arc<DataFile>)| {
        objects.part(&location, &file).map(|part| (file.path.clone(), part))
    };
    let found = blocking(move || partial.into_iter().map(part).collect()).await;
    found.map_err(|error| DataFusionError::External(error.into()))
}

/// Opens files that [`scanned`] made; footers are read once.
#[derive(Debug)]
pub(super) struct Readers {
    pub(super) objects: Arc<Objects>,
    pub(super) footers: Arc<FileMetadataCache>,
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let location = &file.object_meta.location;
        let entry = file.extension::<Arc<DataFile>>().ok_or_else(|| {
            DataFusionError::Internal(format!("{location} is scanned without its entry in the log"))
        })?;
        let store = self.objects.of(location.as_ref(), entry);
        let footers = Arc::clone(&self.footers);
        let of_rows = CachedParquetFileReaderFactory::new(Arc::clone(&store), Arc::clone(&footers));
        let rows = of_rows.create_reader(partition, file.clone(), size_hint, metrics)?;
        Ok(Box::new(Reader { file, store, footers, size_hint, rows }))
    }
}

/// One file of a scan.
struct Reader {
    file: PartitionedFile,
    store: OneFile,
    footers: Arc<FileMetadataCache>,
    size_hint: Option<usize>,
    /// The engine's own reader.
    rows: Box<dyn AsyncFileReader + Send>,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.rows.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.rows.get_byte_ranges(ranges)
    }

    /// As the engine's own reader, which makes a text of the error, so that damage could not be told from
    /// other faults; and which keeps footers without the page index when the first scan does not ask for it,
    /// so that each later one reads it again.
    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let footer = DFParquetMetadata::new(self.store.as_ref(), &self.file.object_meta)
                .with_metadata_size_hint(self.size_hint)
                .with_file_metadata_cache(Some(Arc::clone(&self.footers)))
                .with_page_index_policy(Some(PageIndexPolicy::Optional));
            footer.fetch_metadata().await.map_err(|error| ParquetError::External(error.into()))
        }
        .boxed()
    }
}
