//! Where a table that an office made begins: titles may stand above the header, a header may have two rows, and
//! its columns may be numbered below it. A file that begins with its header is not looked at twice.

use std::collections::HashSet;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::check::header::{Named, names};
use crate::check::lenient::rows::Aside;
use crate::check::{Checker, HeaderPlan};
use crate::csv::{Chunk, CutError, Cutter, separator};
use crate::report::{Change, Example, Findings, Normalised};

/// Bytes in which the header must stand.
pub(in crate::check) const HEAD_BYTES: usize = 64 << 10;
/// Records in which the header must stand.
pub(in crate::check) const HEAD_RECORDS: usize = 60;
/// Lines that one record above the data may have.
const RECORD_LINES: usize = 20;

/// A record above the data.
#[derive(Debug)]
struct Record {
    range: Range<usize>,
    line: u64,
    names: Vec<String>,
    separator: u8,
}

impl Record {
    fn is_blank(&self) -> bool {
        self.names.iter().all(String::is_empty)
    }
}

/// The header that was found.
#[derive(Debug)]
pub(in crate::check) struct Head {
    pub(in crate::check) names: Vec<String>,
    pub(in crate::check) separator: u8,
    pub(in crate::check) line: u64,
    /// How many columns of the pattern it names.
    pub(in crate::check) columns: usize,
    /// Where the data begin.
    data: usize,
    data_line: u64,
    /// Rows above the data that are not the header.
    aside: Vec<(Aside, u64, String)>,
    /// Names that were put together out of two rows.
    joined: u64,
    of_sheet: bool,
}

impl Checker {
    /// Looks for the header in the first bytes of a table; `fixed` is the separator where it is known. None when
    /// no row names a column of the pattern.
    pub(in crate::check) fn find_head(&self, bytes: &[u8], fixed: Option<u8>) -> Option<Head> {
        let mut next = Records { bytes, at: 0, line: 1, fixed, left: HEAD_RECORDS };
        let mut records: Vec<Record> = Vec::new();
        // The best row; of equal ones the first, and one row before two.
        let mut best: Option<(usize, usize, Vec<String>, u64)> = None;
        for (at, record) in next.by_ref().enumerate() {
            let columns = self.columns_in(&record.names);
            let better = columns > best.as_ref().map_or(0, |best| best.0);
            if better {
                best = Some((columns, at, record.names.clone(), 0));
            }
            let through = better && self.is_whole(&record.names);
            if let Some((names, joined)) = records.last().and_then(|above| self.joined(above, &record)) {
                let columns = self.columns_in(&names);
                if !through && columns > best.as_ref().map_or(0, |best| best.0) {
                    best = Some((columns, at, names, joined));
                }
            }
            records.push(record);
            if through {
                break;
            }
        }
        records.extend(next.next());
        let (columns, at, names, joined) = best?;
        let upper = at - usize::from(joined > 0);
        let text = |record: &Record| {
            let filled = record.names.iter().filter(|name| !name.is_empty());
            filled.map(String::as_str).collect::<Vec<_>>().join(" ")
        };
        let mut aside: Vec<_> = records[..upper]
            .iter()
            .map(|record| {
                let what = if record.is_blank() { Aside::Empty } else { Aside::Title };
                (what, record.line, text(record))
            })
            .collect();
        let mut last = at;
        if let Some(next) = records.get(at + 1).filter(|next| numbers(&next.names, &names)) {
            aside.push((Aside::Numbers, next.line, text(next)));
            last = at + 1;
        }
        let header = &records[at];
        let data = records[last].range.end;
        let data_line = 1 + memchr::memchr_iter(b'\n', &bytes[..data]).count() as u64;
        let (separator, line) = (header.separator, header.line);
        Some(Head {
            names,
            separator,
            line,
            columns,
            data,
            data_line,
            aside,
            joined,
            of_sheet: fixed.is_some(),
        })
    }

