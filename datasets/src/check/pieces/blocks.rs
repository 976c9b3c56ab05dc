//! The bytes of a text payload in their order, as UTF-8 whatever encoding an office exported in.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::DecoderResult;

use super::{InOrder, ReadAt, Stop};
use crate::check::Checker;
use crate::check::documents::DocumentRows;
use crate::check::messages::office::{BARE_RETURNS, NEITHER_PAGE};
use crate::check::messages::structural;
use crate::check::sheets::SheetText;
use crate::csv::{Encoding, Letters, Unclear, foreign};
use crate::report::{Change, Code, Example, Findings, Normalised};

/// Bytes, from the first that is no ASCII on, by which a file without a mark is known to be UTF-8.
const WINDOW_BYTES: usize = 64 << 10;

/// Bytes that tell the format.
const HEAD_BYTES: usize = 512;

/// Blocks of bytes, one after the other.
pub(in crate::check) trait Blocks {
    /// The next bytes; None at the end.
    fn next_block(&mut self) -> Result<Option<Bytes>, Stop>;

    /// Findings about the payload as a whole.
    fn early(&mut self) -> Findings {
        Findings::default()
    }
}

/// Bytes as they are.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) payload: InOrder,
    pub(super) block_bytes: usize,
}

impl Blocks for SheetText<'_> {
    fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        self.next_block()
    }

    fn early(&mut self) -> Findings {
        self.early()
    }
}

impl Blocks for DocumentRows<'_> {
    fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        self.next_block()
    }

    fn early(&mut self) -> Findings {
        self.early()
    }
}

impl Blocks for Plain {
    fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        Ok(block(&mut self.payload, self.block_bytes)?)
    }
}

fn block(payload: &mut InOrder, bytes: usize) -> io::Result<Option<Bytes>> {
    let mut block = Vec::with_capacity(bytes);
    Read::by_ref(payload).take(bytes as u64).read_to_end(&mut block)?;
    Ok((!block.is_empty()).then(|| block.into()))
}

/// Text in the encoding that its bytes show.
pub(in crate::check) struct Office<'a> {
    checker: &'a Checker,
    payload: InOrder,
    block_bytes: usize,
    state: State,
    early: Findings,
}

enum State {
    Start,
    /// Nothing but ASCII so far, which is the same in all encodings.
    Ascii,
    Utf8,
    Decoding(Box<Decoding>),
}

/// A file that is turned into UTF-8.
struct Decoding {
    decoder: encoding_rs::Decoder,
    ended: bool,
    /// Lines that were written, and bytes of the one that is open.
    lines: u64,
    open: usize,
}

impl std::fmt::Debug for Office<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("payload", &self.payload).finish_non_exhaustive()
    }
}

impl<'a> Office<'a> {
    pub(in crate::check) fn new(checker: &'a Checker, payload: Arc<dyn ReadAt>, block_bytes: usize) -> Self {
        let (payload, early) = (InOrder::new(payload), Findings::default());
        Self { checker, payload, block_bytes, state: State::Start, early }
    }

    fn stop(&self, code: Code, line: u64, detail: &str) -> Stop {
        let mut findings = Findings::default();
        findings.add(structural(self.checker, code, line, "", detail));
        findings.into()
    }

    /// Looks at the first bytes; gives them without their mark.
    fn start(&mut self, first: Bytes) -> Result<Bytes, Stop> {
        // However short the blocks are: the same file has the same format.
        let head = self.look(0, HEAD_BYTES)?;
        if let Some(format) = foreign(&head) {
            return Err(self.stop(Code::FormatMismatch, 0, format));
        }
        if has_bare_returns(&head) && has_bare_returns(&self.look(0, WINDOW_BYTES)?) {
            return Err(self.stop(Code::FormatMismatch, 0, BARE_RETURNS));
        }
        match Encoding::marked(&head) {
            Some((Encoding::Utf8, _)) => self.state = State::Utf8,
            Some((encoding, mark)) => {
                self.decode(encoding);
                return Ok(first.slice(mark..));
            }
            None => self.state = State::Ascii,
        }
        Ok(first)
    }

