//! The data folder as an object store, which is how the engine reads data files. It reads named files and
//! nothing else: what is written goes through the `Disk` port, where it is made durable.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::disk::{Disk, ReadAt};
use crate::config::limits::OBJECT_CHUNK_BYTES;

const NAME: &str = "ReadStore";

/// Objects are files below a root.
#[derive(Debug, Clone)]
pub(crate) struct ReadStore {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl ReadStore {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Self { disk, root }
    }

    fn file(&self, location: &Path) -> PathBuf {
        // `Path` has no empty and no dotted segments, so a location cannot leave the root.
        location.parts().fold(self.root.clone(), |path, part| path.join(part.as_ref()))
    }

    fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let info = self.disk.info(&self.file(location)).map_err(|e| error(location, e))?;
        Ok(ObjectMeta {
            location: location.clone(),
            last_modified: info.modified,
            size: info.bytes,
            e_tag: Some(format!("\"{:x}-{:x}\"", info.bytes, info.modified.timestamp_micros())),
            version: None,
        })
    }

    fn open(&self, location: &Path) -> Result<Box<dyn ReadAt>> {
        self.disk.open(&self.file(location)).map_err(|e| error(location, e))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await?
    }
}

/// The object store's error of an I/O error.
fn error(location: &Path, source: io::Error) -> Error {
    let path = location.to_string();
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        _ => Error::Generic { store: NAME, source: source.into() },
    }
}

fn refused<T>(deed: &str) -> Result<T> {
    Err(Error::NotSupported { source: format!("{NAME} does not {deed}").into() })
}

fn read_range(file: &dyn ReadAt, location: &Path, range: &Range<u64>) -> Result<Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|e| error(location, io::Error::other(e)))?;
    let mut buffer = vec![0; length];
    file.read_exact_at(range.start, &mut buffer).map_err(|e| error(location, e))?;
    Ok(buffer.into())
}

impl fmt::Display for ReadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for ReadStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        self.run(move |store| {
            let meta = store.meta(&location)?;
            options.check_preconditions(&meta)?;
            let range = match &options.range {
                Some(wanted) => wanted
                    .as_range(meta.size)
                    .map_err(|e| Error::Generic { store: NAME, source: Box::new(e) })?,
                None => 0..meta.size,
            };
            let payload = if options.head {
                GetResultPayload::Stream(stream::empty().boxed())
            } else {
                let file: Arc<dyn ReadAt> = store.open(&location)?.into();
                GetResultPayload::Stream(chunks(file, location, range.clone()))
            };
            Ok(GetResult { payload, meta, range, attributes: Default::default() })
        })
        .await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (location, ranges) = (location.clone(), ranges.to_vec());
        self.run(move |store| {
            let file = store.open(&location)?;
            ranges.iter().map(|range| read_range(file.as_ref(), &location, range)).collect()
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
fn chunks(file: Arc<dyn ReadAt>, location: Path, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold((file, location, range), |(file, location, range)| async move {
        if range.start >= range.end {
            return Ok(None);
        }
        let next = range.start..range.end.min(range.start + OBJECT_CHUNK_BYTES);
        let (read, at, wanted) = (Arc::clone(&file), location.clone(), next.clone());
        let bytes = tokio::task::spawn_blocking(move || read_range(read.as_ref(), &at, &wanted)).await??;
        Ok(Some((bytes, (file, location, next.end..range.end))))
    })
    .boxed()
}
