//! The check: bytes of a payload in, typed batches and findings out. Pure and callable from
//! several threads: one [`Checker`] per payload, one call per chunk, findings merged in order.
//!
//! A chunk is split into cells once, then each column is decoded in one loop, then each check runs
//! over whole columns. A check remembers rows, not texts: a [`Violation`](crate::Violation) is
//! written only for what is listed.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::csv::{Cells, Chunk, CutError, Misfit};
use crate::pattern::{PatternError, Sensitivity};
use crate::report::{Code, Findings, Report, Severity, Violation};
use crate::{CodeLists, Pattern, Period, Settings};

mod batch;
mod breach;
mod column;
#[cfg(feature = "check")]
mod compare;
mod decode;
#[cfg(feature = "check")]
pub(crate) mod documents;
#[cfg(feature = "check")]
mod error_file;
mod explained;
mod fill;
mod finish;
mod header;
pub mod keys;
mod lenient;
mod messages;
mod ndjson;
#[cfg(feature = "check")]
mod parquet;
pub(crate) mod personal;
#[cfg(feature = "check")]
mod pieces;
#[cfg(feature = "check")]
mod recognise;
mod references;
mod rules;
#[cfg(feature = "check")]
mod sheets;
mod source;
pub mod standing;
mod stream;
mod table;
#[cfg(test)]
#[cfg(feature = "check")]
mod tests;
mod values;

#[cfg(feature = "check")]
pub use compare::{Comparing, Other};
#[cfg(feature = "check")]
pub use error_file::{Beside, ErrorRow, ErrorRows, FINDINGS_COLUMN, NoErrorFile};
pub(crate) use header::names_of;
pub use header::{EXPLANATION_COLUMN, HeaderPlan};
pub use ndjson::KeyPlan;
#[cfg(feature = "check")]
pub use pieces::{Piece, PieceLimits, Pieces, ReadAt};
#[cfg(feature = "check")]
pub use recognise::{Fit, RecogniseError, recognise};
pub use stream::{ArrowStream, Damaged, Stop};

use breach::{Breach, Kind};
use column::ColumnCheck;
use lenient::Tidied;
use source::Source;

/// What is known about a payload besides its bytes.
#[derive(Debug, Clone)]
pub struct Context {
    /// What the payload must agree with.
    pub pattern: Arc<Pattern>,
    /// At least the code lists that the pattern refers to.
    pub lists: Arc<CodeLists>,
    /// None: rules that need the period are listed as not evaluated.
    pub period: Option<Period>,
    /// None: what the file says of its unit is listed as not evaluated.
    pub publisher: Option<Publisher>,
}

/// Who sends, with identifiers as of the period's last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// As `gmina-100201`.
    pub id: String,
    /// Six digits of TERC; None for an organisation that is no unit of local government.
    pub terc6: Option<String>,
    /// Nine or fourteen digits.
    pub regon: Option<String>,
}

/// Checks one payload. What is compiled is shared by its clones.
#[derive(Debug, Clone)]
pub struct Checker {
    context: Context,
    schema: SchemaRef,
    columns: Arc<[ColumnCheck]>,
    references: Arc<[references::ReferenceCheck]>,
    rules: Arc<rules::Rules>,
    #[cfg(feature = "check")]
    compares: Arc<compare::Compares>,
    period_of: Option<fill::PeriodOfCheck>,
    /// Indexes of the key's columns.
    key: Arc<[usize]>,
    /// Texts that mean an empty cell, besides the empty one.
    missing: Arc<[Box<[u8]>]>,
    not_evaluated: Arc<[String]>,
    names: Arc<header::Names>,
    settings: Arc<Settings>,
}

/// A checked part of a payload.
#[derive(Debug)]
pub struct Checked {
    /// Rows in file order with [`Checker::schema`]; rows with a blocking finding hold nulls where a cell did not parse.
    pub batch: RecordBatch,
    /// File line (or row number) of each row of the batch.
    pub lines: Vec<u64>,
    /// What the part has wrong, by file line.
    pub findings: Findings,
    /// Rows read, those included that are not in the batch because their number of cells is wrong; rows that were
    /// set aside are not among them.
    pub rows: u64,
}

