//! Sums that are only divided by a number of rows are means, which may be taken of what is not added.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::values::bare;

/// Names of columns that some expressions use as such sums and in no other way.
pub(super) fn of(exprs: &[Expr]) -> BTreeSet<String> {
    let (mut means, mut others) = (BTreeSet::new(), BTreeSet::new());
    for expr in exprs {
        let walked = expr.apply(|part| {
            match part {
                Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }) if counts(right) => {
                    if let Expr::Column(column) = bare(left) {
                        means.insert(column.name.clone());
                        return Ok(TreeNodeRecursion::Jump);
                    }
                }
                Expr::Column(column) => {
                    others.insert(column.name.clone());
                }
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
        if walked.is_err() {
            return BTreeSet::new();
        }
    }
    means.retain(|name| !others.contains(name));
    means
}

fn counts(expr: &Expr) -> bool {
    expr.column_refs().iter().any(|column| column.name.starts_with("count("))
}
