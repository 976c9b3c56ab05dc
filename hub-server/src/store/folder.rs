//! The data folder itself: lock, format, secrets.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{self, Disk, DiskLock};
use super::{StoreError, hex};

/// The folder format that this server writes and reads. Before 2 nothing in a folder carried sums.
const FORMAT: u64 = 2;

/// `format.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Format {
    format: u64,
    pub(super) epoch: String,
    created: String,
    /// Of all of it, written without this field; a digit that rots would still parse.
    #[serde(default)]
    sha256: String,
}

impl Format {
    fn sum(&self) -> Result<String, serde_json::Error> {
        let bytes = serde_json::to_vec(&Self { sha256: String::new(), ..self.clone() })?;
        Ok(hex(&Sha256::digest(bytes)))
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
    for name in ["spool", "evidence", "tables"] {
        let dir = root.join(name);
        disk.make_dir(&dir).map_err(|e| StoreError::io("make the folder", &dir, e))?;
    }
    let keys = root.join("keys");
    disk.make_private_dir(&keys).map_err(|e| StoreError::io("make the folder", &keys, e))?;
    disk::sweep_temporary(disk, root).map_err(|e| StoreError::io("sweep", root, e))?;
    disk::sweep_temporary(disk, &keys).map_err(|e| StoreError::io("sweep", &keys, e))?;
    super::registry::sweep(disk, root).map_err(|e| StoreError::io("sweep", &root.join("patterns"), e))?;
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
    if found < FORMAT {
        let message =
            format!("folder format {found} has no sums to compare bytes with; this server knows {FORMAT}");
        return Err(StoreError::Corrupt { file: path.display().to_string(), message });
    }
    let format: Format = serde_json::from_slice(bytes).map_err(corrupt)?;
    if format.sum().map_err(corrupt)? != format.sha256 {
        let message = "its bytes are not those that were written: their SHA-256 is another".into();
        return Err(StoreError::Corrupt { file: path.display().to_string(), message });
    }
    Ok(format)
}

/// Reads the format of a folder and leaves it as it is.
pub(super) fn look(disk: &dyn Disk, root: &Path) -> Result<Format, StoreError> {
    let path = root.join("format.json");
    match disk::read_all(disk, &path) {
        Ok(bytes) => read_format(root, &path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::Corrupt { file: path.display().to_string(), message: "the file is gone".into() })
        }
        Err(error) => Err(StoreError::io("read", &path, error)),
    }
}

fn make_format(disk: &dyn Disk, root: &Path, path: &Path, now: DateTime<Utc>) -> Result<Format, StoreError> {
    let tables = root.join("tables");
    if disk.list(&tables).is_ok_and(|entries| !entries.is_empty()) {
        let message = "lacks, though the folder holds tables".into();
        return Err(StoreError::Corrupt { file: path.display().to_string(), message });
    }
    let epoch = uuid::Uuid::new_v4().to_string();
    let corrupt = |e: serde_json::Error| StoreError::Corrupt {
        file: path.display().to_string(),
        message: e.to_string(),
    };
    let mut format = Format { format: FORMAT, epoch, created: now.to_rfc3339(), sha256: String::new() };
    format.sha256 = format.sum().map_err(corrupt)?;
    let bytes = serde_json::to_vec(&format).map_err(corrupt)?;
    disk::publish(disk, path, &bytes).map_err(|e| StoreError::io("write", path, e))?;
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

pub(super) fn write_secret(disk: &dyn Disk, dir: &Path, path: &Path, drawn: &[u8; 32]) -> io::Result<()> {
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

pub(super) fn read_secret(disk: &dyn Disk, path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    match disk::read_all(disk, path) {
        Ok(bytes) => bytes.try_into().map(Some).map_err(|_| StoreError::Corrupt {
            file: path.display().to_string(),
            message: "is not a key of 32 bytes".into(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}
