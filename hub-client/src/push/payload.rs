//! The bytes of a payload: read in a blocking task, hashed and sent piece by piece.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use hub_proto::v1::UploadPayloadRequest;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Pace, Payload, SMALL_PAYLOAD_MAX, read_error};
use crate::error::ClientError;

/// Bytes of one upload message, the most that the contract allows.
pub(super) const PIECE: usize = 1 << 20;
/// Pieces that wait between disk and network.
const PIECES_AHEAD: usize = 4;

/// Length and SHA-256 of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 in hex; empty when there is no payload.
    pub sha256: String,
}

/// By what a payload is known again: a small one by its digest; a large file by its path, its length and the
/// time of its last change, so that it is read only once, to be sent.
pub async fn identity_of(payload: &Payload) -> Result<String, ClientError> {
    let large = match payload.clone() {
        Payload::File(path) => blocking(path, stamp_of_large).await?,
        Payload::Bytes(_) | Payload::NothingToReport => None,
    };
    match large {
        Some(stamp) => Ok(stamp),
        None => Ok(digest_of(payload).await?.sha256),
    }
}

fn stamp_of_large(path: &Path) -> io::Result<Option<String>> {
    let metadata = std::fs::metadata(path)?;
    if metadata.len() <= SMALL_PAYLOAD_MAX {
        return Ok(None);
    }
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_else(|before| before.duration());
    let mut hash = Sha256::new();
    hash.update(std::fs::canonicalize(path)?.as_os_str().as_encoded_bytes());
    hash.update(metadata.len().to_le_bytes());
    hash.update(changed.as_nanos().to_le_bytes());
    Ok(Some(hex(&hash.finalize())))
}

/// Length of a payload, without reading it.
pub(super) async fn length_of(payload: &Payload) -> Result<u64, ClientError> {
    match payload.clone() {
        Payload::File(path) => blocking(path, |path| Ok(std::fs::metadata(path)?.len())).await,
        Payload::Bytes(bytes) => Ok(bytes.len() as u64),
        Payload::NothingToReport => Ok(0),
    }
}

/// All bytes of a payload, of one that is known to be short.
pub(crate) async fn bytes_of(payload: &Payload) -> Result<Bytes, ClientError> {
    match payload.clone() {
        Payload::File(path) => blocking(path, |path| Ok(Bytes::from(std::fs::read(path)?))).await,
        Payload::Bytes(bytes) => Ok(bytes),
        Payload::NothingToReport => Ok(Bytes::new()),
    }
}

/// The bytes of a payload from an offset on, at most so many.
pub(crate) async fn piece_of(payload: &Payload, offset: u64, most: usize) -> Result<Bytes, ClientError> {
    match payload.clone() {
        Payload::File(path) => {
            blocking(path, move |path| {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                let mut piece = Vec::new();
                file.take(most as u64).read_to_end(&mut piece)?;
                Ok(Bytes::from(piece))
            })
            .await
        }
        Payload::Bytes(bytes) => {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            Ok(bytes.slice(from..from.saturating_add(most).min(bytes.len())))
        }
        Payload::NothingToReport => Ok(Bytes::new()),
    }
}

/// Bytes as one zstd frame.
pub(crate) async fn packed(bytes: Bytes) -> Result<Bytes, ClientError> {
    blocking(PathBuf::new(), move |_| pack(&bytes)).await
}

fn pack(bytes: &[u8]) -> io::Result<Bytes> {
    zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL).map(Bytes::from)
}

/// The SHA-256 of a payload, made while its bytes are read to be sent, over all attempts.
#[derive(Debug, Clone, Default)]
pub(super) struct Along(Arc<Mutex<Hashed>>);

#[derive(Debug, Clone, Default)]
struct Hashed {
    hash: Sha256,
    at: u64,
}

impl Along {
    fn lock(&self) -> MutexGuard<'_, Hashed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that are hashed already.
    fn at(&self) -> u64 {
        self.lock().at
    }

