//! What filters and conditions of joins say of rows.

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

use super::Walker;
use super::book::{Kind, compares_order_only};
use super::domain::{PERIOD, VALID_FROM, VALID_TO};
use super::facts::{Attr, Facts};
use super::relation::{Form, Rank};
use super::values::{Place, bare, is_one};
use crate::query::visible::PERIOD_END;

impl Walker<'_> {
    /// The facts that hold in rows for which a condition is true.
    pub(super) fn said(&mut self, condition: &Expr, at: Place<'_>) -> Facts {
        let mut facts = Facts::default();
        for part in split_conjunction(condition) {
            self.said_by(part, at, &mut facts);
        }
        facts
    }

    fn said_by(&mut self, part: &Expr, at: Place<'_>, facts: &mut Facts) {
        if let Some(rank) = first_of(part, at) {
            facts.add(&self.first_only(&rank, at.branch));
            return;
        }
        let is_equation = match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq | Operator::IsNotDistinctFrom, right }) => {
                let (left, right) = (self.value(bare(left), at), self.value(bare(right), at));
                facts.equal(left.attr, right.attr);
                true
            }
            Expr::InSubquery(part) if !part.negated => {
                self.said_by_membership(part, at, facts);
                true
            }
            _ => false,
        };
        match self.form(part, at) {
            Form::Of(of, expr) => facts.conditions.push((of, expr)),
            Form::Constant(_) => {}
            Form::Other => self.said_of_several(part, at, is_equation, facts),
        }
    }

    /// A value is one of those that a subquery gives.
    fn said_by_membership(&mut self, part: &InSubquery, at: Place<'_>, facts: &mut Facts) {
        let value = self.value(bare(&part.expr), at);
        let given = self.walk(&part.subquery.subquery);
        let given: Vec<_> = given
            .iter()
            .filter_map(|branch| Some((branch.columns.first()?.attr, branch.facts.clone())))
            .collect();
        let Some(of) = self.book.is_period(value.attr) else {
            if let [(attr, inner)] = given.as_slice()
                && self.book.follows([], inner).contains(attr)
            {
                facts.fixed(value.attr);
            }
            return;
        };
        let Some((period, season)) = self.book.used(of).map(|used| (used.period, used.season)) else {
            return;
        };
        match given.as_slice() {
            [(attr, inner)] => match self.book.is_period(*attr).and_then(|of| self.book.used(of)) {
                // Periods as rows have them, of which some may be left.
                Some(used) => {
                    let (theirs, theirs_of_year) = (used.period, used.season);
                    let known = self.book.follows([], inner);
                    if known.contains(&theirs) {
                        facts.fixed(period);
                    } else if known.contains(&theirs_of_year) {
                        facts.fixed(season);
                    }
                }
                // The newest of something, as a rule.
                None => facts.fixed(period),
            },
            _ => facts.fixed(period),
        }
    }

    /// A condition over several tables, or with a subquery.
    fn said_of_several(&mut self, part: &Expr, at: Place<'_>, is_equation: bool, facts: &mut Facts) {
        let order_only = compares_order_only(part);
        for attr in named(part, at) {
            let Some((of, name)) = self.book.base(attr) else { continue };
            let is_list = self.book.used(of).is_some_and(|used| matches!(used.kind, Kind::Reference(_)));
            match name.as_str() {
                VALID_FROM if is_list => {
                    facts.begun.insert(of);
                }
                VALID_TO if is_list => {
                    facts.unended.insert(of);
                }
                // What is not understood may choose one period.
                PERIOD | PERIOD_END if !is_list && !is_equation && !order_only => {
                    facts.rules.extend(self.book.used(of).map(|used| (Vec::new(), used.period)));
                }
                _ => {}
            }
        }
    }

    /// Rows in which a table of an outer join is missing: it is gone, and who joined it on periods meant one of them.
    pub(super) fn missing(&mut self, condition: &Expr, at: Place<'_>) -> Vec<(super::facts::Use, Vec<Attr>)> {
        let mut missing = Vec::new();
        for part in split_conjunction(condition) {
            let Expr::IsNull(inner) = part else { continue };
            let Expr::Column(column) = bare(inner) else { continue };
            let Some(Form::Of(of, _)) = at.column(column).map(|value| value.form.clone()) else { continue };
            missing.extend(at.branch.optional.iter().filter(|(optional, _)| *optional == of).cloned());
        }
        missing
    }

    /// Attributes of periods that a condition names.
    pub(super) fn periods_named(&self, condition: &Expr, at: Place<'_>) -> Vec<Attr> {
        let of = |attr| self.book.is_period(attr).and_then(|of| self.book.used(of));
        named(condition, at).into_iter().filter_map(|attr| Some(of(attr)?.period)).collect()
    }
}

/// The number in an order that a condition has be 1.
fn first_of(part: &Expr, at: Place<'_>) -> Option<Rank> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = part else { return None };
    let (column, number, op) = match (bare(left), bare(right)) {
        (Expr::Column(column), number) => (column, number, *op),
        (number, Expr::Column(column)) => (column, number, op.swap()?),
        _ => return None,
    };
    let is_first = matches!(op, Operator::Eq | Operator::LtEq) && is_one(number);
    at.column(column)?.rank.clone().filter(|_| is_first)
}

/// Attributes of the columns that an expression names, those of the rows around a subquery among them.
fn named(expr: &Expr, at: Place<'_>) -> Vec<Attr> {
    let mut attrs = Vec::new();
    let mut add = |part: &Expr| {
        if let Expr::Column(column) | Expr::OuterReferenceColumn(_, column) = part {
            attrs.extend(at.column(column).map(|value| value.attr));
        }
    };
    let walked = expr.apply(|part| {
        add(part);
        match part {
            Expr::Exists(part) => part.subquery.outer_ref_columns.iter().for_each(&mut add),
            Expr::InSubquery(part) => part.subquery.outer_ref_columns.iter().for_each(&mut add),
            Expr::ScalarSubquery(subquery) => subquery.outer_ref_columns.iter().for_each(&mut add),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_or_else(|_| Vec::new(), |_| attrs)
}

/// Does a limit leave one row at most?
pub(super) fn leaves_one(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Limit(limit) = plan else { return false };
    limit.fetch.as_deref().is_some_and(is_one)
}
