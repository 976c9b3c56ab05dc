//! `--error-file`: the sender's own rows with findings beside them, as a workbook or as CSV.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_client::{MediaType, write_whole};
use hub_datasets::check::{
    Beside, Checker, EXPLANATION_COLUMN, ErrorRow, ErrorRows, FINDINGS_COLUMN, NoErrorFile, ReadAt,
};
use hub_datasets::{Report, Severity};
use rust_xlsxwriter::{Color, Format, Workbook, XlsxError};

use super::of_report;
use crate::exit::Failure;
use crate::session::Session;
use crate::text;
use crate::told;
use hub_client::offline::PayloadFile;

/// Rows of a workbook's sheet.
const SHEET_ROWS: u32 = 1_048_576;
/// Characters of findings that a cell of a workbook takes.
const CELL_CHARS: usize = 32_000;
/// Width of the column of findings, in characters.
const FINDINGS_WIDTH: f64 = 90.0;
/// Width of the column of explanations, in characters.
const EXPLANATION_WIDTH: f64 = 50.0;

/// What an error file is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) file: &'a Path,
    pub(super) media_type: MediaType,
    pub(super) checker: &'a Checker,
}

/// How an error file is written, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Xlsx,
    Csv,
}

fn kind(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "xlsx" => Some(Kind::Xlsx),
        "csv" => Some(Kind::Csv),
        _ => None,
    }
}

/// Looks at the option before anything is done: one file in, one error file of a known kind out.
pub(super) fn usable(session: &Session, out: Option<&PathBuf>, files: usize) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    let name = out.display().to_string();
    match (kind(out), files) {
        (None, _) => Err(Failure::Usage(session.say(text::ERROR_FILE_KIND, &[("file", &name)]))),
        (Some(_), 1) => Ok(()),
        (Some(_), _) => Err(Failure::Usage(text::ERROR_FILE_OF_ONE.get(session.language).to_owned())),
    }
}

/// Writes the error file of a report that says something of rows or of the file; tells what was written.
pub(super) fn write(
    session: &Session,
    out: &Path,
    payload: Payload<'_>,
    report: &Report,
) -> Result<String, Failure> {
    let name = out.display().to_string();
    if !report.counts.iter().any(|count| count.severity > Severity::Info) {
        return Ok(session.say(text::ERROR_FILE_NEEDLESS, &[("file", &name)]));
    }
    let unreadable = |error: std::io::Error| {
        let (file, cause) = (payload.file.display().to_string(), told::cause(&error, session.language));
        Failure::Other(session.say(text::UNREADABLE, &[("file", &file), ("cause", &cause)]))
    };
    let bytes: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(payload.file).map_err(unreadable)?);
    let language = of_report(session.language);
    let written = payload
        .checker
        .error_rows(payload.media_type, bytes, report, language)
        .map_err(Fault::from)
        .and_then(|rows| match kind(out) {
            Some(Kind::Csv) => csv(rows),
            _ => xlsx(rows),
        });
    match written {
        Ok(written) => {
            write_whole(out, &written)?;
            Ok(session.say(text::ERROR_FILE, &[("file", &name)]))
        }
        Err(Fault::Rows(NoErrorFile::NoRows)) => {
            Ok(text::ERROR_FILE_NO_ROWS.get(session.language).to_owned())
        }
        Err(Fault::Rows(NoErrorFile::InTheSource)) => {
            Ok(text::ERROR_FILE_IN_THE_SOURCE.get(session.language).to_owned())
        }
        Err(Fault::Rows(NoErrorFile::Io(error))) => Err(unreadable(error)),
        Err(Fault::TooLong) => {
            Ok(session.say(text::ERROR_FILE_TOO_LONG, &[("most", &SHEET_ROWS.to_string())]))
        }
        Err(Fault::Xlsx(error)) => Err(unwritable(session, &name, &error.to_string())),
        Err(Fault::Csv(error)) => Err(unwritable(session, &name, &error.to_string())),
    }
}

