//! A column's value out of a document, as the pattern writes it.

use crate::document::{At, Tree};
use crate::pattern::{Mapping, Place, Source};
use crate::period::Frequency;

/// Bytes of a text within a row …
const ROW_TEXT_BYTES: usize = 64 << 10;
/// … and of one that stands above rows.
const HEAD_TEXT_BYTES: usize = 512;

/// Why the document's texts make no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misread {
    /// An element stands twice where there is one.
    Repeated(String),
    /// A text is longer than what may stand there.
    TooLong(String),
    /// A part has another length.
    Length { element: String, text: String, length: usize },
    /// Year, kind and number are no period; the kinds that are known.
    Period { text: String, kinds: String },
}

/// The value of a column for a row; None where the document says nothing.
pub(super) fn value(
    tree: &Tree,
    mapping: &Mapping,
    row: At,
    from: &Source,
) -> Result<Option<String>, Misread> {
    match from {
        Source::Element(of) => Ok(place(tree, mapping, row, of)?.map(str::to_owned)),
        Source::Joined(parts) => joined(tree, mapping, row, parts),
        // The row itself says these.
        Source::RowName(_) | Source::Ordinal => Ok(None),
        Source::Period { year, kind, number, kinds } => {
            let texts = [year, kind, number].map(|of| place(tree, mapping, row, of));
            let [year, kind, number] = texts;
            match (year?, kind?, number?) {
                (None, None, None) => Ok(None),
                (year, kind, number) => {
                    let [year, kind, number] = [year, kind, number].map(Option::unwrap_or_default);
                    let label = label(year, kind, number, kinds).ok_or_else(|| Misread::Period {
                        text: format!("{year} {kind} {number}"),
                        kinds: kinds.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "),
                    })?;
                    Ok(Some(label))
                }
            }
        }
    }
}

/// The text at a place for a row; None where there is no element or nothing in it.
pub(super) fn place<'t>(
    tree: &'t Tree,
    mapping: &Mapping,
    row: At,
    of: &Place,
) -> Result<Option<&'t str>, Misread> {
    let from = tree.above(row, mapping.rows.len() - 1 - of.level);
    match tree.below(from, &of.below)[..] {
        [] => Ok(None),
        [at] => {
            // What stands above rows is repeated in each of them.
            let most = if of.level + 1 == mapping.rows.len() { ROW_TEXT_BYTES } else { HEAD_TEXT_BYTES };
            match tree.text(at) {
                text if text.len() > most => Err(Misread::TooLong(element(of))),
                text => Ok(Some(text).filter(|text| !text.is_empty())),
            }
        }
        _ => Err(Misread::Repeated(element(of))),
    }
}

fn element(of: &Place) -> String {
    of.below.join("/")
}

fn joined(
    tree: &Tree,
    mapping: &Mapping,
    row: At,
    parts: &[(Place, usize)],
) -> Result<Option<String>, Misread> {
    let mut whole = String::new();
    for (of, length) in parts {
        let Some(text) = place(tree, mapping, row, of)? else { return Ok(None) };
        if text.chars().count() != *length {
            return Err(Misread::Length { element: element(of), text: text.to_owned(), length: *length });
        }
        whole.push_str(text);
    }
    Ok(Some(whole))
}

/// `2022-Q4` of `2022`, `Kwartal`, `4`.
fn label(year: &str, kind: &str, number: &str, kinds: &[(String, Frequency)]) -> Option<String> {
    let (_, frequency) = kinds.iter().find(|(name, _)| name == kind)?;
    let number: u32 = if *frequency == Frequency::Annual { 1 } else { number.parse().ok()? };
    let label = match frequency {
        Frequency::Annual => year.to_owned(),
        Frequency::Month => format!("{year}-M{number:02}"),
        frequency => format!("{year}-{}{number}", frequency.letter()),
    };
    label.parse::<crate::Period>().ok().map(|period| period.label().to_owned())
}
