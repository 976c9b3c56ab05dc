//! What an expression adds up, if it is a sum of amounts.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{BinaryExpr, CastExpr, Column, Literal};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};

/// Most digits of an amount that is a whole number of 64 bits.
const WHOLE_DIGITS: u8 = 18;

/// A sum of amounts, each taken so and so often, and a constant, all in units of `scale` decimal places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    /// How often each column is taken. A column that cancels out stays, for the sum is unknown where it is.
    pub(super) times: BTreeMap<usize, i128>,
    pub(super) constant: i128,
    scale: u8,
    /// No value of the sum is farther from zero.
    pub(super) most: i128,
}

impl Sum {
    /// None where the expression is no sum of amounts, or where its own type may be too narrow for its value.
    pub(super) fn of(expression: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        let node = expression.as_ref() as &dyn Any;
        if let Some(column) = node.downcast_ref::<Column>() {
            return Self::column(column.index(), schema);
        }
        if let Some(literal) = node.downcast_ref::<Literal>() {
            return Self::literal(literal.value());
        }
        let sum = if let Some(cast) = node.downcast_ref::<CastExpr>() {
            Self::of(cast.expr(), schema)?
        } else if let Some(function) = node.downcast_ref::<ScalarFunctionExpr>() {
            Self::of_rounding(function, schema)?
        } else {
            let binary = node.downcast_ref::<BinaryExpr>()?;
            let (left, right) = (Self::of(binary.left(), schema)?, Self::of(binary.right(), schema)?);
            match binary.op() {
                Operator::Plus => left.plus(right)?,
                Operator::Minus => left.minus(right)?,
                Operator::Multiply if left.times.is_empty() => right.taken(&left)?,
                Operator::Multiply if right.times.is_empty() => left.taken(&right)?,
                _ => return None,
            }
        };
        sum.fits(&expression.data_type(schema).ok()?).then_some(sum)
    }

    /// Rounding to at least as many decimal places as the sum has leaves it as it is.
    fn of_rounding(function: &ScalarFunctionExpr, schema: &Schema) -> Option<Self> {
        let [rounded, places] = function.args() else { return None };
        let sum = Self::of(rounded, schema)?;
        (function.name() == "round" && whole_number(places)? >= i64::from(sum.scale)).then_some(sum)
    }

    fn column(index: usize, schema: &Schema) -> Option<Self> {
        let DataType::Decimal128(digits @ ..=WHOLE_DIGITS, scale) = schema.fields().get(index)?.data_type()
        else {
            return None;
        };
        let (scale, most) = (u8::try_from(*scale).ok()?, ten_to(*digits)?);
        Some(Self { times: BTreeMap::from([(index, 1)]), constant: 0, scale, most })
    }

    fn literal(value: &ScalarValue) -> Option<Self> {
        let (constant, scale) = match value {
            ScalarValue::Int64(Some(value)) => (i128::from(*value), 0),
            ScalarValue::Decimal128(Some(value), _, scale) => (*value, u8::try_from(*scale).ok()?),
            _ => return None,
        };
        Some(Self { times: BTreeMap::new(), constant, scale, most: constant.checked_abs()? })
    }

    /// True when each value of the sum is one of the type, without rounding.
    fn fits(&self, kind: &DataType) -> bool {
        let DataType::Decimal128(digits, scale) = kind else { return false };
        let lifted = u8::try_from(*scale).ok().and_then(|scale| self.clone().at(scale));
        lifted.zip(ten_to(*digits)).is_some_and(|(lifted, end)| lifted.most < end)
    }

    /// The same in units of more decimal places.
    fn at(mut self, scale: u8) -> Option<Self> {
        let factor = ten_to(scale.checked_sub(self.scale)?)?;
        for times in self.times.values_mut() {
            *times = times.checked_mul(factor)?;
        }
        self.constant = self.constant.checked_mul(factor)?;
        self.most = self.most.checked_mul(factor)?;
        self.scale = scale;
        Some(self)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (mut sum, other) = (self.at(scale)?, other.at(scale)?);
        for (column, times) in other.times {
            let taken = sum.times.entry(column).or_default();
            *taken = taken.checked_add(times)?;
        }
        sum.constant = sum.constant.checked_add(other.constant)?;
        sum.most = sum.most.checked_add(other.most)?;
        Some(sum)
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let minus_one = Self { times: BTreeMap::new(), constant: -1, scale: 0, most: 1 };
        self.plus(other.taken(&minus_one)?)
    }

    /// The sum without one of its smallest units.
    pub(super) fn less_one(mut self) -> Option<Self> {
        self.constant = self.constant.checked_sub(1)?;
        self.most = self.most.checked_add(1)?;
        Some(self)
    }

    /// The sum as often as a constant says.
    fn taken(mut self, constant: &Self) -> Option<Self> {
        for times in self.times.values_mut() {
            *times = times.checked_mul(constant.constant)?;
        }
        self.constant = self.constant.checked_mul(constant.constant)?;
        self.most = self.most.checked_mul(constant.most)?;
        self.scale = self.scale.checked_add(constant.scale)?;
        Some(self)
    }
}

/// A whole number that stands in the expression, whatever its width.
fn whole_number(expression: &Arc<dyn PhysicalExpr>) -> Option<i64> {
    let node = expression.as_ref() as &dyn Any;
    if let Some(cast) = node.downcast_ref::<CastExpr>().filter(|cast| cast.cast_type().is_integer()) {
        return whole_number(cast.expr());
    }
    match node.downcast_ref::<Literal>()?.value() {
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int64(value) => *value,
        _ => None,
    }
}

fn ten_to(digits: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(digits))
}
