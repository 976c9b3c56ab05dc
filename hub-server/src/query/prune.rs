//! Choosing files from the index: what cannot hold a matching row is never opened.

use std::collections::HashSet;
use std::str::FromStr as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, StringArray, UInt64Array, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use chrono::NaiveDate;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use super::visible::{PERIOD_END, PUBLISHER};
use crate::store::index::{ColumnStats, DataFile};

/// Files of which some row may satisfy the predicate, in the order given. When statistics do not
/// answer the predicate, all files stay.
pub(super) fn prune(
    files: Vec<Arc<DataFile>>,
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
) -> Vec<Arc<DataFile>> {
    let Ok(pruning) =
        PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(Arc::clone(predicate))
    else {
        return files;
    };
    if pruning.always_true() {
        return files;
    }
    let keep = pruning.prune(&IndexStatistics { files: &files, schema });
    match keep {
        Ok(keep) => files.into_iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect(),
        Err(error) => {
            tracing::warn!(%error, "file statistics do not answer a predicate; all files are read");
            files
        }
    }
}

/// The statistics of the index, one container per file.
#[derive(Debug)]
struct IndexStatistics<'a> {
    files: &'a [Arc<DataFile>],
    schema: &'a SchemaRef,
}

impl IndexStatistics<'_> {
    /// One bound per file; a file without it gets null, which never prunes.
    fn bounds(&self, column: &Column, bound: impl Fn(&DataFile) -> Option<ArrayRef>) -> Option<ArrayRef> {
        let data_type = self.schema.field_with_name(&column.name).ok()?.data_type();
        let unknown = new_null_array(data_type, 1);
        let mut known = false;
        let values: Vec<ArrayRef> = self
            .files
            .iter()
            .map(|file| match bound(file) {
                // A bound of another type was written for another schema; it is not trusted.
                Some(value) if value.data_type() == data_type && value.len() == 1 => {
                    known = true;
                    value
                }
                _ => Arc::clone(&unknown),
            })
            .collect();
        if !known {
            return None;
        }
        let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        concat(&values).ok()
    }
}

/// The bound of a column in a file: from its statistics, else from what the index knows anyway.
fn bound(
    file: &DataFile,
    name: &str,
    of: impl Fn(&ColumnStats) -> &Option<ArrayRef>,
    publisher: Option<&String>,
) -> Option<ArrayRef> {
    let written = file.stats.get(name).and_then(|stats| of(stats).clone());
    // NaN has no place in an order, so bounds of floats say nothing about it.
    if written.as_ref().is_some_and(|v| v.data_type().is_floating()) {
        return None;
    }
    written.or_else(|| match name {
        PERIOD_END => {
            period_end(&file.partition).map(|day| Arc::new(Date32Array::from(vec![day])) as ArrayRef)
        }
        PUBLISHER => publisher.map(|p| Arc::new(StringArray::from(vec![p.as_str()])) as ArrayRef),
        _ => None,
    })
}

/// Last day of a partition, whose name is either that day or a period's label.
pub(crate) fn last_day(partition: &str) -> Option<NaiveDate> {
    NaiveDate::from_str(partition)
        .ok()
        .or_else(|| hub_datasets::Period::from_str(partition).ok().map(|p| p.last_day()))
}

fn period_end(partition: &str) -> Option<i32> {
    let day = last_day(partition)?;
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

impl PruningStatistics for IndexStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |f| bound(f, &column.name, |s| &s.min, f.publishers.first()))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |f| bound(f, &column.name, |s| &s.max, f.publishers.last()))
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts: UInt64Array =
            self.files.iter().map(|f| f.stats.get(&column.name).map(|s| s.nulls)).collect();
        (counts.null_count() < counts.len()).then(|| Arc::new(counts) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|f| f.rows))))
    }

    /// Publishers of a file are known by name, not only by bounds.
    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        if column.name != PUBLISHER {
            return None;
        }
        let wanted: Option<Vec<&str>> = values
            .iter()
            .map(|value| match value {
                ScalarValue::Utf8(Some(v))
                | ScalarValue::Utf8View(Some(v))
                | ScalarValue::LargeUtf8(Some(v)) => Some(v.as_str()),
                _ => None,
            })
            .collect();
        let wanted = wanted?;
        Some(
            self.files
                .iter()
                .map(|f| {
                    let inside = f.publishers.iter().filter(|p| wanted.contains(&p.as_str())).count();
                    match inside {
                        0 if !f.publishers.is_empty() => Some(false),
                        n if n > 0 && n == f.publishers.len() => Some(true),
                        _ => None,
                    }
                })
                .collect(),
        )
    }
}

/// True when the type's statistics may stand for exact smallest and largest values of an answer.
pub(super) fn exact(data_type: &DataType) -> bool {
    !data_type.is_floating()
}