/// What the comparisons of a payload found.
#[derive(Debug, Default)]
pub struct Compared {
    /// Comparisons that do not hold.
    pub findings: Findings,
    /// Ids of those whose other report has not come yet.
    pub pending: Vec<String>,
    /// Ids of those that could not be made.
    pub not_evaluated: Vec<String>,
}

/// How the cells of a part are read.
struct Like<'a> {
    /// Column of the file for each column of the pattern.
    files: &'a [Option<usize>],
    /// The header of a table that an office made: its cells and rows may be written otherwise than the pattern says.
    office: Option<&'a HeaderPlan>,
    /// The cells that were sent, where those of the pattern were made of them.
    source: Option<(&'a Cells<'a>, &'a table::TablePlan)>,
}

impl<'a> Like<'a> {
    /// How many rows each row that was sent makes.
    fn rows_of_each(&self) -> usize {
        self.source.map_or(1, |(_, table)| table.rows_of_each())
    }

    /// The cells that were sent, and the row among them that a row was made of.
    fn sent<'c>(&self, cells: &'c Cells<'a>, row: usize) -> (&'c Cells<'a>, usize)
    where
        'a: 'c,
    {
        match self.source {
            Some((sent, _)) => (sent, row / self.rows_of_each()),
            None => (cells, row),
        }
    }
}

/// A part while it is checked.
struct Part {
    rows: usize,
    columns: Vec<ArrayRef>,
    /// For each column the rows whose cell did not parse, ascending: nothing else is said about them.
    failed: Vec<Vec<u32>>,
    breaches: Vec<Breach>,
    /// Cells that were read in another form.
    tidied: Vec<Tidied>,
}

impl Part {
    fn has_failed(&self, column: usize, row: usize) -> bool {
        self.failed[column].binary_search(&(row as u32)).is_ok()
    }

    fn breach(&mut self, row: usize, column: usize, kind: Kind) {
        self.breaches.push(Breach { row: row as u32, column: column as u16, kind });
    }
}

impl Checker {
    /// Compiles the pattern's checks for one period; some milliseconds, so a caller with many payloads
    /// keeps the checker and takes [`Checker::of`] for each.
    pub fn new(context: Context) -> Result<Self, PatternError> {
        let pattern = Arc::clone(&context.pattern);
        let schema = pattern.schema();
        let columns: Arc<[ColumnCheck]> =
            pattern.columns.iter().map(|c| ColumnCheck::new(&pattern, c)).collect::<Result<_, _>>()?;
        let mut not_evaluated = Vec::new();
        let references = references::compile(&context, &mut not_evaluated)?.into();
        let rules = Arc::new(rules::Rules::compile(&context, &schema, &mut not_evaluated)?);
        #[cfg(feature = "check")]
        let compares = Arc::new(compare::Compares::compile(&context)?);
        let period_of = fill::PeriodOfCheck::compile(&context, &mut not_evaluated)?;
        let key = pattern.key.iter().filter_map(|k| pattern.columns.iter().position(|c| c.name == *k));
        let key = key.collect();
        let missing = pattern.missing_values.iter().filter(|m| !m.is_empty());
        let missing = missing.map(|m| m.as_bytes().into()).collect();
        let not_evaluated = not_evaluated.into();
        let names = Arc::new(header::known(&pattern));
        Ok(Self {
            context,
            schema,
            columns,
            references,
            rules,
            #[cfg(feature = "check")]
            compares,
            period_of,
            key,
            missing,
            not_evaluated,
            names,
            settings: Arc::default(),
        })
    }

    /// The same checks for a payload of this publisher: nothing that is compiled depends on who sends.
    #[must_use]
    pub fn of(&self, publisher: Option<Publisher>) -> Self {
        let mut checker = self.clone();
        checker.context.publisher = publisher;
        checker
    }

