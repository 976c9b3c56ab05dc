//! Checks of single cells over whole columns: required, allowed, range, length, form, checksum.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray};
use chrono::NaiveDate;

use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};

use super::breach::Kind;
use super::column::{Bound, ColumnCheck};
use super::personal::{holds_number, may_hold_numbers};
use super::source::array_text;
use super::{Checker, Context, Part};
use crate::Period;
use crate::pattern::Sensitivity;

impl Checker {
    pub(super) fn check_values(&self, part: &mut Part) {
        let Context { pattern, period, .. } = &self.context;
        let forbids_numbers = pattern.sensitivity != Sensitivity::Personal;
        let last_day = period.as_ref().map(Period::last_day);
        for (column, check) in self.columns.iter().enumerate() {
            let array = Arc::clone(&part.columns[column]);
            if check.required && array.null_count() > part.failed[column].len() {
                required(part, column, &array);
            }
            if let Some(bound) = check.minimum {
                outside(part, column, &array, bound, Kind::Minimum);
            }
            if let Some(bound) = check.maximum {
                outside(part, column, &array, bound, Kind::Maximum);
            }
            if check.checks_text() {
                texts(part, column, &array, check);
            }
            broken_letters(part, column, &array);
            if check.may_hold_numbers && forbids_numbers {
                personal_numbers(part, column, &array, last_day);
            }
        }
    }
}

fn required(part: &mut Part, column: usize, array: &ArrayRef) {
    for row in 0..array.len() {
        if array.is_null(row) && !part.has_failed(column, row) {
            part.breach(row, column, Kind::Required);
        }
    }
}

/// Rows whose value lies outside a border.
fn outside(part: &mut Part, column: usize, array: &ArrayRef, bound: Bound, kind: Kind) {
    let below = kind == Kind::Minimum;
    let rows = match bound {
        Bound::Exact(bound) => {
            let breaks = |v: i128| if below { v < bound } else { v > bound };
            if let Some(values) = array.as_primitive_opt::<Int64Type>() {
                breaking(values, |v| breaks(v.into()))
            } else if let Some(values) = array.as_primitive_opt::<Decimal128Type>() {
                breaking(values, breaks)
            } else if let Some(values) = array.as_primitive_opt::<Date32Type>() {
                breaking(values, |v| breaks(v.into()))
            } else if let Some(values) = array.as_primitive_opt::<TimestampMicrosecondType>() {
                breaking(values, |v| breaks(v.into()))
            } else {
                Vec::new()
            }
        }
        Bound::Float(bound) => match array.as_primitive_opt::<Float64Type>() {
            Some(values) => breaking(values, |v| if below { v < bound } else { v > bound }),
            None => Vec::new(),
        },
    };
    rows.into_iter().for_each(|row| part.breach(row, column, kind));
}

/// Rows whose value breaks something. The first pass only asks whether there is any, nulls included:
/// their slots hold arbitrary values.
fn breaking<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    breaks: impl Fn(T::Native) -> bool,
) -> Vec<usize> {
    if !values.values().iter().any(|v| breaks(*v)) {
        return Vec::new();
    }
    (0..values.len()).filter(|row| values.is_valid(*row) && breaks(values.value(*row))).collect()
}

/// Checks on the text of each cell.
fn texts(part: &mut Part, column: usize, array: &ArrayRef, check: &ColumnCheck) {
    let owned;
    let strings = match array.as_string_opt::<i32>() {
        Some(strings) => strings,
        None => {
            // A typed column is compared in its canonical text.
            let text = |row| array.is_valid(row).then(|| array_text(array, row));
            owned = (0..array.len()).map(text).collect::<StringArray>();
            &owned
        }
    };
    each_distinct(strings, |row, text| {
        let before = part.breaches.len();
        if check.allowed.as_ref().is_some_and(|allowed| !allowed.contains(text)) {
            part.breach(row, column, Kind::Allowed);
        }
        if check.length.is_some_and(|(least, most)| !length_within(text, least, most)) {
            part.breach(row, column, Kind::Length);
        }
        // One word about a malformed identifier is enough: its checksum is asked only when its form holds.
        if check.form.as_ref().is_some_and(|form| !form.is_match(text)) {
            part.breach(row, column, Kind::Form);
        } else if check.checksum.is_some_and(|checksum| !checksum.holds(text)) {
            part.breach(row, column, Kind::Checksum);
        }
        part.breaches.len() == before
    });
}

