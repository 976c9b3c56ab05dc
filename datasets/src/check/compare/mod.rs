//! Comparisons: the sums of a report beside each other, beside those of the period before, or beside those of
//! another report. What it is compared with is read by the caller; nothing here knows where reports are kept.

mod side;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Decimal128Array, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::RowConverter;
use datafusion_common::Result as PlanResult;
use datafusion_physical_expr::PhysicalExpr;

use super::rules::applies;
use super::rules::expression::{Planner, holds};
use super::source::array_text;
use super::{Checker, Compared, Context};
use crate::Pattern;
use crate::pattern::{Compare, PatternError, Sensitivity, With};
use crate::report::{Code, Findings, Severity, Violation};
use side::{Group, Side, SidePlan};

/// Keys that are judged at once.
const KEYS_AT_ONCE: usize = 8_192;

/// A comparison of the pattern that applies in the period.
#[derive(Debug)]
struct Planned {
    /// Place among the pattern's comparisons.
    index: usize,
    this: Arc<SidePlan>,
    /// None: the other pattern is not known yet.
    joined: Option<Arc<Joined>>,
}

/// Both sides and what is said of them.
#[derive(Debug)]
struct Joined {
    other: Option<Arc<SidePlan>>,
    schema: SchemaRef,
    condition: Arc<dyn PhysicalExpr>,
}

/// The comparisons that apply, ready to run.
#[derive(Debug)]
pub(super) struct Compares {
    planned: Vec<Planned>,
    /// Ids of those of which it is not known whether they apply.
    unknown: Vec<String>,
}

/// The sums of a report that others are compared with.
#[derive(Debug)]
pub struct Other {
    with: With,
    /// By the place among those that apply.
    sides: Vec<(usize, Arc<Joined>, Side)>,
}

/// The comparisons of one payload while its rows come.
#[derive(Debug)]
pub struct Comparing {
    sides: Vec<Comparison>,
    pending: Vec<String>,
    not_evaluated: Vec<String>,
}

#[derive(Debug)]
struct Comparison {
    index: usize,
    joined: Arc<Joined>,
    this: Side,
    other: Option<Side>,
}

impl Compares {
    pub(super) fn compile(context: &Context) -> Result<Self, PatternError> {
        let pattern = &context.pattern;
        let (mut planned, mut unknown) = (Vec::new(), Vec::new());
        for (index, compare) in pattern.compares.iter().enumerate() {
            match applies(&compare.when, context.period.as_ref()) {
                Some(true) => planned.push(plan(pattern, index, compare)?),
                Some(false) => {}
                None => unknown.push(compare.id.clone()),
            }
        }
        Ok(Self { planned, unknown })
    }
}

fn plan(pattern: &Pattern, index: usize, compare: &Compare) -> Result<Planned, PatternError> {
    let fault = |error: &dyn std::fmt::Display| fault(pattern, compare, error);
    let this = SidePlan::new(pattern, &compare.by, &compare.this).map_err(|e| fault(&e))?;
    let this = Arc::new(this);
    let other = match compare.with {
        With::This => Some(None),
        With::Previous => {
            let other = SidePlan::new(pattern, &compare.by, &compare.other).map_err(|e| fault(&e))?;
            Some(Some(Arc::new(other)))
        }
        With::Pattern(_) => None,
    };
    let joined = other.map(|other| joined(compare, &this, other)).transpose().map_err(|e| fault(&e))?;
    Ok(Planned { index, this, joined: joined.map(Arc::new) })
}

fn fault(pattern: &Pattern, compare: &Compare, error: &dyn std::fmt::Display) -> PatternError {
    PatternError::new(pattern.reference(), format!("compares: `{}`: {error}", compare.id))
}

fn joined(compare: &Compare, this: &SidePlan, other: Option<Arc<SidePlan>>) -> PlanResult<Joined> {
    let keys = this.by().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let of_other = other.iter().flat_map(|other| other.fields());
    let fields: Vec<Field> = keys.chain(this.fields()).chain(of_other).collect();
    let schema = Arc::new(Schema::new(fields));
    let (condition, _) = Planner::new(&schema)?.condition(&compare.expression)?;
    Ok(Joined { other, schema, condition })
}

impl Checker {
    /// What a payload is compared with, each once.
    pub fn compared_with(&self) -> Vec<With> {
        let mut all = Vec::new();
        for planned in &self.compares.planned {
            let with = &self.context.pattern.compares[planned.index].with;
            if *with != With::This && !all.contains(with) {
                all.push(with.clone());
            }
        }
        all
    }

