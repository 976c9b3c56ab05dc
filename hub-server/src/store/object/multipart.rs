//! Uploads in parts: a temporary file that gets its name, durable, when it is complete.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::{SyncStore, error};
use crate::store::disk::{DiskFile, TEMPORARY};

#[derive(Debug)]
pub(super) struct Upload {
    store: SyncStore,
    location: Path,
    temporary: PathBuf,
    parts: Arc<Mutex<Parts>>,
}

/// Parts are appended in the order in which they were given; one that comes early waits.
#[derive(Debug)]
struct Parts {
    file: Option<Box<dyn DiskFile>>,
    given: u64,
    written: u64,
    waiting: std::collections::BTreeMap<u64, Bytes>,
}

impl Upload {
    pub(super) fn begin(store: SyncStore, location: Path) -> Result<Box<dyn MultipartUpload>> {
        let path = store.file(&location);
        let dir = path.parent().unwrap_or(&store.root).to_path_buf();
        store.disk.make_dir(&dir).map_err(|e| error(&location, e))?;
        let temporary = dir.join(format!("{}{TEMPORARY}", uuid::Uuid::new_v4().simple()));
        let file = store.disk.create(&temporary).map_err(|e| error(&location, e))?;
        let parts = Parts { file: Some(file), given: 0, written: 0, waiting: Default::default() };
        Ok(Box::new(Self { store, location, temporary, parts: Arc::new(Mutex::new(parts)) }))
    }
}

impl Parts {
    fn append(&mut self, number: u64, bytes: Bytes) -> std::io::Result<()> {
        self.waiting.insert(number, bytes);
        while let Some(bytes) = self.waiting.remove(&self.written) {
            let closed = || std::io::Error::other("the upload has ended");
            self.file.as_mut().ok_or_else(closed)?.append(&bytes)?;
            self.written += 1;
        }
        Ok(())
    }
}

fn locked(parts: &Mutex<Parts>) -> std::sync::MutexGuard<'_, Parts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = {
            let mut parts = locked(&self.parts);
            parts.given += 1;
            parts.given - 1
        };
        let (parts, location) = (Arc::clone(&self.parts), self.location.clone());
        Box::pin(async move {
            let write = move || locked(&parts).append(number, data.into()).map_err(|e| error(&location, e));
            tokio::task::spawn_blocking(write).await?
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (parts, location, temporary) =
            (Arc::clone(&self.parts), self.location.clone(), self.temporary.clone());
        self.store
            .run(move |store| {
                let (file, whole) = {
                    let mut parts = locked(&parts);
                    (parts.file.take(), parts.written == parts.given)
                };
                let Some(mut file) = file.filter(|_| whole) else {
                    return Err(Error::Generic {
                        store: "SyncStore",
                        source: "a part of the upload lacks".into(),
                    });
                };
                let path = store.file(&location);
                let named = file.sync().and_then(|()| store.disk.rename(&temporary, &path));
                named
                    .and_then(|()| store.disk.sync_dir(path.parent().unwrap_or(&store.root)))
                    .map_err(|e| error(&location, e))?;
                let meta = store.meta(&location)?;
                Ok(PutResult { e_tag: meta.e_tag, version: None })
            })
            .await
    }

    async fn abort(&mut self) -> Result<()> {
        let (parts, location, temporary) =
            (Arc::clone(&self.parts), self.location.clone(), self.temporary.clone());
        self.store
            .run(move |store| {
                locked(&parts).file = None;
                store.disk.remove(&temporary).map_err(|e| error(&location, e))
            })
            .await
    }
}
