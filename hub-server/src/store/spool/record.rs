//! Records of a segment: length, checksum, kind, submission, content. A record that was cut off does
//! not match its checksum, so that a torn tail is recognised.

use bytes::Bytes;

use super::{CommitOrder, SpoolHeader};
use crate::config::limits::SPOOL_SMALL_BYTES;

/// What a record says of its submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Create(SpoolHeader),
    /// Bytes from an offset on.
    Append(u64, Bytes),
    Order(CommitOrder),
    /// All bytes so far are in a file of its own, durable; more follow there.
    Promote,
    End {
        keep: bool,
    },
    /// Create with order, and all bytes.
    Whole(SpoolHeader, Bytes),
}

/// Length of the body, then a CRC-32 of length and body: it tells what is whole from what is torn or rotten.
pub(super) const FRAME_BYTES: u64 = 8;
/// Records begin at multiples of it, so that no frame lies across two sectors of a disk.
const ALIGNMENT: u64 = 16;
/// Stands in the length of a record before which all was durable when it was written; not under the checksum.
const AFTER_SYNC: u32 = 1 << 31;
/// No record is longer.
const BODY_MAX: u64 = SPOOL_SMALL_BYTES + (1 << 17);

/// A record as bytes, and where in them the payload's bytes begin.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) data_at: usize,
    pub(super) data_len: usize,
}

impl Record {
    fn kind(&self) -> u8 {
        match self {
            Self::Create(_) => 1,
            Self::Append(..) => 2,
            Self::Order(_) => 3,
            Self::Promote => 4,
            Self::End { keep: false } => 5,
            Self::End { keep: true } => 6,
            Self::Whole(..) => 7,
        }
    }

    /// The error says why the record cannot be written.
    pub(super) fn encode(&self, id: &str) -> Result<Encoded, String> {
        let id_len = u8::try_from(id.len()).map_err(|e| e.to_string())?;
        let mut bytes = vec![0; FRAME_BYTES as usize];
        bytes.extend([self.kind(), id_len]);
        bytes.extend(id.as_bytes());
        let data: &[u8] = match self {
            Self::Create(header) => {
                bytes.extend(json(header)?);
                &[]
            }
            Self::Order(order) => {
                bytes.extend(json(order)?);
                &[]
            }
            Self::Append(offset, data) => {
                bytes.extend(offset.to_le_bytes());
                data
            }
            Self::Whole(header, data) => {
                let header = json(header)?;
                bytes.extend(u32::try_from(header.len()).map_err(|e| e.to_string())?.to_le_bytes());
                bytes.extend(header);
                data
            }
            Self::Promote | Self::End { .. } => &[],
        };
        let data_at = bytes.len();
        bytes.extend(data);
        let body = bytes.len() as u64 - FRAME_BYTES;
        if body > BODY_MAX {
            return Err(format!("a record of {body} bytes; at most {BODY_MAX} fit"));
        }
        let length = u32::try_from(body).map_err(|e| e.to_string())?.to_le_bytes();
        let sum = checksum(length, &bytes[FRAME_BYTES as usize..]);
        bytes[..4].copy_from_slice(&length);
        bytes[4..FRAME_BYTES as usize].copy_from_slice(&sum);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT as usize), 0);
        Ok(Encoded { bytes, data_at, data_len: data.len() })
    }
}

/// Marks the first of some records: all bytes before it are durable.
pub(super) fn mark_after_sync(records: &mut [u8]) {
    if let Some(highest) = records.get_mut(3) {
        *highest |= 1 << 7;
    }
}

pub(super) fn is_after_sync(frame: &[u8; FRAME_BYTES as usize]) -> bool {
    announced(frame) & AFTER_SYNC != 0
}

fn announced(frame: &[u8; FRAME_BYTES as usize]) -> u32 {
    u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]])
}

/// Length of the body that a frame announces; None when no record is so short or so long.
pub(super) fn body_length(frame: &[u8; FRAME_BYTES as usize]) -> Option<u64> {
    let length = u64::from(announced(frame) & !AFTER_SYNC);
    (3..=BODY_MAX).contains(&length).then_some(length)
}

/// Where the record behind one begins that begins at `at` and has a body of `length` bytes.
pub(super) fn end_of(at: u64, length: u64) -> u64 {
    (at + FRAME_BYTES + length).next_multiple_of(ALIGNMENT)
}

/// The submission and the record of a body, and where in the body the payload's bytes begin; None
/// when frame and body do not belong together.
pub(super) fn decode(frame: &[u8; FRAME_BYTES as usize], body: &[u8]) -> Option<(String, Record, usize)> {
    let length = (announced(frame) & !AFTER_SYNC).to_le_bytes();
    if checksum(length, body) != frame[4..] {
        return None;
    }
    let (&kind, rest) = body.split_first()?;
    let (&id_len, rest) = rest.split_first()?;
    let (id, content) = rest.split_at_checked(usize::from(id_len))?;
    let id = std::str::from_utf8(id).ok()?.to_owned();
    let at = |rest: &[u8]| body.len() - rest.len();
    let (record, data_at) = match kind {
        1 => (Record::Create(serde_json::from_slice(content).ok()?), body.len()),
        2 => {
            let (offset, data) = content.split_first_chunk::<8>()?;
            (Record::Append(u64::from_le_bytes(*offset), Bytes::copy_from_slice(data)), at(data))
        }
        3 => (Record::Order(serde_json::from_slice(content).ok()?), body.len()),
        4 => (Record::Promote, body.len()),
        5 => (Record::End { keep: false }, body.len()),
        6 => (Record::End { keep: true }, body.len()),
        7 => {
            let (length, rest) = content.split_first_chunk::<4>()?;
            let (header, data) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            (Record::Whole(serde_json::from_slice(header).ok()?, Bytes::copy_from_slice(data)), at(data))
        }
        _ => return None,
    };
    Some((id, record, data_at))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|e| e.to_string())
}

fn checksum(length: [u8; 4], body: &[u8]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length);
    sum.update(body);
    sum.finalize().to_le_bytes()
}