    /// Begins the sums of another report, whose pattern is given.
    pub fn other(&self, with: &With, pattern: &Pattern) -> Result<Other, PatternError> {
        let mut sides = Vec::new();
        for (at, planned) in self.compares.planned.iter().enumerate() {
            let compare = &self.context.pattern.compares[planned.index];
            if compare.with != *with {
                continue;
            }
            let fault = |error: &dyn std::fmt::Display| fault(&self.context.pattern, compare, error);
            let joined = match &planned.joined {
                Some(joined) => Arc::clone(joined),
                None => {
                    let other = SidePlan::new(pattern, &compare.by, &compare.other).map_err(|e| fault(&e))?;
                    Arc::new(joined(compare, &planned.this, Some(Arc::new(other))).map_err(|e| fault(&e))?)
                }
            };
            if let Some(plan) = joined.other.clone() {
                sides.push((at, joined, Side::new(plan).map_err(|e| fault(&e))?));
            }
        }
        Ok(Other { with: with.clone(), sides })
    }

    /// Begins the comparisons of a payload. Those whose other report is here are made; those whose other report
    /// was looked for and is not here (`missing`) are pending; others are not evaluated.
    pub fn comparing(&self, others: Vec<Other>, missing: &[With]) -> Result<Comparing, PatternError> {
        let mut comparing = Comparing {
            sides: Vec::new(),
            pending: Vec::new(),
            not_evaluated: self.compares.unknown.clone(),
        };
        let mut here: Vec<(usize, Arc<Joined>, Side)> =
            others.into_iter().flat_map(|other| other.sides).collect();
        for (at, planned) in self.compares.planned.iter().enumerate() {
            let compare = &self.context.pattern.compares[planned.index];
            let fault = |error: ArrowError| fault(&self.context.pattern, compare, &error);
            let place = here.iter().position(|(other, ..)| *other == at);
            let (joined, other) = match (&compare.with, place, &planned.joined) {
                (With::This, _, Some(joined)) => (Arc::clone(joined), None),
                (_, Some(place), _) => {
                    let (_, joined, side) = here.swap_remove(place);
                    (joined, Some(side))
                }
                // The first report of a year has none before it.
                (With::Previous, None, _) if missing.contains(&With::Previous) => continue,
                (with, None, _) if missing.contains(with) => {
                    comparing.pending.push(compare.id.clone());
                    continue;
                }
                _ => {
                    comparing.not_evaluated.push(compare.id.clone());
                    continue;
                }
            };
            let this = Side::new(Arc::clone(&planned.this)).map_err(fault)?;
            comparing.sides.push(Comparison { index: planned.index, joined, this, other });
        }
        Ok(comparing)
    }

    /// Judges the comparisons. What is wrong with rows makes their sums wrong: where something blocks, nothing is
    /// compared.
    pub fn compare(&self, comparing: &Comparing, found: &Findings) -> Compared {
        let mut not_evaluated = comparing.not_evaluated.clone();
        let blocks = found.worst() == Some(Severity::Block);
        let mut findings = Findings::default();
        for comparison in &comparing.sides {
            let compare = &self.context.pattern.compares[comparison.index];
            let faults = [Some(&comparison.this), comparison.other.as_ref()];
            let fault = faults.into_iter().flatten().find_map(|side| side.fault);
            match fault {
                Some(side::Fault::Failed) if !blocks => findings.add(failed(compare, 0, String::new())),
                Some(_) => not_evaluated.push(compare.id.clone()),
                None if blocks => not_evaluated.push(compare.id.clone()),
                None => self.judge(compare, comparison, found, &mut findings),
            }
        }
        Compared { findings, pending: comparing.pending.clone(), not_evaluated }
    }

    fn judge(&self, compare: &Compare, comparison: &Comparison, found: &Findings, findings: &mut Findings) {
        let this = comparison.this.keys().map(|(key, group)| (group.line, key));
        let more = comparison.other.iter().flat_map(Side::keys);
        let more = more.filter(|(key, _)| comparison.this.get(key).is_none()).map(|(key, _)| (0, key));
        let mut keys: Vec<(u64, &[u8])> = this.chain(more).collect();
        // In the order of the file; a key that the file lacks comes at the end.
        keys.sort_unstable_by_key(|(line, key)| (*line == 0, *line, *key));
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let judged = comparison.rows(keys).ok().and_then(|rows| {
                let truths = holds(comparison.joined.condition.as_ref(), &rows).ok()?;
                Some((rows, truths))
            });
            match judged {
                Some((rows, truths)) => {
                    let told = self.broken(compare, comparison, keys, &rows, &truths);
                    for violation in told {
                        let must = violation.severity == Severity::MustExplain;
                        if must && found.explanation(violation.row).is_some() {
                            findings.count_explained(violation.code, violation.severity, &compare.id, 1);
                        }
                        findings.add(violation);
                    }
                }
                None => findings.add(failed(compare, 0, String::new())),
            }
        }
    }

    /// A finding for each key of which the comparison is false.
    fn broken(
        &self,
        compare: &Compare,
        comparison: &Comparison,
        keys: &[(u64, &[u8])],
        rows: &RecordBatch,
        truths: &BooleanArray,
    ) -> Vec<Violation> {
        let by = comparison.this.plan.by().len();
        let broken = (0..rows.num_rows()).filter(|row| truths.is_valid(*row) && !truths.value(*row));
        let tell = |row: usize| {
            let text = |(column, field): (&ArrayRef, &Arc<Field>)| {
                format!("{}={}", field.name(), array_text(column, row))
            };
            let named = rows.columns().iter().zip(rows.schema_ref().fields());
            let key: Vec<String> = named.clone().take(by).map(text).collect();
            let sums: Vec<String> = named.skip(by).map(text).collect();
            let (key, value) = match self.is_personal(compare) {
                true => ("***".to_owned(), "***".to_owned()),
                false => (key.join(", "), sums.join(", ")),
            };
            violation(compare, Code::RuleBroken, keys[row].0, key, value)
        };
        broken.map(tell).collect()
    }

    fn is_personal(&self, compare: &Compare) -> bool {
        let pattern = &self.context.pattern;
        let mut columns = compare.by.iter().chain(compare.this.iter().filter_map(|sum| sum.column.as_ref()));
        pattern.sensitivity == Sensitivity::Personal
            || columns.any(|name| {
                pattern.column(name).is_some_and(|column| column.sensitivity == Sensitivity::Personal)
            })
    }
}

