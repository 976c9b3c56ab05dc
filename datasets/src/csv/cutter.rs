//! Cutting a stream of bytes into chunks of whole records.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memrchr};

use super::{Chunk, CutError, line_ends, separator};

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Cuts a stream of bytes into chunks that end at record ends, outside quotes.
///
/// It looks at each byte a few times with vector search only, and copies none where a chunk lies
/// inside one input. It holds at most one target and one record.
#[derive(Debug)]
pub struct Cutter {
    target: usize,
    scanner: Scanner,
    head: Head,
    /// Bytes that belong to the next chunk and came with earlier inputs.
    carry: BytesMut,
    /// Line number of the first byte of the next chunk.
    chunk_line: u64,
}

/// The part of the file before the first record of data.
#[derive(Debug)]
enum Head {
    /// Header bytes so far; `quoted` tells whether they end inside quotes.
    Open {
        bytes: BytesMut,
        quoted: bool,
        line: u64,
        marked: bool,
    },
    Done(Bytes),
}

impl Cutter {
    /// `target` bytes a chunk; a record longer than `record_max` is refused.
    pub fn new(target: usize, record_max: usize) -> Self {
        Self {
            target: target.max(1),
            scanner: Scanner::new(record_max),
            head: Head::Open { bytes: BytesMut::new(), quoted: false, line: 1, marked: false },
            carry: BytesMut::new(),
            chunk_line: 1,
        }
    }

    /// The same for bytes that follow a header which was found before, its line end not included; the first of them
    /// are of line `next_line`.
    pub fn behind(header: Bytes, separator: u8, next_line: u64, target: usize, record_max: usize) -> Self {
        let mut cutter = Self::new(target, record_max);
        cutter.scanner.begin(separator, next_line.saturating_sub(1), next_line);
        cutter.chunk_line = next_line;
        cutter.head = Head::Done(header);
        cutter
    }

    /// Takes the next bytes; gives the chunks that became whole. The header record is not part of a chunk.
    pub fn push(&mut self, data: Bytes) -> Result<Vec<Chunk>, CutError> {
        let data = self.head(data)?;
        let mut chunks = Vec::new();
        // `start..at` was scanned and waits for a record end at or past the target.
        let (mut start, mut at) = (0, 0);
        while at < data.len() {
            let wanted = self.target.saturating_sub(self.carry.len() + (at - start)).max(1);
            let block_end = data.len().min(at + wanted.max(self.target / 4).min(self.target));
            let record_end = self.scanner.scan(&data[at..block_end])?.map(|end| at + end);
            at = block_end;
            let full = self.carry.len() + (at - start) >= self.target;
            if let Some(end) = record_end.filter(|end| full && *end > start) {
                chunks.push(self.chunk(data.slice(start..end)));
                start = end;
            }
        }
        self.carry.extend_from_slice(&data[start..]);
        Ok(chunks)
    }

