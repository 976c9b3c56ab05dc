//! What differs between two states of a report, row by row: two streams of rows in the order of the key go in, changes
//! come out as batches. Nothing is held but a batch of each side.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};

use crate::Pattern;

/// Column that says what happened to a row, as Delta's change data feed writes it.
pub const CHANGE_TYPE: &str = "_change_type";
/// A row that only the later state has.
pub const INSERT: &str = "insert";
/// A row that only the earlier state has.
pub const DELETE: &str = "delete";
/// A row of both states that differs: as it was. The next row is as it is.
pub const BEFORE: &str = "update_preimage";
/// The other half of [`BEFORE`].
pub const AFTER: &str = "update_postimage";

/// All rows of a submission are gone for good: in changes of a dataset, never between two states of a report.
pub const ERASE: &str = "erase";

/// Rows of a batch of changes before it is given away.
const BATCH_ROWS: usize = 4_096;

/// Names of the columns that are compared: those of the report, without its header's, which say when and in which
/// version it was sent.
pub fn columns(pattern: &Pattern) -> impl Iterator<Item = &str> {
    pattern.columns.iter().filter(|column| !column.header).map(|column| column.name.as_str())
}

/// By which columns rows are ordered and found again. Rows of a pattern without a key are the same when all is.
pub fn order(pattern: &Pattern) -> Vec<String> {
    match pattern.key.as_slice() {
        [] => columns(pattern).map(str::to_owned).collect(),
        key => key.to_vec(),
    }
}

/// What is held beside each other, by names of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// All that goes along.
    pub columns: Vec<String>,
    /// Those of them by which rows are ordered and found again.
    pub key: Vec<String>,
    /// Those of them that make two rows of one key differ.
    pub content: Vec<String>,
}

impl Beside {
    /// Two states of one report.
    pub fn of_report(pattern: &Pattern) -> Self {
        let columns: Vec<String> = columns(pattern).map(str::to_owned).collect();
        Self { key: order(pattern), content: columns.clone(), columns }
    }
}

/// How many rows differ in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that only the later state has.
    pub inserted: u64,
    /// Rows that only the earlier state has.
    pub deleted: u64,
    /// Rows whose key both have, and that differ.
    pub updated: u64,
    /// Rows that both have alike.
    pub same: u64,
}

/// One of the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The earlier state.
    Before,
    /// The later one.
    After,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Give the next batch of a side, or say that it has ended.
    Need(Side),
    /// Changes, in the order of the key.
    Changes(RecordBatch),
    /// Both sides are through.
    Done,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Insert(usize),
    Delete(usize),
    Update(usize, usize),
}

/// Rows of a side that wait for the other.
#[derive(Debug)]
struct Waiting {
    batch: RecordBatch,
    keys: Rows,
    contents: Rows,
    at: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: Option<Waiting>,
    has_ended: bool,
}

impl State {
    /// The row that comes next; Err: it is not known yet.
    fn next(&self) -> Result<Option<usize>, ()> {
        match &self.waiting {
            Some(waiting) if waiting.at < waiting.batch.num_rows() => Ok(Some(waiting.at)),
            _ if self.has_ended => Ok(None),
            _ => Err(()),
        }
    }
}

/// Holds two states of a report beside each other.
#[derive(Debug)]
pub struct Differ {
    /// Of the changes.
    schema: SchemaRef,
    compared: Vec<String>,
    keys: Vec<usize>,
    content: Vec<usize>,
    by_key: RowConverter,
    by_content: RowConverter,
    before: State,
    after: State,
    found: Vec<Change>,
    counts: Counts,
}

impl Differ {
    /// For two states of one report, whose schema holds at least the pattern's columns.
    pub fn new(pattern: &Pattern, rows: &Schema) -> Result<Self, ArrowError> {
        Self::of(Beside::of_report(pattern), rows)
    }

    /// For rows with a schema that holds at least the columns.
    pub fn of(beside: Beside, rows: &Schema) -> Result<Self, ArrowError> {
        let Beside { columns: compared, key, content } = beside;
        let fields = compared.iter().map(|name| rows.field_with_name(name).cloned());
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let places = |names: &[String]| -> Vec<usize> {
            names.iter().filter_map(|name| compared.iter().position(|known| known == name)).collect()
        };
        let (keys, content) = (places(&key), places(&content));
        let sorts = |at: &[usize]| {
            let of = at.iter().map(|at| SortField::new(fields[*at].data_type().clone()));
            RowConverter::new(of.collect())
        };
        let (by_key, by_content) = (sorts(&keys)?, sorts(&content)?);
        let change_type = Field::new(CHANGE_TYPE, DataType::Utf8, false);
        // A row may be given as it was and as it is, so nothing of it is promised.
        let fields = fields.into_iter().map(|field| field.with_nullable(true));
        let schema = Arc::new(Schema::new([change_type].into_iter().chain(fields).collect::<Vec<_>>()));
        let (before, after, found) = (State::default(), State::default(), Vec::new());
        let counts = Counts::default();
        Ok(Self { schema, compared, keys, content, by_key, by_content, before, after, found, counts })
    }

