//! Erasure: which files hold rows of a submission, and how its bytes leave the table once the log says that it
//! is erased. Each step may be done again, so that one that was cut off is ended by a repetition.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Table;
use crate::fault;
use crate::store::index::DataFile;
use crate::store::log::pack::{Pack, PackWriter};
use crate::store::log::{self, Entry, Erasure, HeldBy, OPTIMIZE, Scrub, SubmissionEntry, state};
use crate::store::{StoreError, disk};

/// What a table holds of a submission.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    /// The states that hold rows of it; None: none does.
    pub(crate) held: Option<HeldBy>,
    /// In the order of the log.
    pub(crate) files: Vec<Held>,
}

/// A file that holds rows of a submission.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) file: Arc<DataFile>,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Live,
    /// It left at a log version, and states before may read rows of others in it.
    Home(u64),
    /// Nobody needs it for rows of others.
    Spare,
    /// A vacuum or an earlier erasure removed it.
    Gone,
}

/// Files that were removed or written anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A file with its way through the log.
#[derive(Debug)]
struct Found {
    file: Arc<DataFile>,
    left: Option<u64>,
    /// Rows of several files came together in it.
    gathers: bool,
}

impl Table {
    /// Looks through the log for files that hold rows of a submission. Blocking.
    pub(crate) fn holding(&self, seq: i64) -> Result<Holding, StoreError> {
        let newest = self.snapshot();
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        let (mut live, mut held): (usize, Option<HeldBy>) = (0, None);
        let mut reader = self.log.reader();
        for version in 1..=newest.log_version {
            let entry = reader.entry(version)?.ok_or_else(|| self.log.gone(version))?;
            let mut note = |file: &Arc<DataFile>, left, gathers| {
                order.push(file.path.clone());
                found.insert(file.path.clone(), Found { file: Arc::clone(file), left, gathers });
            };
            for file in entry.adds.iter().filter(|file| holds(file, seq)) {
                // What stands in for a live file has its place in the states of the past.
                let stands_in = stands_in(&entry, file);
                note(file, None, stands_in || entry.info.operation == OPTIMIZE);
                live += 1;
            }
            for stand_in in entry.info.erasure.iter().flat_map(|erasure| &erasure.stand_ins) {
                if stand_in.left.is_some() && holds(&stand_in.file, seq) {
                    note(&stand_in.file, stand_in.left, true);
                }
            }
            for remove in &entry.removes {
                if let Some(file) = found.get_mut(&remove.path) {
                    file.left = Some(version);
                    live -= 1;
                }
            }
            if live > 0 {
                let last = (version, entry.info.dataset_version);
                let first = held.map_or(last, |held| (held.log_versions.0, held.dataset_versions.0));
                let (log_versions, dataset_versions) = ((first.0, last.0), (first.1, last.1));
                held = Some(HeldBy { log_versions, dataset_versions });
            }
        }
        let files = order.iter().filter_map(|path| found.remove(path));
        Ok(Holding { held, files: files.map(|file| self.placed(file)).collect() })
    }

    fn placed(&self, found: Found) -> Held {
        let history = self.history();
        let (homes, path) = (history.homes(), &found.file.path);
        let place = match found.left {
            _ if homes.erased(path).is_some() => Place::Gone,
            None => Place::Live,
            Some(left) if history.gone().takes(left, homes.merged(path)) => Place::Gone,
            Some(left) if found.gathers && homes.merged(path).is_none() => Place::Home(left),
            Some(_) => Place::Spare,
        };
        Held { file: found.file, place }
    }

    /// All submissions of a publisher and partition, in the order of the log. Blocking.
    pub(crate) fn chain(&self, publisher: &str, partition: &str) -> Result<Vec<Chained>, StoreError> {
        let mut chain = Vec::new();
        let mut reader = self.log.reader();
        for version in 1..=self.snapshot().log_version {
            let mut entry = reader.entry(version)?.ok_or_else(|| self.log.gone(version))?;
            let submissions = std::mem::take(&mut entry.info.submissions);
            let own = submissions
                .into_iter()
                .filter(|one| one.publisher == publisher && one.partition == partition);
            let entry = Arc::new(entry);
            chain.extend(own.map(|submission| Chained { submission, of: Arc::clone(&entry) }));
        }
        Ok(chain)
    }

