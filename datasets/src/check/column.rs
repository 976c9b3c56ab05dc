//! The checks of one column, compiled once per payload.

use std::collections::HashSet;

use regex::Regex;

use crate::Pattern;
use crate::pattern::{Absent, Column, ColumnType, PatternError};

use super::decode::Cell;
use super::decode::number::{Shape, float, integer};
use super::decode::time::{Clock, Zone, date};

/// Largest compiled regular expression of a pattern.
const FORM_SIZE_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct ColumnCheck {
    pub(super) kind: ColumnType,
    pub(super) zone: Zone,
    /// Empty cells and an absent column are zeros.
    pub(super) zero: bool,
    pub(super) required: bool,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    /// Index of the measure whose emptiness this column names.
    pub(super) status_of: Option<usize>,
    pub(super) allowed: Option<HashSet<Box<str>>>,
    pub(super) length: Option<(usize, usize)>,
    pub(super) form: Option<Regex>,
    pub(super) checksum: Option<Checksum>,
    /// A text in which a PESEL may stand: one that has no check digit of its own, and no closed list.
    pub(super) may_hold_numbers: bool,
}

/// A border in the units of the column's array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    Exact(i128),
    Float(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    Regon,
    Nip,
}

impl ColumnCheck {
    pub(super) fn new(pattern: &Pattern, column: &Column) -> Result<Self, PatternError> {
        let fault = |what: &str| PatternError {
            path: pattern.reference(),
            message: format!("column {}: {what}", column.name),
        };
        let zone = match &column.zone {
            Some(zone) => Zone::parse(zone).ok_or_else(|| fault("unknown zone"))?,
            None => Zone::UTC,
        };
        let bound = |text: &Option<String>| match text {
            Some(text) => Bound::parse(column.kind, zone, text)
                .map(Some)
                .ok_or_else(|| fault("minimum or maximum is not a value of its type")),
            None => Ok(None),
        };
        let status_of = match &column.status_of {
            Some(measure) => {
                let found = pattern.columns.iter().position(|c| c.name == *measure);
                Some(found.ok_or_else(|| fault("status of an unknown column"))?)
            }
            None => None,
        };
        let form = match &column.form {
            Some(form) => Some(
                regex::RegexBuilder::new(&format!("^(?:{form})$"))
                    .size_limit(FORM_SIZE_MAX)
                    .build()
                    .map_err(|e| fault(&format!("form: {e}")))?,
            ),
            None => None,
        };
        let checksum = match column.checksum.as_deref() {
            None => None,
            Some("regon") => Some(Checksum::Regon),
            Some("nip") => Some(Checksum::Nip),
            Some(other) => return Err(fault(&format!("unknown checksum `{other}`"))),
        };
        let length = match (column.min_length, column.max_length) {
            (None, None) => None,
            (least, most) => Some((least.unwrap_or(0), most.unwrap_or(usize::MAX))),
        };
        Ok(Self {
            kind: column.kind,
            zone,
            zero: column.absent == Absent::Zero && status_of.is_none(),
            // The hub fills header and status columns; what it cannot fill stays empty.
            required: column.required && !column.header && status_of.is_none(),
            minimum: bound(&column.minimum)?,
            maximum: bound(&column.maximum)?,
            status_of,
            allowed: column.allowed.as_ref().map(|a| a.iter().map(|v| v.as_str().into()).collect()),
            length,
            form,
            checksum,
            may_hold_numbers: column.kind == ColumnType::String
                && checksum.is_none()
                && column.allowed.is_none()
                && column.max_length.is_none_or(|most| most >= 11),
        })
    }

    /// True when a check looks at the text of each cell.
    pub(super) fn checks_text(&self) -> bool {
        self.allowed.is_some() || self.length.is_some() || self.form.is_some() || self.checksum.is_some()
    }
}

impl Bound {
    fn parse(kind: ColumnType, zone: Zone, text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let exact = |value: Option<i128>| value.map(Self::Exact);
        match kind {
            ColumnType::Integer => exact(value(integer(bytes, false)).map(i128::from)),
            ColumnType::Decimal(_, scale) => exact(value(Shape::new(38, scale).parse(bytes))),
            ColumnType::Number => value(float(bytes)).map(Self::Float),
            ColumnType::Date => exact(value(date(bytes)).map(i128::from)),
            ColumnType::Datetime => exact(value(Clock::new(zone).parse(bytes)).map(i128::from)),
            ColumnType::String | ColumnType::Boolean => None,
        }
    }
}

fn value<T>(cell: Cell<T>) -> Option<T> {
    match cell {
        Cell::Value(value) => Some(value),
        _ => None,
    }
}

impl Checksum {
    pub(super) fn holds(self, text: &str) -> bool {
        let digits: Option<Vec<u32>> =
            text.bytes().map(|b| b.is_ascii_digit().then(|| u32::from(b - b'0'))).collect();
        let Some(digits) = digits else { return false };
        let sum = |weights: &[u32]| weights.iter().zip(&digits).map(|(w, d)| w * d).sum::<u32>() % 11;
        match (self, digits.len()) {
            (Self::Regon, 9) => sum(&[8, 9, 2, 3, 4, 5, 6, 7]) % 10 == digits[8],
            (Self::Regon, 14) => {
                sum(&[8, 9, 2, 3, 4, 5, 6, 7]) % 10 == digits[8]
                    && sum(&[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 10 == digits[13]
            }
            // A remainder of ten is no digit, so no NIP has it.
            (Self::Nip, 10) => sum(&[6, 5, 7, 2, 3, 4, 5, 6, 7]) == digits[9],
            _ => false,
        }
    }
}
