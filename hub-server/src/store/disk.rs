//! The port to the disk: few calls, each of which says what is durable after it.
//!
//! "Durable" means: still there after the power was cut. Bytes are durable after `DiskFile::sync`;
//! names (created, linked, removed) are durable after `Disk::sync_dir` of their folder.

mod local;
mod roomy;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

pub(crate) use local::LocalDisk;

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DirEntry {
    pub(crate) name: String,
    pub(crate) is_dir: bool,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileInfo {
    pub(crate) bytes: u64,
    pub(crate) modified: DateTime<Utc>,
}

/// Held as long as the folder belongs to this process.
pub(crate) trait DiskLock: Send + Sync + std::fmt::Debug {}

/// A file that is open for appending.
pub(crate) trait DiskFile: Send + std::fmt::Debug {
    /// Appends all bytes; nothing of them is durable yet, a prefix may survive.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// All appended bytes are durable (the file's name is not: see [`Disk::sync_dir`]).
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is open for reading at any place.
pub(crate) trait ReadAt: Send + Sync + std::fmt::Debug {
    fn bytes(&self) -> io::Result<u64>;
    /// Reads up to `buffer.len()` bytes from `offset` on; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Fills the whole buffer or fails with `UnexpectedEof`.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(offset + done as u64, &mut buffer[done..])? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends early")),
                n => done += n,
            }
        }
        Ok(())
    }
}

/// A place for files. `LocalDisk` is the real one; `SimDisk` (tests) forgets what was not synced.
/// All calls block.
pub(crate) trait Disk: Send + Sync + std::fmt::Debug {
    /// Makes a folder and its parents; all of them are durable after it. No error when it is there.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// As `make_dir` for a folder of secrets: only the owner may enter (0700).
    fn make_private_dir(&self, path: &Path) -> io::Result<()>;
    /// Creates a new file, `AlreadyExists` when the name is taken; nothing is durable.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// As `create`, readable by the owner alone (0600).
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to append at its end.
    fn append_to(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// As `create`, for records that are synced one by one: the file has room behind what was appended, so
    /// that a sync seldom has to make its length durable. Readers see zeros there; after a power loss any part of what
    /// was not synced may be zeros too. A file that is closed in order has no room.
    fn create_roomy(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to append at its end, as `create_roomy` does.
    fn append_roomy(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>>;
    fn info(&self, path: &Path) -> io::Result<FileInfo>;
    /// Names in a folder, ascending.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;
    /// Gives a file a second name; `AlreadyExists` when that is taken. Durable after `sync_dir`.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name in the same folder; `AlreadyExists` when that is taken. Durable after
    /// `sync_dir`; until then one of the two names is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file another name in the same folder, in place of the file that has it. Durable after
    /// `sync_dir`; until then either of the two files has the name.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name. Durable after `sync_dir`; until then it may come back.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Cuts a file to `bytes`; durable when it returns.
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()>;
    /// All changes of names in this folder are durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the exclusive lock on a file (made if it lacks); `WouldBlock` when another has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// Reads a whole small file.
pub(crate) fn read_all(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let bytes = usize::try_from(file.bytes()?).map_err(io::Error::other)?;
    let mut buffer = vec![0; bytes];
    file.read_exact_at(0, &mut buffer)?;
    Ok(buffer)
}

/// Whether nothing but room stands from `at` to the end of a file: zeros, or nothing at all.
pub(crate) fn is_room(file: &dyn ReadAt, mut at: u64) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read_at(at, &mut buffer)? {
            0 => return Ok(true),
            read if buffer[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            read => at += read as u64,
        }
    }
}

/// Whether a file of this name exists.
#[cfg(test)]
pub(crate) fn exists(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    match disk.info(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts a whole file under a name: temporary file, sync, rename, sync of the folder. Either all of it is
/// there or nothing, and it is durable when this returns. `AlreadyExists` when the name is taken; after
/// any other error the outcome is unknown.
pub(crate) fn publish(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    name_whole(disk, path, bytes, |file| file.sync(), Disk::rename)?;
    disk.sync_dir(path.parent().unwrap_or(path))
}

/// As `publish`, in place of the file that has the name: readers find the old one or the new one, whole.
pub(crate) fn supersede(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    name_whole(disk, path, bytes, |file| file.sync(), Disk::replace)?;
    disk.sync_dir(path.parent().unwrap_or(path))
}

/// As `publish`, for bytes that are durable elsewhere: readers find all of it or nothing, a power loss may
/// leave any part of it.
pub(crate) fn place(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    name_whole(disk, path, bytes, |_| Ok(()), Disk::rename)
}

fn name_whole<'d>(
    disk: &'d dyn Disk,
    path: &Path,
    bytes: &[u8],
    sync: impl FnOnce(&mut dyn DiskFile) -> io::Result<()>,
    name: impl FnOnce(&'d dyn Disk, &Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let mut file = disk.create(&temporary)?;
    let written = file.append(bytes).and_then(|()| sync(file.as_mut()));
    drop(file);
    if let Err(error) = written.and_then(|()| name(disk, &temporary, path)) {
        // A temporary file that stays is swept at the next start.
        let _swept_later = disk.remove(&temporary);
        return Err(error);
    }
    Ok(())
}

/// Ending of files that are not yet under their name; swept at start.
pub(crate) const TEMPORARY: &str = ".tmp";

/// A name beside a path under which a file is written before it gets its own.
pub(crate) fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file needs a folder and a name"));
    };
    Ok(dir.join(format!(".{name}.{}{TEMPORARY}", uuid::Uuid::new_v4().simple())))
}

/// Removes temporary files that an earlier run left in a folder.
pub(crate) fn sweep_temporary(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    for entry in disk.list(dir)? {
        if !entry.is_dir && entry.name.ends_with(TEMPORARY) {
            disk.remove(&dir.join(entry.name))?;
        }
    }
    Ok(())
}
