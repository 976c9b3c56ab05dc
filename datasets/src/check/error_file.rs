//! The error file: the sender's own rows and columns with findings beside them. Corrected and sent back as it is
//! it is the correction, for columns whose names begin with `_` are set aside when it is read.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};

use super::documents::Rows;
use super::header::{Named, names};
use super::lenient::text::BREAK;
use super::pieces::{Blocks, HEAD_BYTES, Office, ReadAt, is_workbook};
use super::sheets::{SEPARATOR, SheetText};
use super::stream::Stop;
use super::{Checker, Context, personal};
use crate::MediaType;
use crate::pattern::{DocumentForm, Sensitivity};
use crate::report::{Code, Language, Report, Severity, Violation};

/// The column in which findings stand.
pub const FINDINGS_COLUMN: &str = "_uwagi";

/// Bytes of a table that are turned into UTF-8 at once.
const BLOCK_BYTES: usize = 1 << 18;

/// Why there is no error file.
#[derive(Debug, thiserror::Error)]
pub enum NoErrorFile {
    /// What is wrong is wrong with the file as a whole, or it is no table: there are no rows beside which to say it.
    #[error("there are no rows beside which to say what is wrong")]
    NoRows,
    /// What is wrong is in no cell: corrected cells would leave it as it is.
    #[error("no cell of a row holds what is wrong")]
    InTheSource,
    /// The bytes cannot be had.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A row of the sender's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRow {
    /// Its cells, as they were sent.
    pub cells: Vec<String>,
    /// What is beside them.
    pub beside: Beside,
}

/// What stands beside a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Nothing: the row stands above the header.
    Title,
    /// The name of the column of findings.
    Header,
    /// What is wrong with the row, empty where nothing is; the cells that it is about, and how grave it is.
    Findings {
        /// For people, in one line.
        text: String,
        /// Places of cells.
        cells: Vec<usize>,
        /// The gravest.
        worst: Option<Severity>,
    },
}

/// The rows of an error file, in the order of the sender's.
#[derive(Debug)]
pub struct ErrorRows<'a> {
    source: Source<'a>,
    language: Language,
    /// Findings by row; those of the file as a whole stand at 0.
    findings: BTreeMap<u64, Vec<&'a Violation>>,
    /// Place of a cell by the pattern's column.
    places: BTreeMap<&'a str, usize>,
    header: u64,
    width: usize,
    /// There is something to explain, and the sender's rows have no column for it.
    asks: bool,
    /// Names of columns that say what the sender's file does not say itself.
    constants: Vec<String>,
    /// The table is another system's.
    of_table: bool,
    /// The pattern takes no PESEL.
    masks_numbers: bool,
}

enum Source<'a> {
    Table { records: csv::Reader<Text<'a>>, of_sheet: bool },
    Document { rows: Box<Rows>, next: usize },
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Table { .. } => "Table",
            Self::Document { .. } => "Document",
        })
    }
}

