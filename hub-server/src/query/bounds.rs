//! What of a scan's filters chooses files: comparisons of a column with a value, all or any of them. It is weaker than
//! the filters or the same, never stronger: whoever reads the files filters their rows.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{binary, col, is_not_null, is_null, lit};
use serde::{Deserialize, Serialize};

use super::limits::BOUNDS_MAX;
use crate::store::index::{Bound, PUBLISHER};

/// What a row satisfies that a scan is after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Bounds {
    /// Nothing is known for none.
    All(Vec<Bounds>),
    Any(Vec<Bounds>),
    Is {
        column: String,
        than: Than,
        value: Bound,
    },
    Null {
        column: String,
        is: bool,
    },
}

/// How a column compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Than {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Than {
    fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Eq => Self::Equal,
            Operator::NotEq => Self::Other,
            Operator::Lt => Self::Less,
            Operator::LtEq => Self::AtMost,
            Operator::Gt => Self::More,
            Operator::GtEq => Self::AtLeast,
            _ => return None,
        })
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal => Operator::Eq,
            Self::Other => Operator::NotEq,
            Self::Less => Operator::Lt,
            Self::AtMost => Operator::LtEq,
            Self::More => Operator::Gt,
            Self::AtLeast => Operator::GtEq,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Other => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// The comparison that holds of a row with a value when this one does not.
    fn contrary(self) -> Self {
        match self {
            Self::Equal => Self::Other,
            Self::Other => Self::Equal,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::More,
            Self::More => Self::AtMost,
            Self::AtLeast => Self::Less,
        }
    }
}

impl Bounds {
    /// What filters together say. Of too many comparisons nothing is told.
    pub(super) fn of(filters: &[Expr], schema: &Schema) -> Self {
        let all = Self::All(filters.iter().filter_map(|filter| part(filter, schema, true)).collect());
        if all.len() > BOUNDS_MAX { Self::All(Vec::new()) } else { all }
    }

    /// False when no row of a publisher is within them.
    pub(super) fn allow(&self, publisher: &str) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.allow(publisher)),
            Self::Any(parts) => parts.is_empty() || parts.iter().any(|part| part.allow(publisher)),
            Self::Is { column, than, value } if column == PUBLISHER => {
                value.text().is_none_or(|value| than.holds(publisher.cmp(value)))
            }
            Self::Null { column, is } => column != PUBLISHER || !is,
            Self::Is { .. } => true,
        }
    }

    /// Number of comparisons.
    fn len(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::len).sum(),
            Self::Is { .. } | Self::Null { .. } => 1,
        }
    }

    /// As an expression over the columns of files; None: it says nothing, or too much.
    pub(super) fn predicate(&self, schema: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        if self.len() > BOUNDS_MAX { Ok(None) } else { self.expression(schema) }
    }

    fn expression(&self, schema: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        match self {
            Self::All(parts) => {
                let parts: Vec<_> =
                    parts.iter().map(|part| part.expression(schema)).collect::<Result<_>>()?;
                joined(parts.into_iter().flatten().collect(), Operator::And, schema)
            }
            Self::Any(parts) => {
                let parts: Vec<_> =
                    parts.iter().map(|part| part.expression(schema)).collect::<Result<_>>()?;
                let all: Option<Vec<_>> = parts.into_iter().collect();
                all.map_or(Ok(None), |all| joined(all, Operator::Or, schema))
            }
            Self::Is { column, than, value } => {
                let left = col(column, schema)?;
                let kind = schema.field_with_name(column)?.data_type();
                let value = Bound::array(kind, std::iter::once(Some(value)));
                let value = lit(ScalarValue::try_from_array(&value, 0)?);
                binary(left, than.operator(), value, schema).map(Some)
            }
            Self::Null { column, is: true } => is_null(col(column, schema)?).map(Some),
            Self::Null { column, is: false } => is_not_null(col(column, schema)?).map(Some),
        }
    }
}

