//! JSON as a tree. An object's members are elements by their keys, a list's items so many elements of one name;
//! numbers keep the digits that they are written with, `null` is no element.

use super::{At, Fault, Tree, limits};
use crate::ndjson::{self, Scan, Text, Value, unescape};

/// Name of the document itself.
pub(crate) const ROOT: &str = "$";
/// Name of the items of a list that has no name of its own.
pub(crate) const ITEM: &str = "[]";

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Tree, Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Err(fault) = std::str::from_utf8(bytes) {
        return Err(damaged(bytes, fault.valid_up_to(), "UTF-8"));
    }
    let mut reading = Reading { bytes, scan: Scan::default(), tree: Tree::default() };
    let read = reading.value(None, ROOT, 0).and_then(|()| reading.end());
    match (read, reading.tree.root()) {
        (Ok(()), Some(_)) => Ok(reading.tree),
        (Ok(()), None) => Err(damaged(bytes, 0, "an object or a list")),
        (Err(Stop::Fault(fault)), _) => Err(fault),
        (Err(Stop::Json(ndjson::Fault::Syntax { at, expected })), _) => Err(damaged(bytes, at - 1, expected)),
        (Err(Stop::Json(fault)), _) => Err(damaged(bytes, reading.scan.at, &fault.to_string())),
    }
}

/// What stands at a place is not what could.
fn damaged(bytes: &[u8], at: usize, expected: &str) -> Fault {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    Fault::new(
        format!("uszkodzony JSON w wierszu {line} ({expected})"),
        format!("damaged JSON in line {line} ({expected})"),
    )
}

enum Stop {
    Fault(Fault),
    Json(ndjson::Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ndjson::Fault> for Stop {
    fn from(fault: ndjson::Fault) -> Self {
        Self::Json(fault)
    }
}

struct Reading<'b> {
    bytes: &'b [u8],
    scan: Scan,
    tree: Tree,
}

impl Reading<'_> {
    /// A value under a name; `depth` counts what it stands in.
    fn value(&mut self, parent: Option<At>, name: &str, depth: usize) -> Result<(), Stop> {
        if depth >= limits::DEPTH {
            let over =
                Fault::over("za głęboko zagnieżdżone elementy", "elements nested too deep", limits::DEPTH);
            return Err(over.into());
        }
        self.scan.blanks(self.bytes);
        match self.bytes.get(self.scan.at) {
            Some(b'{') => {
                let at = self.tree.add(parent, name)?;
                self.inside(b'}', "`,` or `}`", |reading| {
                    let key = reading.scan.key(reading.bytes)?;
                    let key = reading.text(key)?;
                    reading.value(Some(at), &key, depth + 1)
                })
            }
            Some(b'[') => {
                // A list's items stand where the list does; only one without a name is an element itself.
                let is_named = parent.is_some() && name != ITEM;
                let (at, name) = match is_named {
                    true => (parent, name),
                    false => (Some(self.tree.add(parent, name)?), ITEM),
                };
                self.inside(b']', "`,` or `]`", |reading| {
                    let name = if reading.next() == Some(b'[') { ITEM } else { name };
                    reading.value(at, name, depth + 1)
                })
            }
            _ => {
                if let Value::Text(text) = self.scan.value(self.bytes)? {
                    let text = self.text(text)?;
                    let at = self.tree.add(parent, name)?;
                    self.tree.set_text(at, &text);
                }
                Ok(())
            }
        }
    }

    /// The members of an object, or the items of a list, up to its end.
    fn inside(
        &mut self,
        end: u8,
        expected: &'static str,
        mut each: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.scan.at += 1;
        let mut is_begun = false;
        loop {
            match self.next() {
                Some(byte) if byte == end => {
                    self.scan.at += 1;
                    return Ok(());
                }
                Some(b',') if is_begun => self.scan.at += 1,
                _ if is_begun => return Err(self.scan.fault(expected).into()),
                _ => {}
            }
            is_begun = true;
            each(self)?;
        }
    }

    fn next(&mut self) -> Option<u8> {
        self.scan.blanks(self.bytes);
        self.bytes.get(self.scan.at).copied()
    }

    fn text(&self, text: Text) -> Result<String, Stop> {
        let mut bytes = self.bytes.get(text.start..text.end).unwrap_or_default().to_vec();
        if text.escaped {
            let length = unescape(&mut bytes)?;
            bytes.truncate(length);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Behind the document only blanks may follow.
    fn end(&mut self) -> Result<(), Stop> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.scan.fault("the end of the document").into()),
        }
    }
}

#[cfg(test)]
mod tests;
