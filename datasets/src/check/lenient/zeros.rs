//! Leading zeros that a spreadsheet took off a code: put back where the code list knows exactly one code that
//! the digits can be.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};

use crate::report::Change;

use super::super::references::ReferenceCheck;
use super::super::{Checker, Part};
use super::Tidied;

/// Longest code that zeros are put before.
const CODE_MAX: usize = 14;

impl Checker {
    /// Restores the codes of all columns that a list of their own is looked up in.
    pub(in crate::check) fn restore_zeros(&self, part: &mut Part) {
        for check in self.references.iter() {
            let [column] = check.columns() else { continue };
            let Some(longest) = check.longest().filter(|longest| *longest <= CODE_MAX) else { continue };
            let array = Arc::clone(&part.columns[*column]);
            let Some(texts) = array.as_string_opt::<i32>() else { continue };
            let rows = restorable(texts, longest, check);
            if rows.is_empty() {
                continue;
            }
            part.columns[*column] = restored(texts, &rows);
            part.tidied.extend(rows.iter().map(|(row, _)| Tidied {
                column: *column as u16,
                change: Change::LeadingZeros,
                row: *row as u32,
            }));
        }
    }
}

/// Rows whose code lost its zeros, with the code.
fn restorable(texts: &StringArray, longest: usize, check: &ReferenceCheck) -> Vec<(usize, String)> {
    let offsets = texts.value_offsets();
    let is_short = |row: &usize| ((offsets[row + 1] - offsets[*row]) as usize).wrapping_sub(1) < longest - 1;
    let short = (0..texts.len()).filter(is_short);
    short.filter_map(|row| only_reading(texts.value(row), longest, check).map(|code| (row, code))).collect()
}

/// The one code of the list that the digits are without its leading zeros.
fn only_reading(digits: &str, longest: usize, check: &ReferenceCheck) -> Option<String> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) || check.holds(digits) {
        return None;
    }
    let padded = (digits.len() + 1..=longest).map(|width| format!("{digits:0>width$}"));
    let mut found = padded.filter(|code| check.holds(code));
    let code = found.next()?;
    found.next().is_none().then_some(code)
}

fn restored(texts: &StringArray, rows: &[(usize, String)]) -> ArrayRef {
    let mut rows = rows.iter().peekable();
    let codes = texts.iter().enumerate().map(|(row, text)| match rows.next_if(|(at, _)| *at == row) {
        Some((_, code)) => Some(code.as_str()),
        None => text,
    });
    Arc::new(codes.collect::<StringArray>())
}
