//! Workbooks (XLSX, XLS, ODS, SpreadsheetML): one of their sheets, row by row, as text that goes the way of a CSV.
//!
//! What a workbook claims is bounded before it is unpacked, and each row of the sheet is one line, so that a
//! finding names the row that the sheet shows.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::Checker;
use super::messages::office::{sheet_aside, workbook_unreadable};
use super::messages::structural;
use super::pieces::{HEAD_BYTES, HEAD_RECORDS, ReadAt};
use super::stream::Stop;
use crate::csv::foreign;
use crate::report::{Code, Findings};

mod ods;
mod package;
mod rows;
pub(super) mod spreadsheetml;
mod xls;
mod xlsx;

use rows::RowText;

/// Bounds of a workbook. A laptop keeps them as the hub does.
pub(super) mod limits {
    /// Sheets of a workbook.
    pub(super) const SHEETS: usize = 64;
    /// Rows of a sheet, as in the formats themselves.
    pub(super) const ROWS: u32 = 1_048_576;
    /// Columns of a sheet.
    pub(super) const COLUMNS: u32 = 500;
    /// Cells of a sheet that hold something.
    pub(super) const CELLS: u64 = 20_000_000;
    /// Bytes of a sheet's text.
    pub(super) const TEXT_BYTES: usize = 256 << 20;
    /// Parts of a package.
    pub(super) const PARTS: usize = 1_000;
    /// Bytes of one part, unpacked.
    pub(super) const PART_BYTES: u64 = 512 << 20;
    /// Bytes of all parts, unpacked.
    pub(super) const UNPACKED_BYTES: u64 = 768 << 20;
    /// Bytes of the texts that the cells of an XLSX share, unpacked.
    pub(super) const SHARED_STRINGS_BYTES: u64 = 64 << 20;
    /// Bytes of an XLS, which is read whole.
    pub(super) const XLS_BYTES: u64 = 32 << 20;
    /// Cells between the corners of the sheets of an XLS, empty ones included.
    pub(super) const XLS_CELLS: u64 = 4_000_000;
}

/// Separates the cells of a row's text.
pub(super) const SEPARATOR: u8 = b'\t';
/// Bytes of a block of a sheet's text.
const BLOCK_BYTES: usize = 1 << 20;

/// Why a workbook cannot be read, in Polish and in English.
#[derive(Debug)]
pub(super) struct Fault {
    pl: String,
    en: String,
}

impl Fault {
    fn new(pl: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pl: pl.into(), en: en.into() }
    }

    /// More of something than is accepted.
    fn over(pl: &str, en: &str, most: impl std::fmt::Display) -> Self {
        Self::new(
            format!("{pl}: przyjmuje się najwyżej {most}"),
            format!("{en}: at most {most} are accepted"),
        )
    }

    /// What the format's reader says.
    fn broken(error: impl std::fmt::Display) -> Self {
        let text: String = error.to_string().chars().take(200).collect();
        Self::new(format!("skoroszyt jest uszkodzony ({text})"), format!("the workbook is damaged ({text})"))
    }
}

/// A sheet of a workbook.
#[derive(Debug, Clone)]
struct Sheet {
    name: String,
    visible: bool,
}

/// A workbook that is open.
trait Book {
    fn sheets(&self) -> Vec<Sheet>;
    /// Reads a sheet's rows, or the first of them.
    fn read(&mut self, sheet: usize, most: u32) -> Result<RowText, Fault>;
}

/// A payload as a file.
#[derive(Debug, Clone)]
pub(super) struct File {
    payload: Arc<dyn ReadAt>,
    at: u64,
    length: u64,
}

impl File {
    fn new(payload: Arc<dyn ReadAt>) -> io::Result<Self> {
        let length = payload.bytes()?;
        Ok(Self { payload, at: 0, length })
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.payload.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// The chosen sheet's text, block by block.
#[derive(Debug)]
pub(super) struct SheetText<'a> {
    checker: &'a Checker,
    payload: Arc<dyn ReadAt>,
    /// The rows and how many of them are given; None before the workbook is read.
    rows: Option<(RowText, usize)>,
    early: Findings,
}

impl<'a> SheetText<'a> {
    pub(super) fn new(checker: &'a Checker, payload: Arc<dyn ReadAt>) -> Self {
        Self { checker, payload, rows: None, early: Findings::default() }
    }

    pub(super) fn early(&mut self) -> Findings {
        std::mem::take(&mut self.early)
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        if self.rows.is_none() {
            let rows = self.open()?;
            self.rows = Some((rows, 0));
        }
        Ok(self.rows.as_mut().and_then(|(rows, given)| rows.block(given, BLOCK_BYTES)))
    }

