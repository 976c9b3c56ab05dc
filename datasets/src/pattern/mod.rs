//! Patterns: national, SemVer'd agreements on one table each.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::Period;
use crate::report::Severity;

mod assemble;
mod bundle;
mod compare;
mod evolution;
mod file;
mod form;
mod mapping;
mod set;
mod table;
mod table_schema;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use bundle::file_digest;
pub use compare::{Compare, Sum, With};
pub use evolution::{Change, Difference, Evolution, Step};
pub(crate) use file::{TextFile, yaml_file};
pub(crate) use form::form_in_words;
#[cfg(feature = "check")]
pub(crate) use mapping::is_step;
pub use mapping::{Constant, DateForm, DocumentForm, MappedField, Mapping, Place, Source};
pub(crate) use set::embedded_files;
pub use set::{Patterns, embedded_pattern, embedded_sample};
pub use table::{Part, Setting, TableField, TableMapping, Unpivot};

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
    /// In Polish.
    pub pl: String,
    /// In English.
    pub en: String,
}

/// `major.minor.patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// A step that may refuse what was taken before.
    pub major: u32,
    /// A new optional column.
    pub minor: u32,
    /// Texts only.
    pub patch: u32,
}

/// Declared type of a column; never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Utf8; also codes, so that they keep their leading zeros.
    String,
    /// Int64.
    Integer,
    /// Precision and scale.
    Decimal(u8, i8),
    /// Float64; never for money.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// Stored as UTC microseconds.
    Datetime,
}

/// Who may see a column or a whole pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Everybody.
    Public,
    /// Those with a grant.
    Restricted,
    /// The same, and no report shows its values.
    Personal,
}

/// What happens to a column in the open extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenRule {
    /// It is there as it is.
    Keep,
    /// Only in coarser groups.
    Generalise,
    /// It is left out.
    Drop,
    /// Suppress counts below k.
    Suppress(u32),
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It says what a row is about.
    Dimension,
    /// It holds an amount or a result.
    Measure,
    /// It says something about a measure or a row.
    Attribute,
}

/// How values of a measure are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregation {
    /// Added: over units, and over periods unless the pattern cumulates.
    Sum,
    /// A state on a day: added over units; of several periods the newest stands.
    Last,
    /// A weighted mean.
    Weighted,
    /// Not at all.
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

/// One column of the table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Polish, ASCII, lower snake case.
    pub name: String,
    /// For people.
    pub title: Text,
    /// What more there is to say of it, in Polish; empty: nothing.
    pub description: String,
    /// A value, written as in a file.
    pub example: Option<String>,
    /// Its declared type.
    pub kind: ColumnType,
    /// What it is for.
    pub role: Role,
    /// Unit of a measure, as `zł` or `µg/m3`.
    pub unit: Option<String>,
    /// An empty cell is a violation.
    pub required: bool,
    /// What an empty cell or a missing column means.
    pub absent: Absent,
    /// Who may see it.
    pub sensitivity: Sensitivity,
    /// How its values are put together.
    pub aggregation: Aggregation,
    /// What the open extract does with it.
    pub open_rule: OpenRule,
    /// Allowed values, when closed.
    pub allowed: Option<Vec<String>>,
    /// Least value, written as in a file.
    pub minimum: Option<String>,
    /// Greatest value, written as in a file.
    pub maximum: Option<String>,
    /// Regular expression that the whole raw value must match.
    pub form: Option<String>,
    /// Least number of characters.
    pub min_length: Option<usize>,
    /// Greatest number of characters.
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
    /// Columns of the pattern.
    pub columns: Vec<String>,
    /// Id of the code list.
    pub list: String,
    /// Columns of the list, one for each of `columns`.
    pub list_columns: Vec<String>,
    /// What a value does that is not in the list.
    pub severity: Severity,
}

/// A declared row rule: SQL expression over the columns; NULL passes.
#[derive(Debug, Clone)]
pub struct Rule {
    /// By which reports name it.
    pub id: String,
    /// What a row does that breaks it.
    pub severity: Severity,
    /// True or NULL when all is well.
    pub expression: String,
    /// Evaluated only in periods of these frequencies' ends (`Q`, `A`); empty: always.
    pub when: Vec<crate::period::Frequency>,
    /// Columns that the message points to, the first being the finding's column.
    pub columns: Vec<String>,
    /// What is wrong with a row that breaks it.
    pub message: Text,
    /// What to do about it.
    pub hint: Text,
}