    /// Takes bytes from an offset on; those that were taken before are left out.
    fn take(&self, offset: u64, bytes: &[u8]) {
        let mut hashed = self.lock();
        let known = usize::try_from(hashed.at.saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(new) = bytes.get(known..).filter(|_| offset <= hashed.at) {
            hashed.hash.update(new);
            hashed.at += new.len() as u64;
        }
    }

    /// The SHA-256 in hex, once all bytes were taken.
    pub(super) fn whole(&self, size: u64) -> Option<String> {
        let hashed = self.lock();
        (hashed.at == size).then(|| hex(&hashed.hash.clone().finalize()))
    }
}

/// Length and SHA-256 of a payload, read once without holding it.
pub async fn digest_of(payload: &Payload) -> Result<Digest, ClientError> {
    match payload.clone() {
        Payload::File(path) => blocking(path, |path| digest(&mut File::open(path)?)).await,
        Payload::Bytes(bytes) => blocking(PathBuf::new(), move |_| digest(&mut bytes.as_ref())).await,
        Payload::NothingToReport => Ok(Digest::default()),
    }
}

/// Runs a piece of disk work off the async threads; a failure names the file.
pub(super) async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, ClientError> {
    let at = path.clone();
    let done = spawn_blocking(move || work(&at)).await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    done.map_err(|source| read_error(&path, source))
}

fn digest(source: &mut dyn Read) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut piece = vec![0; PIECE];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(Digest { size, sha256: hex(&hash.finalize()) }),
            Ok(read) => {
                size += read as u64;
                hash.update(&piece[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is left to be sent of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) offset: u64,
    /// Bytes of the whole that are expected.
    pub(super) size: u64,
    /// Whether it is packed on its way.
    pub(super) packs: bool,
    pub(super) pace: Pace,
}

/// A running reader: the messages that it makes, and the task to ask how it went.
pub(super) struct Pieces {
    /// Each with the offset behind it.
    pub(super) messages: mpsc::Receiver<(u64, UploadPayloadRequest)>,
    reader: JoinHandle<io::Result<()>>,
    path: PathBuf,
}

impl Pieces {
    /// Reads the rest of `payload` into messages of an upload.
    pub(super) fn start(payload: &Payload, submission: &str, rest: Rest, along: &Along) -> Self {
        let (sender, messages) = mpsc::channel(PIECES_AHEAD);
        let Rest { offset, size, packs, pace } = rest;
        let (submission, along) = (submission.to_owned(), along.clone());
        let mut send = Sending { sender, submission, size, packs, pace, along };
        let path = match payload {
            Payload::File(path) => path.clone(),
            Payload::Bytes(_) | Payload::NothingToReport => PathBuf::new(),
        };
        let reader = match payload.clone() {
            Payload::File(path) => spawn_blocking(move || send.file(&path, offset)),
            Payload::Bytes(bytes) => spawn_blocking(move || send.bytes(&bytes, offset)),
            Payload::NothingToReport => spawn_blocking(|| Ok(())),
        };
        Self { messages, reader, path }
    }

    /// Splits the messages from the question how the reading went.
    pub(super) fn split(
        self,
    ) -> (mpsc::Receiver<(u64, UploadPayloadRequest)>, impl Future<Output = Result<(), ClientError>>) {
        let Self { messages, reader, path } = self;
        let outcome = async move {
            let read = reader.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
            read.map_err(|source| read_error(&path, source))
        };
        (messages, outcome)
    }
}

struct Sending {
    sender: mpsc::Sender<(u64, UploadPayloadRequest)>,
    submission: String,
    size: u64,
    packs: bool,
    pace: Pace,
    along: Along,
}

impl Sending {
    fn file(&mut self, path: &Path, offset: u64) -> io::Result<()> {
        let mut file = File::open(path)?;
        // What the hub has and was never read here is hashed, and not sent.
        let mut at = self.along.at().min(offset);
        file.seek(SeekFrom::Start(at))?;
        loop {
            let is_sent = at >= offset;
            let wanted = if is_sent { self.pace.length() as u64 } else { (offset - at).min(PIECE as u64) };
            let mut piece = Vec::with_capacity(usize::try_from(wanted).unwrap_or(PIECE));
            (&mut file).take(wanted).read_to_end(&mut piece)?;
            let read = piece.len() as u64;
            if read == 0 {
                break;
            }
            self.along.take(at, &piece);
            if is_sent && !self.piece(at, piece.into())? {
                return Ok(());
            }
            at += read;
        }
        if at == self.size { Ok(()) } else { Err(changed(self.size, at)) }
    }

    fn bytes(&mut self, bytes: &Bytes, offset: u64) -> io::Result<()> {
        self.along.take(0, bytes);
        let mut at = usize::try_from(offset).map_err(io::Error::other)?;
        while at < bytes.len() {
            let end = (at + self.pace.length()).min(bytes.len());
            if !self.piece(at as u64, bytes.slice(at..end))? {
                return Ok(());
            }
            at = end;
        }
        Ok(())
    }

    /// False when nobody takes the pieces any more: the call has ended, and tells why itself.
    fn piece(&mut self, offset: u64, data: Bytes) -> io::Result<bool> {
        self.pace.grow();
        let end = offset + data.len() as u64;
        let mut message =
            UploadPayloadRequest { submission: self.submission.clone(), offset, ..Default::default() };
        if self.packs {
            message.zstd = pack(&data)?;
        } else {
            message.data = data;
        }
        Ok(self.sender.blocking_send((end, message)).is_ok())
    }
}

fn changed(expected: u64, found: u64) -> io::Error {
    io::Error::other(format!(
        "the file changed while it was sent ({expected} bytes before, {found} now); push it again"
    ))
}

#[cfg(test)]
mod tests;
