//! Comparisons of sums of amounts, in whole numbers of 64 bits.
//!
//! Most rules of a report say that one sum of amounts is at least another. As decimals of 38 digits each step of
//! that is an array of 16 bytes a row, checked for overflow; here it is one pass over 8 bytes a row for each amount,
//! of which is known when the rule is planned that nothing overflows.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, Int64Array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Result as PlanResult, exec_err, plan_err};
use datafusion_expr::ColumnarValue;
use datafusion_expr::Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, Column};

use super::sum::Sum;

type Expression = Arc<dyn PhysicalExpr>;

/// An expression with its comparisons of sums in whole numbers.
pub(super) fn in_whole_numbers(expression: &Expression, schema: &Schema) -> PlanResult<Expression> {
    let whole = |node: Expression| {
        Ok(match Comparison::of(&node, schema) {
            Some(whole) => Transformed::new(Arc::new(whole) as Expression, true, TreeNodeRecursion::Jump),
            None => Transformed::no(node),
        })
    };
    Ok(Arc::clone(expression).transform_down(whole)?.data)
}

/// A sum of amounts, compared with zero.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Comparison {
    /// Whole numbers, each taken as often as `times` says at its place.
    amounts: Vec<Expression>,
    times: Vec<i64>,
    constant: i64,
    holds: Holds,
}

/// What is asked of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holds {
    AtLeastZero,
    Zero,
    NotZero,
}

impl Comparison {
    fn of(node: &Expression, schema: &Schema) -> Option<Self> {
        let binary = (node.as_ref() as &dyn Any).downcast_ref::<BinaryExpr>()?;
        let (left, right) = (Sum::of(binary.left(), schema)?, Sum::of(binary.right(), schema)?);
        let (sum, holds) = match binary.op() {
            Eq => (left.minus(right)?, Holds::Zero),
            NotEq => (left.minus(right)?, Holds::NotZero),
            GtEq => (left.minus(right)?, Holds::AtLeastZero),
            LtEq => (right.minus(left)?, Holds::AtLeastZero),
            Gt => (left.minus(right)?.less_one()?, Holds::AtLeastZero),
            Lt => (right.minus(left)?.less_one()?, Holds::AtLeastZero),
            _ => return None,
        };
        if sum.times.is_empty() || sum.most > i128::from(i64::MAX) {
            return None;
        }
        let (mut amounts, mut times) = (Vec::new(), Vec::new());
        for (index, taken) in sum.times {
            let DataType::Decimal128(digits, _) = schema.field(index).data_type() else { return None };
            let amount = Arc::new(Column::new(schema.field(index).name(), index));
            amounts.push(Arc::new(Whole { amount, digits: *digits }) as Expression);
            times.push(i64::try_from(taken).ok()?);
        }
        Some(Self { amounts, times, constant: i64::try_from(sum.constant).ok()?, holds })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.constant)?;
        for (amount, times) in self.amounts.iter().zip(&self.times) {
            write!(f, " + {times} * {amount}")?;
        }
        f.write_str(match self.holds {
            Holds::AtLeastZero => " >= 0",
            Holds::Zero => " = 0",
            Holds::NotZero => " <> 0",
        })
    }
}