    /// Makes all that was put durable where it is, so that no start makes any of it again. Blocking.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        self.journal.settle()
    }

    /// Removes the files of an erased submission. Blocking.
    pub(crate) fn remove_erased(&self, erasure: &Erasure) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        for path in erasure.files.iter().map(|path| self.folder.join(path)) {
            let bytes = match self.disk.info(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                info => info.map_err(|e| StoreError::io("read", &path, e))?.bytes,
            };
            self.disk.remove(&path).map_err(|e| StoreError::io("remove", &path, e))?;
            removed.files += 1;
            removed.bytes += bytes;
            fault::point("erase.file.after");
        }
        let dir = self.data_folder();
        self.disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
        Ok(removed)
    }

    /// Writes the log anew without values of an erased submission, the newest versions first: its own entry, which
    /// tells what is to be looked for, goes last. Gives the files that were written. Blocking.
    pub(crate) fn scrub(&self, scrub: &Scrub) -> Result<u64, StoreError> {
        let (end, packs) = {
            let archived = self.log.archived();
            (archived.end(), archived.packs.clone())
        };
        let mut written = 0;
        for version in (end.max(1)..=self.snapshot().log_version).rev() {
            let path = self.log.log_file(version);
            let bytes =
                disk::read_all(self.disk.as_ref(), &path).map_err(|e| StoreError::io("read", &path, e))?;
            if let Some(scrubbed) = self.scrubbed(scrub, &path.display().to_string(), &bytes)? {
                disk::supersede(self.disk.as_ref(), &path, &scrubbed)
                    .map_err(|e| StoreError::io("write", &path, e))?;
                written += 1;
                fault::point("erase.log.after");
            }
        }
        for range in packs.into_iter().rev() {
            if self.scrub_pack(scrub, range)? {
                written += 1;
                fault::point("erase.pack.after");
            }
        }
        Ok(written)
    }

    /// The bytes of a log version without values of a submission; None: it holds none.
    fn scrubbed(&self, scrub: &Scrub, file: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let entry = log::parse(file, bytes, Some(&self.snapshot().schema))?;
        let next = scrub.entry(&entry).map_err(|message| StoreError::encode(file, &message))?;
        next.map(|next| log::write(&next)).transpose().map_err(|e| StoreError::encode(file, &e))
    }

    /// True when the pack was written anew.
    fn scrub_pack(&self, scrub: &Scrub, range: (u64, u64)) -> Result<bool, StoreError> {
        let path = self.log.pack_file(range);
        let name = path.display().to_string();
        let failed = |e: io::Error| StoreError::encode(&name, &e);
        let mut pack = Pack::open(self.disk.as_ref(), &path)?;
        let mut writer = PackWriter::new(range.0);
        let mut changed = false;
        if let Some(lines) = pack.state()? {
            let (head, mut live) = state::parse(&name, &lines, &self.snapshot().schema)?;
            writer.state_line(&state::write_head(head, live.len())).map_err(failed)?;
            for file in &mut live {
                changed |= scrub.file(file);
                writer.state_line(&state::write_file(file)).map_err(failed)?;
            }
        }
        for version in range.0..=range.1 {
            let bytes = pack.version(version)?.ok_or_else(|| self.log.gone(version))?;
            let scrubbed = match version {
                0 => None,
                _ => self.scrubbed(scrub, &format!("{name}, log version {version}"), bytes)?,
            };
            changed |= scrubbed.is_some();
            writer.version(scrubbed.as_deref().unwrap_or(bytes)).map_err(failed)?;
        }
        if changed {
            let bytes = writer.finish().map_err(failed)?;
            disk::supersede(self.disk.as_ref(), &path, &bytes)
                .map_err(|e| StoreError::io("write", &path, e))?;
        }
        Ok(changed)
    }

    /// Replaces the checkpoints from before an erasure, whose files have bounds, by one of the newest state. Gives
    /// the number of those that were removed. Blocking.
    pub(crate) fn renew_checkpoints(&self, erased_at: u64, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let older = kept.checkpoints.iter().filter(|version| **version < erased_at).count() as u64;
        if older == 0 {
            return Ok(0);
        }
        if kept.checkpoints.last().is_some_and(|last| *last < erased_at) {
            let state = self.snapshot();
            let rows = self.write_checkpoint(&state, kept.checkpoints.last().copied(), now)?;
            kept.checkpoints.push(state.log_version);
            self.hint(&mut kept, state.log_version, rows)?;
        }
        let last = kept.checkpoints.last().copied();
        if let Some(last) = last.filter(|_| kept.hinted != last) {
            let rows = self.checkpoint_rows(last)?;
            self.hint(&mut kept, last, rows)?;
        }
        self.drop_checkpoints(&mut kept, erased_at)?;
        let dir = self.log.hint_file();
        let dir = dir.parent().unwrap_or(&dir);
        self.disk.sync_dir(dir).map_err(|e| StoreError::io("sync", dir, e))?;
        fault::point("erase.checkpoint.after");
        Ok(older)
    }
}

/// A submission with its commit, which is without submissions.
#[derive(Debug)]
pub(crate) struct Chained {
    pub(crate) submission: SubmissionEntry,
    pub(crate) of: Arc<Entry>,
}

fn holds(file: &DataFile, seq: i64) -> bool {
    file.seqs.binary_search(&seq).is_ok()
}

fn stands_in(entry: &Entry, file: &DataFile) -> bool {
    let erasure = entry.info.erasure.iter().flat_map(|erasure| &erasure.stand_ins);
    erasure.into_iter().any(|stand_in| stand_in.file.path == file.path)
}
