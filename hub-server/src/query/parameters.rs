//! Parameters of a statement: placeholders in its text, and the values that a caller binds to them. Values come as an
//! Arrow stream from outside, so that they are read in a worker alone.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions_mut};
use datafusion::sql::sqlparser::tokenizer::Location;

use super::QueryError;
use super::encode::plain_type;
use super::guard::LITERAL_MAX;

/// Gives each `?` its number, by its place in the text: `$1`, `$2` …
pub(super) fn number(statement: &mut Statement) -> Result<(), QueryError> {
    let Statement::Statement(statement) = statement else { return Ok(()) };
    let (mut places, mut numbered) = (Vec::new(), false);
    each(statement, |name, place| {
        match name.as_str() {
            "?" => places.push(place),
            _ => numbered = true,
        }
        Ok(())
    })?;
    if numbered && !places.is_empty() {
        return Err(QueryError::invalid("write all parameters as `?`, or all as `$1`, `$2` …"));
    }
    places.sort_unstable();
    each(statement, |name, place| {
        let text = name.get(1..).unwrap_or_default();
        let number = match places.binary_search(&place) {
            Ok(at) => at + 1,
            Err(_) => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                QueryError::invalid(format!("parameter `{name}` has no number; write `?`, or `$1`, `$2` …"))
            })?,
        };
        *name = format!("${number}");
        Ok(())
    })
}

/// Visits the placeholders of a statement with their places in the text.
fn each(
    statement: &mut datafusion::sql::sqlparser::ast::Statement,
    mut visit: impl FnMut(&mut String, Location) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let flow = visit_expressions_mut(statement, |expression| {
        let Expr::Value(value) = expression else { return ControlFlow::Continue(()) };
        let place = value.span.start;
        let Value::Placeholder(name) = &mut value.value else { return ControlFlow::Continue(()) };
        match visit(name, place) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// What may be bound to the placeholders of a plan, in their order; a type that does not follow from the statement is
/// `Null`, to which a caller binds what it likes.
pub(super) fn schema(plan: &LogicalPlan) -> Result<SchemaRef, QueryError> {
    let mut types = types(plan)?;
    let count =
        types.keys().filter_map(|name| name.get(1..)?.parse::<usize>().ok()).max().unwrap_or_default();
    // Numbers are the caller's: one alone may be big.
    if count > types.len() {
        return Err(QueryError::invalid(format!(
            "the statement has {} parameters and names `${count}`; number them from `$1` on",
            types.len()
        )));
    }
    let field = |number: usize| {
        let name = format!("${number}");
        let kind = types.remove(&name).flatten().unwrap_or(DataType::Null);
        Field::new(name, plain_type(&kind), true)
    };
    Ok(Arc::new(Schema::new((1..=count).map(field).collect::<Vec<_>>())))
}

/// The placeholders of a plan with their types. One that is used in several ways has the type of the first.
fn types(plan: &LogicalPlan) -> Result<HashMap<String, Option<DataType>>, QueryError> {
    let mut types: HashMap<String, Option<DataType>> = HashMap::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let datafusion::logical_expr::Expr::Placeholder(placeholder) = part {
                    let known = types.entry(placeholder.id.clone()).or_default();
                    let kind = placeholder.field.as_ref().map(|field| field.data_type().clone());
                    *known = known.take().or(kind);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(types)
}

/// The plan with values in the place of its placeholders. `stream`: an Arrow stream of one row, a column for each.
pub(super) fn bind(plan: LogicalPlan, wanted: &Schema, stream: &[u8]) -> Result<LogicalPlan, QueryError> {
    let values = values(stream)?;
    let wanted = wanted.fields().len();
    if values.len() != wanted {
        return Err(QueryError::invalid(format!(
            "the statement has {wanted} parameters, and {} values were bound",
            values.len()
        )));
    }
    Ok(plan.with_param_values(ParamValues::from(values))?)
}

fn values(stream: &[u8]) -> Result<Vec<ScalarValue>, QueryError> {
    let unreadable = |error| QueryError::invalid(format!("the values of parameters cannot be read: {error}"));
    let reader = StreamReader::try_new(Cursor::new(stream), None).map_err(unreadable)?;
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(unreadable)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    match batches.iter().find(|batch| batch.num_rows() > 0) {
        Some(batch) if rows == 1 => batch.columns().iter().map(value).collect(),
        _ => Err(QueryError::invalid(format!(
            "parameters have {rows} rows; bind one row, and run the statement once for each"
        ))),
    }
}

fn value(column: &arrow::array::ArrayRef) -> Result<ScalarValue, QueryError> {
    let kind = plain_type(column.data_type());
    if kind.is_nested() {
        return Err(QueryError::invalid(format!("a parameter is one value, not {kind}")));
    }
    let plain = cast(column, &kind).map_err(|error| QueryError::internal(&error))?;
    let value = ScalarValue::try_from_array(&plain, 0)?;
    let bytes = match &value {
        ScalarValue::Utf8(Some(text)) => text.len(),
        ScalarValue::Binary(Some(bytes)) => bytes.len(),
        _ => 0,
    };
    if bytes > LITERAL_MAX {
        return Err(QueryError::TooComplex(format!("a parameter has more than {LITERAL_MAX} bytes")));
    }
    Ok(value)
}
