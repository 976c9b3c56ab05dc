//! What several rules of a pattern compute of a row (a sum, an amount with more digits) is computed once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::Result as PlanResult;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr::utils::collect_columns;

type Expression = Arc<dyn PhysicalExpr>;

/// Parts that expressions over one schema have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// Lowest first: a part reads columns, and parts of lower levels.
    levels: Vec<Level>,
}

/// Parts none of which holds another.
#[derive(Debug)]
struct Level {
    parts: Vec<Expression>,
    /// Columns of the rows, of the lower levels and of this one.
    schema: SchemaRef,
}

impl Common {
    /// What expressions over `schema` have in common, and the same expressions reading it as columns.
    pub(super) fn of(expressions: &[Expression], schema: &SchemaRef) -> PlanResult<(Self, Vec<Expression>)> {
        let mut places: HashMap<Expression, Column> = HashMap::new();
        let (mut levels, mut schema) = (Vec::new(), Arc::clone(schema));
        for parts in repeated(expressions) {
            let mut fields = schema.fields().to_vec();
            let mut level = Vec::with_capacity(parts.len());
            let mut found = Vec::with_capacity(parts.len());
            for part in parts {
                let column = Column::new(&format!("part {}", fields.len()), fields.len());
                let reads = part.children().into_iter().map(|child| read(child, &places));
                let reading = Arc::clone(&part).with_new_children(reads.collect::<PlanResult<_>>()?)?;
                fields.push(Arc::new(Field::new(column.name(), reading.data_type(&schema)?, true)));
                level.push(reading);
                found.push((part, column));
            }
            places.extend(found);
            schema = Arc::new(Schema::new(fields));
            levels.push(Level { parts: level, schema: Arc::clone(&schema) });
        }
        let reading = expressions.iter().map(|expression| read(expression, &places));
        let reading = reading.collect::<PlanResult<_>>()?;
        Ok((Self { levels }, reading))
    }

    /// The rows with a column for each part. An error says that some part cannot be computed for some row.
    pub(super) fn beside(&self, rows: &RecordBatch) -> PlanResult<RecordBatch> {
        let mut beside = rows.clone();
        for level in &self.levels {
            let values = level.parts.iter().map(|part| part.evaluate(&beside)?.into_array(rows.num_rows()));
            let values = values.collect::<PlanResult<Vec<ArrayRef>>>()?;
            let columns = beside.columns().iter().cloned().chain(values).collect();
            beside = RecordBatch::try_new(Arc::clone(&level.schema), columns)?;
        }
        Ok(beside)
    }
}

/// An expression that reads a column wherever it held a part that has one.
fn read(expression: &Expression, places: &HashMap<Expression, Column>) -> PlanResult<Expression> {
    let column = |node: Expression| {
        Ok(match places.get(&node) {
            Some(column) => {
                Transformed::new(Arc::new(column.clone()) as Expression, true, TreeNodeRecursion::Jump)
            }
            None => Transformed::no(node),
        })
    };
    Ok(Arc::clone(expression).transform_down(column)?.data)
}

/// Parts that stand in the expressions more than once, by their height, lowest first.
fn repeated(expressions: &[Expression]) -> Vec<Vec<Expression>> {
    let mut counts: HashMap<&Expression, (usize, usize)> = HashMap::new();
    let mut order = Vec::new();
    for expression in expressions {
        count(expression, &mut counts, &mut order);
    }
    let mut levels: Vec<Vec<Expression>> = Vec::new();
    for part in order {
        let (times, height) = counts.get(part).copied().unwrap_or_default();
        if times < 2 || height == 0 || collect_columns(part).is_empty() {
            continue;
        }
        if levels.len() < height {
            levels.resize_with(height, Vec::new);
        }
        if let Some(level) = levels.get_mut(height - 1) {
            level.push(Arc::clone(part));
        }
    }
    levels.retain(|level| !level.is_empty());
    levels
}

/// Counts the parts of an expression, and gives its height: nothing for a column or a literal.
fn count<'e>(
    part: &'e Expression,
    counts: &mut HashMap<&'e Expression, (usize, usize)>,
    order: &mut Vec<&'e Expression>,
) -> usize {
    let below = part.children().into_iter().map(|child| count(child, counts, order) + 1);
    let height = below.max().unwrap_or_default();
    let (times, _) = *counts.entry(part).and_modify(|(times, _)| *times += 1).or_insert((1, height));
    if times == 1 {
        order.push(part);
    }
    height
}
