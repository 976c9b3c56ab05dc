//! Splitting a chunk into records and cells, once, before its columns are parsed.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

/// Set in a span's start when the cell's quotes are still on and must be taken off.
const QUOTED: u32 = 1 << 31;

/// Where a cell lies in its chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The cells of a chunk, row by row. Records with another number of cells than the header are set
/// apart in [`Cells::misfits`].
#[derive(Debug)]
pub struct Cells<'a> {
    data: &'a [u8],
    width: usize,
    spans: Vec<Span>,
    lines: Vec<u64>,
    misfits: Vec<Misfit>,
    longer: Vec<u64>,
}

/// A record whose number of cells differs from the header's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// File line of the record.
    pub line: u64,
    /// How many cells it has.
    pub cells: usize,
    /// Where the record lies in its chunk, without its line end.
    pub range: Range<usize>,
}

impl<'a> Cells<'a> {
    /// Splits a chunk of whole records of `width` cells; `data` is shorter than 2 GiB.
    pub fn split(data: &'a [u8], separator: u8, width: usize, first_line: u64) -> Self {
        let rows = data.len() / (width * 6).max(16) + 1;
        let cells = Self {
            data,
            width,
            spans: Vec::with_capacity(rows * width),
            lines: Vec::with_capacity(rows),
            misfits: Vec::new(),
            longer: Vec::new(),
        };
        let mut splitter =
            Splitter { cells, separator, line: first_line, start: 0, count: 0, quoted_lines: 0 };
        splitter.run(separator);
        splitter.cells
    }

    /// Cells that another reader found, `width` of them for each line, without quotes.
    pub(crate) fn found(data: &'a [u8], width: usize, spans: Vec<Span>, lines: Vec<u64>) -> Self {
        Self { data, width, spans, lines, misfits: Vec::new(), longer: Vec::new() }
    }

    /// Number of records of the right width.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// File line of each row.
    pub fn lines(&self) -> &[u64] {
        &self.lines
    }

    /// File line of each row, without the cells.
    pub fn into_lines(self) -> Vec<u64> {
        self.lines
    }

    /// Records of another width, in file order; they are no rows.
    pub fn misfits(&self) -> &[Misfit] {
        &self.misfits
    }

    /// Lines of rows that had more cells than the header, all of them empty; those are left out.
    pub fn longer(&self) -> &[u64] {
        &self.longer
    }

    /// Bytes of a cell: its text, or its text with quotes still on (see [`unquote`]) when the flag is set.
    #[inline]
    pub(crate) fn raw(&self, row: usize, column: usize) -> (&'a [u8], bool) {
        let span = self.spans[row * self.width + column];
        let start = span.start & !QUOTED;
        (&self.data[start as usize..span.end as usize], span.start & QUOTED != 0)
    }

    /// Text of a cell, quotes taken off.
    pub fn text(&self, row: usize, column: usize) -> Cow<'a, [u8]> {
        match self.raw(row, column) {
            (raw, false) => Cow::Borrowed(raw),
            (raw, true) => Cow::Owned(unquote(raw)),
        }
    }
}

/// Takes the quotes off a cell that begins with one; what follows the closing quote is kept.
pub fn unquote(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw.strip_prefix(b"\"").unwrap_or(raw);
    while let Some(quote) = memchr(b'"', rest) {
        text.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        if rest.first() != Some(&b'"') {
            break;
        }
        text.push(b'"');
        rest = &rest[1..];
    }
    text.extend_from_slice(rest);
    text
}

struct Splitter<'a> {
    cells: Cells<'a>,
    separator: u8,
    line: u64,
    /// Where the open cell begins.
    start: usize,
    /// Cells of the open record so far.
    count: usize,
    /// Line ends inside quotes of the open record.
    quoted_lines: u64,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// Marks in the high bit of each byte of `word` whether it equals `needle`'s byte, exactly.
#[inline]
fn equal(word: u64, needle: u64) -> u64 {
    let x = word ^ needle;
    !(((x & LOW) + LOW) | x | LOW)
}

