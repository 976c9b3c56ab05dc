//! The files of a table's log: its newest versions in `_delta_log`, where other engines read them, the older
//! ones in packs of the archive. Whoever reads a version need not know where it is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Snapshot;
use crate::fault;
use crate::store::StoreError;
use crate::store::disk::{self, Disk};
use crate::store::index::FileIndex;
use crate::store::log::pack::Pack;
use crate::store::log::{self, Entry, checkpoint, state};

/// Folder of the log below that of the table.
pub(super) const LOG: &str = "_delta_log";
/// Folder of the archive; readers of Delta leave names alone that begin with `_`.
pub(crate) const ARCHIVE: &str = "_hub/log";
/// Name of the file that tells readers where to begin.
const HINT: &str = "_last_checkpoint";

#[derive(Debug)]
pub(crate) struct LogFiles {
    disk: Arc<dyn Disk>,
    /// Folder of the table.
    folder: PathBuf,
    /// State of log version 0: no file, and nothing was committed.
    empty: Arc<Snapshot>,
    archived: RwLock<Archived>,
}

/// What is in the archive.
#[derive(Debug)]
pub(super) struct Archived {
    /// First and last log version of each pack, from 0 on without a gap.
    pub(super) packs: Vec<(u64, u64)>,
    /// State after the last of them; of version 0 when there is none.
    pub(super) state: Arc<Snapshot>,
    /// Versions in the packs since the last one that begins with a state.
    pub(super) since_state: u64,
}

impl Archived {
    /// The first log version that is not in the archive.
    pub(super) fn end(&self) -> u64 {
        self.packs.last().map_or(0, |(_, last)| last + 1)
    }
}

/// What lies in the folders of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Number of log versions: they are 0, 1, …
    pub(super) versions: u64,
    /// Versions of the checkpoints, ascending.
    pub(super) checkpoints: Vec<u64>,
    /// The version that `_last_checkpoint` names.
    pub(super) hinted: Option<u64>,
}

/// What a name in the log folder stands for.
pub(crate) enum Name {
    Version(u64),
    Checkpoint(u64),
    Hint,
}

/// None: it is not of a log.
pub(crate) fn name_of(name: &str) -> Option<Name> {
    let number = |text: &str| text.parse().ok().filter(|_| text.len() == 20);
    if name == HINT {
        return Some(Name::Hint);
    }
    match name.split_once('.')? {
        (version, "json") => number(version).map(Name::Version),
        (version, "checkpoint.parquet") => number(version).map(Name::Checkpoint),
        _ => None,
    }
}

/// First and last version of a pack's name.
pub(crate) fn pack_range(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(".pack")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && name == pack_name((first, last))).then_some((first, last))
}

fn pack_name((first, last): (u64, u64)) -> String {
    format!("{first:020}-{last:020}.pack")
}

/// The name of a log version below the table's folder.
pub(crate) fn log_name(log_version: u64) -> String {
    format!("{LOG}/{log_version:020}.json")
}

impl LogFiles {
    /// Looks at the folders. What a move into the archive left behind when it was cut off is removed; a gap
    /// and a name that is not of a log are errors. Blocking.
    pub(super) fn open(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        empty: &Arc<Snapshot>,
    ) -> Result<(Self, Found), StoreError> {
        let archived = Archived { packs: Vec::new(), state: Arc::clone(empty), since_state: 0 };
        let (archived, empty) = (RwLock::new(archived), Arc::clone(empty));
        let files = Self { disk: Arc::clone(disk), folder: folder.to_owned(), empty, archived };
        let end = files.find_packs()?;
        let found = files.find_versions(end)?;
        Ok((files, found))
    }

