//! Checkpoints of a table, for other engines: they begin at the newest one instead of reading every log
//! version. The hub itself reads the log, whose commitInfo a checkpoint does not hold.

use std::io;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Snapshot, Table};
use crate::config::limits::TOMBSTONE_DAYS;
use crate::fault;
use crate::store::StoreError;
use crate::store::disk;
use crate::store::file::sink::Sink;
use crate::store::index::DataFile;
use crate::store::log::checkpoint::{self, Tombstone};

impl Table {
    /// Writes a checkpoint of a state, behind an earlier one; gives the number of its rows. Blocking.
    pub(super) fn write_checkpoint(
        &self,
        state: &Snapshot,
        earlier: Option<u64>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let tombstones = self.tombstones(earlier, state.log_version, now)?;
        let definition = checkpoint::definition_rows(&self.definition).into_iter();
        let files = state.files.iter().map(|file| checkpoint::file_row(file, added_at(state, file)));
        let rows = definition.chain(files).chain(tombstones.iter().map(checkpoint::tombstone_row));
        let path = self.log.checkpoint_file(state.log_version);
        let temporary = disk::temporary_beside(&path).map_err(|e| StoreError::io("write", &path, e))?;
        let mut sink = Sink::new(std::sync::Arc::clone(&self.disk), temporary.clone());
        let count = match checkpoint::write(rows, &mut sink) {
            Ok(count) => count,
            Err(error) => {
                let fault = sink.take_fault();
                sink.remove();
                let file = path.display().to_string();
                return Err(match fault {
                    Some(fault) => StoreError::io("write", &path, fault),
                    None => StoreError::Encode { file, message: error.to_string() },
                });
            }
        };
        let named = sink.finish().and_then(|_| {
            fault::point("checkpoint.file.after");
            match self.disk.rename(&temporary, &path) {
                // An earlier try came as far as the name; what has the name is whole.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.remove(&temporary),
                renamed => renamed,
            }
        });
        let durable = named.and_then(|()| self.disk.sync_dir(path.parent().unwrap_or(&path)));
        if let Err(error) = durable {
            sink.remove();
            return Err(StoreError::io("write", &path, error));
        }
        fault::point("checkpoint.after");
        Ok(count)
    }

    /// Tells readers of a checkpoint. Blocking.
    pub(super) fn write_hint(&self, version: u64, rows: u64) -> Result<(), StoreError> {
        let path = self.log.hint_file();
        disk::supersede(self.disk.as_ref(), &path, &checkpoint::hint(version, rows))
            .map_err(|e| StoreError::io("write", &path, e))?;
        fault::point("checkpoint.hint.after");
        Ok(())
    }

    /// Rows of a checkpoint that is there. Blocking.
    pub(super) fn checkpoint_rows(&self, version: u64) -> Result<u64, StoreError> {
        let (file, bytes) = self.read_checkpoint(version)?;
        checkpoint::count(bytes).map_err(|e| StoreError::Corrupt { file, message: e.to_string() })
    }

    /// Files that were removed up to a version and that readers may still hold: those of the earlier
    /// checkpoint, then those of the versions since.
    fn tombstones(
        &self,
        earlier: Option<u64>,
        version: u64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Tombstone>, StoreError> {
        let held_since = (now - TimeDelta::days(TOMBSTONE_DAYS)).timestamp_millis();
        let mut tombstones = Vec::new();
        if let Some(earlier) = earlier {
            let (file, bytes) = self.read_checkpoint(earlier)?;
            let corrupt = |e: parquet::errors::ParquetError| StoreError::Corrupt {
                file: file.clone(),
                message: e.to_string(),
            };
            for tombstone in checkpoint::tombstones(bytes).map_err(corrupt)? {
                tombstones.push(tombstone.map_err(corrupt)?);
            }
        }
        let mut reader = self.log.reader();
        for next in earlier.unwrap_or(0) + 1..=version {
            let entry = reader.entry(next)?.ok_or_else(|| self.log.gone(next))?;
            let removed_at = entry.info.committed_at.timestamp_millis();
            tombstones.extend(entry.removes.into_iter().map(|remove| Tombstone { remove, removed_at }));
        }
        tombstones.retain(|tombstone| tombstone.removed_at > held_since);
        Ok(tombstones)
    }

    fn read_checkpoint(&self, version: u64) -> Result<(String, Bytes), StoreError> {
        let path = self.log.checkpoint_file(version);
        let bytes =
            disk::read_all(self.disk.as_ref(), &path).map_err(|e| StoreError::io("read", &path, e))?;
        Ok((path.display().to_string(), bytes.into()))
    }
}

/// When a live file was added, as far as the state tells: the time of the submission with its largest number.
/// Of a file that was merged or written again that is when its youngest rows came.
fn added_at(state: &Snapshot, file: &DataFile) -> i64 {
    let newest = file.seqs.last().and_then(|seq| state.submissions.get(*seq)).map(|info| info.committed_at);
    newest.or(state.committed_at).unwrap_or_default().timestamp_millis()
}
