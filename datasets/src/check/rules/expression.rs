//! Conditions of rules as SQL expressions: parsed and planned once, evaluated on whole batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, DataFusionError, Result as PlanResult, TableReference, plan_err};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::planner::{ContextProvider, ExprPlanner};
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion_expr::{
    AggregateUDF, Expr, ExprSchemable, HigherOrderUDF, ScalarUDF, TableSource, Volatility, WindowUDF,
};
use datafusion_optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::parser::DFParser;
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};

/// Longest rule expression.
const EXPRESSION_MAX: usize = 8 * 1024;

/// Functions that a rule may call, by name and by alias. Each is immutable: the verdict depends on
/// the payload alone.
const FUNCTIONS: [&str; 36] = [
    "abs",
    "ascii",
    "btrim",
    "ceil",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "floor",
    "greatest",
    "least",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "nullif",
    "nvl",
    "octet_length",
    "power",
    "regexp_like",
    "replace",
    "right",
    "round",
    "rtrim",
    "signum",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "upper",
];

/// Functions that are a CASE written shortly: they are written out, for nobody runs them as they are.
const SHORT_CASES: [&str; 2] = ["coalesce", "nvl"];

/// Plans conditions over the columns of one schema.
pub(in crate::check) struct Planner {
    schema: DFSchema,
    functions: Functions,
}

impl Planner {
    pub(in crate::check) fn new(schema: &SchemaRef) -> PlanResult<Self> {
        Ok(Self { schema: DFSchema::try_from(Arc::clone(schema))?, functions: Functions::new() })
    }

    /// A condition that is ready to run, and the names that it reads.
    pub(in crate::check) fn condition(&self, text: &str) -> PlanResult<(Arc<dyn PhysicalExpr>, Vec<String>)> {
        let expr = self.plan(text)?;
        let names = expr.column_refs().iter().map(|column| column.name.clone()).collect();
        let planning = PhysicalPlanningContext::default();
        let planned = create_physical_expr(&expr, &self.schema, &ExecutionProps::new(), &planning)?;
        Ok((planned, names))
    }

    fn plan(&self, text: &str) -> PlanResult<Expr> {
        if text.len() > EXPRESSION_MAX {
            return plan_err!("the expression is longer than {EXPRESSION_MAX} bytes");
        }
        let parsed = DFParser::parse_sql_into_expr(text)?;
        // Money is exact: a literal such as 0.01 is a decimal, never a float.
        let options = ParserOptions::new().with_parse_float_as_decimal(true);
        let planner = SqlToRel::new_with_options(&self.functions, options);
        let expr = planner.sql_to_expr(parsed.expr, &self.schema, &mut PlannerContext::new())?;
        let expr = expr.transform_up(unnamed)?.data;
        expr.apply(|node| {
            allowed(node)?;
            Ok(datafusion_common::tree_node::TreeNodeRecursion::Continue)
        })?;
        let widened = expr.transform_up(|node| self.widen(node))?.data;
        let coerced = widened.rewrite(&mut TypeCoercionRewriter::new(&self.schema))?.data;
        let info = SimplifyContext::builder().with_schema(Arc::new(self.schema.clone())).build();
        let written = coerced.transform_up(|node| written_out(node, &info))?.data;
        match written.get_type(&self.schema)? {
            DataType::Boolean => Ok(written),
            other => plan_err!("the expression gives {other}, not true or false"),
        }
    }

    /// Whole numbers become decimals, so that their sums and products do not overflow 64 bits.
    fn widen(&self, node: Expr) -> PlanResult<Transformed<Expr>> {
        if matches!(node, Expr::Column(_)) && node.get_type(&self.schema)? == DataType::Int64 {
            return Ok(Transformed::yes(datafusion_expr::cast(node, DataType::Decimal128(38, 0))));
        }
        Ok(Transformed::no(node))
    }
}

/// The planner names a function by what the rule called it (`length` is `character_length`); a name
/// changes no value, so it goes before the nodes are judged.
fn unnamed(node: Expr) -> PlanResult<Transformed<Expr>> {
    Ok(match node {
        Expr::Alias(named) => Transformed::yes(*named.expr),
        other => Transformed::no(other),
    })
}

/// A call of one of [`SHORT_CASES`] as the CASE that it stands for.
fn written_out(node: Expr, info: &SimplifyContext) -> PlanResult<Transformed<Expr>> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = node else { return Ok(Transformed::no(node)) };
    if !SHORT_CASES.contains(&func.name()) {
        return Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })));
    }
    Ok(match func.simplify(args, info)? {
        ExprSimplifyResult::Simplified(case) => Transformed::yes(case),
        ExprSimplifyResult::Original(args) => {
            Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))
        }
    })
}

/// The nodes of which a rule may be made: no subquery, aggregate, window, variable or placeholder.
fn allowed(node: &Expr) -> PlanResult<()> {
    match node {
        Expr::Column(_)
        | Expr::Literal(..)
        | Expr::BinaryExpr(_)
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
        | Expr::InList(_) => Ok(()),
        // SQL's own syntax plans functions past the list of names, so the list is asked again.
        Expr::ScalarFunction(function) if FUNCTIONS.contains(&function.name()) => Ok(()),
        Expr::ScalarFunction(function) => {
            plan_err!("the function {} is not allowed in a rule", function.name())
        }
        other => plan_err!("`{}` is not allowed in a rule", other.variant_name()),
    }
}

