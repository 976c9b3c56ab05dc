//! Expressions over few values are not understood but tried: what a filter leaves of all periods is counted, and whether a
//! group holds several of them. So no way of writing a date has to be known.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Date32Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use arrow::row::{RowConverter, SortField};
use chrono::{Datelike as _, NaiveDate};
use datafusion::common::DFSchema;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Expr;
use hub_datasets::period::{Frequency, Period};

use crate::query::visible::PERIOD_END;

/// Label of a period, as rows have it.
pub(super) const PERIOD: &str = "okres";
/// First day on which a row of a reference table holds, and where it ends.
pub(super) const VALID_FROM: &str = "valid_from";
pub(super) const VALID_TO: &str = "valid_to";

/// Years that are tried; those of days are fewer.
const YEARS: std::ops::RangeInclusive<i32> = 1995..=2050;
const YEARS_OF_DAYS: std::ops::RangeInclusive<i32> = 2015..=2032;

/// What it takes to evaluate an expression.
pub(super) type Evaluator<'a> = &'a SessionState;

/// The values of an expression over a table's columns; None: it cannot be evaluated here.
fn values(expr: &Expr, table: &RecordBatch, with: Evaluator<'_>) -> Option<ArrayRef> {
    let schema = DFSchema::try_from(table.schema().as_ref().clone()).ok()?;
    let physical = with.create_physical_expr(expr.clone(), &schema).ok()?;
    physical.evaluate(table).ok()?.into_array(table.num_rows()).ok()
}

/// The rows for which all conditions are true; None: one of them cannot be evaluated.
pub(super) fn rows_left(
    table: &RecordBatch,
    conditions: &[&Expr],
    with: Evaluator<'_>,
) -> Option<RecordBatch> {
    let mut left = table.clone();
    for condition in conditions {
        let kept = values(condition, &left, with)?;
        left = filter_record_batch(&left, kept.as_boolean_opt()?).ok()?;
    }
    Some(left)
}

/// All periods that a pattern may have, with the labels that rows may name them by.
pub(super) fn periods(frequencies: &str) -> Option<RecordBatch> {
    let (mut labels, mut ends) = (Vec::new(), Vec::new());
    for letter in frequencies.chars() {
        let frequency = Frequency::from_letter(letter.encode_utf8(&mut [0; 4]))?;
        let years = if letter == 'D' { YEARS_OF_DAYS } else { YEARS };
        let (mut day, end) =
            (NaiveDate::from_ymd_opt(*years.start(), 1, 1)?, NaiveDate::from_ymd_opt(*years.end(), 1, 1)?);
        while day < end {
            let period = Period::holding(day, frequency)?;
            labels.push(period.label().to_owned());
            ends.push(days(period.last_day())?);
            day = period.last_day().succ_opt()?;
        }
    }
    let (labels, ends) = (Arc::new(StringArray::from(labels)), Arc::new(Date32Array::from(ends)));
    RecordBatch::try_from_iter([(PERIOD, labels as ArrayRef), (PERIOD_END, ends as ArrayRef)]).ok()
}

fn days(day: NaiveDate) -> Option<i32> {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// A table of one column of text.
pub(super) fn texts(column: &str, values: &BTreeSet<&str>) -> Option<RecordBatch> {
    let values = Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
    RecordBatch::try_from_iter([(column, values)]).ok()
}

pub(super) fn texts_of(table: &RecordBatch) -> Vec<&str> {
    table
        .columns()
        .first()
        .and_then(|column| column.as_string_opt::<i32>())
        .map_or_else(Vec::new, |texts| texts.iter().flatten().collect())
}

/// The last days of periods.
pub(super) fn ends(periods: &RecordBatch) -> BTreeSet<i32> {
    let column =
        periods.column_by_name(PERIOD_END).and_then(|column| column.as_primitive_opt::<Date32Type>());
    column.map(|days| days.iter().flatten().collect()).unwrap_or_default()
}

/// Is there at most one of a year?
pub(super) fn one_a_year(ends: &BTreeSet<i32>) -> bool {
    let years: BTreeSet<i32> = ends.iter().filter_map(|day| year(*day)).collect();
    years.len() == ends.len()
}

fn year(day: i32) -> Option<i32> {
    Some(NaiveDate::default().checked_add_signed(chrono::TimeDelta::days(day.into()))?.year())
}

/// What an expression over a period's columns says of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// Which one it is.
    Period,
    /// Which one of its year.
    Season,
    /// Neither.
    Little,
}

/// Where an expression has the same value, is the period the same, or the only one of its year?
pub(super) fn tells(expr: &Expr, periods: &RecordBatch, with: Evaluator<'_>) -> Option<Tells> {
    let keys = keys(&[values(expr, periods, with)?])?;
    let days = periods.column_by_name(PERIOD_END)?.as_primitive_opt::<Date32Type>()?;
    let mut groups: HashMap<Vec<u8>, BTreeSet<i32>> = HashMap::new();
    for (row, key) in keys.into_iter().enumerate() {
        groups.entry(key.unwrap_or_default()).or_default().insert(days.value(row));
    }
    Some(match () {
        () if groups.values().all(|ends| ends.len() == 1) => Tells::Period,
        () if groups.values().all(one_a_year) => Tells::Season,
        () => Tells::Little,
    })
}

/// The rows of columns as comparable bytes; None where a cell is null.
fn keys(columns: &[ArrayRef]) -> Option<Vec<Option<Vec<u8>>>> {
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let rows = RowConverter::new(fields).ok()?.convert_columns(columns).ok()?;
    let has_null = |row: usize| columns.iter().any(|column| column.is_null(row));
    Some(rows.iter().enumerate().map(|(at, row)| (!has_null(at)).then(|| row.as_ref().to_vec())).collect())
}

/// Does a table have at most one row for each value of some expressions? `on_a_day`: of the rows valid on one day.
/// What cannot be evaluated is taken to be so.
pub(super) fn is_unique(
    table: &RecordBatch,
    conditions: &[&Expr],
    by: &[&Expr],
    on_a_day: bool,
    with: Evaluator<'_>,
) -> bool {
    let Some(left) = rows_left(table, conditions, with) else { return true };
    if by.is_empty() && !on_a_day {
        return left.num_rows() <= 1;
    }
    let columns: Option<Vec<ArrayRef>> = by.iter().map(|expr| values(expr, &left, with)).collect();
    let keys = match columns.as_deref() {
        Some([]) => Some(vec![Some(Vec::new()); left.num_rows()]),
        Some(columns) => keys(columns),
        None => None,
    };
    let Some(keys) = keys else { return true };
    let mut spans: BTreeMap<Vec<u8>, Vec<(i32, i32)>> = BTreeMap::new();
    for (row, key) in keys.into_iter().enumerate() {
        if let Some(key) = key {
            spans.entry(key).or_default().push(span(&left, row));
        }
    }
    spans.into_values().all(|mut spans| match on_a_day {
        true => {
            spans.sort_unstable();
            spans.windows(2).all(|pair| matches!(pair, [before, next] if before.1 <= next.0))
        }
        false => spans.len() == 1,
    })
}

/// From which day to which a row holds; open ends are far away.
fn span(table: &RecordBatch, row: usize) -> (i32, i32) {
    let day = |name: &str| {
        let column = table.column_by_name(name)?.as_primitive_opt::<Date32Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    (day(VALID_FROM).unwrap_or(i32::MIN), day(VALID_TO).unwrap_or(i32::MAX))
}
