//! A data file as the Parquet reader wants it.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::store::checked::CheckedFile;
use crate::store::disk::ReadAt;

/// An open data file; what is read of it is compared first.
#[derive(Debug, Clone)]
pub(crate) struct DataChunks {
    data: Arc<CheckedFile>,
}

impl From<CheckedFile> for DataChunks {
    fn from(data: CheckedFile) -> Self {
        Self { data: Arc::new(data) }
    }
}

impl Length for DataChunks {
    fn len(&self) -> u64 {
        self.data.len()
    }
}

impl ChunkReader for DataChunks {
    type T = BufReader<DataStream>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(DataStream { data: Arc::clone(&self.data), at: start }))
    }
    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.data.read(start..start.saturating_add(length as u64));
        bytes.map(Bytes::from).map_err(|error| ParquetError::External(error.into()))
    }
}

/// A data file read on from a place.
#[derive(Debug)]
pub(crate) struct DataStream {
    data: Arc<CheckedFile>,
    at: u64,
}

impl Read for DataStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}
