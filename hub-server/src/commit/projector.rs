//! The projection of a dataset's log into the catalogue: in order, behind the acknowledgement.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};

use crate::catalog::{Catalog, CatalogError, Ends, SubmissionRecord, Tombstone};
use crate::config::limits::{PROJECTION_BATCH, PROJECTION_PAUSE};
use crate::fault;
use crate::store::log::{CommitInfo, Entry, Erasure, SubmissionEntry};

/// State of a submission of which nothing is current any more.
pub(crate) const SUPERSEDED: &str = "SUPERSEDED";

/// State of a submission that its publisher took back.
pub(crate) const WITHDRAWN: &str = "WITHDRAWN";

/// State of a submission whose rows and bytes are gone for good.
pub(crate) const ERASED: &str = "ERASED";

/// What one commit changes in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Projected {
    pub(crate) log_version: u64,
    pub(crate) entry: Entry,
    /// Submissions of which nothing is current any more.
    pub(crate) superseded: Vec<String>,
}

impl Projected {
    /// The submission that it erased.
    fn erased(&self) -> Option<(&str, Tombstone)> {
        let erasure = self.entry.info.erasure.as_ref()?;
        Some((&erasure.submission, tombstone(erasure, &self.entry)))
    }
    /// The submissions that it took back.
    fn withdrawn(&self) -> impl Iterator<Item = &str> {
        self.entry.info.submissions.iter().filter_map(|submission| submission.withdraws.as_deref())
    }
    /// The submissions that it committed.
    pub(crate) fn records(&self) -> impl Iterator<Item = SubmissionRecord> {
        self.entry.info.submissions.iter().map(|submission| record(submission, &self.entry.info))
    }
}

/// What the catalogue shows of an erasure.
pub(crate) fn tombstone(erasure: &Erasure, of: &Entry) -> Tombstone {
    Tombstone { at: of.info.committed_at, reason: erasure.reason.clone() }
}

/// What the catalogue shows of a submission of which something is current.
pub(crate) fn record(entry: &SubmissionEntry, of: &CommitInfo) -> SubmissionRecord {
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
        dataset_version: of.dataset_version,
        rows: entry.rows,
        size: entry.size,
        sha256: entry.sha256.clone(),
        carried: entry.carried.clone(),
        dropped: entry.dropped.clone(),
        nothing_to_report: entry.nothing_to_report,
        withdraws: entry.withdraws.clone(),
        created_at: DateTime::<Utc>::from_timestamp_micros(entry.created_at).unwrap_or_default(),
        ended_at: of.committed_at,
        report: entry.report.clone(),
        receipt: entry.receipt.clone(),
        erased: None,
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
    /// The newest log version that somebody waits for.
    wanted: watch::Receiver<u64>,
}

/// What a projector is asked, and what it tells.
#[derive(Debug)]
pub(crate) struct Projection {
    progress: watch::Receiver<Progress>,
    wanted: watch::Sender<u64>,
}

impl Projection {
    /// Waits until the catalogue shows a log version, or fails to take it.
    pub(crate) async fn reaches(&self, log_version: u64) {
        self.wanted.send_if_modified(|wanted| {
            let is_newer = *wanted < log_version;
            *wanted = log_version.max(*wanted);
            is_newer
        });
        let mut progress = self.progress.clone();
        let there = |progress: &Progress| progress.applied >= log_version || progress.failing;
        // An error says that the projector has ended: then nothing more is to come.
        let _ended = progress.wait_for(there).await;
    }
}

/// Tries of one transaction once the hub is stopping; the next start catches up anyway.
const TRIES_AT_CLOSE: u32 = 3;
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LAST: Duration = Duration::from_secs(5);

impl Projector {
    /// A projector of commits after `applied`.
    pub(crate) fn new(catalog: Arc<Catalog>, table: &str, applied: u64) -> (Self, Projection) {
        let (progress, seen) = watch::channel(Progress { applied, failing: false });
        let (asked, wanted) = watch::channel(0);
        let projection = Projection { progress: seen, wanted: asked };
        (Self { catalog, table: table.to_owned(), progress, wanted }, projection)
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Writes commits that follow one another, in one transaction.
    pub(crate) async fn apply(&self, commits: &[Projected]) -> Result<(), CatalogError> {
        let Some(applied) = commits.last().map(|commit| commit.log_version) else { return Ok(()) };
        let records: Vec<SubmissionRecord> = commits.iter().flat_map(Projected::records).collect();
        let superseded: Vec<&str> =
            commits.iter().flat_map(|commit| &commit.superseded).map(String::as_str).collect();
        fault::point("projection.before");
        let withdrawn: Vec<&str> = commits.iter().flat_map(Projected::withdrawn).collect();
        let erased: Vec<_> = commits.iter().filter_map(Projected::erased).collect();
        let ends = Ends { superseded: &superseded, withdrawn: &withdrawn, erased: &erased };
        self.catalog.apply(&self.table, applied, &records, ends).await?;
        fault::point("projection.after");
        self.progress.send_replace(Progress { applied, failing: false });
        Ok(())
    }

    /// Runs until the committer has gone and all that it committed is written.
    pub(crate) async fn run(mut self, mut commits: mpsc::Receiver<Projected>) {
        let mut batch = Vec::with_capacity(PROJECTION_BATCH);
        while commits.recv_many(&mut batch, PROJECTION_BATCH).await > 0 {
            self.gather(&mut batch, &mut commits).await;
            if !self.apply_at_last(&batch, &commits).await {
                return;
            }
            batch.clear();
        }
    }

    /// Takes more commits for a moment, so that many share a transaction. Who asks does not wait for it.
    async fn gather(&mut self, batch: &mut Vec<Projected>, commits: &mut mpsc::Receiver<Projected>) {
        let mut pause = pin!(tokio::time::sleep(PROJECTION_PAUSE));
        while batch.len() < PROJECTION_BATCH
            && *self.wanted.borrow_and_update() <= self.progress.borrow().applied
        {
            let room = PROJECTION_BATCH - batch.len();
            tokio::select! {
                () = &mut pause => return,
                asked = self.wanted.changed() => if asked.is_err() { return },
                received = commits.recv_many(batch, room) => if received == 0 { return },
            }
        }
    }

    /// Tries until the catalogue takes it; gives up only when the hub is stopping.
    async fn apply_at_last(&self, batch: &[Projected], commits: &mpsc::Receiver<Projected>) -> bool {
        let mut pause = PAUSE_FIRST;
        let mut tries_closed = 0;
        loop {
            let Err(error) = self.apply(batch).await else { return true };
            let table = &self.table;
            tracing::error!(%table, commits = batch.len(), %error, "the catalogue does not take commits; trying again");
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
