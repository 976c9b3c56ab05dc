//! Choosing files from the index: what cannot hold a matching row is never opened. Segments are asked first, by
//! the bounds that all their files have together, then the files of those that are left.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};

use super::chosen::{Chosen, Part};
use super::visible::PUBLISHER;
use crate::store::index::{Bound, ColumnBounds, Merged, Segment};

/// Files of which some row may satisfy the predicate, in the order given. When statistics do not
/// answer the predicate, all files stay.
pub(super) fn prune(chosen: Chosen, predicate: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Chosen {
    let Ok(pruning) =
        PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(Arc::clone(predicate))
    else {
        return chosen;
    };
    if pruning.always_true() {
        return chosen;
    }
    let pruned = segments(chosen.parts(), &pruning, schema).and_then(|parts| {
        let parts = parts.into_iter().map(|part| files(part, &pruning, schema));
        parts.filter_map(Result::transpose).collect::<Result<Vec<Part>>>()
    });
    match pruned {
        Ok(parts) => Chosen::of(parts),
        Err(error) => {
            tracing::warn!(%error, "file statistics do not answer a predicate; all files are read");
            chosen
        }
    }
}

/// Parts that may hold a matching row, by the bounds of their segments. Where only some files of a segment are
/// meant, the others may be hidden: what is known of them together is not looked at.
fn segments(parts: &[Part], pruning: &PruningPredicate, schema: &SchemaRef) -> Result<Vec<Part>> {
    let whole: Vec<&Arc<Segment>> =
        parts.iter().filter(|part| part.files.is_none()).map(|part| &part.segment).collect();
    if whole.len() < 2 {
        return Ok(parts.to_vec());
    }
    let mut keep = pruning.prune(&OfSegments { segments: &whole, schema })?.into_iter();
    let kept = |part: &&Part| part.files.is_some() || keep.next().unwrap_or(true);
    Ok(parts.iter().filter(kept).cloned().collect())
}

/// Files of a part that may hold a matching row.
fn files(part: Part, pruning: &PruningPredicate, schema: &SchemaRef) -> Result<Option<Part>> {
    let keep = pruning.prune(&OfFiles { part: &part, schema })?;
    Ok(part.kept(keep.into_iter()))
}

/// Publishers that a predicate compares with; None: it compares with something else.
fn wanted<'a>(column: &Column, values: &'a HashSet<ScalarValue>) -> Option<Vec<&'a str>> {
    if column.name != PUBLISHER {
        return None;
    }
    let text = |value: &'a ScalarValue| match value {
        ScalarValue::Utf8(Some(v)) | ScalarValue::Utf8View(Some(v)) | ScalarValue::LargeUtf8(Some(v)) => {
            Some(v.as_str())
        }
        _ => None,
    };
    let mut wanted = values.iter().map(text).collect::<Option<Vec<&str>>>()?;
    wanted.sort_unstable();
    wanted.dedup();
    Some(wanted)
}

/// Does a container whose rows `all` publishers own, of which `inside` are wanted, hold only wanted ones, or none?
fn contains(inside: usize, all: usize) -> Option<bool> {
    match inside {
        0 if all > 0 => Some(false),
        n if n > 0 && n == all => Some(true),
        _ => None,
    }
}

/// What the index knows of the files of a part, one container per file.
#[derive(Debug)]
struct OfFiles<'a> {
    part: &'a Part,
    schema: &'a SchemaRef,
}

impl OfFiles<'_> {
    fn bounds(&self, column: &Column) -> Option<Arc<ColumnBounds>> {
        let kind = self.schema.field_with_name(&column.name).ok()?.data_type();
        Some(self.part.segment.column(&column.name, kind))
    }

    /// The elements of the files that are meant.
    fn meant(&self, values: &dyn arrow::array::Array) -> Option<ArrayRef> {
        match &self.part.files {
            None => Some(values.slice(0, values.len())),
            Some(files) => take(values, files, None).ok(),
        }
    }
}

impl PruningStatistics for OfFiles<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.meant(&self.bounds(column)?.min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.meant(&self.bounds(column)?.max)
    }

    fn num_containers(&self) -> usize {
        self.part.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.meant(&self.bounds(column)?.nulls)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.meant(self.part.segment.rows())
    }

    /// Publishers of a file are known by name, not only by bounds.
    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let segment = &self.part.segment;
        let all = segment.owners_of_files();
        let mut inside = vec![0; all.len()];
        for owner in wanted(column, values)?.into_iter().filter_map(|name| segment.owner(name)) {
            for at in &owner.files {
                if let Some(inside) = inside.get_mut(*at as usize) {
                    *inside += 1;
                }
            }
        }
        let told = inside.into_iter().zip(all).map(|(inside, all)| contains(inside, *all as usize));
        let told: BooleanArray = told.collect();
        self.meant(&told).map(|told| BooleanArray::from(told.to_data()))
    }
}

/// What the index knows of whole segments, one container per segment.
#[derive(Debug)]
struct OfSegments<'a> {
    segments: &'a [&'a Arc<Segment>],
    schema: &'a SchemaRef,
}

impl OfSegments<'_> {
    /// One bound per segment; null, which never prunes, where a file does not tell.
    fn bounds(&self, column: &Column, bound: impl Fn(&Merged) -> Option<&Bound>) -> Option<ArrayRef> {
        let kind = self.schema.field_with_name(&column.name).ok()?.data_type();
        let columns: Vec<_> = self.segments.iter().map(|s| s.column(&column.name, kind)).collect();
        Some(Bound::array(kind, columns.iter().map(|column| bound(&column.merged))))
    }
}

impl PruningStatistics for OfSegments<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |merged| merged.min.as_ref())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |merged| merged.max.as_ref())
    }

    fn num_containers(&self) -> usize {
        self.segments.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let kind = self.schema.field_with_name(&column.name).ok()?.data_type();
        let nulls = self.segments.iter().map(|s| s.column(&column.name, kind).merged.nulls);
        Some(Arc::new(nulls.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.segments.iter().map(|s| s.rows().values().iter().sum::<u64>());
        Some(Arc::new(UInt64Array::from_iter_values(rows)))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let wanted = wanted(column, values)?;
        let told = |segment: &&Arc<Segment>| {
            if segment.owners_of_files().contains(&0) {
                return None;
            }
            let inside = wanted.iter().filter(|name| segment.owner(name).is_some()).count();
            contains(inside, segment.owners().len())
        };
        Some(self.segments.iter().map(told).collect())
    }
}
