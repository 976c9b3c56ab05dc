//! Bytes of one submission: in segments and memory while it is small, in a file when it is large.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::inner::{Inner, Submission};
use super::record::Record;
use crate::config::limits::{SPOOL_SMALL_BYTES, SPOOL_UNSYNCED_BYTES};
use crate::store::disk::{Disk, DiskFile};
use crate::store::{StoreError, blocking};

/// A run of a payload's bytes.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Stored { path: Arc<PathBuf>, at: u64, bytes: u64 },
    Memory(Bytes),
}

impl Piece {
    pub(super) fn stored(path: PathBuf, at: u64, bytes: u64) -> Self {
        Self::Stored { path: Arc::new(path), at, bytes }
    }
    /// The piece without its first bytes.
    pub(super) fn without(self, first: u64) -> Self {
        match self {
            Self::Stored { path, at, bytes } => Self::Stored { path, at: at + first, bytes: bytes - first },
            Self::Memory(bytes) => Self::Memory(bytes.slice(usize::try_from(first).unwrap_or(bytes.len())..)),
        }
    }
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Stored { bytes, .. } => *bytes,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }
}

#[derive(Debug)]
pub(super) struct Payload {
    kind: Kind,
    durable: u64,
}

#[derive(Debug)]
enum Kind {
    /// Durable pieces, then bytes that are not durable yet.
    Small { pieces: Vec<Piece>, tail: Vec<u8> },
    /// `file` is None after a fault; then it is opened again, cut to the durable offset.
    Large { path: PathBuf, received: u64, file: Option<Box<dyn DiskFile>> },
}

impl Default for Payload {
    fn default() -> Self {
        Self::in_segments(Vec::new())
    }
}

impl Payload {
    pub(super) fn in_segments(pieces: Vec<Piece>) -> Self {
        let durable = pieces.iter().map(Piece::bytes).sum();
        Self { kind: Kind::Small { pieces, tail: Vec::new() }, durable }
    }
    pub(super) fn in_file(path: PathBuf, durable: u64) -> Self {
        Self { kind: Kind::Large { path, received: durable, file: None }, durable }
    }
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }
    pub(super) fn received(&self) -> u64 {
        match &self.kind {
            Kind::Small { tail, .. } => self.durable + tail.len() as u64,
            Kind::Large { received, .. } => *received,
        }
    }
    /// All bytes received so far.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        match &self.kind {
            Kind::Small { pieces, tail } => {
                let tail = (!tail.is_empty()).then(|| Piece::Memory(Bytes::copy_from_slice(tail)));
                pieces.iter().cloned().chain(tail).collect()
            }
            Kind::Large { path, received, .. } => vec![Piece::stored(path.clone(), 0, *received)],
        }
    }
    pub(super) fn is_in_file(&self) -> bool {
        matches!(self.kind, Kind::Large { .. })
    }
    pub(super) fn file_path(&self) -> Option<PathBuf> {
        match &self.kind {
            Kind::Small { .. } => None,
            Kind::Large { path, .. } => Some(path.clone()),
        }
    }
    /// The file of a large payload, closed for writing.
    pub(super) fn close_file(&mut self) -> Option<PathBuf> {
        match &mut self.kind {
            Kind::Small { .. } => None,
            Kind::Large { path, file, received } => {
                // Opened again it is cut to the durable offset.
                *file = None;
                *received = self.durable;
                Some(path.clone())
            }
        }
    }
    /// Adds a piece that is durable in a segment.
    pub(super) fn push_stored(&mut self, piece: Piece) {
        if let Kind::Small { pieces, tail } = &mut self.kind {
            self.durable += piece.bytes();
            pieces.push(piece);
            tail.clear();
        }
    }
}

/// The open file of a large payload while a blocking task works on it.
struct Work {
    path: PathBuf,
    durable: u64,
    file: Option<Box<dyn DiskFile>>,
}

impl Work {
    fn run(
        &mut self,
        disk: &dyn Disk,
        deed: impl FnOnce(&mut dyn DiskFile) -> std::io::Result<()>,
    ) -> Result<(), StoreError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                // After a fault nobody knows what is in the file past the durable offset.
                let cut = disk.truncate(&self.path, self.durable).and_then(|()| disk.append_to(&self.path));
                cut.map_err(|e| StoreError::io("open again", &self.path, e))?
            }
        };
        deed(file.as_mut()).map_err(|e| StoreError::io("append to", &self.path, e))?;
        self.file = Some(file);
        Ok(())
    }
}