fn unwritable(session: &Session, file: &str, cause: &str) -> Failure {
    Failure::Other(session.say(text::UNWRITABLE, &[("file", file), ("cause", cause)]))
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Rows(#[from] NoErrorFile),
    #[error(transparent)]
    Xlsx(#[from] XlsxError),
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    #[error("more rows than a sheet has")]
    TooLong,
}

/// What stands behind the sender's own columns.
#[derive(Debug)]
struct Behind {
    /// How many cells the header names.
    width: usize,
    /// A column for what the sender says to rows.
    asks: bool,
    /// Columns whose names say what the file does not.
    constants: Vec<String>,
}

impl Behind {
    fn of(rows: &ErrorRows<'_>) -> Self {
        Self { width: rows.width(), asks: rows.asks(), constants: rows.constants().to_vec() }
    }

    /// How many columns follow the findings.
    fn after_findings(&self) -> usize {
        usize::from(self.asks) + self.constants.len()
    }

    /// The row with its column of findings behind the cells that the header names, and what follows them.
    fn add(&self, row: ErrorRow) -> (Vec<String>, Beside) {
        let ErrorRow { mut cells, beside } = row;
        let text = match &beside {
            Beside::Title => "",
            Beside::Header => FINDINGS_COLUMN,
            Beside::Findings { text, .. } => text,
        };
        // A row of another width with nothing to say was set aside; it stays as it is, to be set aside again.
        if !text.is_empty() || cells.len() == self.width {
            // The findings of a row with too many cells stand behind all of them.
            cells.resize(cells.len().max(self.width), String::new());
            cells.push(text.to_owned());
            if beside == Beside::Header {
                cells.extend(self.asks.then(|| EXPLANATION_COLUMN.to_owned()));
                cells.extend(self.constants.iter().cloned());
            } else {
                cells.resize(cells.len() + self.after_findings(), String::new());
            }
        }
        (cells, beside)
    }
}

/// UTF-8 with a mark and semicolons, as spreadsheets in Poland open it.
fn csv(mut rows: ErrorRows<'_>) -> Result<Vec<u8>, Fault> {
    let bytes = "\u{feff}".as_bytes().to_vec();
    let mut writer = ::csv::WriterBuilder::new().delimiter(b';').flexible(true).from_writer(bytes);
    let behind = Behind::of(&rows);
    while let Some(row) = rows.next_row()? {
        writer.write_record(&behind.add(row).0)?;
    }
    writer.into_inner().map_err(|error| Fault::Csv(error.into_error().into()))
}

/// A sheet of texts, so that no zero of a code is lost; cells with findings are coloured.
fn xlsx(mut rows: ErrorRows<'_>) -> Result<Vec<u8>, Fault> {
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    let (error, remark) = (
        Format::new().set_background_color(Color::RGB(0xF8_CBAD)),
        Format::new().set_background_color(Color::RGB(0xFF_F2CC)),
    );
    let plain = Format::new();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Dane")?;
    let (mut at, behind) = (0, Behind::of(&rows));
    while let Some(row) = rows.next_row()? {
        if at == SHEET_ROWS {
            return Err(Fault::TooLong);
        }
        let (cells, beside) = behind.add(row);
        // Where the findings stand: last, but for what follows them.
        let last = cells.len().saturating_sub(1 + behind.after_findings());
        for (column, text) in cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            // What a cell holds at most; the rest of a very long finding is in the report.
            let is_findings = column == last && matches!(beside, Beside::Findings { .. });
            let cut = if is_findings { text.char_indices().nth(CELL_CHARS) } else { None };
            let text = cut.map_or(text.as_str(), |(end, _)| &text[..end]);
            let format = match &beside {
                Beside::Header => &bold,
                Beside::Findings { .. } if column == last => &wrapped,
                Beside::Findings { cells, worst, .. } if cells.contains(&column) => match worst {
                    Some(Severity::Block | Severity::MustExplain) => &error,
                    _ => &remark,
                },
                _ => &plain,
            };
            sheet.write_string_with_format(at, column as u16, text, format)?;
        }
        if let Beside::Findings { cells: marked, worst, .. } = &beside {
            let blank = if *worst >= Some(Severity::MustExplain) { &error } else { &remark };
            for column in marked.iter().filter(|column| cells.get(**column).is_some_and(String::is_empty)) {
                sheet.write_blank(at, *column as u16, blank)?;
            }
        }
        if beside == Beside::Header {
            sheet.set_freeze_panes(at + 1, 0)?;
            sheet.set_column_width(behind.width as u16, FINDINGS_WIDTH)?;
            if behind.asks {
                sheet.set_column_width(behind.width as u16 + 1, EXPLANATION_WIDTH)?;
            }
        }
        at += 1;
    }
    Ok(workbook.save_to_buffer()?)
}

#[cfg(test)]
mod tests;
