//! Vacuum: data files that no promised state reads are removed. First it is decided which, then the decision
//! is durable, then they go; a vacuum that was cut off is ended by the next start.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::horizon::{self, Horizon};
use super::{LogReader, Table};
use crate::config::limits::VACUUM_FILES_MAX;
use crate::fault;
use crate::store::StoreError;
use crate::store::disk::ReadAt as _;
use crate::store::index::DataFile;
use crate::store::log::Entry;

/// What a vacuum must leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep {
    /// The state of this moment and all later ones; None: all states.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Files that left after this moment: other engines and read sessions may be at them.
    pub(crate) left_after: DateTime<Utc>,
}

/// What a vacuum removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Vacuumed {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A file that may go, with the log version at which it left.
#[derive(Debug)]
struct Left {
    log_version: u64,
    path: String,
    bytes: u64,
    /// Its rows are in the output of the merge; else it goes with the states that read it.
    merged: bool,
}

/// What could go, from the log alone.
#[derive(Debug)]
struct Plan {
    horizon: Horizon,
    files: Vec<Left>,
}

impl Table {
    /// Removes files that no promised state reads, as far as nobody reads them. Pushes go on meanwhile. Blocking.
    pub(crate) fn vacuum(&self, keep: Keep, stopped: &dyn Fn() -> bool) -> Result<Vacuumed, StoreError> {
        let _one_at_a_time = self.kept();
        let before = self.history().gone();
        let plan = self.plan(before, keep, stopped)?;
        if plan.horizon == before {
            return Ok(Vacuumed::default());
        }
        // A record of the journal would bring a file back at the next start.
        self.journal.settle()?;
        let Some(plan) = self.decide(before, plan)? else { return Ok(Vacuumed::default()) };
        fault::point("vacuum.decided.after");
        let mut vacuumed = Vacuumed::default();
        for left in &plan.files {
            let path = self.folder.join(&left.path);
            match self.disk.remove(&path) {
                // An earlier vacuum came to it as the input of a merge.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                removed => removed.map_err(|e| StoreError::io("remove", &path, e))?,
            }
            vacuumed.files += 1;
            vacuumed.bytes += left.bytes;
            fault::point("vacuum.remove.after");
        }
        let dir = self.data_folder();
        self.disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
        fault::point("vacuum.after");
        Ok(vacuumed)
    }

    fn plan(&self, before: Horizon, keep: Keep, stopped: &dyn Fn() -> bool) -> Result<Plan, StoreError> {
        let (merges, expired) = {
            let history = self.history();
            let expired = keep.since.map_or(0, |since| history.made_at(since.min(keep.left_after)));
            (history.homes().between(before.merged, keep.left_after), expired)
        };
        let mut plan = Plan { horizon: before, files: Vec::new() };
        let mut reader = self.log.reader();
        for version in before.expired + 1..=expired {
            if plan.files.len() >= VACUUM_FILES_MAX || stopped() {
                break;
            }
            let entry = self.left(&mut reader, version)?;
            plan.add(version, &entry, false, |_| true);
            for remove in &entry.removes {
                let stand_ins = self.stand_ins(&mut reader, &remove.path, version)?;
                plan.files.extend(stand_ins.iter().map(|file| Left {
                    log_version: version,
                    path: file.path.clone(),
                    bytes: file.bytes,
                    merged: false,
                }));
            }
            plan.horizon.expired = version;
        }
        for version in merges {
            if plan.files.len() >= VACUUM_FILES_MAX || stopped() {
                break;
            }
            let entry = self.left(&mut reader, version)?;
            // No state that can be read begins before what has expired.
            if version > plan.horizon.expired {
                let Some(output) = entry.adds.first() else { break };
                // Of what was erased there is nothing to compare.
                let output = self.left_of(&mut reader, output)?;
                if let Err(error) = output.map_or(Ok(()), |output| self.read_whole(&output)) {
                    let table = &self.name;
                    tracing::error!(%table, %error, "a merged file is damaged; what it was made of stays");
                    break;
                }
            }
            let history = self.history();
            plan.add(version, &entry, true, |path| history.homes().merged(path) == Some(version));
            plan.horizon.merged = version;
        }
        Ok(plan)
    }

    fn left(&self, reader: &mut LogReader<'_>, version: u64) -> Result<Entry, StoreError> {
        reader.entry(version)?.ok_or_else(|| self.log.gone(version))
    }

    /// Compares all bytes of a file with what was committed, before the other copies of its rows go.
    fn read_whole(&self, file: &Arc<DataFile>) -> Result<(), StoreError> {
        // A copy has found no block whole yet.
        let unread = Arc::new(file.as_ref().clone());
        let data = self.open_data(&unread)?;
        let mut buffer = vec![0; READ_BYTES];
        let mut at = 0;
        loop {
            match data.read_at(at, &mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => at += read as u64,
                Err(error) => return Err(StoreError::io("read", &self.folder.join(&file.path), error)),
            }
        }
    }

    /// Leaves out what somebody reads, takes the rest from the states, and makes that durable.
    fn decide(&self, before: Horizon, mut plan: Plan) -> Result<Option<Plan>, StoreError> {
        {
            let newest = self.snapshot();
            let archived = Arc::clone(&self.log.archived().state);
            let mut history = self.history();
            let left: HashMap<&str, u64> =
                plan.files.iter().map(|left| (left.path.as_str(), left.log_version)).collect();
            let read = history.read_by_others(&[&newest, &archived]);
            let files = read.iter().flat_map(|state| state.files.iter());
            // The first of the versions at which a file left that somebody reads.
            let first = files.filter_map(|file| left.get(file.path.as_str())).min().copied();
            plan.cut(before, first);
            if plan.horizon == before {
                return Ok(None);
            }
            history.set_gone(plan.horizon);
        }
        horizon::write(self.disk.as_ref(), &self.folder, plan.horizon)?;
        Ok(Some(plan))
    }
}

/// Bytes of one read.
const READ_BYTES: usize = 1 << 20;

impl Plan {
    fn add(&mut self, log_version: u64, entry: &Entry, merged: bool, goes: impl Fn(&str) -> bool) {
        let removes = entry.removes.iter().filter(|remove| goes(&remove.path));
        self.files.extend(removes.map(|remove| Left {
            log_version,
            path: remove.path.clone(),
            bytes: remove.bytes,
            merged,
        }));
    }

    /// Ends before a log version.
    fn cut(&mut self, before: Horizon, first: Option<u64>) {
        let Some(last) = first.map(|first| first - 1) else { return };
        self.horizon.merged = self.horizon.merged.min(last).max(before.merged);
        self.horizon.expired = self.horizon.expired.min(last).max(before.expired);
        let Horizon { merged, expired } = self.horizon;
        self.files.retain(|left| left.log_version <= if left.merged { merged } else { expired });
    }
}
