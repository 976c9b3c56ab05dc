//! The data folder as an object store, which is how the engine reads data files. A store shows one data
//! file, as its entry in the log describes it: what is read of it is compared first. What is written goes
//! through the `Disk` port, where it is made durable.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parquet::arrow::arrow_reader::RowSelection;

use super::StoreError;
use super::checked::CheckedFile;
use super::disk::Disk;
use super::index::DataFile;
use super::part;
use crate::config::limits::OBJECT_CHUNK_BYTES;

const NAME: &str = "FileStore";

/// The store of one data file.
pub(crate) type OneFile = Arc<dyn ObjectStore>;

/// Data files below a root, each by its entry in the log.
#[derive(Debug)]
pub(crate) struct Objects {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl Objects {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Self { disk, root }
    }

    /// A store that holds this file at its location below the root and nothing else.
    pub(crate) fn of(&self, location: &str, file: &Arc<DataFile>) -> OneFile {
        let location = Path::from(location);
        let path = self.path(&location);
        let (disk, file) = (Arc::clone(&self.disk), Arc::clone(file));
        let opened = Arc::default();
        Arc::new(FileStore { disk, location, path, file, opened })
    }

    /// All bytes of a file. Blocking.
    pub(crate) fn whole(&self, location: &str, file: &Arc<DataFile>) -> Result<Bytes, StoreError> {
        let path = self.path(&Path::from(location));
        CheckedFile::open(self.disk.as_ref(), path, file)?.read(0..file.bytes).map(Bytes::from)
    }

    /// The rows of a partial file that its state means. Blocking.
    pub(crate) fn part(
        &self,
        location: &str,
        file: &Arc<DataFile>,
    ) -> std::result::Result<RowSelection, StoreError> {
        part::selection(self.disk.as_ref(), self.path(&Path::from(location)), file)
    }

    /// Path of a location below the root: it has no empty and no dotted segments, so it cannot leave it.
    fn path(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.root.clone(), |path, part| path.join(part.as_ref()))
    }

    /// What the engine finds where it asks for no file in particular: nothing.
    pub(crate) fn nothing() -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }
}

/// One data file.
#[derive(Debug, Clone)]
struct FileStore {
    disk: Arc<dyn Disk>,
    location: Path,
    path: PathBuf,
    file: Arc<DataFile>,
    opened: Arc<OnceLock<Arc<CheckedFile>>>,
}

impl FileStore {
    fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        if *location != self.location {
            let source = format!("this store holds {} alone", self.location).into();
            return Err(Error::NotFound { path: location.to_string(), source });
        }
        Ok(ObjectMeta {
            location: location.clone(),
            // Data files never change: the hash says all.
            last_modified: DateTime::UNIX_EPOCH,
            size: self.file.bytes,
            e_tag: Some(format!("\"{}\"", self.file.sha256)),
            version: None,
        })
    }

    fn opened(&self) -> Result<Arc<CheckedFile>> {
        if let Some(opened) = self.opened.get() {
            return Ok(Arc::clone(opened));
        }
        let file = CheckedFile::open(self.disk.as_ref(), self.path.clone(), &self.file).map_err(failed)?;
        Ok(Arc::clone(self.opened.get_or_init(|| Arc::new(file))))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await?
    }
}

fn failed(error: StoreError) -> Error {
    Error::Generic { store: NAME, source: error.into() }
}

fn refused<T>(deed: &str) -> Result<T> {
    Err(Error::NotSupported { source: format!("{NAME} does not {deed}").into() })
}

impl fmt::Display for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}({})", self.path.display())
    }
}

#[async_trait]
impl ObjectStore for FileStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let meta = self.meta(location)?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(wanted) => {
                wanted.as_range(meta.size).map_err(|e| Error::Generic { store: NAME, source: Box::new(e) })?
            }
            None => 0..meta.size,
        };
        let payload = if options.head {
            GetResultPayload::Stream(stream::empty().boxed())
        } else {
            let file = self.run(Self::opened).await?;
            GetResultPayload::Stream(chunks(file, range.clone()))
        };
        Ok(GetResult { payload, meta, range, attributes: Default::default() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.meta(location)?;
        let ranges = ranges.to_vec();
        self.run(move |store| {
            let file = store.opened()?;
            ranges.into_iter().map(|range| file.read(range).map(Bytes::from).map_err(failed)).collect()
        })
        .await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        refused("write")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refused("write")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        refused("copy")
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        locations.map(|location| location.and_then(|_| refused("delete"))).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter([refused("list")]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        refused("list")
    }
}

/// A range in reads of bounded size, each beside the async runtime.
fn chunks(file: Arc<CheckedFile>, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold((file, range), |(file, range)| async move {
        if range.start >= range.end {
            return Ok(None);
        }
        let next = range.start..range.end.min(range.start + OBJECT_CHUNK_BYTES);
        let (reader, wanted) = (Arc::clone(&file), next.clone());
        let bytes = tokio::task::spawn_blocking(move || reader.read(wanted)).await?.map_err(failed)?;
        Ok(Some((bytes.into(), (file, next.end..range.end))))
    })
    .boxed()
}