    fn find_packs(&self) -> Result<u64, StoreError> {
        let dir = self.folder.join(ARCHIVE);
        let mut archived = self.archived_mut();
        for entry in self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))? {
            let range = pack_range(&entry.name).filter(|_| !entry.is_dir);
            let range = range.ok_or_else(|| foreign(&dir.join(&entry.name), "a pack of log versions"))?;
            if range.0 != archived.end() {
                return Err(self.gone(archived.end()));
            }
            archived.packs.push(range);
        }
        archived.since_state = archived.end();
        Ok(archived.end())
    }

    fn find_versions(&self, archived: u64) -> Result<Found, StoreError> {
        let dir = self.folder.join(LOG);
        let mut found = Found { versions: archived, checkpoints: Vec::new(), hinted: None };
        let mut left_behind = Vec::new();
        for entry in self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))? {
            let name = name_of(&entry.name).filter(|_| !entry.is_dir);
            match name.ok_or_else(|| foreign(&dir.join(&entry.name), "a log version"))? {
                Name::Version(version) if version < archived => left_behind.push(version),
                Name::Version(version) if version == found.versions => found.versions += 1,
                Name::Version(_) => return Err(self.gone(found.versions)),
                Name::Checkpoint(version) => found.checkpoints.push(version),
                Name::Hint => {
                    let path = dir.join(HINT);
                    let bytes = disk::read_all(self.disk.as_ref(), &path);
                    found.hinted = checkpoint::hinted(&bytes.map_err(|e| StoreError::io("read", &path, e))?);
                }
            }
        }
        // The version of a checkpoint stays in the log, and what is archived is older than one.
        let least = found.checkpoints.last().map_or(0, |version| version + 1);
        if found.versions < least || (archived > 0 && found.versions == archived) {
            return Err(self.gone(found.versions));
        }
        self.leave_to_archive(left_behind)?;
        Ok(found)
    }

    /// Removes versions from the log that the archive has, byte for byte.
    pub(super) fn leave_to_archive(&self, versions: impl IntoIterator<Item = u64>) -> Result<(), StoreError> {
        let mut reader = self.reader();
        let mut removed = false;
        for version in versions {
            let path = self.log_file(version);
            let found = match disk::read_all(self.disk.as_ref(), &path) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("read", &path, error)),
            };
            if reader.bytes(version)?.is_none_or(|(_, archived)| archived != found) {
                let message = "the archive holds other bytes of this log version".into();
                return Err(StoreError::Corrupt { file: path.display().to_string(), message });
            }
            self.disk.remove(&path).map_err(|e| StoreError::io("remove", &path, e))?;
            removed = true;
            fault::point("archive.remove.after");
        }
        let dir = self.folder.join(LOG);
        if removed {
            self.disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
        }
        Ok(())
    }

    /// State after a log version that is not among the recent ones: the nearest earlier state that is kept,
    /// then version after version. `newest` knows all submissions. Blocking.
    pub(super) fn state(&self, version: u64, newest: &Snapshot) -> Result<Arc<Snapshot>, StoreError> {
        let base = self.base(version)?;
        let mut state = base.with_submissions(Arc::clone(&newest.submissions));
        let mut reader = self.reader();
        for next in state.log_version + 1..=version {
            let entry = reader.entry(next)?.ok_or_else(|| self.gone(next))?;
            state = state.replayed(next, &entry)?;
        }
        Ok(Arc::new(state))
    }

    /// The nearest state at or before a log version that is kept in memory or in the archive.
    fn base(&self, version: u64) -> Result<Arc<Snapshot>, StoreError> {
        let packs: Vec<(u64, u64)> = {
            let archived = self.archived();
            if archived.state.log_version <= version {
                return Ok(Arc::clone(&archived.state));
            }
            archived.packs.iter().filter(|(first, _)| (1..=version).contains(first)).copied().collect()
        };
        for range in packs.into_iter().rev() {
            let pack = self.open_pack(range)?;
            let Some(lines) = pack.state()? else { continue };
            let file = pack.path().display().to_string();
            let (head, live) = state::parse(&file, &lines, &self.empty.schema)?;
            let message = |path| format!("its state names {path} twice");
            let files = FileIndex::default().with([], live);
            let files = files.map_err(|path| StoreError::Corrupt { file, message: message(path) })?;
            return Ok(Arc::new(self.empty.of(head, files)));
        }
        Ok(Arc::clone(&self.empty))
    }

    pub(super) fn reader(&self) -> LogReader<'_> {
        LogReader { files: self, pack: None }
    }

    fn open_pack(&self, range: (u64, u64)) -> Result<Pack, StoreError> {
        let path = self.pack_file(range);
        let pack = Pack::open(self.disk.as_ref(), &path)?;
        if pack.range() != Some(range) {
            let message = "holds other log versions than its name says".into();
            return Err(StoreError::Corrupt { file: path.display().to_string(), message });
        }
        Ok(pack)
    }

    fn pack_of(&self, version: u64) -> Option<(u64, u64)> {
        let archived = self.archived();
        let at = archived.packs.partition_point(|(_, last)| *last < version);
        archived.packs.get(at).copied()
    }

    pub(super) fn archived(&self) -> RwLockReadGuard<'_, Archived> {
        // It is changed in one step, so a poisoned one is whole.
        self.archived.read().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn archived_mut(&self) -> RwLockWriteGuard<'_, Archived> {
        self.archived.write().unwrap_or_else(PoisonError::into_inner)
    }
    /// Path of a log version, while it is in the log.
    pub(super) fn log_file(&self, log_version: u64) -> PathBuf {
        self.folder.join(log_name(log_version))
    }
    pub(super) fn checkpoint_file(&self, log_version: u64) -> PathBuf {
        self.folder.join(format!("{LOG}/{log_version:020}.checkpoint.parquet"))
    }
    pub(super) fn hint_file(&self) -> PathBuf {
        self.folder.join(LOG).join(HINT)
    }
    pub(super) fn pack_file(&self, range: (u64, u64)) -> PathBuf {
        self.folder.join(ARCHIVE).join(pack_name(range))
    }

    /// The error of a log version that is not there.
    pub(super) fn gone(&self, version: u64) -> StoreError {
        StoreError::LogCorrupt {
            file: self.log_file(version).display().to_string(),
            line: 1,
            message: "this log version is missing, though later ones exist".into(),
        }
    }
}

