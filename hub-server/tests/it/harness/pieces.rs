//! The pieces of a payload that go over a line: how many of their bytes go over it again.

use std::collections::HashMap;

/// The preface of HTTP/2, and the head of one of its frames.
const PREFACE: usize = 24;
const FRAME_HEAD: usize = 9;
const DATA_FRAME: u8 = 0;
/// The head of a message of gRPC, and the bytes of it in which its first fields stand.
const MESSAGE_HEAD: usize = 5;
const FIELDS: usize = 128;

/// Pieces that began to go over a line, of one payload, and are not sent again.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    begun: Vec<Begun>,
    again: u64,
}

#[derive(Debug)]
struct Begun {
    offset: u64,
    end: u64,
    came: u64,
}

impl Sent {
    /// Who begins at an offset sends again what was sent beyond it.
    fn begin(&mut self, offset: u64, length: u64) {
        let in_vain = self.begun.extract_if(.., |begun| begun.end > offset);
        let beyond = |begun: Begun| (begun.offset + begun.came).saturating_sub(offset.max(begun.offset));
        self.again += in_vain.map(beyond).sum::<u64>();
        self.begun.push(Begun { offset, end: offset + length, came: 0 });
    }

    /// A byte of the piece that began last.
    fn byte(&mut self) {
        if let Some(begun) = self.begun.last_mut() {
            begun.came += 1;
        }
    }

    /// Bytes that were sent in vain, so that they went again.
    pub(crate) fn again(&self) -> u64 {
        self.again
    }
}

/// What comes over one connection.
#[derive(Debug)]
pub(crate) enum Watch {
    New(Vec<u8>),
    Http1 { head: Vec<u8>, body: u64, is_piece: bool },
    Http2(Frames),
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self::New(Vec::new())
    }

    pub(crate) fn see(&mut self, bytes: &[u8], sent: &mut Sent) {
        match self {
            Self::New(begun) => {
                begun.extend_from_slice(bytes);
                let rest = std::mem::take(begun);
                match rest.get(..PREFACE) {
                    Some(first) if first.starts_with(b"PRI ") => {
                        *self = Self::Http2(Frames::default());
                        self.see(&rest[PREFACE..], sent);
                    }
                    Some(_) => {
                        *self = Self::Http1 { head: Vec::new(), body: 0, is_piece: false };
                        self.see(&rest, sent);
                    }
                    None => *begun = rest,
                }
            }
            Self::Http1 { head, body, is_piece } => {
                for byte in bytes {
                    if *body > 0 {
                        *body -= 1;
                        if *is_piece {
                            sent.byte();
                        }
                        continue;
                    }
                    head.push(*byte);
                    if head.ends_with(b"\r\n\r\n") {
                        (*body, *is_piece) = request(&String::from_utf8_lossy(head), sent);
                        head.clear();
                    }
                }
            }
            Self::Http2(frames) => bytes.iter().for_each(|byte| frames.byte(*byte, sent)),
        }
    }
}

/// The length of the body behind the head of a request, and whether it is a piece, as one of an upload is.
fn request(head: &str, sent: &mut Sent) -> (u64, bool) {
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.trim().parse::<u64>().ok())
    };
    let length = header("content-length").unwrap_or(0);
    let offset = header("upload-offset");
    if let Some(offset) = offset {
        sent.begin(offset, length);
    }
    (length, offset.is_some())
}

/// Frames of HTTP/2, whose data are messages of gRPC, stream by stream.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: Vec<u8>,
    left: usize,
    streams: HashMap<u32, Message>,
}

impl Frames {
    fn byte(&mut self, byte: u8, sent: &mut Sent) {
        if self.left == 0 {
            self.head.push(byte);
            if self.head.len() == FRAME_HEAD {
                self.left = self.head[..3].iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
                if self.left == 0 {
                    self.head.clear();
                }
            }
            return;
        }
        if self.head[3] == DATA_FRAME {
            let stream = self.head[5..].iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
            self.streams.entry(stream).or_default().byte(byte, sent);
        }
        self.left -= 1;
        if self.left == 0 {
            self.head.clear();
        }
    }
}

/// A message of gRPC as it comes.
#[derive(Debug, Default)]
struct Message {
    /// Its head and its first bytes.
    begun: Vec<u8>,
    came: usize,
    is_told: bool,
}

impl Message {
    fn byte(&mut self, byte: u8, sent: &mut Sent) {
        self.came += 1;
        if self.begun.len() < MESSAGE_HEAD + FIELDS {
            self.begun.push(byte);
        }
        let Some(head) = self.begun.get(1..MESSAGE_HEAD) else { return };
        let length = head.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        if self.is_told {
            sent.byte();
        } else if let Some((offset, length)) = piece(&self.begun[MESSAGE_HEAD..]) {
            self.is_told = true;
            sent.begin(offset, length);
        }
        if self.came == MESSAGE_HEAD + length {
            *self = Self::default();
        }
    }
}

/// Offset and length of the payload's bytes in a message of an upload, or of a push in one stream; none in others, and
/// as long as they have not come.
fn piece(mut fields: &[u8]) -> Option<(u64, u64)> {
    const SUBMISSION: u64 = 1 << 3 | 2;
    const OFFSET: u64 = 2 << 3;
    const PUSHED: u64 = 2 << 3 | 2;
    const DATA: u64 = 3 << 3 | 2;
    let (mut offset, mut is_upload) = (0, false);
    loop {
        match number(&mut fields)? {
            SUBMISSION => {
                let length = usize::try_from(number(&mut fields)?).ok()?;
                fields = fields.get(length..)?;
                is_upload = true;
            }
            OFFSET => (offset, is_upload) = (number(&mut fields)?, true),
            DATA if is_upload => return Some((offset, number(&mut fields)?)),
            PUSHED if !is_upload => return Some((0, number(&mut fields)?)),
            _ => return None,
        }
    }
}

/// A number as Protocol Buffers write it.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut found = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        found |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(found);
        }
    }
    None
}
