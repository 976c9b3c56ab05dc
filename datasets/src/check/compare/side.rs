//! One side of a comparison: rows of a report, added up by key.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use datafusion_common::{DataFusionError, Result as PlanResult};
use datafusion_physical_expr::PhysicalExpr;

use super::super::rules::expression::{Planner, holds};
use crate::Pattern;
use crate::pattern::Sum;

/// Keys that one comparison holds at once; with more it is not evaluated. A laptop keeps this as the hub does.
pub(super) const KEYS_MAX: usize = 250_000;

/// How rows of a pattern are added up; made once, shared by all payloads.
#[derive(Debug)]
pub(super) struct SidePlan {
    /// The columns that are read: first those of the key.
    schema: SchemaRef,
    by: usize,
    sums: Vec<PlannedSum>,
}

#[derive(Debug)]
struct PlannedSum {
    name: String,
    /// Place among the columns that are read; None: rows are counted.
    column: Option<usize>,
    scale: i8,
    filter: Option<Arc<dyn PhysicalExpr>>,
}

/// What was added up so far.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) plan: Arc<SidePlan>,
    converter: Option<RowConverter>,
    groups: HashMap<Box<[u8]>, Group>,
    /// Why nothing can be said.
    pub(super) fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// More keys than are held.
    Keys,
    /// A sum or a condition cannot be computed.
    Failed,
}

/// Sums of the rows of one key.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// File line of its first row; 0 for rows of no file.
    pub(super) line: u64,
    pub(super) sums: Box<[i128]>,
}

impl SidePlan {
    pub(super) fn new(pattern: &Pattern, by: &[String], sums: &[Sum]) -> PlanResult<Self> {
        let whole = pattern.schema();
        let planner = Planner::new(&whole)?;
        let mut names: Vec<String> = by.to_vec();
        let add = |names: &mut Vec<String>, name: &str| match names.iter().position(|known| known == name) {
            Some(at) => at,
            None => {
                names.push(name.to_owned());
                names.len() - 1
            }
        };
        for filter in sums.iter().filter_map(|sum| sum.filter.as_deref()) {
            for name in planner.condition(filter)?.1 {
                add(&mut names, &name);
            }
        }
        let columns: Vec<Option<usize>> =
            sums.iter().map(|sum| sum.column.as_deref().map(|name| add(&mut names, name))).collect();
        let fields = names.iter().map(|name| whole.field_with_name(name).cloned());
        let schema = Arc::new(Schema::new(fields.collect::<Result<Vec<Field>, ArrowError>>()?));
        // Conditions are planned again over the columns that are read.
        let planner = Planner::new(&schema)?;
        let planned = sums.iter().zip(columns).map(|(sum, column)| {
            let filter = sum.filter.as_deref().map(|text| planner.condition(text)).transpose()?;
            let scale = match column.map(|column| schema.field(column).data_type()) {
                Some(DataType::Decimal128(_, scale)) => *scale,
                _ => 0,
            };
            let filter = filter.map(|(condition, _)| condition);
            Ok(PlannedSum { name: sum.name.clone(), column, scale, filter })
        });
        let sums = planned.collect::<PlanResult<_>>()?;
        Ok(Self { by: by.len(), sums, schema })
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.schema.fields().iter().map(|field| field.name().as_str())
    }

    /// The key's columns.
    pub(super) fn by(&self) -> &[Arc<Field>] {
        &self.schema.fields()[..self.by]
    }