    /// How many columns of the pattern are among the names.
    fn columns_in(&self, names: &[String]) -> usize {
        let mut columns: Vec<usize> = names.iter().filter_map(|name| self.column(name)).collect();
        columns.sort_unstable();
        columns.dedup();
        columns.len().max(self.table_columns_in(names))
    }

    fn column(&self, name: &str) -> Option<usize> {
        match self.named(name) {
            Named::Column(column) => Some(column),
            _ => None,
        }
    }

    /// True for a header that nothing is wrong with: all its names are known, and no column that must be there lacks.
    fn is_whole(&self, names: &[String]) -> bool {
        let there: HashSet<usize> = names.iter().filter_map(|name| self.column(name)).collect();
        let lacks = |column: usize| !self.may_lack(column) && !there.contains(&column);
        names.iter().all(|name| self.is_known(name)) && !(0..self.columns.len()).any(lacks)
    }

    /// True for what may stand in a header without a finding.
    fn is_known(&self, name: &str) -> bool {
        name.is_empty() || matches!(self.named(name), Named::Column(_) | Named::SetAside)
    }

    /// The names of a header of two rows: a name stands in the lower row, or in the upper one over an empty cell,
    /// or begins in the upper row, whose cell may reach over several columns, and ends in the lower one.
    fn joined(&self, upper: &Record, lower: &Record) -> Option<(Vec<String>, u64)> {
        if upper.names.len() != lower.names.len() || upper.is_blank() || lower.is_blank() {
            return None;
        }
        let (mut reaching, mut joined) = ("", 0);
        let mut names = Vec::with_capacity(lower.names.len());
        for (upper, lower) in upper.names.iter().zip(&lower.names) {
            if !upper.is_empty() {
                reaching = upper;
            }
            let both = format!("{reaching} {lower}");
            let name = match lower.as_str() {
                "" => upper.clone(),
                lower if self.is_known(lower) => lower.to_owned(),
                _ if self.is_known(&both) => both,
                // Only the upper row's own name may stand alone: the one it reaches over says something else.
                _ if self.is_known(upper) && !upper.is_empty() => upper.clone(),
                lower => lower.to_owned(),
            };
            joined += u64::from(name != *lower);
            names.push(name);
        }
        (joined > 0).then_some((names, joined))
    }
}

impl Head {
    /// Matches the header with the pattern, and tells of what stands around it.
    fn plan(&self, checker: &Checker) -> Result<(HeaderPlan, Findings), Findings> {
        let (mut plan, mut findings) = checker.header_named(&self.names, self.separator, self.line)?;
        plan.breaks = self.of_sheet;
        for (what, line, text) in &self.aside {
            checker.tell_aside(&mut findings, *what, *line, text);
        }
        if self.joined > 0 {
            let example = Example { row: self.line, from: String::new(), to: String::new() };
            findings.normalise(Normalised {
                change: Change::HeaderJoined,
                column: String::new(),
                count: self.joined,
                examples: vec![example],
            });
        }
        Ok((plan, findings))
    }
}

/// The records of a table from its beginning; those of nothing but a line end are left out.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    /// The separator where it is known.
    fixed: Option<u8>,
    /// How many may still be read.
    left: usize,
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            self.left = self.left.checked_sub(1)?;
            let (content, length, lines) = record(rest)?;
            let (start, line) = (self.at, self.line);
            (self.at, self.line) = (start + length, line + lines);
            if content > 0 {
                let text = &rest[..content];
                let separator = self.fixed.unwrap_or_else(|| separator(text));
                let range = start..self.at;
                return Some(Record { range, line, names: names(text, separator), separator });
            }
        }
    }
}

/// Length of the first record, length with its line end, and its lines. A quote that is not closed soon is an
/// ordinary character of a title.
fn record(bytes: &[u8]) -> Option<(usize, usize, u64)> {
    let ends = memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())).take(RECORD_LINES);
    let mut first = None;
    for (lines, end) in ends.enumerate() {
        let content = bytes[..end].strip_suffix(b"\r").map_or(end, <[u8]>::len);
        let found = (content, (end + 1).min(bytes.len()), lines as u64 + 1);
        if memchr::memchr_iter(b'"', &bytes[..end]).count().is_multiple_of(2) {
            return Some(found);
        }
        first = first.or(Some(found));
    }
    first
}

