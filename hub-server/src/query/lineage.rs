//! What a pattern says of adding its rows: which columns are amounts of what kind, and what tells rows apart. A statement
//! is looked through for traps by it.

use std::collections::BTreeSet;

use hub_datasets::Pattern;
use hub_datasets::pattern::{Aggregation, ColumnType, Role};
use serde::{Deserialize, Serialize};

/// How values of a measure are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Added {
    /// Over units and periods.
    Freely,
    /// They run from the first day of the year: over units, and over years.
    Cumulative,
    /// A state on a day: over units only.
    State,
    /// Not at all: a concentration, a rate.
    Never,
}

/// Rows of some values of a column that hold those of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) column: String,
    /// A total, and what it is put together of.
    pub(super) contains: Vec<(String, Vec<String>)>,
}

impl Totals {
    /// All that a value is put together of.
    pub(super) fn within<'a>(&'a self, value: &'a str) -> BTreeSet<&'a str> {
        let (mut found, mut open) = (BTreeSet::new(), vec![value]);
        while let Some(value) = open.pop() {
            let parts = self.contains.iter().filter(|(of, _)| of == value).flat_map(|(_, parts)| parts);
            open.extend(parts.map(String::as_str).filter(|part| found.insert(*part)));
        }
        found
    }
}

/// Of a dataset, as far as its reader sees the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lineage {
    /// Tells the rows of one publisher and period apart; None: nothing does, or not all of it is seen.
    pub(super) key: Option<Vec<String>>,
    /// Letters of the frequencies of its periods.
    pub(super) frequencies: String,
    pub(super) measures: Vec<(String, Added)>,
    pub(super) totals: Option<Totals>,
}

impl Lineage {
    pub(super) fn of(pattern: &Pattern, is_seen: impl Fn(&str) -> bool) -> Self {
        let key = Some(&pattern.key).filter(|key| !key.is_empty() && key.iter().all(|name| is_seen(name)));
        let measures = pattern.columns.iter().filter(|column| {
            let numeric =
                matches!(column.kind, ColumnType::Integer | ColumnType::Decimal(..) | ColumnType::Number);
            column.role == Role::Measure && numeric && is_seen(&column.name)
        });
        let added = |aggregation| match aggregation {
            Aggregation::Sum if pattern.period.cumulative => Added::Cumulative,
            Aggregation::Sum => Added::Freely,
            Aggregation::Last => Added::State,
            Aggregation::Weighted | Aggregation::None => Added::Never,
        };
        let totals = pattern.totals.as_ref().filter(|totals| is_seen(&totals.column));
        Self {
            key: key.cloned(),
            frequencies: pattern.period.frequencies.iter().map(|frequency| frequency.letter()).collect(),
            measures: measures.map(|column| (column.name.clone(), added(column.aggregation))).collect(),
            totals: totals.map(|totals| Totals {
                column: totals.column.clone(),
                contains: totals.contains.iter().map(|(of, parts)| (of.clone(), parts.clone())).collect(),
            }),
        }
    }

    pub(super) fn added(&self, column: &str) -> Option<Added> {
        self.measures.iter().find(|(name, _)| name == column).map(|(_, added)| *added)
    }

    /// Must a sum of it look at periods?
    pub(super) fn minds_periods(&self) -> bool {
        self.measures.iter().any(|(_, added)| matches!(added, Added::Cumulative | Added::State))
    }
}