    /// A field for each sum.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.sums.iter().map(|sum| Field::new(&sum.name, DataType::Decimal128(38, sum.scale), true))
    }

    pub(super) fn converter(&self) -> Result<Option<RowConverter>, ArrowError> {
        let fields = self.by().iter().map(|field| SortField::new(field.data_type().clone()));
        let fields: Vec<SortField> = fields.collect();
        if fields.is_empty() { Ok(None) } else { RowConverter::new(fields).map(Some) }
    }

    /// The columns that are read, of a batch that has them by name.
    fn narrowed(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns().map(|name| {
            let column = batch.column_by_name(name).cloned();
            column.ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}

impl Side {
    pub(super) fn new(plan: Arc<SidePlan>) -> Result<Self, ArrowError> {
        let converter = plan.converter()?;
        let mut groups = HashMap::new();
        if converter.is_none() {
            groups.insert(Box::default(), Group { line: 0, sums: vec![0; plan.sums.len()].into() });
        }
        Ok(Self { plan, converter, groups, fault: None })
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Group> {
        self.groups.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(key, group)| (&key[..], group))
    }

    /// Adds rows; `lines` are their lines in the file, or none.
    pub(super) fn add(&mut self, batch: &RecordBatch, lines: &[u64]) {
        if self.fault.is_some() || batch.num_rows() == 0 {
            return;
        }
        if let Err(fault) = self.add_rows(batch, lines) {
            self.fault = Some(fault);
            self.groups.clear();
        }
    }

    fn add_rows(&mut self, batch: &RecordBatch, lines: &[u64]) -> Result<(), Fault> {
        let plan = Arc::clone(&self.plan);
        let batch = plan.narrowed(batch).map_err(|_| Fault::Failed)?;
        let rows = match &self.converter {
            Some(converter) => {
                let keys = batch.columns()[..plan.by].to_vec();
                Some(converter.convert_columns(&keys).map_err(|_| Fault::Failed)?)
            }
            None => None,
        };
        let columns = plan.sums.iter().map(|sum| Added::of(sum, &batch));
        let columns: Vec<Added> = columns.collect::<PlanResult<_>>().map_err(|_| Fault::Failed)?;
        for row in 0..batch.num_rows() {
            let key = rows.as_ref().map(|rows| rows.row(row));
            let key = key.as_ref().map_or(&[][..], AsRef::as_ref);
            if !self.groups.contains_key(key) {
                if self.groups.len() >= KEYS_MAX {
                    return Err(Fault::Keys);
                }
                let line = lines.get(row).copied().unwrap_or(0);
                self.groups.insert(key.into(), Group { line, sums: vec![0; columns.len()].into() });
            }
            let Some(group) = self.groups.get_mut(key) else { continue };
            // All rows are one key: the finding points to the first row that counts.
            if group.line == 0 && columns.iter().any(|column| column.takes(row)) {
                group.line = lines.get(row).copied().unwrap_or(0);
            }
            for (sum, column) in group.sums.iter_mut().zip(&columns) {
                *sum = sum.checked_add(column.value(row)).ok_or(Fault::Failed)?;
            }
        }
        Ok(())
    }
}

/// What one sum adds of each row.
struct Added {
    values: Option<ArrayRef>,
    taken: Option<BooleanArray>,
}

impl Added {
    fn of(sum: &PlannedSum, batch: &RecordBatch) -> PlanResult<Self> {
        let taken = sum.filter.as_ref().map(|filter| holds(filter.as_ref(), batch)).transpose()?;
        let values = sum.column.map(|column| Arc::clone(batch.column(column)));
        let known = values.as_ref().is_none_or(|values| {
            values.as_primitive_opt::<Decimal128Type>().is_some()
                || values.as_primitive_opt::<Int64Type>().is_some()
        });
        if known {
            Ok(Self { values, taken })
        } else {
            Err(DataFusionError::Internal("a sum of what is no decimal or integer".to_owned()))
        }
    }

    fn takes(&self, row: usize) -> bool {
        self.taken.as_ref().is_none_or(|taken| taken.is_valid(row) && taken.value(row))
    }

    /// Unscaled; an empty cell and a row that is not taken add nothing.
    fn value(&self, row: usize) -> i128 {
        if !self.takes(row) {
            return 0;
        }
        let Some(values) = &self.values else { return 1 };
        if values.is_null(row) {
            return 0;
        }
        match values.as_primitive_opt::<Decimal128Type>() {
            Some(decimals) => decimals.value(row),
            None => values.as_primitive_opt::<Int64Type>().map_or(0, |whole| i128::from(whole.value(row))),
        }
    }
}
