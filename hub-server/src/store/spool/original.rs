//! Bytes on their way back to who sent them: compared whole first, then read piece by piece.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::payload::Piece;
use crate::store::disk::{Disk, ReadAt};
use crate::store::{StoreError, hex};

/// Bytes of one read while they are compared.
const READ_BYTES: usize = 1 << 18;

/// A payload that is the one that was sent. Its files are open, so that it stays readable wherever they go.
#[derive(Debug)]
pub(crate) struct Original {
    parts: Vec<Part>,
    path: PathBuf,
}

#[derive(Debug)]
enum Part {
    Stored { file: Box<dyn ReadAt>, at: u64, bytes: u64 },
    Memory(Bytes),
}

impl Original {
    /// Opens it and reads all of it once; what is not the committed bytes is named. Blocking.
    pub(super) fn compared(
        disk: &dyn Disk,
        pieces: Vec<Piece>,
        (id, size, sha256): (&str, u64, &str),
    ) -> Result<Self, StoreError> {
        let original = Self::open(disk, pieces)?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; READ_BYTES]);
        loop {
            match original.read_at(bytes, &mut buffer)? {
                0 => break,
                read => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
        if (bytes, hex(&hash.finalize()).as_str()) == (size, sha256) {
            return Ok(original);
        }
        let message =
            format!("the payload of submission {id} in it is not the one that was sent (SHA-256 {sha256})");
        Err(StoreError::Rotten { file: original.path.display().to_string(), message })
    }

    fn open(disk: &dyn Disk, pieces: Vec<Piece>) -> Result<Self, StoreError> {
        let mut path = PathBuf::new();
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            parts.push(match piece {
                Piece::Memory(bytes) => Part::Memory(bytes),
                Piece::Stored { path: of_piece, at, bytes } => {
                    let file = disk.open(&of_piece).map_err(|e| StoreError::io("open", &of_piece, e))?;
                    path.clone_from(&of_piece);
                    Part::Stored { file, at, bytes }
                }
            });
        }
        Ok(Self { parts, path })
    }

    /// Length of the whole.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(Part::bytes).sum()
    }

    /// Reads up to a buffer's length from an offset on; 0 at the end. Blocking.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let mut before = 0;
        for part in &self.parts {
            let within = offset - before;
            let bytes = part.bytes();
            if within < bytes {
                return part.read_at(within, buffer).map_err(|e| StoreError::io("read", &self.path, e));
            }
            before += bytes;
        }
        Ok(0)
    }

    /// Fills a buffer from an offset on. Blocking.
    pub(crate) fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(offset + done as u64, &mut buffer[done..])? {
                0 => return Err(early_end(&self.path)),
                read => done += read,
            }
        }
        Ok(())
    }
}

impl Part {
    fn bytes(&self) -> u64 {
        match self {
            Self::Stored { bytes, .. } => *bytes,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    fn read_at(&self, within: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes() - within).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        match self {
            Self::Stored { file, at, .. } => file.read_at(at + within, &mut buffer[..wanted]),
            Self::Memory(bytes) => {
                // `within` is less than a usize here.
                let from = usize::try_from(within).map_err(io::Error::other)?;
                buffer[..wanted].copy_from_slice(&bytes[from..from + wanted]);
                Ok(wanted)
            }
        }
    }
}

fn early_end(path: &Path) -> StoreError {
    StoreError::io("read", path, io::Error::new(io::ErrorKind::UnexpectedEof, "a payload's file ends early"))
}

/// True when a file went to its lasting place between two looks.
pub(super) fn moved(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
