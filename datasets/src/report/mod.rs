//! What a check found: violations by row and column, bounded, with exact counts.

use serde::{Deserialize, Serialize};

mod brief;
mod change;
mod findings;
mod later;
mod page;
mod render;
#[cfg(test)]
mod tests;

pub use brief::render_brief;
pub use change::{Change, Example, Normalised};
pub use findings::{Findings, LineSet};
pub use later::Later;
#[cfg(feature = "kit")]
pub(crate) use page::escaped;
pub use page::render_page;
pub use render::{Language, render, render_short};

/// What a finding does to a push, from the mildest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Told, nothing more.
    Info,
    /// Told; blocks under `strict`.
    Warn,
    /// The sender must say why.
    MustExplain,
    /// The payload is refused.
    Block,
}

/// Kind of a finding; stable, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The file is not UTF-8.
    EncodingInvalid,
    /// The file holds a NUL byte.
    NulByte,
    /// The file holds no rows.
    EmptyFile,
    /// The first line names no column of the pattern.
    HeaderMissing,
    /// A required column is not there.
    ColumnMissing,
    /// A column that the pattern does not know.
    ColumnUnknown,
    /// A column occurs twice.
    ColumnRepeated,
    /// A column of real files that the pattern leaves out.
    ColumnSetAside,
    /// A row that is no data: a title, a total, an empty row; `rule` says which.
    RowSetAside,
    /// A sheet of a workbook that was not read.
    SheetSetAside,
    /// Two sheets of a workbook fit the pattern.
    SheetAmbiguous,
    /// Two parts of a document say that they are the same slice.
    SliceRepeated,
    /// Its letters fit two code pages.
    EncodingAmbiguous,
    /// The bytes are of another format than the one declared.
    FormatMismatch,
    /// A formula whose result the file does not hold.
    FormulaUnresolved,
    /// A value in a column without a name.
    ColumnUnnamed,
    /// A record with too few or too many cells.
    CellCount,
    /// A line that is not one flat JSON object of the pattern's columns.
    RowInvalid,
    /// A record over the reader's bound.
    LineTooLong,
    /// A quote that never ends.
    QuoteUnclosed,
    /// The bytes are not of their format.
    PayloadUnreadable,
    /// Columns or types are not those of the pattern.
    SchemaMismatch,
    /// A cell is not of its column's type.
    TypeInvalid,
    /// A number with more decimals than the column holds.
    DecimalsExcess,
    /// A number with floating-point noise, taken rounded.
    FloatNoise,
    /// An empty cell that must be filled.
    RequiredMissing,
    /// A value that is not among those allowed.
    EnumInvalid,
    /// A number below, above or too long.
    RangeExceeded,
    /// A text too short or too long.
    LengthInvalid,
    /// A text of another form.
    FormInvalid,
    /// A wrong check digit.
    ChecksumInvalid,
    /// A PESEL where none may be, or the mask of one.
    PersonalNumber,
    /// A value that its code list does not hold in the period.
    ReferenceMissing,
    /// A code of another version of the territorial register, taken.
    ReferenceOtherRegister,
    /// Two rows with one key.
    KeyRepeated,
    /// A declared rule is false.
    RuleBroken,
    /// A declared rule cannot be computed.
    RuleFailed,
    /// The file says another period, or a time outside it.
    PeriodMismatch,
    /// The file says another unit.
    PublisherMismatch,
    /// An hour that occurs twice when the clock is put back.
    TimeAmbiguous,
    /// A slice that is replaced loses many of its rows.
    RowsLost,
    /// The sender's own version (`wersja`) is older than the one that is current.
    VersionOlder,
    /// The same bytes were accepted for another period or of another publisher.
    PayloadKnown,
}

