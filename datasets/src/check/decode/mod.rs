//! Raw cells into typed columns, one column at a time in one loop.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array};
use arrow::array::{TimestampMicrosecondArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use crate::csv::{Cells, unquote};
use crate::pattern::ColumnType;

use super::breach::Kind;
use super::lenient;
use crate::report::Change;

pub(super) mod number;
mod text;
pub(super) mod time;

use time::Zone;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<T> {
    Value(T),
    Empty,
    /// Float noise that was normalised.
    Noise(T),
    Fault(Kind),
}

/// A decoded column.
pub(super) struct Decoded {
    pub(super) array: ArrayRef,
    /// Cells that did not parse, by row.
    pub(super) faults: Vec<(u32, Kind)>,
    /// Cells with float noise, by row.
    pub(super) noise: Vec<u32>,
    /// Cells that were written in another form, by row.
    pub(super) tidied: Vec<(u32, Change)>,
}

/// How the cells of a column are read.
pub(super) struct Reading<'a> {
    pub(super) kind: ColumnType,
    pub(super) zone: Zone,
    /// Empty cells are zeros.
    pub(super) zero: bool,
    /// Texts that mean an empty cell, besides the empty one.
    pub(super) missing: &'a [Box<[u8]>],
    /// Cells that do not parse may be written as offices write them.
    pub(super) lenient: bool,
    /// Cells may hold line breaks as sheets write them.
    pub(super) breaks: bool,
}

/// Decodes a column of a chunk.
pub(super) fn column(cells: &Cells<'_>, file: usize, reading: &Reading<'_>) -> Decoded {
    match reading.kind {
        ColumnType::String => text::column(cells, file, reading),
        ColumnType::Integer => {
            let raw = values(cells, file, reading, |cell| number::integer(cell, reading.lenient));
            raw.finish(|values, nulls| Arc::new(Int64Array::new(values.into(), nulls)))
        }
        ColumnType::Decimal(precision, scale) => {
            let shape = number::Shape::new(precision, scale).by_hand(reading.lenient);
            let raw = values(cells, file, reading, |cell| shape.parse(cell));
            raw.finish(|values, nulls| decimals(values, nulls, precision, scale))
        }
        ColumnType::Number => {
            let raw = values(cells, file, reading, number::float);
            raw.finish(|values, nulls| Arc::new(Float64Array::new(values.into(), nulls)))
        }
        ColumnType::Boolean => {
            let raw = values(cells, file, reading, number::boolean);
            raw.finish(|values, nulls| Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)))
        }
        ColumnType::Date => {
            let raw = values(cells, file, reading, time::date);
            raw.finish(|values, nulls| Arc::new(Date32Array::new(values.into(), nulls)))
        }
        ColumnType::Datetime => {
            let mut clock = time::Clock::new(reading.zone);
            // Where offices write, the end of a day is another form of the next day's beginning, and listed.
            let is_form =
                |cell: &[u8]| reading.lenient && (cell.ends_with(b"24:00") || cell.ends_with(b"24:00:00"));
            let raw = values(cells, file, reading, |cell| match clock.parse(cell) {
                Cell::Value(_) if is_form(cell) => Cell::Fault(Kind::Type),
                read => read,
            });
            raw.finish(|values, nulls| {
                let times = TimestampMicrosecondArray::new(ScalarBuffer::from(values), nulls);
                Arc::new(times.with_data_type(reading.kind.arrow()))
            })
        }
    }
}

/// The values of a column that the file lacks.
pub(super) fn absent(kind: ColumnType, zero: bool, rows: usize) -> ArrayRef {
    match kind {
        ColumnType::Integer if zero => Arc::new(Int64Array::from(vec![0; rows])),
        ColumnType::Number if zero => Arc::new(Float64Array::from(vec![0.0; rows])),
        ColumnType::Decimal(precision, scale) if zero => decimals(vec![0; rows], None, precision, scale),
        _ => new_null_array(&kind.arrow(), rows),
    }
}

/// Precision and scale come from a checked pattern; should Arrow refuse them, the batch's schema
/// check reports it.
pub(super) fn decimals(values: Vec<i128>, nulls: Option<NullBuffer>, precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::new(values.into(), nulls);
    let plain = array.clone();
    Arc::new(array.with_precision_and_scale(precision, scale).unwrap_or(plain))
}

