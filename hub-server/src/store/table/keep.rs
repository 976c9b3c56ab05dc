//! What keeps a table's log short for other engines, however many commits there were: checkpoints, and the
//! archive for the log versions before them.

use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Table;
use crate::config::limits::{CHECKPOINT_VERSIONS, LOG_MARGIN_VERSIONS};
use crate::fault;
use crate::store::StoreError;

/// How much of a log stays where other engines read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogLimits {
    /// Log versions from one checkpoint to the next; also of one pack of the archive. From 1 on.
    pub(crate) checkpoint_versions: u64,
    /// Log versions that stay readable one by one behind the newest, for engines that are under way.
    pub(crate) margin_versions: u64,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { checkpoint_versions: CHECKPOINT_VERSIONS, margin_versions: LOG_MARGIN_VERSIONS }
    }
}

/// The checkpoints of a table.
#[derive(Debug)]
pub(super) struct Kept {
    /// Their versions, ascending.
    pub(super) checkpoints: Vec<u64>,
    /// The version that readers are told of.
    pub(super) hinted: Option<u64>,
}

impl Table {
    /// Writes a checkpoint when one is due, moves what is older than the margin into the archive, and removes
    /// checkpoints that nobody begins at any more. Pushes go on meanwhile. Blocking.
    pub(crate) fn keep_log(
        &self,
        limits: LogLimits,
        now: DateTime<Utc>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let last = kept.checkpoints.last().copied();
        let state = self.snapshot();
        if state.log_version >= last.unwrap_or(0).saturating_add(limits.checkpoint_versions) {
            let rows = self.write_checkpoint(&state, last, now)?;
            kept.checkpoints.push(state.log_version);
            self.hint(&mut kept, state.log_version, rows)?;
        } else if let Some(last) = last.filter(|_| kept.hinted != last) {
            // A start found a checkpoint that nobody was told of.
            let rows = self.checkpoint_rows(last)?;
            self.hint(&mut kept, last, rows)?;
        }
        let newest = self.snapshot().log_version;
        let is_old = |version: &&u64| version.saturating_add(limits.margin_versions) <= newest;
        let Some(floor) = kept.checkpoints.iter().rev().find(is_old).copied() else { return Ok(()) };
        self.archive(floor, limits, stopped)?;
        fault::point("archive.after");
        self.drop_checkpoints(&mut kept, floor)
    }

    pub(super) fn hint(&self, kept: &mut Kept, version: u64, rows: u64) -> Result<(), StoreError> {
        self.write_hint(version, rows)?;
        kept.hinted = Some(version);
        Ok(())
    }

    /// Removes checkpoints before a version. One that a power cut brings back is removed another time.
    pub(super) fn drop_checkpoints(&self, kept: &mut Kept, before: u64) -> Result<(), StoreError> {
        while let Some(first) = kept.checkpoints.first().copied().filter(|first| *first < before) {
            let path = self.log.checkpoint_file(first);
            self.disk.remove(&path).map_err(|e| StoreError::io("remove", &path, e))?;
            kept.checkpoints.remove(0);
        }
        Ok(())
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change of it follows what it says, so a poisoned one is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