/// True for a row that numbers all columns: 1, 2, 3 … as forms do. Columns of an error file, which are the last, are
/// not numbered.
fn numbers(cells: &[String], names: &[String]) -> bool {
    const COLUMNS_MIN: usize = 4;
    let width = names.iter().rposition(|name| !name.starts_with('_')).map_or(0, |last| last + 1);
    let cells = if cells.len() == names.len() { &cells[..width] } else { cells };
    let number = |cell: &String| cell.trim_matches(['(', ')', '.', ' ']).parse::<usize>().ok();
    width >= COLUMNS_MIN
        && cells.len() == width
        && cells.iter().enumerate().all(|(at, cell)| number(cell) == Some(at + 1))
}

/// Cuts a table whose header is first looked for.
#[derive(Debug)]
pub(super) struct HeadCutter<'a> {
    checker: &'a Checker,
    target: usize,
    record_max: usize,
    /// The separator where it is known.
    fixed: Option<u8>,
    /// The first bytes, until the header is found in them.
    first: BytesMut,
    cutter: Option<Cutter>,
    head: Option<Head>,
}

impl<'a> HeadCutter<'a> {
    pub(super) fn new(checker: &'a Checker, target: usize, record_max: usize, fixed: Option<u8>) -> Self {
        let first = BytesMut::new();
        Self { checker, target, record_max, fixed, first, cutter: None, head: None }
    }

    pub(super) fn cut(&mut self, block: Option<Bytes>) -> Result<Vec<Chunk>, CutError> {
        let ended = block.is_none();
        let mut chunks = match (&mut self.cutter, block) {
            (Some(cutter), Some(block)) => cutter.push(block)?,
            (Some(_), None) => Vec::new(),
            (None, block) => {
                let block = block.unwrap_or_default();
                let first = self.gathered(block);
                if !ended && first.len() < HEAD_BYTES {
                    self.first = BytesMut::from(first);
                    return Ok(Vec::new());
                }
                self.begin(first)?
            }
        };
        if let (true, Some(cutter)) = (ended, &mut self.cutter) {
            chunks.extend(cutter.finish()?);
        }
        Ok(chunks)
    }

    fn gathered(&mut self, block: Bytes) -> Bytes {
        if self.first.is_empty() {
            return block;
        }
        self.first.extend_from_slice(&block);
        std::mem::take(&mut self.first).freeze()
    }

    fn begin(&mut self, mut first: Bytes) -> Result<Vec<Chunk>, CutError> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        if first.starts_with(MARK) {
            first = first.slice(MARK.len()..);
        }
        let head = self.checker.find_head(&first[..first.len().min(HEAD_BYTES)], self.fixed);
        let readable = memchr::memchr(0, &first[..first.len().min(HEAD_BYTES)]).is_none();
        let (mut cutter, rest) = match head.filter(|_| readable) {
            Some(head) => {
                let names = Bytes::from(head.names.join(","));
                let (separator, line) = (head.separator, head.data_line);
                let cutter = Cutter::behind(names, separator, line, self.target, self.record_max);
                let rest = first.slice(head.data..);
                self.head = Some(head);
                (cutter, rest)
            }
            None => (Cutter::new(self.target, self.record_max), first),
        };
        let chunks = cutter.push(rest);
        self.cutter = Some(cutter);
        chunks
    }

    pub(super) fn plan(&self, checker: &Checker) -> Result<Option<(HeaderPlan, Findings)>, Findings> {
        match (&self.head, &self.cutter) {
            (Some(head), _) => head.plan(checker).map(Some),
            (None, Some(cutter)) => cutter.header().map(|header| checker.header(header)).transpose(),
            (None, None) => Ok(None),
        }
    }
}
