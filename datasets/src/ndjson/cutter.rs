//! Cutting a stream of bytes into chunks of whole lines.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memrchr};

use crate::csv::{Chunk, CutError};

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Cuts a stream of bytes into chunks that end at line ends. JSON never holds a raw line end inside a value,
/// so every line end is one. It holds at most one target and one line.
#[derive(Debug)]
pub struct LineCutter {
    target: usize,
    line_max: usize,
    /// Bytes of the next chunk.
    carry: BytesMut,
    /// Bytes of `carry` after its last line end.
    open: usize,
    /// Line number of the first byte of `carry`.
    line: u64,
    /// False until the place of a byte order mark is behind.
    begun: bool,
    /// The first line that holds something, with its number.
    first: Option<(Bytes, u64)>,
}

impl LineCutter {
    /// `target` bytes a chunk; a line longer than `line_max` is refused.
    pub fn new(target: usize, line_max: usize) -> Self {
        Self {
            target: target.max(1),
            line_max,
            carry: BytesMut::new(),
            open: 0,
            line: 1,
            begun: false,
            first: None,
        }
    }

    /// Takes the next bytes; gives the chunks that became whole.
    pub fn push(&mut self, data: Bytes) -> Result<Vec<Chunk>, CutError> {
        let mut chunks = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            // A line that is longer than the target must not come byte by byte.
            let wanted = self.target.saturating_sub(self.carry.len()).max(self.target / 4).max(1);
            let part = rest.split_to(wanted.min(rest.len()));
            self.take(&part)?;
            if self.carry.len() >= self.target && self.open < self.carry.len() {
                chunks.push(self.chunk(self.carry.len() - self.open));
            }
        }
        Ok(chunks)
    }

    /// The end of the payload: the rest as a last chunk, also without a final line end.
    pub fn finish(&mut self) -> Option<Chunk> {
        self.begin(true);
        if self.carry.is_empty() {
            return None;
        }
        self.find_first(true);
        Some(self.chunk(self.carry.len()))
    }

    /// The first line that holds more than blanks, and its number, once seen.
    pub fn first(&self) -> Option<(&[u8], u64)> {
        self.first.as_ref().map(|(line, number)| (line.as_ref(), *number))
    }

    fn take(&mut self, part: &[u8]) -> Result<(), CutError> {
        if let Some(at) = memchr(0, part) {
            let line = self.line + line_ends(&self.carry) + line_ends(&part[..at]);
            return Err(CutError::NulByte { line });
        }
        let mut from = 0;
        let mut open = self.open;
        for end in memchr_iter(b'\n', part).chain([part.len()]) {
            open += end - from;
            if open > self.line_max {
                let line = self.line + line_ends(&self.carry) + line_ends(&part[..from]);
                return Err(CutError::LineTooLong { line, limit: self.line_max });
            }
            if end < part.len() {
                (open, from) = (0, end + 1);
            }
        }
        self.open = open;
        self.carry.extend_from_slice(part);
        self.begin(false);
        self.find_first(false);
        Ok(())
    }

    /// Takes a byte order mark off the first bytes, as soon as there are enough of them to tell.
    fn begin(&mut self, at_end: bool) {
        if self.begun || (self.carry.len() < BYTE_ORDER_MARK.len() && !at_end) {
            return;
        }
        self.begun = true;
        if self.carry.starts_with(&BYTE_ORDER_MARK) {
            let _ = self.carry.split_to(BYTE_ORDER_MARK.len());
            self.open = self.open.min(self.carry.len());
        }
    }

    /// Keeps the first line that holds something; blank lines before it stay in their chunk.
    fn find_first(&mut self, at_end: bool) {
        if self.first.is_some() || !self.begun {
            return;
        }
        let whole = if at_end { self.carry.len() } else { self.carry.len() - self.open };
        let mut lines = (self.line..).zip(self.carry[..whole].split(|byte| *byte == b'\n'));
        let found = lines.find(|(_, line)| !line.trim_ascii().is_empty());
        self.first = found.map(|(number, line)| (Bytes::copy_from_slice(line), number));
    }

    fn chunk(&mut self, length: usize) -> Chunk {
        let data = self.carry.split_to(length).freeze();
        let first_line = self.line;
        self.line += line_ends(&data);
        debug_assert!(memrchr(b'\n', &self.carry).is_none(), "what stays is one open line");
        Chunk { data, first_line }
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
