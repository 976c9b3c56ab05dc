//! `schema.json`: the part of Frictionless Table Schema that a pattern may use. A property that
//! the checker would not honour is refused rather than ignored.

use serde::Deserialize;

use super::{ColumnType, PatternError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TableSchema {
    pub(super) fields: Vec<FieldSchema>,
    #[serde(default = "empty_cell")]
    pub(super) missing_values: Vec<String>,
    #[serde(default)]
    pub(super) primary_key: Vec<String>,
}

fn empty_cell() -> Vec<String> {
    vec![String::new()]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldSchema {
    pub(super) name: String,
    pub(super) title: String,
    /// For readers.
    #[serde(default)]
    pub(super) description: String,
    #[serde(rename = "type")]
    kind: FieldType,
    #[serde(default)]
    format: Option<String>,
    /// For readers.
    #[serde(default)]
    pub(super) example: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) constraints: Constraints,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    Datetime,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Constraints {
    #[serde(default)]
    pub(super) required: bool,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) minimum: Option<serde_json::Value>,
    pub(super) maximum: Option<serde_json::Value>,
    pub(super) pattern: Option<String>,
    #[serde(rename = "enum")]
    pub(super) allowed: Option<Vec<String>>,
}

impl TableSchema {
    pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Self, PatternError> {
        serde_json::from_slice(bytes).map_err(|e| PatternError::new(path, e.to_string()))
    }
}

impl FieldSchema {
    /// The type of the column; Table Schema's `number` does not say whether it is money, so the pattern does.
    pub(super) fn column_type(&self, declared: Option<&str>) -> Result<ColumnType, String> {
        let formats: &[&str] = match self.kind {
            FieldType::Datetime => &["default", "any"],
            _ => &["default"],
        };
        if let Some(format) = self.format.as_deref().filter(|f| !formats.contains(f)) {
            return Err(format!("format: `{format}` is not read; write one of {formats:?} or leave it out"));
        }
        let kind = match self.kind {
            FieldType::Number => return number_type(declared),
            FieldType::String => ColumnType::String,
            FieldType::Integer => ColumnType::Integer,
            FieldType::Boolean => ColumnType::Boolean,
            FieldType::Date => ColumnType::Date,
            FieldType::Datetime => ColumnType::Datetime,
        };
        match declared {
            None => Ok(kind),
            Some(text) => Err(format!("type: `{text}` is only for a `number` of schema.json; leave it out")),
        }
    }
}

fn number_type(declared: Option<&str>) -> Result<ColumnType, String> {
    let text = declared.unwrap_or_default();
    if text == "float64" {
        return Ok(ColumnType::Number);
    }
    text.strip_prefix("decimal(")
        .and_then(|rest| rest.strip_suffix(')')?.split_once(','))
        .and_then(|(p, s)| Some((p.trim().parse::<u8>().ok()?, s.trim().parse::<i8>().ok()?)))
        .filter(|(p, s)| (1..=38).contains(p) && *s >= 0 && s.unsigned_abs() <= *p)
        .map(|(p, s)| ColumnType::Decimal(p, s))
        .ok_or_else(|| {
            format!(
                "type: `{text}`; write decimal(precision,scale), such as decimal(18,2), or float64 \
                 (never for money)"
            )
        })
}

/// A limit as text: schema.json may hold it as a number or a string.
pub(super) fn limit_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
