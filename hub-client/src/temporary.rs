//! A file that gets its name only when it is whole and durable.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::{ClientError, Deed};

/// A file that is removed unless it takes its final name.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// Beside the file that it is to become.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::other("this is no file name"))?;
        let path = target.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), Uuid::new_v4()));
        Ok(Self { file: File::create_new(&path)?, path })
    }

    /// Under a name that nobody else uses at this time; what an earlier program left there is thrown away.
    pub(crate) fn at(path: PathBuf) -> io::Result<Self> {
        Ok(Self { file: File::create(&path)?, path })
    }

    /// The same file, for a writer that wants one of its own.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)
    }

    /// Throws away what was written.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }

    /// Bytes that were written.
    pub(crate) fn length(&mut self) -> io::Result<u64> {
        self.file.stream_position()
    }

    /// Takes the name; an older file is replaced.
    pub(crate) fn settle(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)
    }
}

/// Writes a file under a temporary name; it takes its own when it is whole and durable. Blocking.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let write = || {
        let mut temporary = Temporary::beside(path)?;
        temporary.write(bytes)?;
        temporary.settle(path)
    };
    write().map_err(|source| ClientError::file(Deed::Write, path, source))
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing under this name; a failed clean-up must not hide the first failure.
        drop(std::fs::remove_file(&self.path));
    }
}
