//! Dates as offices write them: `31.12.2022`, `2022/12/31`; hours such as `1:00` and `24:00`.

use chrono::NaiveDate;

use crate::report::Change;

use super::Rewritten;

/// `31.12.2022`, `1.2.2022`, `2022.12.31`, `2022/12/31`, `2022-1-5`, each also with a midnight behind it. A day
/// before or after a slash is a guess, so `01/02/2022` is none of them.
pub(super) fn date(text: &str) -> Option<Rewritten> {
    let (date, rest) = split(text);
    let (date, changed) = iso(date)?;
    let midnight =
        matches!(rest.trim_start_matches(['T', ' ']), "" | "00:00" | "0:00" | "00:00:00" | "0:00:00");
    let changed = changed || !rest.is_empty();
    (midnight && changed).then(|| Rewritten { text: date.into_bytes(), changes: vec![Change::DateForm] })
}

/// The same dates with a time of day, whose hour may have one digit.
pub(super) fn datetime(text: &str) -> Option<Rewritten> {
    let (date, rest) = split(text);
    let (date, changed) = iso(date)?;
    let rest = rest.strip_prefix('T').unwrap_or(rest).trim_start();
    let mut changes = Vec::new();
    if changed {
        changes.push(Change::DateForm);
    }
    if is_end_of_day(rest) {
        changes.push(Change::HourForm);
        let next = date.parse::<NaiveDate>().ok()?.succ_opt()?;
        return Some(Rewritten { text: format!("{next} 00:00").into_bytes(), changes });
    }
    let one_digit = rest.as_bytes().get(1) == Some(&b':');
    if one_digit {
        changes.push(Change::HourForm);
    }
    let zero = if one_digit { "0" } else { "" };
    let text = format!("{date} {zero}{rest}").into_bytes();
    (!changes.is_empty() && !rest.is_empty()).then_some(Rewritten { text, changes })
}

/// The end of a day, which is the beginning of the next.
fn is_end_of_day(time: &str) -> bool {
    matches!(time, "24:00" | "24:00:00")
}

/// The date and what follows it.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(['T', ' ']).unwrap_or(text.len()))
}

/// `YYYY-MM-DD`, and whether the date was written otherwise.
fn iso(date: &str) -> Option<(String, bool)> {
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    let mut parts = date.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || ![first, second, third].iter().all(|part| digits(part)) {
        return None;
    }
    let short = |part: &str| matches!(part.len(), 1 | 2);
    let (year, month, day) = match separator {
        '.' if third.len() == 4 && short(first) => (third, second, first),
        '.' | '-' | '/' if first.len() == 4 && short(third) => (first, second, third),
        _ => return None,
    };
    if !short(month) {
        return None;
    }
    let iso = format!("{year}-{month:0>2}-{day:0>2}");
    let changed = iso != date;
    Some((iso, changed))
}
