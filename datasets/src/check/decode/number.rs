//! Numbers, in exact integer arithmetic: money never passes through a float.

use super::super::breach::Kind;
use super::{Cell, trimmed};

/// Cells up to this length hold at most 19 digits, which fit 64 bits.
const SHORT: usize = 19;
/// Most digits that 128 bits hold.
const DIGITS_MAX: usize = 38;
/// A binary float shows 15 to 17 true digits; noise stands behind them.
const NOISE_DIGITS: usize = 15;
/// Noise is smaller than this part of the last wanted decimal …
const NOISE_OF_UNIT: u128 = 10_000;
/// … and than this part of the value.
const NOISE_OF_VALUE: u128 = 100_000_000_000_000;

/// Ten to the power of `exponent`, saturating past 38.
const fn power(exponent: u32) -> i128 {
    match 10_i128.checked_pow(exponent) {
        Some(power) => power,
        None => i128::MAX,
    }
}

/// Powers of ten for the fast path.
const POWERS: [i128; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut at = 0;
    while at < powers.len() {
        powers[at] = power(at as u32);
        at += 1;
    }
    powers
};

/// Precision and scale of a decimal column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    scale: usize,
    /// The first value that has too many digits.
    bound: i128,
    /// Numbers may be written with separators between thousands.
    by_hand: bool,
}

/// Digits between two separators of thousands.
const GROUP: usize = 3;

impl Shape {
    pub(crate) fn new(precision: u8, scale: i8) -> Self {
        Self {
            scale: usize::from(scale.unsigned_abs()).min(DIGITS_MAX),
            bound: POWERS[usize::from(precision).min(DIGITS_MAX)],
            by_hand: false,
        }
    }

    /// For numbers that offices may have written: `17.900` is no amount of money, for it may be thousands.
    pub(crate) fn by_hand(self, by_hand: bool) -> Self {
        Self { by_hand, ..self }
    }

    /// Reads a cell as an integer of units in the last decimal.
    #[inline]
    pub(crate) fn parse(self, cell: &[u8]) -> Cell<i128> {
        let (negative, digits) = match cell {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, cell),
        };
        if digits.is_empty() || digits.len() > SHORT {
            return self.long(cell);
        }
        let (mut value, mut decimals, mut point) = (0_u64, 0_usize, false);
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                value = value * 10 + u64::from(digit);
                decimals += usize::from(point);
            } else if *byte == b'.' && !point {
                point = true;
            } else {
                return self.long(cell);
            }
        }
        if decimals > self.scale || digits.len() == usize::from(point) {
            return self.long(cell);
        }
        let Some(value) = i128::from(value).checked_mul(POWERS[self.scale - decimals]) else {
            return Cell::Fault(Kind::TooLarge);
        };
        self.bounded(value, negative)
    }

    #[inline]
    fn bounded(self, value: i128, negative: bool) -> Cell<i128> {
        if value >= self.bound {
            return Cell::Fault(Kind::TooLarge);
        }
        Cell::Value(if negative { -value } else { value })
    }

    /// Everything that the fast path leaves: blanks around, a plus, many digits, excess decimals.
    #[cold]
    fn long(self, cell: &[u8]) -> Cell<i128> {
        let cell = trimmed(cell);
        if cell.is_empty() {
            return Cell::Empty;
        }
        let (negative, digits) = match cell {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, cell),
        };
        let point = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
        let whole = &digits[..point];
        let decimals = digits.get(point + 1..).unwrap_or_default();
        let numeric = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
        if whole.len() + decimals.len() == 0 || !numeric(whole) || !numeric(decimals) {
            return Cell::Fault(Kind::Type);
        }
        if self.has_two_readings(whole, decimals) {
            return Cell::Fault(Kind::TwoReadings);
        }
        let zeros = decimals.iter().rev().take_while(|b| **b == b'0').count();
        let decimals = &decimals[..decimals.len() - zeros];
        let (kept, excess) = decimals.split_at(decimals.len().min(self.scale));
        let Some(units) = units(whole, kept, self.scale) else { return Cell::Fault(Kind::TooLarge) };
        if excess.is_empty() {
            return self.bounded(units, negative);
        }
        match denoised(units, whole, decimals, excess) {
            Some(units) => match self.bounded(units, negative) {
                Cell::Value(value) => Cell::Noise(value),
                other => other,
            },
            None => Cell::Fault(Kind::DecimalsExcess),
        }
    }

    /// True when the only separator may stand between thousands, because the column takes fewer decimals.
    fn has_two_readings(self, whole: &[u8], decimals: &[u8]) -> bool {
        let is_group = decimals.len() == GROUP && (1..=GROUP).contains(&whole.len());
        self.by_hand && self.scale < GROUP && is_group && whole.first() != Some(&b'0')
    }
}

