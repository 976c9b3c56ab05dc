//! What a filter says in plain words of publisher and period, for rows that are gone and cannot be asked.

use chrono::NaiveDate;

/// True when a filter lets no row of a publisher and a period through, as far as it compares `_publisher`,
/// `_period_end` or `okres` with one value each, all of which must hold. Of any other filter it is not known.
pub(super) fn excludes(
    filter: &str,
    publisher: &str,
    (label, last_day): (Option<&str>, Option<NaiveDate>),
) -> bool {
    let mut text = filter.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inner.trim();
    }
    let lower = text.to_ascii_lowercase();
    // Anything that could turn a comparison into less than a condition.
    if lower.contains(['(', ')'])
        || [" or ", "not ", "case ", "--", "/*"].iter().any(|word| lower.contains(word))
    {
        return false;
    }
    let terms = terms(text);
    // A text that is cut holds what looks like a condition.
    if terms.iter().any(|term| term.matches('\'').count() % 2 == 1) {
        return false;
    }
    terms.iter().filter_map(|term| term.split_once('=')).any(|(column, value)| {
        let value = value.trim();
        let quoted = |text: &str| text.trim().strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned);
        match column.trim() {
            "_publisher" => quoted(value).is_some_and(|named| named != publisher),
            "okres" => quoted(value).zip(label).is_some_and(|(named, label)| named != label),
            "_period_end" => {
                let day = value.strip_prefix("DATE ").and_then(quoted).and_then(|day| day.parse().ok());
                day.zip(last_day).is_some_and(|(named, last): (NaiveDate, NaiveDate)| named != last)
            }
            _ => false,
        }
    })
}

/// The conditions that must all hold. A text in quotes may hold `AND` too, and is then cut.
fn terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (lower, mut from) = (text.to_ascii_lowercase(), 0);
    for (at, _) in lower.match_indices(" and ") {
        if let Some(term) = text.get(from..at) {
            terms.push(term);
        }
        from = at + " and ".len();
    }
    terms.extend(text.get(from..));
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_comparisons_exclude_and_others_do_not() {
        let day = "2022-12-31".parse().ok();
        let excluded = |filter: &str| excludes(filter, "gmina-100201", (None, day));
        for filter in [
            "_publisher = 'gmina-026401'",
            "(_publisher = 'gmina-026401')",
            "_publisher = 'gmina-100201' AND _period_end = DATE '2021-12-31'",
            "dzial = '801' and _period_end = DATE '2021-12-31'",
        ] {
            assert!(excluded(filter), "{filter}");
        }
        for filter in [
            "",
            "_publisher = 'gmina-100201'",
            "_publisher = 'gmina-026401' OR plan > 0",
            "NOT _publisher = 'gmina-026401'",
            "_publisher <> 'gmina-026401'",
            "_publisher != 'gmina-026401'",
            "_period_end >= DATE '2021-12-31'",
            "nazwa = 'a AND _publisher = ''x'''",
        ] {
            assert!(!excluded(filter), "{filter}");
        }
        assert!(excludes("okres = '2017-M01'", "x", (Some("2017-M02"), None)));
        assert!(!excludes("okres = '2017-M02'", "x", (Some("2017-M02"), None)));
    }
}