/// The column that carries an event pattern's time.
#[derive(Debug, Clone)]
pub struct PeriodOf {
    /// A date or datetime column.
    pub column: String,
    /// Frequency of the periods that it falls into.
    pub width: crate::period::Frequency,
    /// Zone in which the period's borders lie.
    pub zone: String,
    /// True when a time names the end of its hour, so that `24:00` of the last day belongs to it.
    pub end_inclusive: bool,
}

/// Rows that hold others: of some values of a column, each is put together of rows of other values. Adding both counts
/// twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Of the key.
    pub column: String,
    /// A total's value, and those of its parts.
    pub contains: BTreeMap<String, Vec<String>>,
}

/// Which periods a pattern takes.
#[derive(Debug, Clone)]
pub struct PeriodRule {
    /// Frequencies that a submission may have.
    pub frequencies: Vec<crate::period::Frequency>,
    /// Periods that end on one day are one: `2022-M12`, `2022-Q4`, `2022`.
    pub cumulative: bool,
    /// The time column of an event pattern.
    pub period_of: Option<PeriodOf>,
}

impl PeriodRule {
    /// True when a submission may be for a period.
    pub fn takes(&self, period: &Period) -> bool {
        self.frequencies.contains(&period.frequency())
    }

    /// True when what is sent for a day and for its month would count twice: periods are of several lengths, and no
    /// longer one takes the place of those in it.
    pub fn excludes(&self) -> bool {
        !self.cumulative && self.frequencies.len() > 1
    }
}

/// One agreement, in one version.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As `rb28s`; also the name of the dataset.
    pub id: String,
    /// SemVer: tighter is a major step.
    pub version: Version,
    /// Patterns of one family make one report.
    pub family: Option<String>,
    /// Name of the report, for people.
    pub title: Text,
    /// What a row is.
    pub description: Text,
    /// Id of the organisation that answers for the pattern.
    pub owner: String,
    /// Acts that oblige to report.
    pub legal_basis: Vec<String>,
    /// Of the open data, as an SPDX id.
    pub licence: String,
    /// Whole pattern; Restricted: read by its own publisher alone until grants exist.
    pub sensitivity: Sensitivity,
    /// `gmina`, `powiat`, `wojewodztwo` or `jednostka`: who is expected to report.
    pub unit_level: String,
    /// Which periods it takes.
    pub period: PeriodRule,
    /// Empty: `key: none`, file order, no uniqueness.
    pub key: Vec<String>,
    /// Column corrected on its own; None: the whole submission is one slice.
    pub slice: Option<String>,
    /// In the order of the table.
    pub columns: Vec<Column>,
    /// Values that must be in code lists.
    pub references: Vec<Reference>,
    /// Rows that hold other rows.
    pub totals: Option<Totals>,
    /// Declared row rules.
    pub rules: Vec<Rule>,
    /// Declared comparisons of sums.
    pub compares: Vec<Compare>,
    /// Columns of real files that are set aside by name.
    pub set_aside: Vec<String>,
    /// Documents of other systems that hold the pattern's rows.
    pub mappings: Vec<Arc<Mapping>>,
    /// Tables of other systems that hold the pattern's rows.
    pub tables: Vec<Arc<TableMapping>>,
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

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// True for what a sender may explain: a rule or comparison of the pattern, or a kind such as `REFERENCE_MISSING`.
    pub fn has_rule(&self, rule: &str) -> bool {
        let is_kind = || serde_json::from_value::<crate::report::Code>(rule.into()).is_ok();
        self.rules.iter().any(|known| known.id == rule)
            || self.compares.iter().any(|known| known.id == rule)
            || is_kind()
    }

    /// What a sender may have to explain, by name.
    pub fn to_explain(&self) -> Vec<&str> {
        let must = |severity: Severity| severity == Severity::MustExplain;
        let rules = self.rules.iter().filter(|rule| must(rule.severity)).map(|rule| rule.id.as_str());
        let compares = self.compares.iter().filter(|of| must(of.severity)).map(|of| of.id.as_str());
        rules.chain(compares).chain(["VERSION_OLDER"]).collect()
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
    /// File or pattern that it is about.
    pub path: String,
    /// Which field, and what to write.
    pub message: String,
}

impl PatternError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}