    /// The end of the payload: the rest as a last chunk, also without a final line end.
    pub fn finish(&mut self) -> Result<Option<Chunk>, CutError> {
        if let Head::Open { bytes, quoted, line, .. } = &mut self.head {
            let line = *line;
            if *quoted {
                return Err(CutError::QuoteUnclosed { line });
            }
            let header = without_mark(without_line_end(std::mem::take(bytes).freeze()));
            self.scanner.begin(separator(&header), line, line + 1);
            self.head = Head::Done(header);
            return Ok(None);
        }
        self.scanner.finish()?;
        if self.carry.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.chunk(Bytes::new())))
    }

    /// The header record (without line end and byte order mark), once seen.
    pub fn header(&self) -> Option<&[u8]> {
        match &self.head {
            Head::Done(header) if !header.is_empty() => Some(header),
            _ => None,
        }
    }

    /// Line number of the header record, blank lines before it counted.
    pub fn header_line(&self) -> u64 {
        match &self.head {
            Head::Open { line, .. } => *line,
            Head::Done(_) => self.scanner.header_line,
        }
    }

    fn chunk(&mut self, rest: Bytes) -> Chunk {
        let data = if self.carry.is_empty() {
            rest
        } else {
            self.carry.extend_from_slice(&rest);
            std::mem::take(&mut self.carry).freeze()
        };
        let first_line = self.chunk_line;
        self.chunk_line += line_ends(&data);
        Chunk { data, first_line }
    }

    /// Takes the header out of the first bytes; gives what follows it.
    fn head(&mut self, mut data: Bytes) -> Result<Bytes, CutError> {
        let Head::Open { bytes, quoted, line, marked } = &mut self.head else { return Ok(data) };
        while !data.is_empty() {
            let end = memchr(b'\n', &data).map_or(data.len(), |at| at + 1);
            let part = data.split_to(end);
            if memchr(0, &part).is_some() {
                return Err(CutError::NulByte { line: *line });
            }
            *quoted ^= memchr::memchr_iter(b'"', &part).count() % 2 == 1;
            bytes.extend_from_slice(&part);
            if !*marked && bytes.len() >= BYTE_ORDER_MARK.len() {
                *marked = true;
                if bytes.starts_with(&BYTE_ORDER_MARK) {
                    let _ = bytes.split_to(BYTE_ORDER_MARK.len());
                }
            }
            let limit = self.scanner.record_max;
            if bytes.len() > limit.saturating_add(2) {
                return Err(match quoted {
                    true => CutError::QuoteUnclosed { line: *line },
                    false => CutError::LineTooLong { line: *line, limit },
                });
            }
            if bytes.last() != Some(&b'\n') || *quoted {
                continue;
            }
            let record = without_line_end(std::mem::take(bytes).freeze());
            if record.is_empty() {
                *line += 1;
                continue;
            }
            let next_line = *line + line_ends(&record) + 1;
            self.scanner.begin(separator(&record), *line, next_line);
            self.chunk_line = next_line;
            self.head = Head::Done(without_mark(record));
            return Ok(data);
        }
        Ok(data)
    }
}

fn without_line_end(mut record: Bytes) -> Bytes {
    if record.last() == Some(&b'\n') {
        record.truncate(record.len() - 1);
    }
    if record.last() == Some(&b'\r') {
        record.truncate(record.len() - 1);
    }
    record
}

fn without_mark(record: Bytes) -> Bytes {
    if record.starts_with(&BYTE_ORDER_MARK) { record.slice(BYTE_ORDER_MARK.len()..) } else { record }
}

/// Finds record ends in the data part of the stream, across inputs.
#[derive(Debug)]
struct Scanner {
    record_max: usize,
    separator: u8,
    header_line: u64,
    state: State,
    /// Lines that ended before the next byte, plus one.
    line: u64,
    /// The record that is open at the next byte: its line and its bytes so far.
    record_line: u64,
    record_bytes: usize,
    quote_line: u64,
    /// A place in the block under scan and its line: lines are counted on from there, once each.
    counted: (usize, u64),
    /// The last byte seen; a line end before the first, because a record begins there.
    last: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    /// After a quote inside quotes: the next byte tells whether it was doubled.
    Closing,
}

impl Scanner {
    fn new(record_max: usize) -> Self {
        Self {
            record_max,
            separator: b',',
            header_line: 1,
            state: State::Outside,
            line: 1,
            record_line: 1,
            record_bytes: 0,
            quote_line: 1,
            counted: (0, 1),
            last: b'\n',
        }
    }

    fn begin(&mut self, separator: u8, header_line: u64, line: u64) {
        self.separator = separator;
        self.header_line = header_line;
        self.line = line;
        self.record_line = line;
    }

