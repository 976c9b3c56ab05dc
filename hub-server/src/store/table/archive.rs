//! Old log versions go from the log into the archive, whole packs at a time: first the pack is durable, then
//! its versions leave the log. A move that was cut off in between is ended by the next start.

use std::io;
use std::sync::Arc;

use super::{LogLimits, Snapshot, Table};
use crate::config::limits::{ARCHIVE_PACK_BYTES, ARCHIVE_PACKS_MAX, ARCHIVE_STATE_FILES};
use crate::fault;
use crate::store::StoreError;
use crate::store::disk;
use crate::store::log::pack::PackWriter;
use crate::store::log::{self, state};

/// A pack that is ready to be written.
struct Packed {
    range: (u64, u64),
    bytes: Vec<u8>,
    /// State after its last version.
    after: Arc<Snapshot>,
    has_state: bool,
}

impl Table {
    /// Moves versions below `floor` into the archive, as long as they fill packs and these are not too many
    /// at once. Blocking.
    pub(super) fn archive(
        &self,
        floor: u64,
        limits: LogLimits,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        for number in 0..ARCHIVE_PACKS_MAX {
            let first = self.log.archived().end();
            if floor < first.saturating_add(limits.checkpoint_versions) || stopped() {
                break;
            }
            if number == 0 {
                // A record of the journal would bring a version back into the log at the next start.
                self.journal.settle()?;
            }
            let packed = self.pack(first, limits.checkpoint_versions)?;
            self.place(packed)?;
        }
        Ok(())
    }

    /// Packs at most so many versions from `first` on, fewer when they are long.
    fn pack(&self, first: u64, versions: u64) -> Result<Packed, StoreError> {
        let (mut state, since_state) = {
            let archived = self.log.archived();
            (Arc::clone(&archived.state), archived.since_state)
        };
        let file = self.log.pack_file((first, first)).display().to_string();
        let encoded =
            |error: io::Error| StoreError::Encode { file: file.clone(), message: error.to_string() };
        let mut writer = PackWriter::new(first);
        // A state is written again only after so many versions that all states together stay as short as
        // the versions.
        let has_state =
            first > 0 && state.files.len() as u64 <= since_state.saturating_mul(ARCHIVE_STATE_FILES);
        if has_state {
            writer.state_line(&state::write_head(state.head(), state.files.len())).map_err(encoded)?;
            for file in state.files.iter() {
                writer.state_line(&state::write_file(file)).map_err(encoded)?;
            }
        }
        let (mut next, mut length) = (first, 0);
        while next - first < versions && length < ARCHIVE_PACK_BYTES {
            let path = self.log.log_file(next);
            let bytes = disk::read_all(self.disk.as_ref(), &path);
            let bytes = bytes.map_err(|e| StoreError::io("read", &path, e))?;
            let entry = log::parse(&path.display().to_string(), &bytes, Some(&state.schema))?;
            if next > 0 {
                state = Arc::new(state.replayed(next, &entry)?);
            }
            writer.version(&bytes).map_err(encoded)?;
            length += bytes.len();
            next += 1;
        }
        let bytes = writer.finish().map_err(encoded)?;
        Ok(Packed { range: (first, next - 1), bytes, after: state, has_state })
    }

    fn place(&self, packed: Packed) -> Result<(), StoreError> {
        let path = self.log.pack_file(packed.range);
        let written = match disk::publish(self.disk.as_ref(), &path, &packed.bytes) {
            // An earlier try came as far as the name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.same(&path, &packed.bytes, error)
            }
            written => written,
        };
        written.map_err(|e| StoreError::io("write", &path, e))?;
        fault::point("archive.pack.after");
        let (first, last) = packed.range;
        {
            let mut archived = self.log.archived_mut();
            let before = if packed.has_state { 0 } else { archived.since_state };
            archived.since_state = before + (last + 1 - first);
            archived.packs.push(packed.range);
            archived.state = packed.after;
        }
        self.log.leave_to_archive(first..=last)?;
        tracing::debug!(table = self.name, first, last, "log versions went into the archive");
        Ok(())
    }

    /// Makes a file that is there already durable, if it holds these bytes; else its error.
    fn same(&self, path: &std::path::Path, bytes: &[u8], taken: io::Error) -> io::Result<()> {
        if disk::read_all(self.disk.as_ref(), path)? != bytes {
            return Err(taken);
        }
        self.disk.sync_dir(path.parent().unwrap_or(path))
    }
}
