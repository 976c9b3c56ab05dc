//! Where the bytes of a data file go: a buffer, then the file; hashed on the way. A small file is
//! written with one call.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::limits::DATA_FILE_BUFFER_BYTES;
use crate::store::disk::{Disk, DiskFile};
use crate::store::hex;

#[derive(Debug)]
pub(super) struct Sink {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
    /// Made when the first bytes leave the buffer.
    file: Option<Box<dyn DiskFile>>,
    fault: Option<io::Error>,
}

impl Sink {
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, buffer: Vec::new(), hash: Sha256::new(), bytes: 0, file: None, fault: None }
    }

    fn pour(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.disk.create(&self.path)?);
        }
        if let Some(file) = &mut self.file {
            file.append(&self.buffer)?;
        }
        self.hash.update(&self.buffer);
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// All bytes and the name are durable; gives length and SHA-256.
    pub(super) fn finish(&mut self) -> io::Result<(u64, String)> {
        self.pour()?;
        if let Some(mut file) = self.file.take() {
            file.sync()?;
        }
        if let Some(folder) = self.path.parent() {
            self.disk.sync_dir(folder)?;
        }
        Ok((self.bytes, hex(&self.hash.finalize_reset())))
    }

    /// Removes the file; one that stays is swept at the next start, because no log names it.
    pub(super) fn remove(&mut self) {
        self.file = None;
        self.buffer = Vec::new();
        let _swept_later = self.disk.remove(&self.path);
    }

    /// The disk's own error, which the encoder wraps beyond recognition.
    pub(super) fn take_fault(&mut self) -> Option<io::Error> {
        self.fault.take()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= DATA_FILE_BUFFER_BYTES
            && let Err(error) = self.pour()
        {
            let told = io::Error::new(error.kind(), error.to_string());
            self.fault = Some(error);
            return Err(told);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        // The encoder flushes after each row group; the buffer decides for itself.
        Ok(())
    }
}