fn foreign(path: &Path, wanted: &str) -> StoreError {
    let message = format!("is not {wanted}; take it out of the folder");
    StoreError::Corrupt { file: path.display().to_string(), message }
}

/// Reads log versions. In order it goes fastest, because each frame of a pack is unpacked once. Blocking.
#[derive(Debug)]
pub(crate) struct LogReader<'a> {
    files: &'a LogFiles,
    pack: Option<((u64, u64), Pack)>,
}

impl LogReader<'_> {
    /// The entry of a log version; None when nobody has put it yet.
    pub(crate) fn entry(&mut self, version: u64) -> Result<Option<Entry>, StoreError> {
        let schema = &self.files.empty.schema;
        let found = self.bytes(version)?;
        found.map(|(file, bytes)| log::parse(&file, &bytes, Some(schema))).transpose()
    }

    /// The bytes of a log version, and what to call it.
    fn bytes(&mut self, version: u64) -> Result<Option<(String, Vec<u8>)>, StoreError> {
        if let Some(range) = self.files.pack_of(version) {
            return self.archived(range, version).map(Some);
        }
        let path = self.files.log_file(version);
        match disk::read_all(self.files.disk.as_ref(), &path) {
            Ok(bytes) => Ok(Some((path.display().to_string(), bytes))),
            // It may have been moved in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.files.pack_of(version).map(|range| self.archived(range, version)).transpose()
            }
            Err(error) => Err(StoreError::io("read", &path, error)),
        }
    }

    fn archived(&mut self, range: (u64, u64), version: u64) -> Result<(String, Vec<u8>), StoreError> {
        let open = self.pack.take().filter(|(open, _)| *open == range);
        let pack = match open {
            Some((_, pack)) => pack,
            None => self.files.open_pack(range)?,
        };
        let (_, pack) = self.pack.insert((range, pack));
        let name = format!("{}, log version {version}", pack.path().display());
        let bytes = pack.version(version)?.map(<[u8]>::to_vec);
        Ok((name, bytes.ok_or_else(|| self.files.gone(version))?))
    }
}
