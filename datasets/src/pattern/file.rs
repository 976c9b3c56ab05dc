//! `pattern.yaml` as it is written. See `datasets/README.md` for what each field means.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};

use super::compare::CompareFile;
use super::{Absent, Aggregation, PatternError, Role, Sensitivity, Text};
use crate::report::Severity;

/// Reads a YAML file; the error names the file, the place and the field.
pub(crate) fn yaml_file<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, PatternError> {
    serde_saphyr::from_slice(bytes).map_err(|e| PatternError::new(path, e.to_string()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextFile {
    pl: String,
    en: String,
}

impl From<TextFile> for Text {
    fn from(text: TextFile) -> Self {
        Self { pl: text.pl, en: text.en }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternFile {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) family: Option<String>,
    pub(super) title: TextFile,
    pub(super) description: TextFile,
    pub(super) owner: String,
    pub(super) legal_basis: Vec<String>,
    pub(super) licence: String,
    pub(super) sensitivity: Sensitivity,
    pub(super) unit_level: String,
    pub(super) period: PeriodFile,
    pub(super) key: KeyFile,
    pub(super) slice: Option<String>,
    pub(super) columns: Vec<ColumnFile>,
    #[serde(default)]
    pub(super) references: Vec<ReferenceFile>,
    pub(super) totals: Option<TotalsFile>,
    #[serde(default)]
    pub(super) rules: Vec<RuleFile>,
    #[serde(default)]
    pub(super) compares: Vec<CompareFile>,
    #[serde(default)]
    pub(super) set_aside: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeriodFile {
    pub(super) frequencies: Vec<String>,
    pub(super) cumulative: bool,
    pub(super) period_of: Option<PeriodOfFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeriodOfFile {
    pub(super) column: String,
    pub(super) width: String,
    pub(super) zone: String,
    #[serde(default)]
    pub(super) end_inclusive: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    pub(super) name: String,
    pub(super) title_en: String,
    /// Said for Table Schema's `number` alone: `decimal(18,2)` or `float64`.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) role: Role,
    pub(super) unit: Option<String>,
    pub(super) absent: Option<Absent>,
    /// The pattern's, if not given.
    pub(super) sensitivity: Option<Sensitivity>,
    pub(super) aggregation: Option<Aggregation>,
    pub(super) open: Option<String>,
    pub(super) checksum: Option<String>,
    #[serde(default)]
    pub(super) header: bool,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    pub(super) zone: Option<String>,
    pub(super) status_of: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReferenceFile {
    pub(super) columns: Vec<String>,
    pub(super) list: String,
    /// The same names as `columns`, if not given.
    pub(super) list_columns: Option<Vec<String>>,
    pub(super) severity: Severity,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TotalsFile {
    pub(super) column: String,
    pub(super) contains: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) id: String,
    pub(super) severity: Severity,
    pub(super) expression: String,
    #[serde(default)]
    pub(super) when: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) message: TextFile,
    pub(super) hint: TextFile,
}

/// `key: none` or a list of columns.
#[derive(Debug)]
pub(super) struct KeyFile(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for KeyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = KeyFile;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("`none` or a list of columns for `key`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeyFile, E> {
        if text == "none" {
            return Ok(KeyFile(Vec::new()));
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<KeyFile, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = seq.next_element()? {
            columns.push(column);
        }
        if columns.is_empty() {
            return Err(serde::de::Error::invalid_length(0, &self));
        }
        Ok(KeyFile(columns))
    }
}
