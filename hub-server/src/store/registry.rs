//! Patterns that were registered with this hub, in `<root>/patterns/`: `rb28s-1.1.0.pattern` each, which begins with the
//! sum of what follows. Such a file is written once, whole, and never changed.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::disk::{self, Disk};
use super::{StoreError, hex};

const FOLDER: &str = "patterns";
const ENDING: &str = ".pattern";
const MAGIC: &str = "hub-pattern/1 ";
/// Bytes of a file; a packed folder is shorter than the folder's own bound.
const FILE_BYTES: u64 = 24 << 20;

/// A pattern that was registered.
#[derive(Debug)]
pub(crate) struct Registered {
    /// `rb28s-1.1.0`
    pub(crate) name: String,
    /// Its packed folder, or what is wrong with the file.
    pub(crate) packed: Result<Vec<u8>, StoreError>,
}

/// Registers a pattern; it is durable when this returns. Blocking.
pub(super) fn register(disk: &dyn Disk, root: &Path, name: &str, packed: &[u8]) -> Result<(), StoreError> {
    let folder = root.join(FOLDER);
    disk.make_dir(&folder).map_err(|error| StoreError::io("make the folder", &folder, error))?;
    let path = folder.join(format!("{name}{ENDING}"));
    let mut bytes = format!("{MAGIC}{}\n", hex(&Sha256::digest(packed))).into_bytes();
    bytes.extend_from_slice(packed);
    disk::publish(disk, &path, &bytes).map_err(|error| StoreError::io("write", &path, error))
}

/// All that were registered, by name; a damaged one is named and keeps none of the others. Blocking.
pub(super) fn all(disk: &dyn Disk, root: &Path) -> Result<Vec<Registered>, StoreError> {
    let folder = root.join(FOLDER);
    let entries = match disk.list(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", &folder, error)),
    };
    let names = entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.name);
    let names = names.filter_map(|name| Some(name.strip_suffix(ENDING)?.to_owned()));
    let registered = names.filter(|name| !name.starts_with('.')).map(|name| {
        let packed = read(disk, &folder.join(format!("{name}{ENDING}")));
        Registered { name, packed }
    });
    Ok(registered.collect())
}

/// Removes what a registration that was cut left behind.
pub(super) fn sweep(disk: &dyn Disk, root: &Path) -> io::Result<()> {
    match disk::sweep_temporary(disk, &root.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        swept => swept,
    }
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, StoreError> {
    let fault = |error| StoreError::io("read", path, error);
    let corrupt =
        |message: &str| StoreError::Corrupt { file: path.display().to_string(), message: message.to_owned() };
    if disk.info(path).map_err(fault)?.bytes > FILE_BYTES {
        return Err(corrupt("is longer than any registered pattern"));
    }
    let mut bytes = disk::read_all(disk, path).map_err(fault)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let packed = bytes.split_off((end + 1).min(bytes.len()));
    let sum = std::str::from_utf8(&bytes).ok().and_then(|line| line.strip_prefix(MAGIC));
    match sum.map(str::trim_end) {
        Some(sum) if sum == hex(&Sha256::digest(&packed)) => Ok(packed),
        _ => Err(corrupt("its bytes are not those that were registered: their SHA-256 is another")),
    }
}

#[cfg(test)]
mod tests;
