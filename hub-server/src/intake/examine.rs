//! The check of one payload: where its bytes are read, with what, and within which bounds.

use std::sync::Arc;

use hub_datasets::check::Publisher;
use hub_datasets::report::Report;
use hub_datasets::{MediaType, Pattern, Period, Settings};
use hub_proto::Reason;
use tokio::sync::OwnedSemaphorePermit;

use super::beside::Beside;
use super::job::{Job, JobLimits, Outcome};
use super::payload::{PayloadBytes, media_type};
use super::physical::HubColumns;
use super::{Intake, IntakeError, pipeline};
use crate::commit::JobRows;
use crate::store::Table;
use crate::store::spool::SpoolHeader;

/// A payload to check, and what is known of it.
pub(super) struct Asked {
    pub(super) pattern: Arc<Pattern>,
    pub(super) period: Option<Period>,
    pub(super) publisher: Option<Publisher>,
    pub(super) media: MediaType,
    /// What the sender says of the file.
    pub(super) settings: Settings,
    pub(super) payload: PayloadBytes,
    pub(super) seq: i64,
    /// Other reports of the publisher; of who only asks none is looked for.
    pub(super) beside: Option<Beside>,
    /// Rows are to be committed.
    pub(super) encode: bool,
    /// Given back when the check has ended, whether anybody waits for it or not.
    pub(super) places: Vec<OwnedSemaphorePermit>,
}

impl Intake {
    /// The number and the outcome of a check that read along while the payload came.
    pub(super) async fn read_already(&self, header: &SpoolHeader) -> Option<(i64, Outcome)> {
        let begun = self.early.take(&header.id)?;
        match begun.outcome.await {
            Ok(Ok(outcome)) => Some((begun.seq, outcome)),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Removes files that no commit will name.
    pub(super) fn discard(&self, pattern: &Pattern, rows: JobRows) {
        if let Some(table) = self.parts.commits.table(&pattern.id) {
            discard(&table, rows);
        }
    }

    /// Checks a payload that is whole, when there is a place for one more.
    pub(super) async fn examine(
        &self,
        header: &SpoolHeader,
        pattern: &Arc<Pattern>,
        period: &Period,
        payload: PayloadBytes,
        seq: i64,
        trial: bool,
    ) -> Result<Outcome, IntakeError> {
        let stopped = || IntakeError::new(Reason::Unavailable, "the hub is stopping; ask again");
        let _place = self.checks.acquire().await.map_err(|_| stopped())?;
        self.check(header, pattern, period, payload, seq, trial).await
    }

    /// Checks a submission's payload.
    pub(super) async fn check(
        &self,
        header: &SpoolHeader,
        pattern: &Arc<Pattern>,
        period: &Period,
        payload: PayloadBytes,
        seq: i64,
        trial: bool,
    ) -> Result<Outcome, IntakeError> {
        let publisher = self.publisher(&header.publisher, period)?;
        if header.nothing_to_report {
            return Ok(Outcome::without_rows(empty_report(pattern)));
        }
        let replaces_all = header.commit.as_ref().is_some_and(|order| order.replace_all);
        let beside = self.beside(pattern, &header.publisher, period, replaces_all).await?;
        let asked = Asked {
            beside: Some(beside),
            pattern: Arc::clone(pattern),
            period: Some(period.clone()),
            publisher: Some(publisher),
            media: media_type(&header.media_type)?,
            settings: Settings::of_media_type(&header.media_type),
            payload,
            seq,
            encode: !trial,
            places: Vec::new(),
        };
        self.carry_out(asked).await
    }

    /// Checks a payload on threads of its own.
    pub(super) async fn carry_out(&self, asked: Asked) -> Result<Outcome, IntakeError> {
        let Asked { pattern, period, publisher, media, settings, payload, seq, beside, encode, places } =
            asked;
        let parts = &self.parts;
        let commits = &parts.commits;
        let (Some(table), Some(layout)) = (commits.table(&pattern.id), commits.layout(&pattern.id)) else {
            return Err(IntakeError::new(
                Reason::DatasetUnknown,
                format!("there is no dataset `{}`", pattern.id),
            ));
        };
        let hub = HubColumns {
            schema: Arc::clone(&layout.schema),
            period_end: period.as_ref().map(Period::last_day).unwrap_or_default(),
            publisher: publisher.as_ref().map(|publisher| publisher.id.clone()).unwrap_or_default(),
            seq,
        };
        let partition = period.as_ref().map(|period| period.partition(&pattern)).unwrap_or_default();
        let (checkers, lists) = (Arc::clone(&self.checkers), Arc::clone(&parts.lists));
        let (store, scratch) = (Arc::clone(&parts.store), parts.scratch.clone());
        let workers = parts.workers.clone();
        let limits = JobLimits {
            threads: parts.limits.threads,
            chunk_bytes: parts.limits.chunk_bytes,
            record_bytes: parts.limits.record_bytes,
        };
        let check = move || {
            let _places = places;
            let checker = checkers.get(&pattern, period.as_ref(), &lists, publisher)?.with(settings);
            let checker = Arc::new(checker);
            pipeline::run(&Job {
                checker,
                media,
                payload,
                hub,
                partition,
                store,
                table,
                layout,
                scratch,
                encode,
                limits,
                beside: beside.unwrap_or_default(),
                workers,
            })
        };
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|_| IntakeError::new(Reason::Internal, "the check of the payload broke off"))?
    }

    pub(super) fn publisher(&self, id: &str, period: &Period) -> Result<Publisher, IntakeError> {
        let organisation = self.parts.catalog.organisation(id).ok_or_else(|| {
            IntakeError::new(Reason::PublisherUnknown, format!("there is no organisation `{id}`"))
        })?;
        Ok(organisation.publisher_on(period.last_day()))
    }
}

/// Removes files that no commit will name.
pub(super) fn discard(table: &Table, rows: JobRows) {
    let JobRows::Files(files) = rows else { return };
    for file in files {
        if let Err(error) = table.remove_staged(&file) {
            tracing::warn!(file = %file.path, %error, "a staged file stays until the next start");
        }
    }
}

/// The report on nothing: no row was read, so none was refused.
pub(super) fn empty_report(pattern: &Pattern) -> Report {
    Report {
        pattern: pattern.reference(),
        bundle_sha256: pattern.bundle_sha256.clone(),
        rows_read: 0,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: Vec::new(),
        violations: Vec::new(),
        not_evaluated: Vec::new(),
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    }
}