/// Digits before and after the point as one integer of `scale` decimals; None when it outgrows 128 bits.
fn units(whole: &[u8], decimals: &[u8], scale: usize) -> Option<i128> {
    let value = digits(whole.iter().chain(decimals))?;
    i128::try_from(value).ok()?.checked_mul(*POWERS.get(scale - decimals.len())?)
}

fn digits<'a>(digits: impl Iterator<Item = &'a u8>) -> Option<u128> {
    digits
        .into_iter()
        .try_fold(0_u128, |value, digit| value.checked_mul(10)?.checked_add(u128::from(digit - b'0')))
}

/// The value that a float was meant to be, when its excess decimals are only float noise:
/// `2.1800000000000002` is 2.18, `2.184` is not.
fn denoised(units: i128, whole: &[u8], decimals: &[u8], excess: &[u8]) -> Option<i128> {
    let significant = whole.iter().chain(decimals).skip_while(|b| **b == b'0').count();
    if !(NOISE_DIGITS..=DIGITS_MAX).contains(&significant) {
        return None;
    }
    let raw = digits(whole.iter().chain(decimals))?;
    let unit = u128::try_from(*POWERS.get(excess.len())?).ok()?;
    let below = raw % unit;
    let above = unit - below;
    let (distance, units) = if below <= above { (below, units) } else { (above, units.checked_add(1)?) };
    let small = distance.checked_mul(NOISE_OF_UNIT)? <= unit && distance <= raw / NOISE_OF_VALUE;
    small.then_some(units)
}

/// An integer of 64 bits; `7.0` is one, `7.5` has excess decimals.
#[inline]
pub(crate) fn integer(cell: &[u8], by_hand: bool) -> Cell<i64> {
    const WHOLE: Shape = Shape { scale: 0, bound: POWERS[19], by_hand: false };
    let narrow = |value: i128| i64::try_from(value).map_err(|_| Kind::TooLarge);
    match WHOLE.by_hand(by_hand).parse(cell) {
        Cell::Value(value) => narrow(value).map_or_else(Cell::Fault, Cell::Value),
        Cell::Noise(value) => narrow(value).map_or_else(Cell::Fault, Cell::Noise),
        Cell::Empty => Cell::Empty,
        Cell::Fault(kind) => Cell::Fault(kind),
    }
}

/// A finite float; words such as `inf` and `nan` are not numbers here.
pub(crate) fn float(cell: &[u8]) -> Cell<f64> {
    let cell = trimmed(cell);
    if cell.is_empty() {
        return Cell::Empty;
    }
    let plain = cell.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let value = std::str::from_utf8(cell).ok().filter(|_| plain).and_then(|text| text.parse::<f64>().ok());
    match value {
        Some(value) if value.is_finite() => Cell::Value(value),
        Some(_) => Cell::Fault(Kind::TooLarge),
        None => Cell::Fault(Kind::Type),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(cell: &[u8]) -> Cell<bool> {
    match trimmed(cell) {
        [] => Cell::Empty,
        b"true" => Cell::Value(true),
        b"false" => Cell::Value(false),
        _ => Cell::Fault(Kind::Type),
    }
}
