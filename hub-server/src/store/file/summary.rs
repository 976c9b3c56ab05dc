//! What the index keeps of a file, from the data itself: rows, submissions, publishers, exact bounds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{BOUND_BYTES, FileLayout};
use crate::store::index::{Bound, ColumnStats, Stats};

#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) rows: u64,
    pub(super) seqs: BTreeSet<i64>,
    /// Publisher → its rows.
    pub(super) publishers: BTreeMap<String, u64>,
    columns: BTreeMap<String, Bounds>,
}

#[derive(Debug, Default)]
struct Bounds {
    min: Found,
    max: Found,
    nulls: u64,
}

/// One side of a column's values.
#[derive(Debug, Default, Clone)]
enum Found {
    /// No value yet.
    #[default]
    Empty,
    Known(Bound),
    /// Values of a type without bounds.
    Unknown,
}

impl Summary {
    pub(super) fn of(layout: &FileLayout, batches: &[RecordBatch]) -> Result<Self, ArrowError> {
        let mut whole = Self::default();
        for batch in batches.iter().filter(|b| b.num_rows() > 0) {
            let mut part = Self { rows: batch.num_rows() as u64, ..Self::default() };
            part.collect_owners(batch)?;
            for name in &layout.stats {
                let column = lacking(batch, name)?;
                let nulls = column.null_count() as u64;
                let bounds = Bounds {
                    min: found(column, Ordering::Less),
                    max: found(column, Ordering::Greater),
                    nulls,
                };
                part.columns.insert(name.clone(), bounds);
            }
            whole.merge(part);
        }
        Ok(whole)
    }

    fn collect_owners(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let wrong = |name: &str| ArrowError::SchemaError(format!("column {name} is not of the hub's type"));
        let seqs = lacking(batch, "_seq")?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("_seq"))?;
        let publishers =
            lacking(batch, "_publisher")?.as_string_opt::<i32>().ok_or_else(|| wrong("_publisher"))?;
        // Rows of one owner stand together, so that a set is asked only where the owner changes.
        let mut seq = None;
        for value in seqs.iter().flatten() {
            if seq != Some(value) {
                seq = Some(value);
                self.seqs.insert(value);
            }
        }
        let mut run = ("", 0);
        for value in publishers.iter().flatten() {
            if run.0 != value {
                self.count(run.0, run.1);
                run = (value, 0);
            }
            run.1 += 1;
        }
        self.count(run.0, run.1);
        Ok(())
    }

    fn count(&mut self, publisher: &str, rows: u64) {
        match self.publishers.get_mut(publisher) {
            Some(counted) => *counted += rows,
            None if rows > 0 => {
                self.publishers.insert(publisher.to_owned(), rows);
            }
            None => {}
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.seqs.extend(other.seqs);
        for (publisher, rows) in other.publishers {
            self.count(&publisher, rows);
        }
        for (name, bounds) in other.columns {
            let mine = self.columns.entry(name).or_default();
            mine.min = combine(std::mem::take(&mut mine.min), bounds.min, Ordering::Less);
            mine.max = combine(std::mem::take(&mut mine.max), bounds.max, Ordering::Greater);
            mine.nulls += bounds.nulls;
        }
    }

    pub(super) fn stats(self) -> Stats {
        // A long text is left out only here: before, a shorter one may still displace it.
        let known = |found| match found {
            Found::Known(bound) if bound.text().is_none_or(|text| text.len() <= BOUND_BYTES) => Some(bound),
            Found::Known(_) | Found::Empty | Found::Unknown => None,
        };
        let stats = |b: Bounds| ColumnStats { min: known(b.min), max: known(b.max), nulls: b.nulls };
        self.columns.into_iter().map(|(name, bounds)| (name, stats(bounds))).collect()
    }
}

fn lacking<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("column {name} lacks")))
}

fn combine(a: Found, b: Found, side: Ordering) -> Found {
    match (a, b) {
        (Found::Unknown, _) | (_, Found::Unknown) => Found::Unknown,
        (Found::Empty, other) | (other, Found::Empty) => other,
        (Found::Known(a), Found::Known(b)) => match b.partial_cmp(&a) {
            None => Found::Unknown,
            Some(order) => Found::Known(if order == side { b } else { a }),
        },
    }
}

/// The exact smallest (`Less`) or largest (`Greater`) value of a column.
fn found(column: &ArrayRef, side: Ordering) -> Found {
    if !Bound::exists_for(column.data_type()) {
        return Found::Unknown;
    }
    let bound = match side {
        Ordering::Greater => Bound::largest(column),
        _ => Bound::smallest(column),
    };
    bound.map_or(Found::Empty, Found::Known)
}
