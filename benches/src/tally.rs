//! What came out of a statement or a pull: counted, and summed so that two systems can be compared.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::{cast, sum};
use arrow::datatypes::{DataType, Float64Type};

use crate::Failure;

/// Rows of an answer, their bytes in Arrow and on the line, and the sum of all numbers in them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) wire: u64,
    pub(crate) sum: f64,
}

impl Tally {
    /// Counts rows and their bytes only.
    pub(crate) fn count(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default() as u64;
        self.bytes += batch.columns().iter().map(bytes).sum::<u64>();
    }

    /// Counts, and adds up the cells of all columns of numbers.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.count(batch);
        for column in batch.columns().iter().filter(|column| column.data_type().is_numeric()) {
            let numbers = match column.data_type() {
                DataType::Float64 => Arc::clone(column),
                _ => cast(column, &DataType::Float64)?,
            };
            self.sum += sum(numbers.as_primitive::<Float64Type>()).unwrap_or(0.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn numbers_of_all_types_are_summed_and_texts_are_not() {
        let money = Decimal128Array::from(vec![Some(150), None]).with_precision_and_scale(15, 2).unwrap();
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(Int64Array::from(vec![1, 2])) as _),
            ("b", Arc::new(StringArray::from(vec!["7", "8"])) as _),
            ("c", Arc::new(money) as _),
        ])
        .unwrap();
        let mut tally = Tally::default();
        tally.add(&batch).unwrap();
        assert_eq!((tally.rows, tally.sum), (2, 4.5));
    }
}
