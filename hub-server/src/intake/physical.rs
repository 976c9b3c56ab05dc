//! Rows as the files hold them: the pattern's columns, then the hub's.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;

/// What the hub adds to each row of one submission.
#[derive(Debug, Clone)]
pub(super) struct HubColumns {
    /// Physical schema of the table.
    pub(super) schema: SchemaRef,
    pub(super) period_end: NaiveDate,
    pub(super) publisher: String,
    pub(super) seq: i64,
}

impl HubColumns {
    /// A batch of the pattern's columns with `_period_end`, `_publisher` and `_seq` behind them.
    pub(super) fn add(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let day = self.period_end.signed_duration_since(NaiveDate::default()).num_days();
        let day = i32::try_from(day).map_err(|error| ArrowError::CastError(error.to_string()))?;
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(Date32Array::from_value(day, rows)));
        columns.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&self.publisher, rows))));
        columns.push(Arc::new(Int64Array::from_value(self.seq, rows)));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// The slices that a payload sends.
#[derive(Debug)]
pub(super) struct Slices {
    column: Option<usize>,
    seen: BTreeSet<String>,
}

impl Slices {
    /// Without a slice column the whole payload is the one slice ``.
    pub(super) fn new(column: Option<usize>) -> Self {
        let seen = if column.is_none() { BTreeSet::from([String::new()]) } else { BTreeSet::new() };
        Self { column, seen }
    }

    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let Some(column) = self.column else { return Ok(()) };
        let values = batch.column(column);
        match values.as_string_opt::<i32>() {
            Some(values) => self.take_strings(values),
            None => {
                for row in 0..values.len() {
                    self.seen.insert(array_value_to_string(values, row)?);
                }
            }
        }
        Ok(())
    }

    /// Neighbouring rows mostly share their slice, so only a change costs a look-up.
    fn take_strings(&mut self, values: &StringArray) {
        let mut last: Option<&str> = None;
        for value in values.iter().flatten() {
            if last != Some(value) {
                last = Some(value);
                if !self.seen.contains(value) {
                    self.seen.insert(value.to_owned());
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn into_sorted(self) -> Vec<String> {
        self.seen.into_iter().collect()
    }
}
