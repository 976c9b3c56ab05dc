//! The rows of a plan, as far as they can be traced to tables.

use datafusion::logical_expr::Expr;

use super::facts::{Attr, Facts, Use};
use crate::query::lineage::Added;

/// Rows of a plan: those of each branch, one behind the other.
pub(super) type Relation = Vec<Branch>;

/// Rows that are put together of rows of tables.
#[derive(Debug, Clone, Default)]
pub(super) struct Branch {
    /// In the order of the plan's columns.
    pub(super) columns: Vec<Value>,
    pub(super) rows: Vec<Row>,
    pub(super) facts: Facts,
    /// Uses of tables that may be missing in a row, with the periods that their join compares.
    pub(super) optional: Vec<(Use, Vec<Attr>)>,
}

/// Whose rows a row is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) attr: Attr,
    pub(super) of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Table(Use),
    /// Of groups of rows.
    Groups,
    /// Nothing tells them apart.
    Unknown,
}

/// A column of a plan.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) attr: Attr,
    pub(super) form: Form,
    /// The amounts that it is; None: it cannot be told.
    pub(super) terms: Option<Vec<Term>>,
    pub(super) rank: Option<Rank>,
}

/// How a value comes about.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Constant(Expr),
    /// An expression over columns of one use of a table.
    Of(Use, Expr),
    Other,
}

/// An amount of a row, where some facts hold and nowhere else.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) measure: Measure,
    pub(super) facts: Facts,
}

/// An amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) of: Use,
    pub(super) column: String,
    pub(super) added: Added,
    /// The row that has it.
    pub(super) row: Attr,
}

/// A number in an order of rows, from 1.
#[derive(Debug, Clone)]
pub(super) struct Rank {
    pub(super) within: Vec<Attr>,
    pub(super) by: Attr,
    /// No two rows have the same.
    pub(super) single: bool,
}