impl Checker {
    /// The sender's rows beside what a report of the same payload found.
    pub fn error_rows<'a>(
        &'a self,
        media: MediaType,
        payload: Arc<dyn ReadAt>,
        report: &'a Report,
        language: Language,
    ) -> Result<ErrorRows<'a>, NoErrorFile> {
        let document = match media {
            MediaType::Json => Some(DocumentForm::Json),
            MediaType::Xml if !is_workbook(payload.as_ref()) => Some(DocumentForm::Xml),
            _ => None,
        };
        let only_in_the_source = |code: Code| match code {
            Code::FormulaUnresolved | Code::QuoteUnclosed | Code::LineTooLong | Code::NulByte => true,
            Code::SliceRepeated | Code::RowInvalid | Code::ColumnUnknown => document.is_some(),
            _ => false,
        };
        let grave = report.counts.iter().filter(|count| count.severity == Severity::Block);
        if grave.into_iter().any(|count| only_in_the_source(count.code)) {
            // The cells would not hold what is wrong: sent back uncorrected they would be accepted.
            return Err(NoErrorFile::InTheSource);
        }
        let mut findings: BTreeMap<u64, Vec<&Violation>> = BTreeMap::new();
        report.violations.iter().for_each(|found| findings.entry(found.row).or_default().push(found));
        if let Some(form) = document {
            let asks = report.unexplained() > 0;
            return Ok(ErrorRows { asks, ..self.document_rows(form, payload, findings, language)? });
        }
        let (blocks, fixed): (Box<dyn Blocks + 'a>, _) = match media {
            MediaType::Csv => (Box::new(Office::new(self, payload, BLOCK_BYTES)), None),
            MediaType::Xlsx | MediaType::Xls | MediaType::Ods | MediaType::Xml => {
                (Box::new(SheetText::new(self, payload)), Some(SEPARATOR))
            }
            MediaType::Json | MediaType::Ndjson | MediaType::ArrowStream | MediaType::Parquet => {
                return Err(NoErrorFile::NoRows);
            }
        };
        let mut text = Text { blocks, block: Bytes::new(), line_ended: true };
        let head = text.head()?;
        // A fault of the header hides it in the report.
        if text.blocks.early().counts.keys().any(|(code, ..)| *code == Code::FormulaUnresolved) {
            return Err(NoErrorFile::NoRows);
        }
        let (names, separator, header) = match self.find_head(&head, fixed) {
            Some(head) => (head.names, head.separator, head.line),
            None => {
                let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let separator = fixed.unwrap_or_else(|| crate::csv::separator(first));
                (names(first, separator), separator, 1)
            }
        };
        let records = csv::ReaderBuilder::new()
            // Lines are counted as the check counts them; what else ends one is taken off below.
            .terminator(csv::Terminator::Any(b'\n'))
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let source = Source::Table { records, of_sheet: fixed.is_some() };
        // What is wrong with the header is wrong with the file.
        let of_header = findings.remove(&header).unwrap_or_default();
        findings.entry(0).or_default().extend(of_header);
        let (places, width) = (self.places(&names), names.len());
        let has_column = names.iter().any(|name| self.named(name) == Named::Explanation);
        let of_table = self.table_columns_in(&names) > 0;
        let asks = report.unexplained() > 0 && !has_column && !of_table;
        let constants = if of_table { self.setting_columns(&names) } else { Vec::new() };
        let masks_numbers = self.masks_numbers();
        Ok(ErrorRows {
            source,
            language,
            findings,
            places,
            header,
            width,
            asks,
            constants,
            of_table,
            masks_numbers,
        })
    }

    fn document_rows<'a>(
        &'a self,
        form: DocumentForm,
        payload: Arc<dyn ReadAt>,
        findings: BTreeMap<u64, Vec<&'a Violation>>,
        language: Language,
    ) -> Result<ErrorRows<'a>, NoErrorFile> {
        let rows = Rows::open(self, form, &payload).map_err(|stop| match stop {
            Stop::Io(error) => NoErrorFile::Io(error),
            Stop::Findings(_) => NoErrorFile::NoRows,
        })?;
        let names: Vec<String> = rows.names().into_iter().map(str::to_owned).collect();
        let (places, width) = (self.places(&names), names.len());
        let source = Source::Document { rows: Box::new(rows), next: 0 };
        Ok(ErrorRows {
            source,
            language,
            findings,
            places,
            header: 0,
            width,
            asks: false,
            constants: Vec::new(),
            of_table: false,
            masks_numbers: self.masks_numbers(),
        })
    }

    fn masks_numbers(&self) -> bool {
        self.context().pattern.sensitivity != Sensitivity::Personal
    }

    fn places(&self, names: &[String]) -> BTreeMap<&str, usize> {
        let Context { pattern, .. } = self.context();
        let mut places = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            if let Named::Column(column) = self.named(name) {
                places.entry(pattern.columns[column].name.as_str()).or_insert(at);
            }
        }
        places
    }
}

