//! Numbers as spreadsheets and print show them: `1 234,50`, `1.234,50`, `−5`.

use crate::report::Change;

use super::Rewritten;

/// Blanks between thousands: the usual one, the non-breaking, the narrow non-breaking and the thin one.
const BLANKS: [char; 4] = [' ', '\u{A0}', '\u{202F}', '\u{2009}'];
/// Longest cell that is looked at; no number is longer.
const BYTES_MAX: usize = 80;

/// The number with a decimal point and without separators; None when its writing has no reading, or two.
pub(super) fn rewritten(text: &str) -> Option<Rewritten> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let (sign, body) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(body) => ("-", body),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals, comma) = parted(body)?;
    let (digits, grouped) = ungrouped(whole)?;
    if !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut changes = Vec::new();
    if comma {
        changes.push(Change::DecimalComma);
    }
    if grouped {
        changes.push(Change::Thousands);
    }
    let point = if decimals.is_empty() { "" } else { "." };
    let number = format!("{sign}{digits}{point}{decimals}");
    // Only the sign's typography or a lone comma behind the digits is left: nothing that is worth telling.
    (number != text && !changes.is_empty()).then(|| Rewritten { text: number.into_bytes(), changes })
}

/// What stands before and after the decimal separator, and whether that is a comma.
///
/// A single comma is decimal, for commas between thousands would be more or be followed by a point; a single
/// point is decimal as the pattern says; of both, the last is decimal.
fn parted(body: &str) -> Option<(&str, &str, bool)> {
    let count = |letter| body.matches(letter).count();
    let last = match (count('.'), count(',')) {
        (0, 1) => Some(','),
        (1, 0) => Some('.'),
        (0, _) | (_, 0) => None,
        _ if body.rfind(',') > body.rfind('.') => Some(','),
        _ => Some('.'),
    };
    let Some(last) = last else { return Some((body, "", false)) };
    if count(last) > 1 {
        return None;
    }
    let (whole, decimals) = body.split_once(last)?;
    Some((whole, decimals, last == ','))
}

/// Digits without what stands between thousands: one separator, groups of three.
fn ungrouped(whole: &str) -> Option<(String, bool)> {
    let Some(separator) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return (!whole.is_empty()).then(|| (whole.to_owned(), false));
    };
    if !BLANKS.contains(&separator) && separator != '.' && separator != ',' {
        return None;
    }
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let good = |group: &str, sizes: std::ops::RangeInclusive<usize>| {
        sizes.contains(&group.len()) && group.bytes().all(|b| b.is_ascii_digit())
    };
    if !good(first, 1..=3) || !groups.clone().all(|group| good(group, 3..=3)) {
        return None;
    }
    Some((std::iter::once(first).chain(groups).collect(), true))
}
