//! Packs: consecutive log versions in one file of the archive, byte for byte.
//!
//! A pack is a head, an index and frames. The head is the magic, the length of the index and its SHA-256;
//! the index says how many bytes each frame has, what their SHA-256 is and which texts are in it; a frame is
//! a run of texts, compressed with zstd. The texts are the log versions in order, and before them, in packs
//! that have one, the lines of the state before the first version (see [`super::state`]).

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::disk::{Disk, ReadAt};
use crate::store::{StoreError, hex};

const MAGIC: &[u8; 8] = b"hublog1\n";
/// Magic, length of the index, SHA-256 of the index.
const HEAD_BYTES: usize = 8 + 4 + 32;
/// Texts share a frame up to this length together; whoever wants one of them unpacks them all.
const FRAME_BYTES: usize = 256 << 10;
/// The usual level: log versions repeat their field names, which any level takes out.
const LEVEL: i32 = 3;

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    /// Log version of the first text.
    first: u64,
    /// Lines of the state before `first`; None: the pack has none.
    state: Option<Vec<Frame>>,
    versions: Vec<Frame>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Frame {
    /// Compressed length.
    bytes: u64,
    /// Of the compressed bytes, hexadecimal.
    sha256: String,
    /// Lengths of its texts.
    texts: Vec<u64>,
}

/// Texts on their way into frames.
#[derive(Debug, Default)]
struct Texts {
    frames: Vec<Frame>,
    body: Vec<u8>,
    open: Vec<u8>,
    lengths: Vec<u64>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) -> std::io::Result<()> {
        if !self.open.is_empty() && self.open.len() + text.len() > FRAME_BYTES {
            self.close()?;
        }
        self.open.extend_from_slice(text);
        self.lengths.push(text.len() as u64);
        Ok(())
    }

    fn close(&mut self) -> std::io::Result<()> {
        if self.lengths.is_empty() {
            return Ok(());
        }
        let packed = zstd::bulk::compress(&self.open, LEVEL)?;
        let sha256 = hex(&Sha256::digest(&packed));
        let texts = std::mem::take(&mut self.lengths);
        self.frames.push(Frame { bytes: packed.len() as u64, sha256, texts });
        self.body.extend(packed);
        self.open.clear();
        Ok(())
    }
}

/// Makes a pack in memory.
#[derive(Debug)]
pub(crate) struct PackWriter {
    first: u64,
    state: Option<Texts>,
    versions: Texts,
}

impl PackWriter {
    /// A pack whose first version is `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self { first, state: None, versions: Texts::default() }
    }
    /// Adds a line of the state before the first version.
    pub(crate) fn state_line(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.state.get_or_insert_default().push(line)
    }
    /// Adds the bytes of the next log version.
    pub(crate) fn version(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.versions.push(bytes)
    }
    /// The bytes of the pack.
    pub(crate) fn finish(mut self) -> std::io::Result<Vec<u8>> {
        self.versions.close()?;
        if let Some(state) = &mut self.state {
            state.close()?;
        }
        let (state, state_body) = self.state.map(|state| (state.frames, state.body)).unzip();
        let index = Index { first: self.first, state, versions: self.versions.frames };
        let index = serde_json::to_vec(&index)?;
        let length = u32::try_from(index.len()).map_err(std::io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + index.len() + self.versions.body.len());
        bytes.extend(MAGIC);
        bytes.extend(length.to_le_bytes());
        bytes.extend(Sha256::digest(&index));
        bytes.extend(index);
        bytes.extend(state_body.unwrap_or_default());
        bytes.extend(self.versions.body);
        Ok(bytes)
    }
}

/// A pack that is open for reading. The frame that was read last stays in memory, so that versions are
/// read in order without unpacking it anew.
#[derive(Debug)]
pub(crate) struct Pack {
    path: PathBuf,
    file: Box<dyn ReadAt>,
    index: Index,
    /// Where the frames begin.
    begins: u64,
    /// Number of a frame of versions, and its texts.
    unpacked: Option<(usize, Vec<u8>)>,
}