    /// From here on bytes are turned into UTF-8; all before them were ASCII.
    fn decode(&mut self, encoding: Encoding) {
        let Some(decoder) = encoding.decoder() else {
            self.state = State::Utf8;
            return;
        };
        self.state = State::Decoding(Box::new(Decoding { decoder, ended: false, lines: 0, open: 0 }));
        let example =
            Example { row: 0, from: encoding.name().to_owned(), to: Encoding::Utf8.name().to_owned() };
        let (change, column) = (Change::Encoding, String::new());
        self.early.normalise(Normalised { change, column, count: 1, examples: vec![example] });
    }

    /// Finds the encoding of a file whose first byte that is no ASCII lies at `from`. A window decides for UTF-8,
    /// so that such files are read once; between code pages the whole file does.
    fn judge(&mut self, from: u64) -> Result<(), Stop> {
        let mut letters = Letters::default();
        let window = self.look(from, WINDOW_BYTES)?;
        letters.count(&window);
        if letters.is_utf8() {
            self.state = State::Utf8;
            return Ok(());
        }
        let mut at = from + window.len() as u64;
        loop {
            let block = self.look(at, self.block_bytes)?;
            if block.is_empty() {
                break;
            }
            letters.count(&block);
            at += block.len() as u64;
        }
        match letters.encoding() {
            Ok(encoding) => self.decode(encoding),
            Err(Unclear::Both) => return Err(self.stop(Code::EncodingAmbiguous, 0, "")),
            Err(Unclear::Neither) => return Err(self.stop(Code::EncodingAmbiguous, 0, NEITHER_PAGE)),
        }
        Ok(())
    }

    /// Bytes at a place, without moving on; fewer at the end.
    fn look(&self, from: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self.payload.payload.read_at(from + filled as u64, &mut bytes[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// True where returns part lines that no line feed ends.
fn has_bare_returns(bytes: &[u8]) -> bool {
    let parts = memchr::memchr(b'\r', bytes).is_some_and(|at| at + 1 < bytes.len());
    parts && memchr::memchr(b'\n', bytes).is_none()
}

impl Blocks for Office<'_> {
    fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        let before = self.payload.at;
        let mut block = block(&mut self.payload, self.block_bytes)?;
        if let (State::Start, Some(first)) = (&self.state, &block) {
            block = Some(self.start(first.clone())?);
        }
        if let (State::Ascii, Some(block)) = (&self.state, &block)
            && !block.is_ascii()
            && let Some(at) = block.iter().position(|byte| !byte.is_ascii())
        {
            self.judge(before + at as u64)?;
        }
        match &mut self.state {
            State::Decoding(decoding) => match decoding.decode(block) {
                Ok(text) => Ok(text),
                Err((line, at)) => Err(self.stop(Code::EncodingInvalid, line, &at.to_string())),
            },
            _ => Ok(block),
        }
    }

    fn early(&mut self) -> Findings {
        std::mem::take(&mut self.early)
    }
}

impl Decoding {
    /// The text of the next bytes; at the first that stand for no character their line and their place in it.
    fn decode(&mut self, block: Option<Bytes>) -> Result<Option<Bytes>, (u64, usize)> {
        if self.ended {
            return Ok(None);
        }
        self.ended = block.is_none();
        let block = block.unwrap_or_default();
        let most = self.decoder.max_utf8_buffer_length_without_replacement(block.len()).unwrap_or(0);
        let mut text = vec![0; most];
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(&block, &mut text, self.ended);
        text.truncate(written);
        self.lines += memchr::memchr_iter(b'\n', &text).count() as u64;
        self.open = match memchr::memrchr(b'\n', &text) {
            Some(end) => text.len() - end - 1,
            None => self.open + text.len(),
        };
        match result {
            DecoderResult::InputEmpty => Ok((!text.is_empty() || !self.ended).then(|| text.into())),
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => Err((self.lines + 1, self.open + 1)),
        }
    }
}
