//! Documents of other systems (XML): what the pattern's mapping finds in them, one JSON object a row, that goes
//! the way of an NDJSON. A row's number is its place among the rows of the document.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::Checker;
use super::messages::document as say;
use super::pieces::{InOrder, ReadAt};
use super::stream::Stop;
use crate::document::{At, Fault, Tree, limits, xml};
use crate::pattern::{MappedField, Mapping, Pattern, Source};
use crate::report::{Findings, Violation};

mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::Misread;
use read::{place, value};

/// Names of units that a finding repeats.
const LABELS_MAX: usize = 10;
/// Bytes of a block of rows.
const BLOCK_BYTES: usize = 1 << 20;

/// The rows of a document, block by block.
#[derive(Debug)]
pub(super) struct DocumentRows<'a> {
    checker: &'a Checker,
    payload: Arc<dyn ReadAt>,
    /// None before the document is read; then its rows, and how many were given.
    open: Option<(Rows, usize)>,
    shared: Shared,
    early: Findings,
}

/// What stands above the last row, by the fields of the mapping: rows that stand in one element share it, and it is
/// looked for once.
#[derive(Debug, Default)]
struct Shared(Vec<Option<(At, Found)>>);

/// A column's value, if the document says one.
type Found = Result<Option<String>, Misread>;

impl Shared {
    fn value(&mut self, rows: &Rows, row: At, field: usize) -> Found {
        let Rows { tree, mapping, .. } = rows;
        let from = &mapping.fields[field].from;
        let depth = mapping.rows.len() - 1;
        let level = from.places().iter().map(|place| place.level).max().unwrap_or(depth);
        if level == depth {
            return value(tree, mapping, row, from);
        }
        let owner = tree.above(row, depth - level);
        self.0.resize(mapping.fields.len().max(self.0.len()), None);
        match &self.0[field] {
            Some((known, found)) if *known == owner => found.clone(),
            _ => {
                let found = value(tree, mapping, row, from);
                self.0[field] = Some((owner, found.clone()));
                found
            }
        }
    }
}

/// A document's rows.
#[derive(Debug)]
pub(super) struct Rows {
    tree: Tree,
    mapping: Arc<Mapping>,
    pattern: Arc<Pattern>,
    rows: Vec<At>,
}

impl Rows {
    pub(super) fn open(checker: &Checker, payload: &Arc<dyn ReadAt>) -> Result<Self, Stop> {
        let refused = |violation: Violation| {
            let mut findings = Findings::default();
            findings.add(violation);
            Stop::from(findings)
        };
        let bytes = whole(payload)?.map_err(|fault| refused(say::unreadable(&fault)))?;
        let tree = xml::read(&bytes).map_err(|fault| refused(say::unreadable(&fault)))?;
        let pattern = Arc::clone(&checker.context().pattern);
        let (mapping, rows) = chosen(&pattern.mappings, &tree)
            .ok_or_else(|| refused(say::unknown(&tree, &pattern.mappings)))?;
        Ok(Self { tree, mapping, pattern, rows })
    }

    /// The fields that are read: the first of each column.
    fn fields(&self) -> impl Iterator<Item = &MappedField> {
        let is_first = |at: usize| {
            let column = self.mapping.fields[at].column;
            !self.mapping.fields[..at].iter().any(|before| before.column == column)
        };
        self.mapping.fields.iter().enumerate().filter(move |(at, _)| is_first(*at)).map(|(_, field)| field)
    }

    /// The columns that the document holds.
    pub(super) fn names(&self) -> Vec<&str> {
        self.fields().map(|field| self.pattern.columns[field.column].name.as_str()).collect()
    }

    /// The values of a row, counted from 1, as they stand; None behind the last.
    pub(super) fn cells(&self, number: usize) -> Option<Vec<String>> {
        let row = *self.rows.get(number.checked_sub(1)?)?;
        let text = |field: &MappedField| {
            value(&self.tree, &self.mapping, row, &field.from).ok().flatten().unwrap_or_default()
        };
        Some(self.fields().map(text).collect())
    }
}

impl<'a> DocumentRows<'a> {
    pub(super) fn new(checker: &'a Checker, payload: Arc<dyn ReadAt>) -> Self {
        Self { checker, payload, open: None, shared: Shared::default(), early: Findings::default() }
    }

    pub(super) fn early(&mut self) -> Findings {
        std::mem::take(&mut self.early)
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        let (rows, mut given) = match self.open.take() {
            Some(open) => open,
            None => {
                let rows = Rows::open(self.checker, &self.payload)?;
                self.names(&rows);
                self.slices(&rows);
                (rows, 0)
            }
        };
        let mut block = Vec::new();
        while let Some(row) = rows.rows.get(given)
            && block.len() < BLOCK_BYTES
        {
            given += 1;
            self.row(&rows, *row, given as u64, &mut block)?;
        }
        self.open = Some((rows, given));
        Ok((!block.is_empty()).then(|| block.into()))
    }