impl Pack {
    /// Opens a pack and checks its index. Blocking.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        let failed = |e| StoreError::io("read", path, e);
        let corrupt = |message: &str| corrupt(path, message);
        let file = disk.open(path).map_err(|e| StoreError::io("open", path, e))?;
        let bytes = file.bytes().map_err(failed)?;
        let mut head = [0; HEAD_BYTES];
        if bytes < HEAD_BYTES as u64 {
            return Err(corrupt("is cut off in its head"));
        }
        file.read_exact_at(0, &mut head).map_err(failed)?;
        let (magic, rest) = head.split_at(MAGIC.len());
        let (length, sha256) = rest.split_at(4);
        if magic != MAGIC {
            return Err(corrupt("is not a pack of log versions"));
        }
        let length = length.iter().rev().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        let begins = HEAD_BYTES as u64 + length;
        if begins > bytes {
            return Err(corrupt("is cut off in its index"));
        }
        let mut index = vec![0; usize::try_from(length).map_err(|e| corrupt(&e.to_string()))?];
        file.read_exact_at(HEAD_BYTES as u64, &mut index).map_err(failed)?;
        if Sha256::digest(&index).as_slice() != sha256 {
            return Err(corrupt("its index is damaged: the SHA-256 is another"));
        }
        let index: Index = serde_json::from_slice(&index).map_err(|e| corrupt(&e.to_string()))?;
        Ok(Self { path: path.to_owned(), file, index, begins, unpacked: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// First and last log version; None: it holds none, which no writer makes.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let versions: usize = self.index.versions.iter().map(|frame| frame.texts.len()).sum();
        Some((self.index.first, self.index.first + (versions as u64).checked_sub(1)?))
    }

    /// The bytes of a log version; None when the pack does not hold it. Blocking.
    pub(crate) fn version(&mut self, version: u64) -> Result<Option<&[u8]>, StoreError> {
        let Some(mut at) = version.checked_sub(self.index.first).and_then(|at| usize::try_from(at).ok())
        else {
            return Ok(None);
        };
        for (number, frame) in self.index.versions.iter().enumerate() {
            if at >= frame.texts.len() {
                at -= frame.texts.len();
                continue;
            }
            let texts = match self.unpacked.take().filter(|(unpacked, _)| *unpacked == number) {
                Some((_, texts)) => texts,
                None => self
                    .unpack(self.index.state.iter().flatten().chain(&self.index.versions[..number]), frame)?,
            };
            let (from, to) = (frame.texts[..at].iter().sum::<u64>(), frame.texts[..=at].iter().sum::<u64>());
            let (_, texts) = self.unpacked.insert((number, texts));
            let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let text = range.and_then(|(from, to)| texts.get(from..to));
            return text.map(Some).ok_or_else(|| corrupt(&self.path, "a frame is shorter than its texts"));
        }
        Ok(None)
    }

    /// The lines of the state before the first version; None when the pack has no state. Blocking.
    pub(crate) fn state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(frames) = &self.index.state else { return Ok(None) };
        let mut lines = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            lines.extend(self.unpack(frames[..number].iter(), frame)?);
        }
        Ok(Some(lines))
    }

    /// The texts of a frame that stands behind others.
    fn unpack<'a>(
        &self,
        before: impl Iterator<Item = &'a Frame>,
        frame: &Frame,
    ) -> Result<Vec<u8>, StoreError> {
        let failed = |e| StoreError::io("read", &self.path, e);
        let corrupt = |message: String| corrupt(&self.path, &message);
        let size = |bytes: u64| usize::try_from(bytes).map_err(|e| corrupt(e.to_string()));
        let from = self.begins + before.map(|frame| frame.bytes).sum::<u64>();
        if self.file.bytes().map_err(failed)? < from + frame.bytes {
            return Err(corrupt("is cut off in a frame".into()));
        }
        let mut packed = vec![0; size(frame.bytes)?];
        self.file.read_exact_at(from, &mut packed).map_err(failed)?;
        if hex(&Sha256::digest(&packed)) != frame.sha256 {
            return Err(corrupt(format!("the frame at byte {from} is damaged: the SHA-256 is another")));
        }
        zstd::bulk::decompress(&packed, size(frame.texts.iter().sum())?).map_err(|e| corrupt(e.to_string()))
    }
}

fn corrupt(path: &Path, message: &str) -> StoreError {
    StoreError::Corrupt { file: path.display().to_string(), message: message.to_owned() }
}
