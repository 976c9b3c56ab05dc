//! Batches that a format decoder made: matched by name, cast where nothing can be lost.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::report::{Code, Findings};

use super::header::Named;
use super::messages::structural;
use super::source::Source;
use super::{Checked, Checker, Part, breach, fill};

/// The place of each column of the pattern in a schema, and what of the schema is set aside.
type Matched = (Vec<Option<usize>>, Findings);

impl Checker {
    /// Checks a batch that a format decoder made (columns by name, any order, optional ones may lack);
    /// `first_row` is the number of its first row in the payload, from 1.
    pub fn batch(&self, batch: &RecordBatch, first_row: u64) -> Checked {
        let rows = batch.num_rows() as u64;
        let matched = self.matched(&batch.schema());
        let matched = matched.and_then(|(places, aside)| Ok((self.columns_of(batch, &places)?, aside)));
        let (columns, aside) = match matched {
            Ok(matched) => matched,
            Err(findings) => return Checked { rows, ..self.nothing(findings) },
        };
        let width = columns.len();
        let mut part = Part {
            rows: batch.num_rows(),
            columns,
            failed: vec![Vec::new(); width],
            breaches: Vec::new(),
            tidied: Vec::new(),
        };
        self.complete(&mut part);
        let lines: Vec<u64> = (first_row..first_row + rows).collect();
        let breaches = std::mem::take(&mut part.breaches);
        let mut findings = breach::findings(self, breaches, &Source::Batch(&part.columns), &lines);
        // Columns are set aside once for the payload, not once for each of its batches.
        if first_row == 1 {
            findings.merge(aside);
        }
        self.checked(part, lines, findings, rows)
    }

    /// Refuses a schema that no batch of this pattern has.
    pub(super) fn fits(&self, schema: &Schema) -> Result<(), Findings> {
        self.matched(schema).map(|_| ())
    }

    /// Finds the pattern's columns in a schema, or all that it has wrong.
    fn matched(&self, schema: &Schema) -> Result<Matched, Findings> {
        let mut faults = Findings::default();
        let mut aside = Findings::default();
        let mut places: Vec<Option<usize>> = vec![None; self.columns.len()];
        let mut fault = |column: &str, detail: String| {
            faults.add(structural(self, Code::SchemaMismatch, 0, column, &detail));
        };
        for (at, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            match self.named(name) {
                Named::Column(column) if places[column].is_some() => {
                    fault(name, format!("column {name} occurs twice"));
                }
                Named::Column(column) => {
                    // Also when its type is refused: then it is not said to be missing as well.
                    places[column] = Some(at);
                    let wanted = self.schema.field(column).data_type();
                    if !widens(field.data_type(), wanted) {
                        fault(name, format!("column {name} is {}, not {wanted}", field.data_type()));
                    }
                }
                Named::SetAside | Named::Explanation => {
                    aside.add(structural(self, Code::ColumnSetAside, 0, name, ""))
                }
                Named::Unknown | Named::Nothing => fault(name, format!("unknown column {name}")),
            }
        }
        if places.iter().all(Option::is_none) {
            // Without any column the number of rows would stand for nothing.
            let mut none = Findings::default();
            none.add(structural(self, Code::SchemaMismatch, 0, "", "it has no column of the pattern"));
            return Err(none);
        }
        for (column, _) in places.iter().enumerate().filter(|(_, place)| place.is_none()) {
            let name = &self.context.pattern.columns[column].name;
            if !self.may_lack(column) {
                fault(name, format!("column {name} is missing"));
            }
        }
        if faults.worst().is_some() { Err(faults) } else { Ok((places, aside)) }
    }

    /// The pattern's columns out of a batch, in the pattern's types.
    fn columns_of(&self, batch: &RecordBatch, places: &[Option<usize>]) -> Result<Vec<ArrayRef>, Findings> {
        let mut faults = Findings::default();
        let mut columns = Vec::with_capacity(places.len());
        for (column, place) in places.iter().enumerate() {
            let Some(place) = *place else {
                columns.push(fill::lacking(self, column, batch.num_rows()));
                continue;
            };
            let wanted = self.schema.field(column);
            match widened(batch.column(place), wanted.data_type()) {
                Ok(array) => columns.push(array),
                Err(error) => {
                    let detail = format!("column {} does not fit: {error}", wanted.name());
                    faults.add(structural(self, Code::SchemaMismatch, 0, wanted.name(), &detail));
                }
            }
        }
        if faults.worst().is_some() { Err(faults) } else { Ok(columns) }
    }
}

/// True when the first type becomes the second without a loss and without a guess. Dictionaries never
/// do: their size is not bounded by the number of rows.
fn widens(have: &DataType, wanted: &DataType) -> bool {
    match (have, wanted) {
        (have, wanted) if have == wanted => true,
        (DataType::Utf8View | DataType::LargeUtf8, DataType::Utf8) => true,
        (have, DataType::Int64) => have.is_integer() && *have != DataType::UInt64,
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Decimal128(p, s), DataType::Decimal128(wp, ws)) => wider(*p, *s, *wp, *ws),
        (have, DataType::Decimal128(precision, scale)) if have.is_integer() => {
            digits(have).is_some_and(|p| wider(p, 0, *precision, *scale))
        }
        (DataType::Timestamp(unit, Some(_)), DataType::Timestamp(..)) => {
            *unit != arrow::datatypes::TimeUnit::Nanosecond
        }
        _ => false,
    }
}

/// An array in a type that its own widens to.
fn widened(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == wanted {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, wanted, &options)
}

/// True when every decimal of the first shape fits the second.
fn wider(precision: u8, scale: i8, wanted_precision: u8, wanted_scale: i8) -> bool {
    let whole = i16::from(precision) - i16::from(scale);
    let wanted_whole = i16::from(wanted_precision) - i16::from(wanted_scale);
    scale <= wanted_scale && whole <= wanted_whole
}

/// Most digits of an integer type.
fn digits(kind: &DataType) -> Option<u8> {
    match kind {
        DataType::Int8 | DataType::UInt8 => Some(3),
        DataType::Int16 | DataType::UInt16 => Some(5),
        DataType::Int32 | DataType::UInt32 => Some(10),
        DataType::Int64 => Some(19),
        DataType::UInt64 => Some(20),
        _ => None,
    }
}
