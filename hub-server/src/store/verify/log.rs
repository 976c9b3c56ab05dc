//! A table's log, version by version, replayed as a start does.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{Fault, Finding, Inspection, RESTORE, Tell};
use crate::store::StoreError;
use crate::store::disk::{self, Disk, TEMPORARY};
use crate::store::log::pack::Pack;
use crate::store::log::{self, Entry, checkpoint};
use crate::store::table::{ARCHIVE, Name, Snapshot, log_name, name_of, pack_range};

impl Inspection {
    /// Gives each log version that can be read, in order; tells of the others, and of what does not follow
    /// from what was before. True when there was nothing to tell. Blocking.
    pub(crate) fn walk(
        &self,
        table: &str,
        tell: Tell<'_>,
        each: &mut dyn FnMut(u64, &Entry),
    ) -> Result<bool, StoreError> {
        let folder = self.root.join("tables").join(table);
        let mut walk = Walk { table, tell, schema: None, state: None, last_moved: None, whole: true };
        let mut archive = self.archive(&folder, &mut walk)?;
        let mut versions = self.versions(&folder, &mut walk)?;
        versions.extend(archive.packs.keys().map(|(_, last)| *last));
        let Some(newest) = versions.last().copied() else {
            walk.fault(Fault::of(&folder.join("_delta_log"), "it holds no log version".into(), RESTORE));
            return Ok(false);
        };
        for version in 0..=newest {
            let path = folder.join(log_name(version));
            let entry = match archive.entry(self.disk.as_ref(), version, walk.schema.as_ref()) {
                Some(archived) => archived,
                None => self.entry(&path, walk.schema.as_ref()),
            };
            match entry {
                Ok(entry) => {
                    tell(Finding::Version);
                    walk.take(version, &path, &entry);
                    each(version, &entry);
                }
                Err(error) => {
                    walk.fault(error.into());
                    // Without version 0 nothing can be said of the columns of the others.
                    if version == 0 {
                        return Ok(false);
                    }
                    walk.state = None;
                }
            }
        }
        Ok(walk.whole)
    }

    /// Numbers of all log versions, of the folder and of the journal.
    fn versions(&self, folder: &Path, walk: &mut Walk<'_>) -> Result<BTreeSet<u64>, StoreError> {
        let dir = folder.join("_delta_log");
        let mut names: BTreeSet<String> = self.list_or_nothing(&dir)?.into_iter().map(|e| e.name).collect();
        names.retain(|name| !name.ends_with(TEMPORARY));
        let held = self.held.paths().filter(|path| path.parent() == Some(&dir));
        names.extend(held.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
        let mut versions = BTreeSet::new();
        for name in names {
            match name_of(&name) {
                Some(Name::Version(version)) => drop(versions.insert(version)),
                // Other engines begin there; the hub does not read it.
                Some(Name::Checkpoint(_)) => self.checkpoint(&dir.join(name), walk)?,
                Some(Name::Hint) => {}
                None => {
                    let advice = "take it out of the log folder";
                    walk.fault(Fault::of(&dir.join(name), "it is not a log version".into(), advice));
                }
            }
        }
        Ok(versions)
    }

    /// The packs of older log versions.
    fn archive(&self, folder: &Path, walk: &mut Walk<'_>) -> Result<Archive, StoreError> {
        let dir = folder.join(ARCHIVE);
        let mut packs = BTreeMap::new();
        for entry in self.list_or_nothing(&dir)? {
            let path = dir.join(&entry.name);
            match pack_range(&entry.name) {
                Some(range) => drop(packs.insert(range, path)),
                None if entry.name.ends_with(TEMPORARY) => {}
                None => {
                    let advice = "take it out of the archive";
                    walk.fault(Fault::of(&path, "it is not a pack of log versions".into(), advice));
                }
            }
        }
        Ok(Archive { packs, open: None })
    }

    /// Reads a checkpoint as other engines do.
    fn checkpoint(&self, path: &Path, walk: &mut Walk<'_>) -> Result<(), StoreError> {
        let bytes = disk::read_all(self.disk.as_ref(), path).map_err(|e| StoreError::io("read", path, e))?;
        let length = bytes.len() as u64;
        if let Err(error) = checkpoint::read_through(Bytes::from(bytes)) {
            let advice =
                "remove it, and `_last_checkpoint` beside it if that names it; the hub writes others";
            walk.fault(Fault::of(path, error.to_string(), advice));
        }
        (walk.tell)(Finding::File { bytes: length });
        Ok(())
    }

    /// The entry of a log version, from its file or, where that lacks or is damaged, from the journal.
    fn entry(&self, path: &Path, schema: Option<&SchemaRef>) -> Result<Entry, StoreError> {
        let parse = |bytes: &[u8]| log::parse(&path.display().to_string(), bytes, schema);
        let read = match disk::read_all(self.disk.as_ref(), path) {
            Ok(bytes) => parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone(path)),
            Err(error) => Err(StoreError::io("read", path, error)),
        };
        let error = match read {
            Ok(entry) => return Ok(entry),
            Err(error) => error,
        };
        match self.held.read(self.disk.as_ref(), path)? {
            Some(bytes) => parse(&bytes),
            None => Err(error),
        }
    }
}

