//! A pull into a file: under a temporary name until it is whole, durable and counted.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use hub_proto::v1::{self, RowFormat};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Part, PullRequest};
use crate::client::Client;
use crate::error::{ClientError, Deed};
use crate::temporary::Temporary;

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
        let counted = pull.counted();
        let (bytes, in_footer) = writer.finish(path, (taken, counted), request.format).await?;
        if let (Some(found), Some(sent)) = (in_footer, counted)
            && found != sent
        {
            return Err(self.incomplete(format!("the file holds {found} rows where the hub sent {sent}")));
        }
        let rows = counted.or(in_footer).unwrap_or_default();
        Ok(Pulled { session: pull.session.clone(), rows, bytes })
    }
}

struct Writer {
    parts: mpsc::Sender<Part>,
    task: JoinHandle<io::Result<Temporary>>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let (parts, receiver) = mpsc::channel(MESSAGES_AHEAD);
        let path = path.to_owned();
        Self { parts, task: spawn_blocking(move || fill(Temporary::beside(&path)?, receiver)) }
    }

    /// Waits for the disk; a whole file takes its name, if a Parquet footer agrees with the rows that were counted.
    async fn finish(
        self,
        path: &Path,
        (whole, counted): (bool, Option<u64>),
        format: RowFormat,
    ) -> Result<(u64, Option<u64>), ClientError> {
        let Self { parts, task } = self;
        drop(parts);
        let target = path.to_owned();
        let work = async move {
            let temporary = task.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
            spawn_blocking(move || settle(temporary, &target, (whole, counted), format))
                .await
                .unwrap_or_else(|panic| Err(io::Error::other(panic)))
        };
        work.await.map_err(|source| ClientError::file(Deed::Write, path, source))
    }
}

fn fill(mut temporary: Temporary, mut parts: mpsc::Receiver<Part>) -> io::Result<Temporary> {
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Data(data) => temporary.write(&data)?,
            Part::Restart => temporary.restart()?,
        }
    }
    Ok(temporary)
}

/// The length of the file, and the rows that its own footer tells.
fn settle(
    mut temporary: Temporary,
    target: &Path,
    (whole, counted): (bool, Option<u64>),
    format: RowFormat,
) -> io::Result<(u64, Option<u64>)> {
    let bytes = temporary.length()?;
    let found = (format == RowFormat::Parquet).then(|| rows_in_footer(temporary.path())).transpose()?;
    if whole && (found.is_none() || counted.is_none() || found == counted) {
        temporary.settle(target)?;
    }
    Ok((bytes, found))
}

fn rows_in_footer(path: &Path) -> io::Result<u64> {
    let reader = SerializedFileReader::new(File::open(path)?).map_err(io::Error::other)?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
