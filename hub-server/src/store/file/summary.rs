//! What the index keeps of a file, from the data itself: rows, submissions, publishers, exact bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::{concat, max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{BOUND_BYTES, FileLayout};
use crate::store::index::ColumnStats;

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
    min: Bound,
    max: Bound,
    nulls: u64,
}

/// One side of a column's values.
#[derive(Debug, Default, Clone)]
enum Bound {
    /// No value yet.
    #[default]
    Empty,
    /// One element.
    Known(ArrayRef),
    /// Values of a type without bounds.
    Unknown,
}

#[derive(Clone, Copy)]
enum Side {
    Min,
    Max,
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
                let bounds = Bounds { min: bound(column, Side::Min)?, max: bound(column, Side::Max)?, nulls };
                part.columns.insert(name.clone(), bounds);
            }
            whole.merge(part)?;
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

    pub(super) fn merge(&mut self, other: Self) -> Result<(), ArrowError> {
        self.rows += other.rows;
        self.seqs.extend(other.seqs);
        for (publisher, rows) in other.publishers {
            self.count(&publisher, rows);
        }
        for (name, bounds) in other.columns {
            let mine = self.columns.entry(name).or_default();
            mine.min = combine(std::mem::take(&mut mine.min), bounds.min, Side::Min)?;
            mine.max = combine(std::mem::take(&mut mine.max), bounds.max, Side::Max)?;
            mine.nulls += bounds.nulls;
        }
        Ok(())
    }

    pub(super) fn stats(self) -> BTreeMap<String, ColumnStats> {
        // A long text is left out only here: before, a shorter one may still displace it.
        let is_long =
            |array: &ArrayRef| array.as_string_opt::<i32>().is_some_and(|t| t.value(0).len() > BOUND_BYTES);
        let known = |bound| match bound {
            Bound::Known(array) if !is_long(&array) => Some(array),
            Bound::Known(_) | Bound::Empty | Bound::Unknown => None,
        };
        let stats = |b: Bounds| ColumnStats { min: known(b.min), max: known(b.max), nulls: b.nulls };
        self.columns.into_iter().map(|(name, bounds)| (name, stats(bounds))).collect()
    }
}

fn lacking<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("column {name} lacks")))
}

fn combine(a: Bound, b: Bound, side: Side) -> Result<Bound, ArrowError> {
    match (a, b) {
        (Bound::Unknown, _) | (_, Bound::Unknown) => Ok(Bound::Unknown),
        (Bound::Empty, other) | (other, Bound::Empty) => Ok(other),
        (Bound::Known(a), Bound::Known(b)) => bound(&concat(&[a.as_ref(), b.as_ref()])?, side),
    }
}

/// The exact smallest or largest value of a column.
fn bound(column: &ArrayRef, side: Side) -> Result<Bound, ArrowError> {
    macro_rules! of {
        ($kind:ty) => {{
            let array = column.as_primitive::<$kind>();
            match side {
                Side::Min => min(array),
                Side::Max => max(array),
            }
        }};
    }
    let array: Option<ArrayRef> = match column.data_type() {
        DataType::Int64 => of!(Int64Type).map(|v| Arc::new(Int64Array::from(vec![v])) as ArrayRef),
        DataType::Int32 => of!(Int32Type).map(|v| Arc::new(Int32Array::from(vec![v])) as ArrayRef),
        DataType::Date32 => of!(Date32Type).map(|v| Arc::new(Date32Array::from(vec![v])) as ArrayRef),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => of!(TimestampMicrosecondType).map(|v| {
            Arc::new(TimestampMicrosecondArray::from(vec![v]).with_timezone_opt(zone.clone())) as ArrayRef
        }),
        DataType::Decimal128(precision, scale) => match of!(Decimal128Type) {
            Some(v) => {
                Some(Arc::new(Decimal128Array::from(vec![v]).with_precision_and_scale(*precision, *scale)?))
            }
            None => None,
        },
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let text = match side {
                Side::Min => min_string(texts),
                Side::Max => max_string(texts),
            };
            text.map(|t| Arc::new(StringArray::from(vec![t])) as ArrayRef)
        }
        _ => return Ok(Bound::Unknown),
    };
    Ok(array.map_or(Bound::Empty, Bound::Known))
}
