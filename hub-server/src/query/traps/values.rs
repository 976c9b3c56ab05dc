//! Expressions over the rows of a branch: what they are made of, and which amounts they are.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Case, WindowFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, WindowFunctionDefinition};

use super::Walker;
use super::facts::{Attr, Facts};
use super::relation::{Branch, Form, Rank, Term, Value};

/// Functions that give their first argument, or nearly.
const KEEPS: [&str; 7] = ["coalesce", "nvl", "nullif", "round", "trunc", "greatest", "least"];
/// Functions that number rows.
const RANKS: [&str; 3] = ["row_number", "rank", "dense_rank"];

/// A branch with the names of its columns.
#[derive(Clone, Copy)]
pub(super) struct Place<'b> {
    pub(super) branch: &'b Branch,
    pub(super) schema: &'b DFSchema,
}

impl Place<'_> {
    pub(super) fn column(&self, column: &Column) -> Option<&Value> {
        self.branch.columns.get(self.schema.maybe_index_of_column(column)?)
    }
}

pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        Expr::Cast(cast) => bare(&cast.expr),
        Expr::TryCast(cast) => bare(&cast.expr),
        other => other,
    }
}

impl Walker<'_> {
    pub(super) fn value(&mut self, expr: &Expr, at: Place<'_>) -> Value {
        match expr {
            Expr::Alias(alias) => self.value(&alias.expr, at),
            Expr::Column(column) => match at.column(column) {
                Some(value) => value.clone(),
                None => self.opaque(),
            },
            _ => {
                let form = self.form(expr, at);
                let attr = match &form {
                    Form::Of(of, expr) => self.book.attr_of(*of, expr),
                    Form::Constant(_) => self.constant(),
                    Form::Other => self.made(expr, at),
                };
                Value { attr, form, terms: self.terms(expr, at), rank: None }
            }
        }
    }

    pub(super) fn opaque(&mut self) -> Value {
        Value { attr: self.book.attr(), form: Form::Other, terms: None, rank: None }
    }

    fn constant(&mut self) -> Attr {
        let attr = self.book.attr();
        self.book.rule(Vec::new(), attr);
        attr
    }

    /// What an expression is over one use of a table, or over none.
    pub(super) fn form(&self, expr: &Expr, at: Place<'_>) -> Form {
        let (mut of, mut other) = (None, false);
        let put = expr.clone().transform_up(|part| {
            Ok(match part {
                Expr::Column(column) => match at.column(&column).map(|value| &value.form) {
                    Some(Form::Constant(value)) => Transformed::yes(value.clone()),
                    Some(Form::Of(used, value)) if of.is_none_or(|of| of == *used) => {
                        of = Some(*used);
                        Transformed::yes(value.clone())
                    }
                    _ => {
                        other = true;
                        Transformed::no(Expr::Column(column))
                    }
                },
                Expr::Alias(alias) => Transformed::yes(*alias.expr),
                part => {
                    other |= is_beyond(&part);
                    Transformed::no(part)
                }
            })
        });
        match (put, of) {
            _ if other => Form::Other,
            (Ok(put), Some(of)) => Form::Of(of, put.data),
            (Ok(put), None) => Form::Constant(put.data),
            (Err(_), _) => Form::Other,
        }
    }

    /// The attribute of an expression over several tables, or with a subquery.
    fn made(&mut self, expr: &Expr, at: Place<'_>) -> Attr {
        let attr = self.book.attr();
        let mut from = Vec::new();
        let mut known = true;
        let walked = expr.apply(|part| {
            match part {
                Expr::Column(column) => match at.column(column) {
                    Some(value) => from.push(value.attr),
                    None => known = false,
                },
                Expr::ScalarSubquery(subquery) => {
                    for outer in &subquery.outer_ref_columns {
                        match outer {
                            Expr::OuterReferenceColumn(_, column) => {
                                from.extend(at.column(column).map(|value| value.attr));
                            }
                            _ => known = false,
                        }
                    }
                }
                Expr::AggregateFunction(_) | Expr::WindowFunction(_) => known = false,
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
        if known && walked.is_ok() {
            self.book.rule(from, attr);
        }
        attr
    }

    /// The amounts that an expression adds up to; None: it cannot be told.
    pub(super) fn terms(&mut self, expr: &Expr, at: Place<'_>) -> Option<Vec<Term>> {
        match expr {
            Expr::Alias(alias) => self.terms(&alias.expr, at),
            Expr::Cast(cast) => self.terms(&cast.expr, at),
            Expr::TryCast(cast) => self.terms(&cast.expr, at),
            Expr::Negative(inner) => self.terms(inner, at),
            Expr::Literal(..) => Some(Vec::new()),
            Expr::Column(column) => at.column(column)?.terms.clone(),
            Expr::BinaryExpr(binary) => self.terms_of_both(binary, at),
            Expr::Case(case) => self.terms_of_case(case, at),
            Expr::ScalarFunction(call) if call.name() == "abs" => self.terms(call.args.first()?, at),
            Expr::ScalarFunction(call) if KEEPS.contains(&call.name()) => {
                let terms: Option<Vec<Vec<Term>>> =
                    call.args.iter().map(|argument| self.terms(argument, at)).collect();
                Some(terms?.concat())
            }
            _ => None,
        }
    }

    fn terms_of_both(&mut self, binary: &BinaryExpr, at: Place<'_>) -> Option<Vec<Term>> {
        let (left, right) = (self.terms(&binary.left, at)?, self.terms(&binary.right, at)?);
        match binary.op {
            Operator::Plus => Some([left, right].concat()),
            // What one row has more than another is no amount that cumulates.
            Operator::Minus => {
                let of_one =
                    left.iter().all(|one| right.iter().all(|other| one.measure.of == other.measure.of));
                of_one.then(|| [left, right].concat())
            }
            Operator::Multiply | Operator::Divide => match (left.is_empty(), right.is_empty()) {
                (false, true) if is_constant(&binary.right) => Some(left),
                (true, false) if is_constant(&binary.left) && binary.op == Operator::Multiply => Some(right),
                (true, true) => Some(Vec::new()),
                _ => None,
            },
            _ => None,
        }
    }

    fn terms_of_case(&mut self, case: &Case, at: Place<'_>) -> Option<Vec<Term>> {
        let mut terms = Vec::new();
        for (when, then) in &case.when_then_expr {
            let condition = match &case.expr {
                None => when.as_ref().clone(),
                Some(of) => of.as_ref().clone().eq(when.as_ref().clone()),
            };
            let facts = self.said(&condition, at);
            for mut term in self.terms(then, at)? {
                term.facts.add(&facts);
                terms.push(term);
            }
        }
        if let Some(otherwise) = &case.else_expr {
            terms.extend(self.terms(otherwise, at)?);
        }
        Some(terms)
    }

    /// The number that a window function gives a row.
    pub(super) fn rank(&mut self, call: &WindowFunction, at: Place<'_>) -> Option<Rank> {
        let WindowFunctionDefinition::WindowUDF(function) = &call.fun else { return None };
        if !RANKS.contains(&function.name()) {
            return None;
        }
        let within = call.params.partition_by.iter().map(|expr| self.value(expr, at).attr).collect();
        let by = self.value(&call.params.order_by.first()?.expr, at).attr;
        Some(Rank { within, by, single: function.name() == "row_number" })
    }

    /// The facts that hold where a number in an order is 1.
    pub(super) fn first_only(&self, rank: &Rank, branch: &Branch) -> Facts {
        let mut facts = Facts::default();
        let mut same = |to: Attr| facts.rules.push((rank.within.clone(), to));
        same(rank.by);
        if rank.single {
            branch.rows.iter().for_each(|row| same(row.attr));
        }
        facts
    }
}

fn is_constant(expr: &Expr) -> bool {
    expr.column_refs().is_empty() && !expr.exists(|part| Ok(is_beyond(part))).unwrap_or(true)
}

/// Is it more than a row says?
fn is_beyond(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::OuterReferenceColumn(..)
            | Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_)
            | Expr::Placeholder(_)
    )
}

/// True for a literal 1.
pub(super) fn is_one(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Literal(value, _) if value.cast_to(&arrow::datatypes::DataType::Int64).ok() == Some(ScalarValue::Int64(Some(1))))
}

/// The subqueries in an expression.
pub(super) fn subqueries(expr: &Expr) -> Vec<Arc<datafusion::logical_expr::LogicalPlan>> {
    let mut found = Vec::new();
    let walked = expr.apply(|part| {
        match part {
            Expr::ScalarSubquery(subquery) => found.push(Arc::clone(&subquery.subquery)),
            Expr::InSubquery(part) => found.push(Arc::clone(&part.subquery.subquery)),
            Expr::Exists(part) => found.push(Arc::clone(&part.subquery.subquery)),
            Expr::SetComparison(part) => found.push(Arc::clone(&part.subquery.subquery)),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_or_else(|_| Vec::new(), |_| found)
}