impl Inner {
    /// Takes bytes in, in memory or in the file; makes them durable when too many are not.
    pub(super) async fn receive(
        &self,
        id: &str,
        submission: &Submission,
        offset: u64,
        data: Bytes,
    ) -> Result<u64, StoreError> {
        let (received, durable) = {
            let state = submission.state();
            if state.header.commit.is_some() {
                return Err(StoreError::Ordered { id: id.to_owned() });
            }
            (state.payload.received(), state.payload.durable)
        };
        let Some(known) = received.checked_sub(offset) else {
            return Err(StoreError::OffsetStale { id: id.to_owned(), offset, durable });
        };
        if known >= data.len() as u64 {
            return Ok(received);
        }
        // `known` is less than a usize here.
        let data = data.slice(usize::try_from(known).unwrap_or_default()..);
        let after = received + data.len() as u64;
        let is_small = {
            let mut state = submission.state();
            match &mut state.payload.kind {
                Kind::Small { tail, .. } if after <= SPOOL_SMALL_BYTES => {
                    tail.extend_from_slice(&data);
                    return Ok(after);
                }
                Kind::Small { .. } => true,
                Kind::Large { .. } => false,
            }
        };
        if is_small {
            self.promote(id, submission).await?;
        }
        self.append_to_file(submission, data).await?;
        if after - submission.state().payload.durable > SPOOL_UNSYNCED_BYTES {
            self.flush(id, submission, Vec::new()).await?;
        }
        Ok(after)
    }

    /// Moves a payload that grows too long for the segments into a file of its own, durable.
    async fn promote(&self, id: &str, submission: &Submission) -> Result<(), StoreError> {
        let path = self.dir.join(format!("{id}.{FILE_ENDING}"));
        let (pieces, received) = {
            let state = submission.state();
            (state.payload.pieces(), state.payload.received())
        };
        let (disk, dir, at) = (Arc::clone(&self.disk), self.dir.clone(), path.clone());
        let file = blocking(move || {
            let write = || {
                // An attempt that failed may have left its file.
                match disk.remove(&at) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
                let mut file = disk.create(&at)?;
                for piece in &pieces {
                    file.append(&super::reader::load(disk.as_ref(), piece)?)?;
                }
                file.sync()?;
                disk.sync_dir(&dir)?;
                Ok(file)
            };
            write().map_err(|e| StoreError::io("write", &at, e))
        })
        .await?;
        self.writer.write(id, vec![Record::Promote]).await?;
        let kind = Kind::Large { path, received, file: Some(file) };
        submission.state().payload = Payload { kind, durable: received };
        Ok(())
    }

    async fn append_to_file(&self, submission: &Submission, data: Bytes) -> Result<(), StoreError> {
        let added = data.len() as u64;
        self.work(submission, added, move |file| file.append(&data)).await
    }

    /// Makes all received bytes durable, together with more records.
    pub(super) async fn flush(
        &self,
        id: &str,
        submission: &Submission,
        more: Vec<Record>,
    ) -> Result<u64, StoreError> {
        let (tail, is_large, unsynced) = {
            let state = submission.state();
            let unsynced = state.payload.received() > state.payload.durable;
            match &state.payload.kind {
                Kind::Small { tail, .. } => (tail.clone(), false, unsynced),
                Kind::Large { .. } => (Vec::new(), true, unsynced),
            }
        };
        if is_large && unsynced {
            self.work(submission, 0, |file| file.sync()).await?;
            let mut state = submission.state();
            state.payload.durable = state.payload.received();
        }
        let mut records = Vec::with_capacity(more.len() + 1);
        if !tail.is_empty() {
            let durable = submission.state().payload.durable;
            records.push(Record::Append(durable, tail.into()));
        }
        records.extend(more);
        if !records.is_empty() {
            let place = self.writer.write(id, records).await?;
            let mut state = submission.state();
            for piece in place.data {
                state.payload.push_stored(piece);
            }
        }
        Ok(submission.state().payload.durable)
    }

    /// Runs a deed on the file of a large payload. After a fault the payload ends at its durable offset
    /// again, and the sender goes on from there.
    async fn work(
        &self,
        submission: &Submission,
        added: u64,
        deed: impl FnOnce(&mut dyn DiskFile) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        let work = {
            let mut state = submission.state();
            let durable = state.payload.durable;
            match &mut state.payload.kind {
                Kind::Large { path, file, .. } => Work { path: path.clone(), durable, file: file.take() },
                Kind::Small { .. } => return Ok(()),
            }
        };
        let disk = Arc::clone(&self.disk);
        let done = blocking(move || {
            let mut work = work;
            work.run(disk.as_ref(), deed)?;
            Ok(work.file)
        })
        .await;
        let mut state = submission.state();
        let durable = state.payload.durable;
        if let Kind::Large { file, received, .. } = &mut state.payload.kind {
            match done {
                Ok(open) => {
                    *file = open;
                    *received += added;
                }
                Err(error) => {
                    *received = durable;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Ending of the files of large payloads.
pub(super) const FILE_ENDING: &str = "bin";
