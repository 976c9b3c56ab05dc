//! Writing the files of one extract: rows stream from the engine through the encoder to disk, hashed
//! on the way, so that no file is ever held in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::shelf::FileMeta;
use super::{ExtractError, ExtractFormat};
use crate::query::{Engine, Scan, TableView};

/// Runs blocking work (disk, hashing) beside the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ExtractError::TaskLost(e.to_string()))?
}

/// Writes all formats into a folder; each file is durable when this returns.
pub(super) async fn make(
    engine: &Engine,
    view: TableView,
    folder: &Path,
) -> Result<BTreeMap<String, FileMeta>, ExtractError> {
    let mut files = BTreeMap::new();
    for format in ExtractFormat::ALL {
        let path = folder.join(format.file_name());
        let meta = write(engine, view.clone(), format, path).await?;
        files.insert(format.file_name().to_owned(), meta);
    }
    Ok(files)
}

async fn write(
    engine: &Engine,
    view: TableView,
    format: ExtractFormat,
    path: PathBuf,
) -> Result<FileMeta, ExtractError> {
    let rows = engine.scan(view, Scan::default()).await?;
    let mut chunks = engine.encode(rows, format.rows(), 0)?;
    let create = path.clone();
    let mut sink = blocking(move || Sink::create(create)).await?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        sink = blocking(move || sink.write(&chunk.data)).await?;
    }
    blocking(move || sink.finish()).await
}

struct Sink {
    file: File,
    path: PathBuf,
    hash: Sha256,
    len: u64,
}

impl Sink {
    fn create(path: PathBuf) -> Result<Self, ExtractError> {
        let file = File::create(&path).map_err(ExtractError::io("create", &path))?;
        Ok(Self { file, path, hash: Sha256::new(), len: 0 })
    }

    fn write(mut self, data: &[u8]) -> Result<Self, ExtractError> {
        self.file.write_all(data).map_err(ExtractError::io("write", &self.path))?;
        self.hash.update(data);
        self.len += data.len() as u64;
        Ok(self)
    }

    fn finish(self) -> Result<FileMeta, ExtractError> {
        self.file.sync_all().map_err(ExtractError::io("sync", &self.path))?;
        let mut sha256 = String::with_capacity(64);
        for byte in self.hash.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(FileMeta { len: self.len, sha256 })
    }
}
