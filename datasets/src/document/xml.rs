//! XML as a tree. Entities other than the five of XML itself, and document types, are refused: they let a few
//! bytes stand for many, or for a file of the machine.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{At, Fault, Tree, limits};
use crate::csv::Encoding;

/// Name of a text that stands beside elements.
pub(crate) const PIECE: &str = "#text";
/// Bytes in which an XML declares its encoding.
const DECLARATION_BYTES: usize = 256;

/// Reads a document.
pub(crate) fn read(bytes: &[u8]) -> Result<Tree, Fault> {
    let text = decoded(bytes)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        let event = reader.read_event().map_err(|error| error.to_string());
        let at = reader.buffer_position().max(reader.error_position());
        let line = |fault: String| damaged(&text, at, &fault);
        match event.map_err(line)? {
            Event::Start(element) => reading.start(&element, &line)?,
            Event::End(_) => reading.end()?,
            Event::Text(part) => reading.text(&part.xml10_content()),
            Event::CData(part) => reading.text(&part.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| line(error.to_string()))?;
                match (character, quick_xml::escape::resolve_xml_entity(reference.as_ref())) {
                    (Some(character), _) => reading.text(character.encode_utf8(&mut [0; 4])),
                    (None, Some(entity)) => reading.text(entity),
                    (None, None) => return Err(line(format!("&{};", reference.as_ref()))),
                }
            }
            Event::DocType(_) => return Err(line("<!DOCTYPE".to_owned())),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
        }
    }
    match reading {
        Reading { tree, open, .. } if open.is_empty() && tree.root().is_some() => Ok(tree),
        _ => Err(damaged(&text, text.len() as u64, "the document is not whole")),
    }
}

fn damaged(text: &str, at: u64, fault: &str) -> Fault {
    let before = text.as_bytes().get(..usize::try_from(at).unwrap_or(text.len())).unwrap_or(text.as_bytes());
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let fault: String = fault.chars().take(120).collect();
    Fault::new(
        format!("uszkodzony XML w wierszu {line} ({fault})"),
        format!("damaged XML in line {line} ({fault})"),
    )
}

/// The document's text: its encoding is said by a mark or by the document itself, else it is UTF-8.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let (encoding, mark) = match Encoding::marked(bytes) {
        Some((encoding, mark)) => (encoding.name(), mark),
        None => (declared(bytes).unwrap_or(Encoding::Utf8.name()), 0),
    };
    let unknown = || {
        let shown: String = encoding.chars().take(40).collect();
        Fault::new(format!("nieznane kodowanie „{shown}”"), format!("unknown encoding “{shown}”"))
    };
    let known = encoding_rs::Encoding::for_label(encoding.as_bytes()).ok_or_else(unknown)?;
    let text = known.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
    let wrong = || {
        Fault::new(
            format!("litery nie są w kodowaniu {}, które plik podaje", known.name()),
            format!("its letters are not in {}, the encoding that it declares", known.name()),
        )
    };
    text.ok_or_else(wrong)
}

fn declared(bytes: &[u8]) -> Option<&str> {
    let head =
        std::str::from_utf8(bytes.get(..DECLARATION_BYTES.min(bytes.len()))?.split(|b| *b == b'>').next()?)
            .ok()?;
    let (_, rest) = head.split_once("encoding")?;
    let quoted = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    quoted[1..].split(quote).next()
}

#[derive(Default)]
struct Reading {
    tree: Tree,
    /// Elements that are open, and the text of each so far.
    open: Vec<(At, String)>,
}

impl Reading {
    fn start(&mut self, element: &BytesStart<'_>, line: &impl Fn(String) -> Fault) -> Result<(), Fault> {
        if self.open.len() >= limits::DEPTH {
            return Err(Fault::over(
                "za głęboko zagnieżdżone elementy",
                "elements nested too deep",
                limits::DEPTH,
            ));
        }
        if self.open.is_empty() && self.tree.root().is_some() {
            return Err(line("a second root element".to_owned()));
        }
        self.piece()?;
        let parent = self.open.last().map(|(at, _)| *at);
        let at = self.tree.add(parent, element.local_name().as_ref())?;
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| line(error.to_string()))?;
            let name = attribute.key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| line(error.to_string()))?;
            let child = self.tree.add(Some(at), &format!("@{}", attribute.key.local_name().as_ref()))?;
            self.tree.set_text(child, &value);
        }
        self.open.push((at, String::new()));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let holds_elements = self.open.last().is_some_and(|(at, _)| {
            self.tree.children(*at).any(|child| !self.tree.name(child).starts_with('@'))
        });
        if holds_elements {
            self.piece()?;
        }
        if let Some((at, text)) = self.open.pop() {
            self.tree.set_text(at, &text);
        }
        Ok(())
    }

    /// Text that stands beside elements is a child of its own, so that it keeps its place among them.
    fn piece(&mut self) -> Result<(), Fault> {
        if let Some((at, text)) = self.open.last_mut().filter(|(_, text)| !text.is_empty()) {
            let text = std::mem::take(text);
            if !text.trim().is_empty() {
                let piece = self.tree.add(Some(*at), PIECE)?;
                self.tree.set_text_as_it_is(piece, &text);
            }
        }
        Ok(())
    }

    fn text(&mut self, part: &str) {
        if let Some((_, text)) = self.open.last_mut() {
            text.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests;