impl Splitter<'_> {
    fn run(&mut self, separator: u8) {
        let data = self.cells.data;
        let (sep, end, quote) =
            (ONES * u64::from(separator), ONES * u64::from(b'\n'), ONES * u64::from(b'"'));
        let mut at = 0;
        while at < data.len() {
            let word = match data[at..].first_chunk::<8>() {
                Some(eight) => u64::from_le_bytes(*eight),
                None => {
                    let mut eight = [0; 8];
                    eight[..data.len() - at].copy_from_slice(&data[at..]);
                    u64::from_le_bytes(eight)
                }
            };
            let mut hits = equal(word, sep) | equal(word, end) | equal(word, quote);
            let mut next = at + 8;
            while hits != 0 {
                let position = at + (hits.trailing_zeros() / 8) as usize;
                hits &= hits - 1;
                match data[position] {
                    b'\n' => self.end_record(position),
                    b'"' if position == self.start => {
                        next = self.quoted(position, separator);
                        break;
                    }
                    b'"' => {}
                    _ => {
                        self.end_cell(position, 0);
                        self.start = position + 1;
                    }
                }
            }
            at = next;
        }
        if self.start < data.len() || self.count > 0 {
            self.end_record(data.len());
        }
    }

    /// Walks over a quoted cell; gives where to go on: its separator, its line end, or the text after it.
    fn quoted(&mut self, open: usize, separator: u8) -> usize {
        let data = self.cells.data;
        let (mut at, mut doubled) = (open + 1, false);
        let close = loop {
            let Some(found) = memchr(b'"', &data[at..]) else { break data.len() };
            let quote = at + found;
            if data.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            doubled = true;
            at = quote + 2;
        };
        self.quoted_lines += super::line_ends(&data[open..close]);
        let after = (close + 1).min(data.len());
        let plain = !doubled && close < data.len();
        match data[after..] {
            [first, ..] if plain && first == separator => {
                self.push(open + 1, close, 0);
                self.start = after + 1;
                after + 1
            }
            [b'\n', ..] | [b'\r', b'\n', ..] | [] if plain => {
                self.push(open + 1, close, 0);
                let line_end = after + usize::from(data.get(after) == Some(&b'\r'));
                self.close_record(after);
                self.start = (line_end + 1).min(data.len());
                self.start
            }
            // Doubled quotes or text after the closing quote: the cell goes on to its end, quotes on.
            _ => self.rest_of_quoted(after, separator),
        }
    }

    fn rest_of_quoted(&mut self, after: usize, separator: u8) -> usize {
        let data = self.cells.data;
        match memchr::memchr2(separator, b'\n', &data[after..]).map(|found| after + found) {
            Some(at) if data[at] == separator => {
                self.end_cell(at, QUOTED);
                self.start = at + 1;
                at + 1
            }
            Some(line_end) => {
                let carriage = line_end > after && data[line_end - 1] == b'\r';
                self.end_cell(line_end - usize::from(carriage), QUOTED);
                self.close_record(line_end - usize::from(carriage));
                self.start = line_end + 1;
                self.start
            }
            None => {
                self.end_cell(data.len(), QUOTED);
                self.close_record(data.len());
                self.start = data.len();
                self.start
            }
        }
    }

    #[inline]
    fn end_cell(&mut self, end: usize, flag: u32) {
        self.push(self.start, end, flag);
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, flag: u32) {
        self.count += 1;
        // Cells past the header's width are counted only: the record is a misfit.
        if self.count <= self.cells.width {
            self.cells.spans.push(Span { start: start as u32 | flag, end: end as u32 });
        }
    }

    #[inline]
    fn end_record(&mut self, line_end: usize) {
        let data = self.cells.data;
        let carriage = line_end > self.start && data[line_end - 1] == b'\r' && line_end < data.len();
        let end = line_end - usize::from(carriage);
        if self.count == 0 && end == self.start {
            self.line += 1;
        } else {
            self.end_cell(end, 0);
            self.close_record(end);
        }
        self.start = line_end + 1;
    }

    /// Closes the record that ends here, its line end not included.
    #[inline]
    fn close_record(&mut self, end: usize) {
        if self.count == self.cells.width {
            self.cells.lines.push(self.line);
        } else {
            self.misfit(end);
        }
        self.count = 0;
        self.line += 1 + self.quoted_lines;
        self.quoted_lines = 0;
    }

    /// A record of another width: a row when nothing stands in the cells behind the last column.
    #[cold]
    fn misfit(&mut self, end: usize) {
        let first = self.cells.spans.get(self.cells.lines.len() * self.cells.width);
        let record = first.map_or(end, |first| (first.start & !QUOTED) as usize).min(end)..end;
        let filled = self.cells.lines.len() * self.cells.width + self.cells.width;
        let last = self.cells.spans.last().filter(|_| self.cells.spans.len() == filled);
        let behind = last.map_or(0..0, |last| last.end as usize..end);
        let nothing = |byte: &u8| *byte == self.separator || matches!(byte, b' ' | b'\t' | b'"');
        if self.count > self.cells.width
            && self.cells.width > 0
            && self.cells.data[behind].iter().all(nothing)
        {
            self.cells.longer.push(self.line);
            self.cells.lines.push(self.line);
            return;
        }
        let kept = self.cells.lines.len() * self.cells.width;
        self.cells.spans.truncate(kept);
        self.cells.misfits.push(Misfit { line: self.line, cells: self.count, range: record });
    }
}
