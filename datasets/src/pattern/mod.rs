//! Patterns: national, SemVer'd agreements on one table each.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::report::Severity;

mod assemble;
mod bundle;
mod file;
mod set;
mod table_schema;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use bundle::file_digest;
pub(crate) use file::{TextFile, yaml_file};
pub(crate) use set::embedded_files;
pub use set::{Patterns, embedded_sample};

/// The header columns that the hub can fill in: submission metadata, never data.
pub const HEADER_COLUMNS: [(&str, ColumnType); 4] = [
    ("okres", ColumnType::String),
    ("jst_terc6", ColumnType::String),
    ("data_sprawozdania", ColumnType::Date),
    ("wersja", ColumnType::Integer),
];

/// A text in both languages that people see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    pub pl: String,
    pub en: String,
}

/// `major.minor.patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// Declared type of a column; never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    String,
    Integer,
    /// Precision and scale.
    Decimal(u8, i8),
    Number,
    Boolean,
    Date,
    /// Stored as UTC microseconds.
    Datetime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    Public,
    Restricted,
    Personal,
}

/// What happens to a column in the open extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenRule {
    Keep,
    Generalise,
    Drop,
    /// Suppress counts below k.
    Suppress(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Dimension,
    Measure,
    Attribute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregation {
    Sum,
    Last,
    Weighted,
    None,
}

/// What an empty cell or an absent column of a measure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// Null (and, with a status column, M).
    Null,
    /// Zero with status A, before `required` is checked.
    Zero,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub title: Text,
    pub kind: ColumnType,
    pub role: Role,
    pub unit: Option<String>,
    pub required: bool,
    pub absent: Absent,
    pub sensitivity: Sensitivity,
    pub aggregation: Aggregation,
    pub open_rule: OpenRule,
    /// Allowed values, when closed.
    pub allowed: Option<Vec<String>>,
    pub minimum: Option<String>,
    pub maximum: Option<String>,
    /// Regular expression that the whole raw value must match.
    pub form: Option<String>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    /// Checksum rule of an identifier: `regon`, `nip`.
    pub checksum: Option<String>,
    /// A header column: submission metadata (`okres`, `jst_terc6`, `data_sprawozdania`, `wersja`),
    /// optional in the file, filled in by the hub, never in the key.
    pub header: bool,
    /// Other names under which a file may carry the column.
    pub aliases: Vec<String>,
    /// Zone of a datetime column, as `+01:00` or an IANA name.
    pub zone: Option<String>,
    /// True when the column is filled from its measure's emptiness (`<measure>__status`).
    pub status_of: Option<String>,
}

/// Columns whose values together must be in a code list (columns on both sides in order).
#[derive(Debug, Clone)]
pub struct Reference {
    pub columns: Vec<String>,
    pub list: String,
    pub list_columns: Vec<String>,
    pub severity: Severity,
}

/// A declared row rule: SQL expression over the columns; NULL passes.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: String,
    pub severity: Severity,
    pub expression: String,
    /// Evaluated only in periods of these frequencies' ends (`Q`, `A`); empty: always.
    pub when: Vec<crate::period::Frequency>,
    /// Columns that the message points to, the first being the finding's column.
    pub columns: Vec<String>,
    pub message: Text,
    pub hint: Text,
}

/// The column that carries an event pattern's time.
#[derive(Debug, Clone)]
pub struct PeriodOf {
    pub column: String,
    pub width: crate::period::Frequency,
    /// Zone in which the period's borders lie.
    pub zone: String,
    /// True when a time names the end of its hour, so that `24:00` of the last day belongs to it.
    pub end_inclusive: bool,
}

#[derive(Debug, Clone)]
pub struct PeriodRule {
    pub frequencies: Vec<crate::period::Frequency>,
    pub cumulative: bool,
    pub period_of: Option<PeriodOf>,
}

#[derive(Debug, Clone)]
pub struct Pattern {
    pub id: String,
    pub version: Version,
    pub family: Option<String>,
    pub title: Text,
    pub description: Text,
    pub owner: String,
    pub legal_basis: Vec<String>,
    pub licence: String,
    /// Whole pattern; Restricted: read by its own publisher alone until grants exist.
    pub sensitivity: Sensitivity,
    pub unit_level: String,
    pub period: PeriodRule,
    /// Empty: `key: none`, file order, no uniqueness.
    pub key: Vec<String>,
    /// Column corrected on its own; None: the whole submission is one slice.
    pub slice: Option<String>,
    pub columns: Vec<Column>,
    pub references: Vec<Reference>,
    pub rules: Vec<Rule>,
    /// Columns of real files that are set aside by name.
    pub set_aside: Vec<String>,
    /// Raw cells that mean an empty one (`missingValues` of the Table Schema; the empty cell is one of them).
    pub missing_values: Vec<String>,
    /// Table Schema as published, verbatim JSON.
    pub table_schema: String,
    /// SHA-256 (hex) of the pattern and the code lists that it uses.
    pub bundle_sha256: String,
}

impl Pattern {
    /// Arrow schema of committed rows in column order: only the pattern's columns, none of the hub's `_…`.
    pub fn schema(&self) -> SchemaRef {
        // Every column may be null in Arrow: a rule of the pattern, not the file format, says what is required.
        let fields: Vec<Field> =
            self.columns.iter().map(|c| Field::new(&c.name, c.kind.arrow(), true)).collect();
        Arc::new(Schema::new(fields))
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// `rb28s/1.0.0`
    pub fn reference(&self) -> String {
        format!("{}/{}.{}.{}", self.id, self.version.major, self.version.minor, self.version.patch)
    }

    /// True when all columns are public and kept, so that the whole dataset is an open extract.
    pub fn is_open(&self) -> bool {
        self.sensitivity == Sensitivity::Public
            && self
                .columns
                .iter()
                .all(|c| c.sensitivity == Sensitivity::Public && c.open_rule == OpenRule::Keep)
    }
}

impl ColumnType {
    /// Utf8, Int64, Decimal128(p,s), Float64, Boolean, Date32, Timestamp(µs, UTC).
    pub fn arrow(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl std::str::FromStr for Version {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is no version; write three numbers such as 1.0.0");
        let numbers: Vec<u32> = text
            .split('.')
            // One spelling per version: no signs, no leading zeros.
            .map(|n| n.parse::<u32>().ok().filter(|v| v.to_string() == n))
            .collect::<Option<_>>()
            .ok_or_else(fault)?;
        match numbers[..] {
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(fault()),
        }
    }
}

/// A pattern or code list that cannot be used; the message says which field and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct PatternError {
    pub path: String,
    pub message: String,
}

impl PatternError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}
