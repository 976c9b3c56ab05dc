//! What offices write otherwise than the pattern: cells that did not parse are looked at once more, rows that
//! failed are asked whether they are data at all. A file that is written as the pattern says never comes here.

use crate::pattern::ColumnType;
use crate::report::{Change, Example, Normalised};

use super::source::{Source, array_text};
use super::{Checker, Part};

mod number;
pub(super) mod rows;
#[cfg(test)]
mod tests;
pub(super) mod text;
mod time;
pub(super) mod zeros;

/// A cell that was read in another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tidied {
    /// Index of the pattern's column.
    pub(super) column: u16,
    pub(super) change: Change,
    pub(super) row: u32,
}

/// A cell in the pattern's form, and what was changed in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// Empty for a mark that stands for no value.
    pub(super) text: Vec<u8>,
    pub(super) changes: Vec<Change>,
}

/// The cell in the form of its type; None when no such form is known to be meant.
pub(super) fn rewritten(kind: ColumnType, cell: &[u8]) -> Option<Rewritten> {
    let text = std::str::from_utf8(cell).ok()?.trim();
    if is_mark(text) && kind != ColumnType::String {
        return Some(Rewritten { text: Vec::new(), changes: vec![Change::NoValueMark] });
    }
    match kind {
        ColumnType::Integer | ColumnType::Decimal(..) | ColumnType::Number => number::rewritten(text),
        ColumnType::Date => time::date(text),
        ColumnType::Datetime => time::datetime(text),
        ColumnType::Boolean => boolean(text),
        ColumnType::String => None,
    }
}

/// A yes or no in the words and numbers of spreadsheets, in any case.
fn boolean(text: &str) -> Option<Rewritten> {
    let text = match text.to_lowercase().as_str() {
        "true" | "1" | "tak" | "prawda" => "true",
        "false" | "0" | "nie" | "fałsz" => "false",
        _ => return None,
    };
    Some(Rewritten { text: text.into(), changes: vec![Change::BooleanForm] })
}

/// A dash, which in Polish tables says that there is nothing to state; the number of a footnote may follow: `-1)`.
fn is_mark(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['-', '–', '—']) else { return false };
    let footnote = |rest: &str| {
        rest.trim_start()
            .strip_suffix(')')
            .is_some_and(|number| matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit()))
    };
    rest.is_empty() || footnote(rest)
}

/// What was changed in a part, by column and kind, with the first examples.
pub(super) fn normalised(
    checker: &Checker,
    part: &mut Part,
    source: &Source<'_>,
    lines: &[u64],
) -> Vec<Normalised> {
    let mut tidied = std::mem::take(&mut part.tidied);
    tidied.sort_unstable();
    let mut all: Vec<Normalised> = Vec::new();
    for same in tidied.chunk_by(|a, b| (a.column, a.change) == (b.column, b.change)) {
        let Some(first) = same.first() else { continue };
        let column = usize::from(first.column);
        let examples = same.iter().take(Normalised::EXAMPLES_MAX).map(|tidied| {
            let row = tidied.row as usize;
            Example {
                row: lines[row],
                from: checker.shown(column, source.text(row, column)),
                to: match first.change {
                    Change::NoValueMark => String::new(),
                    _ => checker.shown(column, array_text(&part.columns[column], row)),
                },
            }
        });
        all.push(Normalised {
            change: first.change,
            column: checker.context.pattern.columns[column].name.clone(),
            count: same.len() as u64,
            examples: examples.collect(),
        });
    }
    all
}
