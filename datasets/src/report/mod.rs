//! What a check found: violations by row and column, bounded, with exact counts.

use serde::{Deserialize, Serialize};

mod findings;
mod render;
#[cfg(test)]
mod tests;

pub use findings::{Findings, LineSet};
pub use render::{Language, render, render_short};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warn,
    MustExplain,
    Block,
}

/// Kind of a finding; stable, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    EncodingInvalid,
    NulByte,
    EmptyFile,
    HeaderMissing,
    ColumnMissing,
    ColumnUnknown,
    ColumnRepeated,
    ColumnSetAside,
    CellCount,
    LineTooLong,
    QuoteUnclosed,
    PayloadUnreadable,
    SchemaMismatch,
    TypeInvalid,
    DecimalsExcess,
    FloatNoise,
    RequiredMissing,
    EnumInvalid,
    RangeExceeded,
    LengthInvalid,
    FormInvalid,
    ChecksumInvalid,
    ReferenceMissing,
    ReferenceOtherRegister,
    KeyRepeated,
    RuleBroken,
    RuleFailed,
    PeriodMismatch,
    PublisherMismatch,
    TimeAmbiguous,
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
            Self::CellCount => "CELL_COUNT",
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
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::ReferenceOtherRegister => "REFERENCE_OTHER_REGISTER",
            Self::KeyRepeated => "KEY_REPEATED",
            Self::RuleBroken => "RULE_BROKEN",
            Self::RuleFailed => "RULE_FAILED",
            Self::PeriodMismatch => "PERIOD_MISMATCH",
            Self::PublisherMismatch => "PUBLISHER_MISMATCH",
            Self::TimeAmbiguous => "TIME_AMBIGUOUS",
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
        )
    }
}

/// One breach, by row and column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    pub code: Code,
    pub severity: Severity,
    /// Id of the declared rule, else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Line of the file, the header being 1; 0 when not about one row.
    pub row: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The raw cell, masked where personal, cut to 80 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    pub message_pl: String,
    pub message_en: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint_pl: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint_en: String,
}

/// The whole report on one payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `rb28s/1.0.0`
    pub pattern: String,
    pub bundle_sha256: String,
    pub rows_read: u64,
    pub rows_refused: u64,
    /// Rows set aside by name. Always 0 as yet: only formats that are still to come carry rows that are no data.
    pub rows_set_aside: u64,
    pub counts: Vec<Count>,
    pub violations: Vec<Violation>,
    pub not_evaluated: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub code: Code,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    pub count: u64,
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

    /// True when a finding blocks the commit.
    pub fn blocks(&self) -> bool {
        self.counts.iter().any(|c| c.severity == Severity::Block)
    }
}
