//! A data file as it is read: each block is compared with its sum before a byte of it is given away.

#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::StoreError;
use super::blocks::{self, BLOCK_BYTES};
use super::disk::{Disk, ReadAt};
use super::index::DataFile;

/// An open data file. Blocking.
#[derive(Debug)]
pub(crate) struct CheckedFile {
    path: PathBuf,
    data: Box<dyn ReadAt>,
    file: Arc<DataFile>,
}

impl CheckedFile {
    pub(super) fn open(disk: &dyn Disk, path: PathBuf, file: &Arc<DataFile>) -> Result<Self, StoreError> {
        match disk.open(&path) {
            Ok(data) => Ok(Self { path, data, file: Arc::clone(file) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::rotten(&path, "the file is gone".to_owned()))
            }
            Err(error) => Err(StoreError::io("open", &path, error)),
        }
    }

    /// Length as the log names it.
    pub(crate) fn len(&self) -> u64 {
        self.file.bytes
    }

    /// The bytes of a range, which must lie in the file.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let outside = || {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "a read beyond the end of the file");
            StoreError::io("read", &self.path, source)
        };
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= self.file.bytes);
        let length = length.and_then(|length| usize::try_from(length).ok()).ok_or_else(outside)?;
        let mut buffer = vec![0; length];
        self.fill(range.start, &mut buffer)?;
        Ok(buffer)
    }

    /// Fills the buffer from an offset on, block by block.
    fn fill(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), StoreError> {
        while !buffer.is_empty() {
            let number = usize::try_from(offset / BLOCK_BYTES).unwrap_or(usize::MAX);
            let block = blocks::range(number, self.file.bytes);
            let wanted = usize::try_from(block.end.saturating_sub(offset)).unwrap_or(usize::MAX);
            let (now, later) = buffer.split_at_mut(wanted.min(buffer.len()));
            self.part_of(number, &block, offset, now)?;
            offset += now.len() as u64;
            buffer = later;
        }
        Ok(())
    }

    fn part_of(
        &self,
        number: usize,
        block: &Range<u64>,
        offset: u64,
        part: &mut [u8],
    ) -> Result<(), StoreError> {
        if self.file.blocks.is_whole(number) {
            return self.load(offset, part);
        }
        let length = usize::try_from(block.end - block.start).unwrap_or(usize::MAX);
        if part.len() == length {
            self.load(block.start, part)?;
            return self.compare(number, block, part);
        }
        let mut whole = vec![0; length];
        self.load(block.start, &mut whole)?;
        self.compare(number, block, &whole)?;
        let from = usize::try_from(offset - block.start).unwrap_or(usize::MAX);
        part.copy_from_slice(&whole[from..from + part.len()]);
        Ok(())
    }

    fn load(&self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.data.read_exact_at(offset, buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                StoreError::rotten(&self.path, format!("it is shorter than {} bytes", self.file.bytes))
            }
            _ => StoreError::io("read", &self.path, error),
        })
    }

    fn compare(&self, number: usize, block: &Range<u64>, bytes: &[u8]) -> Result<(), StoreError> {
        if self.file.blocks.compare(number, bytes) {
            return Ok(());
        }
        let (first, last) = (block.start, block.end.saturating_sub(1));
        let message = format!("bytes {first} to {last} are not those that were committed");
        Err(StoreError::rotten(&self.path, message))
    }
}

impl ReadAt for CheckedFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.bytes)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let read = buffer.len().min(left);
        self.fill(offset, &mut buffer[..read]).map_err(io::Error::other)?;
        Ok(read)
    }
}
