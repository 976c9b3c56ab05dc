//! Texts with something around them that nobody meant.

use crate::report::Change;

/// Line breaks inside a cell of a sheet come as this letter, so that a row stays a line.
pub(crate) const BREAK: u8 = b'\r';

/// True for a text that may have blanks around it or a line break in it.
#[inline]
pub(in crate::check) fn is_suspect(text: &[u8]) -> bool {
    match text {
        [] => false,
        // A non-breaking blank is C2 A0.
        [first, .., last] => *first <= b' ' || *last <= b' ' || *first == 0xC2 || *last == 0xA0,
        [one] => *one <= b' ',
    }
}

/// The text as it is meant, and what was changed in it.
pub(in crate::check) fn meant(text: &[u8]) -> (Vec<u8>, Vec<Change>) {
    let mut changes = Vec::new();
    let Ok(whole) = std::str::from_utf8(text) else { return (text.to_vec(), changes) };
    let trimmed = whole.trim();
    if trimmed.len() < whole.len() && !trimmed.is_empty() {
        changes.push(Change::BlanksAround);
    }
    let mut meant = trimmed.as_bytes().to_vec();
    // A line break of two characters is one that a CSV holds in quotes; it stays.
    let breaks: Vec<usize> =
        (0..meant.len()).filter(|at| meant[*at] == BREAK && meant.get(at + 1) != Some(&b'\n')).collect();
    if !breaks.is_empty() {
        breaks.into_iter().for_each(|at| meant[at] = b' ');
        changes.push(Change::LineBreak);
    }
    (meant, changes)
}
