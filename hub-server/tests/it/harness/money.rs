//! Amounts to the grosz, added up without the hub.

use std::path::Path;

/// `1234.5` is 123450; an empty cell counts as nothing.
pub(crate) fn grosze(text: &str) -> i64 {
    if text.is_empty() {
        return 0;
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole: i64 = whole.trim_start_matches('-').parse().expect("złote");
    let part: i64 = format!("{part:0<2}").parse().expect("grosze");
    if negative { -(whole * 100 + part) } else { whole * 100 + part }
}

/// The sum of a column of a plain CSV file over the rows that are wanted.
pub(crate) fn column_grosze(file: &Path, column: &str, wanted: impl Fn(&[&str]) -> bool) -> i64 {
    let text = std::fs::read_to_string(file).expect("a CSV file");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let at = header.split(',').position(|name| name == column).expect("a column");
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|cells| wanted(cells)).map(|cells| grosze(cells[at])).sum()
}