/// Log versions that left the log folder.
struct Archive {
    /// By first and last version.
    packs: BTreeMap<(u64, u64), PathBuf>,
    open: Option<((u64, u64), Pack)>,
}

impl Archive {
    /// None: the version is in none of the packs.
    fn entry(
        &mut self,
        disk: &dyn Disk,
        version: u64,
        schema: Option<&SchemaRef>,
    ) -> Option<Result<Entry, StoreError>> {
        let (range, path) = self.packs.range(..=(version, u64::MAX)).next_back()?;
        if range.1 < version {
            return None;
        }
        if self.open.as_ref().is_none_or(|(open, _)| open != range) {
            match Pack::open(disk, path) {
                Ok(pack) => self.open = Some((*range, pack)),
                Err(error) => return Some(Err(error)),
            }
        }
        let (_, pack) = self.open.as_mut()?;
        let file = format!("{}, log version {version}", path.display());
        Some(match pack.version(version) {
            Ok(Some(bytes)) => log::parse(&file, bytes, schema),
            Ok(None) => Err(gone(path)),
            Err(error) => Err(error),
        })
    }
}

fn gone(path: &Path) -> StoreError {
    let message = "this log version is missing, though later ones exist".into();
    StoreError::LogCorrupt { file: path.display().to_string(), line: 1, message }
}

/// The replay of one table.
struct Walk<'a> {
    table: &'a str,
    tell: Tell<'a>,
    schema: Option<SchemaRef>,
    /// None after a version that could not be read: what follows from it is not known.
    state: Option<Arc<Snapshot>>,
    /// When the newest dataset version was committed.
    last_moved: Option<DateTime<Utc>>,
    whole: bool,
}

impl Walk<'_> {
    fn fault(&mut self, fault: Fault) {
        self.whole = false;
        (self.tell)(Finding::Fault(fault));
    }

    /// Takes up a version, and tells what does not follow.
    fn take(&mut self, version: u64, path: &Path, entry: &Entry) {
        if let Some(definition) = &entry.definition {
            self.schema = Some(Arc::clone(&definition.schema));
        }
        let Some(schema) = self.schema.clone() else {
            return self.fault(Fault::of(path, "the first log version has no metaData".into(), RESTORE));
        };
        let wrong = |message: String| Fault::of(path, message, RESTORE);
        let before = self.state.take();
        self.state = match before {
            _ if version == 0 => Some(Arc::new(Snapshot::empty(self.table, self.table, &schema))),
            None => None,
            Some(before) => match before.after(version, entry) {
                Ok(state) => {
                    let moved = state.dataset_version > before.dataset_version;
                    let at = entry.info.committed_at;
                    if moved && self.last_moved.is_some_and(|last| at <= last) {
                        self.fault(wrong(format!(
                            "its time {at} is not later than that of the version before"
                        )));
                    }
                    self.last_moved = if moved { Some(at) } else { self.last_moved };
                    Some(Arc::new(state))
                }
                Err(StoreError::LogCorrupt { message, .. }) => {
                    self.fault(wrong(message));
                    None
                }
                Err(other) => {
                    self.fault(other.into());
                    None
                }
            },
        };
    }
}
