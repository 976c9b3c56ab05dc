//! How far vacuums of a table came, in a file beside its archive. It is durable before a file goes, so that
//! whoever misses one knows why.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::disk::{self, Disk};
use crate::store::{StoreError, hex};

/// Up to which log versions files that left are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Horizon {
    /// Inputs of merges up to this one, whose rows are read from what came of them.
    pub(crate) merged: u64,
    /// Everything that left up to this one: no earlier state can be read.
    pub(crate) expired: u64,
}

impl Horizon {
    /// Is a file gone that left at a log version? `merged`: that of the merge which holds its rows.
    pub(crate) fn takes(self, left: u64, merged: Option<u64>) -> bool {
        left <= self.expired || (left <= self.merged && merged == Some(left))
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    gone: Horizon,
    /// Of `gone` as JSON; a digit that rots would still parse.
    sha256: String,
}

fn sum(gone: Horizon) -> serde_json::Result<String> {
    Ok(hex(&Sha256::digest(serde_json::to_vec(&gone)?)))
}

/// Path of the file in a table's folder.
fn path(folder: &Path) -> PathBuf {
    folder.join(super::HUB).join("vacuum.json")
}

/// Blocking.
pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<Horizon, StoreError> {
    let path = path(folder);
    let bytes = match disk::read_all(disk, &path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Horizon::default()),
        read => read.map_err(|e| StoreError::io("read", &path, e))?,
    };
    let corrupt = |message: String| StoreError::Corrupt { file: path.display().to_string(), message };
    let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|e| corrupt(e.to_string()))?;
    match sum(sealed.gone) {
        Ok(sum) if sum == sealed.sha256 => Ok(sealed.gone),
        _ => Err(corrupt("its bytes are not those that were written: their SHA-256 is another".to_owned())),
    }
}

/// Durable when it returns. Blocking.
pub(super) fn write(disk: &dyn Disk, folder: &Path, gone: Horizon) -> Result<(), StoreError> {
    let path = path(folder);
    let sealed = sum(gone).and_then(|sha256| serde_json::to_vec(&Sealed { gone, sha256 }));
    let bytes = sealed.map_err(|e| StoreError::encode(&path.display().to_string(), &e))?;
    disk::supersede(disk, &path, &bytes).map_err(|e| StoreError::io("write", &path, e))
}