/// Pairs of pairs, so that the expression is as deep as its parts are many only in the logarithm.
fn joined(
    mut parts: Vec<Arc<dyn PhysicalExpr>>,
    operator: Operator,
    schema: &Schema,
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    if parts.len() < 2 {
        return Ok(parts.pop());
    }
    let rest = joined(parts.split_off(parts.len() / 2), operator, schema)?;
    let first = joined(parts, operator, schema)?;
    first.zip(rest).map(|(first, rest)| binary(first, operator, rest, schema)).transpose()
}

/// What a filter says of columns when it holds, or (`holds` is false) when it does not; None: nothing.
fn part(filter: &Expr, schema: &Schema, holds: bool) -> Option<Bounds> {
    match filter {
        Expr::Alias(alias) => part(&alias.expr, schema, holds),
        Expr::Not(inner) => part(inner, schema, !holds),
        Expr::IsNull(inner) => Some(Bounds::Null { column: column(inner, schema)?, is: holds }),
        Expr::IsNotNull(inner) => Some(Bounds::Null { column: column(inner, schema)?, is: !holds }),
        Expr::BinaryExpr(both) => match both.op {
            Operator::And | Operator::Or => {
                let sides = [&both.left, &both.right].map(|side| part(side, schema, holds));
                match (both.op == Operator::And) == holds {
                    true => Some(Bounds::All(sides.into_iter().flatten().collect())),
                    false => sides.into_iter().collect::<Option<Vec<_>>>().map(Bounds::Any),
                }
            }
            operator => {
                let (left, right, operator) = match &*both.left {
                    Expr::Column(_) => (&both.left, &both.right, operator),
                    _ => (&both.right, &both.left, operator.swap()?),
                };
                compared(left, Than::of(operator)?, right, schema, holds)
            }
        },
        Expr::InList(list) => {
            let is_in = list.negated != holds;
            let one = |value| compared(&list.expr, Than::Equal, value, schema, is_in);
            let all: Option<Vec<Bounds>> = list.list.iter().map(one).collect();
            all.filter(|all| !all.is_empty()).map(if is_in { Bounds::Any } else { Bounds::All })
        }
        Expr::Between(between) if between.negated != holds => Some(Bounds::All(
            [(Than::AtLeast, &between.low), (Than::AtMost, &between.high)]
                .into_iter()
                .filter_map(|(than, value)| compared(&between.expr, than, value, schema, true))
                .collect(),
        )),
        Expr::Like(like) if like.negated != holds && !like.case_insensitive && like.escape_char.is_none() => {
            begins_with(&column(&like.expr, schema)?, &like.pattern)
        }
        _ => None,
    }
}

/// The name of a column of files.
fn column(expr: &Expr, schema: &Schema) -> Option<String> {
    let Expr::Column(column) = expr else { return None };
    schema.index_of(&column.name).ok().map(|_| column.name.clone())
}

/// `column than value`, or its contrary. The value must be of the column's type, of which there are bounds.
fn compared(left: &Expr, than: Than, right: &Expr, schema: &Schema, holds: bool) -> Option<Bounds> {
    let (column, Expr::Literal(value, _)) = (column(left, schema)?, right) else { return None };
    let value = value.to_array().ok().filter(|value| {
        schema.field_with_name(&column).is_ok_and(|field| field.data_type() == value.data_type())
    })?;
    let value = Bound::smallest(&value)?;
    Some(Bounds::Is { column, than: if holds { than } else { than.contrary() }, value })
}

/// The texts that begin as a pattern does lie between its beginning and what follows it.
fn begins_with(column: &str, pattern: &Expr) -> Option<Bounds> {
    let Expr::Literal(ScalarValue::Utf8(Some(pattern)), _) = pattern else { return None };
    // A backslash may mean itself or what follows it.
    let first = pattern.split(['%', '_', '\\']).next().filter(|first| !first.is_empty())?;
    let is =
        |than, text: &str| Bounds::Is { column: column.to_owned(), than, value: Bound::Text(text.into()) };
    let mut all = vec![is(Than::AtLeast, first)];
    let mut head: Vec<char> = first.chars().collect();
    if let Some(next) = head.pop().and_then(|last| char::from_u32(u32::from(last) + 1)) {
        head.push(next);
        all.push(is(Than::Less, &head.into_iter().collect::<String>()));
    }
    Some(Bounds::All(all))
}
