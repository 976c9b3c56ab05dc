//! What a trial found, over all payloads.

use std::collections::{BTreeMap, BTreeSet};

use hub_datasets::{Pattern, Report, Severity};
use serde::Serialize;

/// What became of one payload.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tried {
    /// Id of the submission, or the file.
    pub(super) payload: String,
    pub(super) publisher: String,
    pub(super) period: String,
    /// None: it could not be read.
    pub(super) report: Option<Report>,
    /// Why not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) error: String,
}

impl Tried {
    /// True when it would be taken without a word of its sender.
    pub(super) fn passes(&self) -> bool {
        self.report.as_ref().is_some_and(|report| !report.blocks() && report.unexplained() == 0)
    }
}

/// What fails in one way.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failing {
    /// Rule of the pattern, else the kind of the finding.
    pub(super) rule: String,
    pub(super) column: String,
    /// Place of the column in the pattern, from 1; 0: it is about no column.
    pub(super) field: usize,
    pub(super) payloads: u64,
    pub(super) rows: u64,
    /// Share of the rows of those payloads, in percent.
    pub(super) percent: f64,
    /// The reports name only the first of very many rows, so that there may be more.
    pub(super) at_least: bool,
    pub(super) message_pl: String,
    pub(super) message_en: String,
}

/// All that was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Summary {
    pub(super) pattern: String,
    pub(super) payloads: usize,
    pub(super) pass: usize,
    pub(super) failing: Vec<Failing>,
    /// Rules that were not judged on some payload: comparisons, for other reports are not looked at.
    pub(super) not_evaluated: BTreeSet<String>,
}

/// Rows of one way to fail, while reports are read.
#[derive(Debug, Default)]
struct Rows {
    payloads: u64,
    rows: u64,
    of: u64,
    at_least: bool,
    message: (String, String),
}

/// What was found so far; no report is kept.
#[derive(Debug, Default)]
pub(super) struct Tally {
    found: BTreeMap<(String, String), Rows>,
    payloads: usize,
    pass: usize,
    not_evaluated: BTreeSet<String>,
}

impl Tally {
    pub(super) fn add(&mut self, tried: &Tried) {
        self.payloads += 1;
        self.pass += usize::from(tried.passes());
        if let Some(report) = &tried.report {
            failing_of(report, &mut self.found);
            self.not_evaluated.extend(report.not_evaluated.iter().cloned());
        }
    }
}

impl Summary {
    pub(super) fn of(pattern: &Pattern, tally: Tally) -> Self {
        let Tally { found, payloads, pass, not_evaluated } = tally;
        let place =
            |column: &str| pattern.columns.iter().position(|of| of.name == column).map_or(0, |at| at + 1);
        let mut failing: Vec<Failing> = found
            .into_iter()
            .map(|((rule, column), rows)| Failing {
                field: place(&column),
                rule,
                column,
                payloads: rows.payloads,
                rows: rows.rows,
                percent: if rows.of == 0 { 100.0 } else { 100.0 * rows.rows as f64 / rows.of as f64 },
                at_least: rows.at_least,
                message_pl: rows.message.0,
                message_en: rows.message.1,
            })
            .collect();
        failing.sort_by(|a, b| b.payloads.cmp(&a.payloads).then(b.rows.cmp(&a.rows)));
        Self { pattern: pattern.reference(), payloads, pass, failing, not_evaluated }
    }

    /// `117 of 120 pass; …`
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {} of {} pass", self.pattern, self.pass, self.payloads)];
        lines.extend(self.failing.iter().map(Failing::line));
        if !self.not_evaluated.is_empty() {
            let rules: Vec<&str> = self.not_evaluated.iter().map(String::as_str).collect();
            lines.push(format!(
                "not judged, for a trial looks at no other reports beside a payload: {}",
                rules.join(", ")
            ));
        }
        lines
    }
}

impl Failing {
    fn line(&self) -> String {
        let what = match (self.column.as_str(), self.field) {
            ("", _) => "the file".to_owned(),
            (column, 0) => format!("`{column}`"),
            (column, field) => format!("`{column}` (field {field})"),
        };
        let more = if self.at_least { "at least " } else { "" };
        let payloads = if self.payloads == 1 { "payload" } else { "payloads" };
        format!(
            "{what} fails in {more}{:.1} % of rows ({}) of {} {payloads}: {} — {}",
            self.percent, self.rows, self.payloads, self.rule, self.message_en
        )
    }
}

/// What makes a report fail, by rule and column. Counts are exact; which columns they are of is told by the violations
/// that the report names.
fn failing_of(report: &Report, found: &mut BTreeMap<(String, String), Rows>) {
    for count in report.counts.iter().filter(|count| count.severity >= Severity::MustExplain) {
        let of_count = |violation: &&hub_datasets::Violation| {
            violation.code == count.code
                && violation.rule == count.rule
                && violation.severity == count.severity
        };
        let listed: Vec<_> = report.violations.iter().filter(of_count).collect();
        let mut columns: BTreeMap<&str, u64> = BTreeMap::new();
        listed.iter().for_each(|violation| *columns.entry(&violation.column).or_default() += 1);
        let is_one = columns.len() <= 1;
        if columns.is_empty() {
            columns.insert("", 0);
        }
        let is_all = listed.len() as u64 == count.count;
        for (column, rows) in columns {
            let rule = match count.rule.as_str() {
                "" => serde_json::to_value(count.code).ok().and_then(|code| Some(code.as_str()?.to_owned())),
                rule => Some(rule.to_owned()),
            };
            let all = found.entry((rule.unwrap_or_default(), column.to_owned())).or_default();
            all.payloads += 1;
            all.rows += if is_one { count.count } else { rows };
            all.of += report.rows_read;
            all.at_least |= !is_one && !is_all;
            if let Some(first) = listed.iter().find(|violation| violation.column == column) {
                all.message = (first.message_pl.clone(), first.message_en.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
