//! Where the bytes of a Parquet file go: a buffer, then the file; hashed on the way. A small file is
//! written with one call.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::limits::DATA_FILE_BUFFER_BYTES;
use crate::store::blocks::{Summed, Summing};
use crate::store::disk::{Disk, DiskFile};

#[derive(Debug)]
pub(in crate::store) struct Sink {
    /// None: the bytes stay in the buffer.
    place: Option<Place>,
    buffer: Vec<u8>,
    summing: Summing,
    fault: Option<io::Error>,
}

#[derive(Debug)]
struct Place {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Made when the first bytes leave the buffer.
    file: Option<Box<dyn DiskFile>>,
}

impl Place {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.disk.create(&self.path)?),
        };
        file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.sync()?;
        }
        self.disk.sync_dir(self.path.parent().unwrap_or(&self.path))
    }
}

impl Sink {
    pub(in crate::store) fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { place: Some(Place { disk, path, file: None }), ..Self::held() }
    }

    /// A sink that keeps all bytes in memory.
    pub(in crate::store) fn held() -> Self {
        Self { place: None, buffer: Vec::new(), summing: Summing::default(), fault: None }
    }

    fn pour(&mut self) -> io::Result<()> {
        let Some(place) = &mut self.place else { return Ok(()) };
        place.append(&self.buffer)?;
        self.summing.update(&self.buffer);
        self.buffer.clear();
        Ok(())
    }

    /// All bytes and the name are durable; gives what is known of them.
    pub(in crate::store) fn finish(&mut self) -> io::Result<Summed> {
        self.pour()?;
        if let Some(place) = &mut self.place {
            place.sync()?;
        }
        Ok(std::mem::take(&mut self.summing).finish())
    }

    /// The bytes that were held, and what is known of them.
    pub(in crate::store) fn take_held(&mut self) -> (Vec<u8>, Summed) {
        let bytes = std::mem::take(&mut self.buffer);
        self.summing.update(&bytes);
        (bytes, std::mem::take(&mut self.summing).finish())
    }

    /// Removes the file; one that stays is swept at the next start, because no log names it.
    pub(in crate::store) fn remove(&mut self) {
        self.buffer = Vec::new();
        if let Some(place) = &mut self.place {
            place.file = None;
            let _swept_later = place.disk.remove(&place.path);
        }
    }

    /// The disk's own error, which the encoder wraps beyond recognition.
    pub(in crate::store) fn take_fault(&mut self) -> Option<io::Error> {
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
