//! Order and uniqueness of keys: comparable key rows, sorting with the rows' lines, and repeated
//! keys among neighbours. A payload that comes sorted is compared as it streams; others are sorted in
//! runs, and the runs merged by their key rows.

use std::sync::Arc;

use arrow::array::UInt64Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{Row, RowConverter, SortField};

pub use arrow::row::{OwnedRow, Rows};

/// Makes the keys of rows comparable as bytes. Nulls come first; rows of one order only are compared
/// with each other.
#[derive(Debug)]
pub struct KeyOrder {
    converter: RowConverter,
    columns: Vec<usize>,
}

/// A row whose key equals an earlier one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Position in the batch.
    pub row: usize,
    /// File line of the row.
    pub line: u64,
    /// Line where the key was first seen.
    pub first_line: u64,
}

/// The last row of what was seen, to be compared with what comes next.
#[derive(Debug, Clone)]
pub struct Last {
    /// Its comparable key.
    pub key: OwnedRow,
    /// Its file line.
    pub line: u64,
}

/// What a look at a batch in its order found.
#[derive(Debug)]
pub struct Walk {
    /// True when no key is smaller than the one before it.
    pub sorted: bool,
    /// Rows whose key equals their neighbour's; complete only when sorted.
    pub repeats: Vec<Repeat>,
    /// The last row; None for an empty batch that followed nothing.
    pub last: Option<Last>,
}

impl KeyOrder {
    /// The order by `key`'s columns in a schema; None when there is no key.
    pub fn new(schema: &Schema, key: &[String]) -> Result<Option<Self>, ArrowError> {
        if key.is_empty() {
            return Ok(None);
        }
        let columns = key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = columns.iter().map(|c| SortField::new(schema.field(*c).data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        Ok(Some(Self { converter, columns }))
    }

    /// The comparable keys of a batch's rows.
    pub fn rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns: Vec<_> = self.columns.iter().map(|c| Arc::clone(batch.column(*c))).collect();
        self.converter.convert_columns(&columns)
    }

    /// True when a part of the row's key is null: it was refused already, and equals no other.
    pub fn is_partial(&self, batch: &RecordBatch, row: usize) -> bool {
        self.columns.iter().any(|column| batch.column(*column).is_null(row))
    }

    /// Walks over a batch that follows `last`: is it sorted, which neighbours repeat a key?
    pub fn walk(&self, batch: &RecordBatch, lines: &[u64], last: Option<&Last>) -> Result<Walk, ArrowError> {
        let rows = self.rows(batch)?;
        let mut walk = Walk { sorted: true, repeats: Vec::new(), last: None };
        // The first row of a run of equal keys is the one that the others repeat.
        let mut before: Option<(Row<'_>, u64)> = last.map(|last| (last.key.row(), last.line));
        for (row, (key, line)) in rows.iter().zip(lines.iter().copied()).enumerate() {
            before = match before {
                Some((known, first_line)) if known == key => {
                    if !self.is_partial(batch, row) {
                        walk.repeats.push(Repeat { row, line, first_line });
                    }
                    Some((known, first_line))
                }
                Some((known, _)) => {
                    walk.sorted &= known < key;
                    Some((key, line))
                }
                None => Some((key, line)),
            };
        }
        walk.last = before.map(|(key, line)| Last { key: key.owned(), line });
        Ok(walk)
    }

    /// Sorts batches into one run; equal keys stay in the order of their coming, and each row keeps its line.
    pub fn sort(
        &self,
        batches: &[RecordBatch],
        lines: &[u64],
    ) -> Result<Option<(RecordBatch, Vec<u64>)>, ArrowError> {
        let Some(first) = batches.first() else { return Ok(None) };
        let batch = match batches {
            [single] => single.clone(),
            several => concat_batches(&first.schema(), several)?,
        };
        let rows = self.rows(&batch)?;
        let mut order: Vec<u64> = (0..batch.num_rows() as u64).collect();
        order.sort_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
        let sorted_lines = order.iter().map(|at| lines.get(*at as usize).copied().unwrap_or(0)).collect();
        let sorted = take_record_batch(&batch, &UInt64Array::from(order))?;
        Ok(Some((sorted, sorted_lines)))
    }
}
