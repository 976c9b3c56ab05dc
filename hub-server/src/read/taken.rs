//! How a report differs from what a consumer took of it: in the columns that it took, over the rows that it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use futures::StreamExt as _;
use hub_datasets::diff::{Beside, Counts, Differ};
use hub_datasets::{Pattern, Period};

use super::changes::Comparing;
use super::{ReadError, Reads};
use crate::permit::ReadPermit;
use crate::query::{RowStream, Scan};
use crate::store::AsOf;

const REVISION: &str = "_revision";

/// What a consumer took of a dataset.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) version: u64,
    /// Of the pattern.
    pub(crate) columns: Vec<String>,
    /// SQL row expression; empty: all rows.
    pub(crate) filter: String,
}

/// How what was taken of a report and what there is differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Diverged {
    /// The newest revision among the rows that were taken.
    pub(crate) revision: u64,
    pub(crate) counts: Counts,
}

impl Reads {
    /// Holds what was taken of a publisher's report beside a later dataset version. None: nothing of it was taken.
    pub(crate) async fn diverged(
        &self,
        permit: &ReadPermit,
        taken: &Taken,
        (publisher, period): (&str, &Period),
        version: u64,
    ) -> Result<Option<Diverged>, ReadError> {
        let then = self.view(permit, AsOf::Version(taken.version)).await?;
        let now = self.view(permit, AsOf::Version(version)).await?;
        let Some(beside) = beside(&then.pattern, |name| then.columns.contains(name), &taken.columns) else {
            return Ok(None);
        };
        let filter = of_report(&then.pattern, &taken.filter, publisher, period);
        let columns = beside.columns.iter().cloned().chain([REVISION.to_owned()]).collect();
        let scan = Scan { columns, filter: Some(filter), order: beside.key.clone(), ..Scan::default() };
        let before = self.engine.scan(then, scan.clone()).await?;
        let after = self.engine.scan(now, scan).await?;
        held_beside(beside, before, after).await
    }
}

/// By what rows are compared: the columns of the report that were taken and may still be seen, without its header's.
/// Rows are found again by their key where all of it was taken.
fn beside(pattern: &Pattern, sees: impl Fn(&String) -> bool, taken: &[String]) -> Option<Beside> {
    let is_meant = |name: &String| taken.contains(name) && sees(name);
    let columns = pattern.columns.iter().filter(|column| !column.header).map(|column| &column.name);
    let columns: Vec<String> = columns.filter(|name| is_meant(name)).cloned().collect();
    let has_key = !pattern.key.is_empty() && pattern.key.iter().all(|name| columns.contains(name));
    let key = if has_key { pattern.key.clone() } else { columns.clone() };
    (!columns.is_empty()).then(|| Beside { key, content: columns.clone(), columns })
}

/// The rows of a report among those that a filter lets through.
fn of_report(pattern: &Pattern, filter: &str, publisher: &str, period: &Period) -> String {
    let publisher = publisher.replace('\'', "''");
    let mut parts =
        vec![format!("_publisher = '{publisher}'"), format!("_period_end = DATE '{}'", period.last_day())];
    if !pattern.period.cumulative {
        parts.push(format!("okres = '{period}'"));
    }
    if !filter.trim().is_empty() {
        // On lines of its own, for it may end in a comment.
        parts.push(format!("(\n{filter}\n)"));
    }
    parts.join(" AND ")
}

async fn held_beside(
    beside: Beside,
    before: RowStream,
    after: RowStream,
) -> Result<Option<Diverged>, ReadError> {
    let broken = |error: ArrowError| ReadError::Changes(error.to_string());
    let differ = Differ::of(beside, &after.schema).map_err(broken)?;
    let (revision, counts) = (Arc::new(AtomicU64::new(0)), Arc::default());
    let newest = Arc::clone(&revision);
    let seen = before.batches.map(move |batch| {
        let batch = batch?;
        if let Ok(among) = newest_of(&batch) {
            newest.fetch_max(among, Ordering::Relaxed);
        }
        Ok(batch)
    });
    let comparing = Comparing {
        differ,
        slice: None,
        before: seen.boxed(),
        after: after.batches,
        counts: Arc::clone(&counts),
    };
    let mut next = comparing.next().await?;
    while let Some((_, comparing)) = next {
        next = comparing.next().await?;
    }
    let counts: Counts = *counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let took = counts.deleted + counts.updated + counts.same > 0;
    let revision = revision.load(Ordering::Relaxed);
    Ok(took.then_some(Diverged { revision, counts }))
}

/// The newest revision in a batch.
fn newest_of(batch: &RecordBatch) -> Result<u64, ArrowError> {
    let revisions = cast(batch.column(batch.schema().index_of(REVISION)?), &DataType::UInt64)?;
    let revisions = revisions.as_primitive::<UInt64Type>();
    Ok((0..revisions.len())
        .filter(|row| revisions.is_valid(*row))
        .map(|row| revisions.value(row))
        .max()
        .unwrap_or(0))
}
