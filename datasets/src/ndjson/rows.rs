//! The lines of a chunk as rows of raw cells, one cell for each column of the pattern.

use std::ops::Range;

use memchr::memchr;

use super::object::{Fault, Members, Text, Value, unescape};
use crate::csv::Span;

/// Most keys of an object.
const KEYS_MAX: usize = 500;
/// Characters of a key that a misfit repeats.
const KEY_CHARS: usize = 80;

const EMPTY: Span = Span { start: 0, end: 0 };

/// A key of the first object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As it stands between its quotes.
    pub raw: Box<[u8]>,
    /// Escapes taken out.
    pub name: String,
}

/// The keys of an object in their order, repeated ones included; else the fault and the key that has it.
pub fn keys(line: &[u8]) -> Result<Vec<Key>, (String, Fault)> {
    let whole = |fault| (String::new(), fault);
    let mut keys = Vec::new();
    let mut members = Members::open(line).map_err(whole)?;
    while let Some((key, value)) = members.next(line).map_err(whole)? {
        let name = name(line, key).map_err(whole)?;
        if value == Value::Nested {
            return Err((short(&name), Fault::Nested));
        }
        if keys.len() == KEYS_MAX {
            return Err(whole(Fault::TooMany));
        }
        keys.push(Key { raw: line[key.start..key.end].into(), name });
    }
    Ok(keys)
}

fn name(line: &[u8], key: Text) -> Result<String, Fault> {
    let mut bytes = line[key.start..key.end].to_vec();
    if key.escaped {
        let length = unescape(&mut bytes)?;
        bytes.truncate(length);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn short(name: &str) -> String {
    name.chars().take(KEY_CHARS).collect()
}

/// A line that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// File line.
    pub line: u64,
    /// The key at fault, cut where it is long; empty when it is the line as a whole.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

/// Where the value of a key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Column(usize),
    SetAside,
    Unknown,
}

/// The rows of a chunk; cells lie in the chunk's text, whose escapes were replaced.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) spans: Vec<Span>,
    /// File line of each row.
    pub(crate) lines: Vec<u64>,
    /// Lines that are no rows, in file order.
    pub(crate) misfits: Vec<Misfit>,
    /// For each column whether a line holds its key.
    pub(crate) held: Vec<bool>,
}

/// How keys are found, and what a line has brought so far.
struct Reader<F> {
    width: usize,
    /// The keys of the first object in their order, for later ones mostly repeat it; behind them those that
    /// were met since.
    known: Vec<(Key, Place)>,
    place: F,
    filled: Vec<bool>,
}

impl Rows {
    /// Reads whole lines of less than 2 GiB; `place` is asked for keys that the first object lacks.
    pub(crate) fn read(
        text: &mut [u8],
        first_line: u64,
        width: usize,
        known: &[(Key, Place)],
        place: impl Fn(&str) -> Place,
    ) -> Self {
        let mut rows =
            Self { spans: Vec::new(), lines: Vec::new(), misfits: Vec::new(), held: vec![false; width] };
        let mut reader = Reader { width, known: known.to_vec(), place, filled: vec![false; width] };
        let (mut at, mut line) = (0, first_line);
        while at < text.len() {
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found);
            if !text[at..end].trim_ascii().is_empty() {
                match reader.line(text, at..end, &mut rows.spans) {
                    Ok(()) => {
                        rows.lines.push(line);
                        rows.held.iter_mut().zip(&reader.filled).for_each(|(held, filled)| *held |= filled);
                    }
                    Err((key, fault)) => {
                        rows.spans.truncate(rows.lines.len() * width);
                        rows.misfits.push(Misfit { line, key, fault });
                    }
                }
            }
            (at, line) = (end + 1, line + 1);
        }
        rows
    }
}

impl<F: Fn(&str) -> Place> Reader<F> {
    /// Adds the cells of one line; on a fault they are of no use.
    fn line(
        &mut self,
        text: &mut [u8],
        range: Range<usize>,
        spans: &mut Vec<Span>,
    ) -> Result<(), (String, Fault)> {
        let whole = |fault| (String::new(), fault);
        let row = spans.len();
        spans.resize(row + self.width, EMPTY);
        self.filled.fill(false);
        let line = &mut text[range.clone()];
        let mut members = Members::open(line).map_err(whole)?;
        let mut nth = 0;
        while let Some((key, value)) = members.next(line).map_err(whole)? {
            if nth == KEYS_MAX {
                return Err(whole(Fault::TooMany));
            }
            let place = self.find(line, key, nth).map_err(whole)?;
            nth += 1;
            let faulty = |line: &[u8], fault| (short(&name(line, key).unwrap_or_default()), fault);
            let value = match value {
                Value::Nested => return Err(faulty(line, Fault::Nested)),
                Value::Text(value) => cell(line, value).map_err(|fault| faulty(line, fault))?,
                Value::Null => EMPTY,
            };
            match place {
                Place::Column(column) if self.filled[column] => return Err(faulty(line, Fault::Repeated)),
                Place::Column(column) => {
                    self.filled[column] = true;
                    let shift = range.start as u32;
                    spans[row + column] = Span { start: value.start + shift, end: value.end + shift };
                }
                Place::SetAside => {}
                Place::Unknown => return Err(faulty(line, Fault::Unknown)),
            }
        }
        Ok(())
    }

    fn find(&mut self, line: &[u8], key: Text, nth: usize) -> Result<Place, Fault> {
        let raw = &line[key.start..key.end];
        let is = |known: &&(Key, Place)| *known.0.raw == *raw;
        let known = self.known.get(nth).filter(is).or_else(|| self.known.iter().find(is));
        if let Some((_, place)) = known {
            return Ok(*place);
        }
        let name = name(line, key)?;
        let place = (self.place)(&name);
        if place != Place::Unknown && self.known.len() < KEYS_MAX {
            self.known.push((Key { raw: raw.into(), name }, place));
        }
        Ok(place)
    }
}

/// The cell of a value, its escapes replaced.
fn cell(line: &mut [u8], value: Text) -> Result<Span, Fault> {
    let mut end = value.end;
    if value.escaped {
        end = value.start + unescape(&mut line[value.start..value.end])?;
    }
    Ok(Span { start: value.start as u32, end: end as u32 })
}
