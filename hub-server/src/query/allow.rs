//! The allow-list: which plan nodes, expressions and functions a statement may use. What is not
//! named here is refused, also what a later version of the engine learns.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, WindowFunctionDefinition};

use super::QueryError;

/// Scalar functions: immutable, and their result is never much longer than their arguments.
const SCALAR: [&[&str]; 4] = [NUMERIC, OTHER, TEXT, MOMENTS];

/// Functions of numbers, of text and of moments, as drivers are told of them.
pub(crate) const FUNCTIONS: [&[&str]; 3] = [NUMERIC, TEXT, MOMENTS];

const NUMERIC: &[&str] = &[
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "cbrt",
    "ceil",
    "cos",
    "cot",
    "degrees",
    "exp",
    "factorial",
    "floor",
    "gcd",
    "isnan",
    "iszero",
    "lcm",
    "ln",
    "log",
    "log10",
    "log2",
    "nanvl",
    "pi",
    "power",
    "radians",
    "round",
    "signum",
    "sin",
    "sqrt",
    "tan",
    "trunc",
];

const OTHER: &[&str] = &["coalesce", "nullif", "nvl", "nvl2", "greatest", "least", "arrow_typeof"];

const TEXT: &[&str] = &[
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "concat",
    "concat_ws",
    "contains",
    "ends_with",
    "find_in_set",
    "initcap",
    "left",
    "length",
    "levenshtein",
    "lower",
    "ltrim",
    "octet_length",
    "regexp_count",
    "regexp_like",
    "reverse",
    "right",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substr_index",
    "to_hex",
    "translate",
    "trim",
    "upper",
];

const MOMENTS: &[&str] = &[
    "date_bin",
    "date_part",
    "date_trunc",
    "make_date",
    "to_char",
    "to_date",
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_unixtime",
];

pub(super) fn is_scalar(name: &str) -> bool {
    SCALAR.iter().any(|names| names.contains(&name))
}

pub(super) const AGGREGATE: &[&str] = &[
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "percentile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

pub(super) const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Concatenations of one statement; each at most doubles a value, and subqueries can stack them.
const CONCATENATIONS_MAX: usize = 8;

/// What a permitted plan uses.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) tables: BTreeSet<String>,
    pub(super) window: bool,
    concatenations: usize,
}

/// Walks a plan with all its subqueries.
pub(super) fn check_plan(plan: &LogicalPlan) -> Result<Used, QueryError> {
    let mut used = Used::default();
    let mut refusal = None;
    plan.apply_with_subqueries(|node| {
        Ok(match check_node(node, &mut used) {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(error) => {
                refusal = Some(error);
                TreeNodeRecursion::Stop
            }
        })
    })?;
    refusal.map_or(Ok(used), Err)
}

/// A row expression of a scan: scalars only, no subquery, no aggregate.
pub(super) fn check_row_expression(expr: &Expr) -> Result<(), QueryError> {
    let mut used = Used::default();
    let flow = walk(expr, &mut |e| match e {
        Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::ScalarSubquery(_)
        | Expr::SetComparison(_)
        | Expr::AggregateFunction(_)
        | Expr::WindowFunction(_)
        | Expr::GroupingSet(_) => Err(QueryError::NotAllowed(
            "a filter is a row expression: no subqueries, no aggregates".to_owned(),
        )),
        Expr::Placeholder(_) => Err(QueryError::NotAllowed("a filter has no parameters".to_owned())),
        other => check_expr(other, &mut used),
    });
    flow?;
    Ok(())
}

fn check_node(node: &LogicalPlan, used: &mut Used) -> Result<(), QueryError> {
    match node {
        LogicalPlan::TableScan(scan) => {
            used.tables.insert(scan.table_name.table().to_owned());
        }
        LogicalPlan::Window(_) => used.window = true,
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::EmptyRelation(_) => {}
        other => {
            let name = other.display().to_string();
            let name = name.split([' ', ':', '(']).next().unwrap_or_default().to_owned();
            return Err(QueryError::NotAllowed(format!("`{name}` is not allowed in a statement")));
        }
    }
    let mut refusal = None;
    node.apply_expressions(|expr| {
        Ok(match walk(expr, &mut |e| check_expr(e, used)) {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(error) => {
                refusal = Some(error);
                TreeNodeRecursion::Stop
            }
        })
    })?;
    refusal.map_or(Ok(()), Err)
}

/// Visits an expression and all below it (subqueries are plans and are visited as such).
fn walk(expr: &Expr, visit: &mut dyn FnMut(&Expr) -> Result<(), QueryError>) -> Result<(), QueryError> {
    let mut flow = ControlFlow::Continue(());
    expr.apply(|e| {
        Ok(match visit(e) {
            Ok(()) => TreeNodeRecursion::Continue,
            Err(error) => {
                flow = ControlFlow::Break(error);
                TreeNodeRecursion::Stop
            }
        })
    })?;
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn check_expr(expr: &Expr, used: &mut Used) -> Result<(), QueryError> {
    match expr {
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Negative(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::TryCast(_)
        | Expr::InList(_)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_)
        | Expr::ScalarSubquery(_)
        | Expr::GroupingSet(_)
        | Expr::Placeholder(_)
        | Expr::OuterReferenceColumn(..) => Ok(()),
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::StringConcat => concatenation(used),
            _ => Ok(()),
        },
        Expr::ScalarFunction(call) => {
            if call.name().starts_with("concat") {
                concatenation(used)?;
            }
            function(call.name(), is_scalar(call.name()))
        }
        Expr::AggregateFunction(call) => function(call.func.name(), AGGREGATE.contains(&call.func.name())),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(f) => function(f.name(), AGGREGATE.contains(&f.name())),
            WindowFunctionDefinition::WindowUDF(f) => function(f.name(), WINDOW.contains(&f.name())),
        },
        _ => Err(QueryError::NotAllowed("this kind of expression is not allowed".to_owned())),
    }
}

fn concatenation(used: &mut Used) -> Result<(), QueryError> {
    used.concatenations += 1;
    if used.concatenations > CONCATENATIONS_MAX {
        return Err(QueryError::TooComplex(format!(
            "at most {CONCATENATIONS_MAX} concatenations are allowed"
        )));
    }
    Ok(())
}

fn function(name: &str, allowed: bool) -> Result<(), QueryError> {
    if allowed {
        return Ok(());
    }
    Err(QueryError::NotAllowed(format!("function `{name}` is not allowed")))
}