    /// Tells of elements that no column takes.
    fn names(&mut self, Rows { tree, mapping, .. }: &Rows) {
        let taken: Vec<Vec<&str>> = mapping
            .fields
            .iter()
            .flat_map(|field| field.from.places())
            .chain(mapping.constants.iter().map(|constant| &constant.place))
            .map(|place| mapping.path(place).collect())
            .collect();
        let aside: Vec<Vec<&str>> =
            mapping.set_aside.iter().map(|place| mapping.path(place).collect()).collect();
        // As the mapping says it: from the innermost element on that a row stands in.
        let short = |path: &[&str], shared: usize| path[shared.saturating_sub(1)..].join("/");
        let mut set_aside = Vec::new();
        for path in tree.paths_with_text() {
            if taken.contains(&path) {
                continue;
            }
            let shared = path.iter().zip(&mapping.rows).take_while(|(name, row)| name == row).count();
            match aside.iter().find(|aside| path.starts_with(aside)) {
                Some(aside) => set_aside.push(short(aside, shared)),
                None => {
                    let is_of_row = shared == mapping.rows.len();
                    self.early.add(say::element_unknown(&short(&path, shared), is_of_row));
                }
            }
        }
        set_aside.sort_unstable();
        set_aside.dedup();
        if !set_aside.is_empty() {
            self.early.add(say::elements_aside(&set_aside));
        }
        for constant in &mapping.constants {
            let Some(root) = tree.root() else { continue };
            let found = tree.below(root, &constant.place.below);
            let told = found.first().map(|at| tree.text(*at));
            if let Some(other) = told.filter(|told| *told != constant.value) {
                let path = mapping.path(&constant.place).collect::<Vec<_>>().join("/");
                self.early.add(say::constant(&path, other, &constant.value));
            }
        }
    }

    /// Two parts of the document that say they are the same slice: one would take the place of the other.
    fn slices(&mut self, Rows { tree, mapping, pattern, rows }: &Rows) {
        let slice =
            pattern.slice.as_ref().and_then(|name| pattern.columns.iter().position(|c| c.name == *name));
        let field = slice.and_then(|column| mapping.field(column));
        let Some((field, Source::Element(of))) = field.map(|field| (field, &field.from)) else { return };
        let depth = mapping.rows.len() - 1;
        if of.level >= depth {
            return;
        }
        let column = &pattern.columns[field.column].name;
        let mut owners: BTreeMap<String, Vec<At>> = BTreeMap::new();
        let mut last = None;
        for row in rows {
            // Rows come in the order of the document, so those of one owner come together.
            let owner = tree.above(*row, depth - of.level);
            if last.replace(owner) == Some(owner) {
                continue;
            }
            let Ok(Some(value)) = place(tree, mapping, *row, of) else { continue };
            owners.entry(value.to_owned()).or_default().push(owner);
        }
        for (value, owners) in owners.into_iter().filter(|(_, owners)| owners.len() > 1) {
            let label = |owner: &At| match &mapping.slice_label {
                Some(label) if label.level == of.level => {
                    tree.below(*owner, &label.below).first().map(|at| tree.text(*at).to_owned())
                }
                _ => None,
            };
            let labels: Vec<String> = owners.iter().filter_map(label).take(LABELS_MAX).collect();
            self.early.add(say::slice_repeated(column, &value, owners.len(), &labels));
        }
    }

    fn row(&mut self, rows: &Rows, row: At, number: u64, block: &mut Vec<u8>) -> Result<(), Stop> {
        let mut values: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for (at, field) in rows.mapping.fields.iter().enumerate() {
            let column = &rows.pattern.columns[field.column];
            let found = self.shared.value(rows, row, at).unwrap_or_else(|misread| {
                self.early.add(say::misread(number, &column.name, &misread));
                None
            });
            match values.get(column.name.as_str()) {
                None => {
                    values.insert(&column.name, found);
                }
                // What the document repeats it must not contradict; what it leaves out it does not.
                Some(first) if found.is_some() && *first != found => {
                    let texts = [first, &found].map(|text| text.clone().unwrap_or_default());
                    self.early.add(say::contradicted(number, &column.name, &texts));
                }
                Some(_) => {}
            }
        }
        serde_json::to_writer(&mut *block, &values).map_err(io::Error::from)?;
        block.push(b'\n');
        Ok(())
    }
}

/// The mapping that knows the document, and the document's rows.
fn chosen(mappings: &[Arc<Mapping>], tree: &Tree) -> Option<(Arc<Mapping>, Vec<At>)> {
    let root = tree.root()?;
    mappings.iter().find_map(|mapping| {
        let (first, rest) = mapping.rows.split_first()?;
        let rows = if tree.name(root) == first { tree.below(root, rest) } else { Vec::new() };
        (!rows.is_empty()).then(|| (Arc::clone(mapping), rows))
    })
}

/// All bytes of a payload, or why there are too many of them.
fn whole(payload: &Arc<dyn ReadAt>) -> io::Result<Result<Vec<u8>, Fault>> {
    let bytes = payload.bytes()?;
    if bytes > limits::BYTES {
        let most = format!("{} MiB", limits::BYTES >> 20);
        return Ok(Err(Fault::over("za duży dokument", "the document is too large", most)));
    }
    let mut all = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    InOrder::new(Arc::clone(payload)).take(limits::BYTES).read_to_end(&mut all)?;
    Ok(Ok(all))
}
