//! The payload as the Parquet library reads it. What goes wrong with the line is kept apart from what is
//! wrong with the file.

use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::check::ReadAt;

/// Bytes of one read of a page's header.
const READ_BYTES: usize = 16 << 10;

/// A payload of known length.
#[derive(Debug, Clone)]
pub(super) struct Place {
    payload: Arc<dyn ReadAt>,
    length: u64,
    broken: Arc<Mutex<Option<io::Error>>>,
}

impl Place {
    pub(super) fn new(payload: Arc<dyn ReadAt>) -> io::Result<Self> {
        let length = payload.bytes()?;
        Ok(Self { payload, length, broken: Arc::default() })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Why the last read failed, if it was not the payload's fault.
    pub(super) fn broken(&self) -> Option<io::Error> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Exactly `length` bytes from a place on.
    pub(super) fn read(&self, at: u64, length: usize) -> std::result::Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.rest(at).take(length as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if read < length {
            return Err(format!("it ends at byte {} of {}", at + read as u64, at + length as u64));
        }
        Ok(bytes)
    }

    fn rest(&self, at: u64) -> Rest {
        Rest { place: self.clone(), at }
    }
}

/// The bytes of a payload from one place on.
#[derive(Debug)]
pub(super) struct Rest {
    place: Place,
    at: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.place.payload.read_at(self.at, buffer) {
            Ok(read) => {
                self.at += read as u64;
                Ok(read)
            }
            Err(error) => {
                let said = io::Error::new(error.kind(), error.to_string());
                *self.place.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(said)
            }
        }
    }
}

impl Length for Place {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Place {
    type T = BufReader<Rest>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::with_capacity(READ_BYTES, self.rest(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.read(start, length).map(Bytes::from).map_err(ParquetError::General)
    }
}