    /// The same checks for a file of which its sender says this.
    #[must_use]
    pub fn with(&self, settings: Settings) -> Self {
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    /// What the sender says of the file.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Same as `Pattern::schema`.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What the payload is checked against.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Decodes and checks a chunk of records.
    pub fn csv(&self, plan: &HeaderPlan, chunk: &Chunk) -> Checked {
        if let Err(fault) = std::str::from_utf8(&chunk.data) {
            return self.encoding_fault(chunk, fault.valid_up_to());
        }
        let cells = Cells::split(&chunk.data, plan.separator, plan.width, chunk.first_line);
        let (mut aside, mut misfits) = (Vec::new(), Vec::new());
        for misfit in cells.misfits() {
            let record = &chunk.data[misfit.range.clone()];
            match self.record_aside(plan, record) {
                Some(what) => aside.push((misfit.line, what, record)),
                None => misfits.push(misfit.clone()),
            }
        }
        let tell = |misfit: &Misfit| messages::cell_count(plan.width, misfit);
        let mut checked = match &plan.table {
            Some(table) => {
                let mut checked = self.table(plan, table, &cells);
                misfits.iter().for_each(|misfit| checked.findings.add(tell(misfit)));
                checked.rows += misfits.len() as u64;
                checked
            }
            None => {
                let like = Like { files: &plan.files, office: Some(plan), source: None };
                self.cells(cells, &like, Code::CellCount, &misfits, |misfit| misfit.line, tell)
            }
        };
        for (line, what, record) in aside {
            self.tell_aside(&mut checked.findings, what, line, &String::from_utf8_lossy(record));
        }
        checked.findings.listed.sort_by_key(|violation| violation.row);
        checked
    }

    /// Checks the rows of a part by their raw cells; `misfits` are its lines that are no rows.
    fn cells<M>(
        &self,
        cells: Cells<'_>,
        like: &Like<'_>,
        code: Code,
        misfits: &[M],
        line: impl Fn(&M) -> u64,
        tell: impl Fn(&M) -> Violation,
    ) -> Checked {
        let mut part = self.decode(like, &cells);
        self.complete(&mut part);
        let aside =
            like.office.map(|plan| self.rows_aside(plan, like, &cells, &mut part)).unwrap_or_default();
        let breaches = std::mem::take(&mut part.breaches);
        let decoded = part.columns.clone();
        let explanation = like.office.and_then(|plan| plan.explanation);
        let source = Source::Cells { cells: &cells, files: like.files, decoded: &decoded, explanation };
        let mut findings = breach::findings(self, breaches, &source, cells.lines());
        if explanation.is_some() {
            self.explanations(&source, cells.lines(), &mut findings);
        }
        for normalised in lenient::normalised(self, &mut part, &source, cells.lines()) {
            findings.normalise(normalised);
        }
        if let Some(plan) = like.office {
            self.office_rows(plan, like, &cells, &aside, &mut findings);
        }
        for misfit in misfits {
            findings.refuse(line(misfit));
            if findings.listed.len() < Findings::LISTED_MAX {
                findings.add(tell(misfit));
            } else {
                findings.count(code, Severity::Block, "", 1);
            }
        }
        findings.listed.sort_by_key(|violation| violation.row);
        let rows = (cells.rows() - aside.len() + misfits.len()) as u64;
        lenient::rows::without(self.checked(part, cells.into_lines(), findings, rows), &aside)
    }

    fn decode(&self, like: &Like<'_>, cells: &Cells<'_>) -> Part {
        let width = self.columns.len();
        let mut part = Part {
            rows: cells.rows(),
            columns: Vec::with_capacity(width),
            failed: Vec::with_capacity(width),
            breaches: Vec::new(),
            tidied: Vec::new(),
        };
        for (column, check) in self.columns.iter().enumerate() {
            let Some(file) = like.files[column] else {
                part.columns.push(decode::absent(check.kind, check.zero, cells.rows()));
                part.failed.push(Vec::new());
                continue;
            };
            let reading = decode::Reading {
                kind: check.kind,
                zone: check.zone,
                zero: check.zero,
                missing: &self.missing,
                lenient: like.office.is_some(),
                breaks: like.office.is_some_and(|plan| plan.breaks),
            };
            let decoded = decode::column(cells, file, &reading);
            part.columns.push(decoded.array);
            part.failed.push(decoded.faults.iter().map(|(row, _)| *row).collect());
            decoded.faults.iter().for_each(|(row, kind)| part.breach(*row as usize, column, *kind));
            decoded.noise.iter().for_each(|row| part.breach(*row as usize, column, Kind::FloatNoise));
            let tidied = decoded.tidied.into_iter();
            part.tidied.extend(tidied.map(|(row, change)| Tidied { column: column as u16, change, row }));
        }
        if like.office.is_some() {
            self.restore_zeros(&mut part);
        }
        part
    }

    /// Fills what a file may leave out, then runs all checks of rows.
    fn complete(&self, part: &mut Part) {
        self.fill(part);
        self.check_values(part);
        self.check_references(part);
        self.check_rules(part);
    }

    fn checked(&self, part: Part, lines: Vec<u64>, mut findings: Findings, rows: u64) -> Checked {
        let batch = RecordBatch::try_new(self.schema(), part.columns).unwrap_or_else(|fault| {
            // A column of another type than the schema's would be a fault of the pattern.
            findings.add(messages::structural(self, Code::SchemaMismatch, 0, "", &fault.to_string()));
            RecordBatch::new_empty(self.schema())
        });
        let lines = if batch.num_rows() == lines.len() { lines } else { Vec::new() };
        Checked { batch, lines, findings, rows }
    }

    fn encoding_fault(&self, chunk: &Chunk, at: usize) -> Checked {
        let before = &chunk.data[..at];
        let line = chunk.first_line + memchr::memchr_iter(b'\n', before).count() as u64;
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let place = (at - line_start + 1).to_string();
        let mut findings = Findings::default();
        findings.add(messages::structural(self, Code::EncodingInvalid, line, "", &place));
        self.nothing(findings)
    }

    fn nothing(&self, findings: Findings) -> Checked {
        let batch = RecordBatch::new_empty(self.schema());
        Checked { batch, lines: Vec::new(), findings, rows: 0 }
    }

    /// The finding for a payload that cannot be cut into records.
    pub fn unreadable(&self, fault: &CutError) -> Findings {
        let (code, line) = match fault {
            CutError::LineTooLong { line, .. } => (Code::LineTooLong, *line),
            CutError::QuoteUnclosed { line } => (Code::QuoteUnclosed, *line),
            CutError::NulByte { line } => (Code::NulByte, *line),
        };
        let mut findings = Findings::default();
        findings.add(messages::structural(self, code, line, "", &fault.to_string()));
        findings
    }

    /// The finding for a payload that its format's decoder cannot read.
    pub fn malformed(&self, fault: &str) -> Findings {
        let mut findings = Findings::default();
        findings.add(messages::structural(self, Code::PayloadUnreadable, 0, "", fault));
        findings
    }

    /// A cell as a report may show it: masked where personal, else cut.
    fn shown(&self, column: usize, text: String) -> String {
        const SHOWN_MAX: usize = 80;
        let pattern = &self.context.pattern;
        let personal = pattern.sensitivity == Sensitivity::Personal
            || pattern.columns[column].sensitivity == Sensitivity::Personal;
        if personal && !text.is_empty() {
            return "***".to_owned();
        }
        // A number that is cut is no number any more, so it is masked before.
        let text = personal::masked(&text);
        // What a terminal would obey is shown and not said.
        let text = text.replace(
            |letter: char| letter != char::REPLACEMENT_CHARACTER && values::is_broken(letter),
            "\u{FFFD}",
        );
        match text.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
    }

    /// `column=value, …` of the key's columns.
    fn key_text(&self, row: usize, source: &Source<'_>) -> String {
        let parts = self.key.iter().map(|column| {
            let name = &self.context.pattern.columns[*column].name;
            format!("{name}={}", self.shown(*column, source.text(row, *column)))
        });
        parts.collect::<Vec<_>>().join(", ")
    }

    /// A finding for a key that was seen before; rows are file lines.
    pub fn key_repeated(
        &self,
        batch: &RecordBatch,
        row: usize,
        line: u64,
        first_line: Option<u64>,
    ) -> Violation {
        let key = self.key_text(row, &Source::Batch(batch.columns()));
        messages::key_repeated(self, key, line, first_line)
    }

    /// Ends the check: the findings of all parts, and of the comparisons, become the report.
    pub fn finish(&self, findings: Findings, rows_read: u64, compared: Compared) -> Report {
        finish::report(self, findings, rows_read, compared)
    }

    /// What is known of a payload that nothing was compared with.
    pub fn uncompared(&self) -> Compared {
        let ids = self.context.pattern.compares.iter().map(|compare| compare.id.clone());
        Compared { not_evaluated: ids.collect(), ..Compared::default() }
    }
}