impl ErrorRows<'_> {
    /// Cells of the header.
    pub fn width(&self) -> usize {
        self.width
    }

    /// True when the file needs a column in which the sender explains rows.
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// Names of columns that stand behind all others and are empty below: what the sender said of the file, as by its
    /// name. So the error file can be sent back under any name.
    pub fn constants(&self) -> &[String] {
        &self.constants
    }

    /// The next row; None at the end.
    pub fn next_row(&mut self) -> Result<Option<ErrorRow>, NoErrorFile> {
        match self.source {
            Source::Table { .. } => self.next_record(),
            Source::Document { .. } => Ok(self.next_of_document()),
        }
    }

    fn next_record(&mut self) -> Result<Option<ErrorRow>, NoErrorFile> {
        let Source::Table { records, of_sheet } = &mut self.source else { return Ok(None) };
        let mut record = csv::StringRecord::new();
        loop {
            let read = records.read_record(&mut record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => NoErrorFile::Io(error),
                _ => NoErrorFile::NoRows,
            })?;
            if !read {
                return Ok(None);
            }
            // Empty lines before a record are passed over with it.
            let first = record.position().map_or(0, csv::Position::line);
            let next = records.position().line();
            let breaks = *of_sheet;
            let mut cells: Vec<String> = record.iter().map(|cell| unbroken(cell, breaks)).collect();
            if let Some(last) = cells.last_mut().filter(|last| last.ends_with('\r')) {
                last.pop();
            }
            if let [only] = &cells[..]
                && only.is_empty()
            {
                continue;
            }
            self.mask(&mut cells);
            let lines = first..=next.saturating_sub(1).max(first);
            let beside = match () {
                () if lines.contains(&self.header) => Beside::Header,
                () if *lines.end() < self.header => Beside::Title,
                () => {
                    self.of_width(&mut cells, &lines)?;
                    self.beside(lines)
                }
            };
            return Ok(Some(ErrorRow { cells, beside }));
        }
    }

    /// A number that the pattern does not take is not written once more; its mask is refused as the number was.
    fn mask(&self, cells: &mut [String]) {
        if self.masks_numbers {
            cells.iter_mut().for_each(personal::mask);
        }
    }

    /// Cells behind the last column may be empty. A row with other cells than the header names is no row: filled up
    /// or cut it would be accepted. It may be here only if it was set aside, as it will be again.
    fn of_width(&self, cells: &mut Vec<String>, lines: &RangeInclusive<u64>) -> Result<(), NoErrorFile> {
        if cells.len() > self.width && cells[self.width..].iter().all(String::is_empty) {
            cells.truncate(self.width);
        }
        let mut found = self.findings.range(lines.clone()).flat_map(|(_, found)| found);
        let is_aside = found.any(|found| found.code == Code::RowSetAside);
        if cells.len() == self.width || is_aside { Ok(()) } else { Err(NoErrorFile::NoRows) }
    }

    fn next_of_document(&mut self) -> Option<ErrorRow> {
        let Source::Document { rows, next } = &mut self.source else { return None };
        let number = *next;
        *next += 1;
        if number == 0 {
            let cells = rows.names().into_iter().map(str::to_owned).collect();
            return Some(ErrorRow { cells, beside: Beside::Header });
        }
        let mut cells = rows.cells(number)?;
        self.mask(&mut cells);
        let number = number as u64;
        Some(ErrorRow { cells, beside: self.beside(number..=number) })
    }

    /// What is wrong with a row; the first one also says what is wrong with the file.
    fn beside(&mut self, lines: RangeInclusive<u64>) -> Beside {
        let of_file = self.findings.remove(&0).unwrap_or_default();
        let of_row: Vec<_> =
            self.findings.extract_if(lines, |_, _| true).flat_map(|(_, found)| found).collect();
        let whole = self.language.pick("CAŁY PLIK: ", "THE WHOLE FILE: ");
        let mut said: Vec<String> = Vec::new();
        let mut cells = Vec::new();
        let found = of_file.iter().map(|found| (whole, found)).chain(of_row.iter().map(|found| ("", found)));
        let mut worst = None;
        for (of, found) in found.filter(|(_, found)| found.severity > Severity::Info) {
            worst = worst.max(Some(found.severity));
            said.push(format!("{of}{}", self.said(found)));
            if of.is_empty() {
                let columns = found.column.split(", ").filter_map(|column| self.places.get(column));
                cells.extend(columns.copied());
            }
        }
        said.dedup();
        cells.sort_unstable();
        cells.dedup();
        Beside::Findings { text: said.join(" | "), cells, worst }
    }

    fn said(&self, found: &Violation) -> String {
        let column = if found.column.is_empty() { String::new() } else { format!("{}: ", found.column) };
        // Where a row of the file makes several of the pattern's, the key says which.
        let is_made = self.of_table && !found.key.is_empty();
        let column = if is_made { format!("{column}({}) ", found.key) } else { column };
        let message = self.language.pick(&found.message_pl, &found.message_en);
        let hint = self.language.pick(&found.hint_pl, &found.hint_en);
        let hint = if hint.is_empty() { String::new() } else { format!(" → {hint}") };
        format!("{column}{message}{hint}")
    }
}

/// A cell as it was in the sheet, its line breaks put back.
fn unbroken(cell: &str, breaks: bool) -> String {
    if breaks { cell.replace(char::from(BREAK), "\n") } else { cell.to_owned() }
}

/// A table's text, as UTF-8 without a mark; its last line ends as the others do.
struct Text<'a> {
    blocks: Box<dyn Blocks + 'a>,
    block: Bytes,
    line_ended: bool,
}

impl Text<'_> {
    /// The first bytes, which are still to be read.
    fn head(&mut self) -> Result<Vec<u8>, NoErrorFile> {
        let mut head = Vec::new();
        while head.len() < HEAD_BYTES {
            match self.blocks.next_block() {
                Ok(Some(block)) => head.extend_from_slice(&block),
                Ok(None) => break,
                Err(Stop::Io(error)) => return Err(error.into()),
                Err(Stop::Findings(_)) => return Err(NoErrorFile::NoRows),
            }
        }
        let mut block = Bytes::from(head);
        if block.starts_with("\u{feff}".as_bytes()) {
            block.advance("\u{feff}".len());
        }
        self.block = block.clone();
        Ok(block[..block.len().min(HEAD_BYTES)].to_vec())
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let block = self.fill_buf()?;
        let length = block.len().min(buffer.len());
        buffer[..length].copy_from_slice(&block[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Text<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.block.is_empty() {
            match self.blocks.next_block() {
                Ok(Some(block)) => self.block = block,
                Ok(None) if !self.line_ended => self.block = Bytes::from_static(b"\n"),
                Ok(None) => break,
                Err(Stop::Io(error)) => return Err(error),
                Err(Stop::Findings(_)) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        self.line_ended = self.block.last().is_none_or(|last| *last == b'\n');
        Ok(&self.block)
    }

    fn consume(&mut self, length: usize) {
        self.block.advance(length);
    }
}

#[cfg(test)]
mod tests;
