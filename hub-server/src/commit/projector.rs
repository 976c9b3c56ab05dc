//! The projection of a dataset's log into the catalogue: in order, behind the acknowledgement.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};

use crate::catalog::{Catalog, CatalogError, SubmissionRecord};
use crate::config::limits::PROJECTION_BATCH;
use crate::fault;
use crate::store::log::{Entry, SubmissionEntry};

/// State of a submission of which nothing is current any more.
pub(crate) const SUPERSEDED: &str = "SUPERSEDED";

/// What one commit changes in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Projected {
    pub(crate) log_version: u64,
    pub(crate) records: Vec<SubmissionRecord>,
    /// Submissions of which nothing is current any more.
    pub(crate) superseded: Vec<String>,
}

impl Projected {
    pub(crate) fn new(log_version: u64, entry: &Entry, superseded: Vec<String>) -> Self {
        let record = |submission| record(submission, entry);
        Self { log_version, records: entry.info.submissions.iter().map(record).collect(), superseded }
    }

    /// Takes up the next commit, so that several go into one transaction.
    pub(crate) fn joined(mut self, next: Self) -> Self {
        self.log_version = next.log_version;
        self.records.extend(next.records);
        self.superseded.extend(next.superseded);
        self
    }
}

/// What the catalogue shows of a submission of which something is current.
pub(crate) fn record(entry: &SubmissionEntry, of: &Entry) -> SubmissionRecord {
    SubmissionRecord {
        id: entry.id.clone(),
        caller: entry.caller.clone(),
        request_id: entry.request_id.clone(),
        publisher: entry.publisher.clone(),
        dataset: super::plan::pattern_id(&entry.pattern).to_owned(),
        period: entry.period.clone(),
        media_type: entry.media_type.clone(),
        state: "COMMITTED".to_owned(),
        reason: String::new(),
        revision: entry.revision,
        dataset_version: of.info.dataset_version,
        rows: entry.rows,
        size: entry.size,
        sha256: entry.sha256.clone(),
        carried: entry.carried.clone(),
        dropped: entry.dropped.clone(),
        nothing_to_report: entry.nothing_to_report,
        created_at: DateTime::<Utc>::from_timestamp_micros(entry.created_at).unwrap_or_default(),
        ended_at: of.info.committed_at,
        report: entry.report.clone(),
        receipt: entry.receipt.clone(),
    }
}

/// How far the projection of a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) applied: u64,
    /// The catalogue refuses the last commits; they are tried again.
    pub(crate) failing: bool,
}

/// Writes commits of one table to the catalogue in the order in which they come.
#[derive(Debug)]
pub(crate) struct Projector {
    catalog: Arc<Catalog>,
    table: String,
    progress: watch::Sender<Progress>,
}

/// Tries of one transaction once the hub is stopping; the next start catches up anyway.
const TRIES_AT_CLOSE: u32 = 3;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LAST: Duration = Duration::from_secs(5);

impl Projector {
    /// A projector of commits after `applied`.
    pub(crate) fn new(catalog: Arc<Catalog>, table: &str, applied: u64) -> (Self, watch::Receiver<Progress>) {
        let (progress, seen) = watch::channel(Progress { applied, failing: false });
        (Self { catalog, table: table.to_owned(), progress }, seen)
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) async fn apply(&self, commit: &Projected) -> Result<(), CatalogError> {
        let (records, superseded) = (&commit.records, &commit.superseded);
        fault::point("projection.before");
        self.catalog.apply(&self.table, commit.log_version, records, superseded).await?;
        fault::point("projection.after");
        self.progress.send_replace(Progress { applied: commit.log_version, failing: false });
        Ok(())
    }

    /// Runs until the committer has gone and all that it committed is written.
    pub(crate) async fn run(self, mut commits: mpsc::Receiver<Projected>) {
        let mut batch = Vec::with_capacity(PROJECTION_BATCH);
        while commits.recv_many(&mut batch, PROJECTION_BATCH).await > 0 {
            let Some(all) = batch.drain(..).reduce(Projected::joined) else { continue };
            if !self.apply_at_last(&all, &commits).await {
                return;
            }
        }
    }

    /// Tries until the catalogue takes it; gives up only when the hub is stopping.
    async fn apply_at_last(&self, commit: &Projected, commits: &mpsc::Receiver<Projected>) -> bool {
        let mut pause = PAUSE_FIRST;
        let mut tries_closed = 0;
        loop {
            let Err(error) = self.apply(commit).await else { return true };
            let (table, log_version) = (&self.table, commit.log_version);
            tracing::error!(%table, log_version, %error, "the catalogue does not take commits; trying again");
            self.progress.send_modify(|progress| progress.failing = true);
            tries_closed += u32::from(commits.is_closed());
            if tries_closed >= TRIES_AT_CLOSE {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_LAST);
        }
    }
}
