//! Documents of other systems (XML, JSON): what the pattern's mapping finds in them, one JSON object a row, that goes
//! the way of an NDJSON. A row's number is its place among the rows of the document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::Checker;
use super::messages::document as say;
use super::pieces::{InOrder, ReadAt};
use super::stream::Stop;
use crate::document::{At, Fault, Tree, json, limits, xml};
use crate::pattern::{DocumentForm, MappedField, Mapping, Pattern, Source, is_step};
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
    form: DocumentForm,
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
    fn value(&mut self, rows: &Rows, number: usize, field: usize) -> Found {
        let Rows { tree, mapping, .. } = rows;
        let (of, row) = (&mapping.fields[field], rows.rows[number - 1]);
        let depth = mapping.rows.len() - 1;
        let level = of.from.places().iter().map(|place| place.level).max().unwrap_or(depth);
        if level == depth {
            return rows.found(number, of);
        }
        let owner = tree.above(row, depth - level);
        self.0.resize(mapping.fields.len().max(self.0.len()), None);
        match &self.0[field] {
            Some((known, found)) if *known == owner => found.clone(),
            _ => {
                let found = rows.found(number, of);
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
    /// The place of each row among those of its name; empty where no column asks for it.
    ordinals: Vec<u32>,
}

impl Rows {
    pub(super) fn open(
        checker: &Checker,
        form: DocumentForm,
        payload: &Arc<dyn ReadAt>,
    ) -> Result<Self, Stop> {
        let refused = |violation: Violation| {
            let mut findings = Findings::default();
            findings.add(violation);
            Stop::from(findings)
        };
        let bytes = whole(payload)?.map_err(|fault| refused(say::unreadable(&fault)))?;
        let tree = match form {
            DocumentForm::Xml => xml::read(&bytes),
            DocumentForm::Json => json::read(&bytes),
        };
        let tree = tree.map_err(|fault| refused(say::unreadable(&fault)))?;
        let pattern = Arc::clone(&checker.context().pattern);
        let (mapping, rows) = chosen(&pattern.mappings, &tree)
            .ok_or_else(|| refused(say::unknown(&tree, &pattern.mappings)))?;
        let is_asked = mapping.fields.iter().any(|field| matches!(field.from, Source::Ordinal));
        let ordinals = if is_asked { ordinals(&tree, &rows) } else { Vec::new() };
        Ok(Self { tree, mapping, pattern, rows, ordinals })
    }

    /// The value of a column for a row, counted from 1.
    fn found(&self, number: usize, field: &MappedField) -> Found {
        let row = self.rows[number - 1];
        match &field.from {
            Source::Ordinal => Ok(self.ordinals.get(number - 1).map(u32::to_string)),
            Source::RowName(names) => {
                let name = self.tree.name(row);
                Ok(names.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
            }
            from => {
                let found = value(&self.tree, &self.mapping, row, from)?;
                let iso = |text: String| match &field.date {
                    // What is written otherwise is told where dates are checked.
                    Some(form) => form.to_iso(&text).unwrap_or(text),
                    None => text,
                };
                Ok(found.map(iso))
            }
        }
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
        self.rows.get(number.checked_sub(1)?)?;
        let text = |field: &MappedField| self.found(number, field).ok().flatten().unwrap_or_default();
        Some(self.fields().map(text).collect())
    }
}

impl<'a> DocumentRows<'a> {
    pub(super) fn new(checker: &'a Checker, form: DocumentForm, payload: Arc<dyn ReadAt>) -> Self {
        Self { checker, form, payload, open: None, shared: Shared::default(), early: Findings::default() }
    }

    pub(super) fn early(&mut self) -> Findings {
        std::mem::take(&mut self.early)
    }

    pub(super) fn next_block(&mut self) -> Result<Option<Bytes>, Stop> {
        let (rows, mut given) = match self.open.take() {
            Some(open) => open,
            None => {
                let rows = Rows::open(self.checker, self.form, &self.payload)?;
                self.names(&rows);
                self.slices(&rows);
                (rows, 0)
            }
        };
        let mut block = Vec::new();
        while given < rows.rows.len() && block.len() < BLOCK_BYTES {
            given += 1;
            self.row(&rows, given, &mut block)?;
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
        let mut seen = BTreeSet::new();
        for path in tree.paths_with_text() {
            let (path, shared) = mapping.steps(&path);
            if taken.contains(&path) || !seen.insert(path.clone()) {
                continue;
            }
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
    fn slices(&mut self, Rows { tree, mapping, pattern, rows, .. }: &Rows) {
        // Where slices have no owner of their own in the document, its rows may come in any order.
        let Some(label) = &mapping.slice_label else { return };
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
            let label = |owner: &At| {
                let named = tree.below(*owner, &label.below).first().map(|at| tree.text(*at).to_owned());
                named.filter(|_| label.level == of.level)
            };
            let labels: Vec<String> = owners.iter().filter_map(label).take(LABELS_MAX).collect();
            self.early.add(say::slice_repeated(column, &value, owners.len(), &labels));
        }
    }

    fn row(&mut self, rows: &Rows, number: usize, block: &mut Vec<u8>) -> Result<(), Stop> {
        let mut values: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for (at, field) in rows.mapping.fields.iter().enumerate() {
            let column = &rows.pattern.columns[field.column];
            let found = self.shared.value(rows, number, at).unwrap_or_else(|misread| {
                self.early.add(say::misread(number as u64, &column.name, &misread));
                None
            });
            match values.get(column.name.as_str()) {
                None => {
                    values.insert(&column.name, found);
                }
                // What the document repeats it must not contradict; what it leaves out it does not.
                Some(first) if found.is_some() && *first != found => {
                    let texts = [first, &found].map(|text| text.clone().unwrap_or_default());
                    self.early.add(say::contradicted(number as u64, &column.name, &texts));
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
        let rows = if is_step(first, tree.name(root)) { tree.below(root, rest) } else { Vec::new() };
        (!rows.is_empty()).then(|| (Arc::clone(mapping), rows))
    })
}

/// The place of each row among those of its name in one element, from 1; rows come in the document's order.
fn ordinals(tree: &Tree, rows: &[At]) -> Vec<u32> {
    let mut counts: HashMap<(At, &str), u32> = HashMap::new();
    let ordinal = |row: &At| {
        let count = counts.entry((tree.above(*row, 1), tree.name(*row))).or_default();
        *count += 1;
        *count
    };
    rows.iter().map(ordinal).collect()
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
