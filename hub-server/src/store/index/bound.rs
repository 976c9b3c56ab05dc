//! Bounds as the index keeps them: a few bytes each, where a one-element array takes hundreds.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Date32Array, Decimal128Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};

use serde::{Deserialize, Serialize};

use super::shared;

/// The smallest or largest value of a column in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Bound {
    Int64(i64),
    Int32(i32),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01, UTC.
    Time(i64),
    Decimal(Decimal),
    Text(Box<str>),
}

/// An unscaled number of 128 bits, in halves so that it takes no more room than the other kinds need.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decimal {
    precision: u8,
    scale: i8,
    high: i64,
    low: u64,
}

impl Decimal {
    pub(crate) fn new(unscaled: i128, precision: u8, scale: i8) -> Self {
        // The halves of the two's complement.
        Self { precision, scale, high: (unscaled >> 64) as i64, low: unscaled as u64 }
    }
    pub(crate) fn unscaled(self) -> i128 {
        (i128::from(self.high) << 64) | i128::from(self.low)
    }
}

/// Bounds of one type have an order; of two types they have none.
impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int64(a), Self::Int64(b)) | (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Int32(a), Self::Int32(b)) | (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Decimal(a), Self::Decimal(b)) => {
                let same = (a.precision, a.scale) == (b.precision, b.scale);
                same.then(|| a.unscaled().cmp(&b.unscaled()))
            }
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Smallest,
    Largest,
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl Bound {
    /// The smallest value of a column; None when it has no value, or its type has no bounds.
    pub(crate) fn smallest(column: &dyn Array) -> Option<Self> {
        Self::extreme(column, Side::Smallest)
    }
    /// The largest value of a column; None when it has no value, or its type has no bounds.
    pub(crate) fn largest(column: &dyn Array) -> Option<Self> {
        Self::extreme(column, Side::Largest)
    }

    fn extreme(column: &dyn Array, side: Side) -> Option<Self> {
        macro_rules! of {
            ($kind:ty) => {
                match side {
                    Side::Smallest => min(column.as_primitive::<$kind>()),
                    Side::Largest => max(column.as_primitive::<$kind>()),
                }?
            };
        }
        Some(match column.data_type() {
            DataType::Int64 => Self::Int64(of!(Int64Type)),
            DataType::Int32 => Self::Int32(of!(Int32Type)),
            DataType::Date32 => Self::Date(of!(Date32Type)),
            DataType::Decimal128(precision, scale) => {
                Self::Decimal(Decimal::new(of!(Decimal128Type), *precision, *scale))
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let text = match side {
                    Side::Smallest => min_string(texts),
                    Side::Largest => max_string(texts),
                };
                Self::Text(text?.into())
            }
            other if *other == utc() => Self::Time(of!(TimestampMicrosecondType)),
            _ => return None,
        })
    }

    /// True for types whose columns have bounds.
    pub(crate) fn exists_for(kind: &DataType) -> bool {
        use DataType::{Date32, Decimal128, Int32, Int64, Utf8};
        matches!(kind, Int64 | Int32 | Date32 | Utf8 | Decimal128(..)) || *kind == utc()
    }

    /// The text, when it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bounds of one column of several files as an array of its type, null where there is none. A bound of
    /// another type was written for another schema; it is not trusted.
    pub(crate) fn array<'a>(kind: &DataType, bounds: impl Iterator<Item = Option<&'a Self>>) -> ArrayRef {
        macro_rules! values {
            ($array:ty, $variant:ident) => {{
                let value = |bound: Option<&Self>| match bound {
                    Some(Self::$variant(value)) => Some(*value),
                    _ => None,
                };
                bounds.map(value).collect::<$array>()
            }};
        }
        match kind {
            DataType::Int64 => Arc::new(values!(Int64Array, Int64)),
            DataType::Int32 => Arc::new(values!(Int32Array, Int32)),
            DataType::Date32 => Arc::new(values!(Date32Array, Date)),
            DataType::Utf8 => Arc::new(bounds.map(|bound| bound?.text()).collect::<StringArray>()),
            DataType::Decimal128(precision, scale) => {
                let own = |bound: Option<&Self>| match bound {
                    Some(Self::Decimal(d)) if (d.precision, d.scale) == (*precision, *scale) => {
                        Some(d.unscaled())
                    }
                    _ => None,
                };
                let values: Decimal128Array = bounds.map(own).collect();
                Arc::new(values.with_data_type(kind.clone()))
            }
            other if *other == utc() => {
                Arc::new(values!(TimestampMicrosecondArray, Time).with_data_type(other.clone()))
            }
            other => new_null_array(other, bounds.count()),
        }
    }
}

/// Bounds of one column in one file. Bounds are exact or absent, never rounded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnStats {
    /// None: unknown (all null, or too long).
    pub(crate) min: Option<Bound>,
    pub(crate) max: Option<Bound>,
    pub(crate) nulls: u64,
}

/// Statistics of a file's columns by their names. The names are one copy for all files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stats(Box<[(Arc<str>, ColumnStats)]>);

impl Stats {
    pub(crate) fn get(&self, column: &str) -> Option<&ColumnStats> {
        let at = self.0.binary_search_by(|(name, _)| name.as_ref().cmp(column)).ok()?;
        self.0.get(at).map(|(_, stats)| stats)
    }
    /// By name, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ColumnStats)> {
        self.0.iter().map(|(name, stats)| (name.as_ref(), stats))
    }
}

/// Of several statistics of a column the last counts.
impl<N: AsRef<str>> FromIterator<(N, ColumnStats)> for Stats {
    fn from_iter<I: IntoIterator<Item = (N, ColumnStats)>>(columns: I) -> Self {
        let columns = columns.into_iter().map(|(name, stats)| (shared(name.as_ref()), stats));
        Self(columns.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect())
    }
}
