//! What a file may leave out: zeros, submission metadata, statuses; and whether what it says of
//! period and publisher agrees with the submission.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};

use crate::Period;
use crate::pattern::{ColumnType, PatternError};

use super::breach::Kind;
use super::decode::time::{Zone, days};
use super::decode::{absent, decimals};
use super::{Checker, Context, Part};

/// Names of the header columns that the hub can fill or compare.
const PERIOD: &str = "okres";
const UNIT: &str = "jst_terc6";

/// Statuses of a measure: A has a value, M, L and Z have none.
const NORMAL: &str = "A";
const MISSING: &str = "M";
const EMPTY: [&str; 3] = [MISSING, "L", "Z"];

impl Checker {
    pub(super) fn fill(&self, part: &mut Part) {
        for (column, check) in self.columns.iter().enumerate() {
            if check.zero && part.columns[column].null_count() > part.failed[column].len() {
                part.columns[column] = zeroed(&part.columns[column], check.kind, &part.failed[column]);
            }
        }
        let context = &self.context;
        for (column, declared) in context.pattern.columns.iter().enumerate() {
            if !declared.header || declared.kind != ColumnType::String {
                continue;
            }
            match declared.name.as_str() {
                PERIOD => self.agree(part, column, context.period.as_ref().map(Period::label), Kind::Period),
                UNIT => {
                    let unit = context.publisher.as_ref().map(|p| p.terc6.as_deref().unwrap_or_default());
                    self.agree(part, column, unit, Kind::Publisher);
                }
                _ => {}
            }
        }
        for (column, check) in self.columns.iter().enumerate() {
            if let Some(measure) = check.status_of {
                status(part, column, measure);
            }
        }
        if let Some(check) = &self.period_of {
            check.run(part);
        }
    }

    /// Comparisons of header columns that nothing known can be compared with: an empty cell stays empty,
    /// a full one is taken as it is.
    pub(super) fn not_compared(&self) -> Vec<String> {
        let Context { pattern, period, publisher, .. } = &self.context;
        let comparisons =
            [("period", PERIOD, period.is_none()), ("publisher", UNIT, publisher.is_none())].into_iter();
        let idle = comparisons.filter(|(_, column, unknown)| {
            *unknown && pattern.columns.iter().any(|c| c.header && c.name == *column)
        });
        idle.map(|(what, column, _)| format!("{what} {column}")).collect()
    }

    /// Fills empty cells with what the submission says, and compares the others with it.
    fn agree(&self, part: &mut Part, column: usize, expected: Option<&str>, kind: Kind) {
        let Some(expected) = expected else { return };
        let array = Arc::clone(&part.columns[column]);
        let Some(texts) = array.as_string_opt::<i32>() else { return };
        // Rows mostly repeat each other, so only a text unlike the one before is looked at.
        let mut last: Option<(&str, bool)> = None;
        for (row, text) in texts.iter().enumerate() {
            let Some(text) = text else { continue };
            let agrees = match last {
                Some((known, agrees)) if known == text => agrees,
                _ => text == expected || (kind == Kind::Period && self.same_period(text)),
            };
            last = Some((text, agrees));
            if !agrees {
                part.breach(row, column, kind);
            }
        }
        if texts.null_count() > 0 && !expected.is_empty() {
            let filled = texts.iter().map(|text| Some(text.unwrap_or(expected)));
            part.columns[column] = Arc::new(filled.collect::<StringArray>());
        }
    }

    /// Two labels of one partition (Q4 and M12 of a cumulative pattern) are one period.
    fn same_period(&self, label: &str) -> bool {
        let pattern = &self.context.pattern;
        let (Some(ours), Ok(theirs)) = (&self.context.period, label.parse::<Period>()) else { return false };
        theirs.partition(pattern) == ours.partition(pattern)
    }
}

