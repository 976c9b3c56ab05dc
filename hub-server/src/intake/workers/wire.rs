//! What the hub and a worker say to each other: frames of a kind, a length and a body, over one socket.
//!
//! The hub hands over a job. The worker then asks for bytes of the payload as it needs them, so that it has no
//! file and no place of its own, and sends each piece that it has checked. The hub answers reads and nothing else.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::config::limits::WORKER_FRAME_BYTES;

/// Raised whenever a frame or its body changes: hub and worker are one program, but not always one version of it.
pub(super) const PROTOCOL: u32 = 3;

/// Room that is made for a body before its bytes are there: what is read at once, and most checked pieces.
const RESERVED_BYTES: usize = 8 << 20;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hub: a [`WireJob`] as JSON.
    Job = 1,
    /// Hub: the bytes that were asked for; fewer at the end of the payload.
    Bytes = 2,
    /// Worker: offset and length, eight bytes each.
    Read = 3,
    /// Worker: a checked piece, the next in the order of the payload.
    Checked = 4,
    /// Worker: findings that stand before the first row, as JSON. Nothing follows but the end.
    Early = 5,
    /// Worker: findings that stopped the reading, as JSON. Nothing follows.
    Stopped = 6,
    /// Worker: the payload is through.
    End = 7,
    /// Worker: why it cannot do the job, as text. It is no fault of the payload; nothing follows.
    Unfit = 8,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Job,
        Self::Bytes,
        Self::Read,
        Self::Checked,
        Self::Early,
        Self::Stopped,
        Self::End,
        Self::Unfit,
    ];
}

/// What a worker is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireJob {
    pub(super) protocol: u32,
    /// `rb28s/1.0.0`
    pub(super) pattern: String,
    pub(super) bundle_sha256: String,
    /// Path and text of the pattern's files, when they are not embedded in the program.
    pub(super) files: Vec<(String, String)>,
    /// None where nobody said one, as is the publisher.
    pub(super) period: Option<String>,
    pub(super) publisher: Option<WirePublisher>,
    pub(super) media_type: String,
    /// Length of the payload.
    pub(super) bytes: u64,
    pub(super) chunk_bytes: usize,
    pub(super) record_bytes: usize,
    pub(super) block_bytes: usize,
    pub(super) rows: usize,
    pub(super) threads: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WirePublisher {
    pub(super) id: String,
    pub(super) terc6: Option<String>,
    pub(super) regon: Option<String>,
}

/// Writes a frame.
pub(super) fn write(out: &mut impl Write, kind: Kind, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length as usize <= WORKER_FRAME_BYTES);
    let length = length.ok_or_else(|| {
        io::Error::other(format!("a frame of {} bytes; at most {WORKER_FRAME_BYTES}", body.len()))
    })?;
    let [a, b, c, d] = length.to_le_bytes();
    out.write_all(&[kind as u8, a, b, c, d])?;
    out.write_all(body)
}

/// Reads a frame; None when the other side has closed between two.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let Some((kind, length)) = head(input)? else { return Ok(None) };
    // Beyond that memory grows with what arrives, not with what was claimed.
    let mut body = Vec::with_capacity(length.min(RESERVED_BYTES));
    if input.by_ref().take(length as u64).read_to_end(&mut body)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((kind, body)))
}

/// Reads the frame of a [`Kind::Bytes`] to where they are wanted; gives how many came.
pub(super) fn read_bytes(input: &mut impl Read, wanted: &mut [u8]) -> io::Result<usize> {
    let (kind, length) = head(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let place = wanted.get_mut(..length).filter(|_| kind == Kind::Bytes);
    let unexpected = || io::Error::new(io::ErrorKind::InvalidData, "bytes of the payload were expected");
    input.read_exact(place.ok_or_else(unexpected)?)?;
    Ok(length)
}

/// Kind and length of the next frame; None when the other side has closed between two.
fn head(input: &mut impl Read) -> io::Result<Option<(Kind, usize)>> {
    let mut head = [0; 5];
    let mut got = 0;
    while let Some(rest) = head.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => got += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let [kind, length @ ..] = head;
    let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind);
    let length = u32::from_le_bytes(length) as usize;
    match kind.filter(|_| length <= WORKER_FRAME_BYTES) {
        Some(kind) => Ok(Some((kind, length))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "no frame of this protocol")),
    }
}

/// The body of a [`Kind::Read`].
pub(super) fn place(offset: u64, length: u64) -> [u8; 16] {
    let mut body = [0; 16];
    body[..8].copy_from_slice(&offset.to_le_bytes());
    body[8..].copy_from_slice(&length.to_le_bytes());
    body
}

/// Offset and length of a [`Kind::Read`].
pub(super) fn placed(body: &[u8]) -> Option<(u64, u64)> {
    let (offset, length) = body.split_first_chunk::<8>()?;
    let length = <[u8; 8]>::try_from(length).ok()?;
    Some((u64::from_le_bytes(*offset), u64::from_le_bytes(length)))
}