impl Other {
    /// What it is to what is compared with it.
    pub fn with(&self) -> &With {
        &self.with
    }

    /// Names of the columns that its rows must have.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for name in self.sides.iter().flat_map(|(.., side)| side.plan.columns()) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }

    /// Adds rows that have these columns.
    pub fn add(&mut self, rows: &RecordBatch) {
        self.sides.iter_mut().for_each(|(.., side)| side.add(rows, &[]));
    }
}

impl Comparing {
    /// True when the payload's rows need not be added.
    pub fn is_idle(&self) -> bool {
        self.sides.is_empty()
    }

    /// Names of the columns that rows must have, for those that the payload carries over.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for name in self.sides.iter().flat_map(|comparison| comparison.this.plan.columns()) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }

    /// Forgets the rows that were added.
    pub fn restart(&mut self) -> Result<(), ArrowError> {
        for comparison in &mut self.sides {
            comparison.this = Side::new(Arc::clone(&comparison.this.plan))?;
        }
        Ok(())
    }

    /// Adds checked rows with their lines in the file; rows that are carried over have none.
    pub fn add(&mut self, rows: &RecordBatch, lines: &[u64]) {
        self.sides.iter_mut().for_each(|comparison| comparison.this.add(rows, lines));
    }
}

impl Comparison {
    /// A row for each key: its columns, then the sums of both sides; those of a side that lacks the key are null.
    fn rows(&self, keys: &[(u64, &[u8])]) -> Result<RecordBatch, ArrowError> {
        let converter = self.this.plan.converter()?;
        let mut columns = match &converter {
            Some(converter) => key_columns(converter, keys)?,
            None => Vec::new(),
        };
        for side in std::iter::once(&self.this).chain(&self.other) {
            let groups: Vec<Option<&Group>> = keys.iter().map(|(_, key)| side.get(key)).collect();
            for (at, field) in side.plan.fields().enumerate() {
                let sums = groups.iter().map(|group| Some(group.as_ref()?.sums[at]));
                let array: Decimal128Array = sums.collect();
                columns.push(Arc::new(array.with_data_type(field.data_type().clone())));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(keys.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.joined.schema), columns, &options)
    }
}

fn key_columns(converter: &RowConverter, keys: &[(u64, &[u8])]) -> Result<Vec<ArrayRef>, ArrowError> {
    let parser = converter.parser();
    converter.convert_rows(keys.iter().map(|(_, key)| parser.parse(key)))
}

fn violation(compare: &Compare, code: Code, row: u64, key: String, value: String) -> Violation {
    Violation {
        code,
        severity: if code == Code::RuleFailed { Severity::Block } else { compare.severity },
        rule: compare.id.clone(),
        row,
        key,
        column: compare.columns.first().cloned().unwrap_or_default(),
        value,
        expected: compare.expression.clone(),
        message_pl: compare.message.pl.clone(),
        message_en: compare.message.en.clone(),
        hint_pl: compare.hint.pl.clone(),
        hint_en: compare.hint.en.clone(),
        explanation: String::new(),
    }
}

fn failed(compare: &Compare, row: u64, key: String) -> Violation {
    Violation {
        message_pl: format!("nie można policzyć porównania {}", compare.id),
        message_en: format!("comparison {} cannot be computed", compare.id),
        hint_pl: "Sprawdź, czy liczby nie są zbyt duże.".to_owned(),
        hint_en: "Check whether the numbers are too large.".to_owned(),
        ..violation(compare, Code::RuleFailed, row, key, String::new())
    }
}