    fn open(&mut self) -> Result<RowText, Stop> {
        let mut file = File::new(Arc::clone(&self.payload))?;
        let mut first = Vec::with_capacity(spreadsheetml::HEAD_BYTES);
        Read::by_ref(&mut file).take(spreadsheetml::HEAD_BYTES as u64).read_to_end(&mut first)?;
        file.at = 0;
        let checker = self.checker;
        // The readers of these formats may still panic on some bytes; that is the sender's fault, not ours.
        let read = catch_unwind(AssertUnwindSafe(|| read(checker, &first, file)));
        match read {
            Ok(Ok((rows, early))) => {
                self.early = early;
                Ok(rows)
            }
            Ok(Err(findings)) => Err(findings.into()),
            Err(_) => {
                let mut findings = Findings::default();
                findings.add(workbook_unreadable("skoroszyt jest uszkodzony", "the workbook is damaged"));
                Err(findings.into())
            }
        }
    }
}

/// The chosen sheet of a workbook, and what is to be told of the others.
fn read(checker: &Checker, first: &[u8], file: File) -> Result<(RowText, Findings), Findings> {
    let broken = |fault: Fault| {
        let mut findings = Findings::default();
        findings.add(workbook_unreadable(&fault.pl, &fault.en));
        findings
    };
    let mut book = book(first, file).map_err(|fault| match fault {
        Opening::Foreign(format) => {
            let mut findings = Findings::default();
            findings.add(structural(checker, Code::FormatMismatch, 0, "", format));
            findings
        }
        Opening::Fault(fault) => broken(fault),
    })?;
    let sheets = book.sheets();
    if sheets.len() > limits::SHEETS {
        return Err(broken(Fault::over("za dużo arkuszy", "too many sheets", limits::SHEETS)));
    }
    let chosen = choose(checker, book.as_mut(), &sheets).map_err(|stopped| match stopped {
        Choice::Fault(fault) => broken(fault),
        Choice::Ambiguous(names) => {
            let mut findings = Findings::default();
            findings.add(structural(checker, Code::SheetAmbiguous, 0, "", &names));
            findings
        }
    })?;
    let mut rows = book.read(chosen.sheet, limits::ROWS).map_err(broken)?;
    let mut early = Findings::default();
    for name in chosen.others {
        early.add(sheet_aside(&sheets[chosen.sheet].name, &name));
    }
    if let Some((row, count)) = rows.unresolved() {
        let (line, count) = (u64::from(row) + 1, count.to_string());
        early.add(structural(checker, Code::FormulaUnresolved, line, "", &count));
    }
    rows.close();
    Ok((rows, early))
}

enum Opening {
    /// The bytes are of a format that is no workbook.
    Foreign(&'static str),
    Fault(Fault),
}

impl From<Fault> for Opening {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Opens a workbook by what its bytes are: a name with the extension of another one is no fault.
fn book(first: &[u8], file: File) -> Result<Box<dyn Book>, Opening> {
    match first {
        [] => Err(Fault::new("plik jest pusty", "it is empty").into()),
        [b'P', b'K', 3, 4, ..] => {
            let package = package::Package::open(file)?;
            if package.is_open_document() {
                return Ok(Box::new(ods::Ods::open(package)?));
            }
            Ok(Box::new(xlsx::Book::open(package)?))
        }
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Ok(Box::new(xls::Book::open(file)?)),
        xml if spreadsheetml::begins(xml) => Ok(Box::new(spreadsheetml::Spreadsheet::open(file)?)),
        other => Err(Opening::Foreign(foreign(other).unwrap_or("CSV / TXT"))),
    }
}

enum Choice {
    Fault(Fault),
    Ambiguous(String),
}

/// The sheet that is read, and the names of others that hold something.
struct Chosen {
    sheet: usize,
    others: Vec<String>,
}

/// Chooses the visible sheet whose head names most columns of the pattern; two of the kind are told, not guessed.
fn choose(checker: &Checker, book: &mut dyn Book, sheets: &[Sheet]) -> Result<Chosen, Choice> {
    let mut named: Vec<(usize, usize)> = Vec::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let mut head = book.read(at, HEAD_RECORDS as u32).map_err(Choice::Fault)?;
        head.close();
        let text = head.block(&mut 0, HEAD_BYTES).unwrap_or_default();
        if text.trim_ascii().is_empty() {
            continue;
        }
        let found = checker.find_head(&text[..text.len().min(HEAD_BYTES)], Some(SEPARATOR));
        let columns = found.filter(|_| sheet.visible).map_or(0, |head| head.columns);
        named.push((at, columns));
    }
    let most = named.iter().map(|(_, columns)| *columns).max().unwrap_or(0);
    let mut best = named.iter().filter(|(_, columns)| *columns == most).map(|(at, _)| *at);
    let sheet = best.next().unwrap_or(0);
    if most > 0
        && let Some(second) = best.next()
    {
        return Err(Choice::Ambiguous(format!("„{}”, „{}”", sheets[sheet].name, sheets[second].name)));
    }
    let others = named.iter().filter(|(at, _)| *at != sheet).map(|(at, _)| sheets[*at].name.clone());
    Ok(Chosen { sheet, others: others.collect() })
}

#[cfg(test)]
mod tests;