/// Values, and apart from them the rows that hold none: the loop over good cells only appends.
struct Raw<T> {
    values: Vec<T>,
    nulls: Vec<u32>,
    faults: Vec<(u32, Kind)>,
    noise: Vec<u32>,
    tidied: Vec<(u32, Change)>,
}

fn values<T: Copy + Default>(
    cells: &Cells<'_>,
    file: usize,
    reading: &Reading<'_>,
    mut parse: impl FnMut(&[u8]) -> Cell<T>,
) -> Raw<T> {
    let rows = cells.rows();
    let mut raw = Raw {
        values: Vec::with_capacity(rows),
        nulls: Vec::new(),
        faults: Vec::new(),
        noise: Vec::new(),
        tidied: Vec::new(),
    };
    for row in 0..rows {
        let (bytes, quoted) = cells.raw(row, file);
        let cell = if quoted || !reading.missing.is_empty() {
            rare(bytes, quoted, reading.missing, &mut parse)
        } else {
            parse(bytes)
        };
        match cell {
            Cell::Value(value) => raw.values.push(value),
            Cell::Fault(_) if reading.lenient => {
                let cell = raw.tidy(row as u32, reading, bytes, quoted, cell, &mut parse);
                raw.unusual(row as u32, cell, reading.zero);
            }
            other => raw.unusual(row as u32, other, reading.zero),
        }
    }
    raw
}

fn rare<T>(
    bytes: &[u8],
    quoted: bool,
    missing: &[Box<[u8]>],
    parse: &mut impl FnMut(&[u8]) -> Cell<T>,
) -> Cell<T> {
    let owned = quoted.then(|| unquote(bytes));
    let bytes = owned.as_deref().unwrap_or(bytes);
    if missing.iter().any(|m| **m == *bytes) { Cell::Empty } else { parse(bytes) }
}

impl<T: Copy + Default> Raw<T> {
    #[cold]
    fn unusual(&mut self, row: u32, cell: Cell<T>, zero: bool) {
        match cell {
            Cell::Value(value) => self.values.push(value),
            Cell::Noise(value) => {
                self.noise.push(row);
                self.values.push(value);
            }
            Cell::Empty => {
                if !zero {
                    self.nulls.push(row);
                }
                self.values.push(T::default());
            }
            Cell::Fault(kind) => {
                self.faults.push((row, kind));
                self.nulls.push(row);
                self.values.push(T::default());
            }
        }
    }

    /// Looks at a cell that did not parse once more, in the form that an office may have meant.
    #[cold]
    fn tidy(
        &mut self,
        row: u32,
        reading: &Reading<'_>,
        bytes: &[u8],
        quoted: bool,
        cell: Cell<T>,
        parse: &mut impl FnMut(&[u8]) -> Cell<T>,
    ) -> Cell<T> {
        let owned = quoted.then(|| unquote(bytes));
        let Some(rewritten) = lenient::rewritten(reading.kind, owned.as_deref().unwrap_or(bytes)) else {
            return cell;
        };
        let again = parse(&rewritten.text);
        if !matches!(again, Cell::Fault(_)) {
            self.tidied.extend(rewritten.changes.into_iter().map(|change| (row, change)));
        }
        again
    }

    fn finish(self, build: impl FnOnce(Vec<T>, Option<NullBuffer>) -> ArrayRef) -> Decoded {
        let nulls = null_buffer(&self.nulls, self.values.len());
        let (faults, noise, tidied) = (self.faults, self.noise, self.tidied);
        Decoded { array: build(self.values, nulls), faults, noise, tidied }
    }
}

/// The null buffer of a column, none when no row is null.
fn null_buffer(nulls: &[u32], rows: usize) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut valid = vec![true; rows];
    nulls.iter().for_each(|row| valid[*row as usize] = false);
    Some(NullBuffer::from(valid))
}

/// A cell without blanks and tabs around it.
#[inline]
pub(super) fn trimmed(cell: &[u8]) -> &[u8] {
    match cell {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => cell,
        _ => cell.trim_ascii(),
    }
}