impl Code {
    /// UPPER_SNAKE, as it stands in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EncodingInvalid => "ENCODING_INVALID",
            Self::NulByte => "NUL_BYTE",
            Self::EmptyFile => "EMPTY_FILE",
            Self::HeaderMissing => "HEADER_MISSING",
            Self::ColumnMissing => "COLUMN_MISSING",
            Self::ColumnUnknown => "COLUMN_UNKNOWN",
            Self::ColumnRepeated => "COLUMN_REPEATED",
            Self::ColumnSetAside => "COLUMN_SET_ASIDE",
            Self::RowSetAside => "ROW_SET_ASIDE",
            Self::SheetSetAside => "SHEET_SET_ASIDE",
            Self::SheetAmbiguous => "SHEET_AMBIGUOUS",
            Self::SliceRepeated => "SLICE_REPEATED",
            Self::EncodingAmbiguous => "ENCODING_AMBIGUOUS",
            Self::FormatMismatch => "FORMAT_MISMATCH",
            Self::FormulaUnresolved => "FORMULA_UNRESOLVED",
            Self::ColumnUnnamed => "COLUMN_UNNAMED",
            Self::CellCount => "CELL_COUNT",
            Self::RowInvalid => "ROW_INVALID",
            Self::LineTooLong => "LINE_TOO_LONG",
            Self::QuoteUnclosed => "QUOTE_UNCLOSED",
            Self::PayloadUnreadable => "PAYLOAD_UNREADABLE",
            Self::SchemaMismatch => "SCHEMA_MISMATCH",
            Self::TypeInvalid => "TYPE_INVALID",
            Self::DecimalsExcess => "DECIMALS_EXCESS",
            Self::FloatNoise => "FLOAT_NOISE",
            Self::RequiredMissing => "REQUIRED_MISSING",
            Self::EnumInvalid => "ENUM_INVALID",
            Self::RangeExceeded => "RANGE_EXCEEDED",
            Self::LengthInvalid => "LENGTH_INVALID",
            Self::FormInvalid => "FORM_INVALID",
            Self::ChecksumInvalid => "CHECKSUM_INVALID",
            Self::PersonalNumber => "PERSONAL_NUMBER",
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::ReferenceOtherRegister => "REFERENCE_OTHER_REGISTER",
            Self::KeyRepeated => "KEY_REPEATED",
            Self::RuleBroken => "RULE_BROKEN",
            Self::RuleFailed => "RULE_FAILED",
            Self::PeriodMismatch => "PERIOD_MISMATCH",
            Self::PublisherMismatch => "PUBLISHER_MISMATCH",
            Self::TimeAmbiguous => "TIME_AMBIGUOUS",
            Self::RowsLost => "ROWS_LOST",
            Self::VersionOlder => "VERSION_OLDER",
            Self::PayloadKnown => "PAYLOAD_KNOWN",
        }
    }

    /// True for a fault that makes the file as a whole unreadable: it hides what follows from it.
    pub fn is_structural(self) -> bool {
        matches!(
            self,
            Self::EncodingInvalid
                | Self::NulByte
                | Self::EmptyFile
                | Self::HeaderMissing
                | Self::ColumnMissing
                | Self::ColumnUnknown
                | Self::ColumnRepeated
                | Self::LineTooLong
                | Self::QuoteUnclosed
                | Self::PayloadUnreadable
                | Self::SchemaMismatch
                | Self::SheetAmbiguous
                | Self::EncodingAmbiguous
                | Self::FormatMismatch
        )
    }
}

/// One breach, by row and column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Its kind.
    pub code: Code,
    /// What it does to the push.
    pub severity: Severity,
    /// Id of the declared rule, else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Line of the file, the header being 1; 0 when not about one row.
    pub row: u64,
    /// `column=value, …` of the row's key, masked where personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Name of the column; empty when about the file as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The raw cell, masked where personal, cut to 80 characters; of a comparison the sums.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What would be right: a type, a border, a list; empty where the message says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What is wrong, in Polish.
    pub message_pl: String,
    /// What is wrong, in English.
    pub message_en: String,
    /// What to do, in Polish; empty when nothing can be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint_pl: String,
    /// What to do, in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint_en: String,
    /// What its sender says to it; empty when nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
}

