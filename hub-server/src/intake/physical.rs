//! Rows as the files hold them: the pattern's columns, then the hub's.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray};
use arrow::compute::max;
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;
use hub_datasets::check::standing::SliceFacts;

/// Header column with the sender's own number of a correction.
const VERSION: &str = "wersja";

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

/// The slices that a payload sends, with what is known of each.
#[derive(Debug)]
pub(super) struct Slices {
    column: Option<usize>,
    /// The sender's own version.
    version: Option<usize>,
    seen: BTreeMap<String, SliceFacts>,
}

impl Slices {
    /// Of rows with a schema. Without a slice column the whole payload is the one slice ``.
    pub(super) fn new(schema: &Schema, slice: Option<&str>) -> Self {
        let column = slice.and_then(|slice| schema.index_of(slice).ok());
        let whole = column.is_none().then(|| (String::new(), SliceFacts::default()));
        Self { column, version: schema.index_of(VERSION).ok(), seen: whole.into_iter().collect() }
    }

    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let versions = self.version.map(|column| batch.column(column));
        let versions = versions.and_then(|column| column.as_primitive_opt::<Int64Type>());
        let versions = versions.filter(|versions| versions.null_count() < versions.len());
        let Some(column) = self.column else {
            self.run("", 0..batch.num_rows(), versions);
            return Ok(());
        };
        let values = batch.column(column);
        match values.as_string_opt::<i32>() {
            Some(values) => self.take_strings(values, versions),
            None => {
                for row in 0..values.len() {
                    self.run(&array_value_to_string(values, row)?, row..row + 1, versions);
                }
            }
        }
        Ok(())
    }

    /// Neighbouring rows mostly share their slice, so only a change costs a look-up.
    fn take_strings(&mut self, values: &StringArray, versions: Option<&Int64Array>) {
        let mut run: Option<(&str, usize)> = None;
        for (row, value) in values.iter().enumerate() {
            let goes_on = matches!((run, value), (Some((slice, _)), Some(value)) if slice == value);
            if goes_on {
                continue;
            }
            if let Some((slice, begin)) = run {
                self.run(slice, begin..row, versions);
            }
            run = value.map(|value| (value, row));
        }
        if let Some((slice, begin)) = run {
            self.run(slice, begin..values.len(), versions);
        }
    }

    /// Takes neighbouring rows of one slice.
    fn run(&mut self, slice: &str, rows: Range<usize>, versions: Option<&Int64Array>) {
        let facts = match self.seen.get_mut(slice) {
            Some(facts) => facts,
            None => self.seen.entry(slice.to_owned()).or_default(),
        };
        facts.rows += rows.len() as u64;
        if let Some(versions) = versions {
            facts.version = facts.version.max(max(&versions.slice(rows.start, rows.len())));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Names ascending, and what is known of each.
    pub(super) fn into_sorted(self) -> (Vec<String>, Vec<SliceFacts>) {
        self.seen.into_iter().unzip()
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn batch(slices: &[Option<&str>], versions: &[Option<i64>]) -> RecordBatch {
        let fields = [("unit", DataType::Utf8), (VERSION, DataType::Int64)];
        let schema = Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec());
        let columns: [ArrayRef; 2] =
            [Arc::new(StringArray::from(slices.to_vec())), Arc::new(Int64Array::from(versions.to_vec()))];
        RecordBatch::try_new(Arc::new(schema), columns.to_vec()).unwrap()
    }

    #[test]
    fn rows_and_the_largest_version_are_known_of_each_slice() {
        let first = batch(&[Some("b"), Some("b"), Some("a"), None], &[Some(1), Some(3), None, Some(9)]);
        let second = batch(&[Some("b"), Some("a"), Some("a")], &[Some(2), None, None]);
        let mut slices = Slices::new(&first.schema(), Some("unit"));
        slices.take(&first).unwrap();
        slices.take(&second).unwrap();
        assert_eq!(slices.len(), 2);
        let facts = |rows, version| SliceFacts { rows, version };
        let expected = (vec!["a".to_owned(), "b".to_owned()], vec![facts(3, None), facts(3, Some(3))]);
        assert_eq!(slices.into_sorted(), expected);
    }

    #[test]
    fn without_slices_all_rows_are_of_one() {
        let batch = batch(&[Some("b"), None], &[None, Some(4)]);
        let mut slices = Slices::new(&batch.schema(), None);
        slices.take(&batch).unwrap();
        let whole = SliceFacts { rows: 2, version: Some(4) };
        assert_eq!(slices.into_sorted(), (vec![String::new()], vec![whole]));
    }
}
