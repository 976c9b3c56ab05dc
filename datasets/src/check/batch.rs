//! Batches that a format decoder made: matched by name, cast where nothing can be lost.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;

use crate::report::{Code, Findings};

use super::header::Named;
use super::messages::structural;
use super::source::Source;
use super::{Checked, Checker, Part, breach, fill};

impl Checker {
    /// Checks a batch that a format decoder made (columns by name, any order, optional ones may lack);
    /// `first_row` is the number of its first row in the payload, from 1.
    pub fn batch(&self, batch: &RecordBatch, first_row: u64) -> Checked {
        let rows = batch.num_rows() as u64;
        let (columns, aside) = match self.matched(batch) {
            Ok(matched) => matched,
            Err(findings) => return Checked { rows, ..self.nothing(findings) },
        };
        let width = columns.len();
        let mut part =
            Part { rows: batch.num_rows(), columns, failed: vec![Vec::new(); width], breaches: Vec::new() };
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

    /// The pattern's columns out of a batch, or all that its schema has wrong.
    fn matched(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, Findings), Findings> {
        let mut faults = Findings::default();
        let mut aside = Findings::default();
        let mut found: Vec<Option<ArrayRef>> = vec![None; self.columns.len()];
        let mut fault = |column: &str, detail: String| {
            faults.add(structural(self, Code::SchemaMismatch, 0, column, &detail));
        };
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            match self.named(field.name()) {
                Named::Column(column) if found[column].is_some() => {
                    fault(field.name(), format!("column {} occurs twice", field.name()));
                }
                Named::Column(column) => {
                    let wanted = self.schema.field(column).data_type();
                    match widened(array, wanted) {
                        Some(array) => found[column] = Some(array),
                        None => fault(
                            field.name(),
                            format!("column {} is {}, not {wanted}", field.name(), field.data_type()),
                        ),
                    }
                }
                Named::SetAside => aside.add(structural(self, Code::ColumnSetAside, 0, field.name(), "")),
                Named::Unknown => fault(field.name(), format!("unknown column {}", field.name())),
            }
        }
        for column in (0..found.len()).filter(|column| found[*column].is_none()) {
            let name = &self.context.pattern.columns[column].name;
            let refused = batch
                .schema()
                .fields()
                .iter()
                .any(|f| matches!(self.named(f.name()), Named::Column(at) if at == column));
            if !refused && !self.may_lack(column) {
                fault(name, format!("column {name} is missing"));
            }
        }
        if faults.worst().is_some() {
            return Err(faults);
        }
        let rows = batch.num_rows();
        let columns = found.into_iter().enumerate();
        let columns = columns.map(|(at, array)| array.unwrap_or_else(|| fill::lacking(self, at, rows)));
        Ok((columns.collect(), aside))
    }
}

/// An array in the wanted type, when that loses nothing and needs no guess. Dictionaries are never
/// taken: their size is not bounded by the number of rows.
fn widened(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    let have = array.data_type();
    if have == wanted {
        return Some(Arc::clone(array));
    }
    let safe = match (have, wanted) {
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
    };
    if !safe {
        return None;
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, wanted, &options).ok()
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