/// The whole report on one payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `rb28s/1.0.0`
    pub pattern: String,
    /// SHA-256 (hex) of the pattern and its code lists.
    pub bundle_sha256: String,
    /// Rows of the payload, those refused included.
    pub rows_read: u64,
    /// Rows with a finding that blocks; each counts once.
    pub rows_refused: u64,
    /// Rows set aside by name, each with a finding [`Code::RowSetAside`] that says why: titles, totals, empty rows.
    pub rows_set_aside: u64,
    /// Exact counts by kind, the gravest first.
    pub counts: Vec<Count>,
    /// The gravest findings in row order, at most [`Findings::LISTED_MAX`].
    pub violations: Vec<Violation>,
    /// Rules and comparisons that something unknown left open: they have neither passed nor failed.
    pub not_evaluated: Vec<String>,
    /// Comparisons whose other report has not come yet; they are made when it comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// What the sender says to all findings of a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explanation>,
    /// What was read in another form than the pattern's, by column and kind. Nothing else is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normalised: Vec<Normalised>,
    /// How comparisons stand since the acceptance, where that is another thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

/// How often a kind was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The kind.
    pub code: Code,
    /// What it does to the push.
    pub severity: Severity,
    /// Id of the declared rule, else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Exact, also where not all are listed.
    pub count: u64,
    /// Those to which the sender says something.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub explained: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the sender says to all findings of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Id of the declared rule, or a kind such as `REFERENCE_MISSING`.
    pub rule: String,
    /// At most [`Explanation::TEXT_MAX`] characters.
    pub text: String,
}

impl Explanation {
    /// Longest text, in characters.
    pub const TEXT_MAX: usize = 2_000;
}

impl Report {
    /// Rows that were read and are neither refused nor set aside.
    pub fn rows_accepted(&self) -> u64 {
        self.rows_read.saturating_sub(self.rows_refused + self.rows_set_aside)
    }

    /// The worst severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.counts.iter().map(|c| c.severity).max()
    }

    /// Takes up what is found of a payload as a whole once its rows are checked.
    pub fn add(&mut self, mut findings: Findings) {
        self.counts.extend(findings.take_counts());
        self.violations.append(&mut findings.listed);
        self.arrange();
        self.violations.truncate(Findings::LISTED_MAX);
    }

    /// Counts with the gravest first, findings in the order of rows: what is of the file as a whole comes first.
    pub(crate) fn arrange(&mut self) {
        self.counts.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then_with(|| (a.code, &a.rule).cmp(&(b.code, &b.rule)))
        });
        self.violations.sort_by_key(|violation| (violation.row, violation.code));
    }

    /// Takes what the sender says to rules; what is said of a rule that found nothing is left out.
    pub fn explain(&mut self, explanations: &[Explanation]) {
        for said in explanations {
            let of =
                |code: Code, rule: &str| said.rule == rule || rule.is_empty() && said.rule == code.as_str();
            let mut is_needed = false;
            for count in &mut self.counts {
                if count.severity == Severity::MustExplain && of(count.code, &count.rule) {
                    (count.explained, is_needed) = (count.count, true);
                }
            }
            if is_needed {
                let mut said = said.clone();
                crate::check::personal::mask(&mut said.text);
                self.explanations.push(said);
            }
        }
    }

    /// Findings that the sender must explain and has not.
    pub fn unexplained(&self) -> u64 {
        let must = self.counts.iter().filter(|count| count.severity == Severity::MustExplain);
        must.map(|count| count.count.saturating_sub(count.explained)).sum()
    }

    /// Comparisons that wait for another report. Once they were made anew, that tells which still do.
    pub(crate) fn still_pending(&self) -> &[String] {
        if self.later.is_some() { &[] } else { &self.pending }
    }

    /// True when a finding blocks the commit.
    pub fn blocks(&self) -> bool {
        self.counts.iter().any(|c| c.severity == Severity::Block)
    }
}
