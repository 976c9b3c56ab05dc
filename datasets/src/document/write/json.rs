//! A document of JSON: rows that share what stands above them become one object with a list of them, and the
//! documents of patterns of one family become one document.

use std::collections::HashMap;
use std::io::{self, Write};

use arrow::record_batch::RecordBatch;

use super::{Row, Text, WriteError, parting, shared, texts};
use crate::document::json::{ITEM, ROOT};
use crate::pattern::{Mapping, Pattern};

/// A document that is ready to be written.
#[derive(Debug)]
pub struct JsonDocument<'m> {
    root: Json,
    mapping: &'m Mapping,
}

#[derive(Debug, PartialEq, Eq)]
enum Json {
    Text(Text),
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
}

impl<'m> JsonDocument<'m> {
    /// The rows of one pattern as a document.
    pub fn new(mapping: &'m Mapping, pattern: &Pattern, batches: &[RecordBatch]) -> Result<Self, WriteError> {
        let mut rows = mapping.all_rows(pattern, batches)?;
        let depth = mapping.rows.len() - 1;
        rows.sort_by(|a, b| {
            shared(a, depth).cmp(shared(b, depth)).then_with(|| (a.name, a.ordinal).cmp(&(b.name, b.ordinal)))
        });
        if let [first, .., last] = &rows[..]
            && depth > 0
            && parting(first, last, 1) == 0
        {
            return Err(WriteError::Several(mapping.differing(pattern, Some(first), last)));
        }
        Ok(Self { root: object(mapping, &rows, 0), mapping })
    }

    /// Takes over what the document of another pattern of the family says: objects that agree in all that both
    /// documents say of them are one.
    pub fn join(&mut self, other: Self) {
        let common = self.mapping.rows.iter().zip(&other.mapping.rows).take_while(|(a, b)| a == b).count();
        let common: Vec<&str> = self.mapping.rows[..common].iter().map(String::as_str).collect();
        join(&mut self.root, other.root, common.get(1..).unwrap_or_default());
    }

    /// Writes it.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write(&self.root, 0, out)?;
        writeln!(out)
    }
}

/// What rows share at a level, and the lists of what stands below it.
fn object(mapping: &Mapping, rows: &[Row<'_>], level: usize) -> Json {
    let depth = mapping.rows.len() - 1;
    let mut members = Vec::new();
    if level == 0 {
        for constant in &mapping.constants {
            let text = Text { text: constant.value.clone(), is_bare: false };
            put(&mut members, &constant.place.below, Json::Text(text));
        }
    }
    if let Some(first) = rows.first() {
        for (place, text) in texts(first, level) {
            put(&mut members, &place.below, Json::Text(text.clone()));
        }
    }
    if level == depth {
        return Json::Object(members);
    }
    let step = mapping.rows[level + 1].as_str();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let together = match level + 1 == depth {
            true => 1,
            false => rest.iter().take_while(|row| parting(first, row, level + 2) > level + 1).count(),
        };
        let (these, others) = rest.split_at(together.max(1));
        let name = first.name.filter(|_| level + 1 == depth).unwrap_or(step);
        put_item(&mut members, name, object(mapping, these, level + 1));
        rest = others;
    }
    match &mut members[..] {
        // A list without a name is the document itself.
        [(name, items)] if level == 0 && name == ITEM => std::mem::replace(items, Json::List(Vec::new())),
        _ => Json::Object(members),
    }
}

/// Puts a value at a path of names.
fn put(members: &mut Vec<(String, Json)>, path: &[String], value: Json) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        members.push((name.clone(), value));
        return;
    }
    let at = members.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        members.push((name.clone(), Json::Object(Vec::new())));
        members.len() - 1
    });
    if let Some((_, Json::Object(inner))) = members.get_mut(at) {
        put(inner, rest, value);
    }
}

/// Puts a value behind those of its list.
fn put_item(members: &mut Vec<(String, Json)>, name: &str, item: Json) {
    // The list that grows is the last one.
    match members.iter_mut().rev().find(|(known, _)| known == name) {
        Some((_, Json::List(items))) => items.push(item),
        _ => members.push((name.to_owned(), Json::List(vec![item]))),
    }
}

/// Joins two objects, and those in their lists along the steps that both mappings have.
fn join(into: &mut Json, from: Json, steps: &[&str]) {
    let (Json::Object(into), Json::Object(from)) = (into, from) else { return };
    for (name, value) in from {
        let is_step = steps.first() == Some(&name.as_str());
        match (into.iter_mut().find(|(known, _)| *known == name), value) {
            (Some((_, Json::List(into))), Json::List(from)) if is_step => {
                join_lists(into, from, steps.get(1..).unwrap_or_default());
            }
            (Some((_, into @ Json::Object(_))), from @ Json::Object(_)) => join(into, from, &[]),
            (Some(_), _) => {}
            (None, value) => into.push((name, value)),
        }
    }
}

fn join_lists(into: &mut Vec<Json>, from: Vec<Json>, steps: &[&str]) {
    let names = |list: &[Json]| -> Vec<String> {
        let mut names: Vec<String> = list.iter().flat_map(plain).map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let theirs = names(&from);
    let both: Vec<String> = names(into).into_iter().filter(|name| theirs.contains(name)).collect();
    let key = |object: &Json| -> Vec<Option<String>> {
        let said: HashMap<&str, &str> = plain(object).collect();
        both.iter().map(|name| said.get(name.as_str()).map(|text| (*text).to_owned())).collect()
    };
    let mut places: HashMap<Vec<Option<String>>, usize> =
        into.iter().enumerate().map(|(at, object)| (key(object), at)).collect();
    for object in from {
        let key = key(&object);
        match places.get(&key) {
            Some(at) => join(&mut into[*at], object, steps),
            None => {
                places.insert(key, into.len());
                into.push(object);
            }
        }
    }
}

/// The texts of an object itself.
fn plain(object: &Json) -> impl Iterator<Item = (&str, &str)> {
    let members = match object {
        Json::Object(members) => members.as_slice(),
        _ => &[],
    };
    members.iter().filter_map(|(name, value)| match value {
        Json::Text(of) => Some((name.as_str(), of.text.as_str())),
        _ => None,
    })
}

fn write(value: &Json, depth: usize, out: &mut impl Write) -> io::Result<()> {
    let line = |out: &mut dyn Write, depth: usize| write!(out, "\n{:1$}", "", depth * 2);
    match value {
        Json::Text(Text { text, is_bare: true }) => out.write_all(text.as_bytes()),
        Json::Text(Text { text, .. }) => string(text, out),
        Json::Object(members) => {
            out.write_all(b"{")?;
            for (at, (name, value)) in members.iter().enumerate() {
                out.write_all(if at == 0 { b"" } else { b"," })?;
                line(out, depth + 1)?;
                string(name, out)?;
                out.write_all(b": ")?;
                write(value, depth + 1, out)?;
            }
            line(out, depth)?;
            out.write_all(b"}")
        }
        Json::List(items) => {
            out.write_all(b"[")?;
            for (at, item) in items.iter().enumerate() {
                out.write_all(if at == 0 { b"" } else { b"," })?;
                line(out, depth + 1)?;
                write(item, depth + 1, out)?;
            }
            line(out, depth)?;
            out.write_all(b"]")
        }
    }
}

fn string(text: &str, out: &mut impl Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, text)?)
}

impl Mapping {
    /// True when documents of the mapping can be joined with those of another: both say the same things of their
    /// kind of document.
    pub fn joins(&self, other: &Mapping) -> bool {
        self.id == other.id && self.form == other.form && self.rows.first().is_some_and(|root| root == ROOT)
    }
}
