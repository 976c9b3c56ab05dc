//! Records of the journal: a frame (length and checksum), the list of files, their bytes.

use serde::{Deserialize, Serialize};

use super::NewFile;

/// Length of the body, then a CRC-32 of length and body: it tells what is whole from what is torn or rotten.
pub(super) const FRAME_BYTES: usize = 12;
/// Records begin at multiples of it, so that no frame lies across two sectors of a disk.
const ALIGNMENT: u64 = 16;

/// What stands before the bytes of the files.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    /// Path and length, in the order in which they are made.
    files: Vec<(String, u64)>,
}

/// A record as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    body: Vec<u8>,
    /// Path, and where in the body the bytes are; the last one is the name that makes the others count.
    files: Vec<(String, std::ops::Range<usize>)>,
}

impl Record {
    pub(super) fn files(&self) -> impl Iterator<Item = NewFile<'_>> {
        self.files.iter().map(|(path, at)| NewFile { path, bytes: &self.body[at.clone()] })
    }
    /// Each file with where in the body its bytes are.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        self.files.iter().map(|(path, at)| (path.as_str(), at.clone()))
    }
}

/// The error says why the record cannot be written.
pub(super) fn encode(files: &[NewFile<'_>], last: NewFile<'_>) -> Result<Vec<u8>, String> {
    let all = || files.iter().chain([&last]);
    let list = List { files: all().map(|file| (file.path.to_owned(), file.bytes.len() as u64)).collect() };
    let list = serde_json::to_vec(&list).map_err(|e| e.to_string())?;
    let content: usize = all().map(|file| file.bytes.len()).sum();
    let mut bytes = Vec::with_capacity(FRAME_BYTES + 4 + list.len() + content);
    bytes.resize(FRAME_BYTES, 0);
    bytes.extend(u32::try_from(list.len()).map_err(|e| e.to_string())?.to_le_bytes());
    bytes.extend(list);
    all().for_each(|file| bytes.extend(file.bytes));
    let length = ((bytes.len() - FRAME_BYTES) as u64).to_le_bytes();
    let sum = checksum(length, &bytes[FRAME_BYTES..]);
    bytes[..8].copy_from_slice(&length);
    bytes[8..FRAME_BYTES].copy_from_slice(&sum);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT as usize), 0);
    Ok(bytes)
}

/// Length of the body that a frame announces.
pub(super) fn body_length(frame: &[u8; FRAME_BYTES]) -> u64 {
    let mut length = [0; 8];
    length.copy_from_slice(&frame[..8]);
    u64::from_le_bytes(length)
}

/// Where the record behind one begins that begins at `at`, as its frame says; None when no file is so long.
pub(super) fn end_of(at: u64, frame: &[u8; FRAME_BYTES]) -> Option<u64> {
    let end = at.checked_add(FRAME_BYTES as u64)?.checked_add(body_length(frame))?;
    end.checked_next_multiple_of(ALIGNMENT)
}

/// None when frame and body do not belong together.
pub(super) fn decode(frame: &[u8; FRAME_BYTES], body: Vec<u8>) -> Option<Record> {
    if checksum(body_length(frame).to_le_bytes(), &body) != frame[8..] {
        return None;
    }
    let (list_len, rest) = body.split_first_chunk::<4>()?;
    let (list, _) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*list_len)).ok()?)?;
    let list: List = serde_json::from_slice(list).ok()?;
    let mut at = 4 + usize::try_from(u32::from_le_bytes(*list_len)).ok()?;
    let mut files = Vec::with_capacity(list.files.len());
    for (path, length) in list.files {
        let end = at.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= body.len())?;
        files.push((path, at..end));
        at = end;
    }
    (at == body.len() && !files.is_empty()).then_some(Record { body, files })
}

fn checksum(length: [u8; 8], body: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length);
    sum.update(body);
    sum.finalize().to_le_bytes()
}