/// Texts with a letter that was damaged before, or with control characters.
fn broken_letters(part: &mut Part, column: usize, array: &ArrayRef) {
    let Some(strings) = array.as_string_opt::<i32>().filter(|strings| may_be_broken(strings.value_data()))
    else {
        return;
    };
    each_distinct(strings, |row, text| {
        let found = text.chars().any(is_broken);
        if found {
            part.breach(row, column, Kind::BrokenLetter);
        }
        !found
    });
}

/// No letter of a text: what a decoder writes for what it cannot read, and control characters but those of lines.
pub(super) fn is_broken(letter: char) -> bool {
    letter == char::REPLACEMENT_CHARACTER || letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')
}

/// False when no text of a column can be broken, which is found out without looking at each.
fn may_be_broken(bytes: &[u8]) -> bool {
    /// First bytes of U+0080 to U+00BF, and of U+FFFD.
    const SIGNS: u8 = 0xC2;
    const SPECIAL: u8 = 0xEF;
    let controls = |byte: &u8| *byte < b' ' && !matches!(*byte, b'\t' | b'\n' | b'\r') || *byte == 0x7F;
    let second = |at: usize| bytes.get(at + 1).copied().unwrap_or_default();
    let is_suspect = |at: usize| match bytes.get(at) {
        Some(&SIGNS) => second(at) < 0xA0,
        _ => second(at) == 0xBF,
    };
    bytes.iter().fold(false, |any, byte| any | controls(byte))
        || memchr::memchr2_iter(SIGNS, SPECIAL, bytes).any(is_suspect)
}

/// Texts that hold a PESEL.
fn personal_numbers(part: &mut Part, column: usize, array: &ArrayRef, last_day: Option<NaiveDate>) {
    let Some(strings) = array.as_string_opt::<i32>().filter(|strings| may_hold_numbers(strings)) else {
        return;
    };
    each_distinct(strings, |row, text| {
        let found = holds_number(text, last_day);
        if found {
            part.breach(row, column, Kind::PersonalNumber);
        }
        !found
    });
}

fn length_within(text: &str, least: usize, most: usize) -> bool {
    // Characters are at most as many as bytes, and counted only when that does not decide.
    let bytes = text.len();
    if bytes < least {
        return false;
    }
    if bytes <= most && (least <= 1 || text.is_ascii()) {
        return true;
    }
    (least..=most).contains(&text.chars().count())
}

/// Slots of the memory of texts that passed; a power of two.
const SEEN: usize = 256;

/// Calls `check` for each text that is not known to have passed: codes repeat from row to row, and
/// a text that passed once passes always.
pub(super) fn each_distinct(strings: &StringArray, mut check: impl FnMut(usize, &str) -> bool) {
    let mut seen = [u32::MAX; SEEN];
    let mut passed = None;
    for row in 0..strings.len() {
        if strings.is_null(row) {
            continue;
        }
        let text = strings.value(row);
        // Rows in key order have long runs of the same code.
        if passed == Some(text) {
            continue;
        }
        let slot = &mut seen[slot(text.as_bytes())];
        if *slot != u32::MAX && strings.value(*slot as usize) == text {
            passed = Some(text);
            continue;
        }
        passed = None;
        if check(row, text) {
            *slot = row as u32;
            passed = Some(text);
        }
    }
}

/// A cheap hash: a clash only costs a second check.
fn slot(text: &[u8]) -> usize {
    let ends = |eight: &[u8]| eight.iter().fold(0_u64, |hash, b| (hash << 8) | u64::from(*b));
    let tail = ends(&text[text.len().saturating_sub(8)..]);
    let hash = (tail ^ text.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> 56) as usize % SEEN
}