    /// Of the changes: [`CHANGE_TYPE`], then the compared columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What was found so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes the rows of a side that follow those before. The side must have been needed.
    pub fn give(&mut self, side: Side, rows: &RecordBatch) -> Result<(), ArrowError> {
        let places = self.compared.iter().map(|name| rows.schema().index_of(name));
        let batch = rows.project(&places.collect::<Result<Vec<_>, _>>()?)?;
        let of =
            |at: &[usize]| -> Vec<ArrayRef> { at.iter().map(|at| Arc::clone(batch.column(*at))).collect() };
        let keys = self.by_key.convert_columns(&of(&self.keys))?;
        let contents = self.by_content.convert_columns(&of(&self.content))?;
        self.side(side).waiting = Some(Waiting { batch, keys, contents, at: 0 });
        Ok(())
    }

    /// No more rows come of a side.
    pub fn end(&mut self, side: Side) {
        self.side(side).has_ended = true;
    }

    fn side(&mut self, side: Side) -> &mut State {
        match side {
            Side::Before => &mut self.before,
            Side::After => &mut self.after,
        }
    }

    /// Goes on as far as the rows reach.
    pub fn step(&mut self) -> Result<Step, ArrowError> {
        loop {
            let (before, after) = match (self.before.next(), self.after.next()) {
                (Ok(before), Ok(after)) => (before, after),
                // What was found names rows of the batches that are about to leave.
                _ if !self.found.is_empty() => return self.changes().map(Step::Changes),
                (Err(()), _) => return Ok(Step::Need(Side::Before)),
                (_, Err(())) => return Ok(Step::Need(Side::After)),
            };
            match (before, after) {
                (None, None) if self.found.is_empty() => return Ok(Step::Done),
                (None, None) => return self.changes().map(Step::Changes),
                (before, after) => self.hold(before, after),
            }
            if self.found.len() >= BATCH_ROWS {
                return self.changes().map(Step::Changes);
            }
        }
    }

    /// Holds the next rows of both sides beside each other; at least one has one.
    fn hold(&mut self, before: Option<usize>, after: Option<usize>) {
        let (was, is) = (self.before.waiting.as_ref(), self.after.waiting.as_ref());
        let order = match (before.zip(was), after.zip(is)) {
            (Some((b, was)), Some((a, is))) => was.keys.row(b).cmp(&is.keys.row(a)),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let is_same = match (before.zip(was), after.zip(is)) {
            (Some((b, was)), Some((a, is))) => was.contents.row(b) == is.contents.row(a),
            _ => false,
        };
        match (order, before, after) {
            (Ordering::Less, Some(before), _) => {
                self.counts.deleted += 1;
                self.found.push(Change::Delete(before));
            }
            (Ordering::Greater, _, Some(after)) => {
                self.counts.inserted += 1;
                self.found.push(Change::Insert(after));
            }
            (_, Some(before), Some(after)) if !is_same => {
                self.counts.updated += 1;
                self.found.push(Change::Update(before, after));
            }
            _ => self.counts.same += 1,
        }
        let passed = |state: &mut State| state.waiting.iter_mut().for_each(|waiting| waiting.at += 1);
        if order != Ordering::Greater {
            passed(&mut self.before);
        }
        if order != Ordering::Less {
            passed(&mut self.after);
        }
    }

    fn changes(&mut self) -> Result<RecordBatch, ArrowError> {
        let (mut kinds, mut rows) = (Vec::new(), Vec::new());
        for change in std::mem::take(&mut self.found) {
            let (was, is) = match change {
                Change::Insert(at) => (None, Some((INSERT, at))),
                Change::Delete(at) => (Some((DELETE, at)), None),
                Change::Update(was, is) => (Some((BEFORE, was)), Some((AFTER, is))),
            };
            for (side, (kind, at)) in
                [(0, was), (1, is)].into_iter().filter_map(|(side, row)| Some((side, row?)))
            {
                kinds.push(kind);
                rows.push((side, at));
            }
        }
        let empty = || RecordBatch::new_empty(Arc::new(Schema::new(self.schema.fields()[1..].to_vec())));
        let of = |state: &State| state.waiting.as_ref().map_or_else(empty, |waiting| waiting.batch.clone());
        let (before, after) = (of(&self.before), of(&self.after));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(kinds))];
        for (was, is) in before.columns().iter().zip(after.columns()) {
            columns.push(interleave(&[was.as_ref() as &dyn Array, is.as_ref()], &rows)?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

#[cfg(test)]
mod tests;
