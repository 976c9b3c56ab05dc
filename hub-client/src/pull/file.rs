//! A pull into a file: under a temporary name until it is whole, durable and counted.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{Part, PullRequest};
use crate::client::Client;
use crate::error::{ClientError, Deed};

/// Messages that wait between network and disk.
const MESSAGES_AHEAD: usize = 4;

/// What came of a pull into a file.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The session: dataset version, coverage, columns.
    pub session: v1::ReadSession,
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Called with (rows received, rows estimated).
pub type RowsProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

impl Client {
    /// Pulls into a file. It appears under its name only when it is whole; an older one is replaced then.
    pub async fn pull_to_file(
        &self,
        request: &PullRequest,
        path: &Path,
        progress: Option<RowsProgress>,
    ) -> Result<Pulled, ClientError> {
        let mut pull = self.pull(request).await?;
        let writer = Writer::start(path);
        let mut taken = true;
        while taken && let Some(part) = pull.next().await? {
            if let Some(progress) = &progress {
                progress(pull.rows(), pull.session().estimated_rows);
            }
            taken = writer.parts.send(part).await.is_ok();
        }
        let rows = taken.then(|| pull.rows());
        let (bytes, in_footer) = writer.finish(path, rows, request.format).await?;
        if let Some(found) = in_footer.filter(|found| *found != pull.rows()) {
            return Err(
                self.incomplete(format!("the file holds {found} rows where the hub sent {}", pull.rows()))
            );
        }
        Ok(Pulled { session: pull.session.clone(), rows: pull.rows(), bytes })
    }
}

/// Writes a file under a temporary name; it takes its own when it is whole and durable. Blocking.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let write = || {
        let mut temporary = Temporary::beside(path)?;
        temporary.file.write_all(bytes)?;
        temporary.name(path)
    };
    write().map_err(|source| ClientError::file(Deed::Write, path, source))
}

struct Writer {
    parts: mpsc::Sender<Part>,
    task: JoinHandle<io::Result<Temporary>>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let (parts, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let path = path.to_owned();
        Self { parts, task: spawn_blocking(move || Temporary::beside(&path)?.fill(receiver)) }
    }

    /// Waits for the disk; with `rows` the file is whole and takes its name, if a Parquet footer agrees.
    async fn finish(
        self,
        path: &Path,
        rows: Option<u64>,
        format: RowFormat,
    ) -> Result<(u64, Option<u64>), ClientError> {
        let Self { parts, task } = self;
        drop(parts);
        let target = path.to_owned();
        let work = async move {
            let temporary = task.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
            spawn_blocking(move || temporary.settle(&target, rows, format))
                .await
                .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        };
        work.await.map_err(|source| ClientError::file(Deed::Write, path, source))
    }
}

/// A file that is removed unless it takes its final name.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    fn beside(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::other("this is no file name"))?;
        let path = target.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), Uuid::new_v4()));
        Ok(Self { file: File::create_new(&path)?, path })
    }

    fn fill(mut self, mut parts: mpsc::Receiver<Part>) -> io::Result<Self> {
        while let Some(part) = parts.blocking_recv() {
            match part {
                Part::Data(data) => self.write(&data)?,
                Part::Restart => {
                    self.file.set_len(0)?;
                    self.file.rewind()?;
                }
            }
        }
        Ok(self)
    }

    fn write(&mut self, data: &Bytes) -> io::Result<()> {
        self.file.write_all(data)
    }

    /// The length of the file, and the rows that its own footer tells.
    fn settle(
        mut self,
        target: &Path,
        rows: Option<u64>,
        format: RowFormat,
    ) -> io::Result<(u64, Option<u64>)> {
        let bytes = self.file.stream_position()?;
        let found = (format == RowFormat::Parquet).then(|| rows_in_footer(&self.path)).transpose()?;
        if rows.is_some() && found.is_none_or(|found| Some(found) == rows) {
            self.name(target)?;
        }
        Ok((bytes, found))
    }

    fn name(&self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing under this name; a failed clean-up must not hide the first failure.
        drop(std::fs::remove_file(&self.path));
    }
}

fn rows_in_footer(path: &Path) -> io::Result<u64> {
    let reader = SerializedFileReader::new(File::open(path)?).map_err(io::Error::other)?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