    /// Scans the next bytes; gives the position after the last record end among them.
    fn scan(&mut self, block: &[u8]) -> Result<Option<usize>, CutError> {
        if let Some(at) = memchr(0, block) {
            return Err(CutError::NulByte { line: self.line + line_ends(&block[..at]) });
        }
        let mut end = None;
        let mut at = 0;
        self.counted = (0, self.line);
        while at < block.len() {
            at = match self.state {
                State::Outside => self.outside(block, at, &mut end)?,
                State::Inside => self.inside(block, at)?,
                State::Closing => {
                    let doubled = block[at] == b'"';
                    self.state = if doubled { State::Inside } else { State::Outside };
                    if doubled {
                        self.grow(1)?
                    };
                    at + usize::from(doubled)
                }
            };
        }
        self.last = block.last().copied().unwrap_or(self.last);
        self.line += line_ends(block);
        if let Some(end) = end {
            self.record_line = self.line - line_ends(&block[end..]);
        }
        Ok(end)
    }

    /// Goes on outside quotes until one opens or the block ends.
    fn outside(&mut self, block: &[u8], from: usize, end: &mut Option<usize>) -> Result<usize, CutError> {
        let mut search = from;
        let stop = loop {
            let Some(found) = memchr(b'"', &block[search..]) else { break block.len() };
            let quote = search + found;
            let before = if quote == 0 { self.last } else { block[quote - 1] };
            // Only the first byte of a cell opens quotes. A quote that closed one never does, for the
            // byte before it is a quote or text.
            if before == self.separator || before == b'\n' {
                break quote;
            }
            search = quote + 1;
        };
        let open_line = self.record_line;
        self.records(block, from, stop, end)
            .map_err(|long_from| self.too_long(block, long_from, open_line))?;
        if stop == block.len() {
            return Ok(stop);
        }
        self.state = State::Inside;
        let (counted, line) = self.counted;
        self.quote_line = line + line_ends(&block[counted..stop]);
        self.counted = (stop, self.quote_line);
        self.grow(1)?;
        Ok(stop + 1)
    }

    /// Steps over the record ends in `from..stop` in strides of the greatest record, so that each
    /// record's length is checked without visiting each line end. On a record that is too long gives
    /// where it begins, None when in an earlier block.
    fn records(
        &mut self,
        block: &[u8],
        from: usize,
        stop: usize,
        end: &mut Option<usize>,
    ) -> Result<(), Option<usize>> {
        let mut at = from;
        while at < stop {
            let room = (self.record_max + 1).saturating_sub(self.record_bytes);
            let window = stop.min(at.saturating_add(room));
            match memrchr(b'\n', &block[at..window]) {
                Some(found) => {
                    at += found + 1;
                    *end = Some(at);
                    self.record_bytes = 0;
                }
                None if window == stop && self.record_bytes + (stop - at) <= self.record_max => {
                    self.record_bytes += stop - at;
                    at = stop;
                }
                None => return Err(*end),
            }
        }
        Ok(())
    }

    fn too_long(&self, block: &[u8], from: Option<usize>, open_line: u64) -> CutError {
        let line = from.map_or(open_line, |from| self.line + line_ends(&block[..from]));
        CutError::LineTooLong { line, limit: self.record_max }
    }

    /// Goes on inside quotes until the next quote.
    fn inside(&mut self, block: &[u8], from: usize) -> Result<usize, CutError> {
        match memchr(b'"', &block[from..]) {
            Some(found) => {
                self.grow(found + 1)?;
                self.state = State::Closing;
                Ok(from + found + 1)
            }
            None => {
                self.grow(block.len() - from)?;
                Ok(block.len())
            }
        }
    }

    /// A record that outgrows the limit inside quotes has most likely a quote that nobody closed.
    fn grow(&mut self, bytes: usize) -> Result<(), CutError> {
        self.record_bytes += bytes;
        if self.record_bytes > self.record_max {
            return Err(CutError::QuoteUnclosed { line: self.quote_line });
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), CutError> {
        match self.state {
            State::Inside => Err(CutError::QuoteUnclosed { line: self.quote_line }),
            State::Outside | State::Closing => Ok(()),
        }
    }
}
