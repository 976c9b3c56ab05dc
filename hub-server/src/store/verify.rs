//! Looking at a data folder that no server uses: everything in it is read and compared with what the log
//! says, nothing is changed.

mod files;
mod log;
#[cfg(test)]
mod tests;
mod vacuum;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskLock};
use super::journal::{self, Held};
use super::spool::{self, Payloads};
use super::{StoreError, folder, registry};

pub(crate) use files::{Work, on_all_cores};
pub(crate) use vacuum::Gone;

/// What a verification tells while it works.
#[derive(Debug)]
pub(crate) enum Finding {
    /// It comes to another part of the folder.
    Part(String),
    /// A log version was read.
    Version,
    /// A file was read.
    File {
        bytes: u64,
    },
    /// What an operator should know although it is no damage.
    Note(String),
    Fault(Fault),
}

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) file: String,
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: &'static str,
}

/// Where findings go, from several threads.
pub(crate) type Tell<'a> = &'a (dyn Fn(Finding) + Sync);

/// What helps when an erasure was cut off.
pub(crate) const ERASE_AGAIN: &str = "run the same `hub-server erase` again, which ends it";

/// What helps against rot of a file that no other one can be made from.
pub(crate) const RESTORE: &str = "restore it from a backup";

/// What helps against rot of a registered pattern.
const REGISTER: &str = "restore it from a backup; or remove the file, run `hub-server pattern register` on the same folder as before";

impl Fault {
    pub(crate) fn of(file: &Path, message: String, advice: &'static str) -> Self {
        Self { file: file.display().to_string(), message, advice }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let (file, message) = match error {
            StoreError::LogCorrupt { file, line, message } => (file, format!("line {line}: {message}")),
            StoreError::Corrupt { file, message } | StoreError::Rotten { file, message } => (file, message),
            StoreError::Io { deed, path, source } => (path, format!("could not {deed} it: {source}")),
            other => (String::new(), other.to_string()),
        };
        Self { file, message, advice: RESTORE }
    }
}

/// A data folder under its lock.
#[derive(Debug)]
pub(crate) struct Inspection {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// What the next start takes from the journal.
    held: Held,
    _lock: Box<dyn DiskLock>,
}

impl Inspection {
    /// Locks the folder; reads its format and its journal. An error: there is no folder, a server uses it, or
    /// a newer one wrote it. Blocking.
    pub(crate) fn open(disk: Arc<dyn Disk>, root: PathBuf, tell: Tell<'_>) -> Result<Self, StoreError> {
        // Locking would make a folder that is not there.
        disk.list(&root).map_err(|e| StoreError::io("read", &root, e))?;
        let lock = folder::lock(disk.as_ref(), &root)?;
        tell(Finding::Part("format and journal".to_owned()));
        match folder::look(disk.as_ref(), &root) {
            Ok(_) => {}
            Err(newer @ StoreError::FormatNewer { .. }) => {
                let message = newer.to_string();
                tell(Finding::Fault(Fault::of(&root.join("format.json"), message, "or restore the file")));
                return Err(newer);
            }
            Err(error) => tell(Finding::Fault(error.into())),
        }
        let held = journal::look(disk.as_ref(), &root, tell)?;
        Ok(Self { disk, root, held, _lock: lock })
    }

    /// Names of the tables, `rb28s_v1`.
    pub(crate) fn tables(&self) -> Result<Vec<String>, StoreError> {
        let dir = self.root.join("tables");
        let entries = self.disk.list(&dir).map_err(|e| StoreError::io("list", &dir, e))?;
        Ok(entries.into_iter().filter(|entry| entry.is_dir).map(|entry| entry.name).collect())
    }

    /// Compares the patterns that were registered with their sums.
    pub(crate) fn patterns(&self, tell: Tell<'_>) -> Result<(), StoreError> {
        for registry::Registered { packed, .. } in registry::all(self.disk.as_ref(), &self.root)? {
            match packed {
                Ok(packed) => tell(Finding::File { bytes: packed.len() as u64 }),
                Err(error) => tell(Finding::Fault(Fault { advice: REGISTER, ..error.into() })),
            }
        }
        Ok(())
    }

    /// Payloads that the spool holds.
    pub(crate) fn payloads(&self, tell: Tell<'_>) -> Result<Payloads, StoreError> {
        spool::payloads(self.disk.as_ref(), &self.root, tell)
    }

    /// Path of the evidence of a SHA-256 (hex).
    pub(crate) fn evidence_path(&self, sha256: &str) -> PathBuf {
        let folder = sha256.get(..2).unwrap_or(sha256);
        self.root.join("evidence").join(folder).join(sha256)
    }

    /// True when there is a file of this path.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.disk.info(path).is_ok()
    }

    /// All files of the evidence.
    pub(crate) fn evidence(&self, each: &mut dyn FnMut(Work)) -> Result<(), StoreError> {
        let root = self.root.join("evidence");
        for folder in self.list_or_nothing(&root)?.into_iter().filter(|entry| entry.is_dir) {
            let folder = root.join(folder.name);
            for file in self.list_or_nothing(&folder)? {
                each(Work::Evidence(folder.join(file.name)));
            }
        }
        Ok(())
    }

    fn list_or_nothing(&self, dir: &Path) -> Result<Vec<super::disk::DirEntry>, StoreError> {
        match self.disk.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|e| StoreError::io("list", dir, e)),
        }
    }
}
