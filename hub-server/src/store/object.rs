//! `SyncStore`: an object store over the `Disk` port whose puts are durable when they return.

mod multipart;
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
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::disk::{self, Disk, Publish, ReadAt};
use crate::config::limits::OBJECT_CHUNK_BYTES;

/// Objects are files below a root; temporary files are not shown.
#[derive(Debug, Clone)]
pub(crate) struct SyncStore {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl SyncStore {
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

    fn put_blocking(&self, location: &Path, bytes: &[u8], how: Publish) -> Result<PutResult> {
        let path = self.file(location);
        let dir = path.parent().unwrap_or(&self.root);
        self.disk.make_dir(dir).map_err(|e| error(location, e))?;
        disk::publish(self.disk.as_ref(), &path, bytes, how).map_err(|e| error(location, e))?;
        let meta = self.meta(location)?;
        Ok(PutResult { e_tag: meta.e_tag, version: None })
    }

    fn copy_blocking(&self, from: &Path, to: &Path, how: Publish) -> Result<()> {
        let bytes = disk::read_all(self.disk.as_ref(), &self.file(from)).map_err(|e| error(from, e))?;
        self.put_blocking(to, &bytes, how).map(drop)
    }

    /// Folders and files below a prefix; with `deep` all files, else the first level.
    fn list_blocking(&self, prefix: Option<&Path>, deep: bool) -> Result<ListResult> {
        let mut found = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        let mut open = vec![prefix.cloned().unwrap_or_default()];
        while let Some(at) = open.pop() {
            let entries = match self.disk.list(&self.file(&at)) {
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                other => other.map_err(|e| error(&at, e))?,
            };
            for entry in entries {
                let location = at.clone().join(entry.name.as_str());
                if entry.is_dir && deep {
                    open.push(location);
                } else if entry.is_dir {
                    found.common_prefixes.push(location);
                } else if !entry.name.ends_with(disk::TEMPORARY) {
                    match self.meta(&location) {
                        Err(Error::NotFound { .. }) => {}
                        other => found.objects.push(other?),
                    }
                }
            }
        }
        Ok(found)
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
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        _ => Error::Generic { store: "SyncStore", source: source.into() },
    }
}

fn read_range(file: &dyn ReadAt, location: &Path, range: &Range<u64>) -> Result<Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|e| error(location, io::Error::other(e)))?;
    let mut buffer = vec![0; length];
    file.read_exact_at(range.start, &mut buffer).map_err(|e| error(location, e))?;
    Ok(buffer.into())
}

impl fmt::Display for SyncStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncStore({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for SyncStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let how = match options.mode {
            PutMode::Create => Publish::New,
            PutMode::Overwrite => Publish::Replace,
            PutMode::Update(_) => {
                return Err(Error::NotSupported { source: "a file has no conditional update".into() });
            }
        };
        let location = location.clone();
        self.run(move |store| store.put_blocking(&location, &Bytes::from(payload), how)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let (store, location) = (self.clone(), location.clone());
        self.run(move |_| multipart::Upload::begin(store, location)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        self.run(move |store| {
            let meta = store.meta(&location)?;
            options.check_preconditions(&meta)?;
            let range = match &options.range {
                Some(wanted) => wanted
                    .as_range(meta.size)
                    .map_err(|e| Error::Generic { store: "SyncStore", source: Box::new(e) })?,
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

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                store
                    .run(move |store| {
                        let path = store.file(&location);
                        store.disk.remove(&path).map_err(|e| error(&location, e))?;
                        let dir = path.parent().unwrap_or(&store.root);
                        store.disk.sync_dir(dir).map_err(|e| error(&location, e))?;
                        Ok(location)
                    })
                    .await
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listed = async move { store.run(move |store| store.list_blocking(prefix.as_ref(), true)).await };
        stream::once(listed)
            .flat_map(|listed| match listed {
                Ok(found) => stream::iter(found.objects.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(e) => stream::iter(vec![Err(e)]),
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned();
        self.run(move |store| store.list_blocking(prefix.as_ref(), false)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let how = match options.mode {
            CopyMode::Create => Publish::New,
            CopyMode::Overwrite => Publish::Replace,
        };
        let (from, to) = (from.clone(), to.clone());
        self.run(move |store| store.copy_blocking(&from, &to, how)).await
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