/// What a condition says of each row.
pub(in crate::check) fn holds(condition: &dyn PhysicalExpr, batch: &RecordBatch) -> PlanResult<BooleanArray> {
    let array = condition.evaluate(batch)?.into_array(batch.num_rows())?;
    let truths = array.as_any().downcast_ref::<BooleanArray>().cloned();
    truths.ok_or_else(|| DataFusionError::Internal("a rule gave no boolean".to_owned()))
}

/// What a rule's names may mean: columns and the listed functions, nothing else.
struct Functions {
    known: HashMap<String, Arc<ScalarUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: ConfigOptions,
}

impl Functions {
    fn new() -> Self {
        let mut known = HashMap::new();
        for function in datafusion_functions::all_default_functions() {
            if function.signature().volatility != Volatility::Immutable {
                continue;
            }
            let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
            for name in names.filter(|name| FUNCTIONS.contains(name)) {
                known.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        let planners: Vec<Arc<dyn ExprPlanner>> = vec![
            Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner {}),
            Arc::new(datafusion_functions::datetime::planner::DatetimeFunctionPlanner),
            Arc::new(datafusion_functions::unicode::planner::UnicodeFunctionPlanner),
        ];
        Self { known, planners, options: ConfigOptions::default() }
    }
}

impl ContextProvider for Functions {
    fn get_table_source(&self, name: TableReference) -> PlanResult<Arc<dyn TableSource>> {
        plan_err!("a rule reads its own row only, not the table {name}")
    }
    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }
    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.known.get(name).map(Arc::clone)
    }
    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }
    fn get_aggregate_meta(&self, _name: &str) -> Option<Arc<AggregateUDF>> {
        None
    }
    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }
    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }
    fn options(&self) -> &ConfigOptions {
        &self.options
    }
    fn udf_names(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }
    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    /// A row of a text, an amount that may be empty, a number and a day.
    fn row(amount: Option<i128>) -> RecordBatch {
        let amounts = Decimal128Array::from(vec![amount]).with_precision_and_scale(18, 2).unwrap();
        let columns: [(&str, ArrayRef); 4] = [
            ("tekst", Arc::new(StringArray::from(vec!["abc"]))),
            ("kwota", Arc::new(amounts)),
            ("liczba", Arc::new(Int64Array::from(vec![3]))),
            ("dzien", Arc::new(Date32Array::from(vec![19_357]))),
        ];
        let field = |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
        let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
        RecordBatch::try_new(Arc::new(schema), columns.map(|(_, values)| values).to_vec()).unwrap()
    }

    fn says(text: &str, row: &RecordBatch) -> Option<bool> {
        let planner = Planner::new(&row.schema()).unwrap();
        let (condition, _) = planner.condition(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let truths = holds(condition.as_ref(), row).unwrap_or_else(|error| panic!("{text}: {error}"));
        truths.is_valid(0).then(|| truths.value(0))
    }

    #[test]
    fn every_function_that_a_rule_may_call_can_be_run() {
        let calls = [
            "abs(kwota) >= 0",
            "ascii(tekst) = 97",
            "btrim(tekst) = 'abc'",
            "ceil(kwota) >= 0",
            "char_length(tekst) = 3",
            "character_length(tekst) = 3",
            "coalesce(kwota, 0) = 5",
            "concat(tekst, 'd') = 'abcd'",
            "contains(tekst, 'b')",
            "date_part('year', dzien) = 2022",
            "date_trunc('year', dzien) = DATE '2022-01-01'",
            "ends_with(tekst, 'c')",
            "floor(kwota) >= 0",
            "greatest(liczba, 1) = 3",
            "least(liczba, 1) = 1",
            "left(tekst, 1) = 'a'",
            "length(tekst) = 3",
            "lower(tekst) = 'abc'",
            "lpad(tekst, 4, '0') = '0abc'",
            "ltrim(tekst) = 'abc'",
            "make_date(2022, 12, 31) = dzien",
            "nullif(tekst, 'x') = 'abc'",
            "nvl(kwota, 0) = 5",
            "octet_length(tekst) = 3",
            "power(liczba, 2) = 9",
            "regexp_like(tekst, '^a')",
            "replace(tekst, 'a', 'x') = 'xbc'",
            "right(tekst, 1) = 'c'",
            "round(kwota, 0) = 5",
            "rtrim(tekst) = 'abc'",
            "signum(liczba) = 1",
            "split_part(tekst, 'b', 1) = 'a'",
            "starts_with(tekst, 'a')",
            "strpos(tekst, 'b') = 2",
            "substr(tekst, 2) = 'bc'",
            "upper(tekst) = 'ABC'",
        ];
        let row = row(Some(500));
        for (call, name) in calls.iter().zip(FUNCTIONS) {
            assert!(call.starts_with(&format!("{name}(")), "{name} is not among the calls");
            assert_eq!(says(call, &row), Some(true), "{call}");
        }
        assert_eq!(calls.len(), FUNCTIONS.len());
    }

    #[test]
    fn what_is_empty_counts_as_what_stands_for_it() {
        assert_eq!(says("kwota = 0", &row(None)), None);
        assert_eq!(says("coalesce(kwota, 0) = 0", &row(None)), Some(true));
        assert_eq!(says("liczba = nvl(kwota, 3)", &row(None)), Some(true));
        assert_eq!(says("coalesce(kwota, liczba, 0) = 3", &row(None)), Some(true));
    }
}
