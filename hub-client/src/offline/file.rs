//! The file that is checked, readable at any place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hub_datasets::check::ReadAt;

/// A file as a payload.
#[derive(Debug)]
pub struct PayloadFile {
    length: u64,
    /// The file and its place; most reads go on where the last one ended.
    open: Mutex<(File, u64)>,
    /// The furthest byte that was read, for who watches.
    read: AtomicU64,
}

impl PayloadFile {
    /// Opens it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { length, open: Mutex::new((file, 0)), read: AtomicU64::new(0) })
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl ReadAt for PayloadFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, at) = &mut *open;
        if *at != offset {
            *at = file.seek(SeekFrom::Start(offset))?;
        }
        let read = file.read(buffer)?;
        *at += read as u64;
        self.read.fetch_max(*at, Ordering::Relaxed);
        Ok(read)
    }
}
