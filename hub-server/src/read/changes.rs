//! What differs between two states of one publisher's report.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array as _, AsArray as _, BooleanArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use hub_datasets::diff::{self, Counts, Differ, Side, Step};
use hub_datasets::{Pattern, Period};

use super::{Chunks, ReadError, Reads, chunks_of};
use crate::permit::PayloadPermit;
use crate::query::{QueryError, RowFormat, RowStream, Scan, TableView};
use crate::store::{AsOf, Snapshot};

/// Rows of a report in the order of its key, and the state that they are of.
#[derive(Debug)]
pub(crate) struct Revision {
    rows: RowStream,
    snapshot: Arc<Snapshot>,
}

/// Two states of a report.
#[derive(Debug)]
pub(crate) struct Sides {
    /// None: there was nothing.
    pub(crate) before: Option<Revision>,
    pub(crate) after: After,
    /// Slices of which the earlier state counts; None: all.
    pub(crate) slices: Option<BTreeSet<String>>,
}

/// The later state.
#[derive(Debug)]
pub(crate) enum After {
    Committed(Revision),
    /// Rows of no dataset version, in the order of the key.
    Proposed(RowStream),
}

/// Changes on their way to the caller.
pub(crate) struct Changes {
    pub(crate) chunks: Chunks,
    /// What was found, once all chunks have come.
    pub(crate) counts: Arc<Mutex<Counts>>,
}

impl Reads {
    /// The rows of the permit's publisher for a period at a dataset version.
    pub(crate) async fn revision(
        &self,
        permit: &PayloadPermit,
        (pattern, period): (&Arc<Pattern>, &Period),
        as_of: AsOf,
    ) -> Result<Revision, ReadError> {
        self.snapshots.readable(&pattern.id).await?;
        let columns: Vec<String> = diff::columns(pattern).map(str::to_owned).collect();
        let view = TableView {
            pattern: Arc::clone(pattern),
            snapshot: self.snapshot(&pattern.id, as_of).await?,
            columns: pattern.columns.iter().map(|column| column.name.clone()).collect(),
            publisher: Some(permit.publisher().to_owned()),
        };
        let of_day = format!("_period_end = DATE '{}'", period.last_day());
        let filter = match pattern.period.cumulative {
            true => of_day,
            false => format!("{of_day} AND okres = '{period}'"),
        };
        let scan = Scan { columns, filter: Some(filter), order: diff::order(pattern), ..Scan::default() };
        let snapshot = Arc::clone(&view.snapshot);
        Ok(Revision { rows: self.engine.scan(view, scan).await?, snapshot })
    }

    /// Holds two states beside each other.
    pub(crate) fn changes(
        &self,
        pattern: &Arc<Pattern>,
        sides: Sides,
        format: RowFormat,
    ) -> Result<Changes, ReadError> {
        let Sides { before, after, slices } = sides;
        let mut held = Vec::new();
        let mut of = |revision: Revision| {
            held.push(revision.snapshot);
            revision.rows
        };
        let before = before.map(&mut of);
        let after = match after {
            After::Committed(revision) => of(revision),
            After::Proposed(rows) => rows,
        };
        let broken = |error: ArrowError| ReadError::Changes(error.to_string());
        let differ = Differ::new(pattern, &after.schema).map_err(broken)?;
        let counts = Arc::<Mutex<Counts>>::default();
        let schema = differ.schema();
        let comparing = Comparing {
            differ,
            slice: pattern.slice.clone().zip(slices),
            before: before.map_or_else(|| stream::empty().boxed(), |rows| rows.batches),
            after: after.batches,
            counts: Arc::clone(&counts),
        };
        let batches = stream::try_unfold(comparing, Comparing::next).boxed();
        let rows = RowStream {
            schema,
            batches,
            datasets: vec![pattern.id.clone()],
            estimated_rows: 0,
            warnings: Vec::new(),
        };
        Ok(Changes { chunks: chunks_of(self.engine.encode(rows, format, 0)?, held), counts })
    }
}

/// A comparison while its rows come.
pub(super) struct Comparing {
    pub(super) differ: Differ,
    pub(super) slice: Option<(String, BTreeSet<String>)>,
    pub(super) before: BoxStream<'static, Result<RecordBatch, QueryError>>,
    pub(super) after: BoxStream<'static, Result<RecordBatch, QueryError>>,
    pub(super) counts: Arc<Mutex<Counts>>,
}

impl Comparing {
    /// The next changes; None at the end.
    pub(super) async fn next(mut self) -> Result<Option<(RecordBatch, Self)>, QueryError> {
        let broken = |error: ArrowError| QueryError::internal(&error);
        loop {
            match self.differ.step().map_err(broken)? {
                Step::Changes(changes) => return Ok(Some((changes, self))),
                Step::Done => {
                    *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = self.differ.counts();
                    return Ok(None);
                }
                Step::Need(side) => {
                    let rows = match side {
                        Side::Before => self.before.next().await,
                        Side::After => self.after.next().await,
                    };
                    let rows = match (side, rows.transpose()?) {
                        (Side::Before, Some(rows)) => Some(self.of_slices(rows).map_err(broken)?),
                        (_, rows) => rows,
                    };
                    match rows {
                        Some(rows) => self.differ.give(side, &rows).map_err(broken)?,
                        None => self.differ.end(side),
                    }
                }
            }
        }
    }

    /// The rows of the slices that count.
    fn of_slices(&self, rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let Some((column, slices)) = &self.slice else { return Ok(rows) };
        let values = cast(rows.column(rows.schema().index_of(column)?), &DataType::Utf8)?;
        let values = values.as_string::<i32>();
        let counts: BooleanArray = (0..values.len())
            .map(|row| Some(values.is_valid(row) && slices.contains(values.value(row))))
            .collect();
        filter_record_batch(&rows, &counts)
    }
}
