//! Reading a payload back, piece by piece.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::payload::Piece;
use crate::store::disk::{Disk, ReadAt};
use crate::store::{StoreError, hex};

#[derive(Debug)]
pub(super) struct PieceReader {
    disk: Arc<dyn Disk>,
    pieces: std::vec::IntoIter<Piece>,
    now: Option<Open>,
}

#[derive(Debug)]
enum Open {
    Stored { file: Box<dyn ReadAt>, at: u64, left: u64 },
    Memory(io::Cursor<bytes::Bytes>),
}

impl PieceReader {
    pub(super) fn new(disk: Arc<dyn Disk>, pieces: Vec<Piece>) -> Self {
        Self { disk, pieces: pieces.into_iter(), now: None }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.now {
                Some(Open::Stored { file, at, left }) if *left > 0 => {
                    let wanted = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let read = file.read_at(*at, &mut buffer[..wanted])?;
                    if read == 0 {
                        return Err(io::Error::new(
                            io::ErrorKind::UnexpectedEof,
                            "a payload's file ends early",
                        ));
                    }
                    *at += read as u64;
                    *left -= read as u64;
                    return Ok(read);
                }
                Some(Open::Memory(cursor)) => {
                    let read = cursor.read(buffer)?;
                    if read > 0 {
                        return Ok(read);
                    }
                }
                _ => {}
            }
            self.now = match self.pieces.next() {
                None => return Ok(0),
                Some(Piece::Memory(bytes)) => Some(Open::Memory(io::Cursor::new(bytes))),
                Some(Piece::Stored { path, at, bytes }) => {
                    Some(Open::Stored { file: self.disk.open(&path)?, at, left: bytes })
                }
            };
        }
    }
}

/// A piece in memory; only for the pieces of small payloads.
pub(super) fn load(disk: &dyn Disk, piece: &Piece) -> io::Result<Vec<u8>> {
    match piece {
        Piece::Memory(bytes) => Ok(bytes.to_vec()),
        Piece::Stored { path, at, bytes } => {
            let mut buffer = vec![0; usize::try_from(*bytes).map_err(io::Error::other)?];
            disk.open(path)?.read_exact_at(*at, &mut buffer)?;
            Ok(buffer)
        }
    }
}

/// SHA-256 of a whole file.
pub(super) fn sha256(disk: &dyn Disk, path: &Path) -> Result<String, StoreError> {
    let hash = || {
        let file = disk.open(path)?;
        let (mut hash, mut at, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
        loop {
            match file.read_at(at, &mut buffer)? {
                0 => return Ok(hex(&hash.finalize())),
                read => {
                    hash.update(&buffer[..read]);
                    at += read as u64;
                }
            }
        }
    };
    hash().map_err(|e| StoreError::io("read", path, e))
}