impl PhysicalExpr for Comparison {
    fn data_type(&self, _: &Schema) -> PlanResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> PlanResult<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> PlanResult<ColumnarValue> {
        let mut arrays = Vec::with_capacity(self.amounts.len());
        for amount in &self.amounts {
            let array = amount.evaluate(batch)?.into_array(batch.num_rows())?;
            let Some(amounts) = array.as_primitive_opt::<Int64Type>() else {
                return exec_err!("{amount} is no whole number");
            };
            arrays.push(amounts.clone());
        }
        let nulls = arrays.iter().map(Array::nulls);
        let known =
            nulls.fold(None, |known: Option<NullBuffer>, nulls| NullBuffer::union(known.as_ref(), nulls));
        let amounts: Vec<&[i64]> = arrays.iter().map(|array| array.values().as_ref()).collect();
        let words = (0..batch.num_rows()).step_by(WORD).map(|first| self.word(&amounts, first).to_le());
        let truths = BooleanBuffer::new(Buffer::from_vec(words.collect()), 0, batch.num_rows());
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(truths, known))))
    }

    fn children(&self) -> Vec<&Expression> {
        self.amounts.iter().collect()
    }

    fn with_new_children(self: Arc<Self>, amounts: Vec<Expression>) -> PlanResult<Expression> {
        let (times, constant, holds) = (self.times.clone(), self.constant, self.holds);
        Ok(Arc::new(Self { amounts, times, constant, holds }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Rows that are compared at a time: a bit of a word for each.
const WORD: usize = 64;

impl Comparison {
    /// What holds of the sums of as many rows as a word has bits. Nothing wraps but what stands behind an empty cell,
    /// which nobody reads.
    fn word(&self, amounts: &[&[i64]], first: usize) -> u64 {
        let mut sums = [self.constant; WORD];
        for (amounts, times) in amounts.iter().zip(&self.times) {
            let rest = amounts.get(first..).unwrap_or_default();
            match rest.first_chunk() {
                Some(whole) => add(&mut sums, whole, *times),
                None => add(&mut sums, &std::array::from_fn(|at| rest.get(at).copied().unwrap_or(0)), *times),
            }
        }
        // Rules seldom fail, and that none does is known from all sums at once.
        let any_bit = sums.iter().fold(0, |any, sum| any | sum);
        match self.holds {
            Holds::AtLeastZero if any_bit >= 0 => u64::MAX,
            Holds::AtLeastZero => bits(&sums, |sum| sum >= 0),
            Holds::Zero if any_bit == 0 => u64::MAX,
            Holds::Zero => bits(&sums, |sum| sum == 0),
            Holds::NotZero => bits(&sums, |sum| sum != 0),
        }
    }
}

fn add(sums: &mut [i64; WORD], amounts: &[i64; WORD], times: i64) {
    let pairs = sums.iter_mut().zip(amounts);
    match times {
        0 => {}
        1 => pairs.for_each(|(sum, amount)| *sum = sum.wrapping_add(*amount)),
        -1 => pairs.for_each(|(sum, amount)| *sum = sum.wrapping_sub(*amount)),
        _ => pairs.for_each(|(sum, amount)| *sum = sum.wrapping_add(amount.wrapping_mul(times))),
    }
}

/// A bit for each sum, the first one lowest.
fn bits(sums: &[i64; WORD], holds: impl Fn(i64) -> bool) -> u64 {
    sums.iter().rev().fold(0, |bits, sum| bits << 1 | u64::from(holds(*sum)))
}

/// An amount as a whole number of its smallest unit.
#[derive(Debug, Eq)]
struct Whole {
    amount: Expression,
    /// Most digits that its type allows.
    digits: u8,
}

impl PartialEq for Whole {
    fn eq(&self, other: &Self) -> bool {
        self.amount.eq(&other.amount) && self.digits == other.digits
    }
}

impl Hash for Whole {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.amount.hash(state);
        self.digits.hash(state);
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whole({})", self.amount)
    }
}

impl PhysicalExpr for Whole {
    fn data_type(&self, _: &Schema) -> PlanResult<DataType> {
        Ok(DataType::Int64)
    }

    fn nullable(&self, schema: &Schema) -> PlanResult<bool> {
        self.amount.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> PlanResult<ColumnarValue> {
        let array = self.amount.evaluate(batch)?.into_array(batch.num_rows())?;
        let Some(amounts) = array.as_primitive_opt::<Decimal128Type>() else {
            return exec_err!("{} is no amount", self.amount);
        };
        let end = 10_i64.pow(self.digits.into());
        let mut wide = false;
        let whole = amounts.values().iter().map(|amount| {
            let low = *amount as i64;
            wide |= (i128::from(low) != *amount) | (low >= end) | (low <= -end);
            low
        });
        let whole = whole.collect();
        // What is wider than its type says is left to decimals.
        if wide {
            return exec_err!("{} has more than {} digits", self.amount, self.digits);
        }
        let whole: ArrayRef = Arc::new(Int64Array::new(whole, amounts.nulls().cloned()));
        Ok(ColumnarValue::Array(whole))
    }

    fn children(&self) -> Vec<&Expression> {
        vec![&self.amount]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Expression>) -> PlanResult<Expression> {
        match children.into_iter().next() {
            Some(amount) => Ok(Arc::new(Self { amount, digits: self.digits })),
            None => plan_err!("an amount is missing"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Decimal128Array;
    use arrow::datatypes::Field;
    use proptest::prelude::*;

    use super::super::expression::{Planner, holds};
    use super::*;

    /// Rules that are compared in whole numbers, and some that cannot be.
    const WHOLE: [&str; 11] = [
        "a >= 0",
        "a + b >= a AND a + b >= b",
        "a - b < 999999999999.99",
        "a BETWEEN -1.5 AND 12",
        "a <> b OR 3 * a = b + 0.01",
        "2 * (a + b) - a <= a + 2 * b",
        "c + 0.5 > 2 * c - 1",
        "CASE WHEN a = 0 THEN b <= 0 ELSE b <= a END",
        "a + b IN (1, 2) OR c < 10 * c",
        "round(a, 2) = a AND round(c, 5) < b",
        "a > b",
    ];
    const WIDE: [&str; 6] =
        ["a * b > 1", "round(a, 1) = a", "9 * a > b", "a > n", "a + c > b", "CAST(a AS DECIMAL(18, 1)) = a"];

    fn schema() -> Schema {
        let amount = |name, digits, scale| Field::new(name, DataType::Decimal128(digits, scale), true);
        Schema::new(vec![
            amount("a", 18, 2),
            amount("b", 18, 2),
            amount("c", 9, 3),
            Field::new("n", DataType::Int64, true),
        ])
    }

    fn rows(cells: &[[Option<i64>; 3]]) -> RecordBatch {
        let schema = Arc::new(schema());
        let column = |at: usize, digits, scale| {
            let values = cells.iter().map(|row| row[at].map(i128::from));
            let values = values.collect::<Decimal128Array>().with_precision_and_scale(digits, scale);
            Arc::new(values.unwrap()) as ArrayRef
        };
        let numbers = cells.iter().map(|row| row[2]).collect::<Int64Array>();
        let columns = vec![column(0, 18, 2), column(1, 18, 2), column(2, 9, 3), Arc::new(numbers)];
        RecordBatch::try_new(schema, columns).unwrap()
    }

    /// The rule as it is planned, and in whole numbers.
    fn both(rule: &str) -> [Expression; 2] {
        let schema = Arc::new(schema());
        let (alone, _) = Planner::new(&schema).unwrap().condition(rule).unwrap();
        let whole = in_whole_numbers(&alone, &schema).unwrap();
        [alone, whole]
    }

    #[test]
    fn what_cannot_overflow_is_compared_in_whole_numbers() {
        for rule in WHOLE {
            let [alone, whole] = both(rule);
            assert!(whole.to_string().contains("whole("), "{rule}: {alone}");
        }
        for rule in WIDE {
            assert!(!both(rule)[1].to_string().contains("whole("), "{rule}");
        }
    }

    #[test]
    fn what_is_wider_than_its_type_is_no_whole_number() {
        let wide = Arc::new(Decimal128Array::from(vec![10_i128.pow(9)])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("c", wide)]).unwrap();
        let whole = Whole { amount: Arc::new(Column::new("c", 0)), digits: 9 };
        assert!(whole.evaluate(&batch).unwrap_err().to_string().contains("more than 9 digits"));
    }

    proptest! {
        #[test]
        fn whole_numbers_say_what_decimals_say(
            cells in prop::collection::vec((amount(18), amount(18), amount(9)), 1..200)
        ) {
            let rows = rows(&cells.into_iter().map(|(a, b, c)| [a, b, c]).collect::<Vec<_>>());
            for rule in WHOLE {
                let [alone, whole] = both(rule);
                prop_assert_eq!(
                    holds(alone.as_ref(), &rows).unwrap(), holds(whole.as_ref(), &rows).unwrap(), "{}", rule
                );
            }
        }
    }

    /// An empty cell, a small amount, or one of all digits.
    fn amount(digits: u32) -> impl Strategy<Value = Option<i64>> {
        let end = 10_i64.pow(digits) - 1;
        prop_oneof![
            1 => Just(None),
            4 => (-400..400_i64).prop_map(Some),
            1 => (-end..=end).prop_map(Some),
            1 => prop_oneof![Just(end), Just(-end)].prop_map(Some),
        ]
    }
}
