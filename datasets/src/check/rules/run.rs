//! Row rules, run on whole parts of a payload.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result as PlanResult;
use datafusion_physical_expr::PhysicalExpr;

use crate::Pattern;
use crate::pattern::{PatternError, Rule};

use super::super::breach::Kind;
use super::super::{Checker, Part};
use super::common::Common;
use super::comparison::in_whole_numbers;
use super::expression::{Planner, holds};

/// Rows that rules are run on at a time: few enough that what is computed of them stays in the processor's cache.
const SLICE_ROWS: usize = 2_048;

/// The rules of a pattern, ready to run.
#[derive(Debug)]
pub(in crate::check) struct Runner {
    rules: Vec<Planned>,
    common: Common,
}

#[derive(Debug)]
struct Planned {
    /// Index of the pattern's rule.
    rule: usize,
    /// Column that the finding points to.
    column: usize,
    /// Columns that the expression reads: a cell that did not parse takes its row out.
    reads: Vec<usize>,
    /// Over the columns of the rows.
    alone: Arc<dyn PhysicalExpr>,
    /// The same with sums in whole numbers, over those and what the rules have in common.
    beside: Arc<dyn PhysicalExpr>,
}

impl Runner {
    /// Plans rules, each with its index in the pattern.
    pub(in crate::check) fn new(
        pattern: &Pattern,
        rules: &[(usize, &Rule)],
        schema: &SchemaRef,
    ) -> Result<Self, PatternError> {
        let fault = |message: String| PatternError { path: pattern.reference(), message };
        let planner = Planner::new(schema).map_err(|e| fault(e.to_string()))?;
        let mut planned = Vec::with_capacity(rules.len());
        for (index, rule) in rules {
            let of_rule = |message: String| fault(format!("rule {}: {message}", rule.id));
            let (alone, names) = planner.condition(&rule.expression).map_err(|e| of_rule(e.to_string()))?;
            let place = |name: &String| pattern.columns.iter().position(|column| column.name == *name);
            let reads: Vec<usize> = names.iter().filter_map(place).collect();
            let pointed = rule.columns.first().and_then(place);
            let column = pointed
                .or_else(|| reads.iter().min().copied())
                .ok_or_else(|| of_rule("names no column".to_owned()))?;
            planned.push(Planned { rule: *index, column, reads, beside: Arc::clone(&alone), alone });
        }
        let whole = planned.iter().map(|rule| in_whole_numbers(&rule.alone, schema));
        let common = whole.collect::<PlanResult<Vec<_>>>().and_then(|whole| Common::of(&whole, schema));
        let (common, beside) = common.map_err(|e| fault(e.to_string()))?;
        for (rule, beside) in planned.iter_mut().zip(beside) {
            rule.beside = beside;
        }
        Ok(Self { rules: planned, common })
    }

    /// Runs all rules on a part.
    pub(in crate::check) fn run(&self, checker: &Checker, part: &mut Part) {
        let Ok(batch) = RecordBatch::try_new(checker.schema(), part.columns.clone()) else {
            // The same fault is reported where the part's batch is made.
            return;
        };
        let mut found = vec![Vec::new(); self.rules.len()];
        for first in (0..part.rows).step_by(SLICE_ROWS) {
            let slice = batch.slice(first, SLICE_ROWS.min(part.rows - first));
            self.slice(&slice, first, &mut found);
        }
        for (rule, found) in self.rules.iter().zip(found) {
            for (row, kind) in found {
                if !rule.reads.iter().any(|column| part.has_failed(*column, row)) {
                    part.breach(row, rule.column, kind);
                }
            }
        }
    }

    fn slice(&self, rows: &RecordBatch, first: usize, found: &mut [Vec<(usize, Kind)>]) {
        let beside = self.common.beside(rows);
        for (rule, found) in self.rules.iter().zip(found) {
            match &beside {
                Ok(beside) => evaluate(rule.rule, rule.beside.as_ref(), beside, first, found),
                // What cannot be computed may stand behind a rule's CASE, which knows better when to.
                Err(_) => evaluate(rule.rule, rule.alone.as_ref(), rows, first, found),
            }
        }
    }
}

/// Evaluates a rule on rows that begin at `first`; halves them on an error until the row is known.
fn evaluate(
    rule: usize,
    expression: &dyn PhysicalExpr,
    batch: &RecordBatch,
    first: usize,
    found: &mut Vec<(usize, Kind)>,
) {
    let rows = batch.num_rows();
    match holds(expression, batch) {
        Ok(truths) => found.extend(broken(&truths).map(|row| (first + row, Kind::Rule(rule as u16)))),
        Err(_) if rows <= 1 => found.push((first, Kind::RuleFailed(rule as u16))),
        Err(_) => {
            let half = rows / 2;
            evaluate(rule, expression, &batch.slice(0, half), first, found);
            evaluate(rule, expression, &batch.slice(half, rows - half), first + half, found);
        }
    }
}

/// Rows of which a rule is known not to hold. NULL passes: what is not known breaks no rule.
fn broken(truths: &BooleanArray) -> impl Iterator<Item = usize> + '_ {
    let all_pass = truths.true_count() + truths.null_count() == truths.len();
    let rows = if all_pass { 0 } else { truths.len() };
    (0..rows).filter(|row| truths.is_valid(*row) && !truths.value(*row))
}
