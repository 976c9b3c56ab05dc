//! A dataset's table: its log replayed into snapshots.

mod archive;
mod changes;
mod checkpoint;
mod data;
mod erase;
mod history;
mod homes;
mod horizon;
mod keep;
mod log_files;
mod open;
mod revised;
mod snapshot;
#[cfg(test)]
mod tests;
mod vacuum;
mod versions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::StoreError;
use super::disk::Disk;
use super::file::HeldFile;
use super::index::FileIndex;
use super::journal::{Journal, NewFile, PutFault};
use super::log::{self, Definition, Entry};
use history::{History, Recipe};
use keep::Kept;
use log_files::LogFiles;

pub(crate) use changes::{Changed, ChangesBound, ChangesSince, Cursor, Made};
pub(crate) use erase::{Chained, Held, Holding, Place, Removed};
pub(crate) use homes::Homes;
pub(crate) use horizon::{Horizon, read as read_horizon};
pub(crate) use keep::LogLimits;
pub(crate) use log_files::{ARCHIVE, LogReader, Name, log_name, name_of, pack_range};
pub(crate) use open::TableSpec;
#[cfg(test)]
pub(crate) use open::physical;
pub(crate) use revised::{Revised, RevisedBy, revised};
pub(crate) use snapshot::{Erased, SeqInfo, Snapshot, VersionInfo};
pub(crate) use vacuum::{Keep, Vacuumed};

/// Folder of what the hub keeps beside a table; readers of Delta leave names alone that begin with `_`.
const HUB: &str = "_hub";

/// Which state of a dataset is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    Latest,
    /// A dataset version.
    Version(u64),
    /// The newest version committed at or before this moment.
    Time(DateTime<Utc>),
    /// The state of a log version.
    #[cfg(test)]
    LogVersion(u64),
    /// The files of a state as they were found once, in their order: what a cut stream goes on with.
    Session {
        log_version: u64,
        homes: u64,
        /// Log version of the newest erasure that was known.
        erased: u64,
    },
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
    definition: Definition,
    log: LogFiles,
    newest: watch::Sender<Arc<Snapshot>>,
    history: Mutex<History>,
    kept: Mutex<Kept>,
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
    /// An earlier state, or an error that says how far the history reaches. Blocking: one that is not
    /// recent is made again from the log.
    pub(crate) fn as_of(&self, as_of: AsOf) -> Result<Arc<Snapshot>, StoreError> {
        let newest = self.snapshot();
        let recipe = match as_of {
            AsOf::Latest => return Ok(newest),
            AsOf::Version(version) => self.history().at_version(version, &newest)?,
            AsOf::Time(moment) => self.history().at_time(moment, &newest)?,
            #[cfg(test)]
            AsOf::LogVersion(version) => self.history().at_log_version(version, &newest)?,
            AsOf::Session { log_version, homes, erased } => {
                let recipe = self.history().at_log_version(log_version, &newest)?;
                return self.at_home(self.made(recipe, &newest)?, Some((homes, erased)));
            }
        };
        self.at_home(self.made(recipe, &newest)?, None)
    }

    /// The files that were live at a log version, there or gone. Blocking.
    fn listed(&self, log_version: u64) -> Result<Arc<Snapshot>, StoreError> {
        let newest = self.snapshot();
        let recipe = self.history().at_log_version(log_version, &newest)?;
        self.made(recipe, &newest)
    }

    fn made(&self, recipe: Recipe, newest: &Snapshot) -> Result<Arc<Snapshot>, StoreError> {
        let state = match recipe {
            Recipe::Ready(state) => return Ok(state),
            Recipe::Steps(mut state, steps) => {
                for step in steps {
                    state = Arc::new(state.after(step.log_version, &step.entry)?);
                }
                state
            }
            Recipe::Log(log_version) => self.log.state(log_version, newest)?,
        };
        self.history().keep(&state);
        Ok(state)
    }

    /// A state with the files in which its rows are now; no vacuum takes them while somebody holds it.
    /// `pinned`: how far vacuums were when its reader began, and erasures; who goes on only if nothing moved.
    fn at_home(&self, state: Arc<Snapshot>, pinned: Option<(u64, u64)>) -> Result<Arc<Snapshot>, StoreError> {
        let newest = self.snapshot();
        if let Some(erased) = newest.erased.iter().find(|erased| erased.was_in(state.log_version)) {
            return Err(StoreError::erased(&newest, state.dataset_version, erased));
        }
        loop {
            let gone = self.history().gone();
            if state.log_version < gone.expired {
                return Err(self.history().expired(&state));
            }
            let files = self.homes_of(&state, gone.merged)?;
            if let Some((then, erased)) = pinned {
                let before = if then == gone.merged { files.clone() } else { self.homes_of(&state, then)? };
                let of = |files: &Option<(FileIndex, u64)>| -> Vec<String> {
                    let files = files.as_ref().map_or(&state.files, |(files, _)| files);
                    files.iter().map(|file| file.path.clone()).collect()
                };
                let moved = files.as_ref().is_some_and(|(_, newer)| *newer > erased);
                if moved || of(&before) != of(&files) {
                    return Err(StoreError::SessionExpired { dataset: state.dataset.clone() });
                }
            }
            let home = match files {
                Some((files, _)) => Arc::new(state.at_homes(files, gone.merged, &newest.erased)),
                None => Arc::clone(&state),
            };
            let mut history = self.history();
            if history.gone() == gone {
                return Ok(history.give(home));
            }
        }
    }

    /// As `as_of`, but what lies before the state of a moment has expired.
    pub(crate) fn promised(
        &self,
        as_of: AsOf,
        since: Option<DateTime<Utc>>,
    ) -> Result<Arc<Snapshot>, StoreError> {
        self.history().promises(as_of, since)?;
        self.as_of(as_of)
    }
    /// The oldest dataset version that can be asked for when the state of a moment is the oldest one that is
    /// promised, and its time; None: there is no version yet.
    pub(crate) fn oldest(&self, since: Option<DateTime<Utc>>) -> Option<(u64, DateTime<Utc>)> {
        self.history().oldest(since)
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
        self.log.reader().entry(log_version)
    }

    /// Reads log versions one after the other. Blocking.
    pub(crate) fn log_reader(&self) -> LogReader<'_> {
        self.log.reader()
    }

    /// Makes an entry that was put (by us or by another) the newest state. `log_version` must be the
    /// one after the newest.
    pub(crate) fn advance(&self, log_version: u64, entry: &Entry) -> Result<Arc<Snapshot>, StoreError> {
        let mut history = self.history();
        let next = Arc::new(self.snapshot().after(log_version, entry)?);
        history.push(entry, &self.snapshot(), &next);
        self.newest.send_replace(Arc::clone(&next));
        Ok(next)
    }

    fn history(&self) -> std::sync::MutexGuard<'_, History> {
        // The history is changed only after everything that can fail, so a poisoned one is whole.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
