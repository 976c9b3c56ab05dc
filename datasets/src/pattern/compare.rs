//! Comparisons: rules over sums of a report's rows, beside each other, beside the period before, or beside
//! another report of the same publisher and period.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::file::TextFile;
use super::{ColumnType, Pattern, PatternError, Patterns, Text};
use crate::period::Frequency;
use crate::report::Severity;

/// A declared comparison: sums of rows by key, then an SQL expression over them; NULL passes.
#[derive(Debug, Clone)]
pub struct Compare {
    /// By which reports name it.
    pub id: String,
    /// What a report does that breaks it.
    pub severity: Severity,
    /// What the report is compared with.
    pub with: With,
    /// Columns whose values make a key; empty: all rows are one.
    pub by: Vec<String>,
    /// Sums of the report's own rows.
    pub this: Vec<Sum>,
    /// Sums of the rows that it is compared with.
    pub other: Vec<Sum>,
    /// True or NULL when all is well; over the names of the sums.
    pub expression: String,
    /// Evaluated only in periods of these frequencies' ends (`Q`, `A`); empty: always.
    pub when: Vec<Frequency>,
    /// Columns that the message points to, the first being the finding's column.
    pub columns: Vec<String>,
    /// What is wrong with a report that breaks it.
    pub message: Text,
    /// What to do about it.
    pub hint: Text,
}

/// What a report is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum With {
    /// Itself: rows that belong together.
    This,
    /// The same publisher's report under the same pattern for the last earlier period of the year.
    Previous,
    /// The same publisher's report under another pattern for the same period.
    Pattern(String),
}

/// A sum over the rows of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// By which the expression names it.
    pub name: String,
    /// Column that is added up; None: rows are counted.
    pub column: Option<String>,
    /// Which rows; None: all.
    pub filter: Option<String>,
}

impl Compare {
    /// Sums of one side.
    pub fn side(&self, is_other: bool) -> &[Sum] {
        if is_other { &self.other } else { &self.this }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareFile {
    id: String,
    severity: Severity,
    with: String,
    #[serde(default)]
    by: Vec<String>,
    this: BTreeMap<String, SumFile>,
    #[serde(default)]
    other: BTreeMap<String, SumFile>,
    expression: String,
    #[serde(default)]
    when: Vec<String>,
    columns: Vec<String>,
    message: TextFile,
    hint: TextFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SumFile {
    sum: Option<String>,
    #[serde(default)]
    count: bool,
    #[serde(rename = "where")]
    filter: Option<String>,
}

/// Joins what the file says; the pattern judges it.
pub(super) fn compare(file: CompareFile) -> Result<Compare, String> {
    let place = format!("compares: `{}`", file.id);
    let when = super::assemble::frequencies(&format!("{place}: when"), &file.when)?;
    let sums = |named: BTreeMap<String, SumFile>| -> Result<Vec<Sum>, String> {
        let sums = named.into_iter().map(|(name, sum)| match (sum.sum, sum.count) {
            (Some(column), false) => Ok(Sum { name, column: Some(column), filter: sum.filter }),
            (None, true) => Ok(Sum { name, column: None, filter: sum.filter }),
            _ => Err(format!("{place}: `{name}`: write either `sum: <column>` or `count: true`")),
        });
        sums.collect()
    };
    let with = match file.with.as_str() {
        "this" => With::This,
        "previous" => With::Previous,
        pattern => With::Pattern(pattern.to_owned()),
    };
    Ok(Compare {
        this: sums(file.this)?,
        other: sums(file.other)?,
        id: file.id,
        severity: file.severity,
        with,
        by: file.by,
        expression: file.expression,
        when,
        columns: file.columns,
        message: file.message.into(),
        hint: file.hint.into(),
    })
}

/// What must hold in a pattern's own part of its comparisons.
pub(super) fn validate(pattern: &Pattern) -> Result<(), String> {
    let mut seen: BTreeSet<&str> = pattern.rules.iter().map(|rule| rule.id.as_str()).collect();
    for compare in &pattern.compares {
        let place = format!("compares: `{}`", compare.id);
        if !seen.insert(&compare.id) {
            return Err(format!("{place}: the id stands twice among rules and compares; rename one"));
        }
        super::validate::rule_texts(&place, &compare.id, [&compare.message, &compare.hint])?;
        let names: BTreeSet<&str> =
            compare.this.iter().chain(&compare.other).map(|sum| sum.name.as_str()).collect();
        if names.len() != compare.this.len() + compare.other.len() {
            return Err(format!("{place}: a name stands in this and in other; rename one"));
        }
        if let Some(name) = compare.by.iter().find(|name| names.contains(name.as_str())) {
            return Err(format!("{place}: `{name}` is a column of `by` and a sum; rename the sum"));
        }
        match (&compare.with, compare.other.is_empty()) {
            (With::This, false) => {
                return Err(format!("{place}: a report beside itself has no `other`; take it out"));
            }
            (With::Previous | With::Pattern(_), true) => {
                return Err(format!("{place}: other is empty; name the sums that it is compared with"));
            }
            _ => {}
        }
        if compare.with == With::Previous && !pattern.period.cumulative {
            return Err(format!("{place}: only cumulative amounts have a period before within the year"));
        }
        if compare.columns.is_empty() {
            return Err(format!("{place}: columns is empty; name the columns that the message points to"));
        }
        let of_this = compare.this.iter().filter_map(|sum| sum.column.as_ref());
        for name in compare.columns.iter().chain(&compare.by).chain(of_this) {
            pattern.column(name).ok_or_else(|| format!("{place}: `{name}` is no column of the pattern"))?;
        }
        summable(pattern, &compare.this).map_err(|e| format!("{place}: this: {e}"))?;
    }
    Ok(())
}

/// What must hold between patterns: the other side has the columns that a comparison reads.
pub(super) fn validate_others(patterns: &Patterns) -> Result<(), PatternError> {
    for pattern in patterns.iter() {
        for compare in &pattern.compares {
            let place = format!("compares: `{}`", compare.id);
            let fault = |message: String| PatternError::new(pattern.reference(), message);
            let other = match &compare.with {
                With::This => continue,
                With::Previous => std::sync::Arc::clone(pattern),
                With::Pattern(id) => {
                    patterns.get(id).ok_or_else(|| fault(format!("{place}: there is no pattern `{id}`")))?
                }
            };
            summable(&other, &compare.other).map_err(|e| fault(format!("{place}: other: {e}")))?;
            for name in &compare.by {
                let same = other.column(name).map(|column| column.kind)
                    == pattern.column(name).map(|column| column.kind);
                if !same {
                    return Err(fault(format!("{place}: `{name}` is not the same column in both patterns")));
                }
            }
        }
    }
    Ok(())
}

/// Sums are exact: floating-point numbers have no place in them.
fn summable(pattern: &Pattern, sums: &[Sum]) -> Result<(), String> {
    for name in sums.iter().filter_map(|sum| sum.column.as_ref()) {
        match pattern.column(name).map(|column| column.kind) {
            Some(ColumnType::Decimal(..) | ColumnType::Integer) => {}
            Some(_) => return Err(format!("`{name}` is neither decimal nor integer; it cannot be summed")),
            None => return Err(format!("`{name}` is no column of {}", pattern.reference())),
        }
    }
    Ok(())
}
