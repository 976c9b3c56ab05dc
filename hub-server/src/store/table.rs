//! A dataset's table: its log replayed into snapshots.

mod data;
mod history;
mod open;
mod snapshot;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::StoreError;
use super::disk::{self, Disk};
use super::file::HeldFile;
use super::journal::{Journal, NewFile, PutFault};
use super::log::{self, Entry};
use history::History;

pub(crate) use open::TableSpec;
#[cfg(test)]
pub(crate) use open::physical;
pub(crate) use snapshot::{SeqInfo, SeqMap, Snapshot, VersionInfo};

/// Which state of a dataset is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    Latest,
    /// A dataset version.
    Version(u64),
    /// The newest version committed at or before this moment.
    Time(DateTime<Utc>),
    /// The files of a log version, in their order: what a cut stream goes on with.
    LogVersion(u64),
}

/// What became of a put.
#[derive(Debug)]
pub(crate) enum Put {
    /// Our entry is the log version: durable.
    Done,
    /// Another entry has the log version; plan again after `advance` with it.
    Taken(Box<Entry>),
    /// The disk does not say. The same put again finds out; until then nothing else may be put.
    Unknown(StoreError),
}

/// A table of one (pattern, major): folder, log, newest snapshot.
#[derive(Debug)]
pub(crate) struct Table {
    disk: Arc<dyn Disk>,
    journal: Arc<Journal>,
    /// Folder on the disk.
    folder: PathBuf,
    name: String,
    newest: watch::Sender<Arc<Snapshot>>,
    history: Mutex<History>,
}

impl Table {
    /// `rb28s_v1`
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
    /// The newest committed state; cheap (an Arc).
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.borrow())
    }
    /// Wakes whenever a commit moved the newest state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.newest.subscribe()
    }
    /// An earlier state, or an error that says how far the history reaches.
    pub(crate) fn as_of(&self, as_of: AsOf) -> Result<Arc<Snapshot>, StoreError> {
        let newest = self.snapshot();
        let recipe = match as_of {
            AsOf::Latest => return Ok(newest),
            AsOf::Version(version) => self.history().at_version(version, &newest)?,
            AsOf::Time(moment) => self.history().at_time(moment, &newest)?,
            AsOf::LogVersion(version) => self.history().at_log_version(version, &newest)?,
        };
        if let Some(state) = recipe.whole() {
            return Ok(state);
        }
        let state = recipe.make()?;
        self.history().keep(&state);
        Ok(state)
    }
    /// Dataset versions newest first, from `before` (exclusive) on, at most `limit`; with the rows and
    /// submissions of all publishers, or of one.
    pub(crate) fn versions(
        &self,
        publisher: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<VersionInfo> {
        self.history().versions(publisher, before, limit)
    }

    /// Puts an entry as a log version, together with the data files of it that are not on the disk yet.
    /// An error says that nothing happened: the name is still free. Blocking.
    pub(crate) fn put(&self, log_version: u64, entry: &Entry, held: &[HeldFile]) -> Result<Put, StoreError> {
        let below = |path: &str| format!("tables/{}/{path}", self.name);
        let paths: Vec<String> = held.iter().map(|held| below(&held.file.path)).collect();
        let new = paths.iter().zip(held).map(|(path, held)| NewFile { path, bytes: &held.bytes });
        let log_path = below(&log_name(log_version));
        let log_bytes = log::write(entry).map_err(|error| StoreError::encode(&log_path, &error))?;
        let last = NewFile { path: &log_path, bytes: &log_bytes };
        let error = match self.journal.put(&new.collect::<Vec<_>>(), last) {
            Ok(()) => return Ok(Put::Done),
            Err(PutFault::Unknown(error)) => return Ok(Put::Unknown(error)),
            Err(PutFault::NotDone(error)) => error,
        };
        match self.read(log_version) {
            Ok(Some(found)) if found.info.commit != entry.info.commit => Ok(Put::Taken(Box::new(found))),
            // Our own commit under other bytes, or what cannot be read: not ours to decide here.
            Ok(Some(_)) | Err(_) => Ok(Put::Unknown(error)),
            Ok(None) => Err(error),
        }
    }

    /// The entry of a log version; None when nobody has put it yet. Blocking.
    pub(crate) fn read(&self, log_version: u64) -> Result<Option<Entry>, StoreError> {
        let path = log_file(&self.folder, log_version);
        read_entry(self.disk.as_ref(), &path, &self.schema())
    }

    /// Makes an entry that was put (by us or by another) the newest state. `log_version` must be the
    /// one after the newest.
    pub(crate) fn advance(&self, log_version: u64, entry: &Entry) -> Result<Arc<Snapshot>, StoreError> {
        let mut history = self.history();
        let next = Arc::new(self.snapshot().after(log_version, entry)?);
        history.push(entry, &next);
        self.newest.send_replace(Arc::clone(&next));
        Ok(next)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.newest.borrow().schema)
    }
    fn history(&self) -> std::sync::MutexGuard<'_, History> {
        // The history is changed only after everything that can fail, so a poisoned one is whole.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Path of a log version.
fn log_file(folder: &std::path::Path, log_version: u64) -> PathBuf {
    folder.join(log_name(log_version))
}

/// The same, below the table's folder.
pub(crate) fn log_name(log_version: u64) -> String {
    format!("_delta_log/{log_version:020}.json")
}

/// The log version of a name in the log folder; None: it is not one's.
pub(crate) fn log_number(name: &str) -> Option<u64> {
    name.strip_suffix(".json").filter(|number| number.len() == 20)?.parse().ok()
}

fn read_entry(
    disk: &dyn Disk,
    path: &std::path::Path,
    schema: &SchemaRef,
) -> Result<Option<Entry>, StoreError> {
    match disk::read_all(disk, path) {
        Ok(bytes) => log::parse(&path.display().to_string(), &bytes, Some(schema)).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}
