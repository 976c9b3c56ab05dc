//! PESEL numbers: no column of a pattern that is not personal may hold one, and no report shows one.

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::StringArray;
use chrono::{Datelike, NaiveDate};

/// Digits of a PESEL.
const DIGITS: usize = 11;
/// What stands in the place of a number that is not shown; where it is sent back it is no number either.
pub(super) const MASK: &str = "***********";

/// Where a text holds what may be a PESEL: eleven digits that no other digit touches, whose date of birth
/// and check digit hold. Longer and shorter numbers (REGON, NIP, accounts, telephones) are none.
fn numbers(text: &str) -> impl Iterator<Item = (Range<usize>, NaiveDate)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let rest = text.get(at..)?;
            let start = at + rest.find(|letter: char| letter.is_ascii_digit())?;
            let run = text.get(start..)?;
            let end = start + run.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(run.len());
            at = end;
            if let Some(born) = text.get(start..end).and_then(born) {
                return Some((start..end, born));
            }
        }
        None
    })
}

/// The date of birth that a PESEL says; None for what is none.
fn born(text: &str) -> Option<NaiveDate> {
    const WEIGHTS: [u32; DIGITS] = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
    if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: Vec<u32> = text.bytes().map(|byte| u32::from(byte - b'0')).collect();
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    // The century is in the month: those of our time, for the dead of others are no persons of these reports.
    let (century, month) = match pair(2) {
        month @ 1..=12 => (1900, month),
        month @ 21..=32 => (2000, month - 20),
        _ => return None,
    };
    let year = i32::try_from(century + pair(0)).ok()?;
    NaiveDate::from_ymd_opt(year, month, pair(4)).filter(|_| sum.is_multiple_of(10))
}

/// True when a text holds a PESEL of someone who is born by the last day of the period, or the mask of one.
pub(super) fn holds_number(text: &str, last_day: Option<NaiveDate>) -> bool {
    if text.len() < DIGITS {
        return false;
    }
    let by_then = |born: NaiveDate| last_day.is_none_or(|last| born.year() <= last.year());
    text.contains(MASK) || numbers(text).any(|(_, born)| by_then(born))
}

/// False when none of the texts can hold a PESEL or a mask, which is found out without looking at each: texts that are
/// long enough, with eleven digits or signs of the mask in a row, are few.
pub(super) fn may_hold_numbers(texts: &StringArray) -> bool {
    let offsets = texts.value_offsets();
    let is_long = offsets.iter().zip(offsets.iter().skip(1)).any(|(from, to)| to - from >= DIGITS as i32);
    let range = offsets.first().zip(offsets.last()).map(|(from, to)| *from as usize..*to as usize);
    is_long && range.and_then(|range| texts.value_data().get(range)).is_some_and(has_run)
}

/// True when eleven digits or signs of the mask stand in a row.
fn has_run(bytes: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'*';
    // One of eleven in a row stands at an eleventh place.
    let mut at = DIGITS - 1;
    while let Some((before, from_here)) = bytes.split_at_checked(at).filter(|(_, rest)| !rest.is_empty()) {
        let ahead = from_here.iter().take_while(|byte| is_part(byte)).count();
        if ahead == 0 {
            at += DIGITS;
            continue;
        }
        let behind = before.iter().rev().take_while(|byte| is_part(byte)).count();
        if behind + ahead >= DIGITS {
            return true;
        }
        at += ahead + DIGITS;
    }
    false
}

/// A text with its PESEL numbers masked.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let mut found = numbers(text).map(|(range, _)| range).peekable();
    if text.len() < DIGITS || found.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for range in found {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(MASK);
        at = range.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(shown)
}

/// Masks a text in its place.
pub(crate) fn mask(text: &mut String) {
    if let Cow::Owned(shown) = masked(text) {
        *text = shown;
    }
}

#[cfg(test)]
mod tests;