/// Puts zeros where a measure is empty; cells that did not parse stay null.
fn zeroed(array: &ArrayRef, kind: ColumnType, failed: &[u32]) -> ArrayRef {
    let kept = |row: usize| failed.binary_search(&(row as u32)).is_ok();
    match kind {
        ColumnType::Integer => {
            let values = array.as_primitive::<Int64Type>().iter().enumerate();
            let filled = values.map(|(row, v)| if kept(row) { v } else { v.or(Some(0)) });
            Arc::new(filled.collect::<arrow::array::Int64Array>())
        }
        ColumnType::Number => {
            let values = array.as_primitive::<Float64Type>().iter().enumerate();
            let filled = values.map(|(row, v)| if kept(row) { v } else { v.or(Some(0.0)) });
            Arc::new(filled.collect::<arrow::array::Float64Array>())
        }
        ColumnType::Decimal(precision, scale) => {
            let values = array.as_primitive::<Decimal128Type>();
            let raw = values.iter().map(Option::unwrap_or_default).collect();
            let valid = (0..values.len()).map(|row| values.is_valid(row) || !kept(row));
            decimals(raw, Some(valid.collect()), precision, scale)
        }
        _ => Arc::clone(array),
    }
}

/// Fills a status from its measure's emptiness, or compares it.
fn status(part: &mut Part, column: usize, measure: usize) {
    let array = Arc::clone(&part.columns[column]);
    let empty = Arc::clone(&part.columns[measure]);
    let Some(texts) = array.as_string_opt::<i32>() else { return };
    for (row, text) in texts.iter().enumerate() {
        let agrees = match text {
            None => true,
            Some(NORMAL) => empty.is_valid(row),
            Some(text) if EMPTY.contains(&text) => empty.is_null(row),
            Some(_) => {
                part.breach(row, column, Kind::Allowed);
                continue;
            }
        };
        if !agrees && !part.has_failed(measure, row) {
            part.breach(row, column, Kind::Status);
        }
    }
    if texts.null_count() > 0 {
        let filled = texts
            .iter()
            .enumerate()
            .map(|(row, text)| Some(text.unwrap_or(if empty.is_null(row) { MISSING } else { NORMAL })));
        part.columns[column] = Arc::new(filled.collect::<StringArray>());
    }
}

/// The borders of the submission's period on an event pattern's time column.
#[derive(Debug, Clone)]
pub(super) struct PeriodOfCheck {
    column: usize,
    days: (i32, i32),
    /// Microseconds in UTC.
    begin: i64,
    end: i64,
    end_inclusive: bool,
}

impl PeriodOfCheck {
    pub(super) fn compile(
        context: &Context,
        not_evaluated: &mut Vec<String>,
    ) -> Result<Option<Self>, PatternError> {
        let pattern = &context.pattern;
        let Some(declared) = &pattern.period.period_of else { return Ok(None) };
        let fault = |message: String| PatternError { path: pattern.reference(), message };
        let column = pattern
            .columns
            .iter()
            .position(|c| c.name == declared.column)
            .ok_or_else(|| fault(format!("period_of: unknown column {}", declared.column)))?;
        let zone = Zone::parse(&declared.zone)
            .ok_or_else(|| fault(format!("period_of: unknown zone {}", declared.zone)))?;
        let Some(period) = &context.period else {
            not_evaluated.push(format!("period_of {}", declared.column));
            return Ok(None);
        };
        let after = period.last_day().succ_opt().unwrap_or(period.last_day());
        Ok(Some(Self {
            column,
            days: (days(period.first_day()), days(period.last_day())),
            begin: zone.midnight(period.first_day()) * 1_000_000,
            end: zone.midnight(after) * 1_000_000,
            end_inclusive: declared.end_inclusive,
        }))
    }

    fn run(&self, part: &mut Part) {
        let array = Arc::clone(&part.columns[self.column]);
        // An hour that is named by its end lies in (begin, end], others in [begin, end).
        let shift = i64::from(self.end_inclusive);
        let (begin, end) = (self.begin + shift, self.end + shift);
        if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            for (row, time) in times.iter().enumerate() {
                if time.is_some_and(|time| time < begin || time >= end) {
                    part.breach(row, self.column, Kind::OutsidePeriod);
                }
            }
        } else if let Some(dates) = array.as_primitive_opt::<Date32Type>() {
            for (row, date) in dates.iter().enumerate() {
                if date.is_some_and(|date| date < self.days.0 || date > self.days.1) {
                    part.breach(row, self.column, Kind::OutsidePeriod);
                }
            }
        }
    }
}

/// The values of a column that a batch lacks.
pub(super) fn lacking(checker: &Checker, column: usize, rows: usize) -> ArrayRef {
    let check = &checker.columns[column];
    absent(check.kind, check.zero, rows)
}
