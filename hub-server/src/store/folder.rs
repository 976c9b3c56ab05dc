//! The data folder itself: lock, format, secrets.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use rand::RngCore;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::disk::{self, Disk, DiskLock};

/// The folder format that this server writes, and the newest that it reads. Before 2 a table's log had neither
/// checkpoints nor an archive; such a folder is taken up as it is.
const FORMAT: u64 = 2;

/// `format.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Format {
    format: u64,
    pub(super) epoch: String,
    created: String,
}

impl Format {
    fn bytes(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        let corrupt = |e: serde_json::Error| StoreError::Corrupt {
            file: path.display().to_string(),
            message: e.to_string(),
        };
        serde_json::to_vec(self).map_err(corrupt)
    }
}

/// Only the version, so that a newer format is recognised whatever else it holds.
#[derive(Deserialize)]
struct FormatVersion {
    format: u64,
}

pub(super) fn lock(disk: &dyn Disk, root: &Path) -> Result<Box<dyn DiskLock>, StoreError> {
    // Reports of whole offices lie in it, also those that nobody but their publisher may read.
    disk.make_private_dir(root).map_err(|e| StoreError::io("make the folder", root, e))?;
    let path = root.join("lock");
    disk.lock(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StoreError::Locked { root: root.display().to_string() },
        _ => StoreError::io("lock", &path, error),
    })
}

/// Reads the folder's format, or makes the folder.
pub(super) fn open(disk: &dyn Disk, root: &Path, now: DateTime<Utc>) -> Result<Format, StoreError> {
    let path = root.join("format.json");
    let format = match disk::read_all(disk, &path) {
        Ok(bytes) => read_format(root, &path, &bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_format(disk, root, &path, now)?,
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    let format = match format.format < FORMAT {
        true => raise_format(disk, &path, format)?,
        false => format,
    };
    for name in ["spool", "evidence", "tables"] {
        let dir = root.join(name);
        disk.make_dir(&dir).map_err(|e| StoreError::io("make the folder", &dir, e))?;
    }
    let keys = root.join("keys");
    disk.make_private_dir(&keys).map_err(|e| StoreError::io("make the folder", &keys, e))?;
    disk::sweep_temporary(disk, root).map_err(|e| StoreError::io("sweep", root, e))?;
    disk::sweep_temporary(disk, &keys).map_err(|e| StoreError::io("sweep", &keys, e))?;
    Ok(format)
}

fn read_format(root: &Path, path: &Path, bytes: &[u8]) -> Result<Format, StoreError> {
    let corrupt = |e: serde_json::Error| StoreError::Corrupt {
        file: path.display().to_string(),
        message: e.to_string(),
    };
    let FormatVersion { format: found } = serde_json::from_slice(bytes).map_err(corrupt)?;
    if found > FORMAT {
        return Err(StoreError::FormatNewer { root: root.display().to_string(), found, known: FORMAT });
    }
    serde_json::from_slice(bytes).map_err(corrupt)
}

fn make_format(disk: &dyn Disk, root: &Path, path: &Path, now: DateTime<Utc>) -> Result<Format, StoreError> {
    let tables = root.join("tables");
    if disk.list(&tables).is_ok_and(|entries| !entries.is_empty()) {
        let message = "lacks, though the folder holds tables".into();
        return Err(StoreError::Corrupt { file: path.display().to_string(), message });
    }
    let epoch = uuid::Uuid::new_v4().to_string();
    let format = Format { format: FORMAT, epoch, created: now.to_rfc3339() };
    disk::publish(disk, path, &format.bytes(path)?).map_err(|e| StoreError::io("write", path, e))?;
    Ok(format)
}

/// From here on an older server refuses the folder instead of missing what it does not know.
fn raise_format(disk: &dyn Disk, path: &Path, older: Format) -> Result<Format, StoreError> {
    let format = Format { format: FORMAT, ..older };
    disk::supersede(disk, path, &format.bytes(path)?).map_err(|e| StoreError::io("write", path, e))?;
    Ok(format)
}

/// Reads a secret or draws it. Two callers at once get the same one: the second finds the name taken.
pub(super) fn secret(disk: &dyn Disk, root: &Path, name: &str) -> Result<[u8; 32], StoreError> {
    let dir = root.join("keys");
    let path = dir.join(name);
    if let Some(found) = read_secret(disk, &path)? {
        return Ok(found);
    }
    let mut drawn = [0_u8; 32];
    rand::rng().fill_bytes(&mut drawn);
    match write_secret(disk, &dir, &path, &drawn) {
        Ok(()) => Ok(drawn),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_secret(disk, &path)?
            .ok_or_else(|| StoreError::io("read", &path, io::ErrorKind::NotFound.into())),
        Err(error) => Err(StoreError::io("write", &path, error)),
    }
}

fn write_secret(disk: &dyn Disk, dir: &Path, path: &Path, drawn: &[u8; 32]) -> io::Result<()> {
    let temporary = dir.join(format!("{}{}", uuid::Uuid::new_v4().simple(), disk::TEMPORARY));
    let mut file = disk.create_private(&temporary)?;
    let named = file.append(drawn).and_then(|()| file.sync()).and_then(|()| disk.rename(&temporary, path));
    if let Err(error) = named {
        // A temporary file that stays is swept at the next start.
        let _swept_later = disk.remove(&temporary);
        return Err(error);
    }
    disk.sync_dir(dir)
}

fn read_secret(disk: &dyn Disk, path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    match disk::read_all(disk, path) {
        Ok(bytes) => bytes.try_into().map(Some).map_err(|_| StoreError::Corrupt {
            file: path.display().to_string(),
            message: "is not a key of 32 bytes".into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}
