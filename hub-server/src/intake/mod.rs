//! The intake: permit × bytes → spool → decode → check → a submission ready to commit, or a report.

mod anew;
mod beside;
mod checkers;
mod early;
mod error;
mod examine;
mod follow;
mod job;
mod keep;
mod open;
mod original;
mod payload;
mod physical;
mod pipeline;
mod pool;
mod proposed;
mod push;
mod running;
mod sequence;
mod standing;
mod takeback;
mod tried;
mod types;
mod unsent;
mod uploads;
mod verdict;
mod view;
mod workers;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hub_datasets::period::Frequency;
use hub_datasets::{CodeLists, Pattern, Patterns, Period, Report};
use hub_proto::Reason;
use tokio::sync::Semaphore;

use crate::catalog::{Catalog, SubmissionFilter, SubmissionRecord};
use crate::clock::{Clock, Ids};
use crate::commit::Commits;
use crate::config::limits::{self, OPEN_CHECKS, OPEN_CHECKS_RUNNING};
use crate::permit::{PushPermit, SubmissionsPermit};
use crate::sign::{SignedReceipt, Signer};
use crate::store::Store;
use crate::store::spool::SpoolHeader;

use checkers::Checkers;
use early::Early;
pub(crate) use error::IntakeError;
pub(crate) use open::NewCheck;
pub(crate) use open::OpenCheck;
pub(crate) use original::OriginalPiece;
pub(crate) use proposed::Stage;
pub(crate) use push::Push;
use running::Running;
pub(crate) use takeback::Withdrawal;
pub(crate) use types::{
    CommitOptions, IntakeLimits, ListSubmissions, NewSubmission, SubmissionState, SubmissionView, Verdict,
};
use uploads::Uploads;
pub(crate) use workers::{Workers, WorkersConfig, work};

/// Characters of a text that is no period of the pattern, in its refusal.
const PERIOD_SHOWN: usize = 40;

/// The room.
#[derive(Debug)]
pub(crate) struct Intake {
    parts: IntakeParts,
    uploads: Uploads,
    running: Running,
    checkers: Arc<Checkers>,
    early: Early,
    tried: tried::Tried,
    anew: anew::Anew,
    checks: Arc<Semaphore>,
    open_checks: Arc<Semaphore>,
    open_checks_running: Arc<Semaphore>,
    /// Payloads that are compared before they go back.
    originals: Arc<Semaphore>,
}

/// What the intake works with.
#[derive(Debug, Clone)]
pub(crate) struct IntakeParts {
    pub(crate) store: Arc<Store>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) patterns: Arc<Patterns>,
    pub(crate) lists: Arc<CodeLists>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) signer: Arc<Signer>,
    /// Folder for sorting runs; its files have no names.
    pub(crate) scratch: PathBuf,
    pub(crate) limits: IntakeLimits,
    /// Who decodes what is no CSV; None: threads of this process, where there is no program to start.
    pub(crate) workers: Option<Arc<Workers>>,
}

impl Intake {
    pub(crate) fn new(parts: IntakeParts) -> Arc<Self> {
        let checks = Arc::new(Semaphore::new(parts.limits.checks));
        Arc::new(Self {
            parts,
            uploads: Uploads::default(),
            running: Running::default(),
            checkers: Arc::default(),
            early: Early::default(),
            tried: tried::Tried::default(),
            anew: anew::Anew::default(),
            checks,
            open_checks: Arc::new(Semaphore::new(OPEN_CHECKS)),
            open_checks_running: Arc::new(Semaphore::new(OPEN_CHECKS_RUNNING)),
            originals: Arc::new(Semaphore::new(limits::PAYLOADS_COMPARED)),
        })
    }

    /// Opens a submission that is uploaded in steps; the same request id gives the same submission.
    pub(crate) async fn create(
        &self,
        permit: &PushPermit,
        new: NewSubmission,
    ) -> Result<SubmissionView, IntakeError> {
        self.accept(permit, &new)?;
        if let Some(known) = self.known(permit, &new).await? {
            return Ok(known);
        }
        self.room_for_one_more(permit.caller(), "")?;
        let header = self.header(permit, new);
        self.parts.store.spool().create(header.clone()).await?;
        Ok(view::of_spool(&header, 0, SubmissionState::Receiving))
    }

    /// Takes bytes at an offset without waiting for the disk; gives the offset after them.
    pub(crate) async fn append(
        self: &Arc<Self>,
        permit: &SubmissionsPermit,
        id: &str,
        offset: u64,
        data: Bytes,
    ) -> Result<u64, IntakeError> {
        let header = self.unfinished(permit, id)?;
        if header.commit.is_some() {
            return Err(IntakeError::new(
                Reason::StateConflict,
                format!("submission `{id}` is whole and ordered; no more bytes are taken"),
            )
            .in_polish(format!(
                "przesyłka `{id}` jest już cała i zatwierdzona; nie przyjmuje dalszych danych"
            )));
        }
        self.take(&header, offset, data).await
    }

    /// Ends a stream: makes all bytes so far durable; gives the durable offset.
    pub(crate) async fn sync(&self, permit: &SubmissionsPermit, id: &str) -> Result<u64, IntakeError> {
        let header = self.unfinished(permit, id)?;
        let durable = self.parts.store.spool().sync(id).await;
        self.stop_reading_along(&header, durable.as_ref().copied().unwrap_or_default());
        Ok(durable?)
    }

    /// Checks a submission and, if nothing blocks, makes it visible. Asking again gives the same verdict.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        permit: &SubmissionsPermit,
        id: &str,
        options: CommitOptions,
    ) -> Result<Verdict, IntakeError> {
        match self.unfinished(permit, id) {
            Ok(header) => {
                if let Some(verdict) = self.attach(id, &options).await {
                    return verdict;
                }
                // An order stays as it is until it is known again what was committed.
                self.parts.commits.whole(&header.pattern)?;
                self.explainable(&header.pattern, &options)?;
                self.order(&header, &options).await
            }
            Err(_) => match self.tried.of(permit.publisher(), id).filter(|_| options.validate_only) {
                Some(verdict) => Ok(verdict),
                None => self.ended_verdict(permit, id, options.sha256.as_deref()).await,
            },
        }
    }

    /// Begins a push in one stream.
    pub(crate) async fn begin_push(
        self: &Arc<Self>,
        permit: &PushPermit,
        new: NewSubmission,
    ) -> Result<Push, IntakeError> {
        self.accept(permit, &new)?;
        self.give_way(permit.caller(), &new.request_id).await?;
        let header = self.header(permit, new);
        Ok(Push::new(Arc::clone(self), header))
    }

    pub(crate) async fn get(
        &self,
        permit: &SubmissionsPermit,
        id: &str,
    ) -> Result<SubmissionView, IntakeError> {
        match self.settled(permit, id).await? {
            Some(record) => {
                let mut views = [view::of_record(&record)];
                self.with_late_findings(&mut views).await?;
                let [view] = views;
                Ok(view)
            }
            None => Ok(self.view(&self.unfinished(permit, id)?)),
        }
    }

    /// Submissions of the permit's publisher, newest first.
    pub(crate) async fn list(
        &self,
        permit: &SubmissionsPermit,
        list: ListSubmissions,
    ) -> Result<Vec<SubmissionView>, IntakeError> {
        let mut ahead = self.parts.commits.ahead(list.pattern.as_deref(), permit.publisher()).await;
        ahead.retain(|record| list.takes(&record.period, (record.created_at.timestamp_micros(), &record.id)));
        let filter = SubmissionFilter {
            publisher: permit.publisher().to_owned(),
            dataset: list.pattern.clone(),
            period: list.period.clone(),
            after: list.after.clone(),
            limit: list.limit,
        };
        let ended = self.parts.catalog.submissions(&filter).await?;
        let mut views: Vec<SubmissionView> = ended.iter().chain(&ahead).map(view::of_record).collect();
        let open = self.parts.store.spool().unfinished();
        views.extend(
            open.iter().filter(|header| listed(header, permit, &list)).map(|header| self.view(header)),
        );
        views.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        views.dedup_by(|a, b| a.id == b.id);
        views.truncate(list.limit as usize);
        self.with_late_findings(&mut views).await?;
        Ok(views)
    }

    /// The report of a submission that has its verdict.
    pub(crate) async fn report(&self, permit: &SubmissionsPermit, id: &str) -> Result<Report, IntakeError> {
        let record = self.ended(permit, id).await?;
        erased(&record)?;
        let report = serde_json::from_str(&record.report).map_err(|_| {
            IntakeError::new(
                Reason::StateConflict,
                format!("submission `{id}` ended as {} before a check; it has no report", record.state),
            )
            .in_polish(format!(
                "przesyłka `{id}` skończyła się przed sprawdzeniem ({}); nie ma raportu",
                record.state
            ))
        })?;
        self.with_later(id, report).await
    }

    /// The receipt of a committed submission.
    pub(crate) async fn receipt(
        &self,
        permit: &SubmissionsPermit,
        id: &str,
    ) -> Result<SignedReceipt, IntakeError> {
        let record = self.ended(permit, id).await?;
        if record.receipt.is_empty() {
            return Err(IntakeError::new(
                Reason::StateConflict,
                format!(
                    "submission `{id}` was not committed ({}); only a commit has a receipt",
                    record.state
                ),
            )
            .in_polish(format!("przesyłki `{id}` nie przyjęto ({}); UPO ma tylko przyjęta", record.state)));
        }
        self.signed(&record.receipt)
    }

    /// Content of a receipt, signed on the thread that answers.
    fn signed(&self, content: &str) -> Result<SignedReceipt, IntakeError> {
        let signed = self.parts.signer.sign(content, self.parts.clock.now());
        signed.map_err(|error| IntakeError::new(Reason::Internal, format!("a receipt: {error}")))
    }

    fn now(&self) -> i64 {
        self.parts.clock.now().timestamp_micros()
    }

    /// Compares an announcement with the permit, the patterns and the limits.
    fn accept(
        &self,
        permit: &PushPermit,
        new: &NewSubmission,
    ) -> Result<(Arc<Pattern>, Period), IntakeError> {
        let pattern = self.pattern(permit.pattern())?;
        self.parts.commits.whole(&pattern.id)?;
        let period = self.period(&pattern, &new.period, "field")?;
        if uuid::Uuid::try_parse(&new.request_id).is_err() {
            return Err(IntakeError::new(Reason::RequestInvalid, "field `request_id`: send a UUID"));
        }
        if !new.profile.is_empty() {
            return Err(IntakeError::new(
                Reason::MediaTypeUnsupported,
                format!("pattern `{}` has no profile `{}`; leave it empty", pattern.id, new.profile),
            ));
        }
        if !new.nothing_to_report {
            payload::media_type(&new.media_type)?;
        }
        if let Some(size) = new.size.filter(|size| *size > self.parts.limits.payload_bytes) {
            return Err(too_large(size, self.parts.limits.payload_bytes));
        }
        Ok((pattern, period))
    }

    /// A period that the pattern takes; `of` says what it came in.
    fn period(&self, pattern: &Pattern, text: &str, of: &str) -> Result<Period, IntakeError> {
        let period: Option<Period> = text.parse().ok();
        if let Some(period) = period.filter(|period| pattern.period.takes(period)) {
            return Ok(period);
        }
        let (id, forms) = (&pattern.id, Frequency::examples(&pattern.period.frequencies));
        let text: String = text.chars().take(PERIOD_SHOWN).collect();
        let message =
            format!("{of} `period`: pattern `{id}` takes no period like `{text}`; write one as: {forms}");
        let message_pl =
            format!("wzór `{id}` nie przyjmuje okresu `{text}`; napisz go w jednej z postaci: {forms}");
        Err(IntakeError::new(Reason::PeriodInvalid, message).in_polish(message_pl))
    }

    fn pattern(&self, id: &str) -> Result<Arc<Pattern>, IntakeError> {
        self.parts.patterns.get(id).ok_or_else(|| {
            IntakeError::new(
                Reason::PatternUnknown,
                format!("there is no pattern `{id}`; `hub patterns list` shows them"),
            )
            .in_polish(format!("nie ma wzoru `{id}`; listę pokazuje `hub patterns list`"))
        })
    }

    fn header(&self, permit: &PushPermit, new: NewSubmission) -> SpoolHeader {
        SpoolHeader {
            id: self.parts.ids.next().to_string(),
            caller: permit.caller().to_owned(),
            request_id: new.request_id,
            publisher: permit.publisher().to_owned(),
            pattern: permit.pattern().to_owned(),
            period: new.period,
            media_type: new.media_type,
            declared_size: new.size,
            declared_sha256: new.sha256.map(|sha256| sha256.to_ascii_lowercase()),
            nothing_to_report: new.nothing_to_report,
            created_at: self.now(),
            commit: None,
            waits: false,
        }
    }

    /// The submission that a request id already stands for.
    async fn known(
        &self,
        permit: &PushPermit,
        new: &NewSubmission,
    ) -> Result<Option<SubmissionView>, IntakeError> {
        let known = match self.by_request(permit.caller(), &new.request_id) {
            Some(header) => Some(self.view(&header)),
            None => {
                if self.parts.commits.answered(permit.caller(), &new.request_id).is_some() {
                    self.parts.commits.caught_up().await;
                }
                let record =
                    self.parts.catalog.submission_by_request(permit.caller(), &new.request_id).await?;
                record.as_ref().map(view::of_record)
            }
        };
        let Some(known) = known else { return Ok(None) };
        let same = known.pattern == permit.pattern()
            && known.publisher == permit.publisher()
            && known.period == new.period
            && known.nothing_to_report == new.nothing_to_report
            && (known.sha256.is_empty() || new.sha256.as_ref().is_none_or(|sha256| *sha256 == known.sha256));
        if same { Ok(Some(known)) } else { Err(reused(&new.request_id)) }
    }

    fn by_request(&self, caller: &str, request_id: &str) -> Option<SpoolHeader> {
        let open = self.parts.store.spool().unfinished();
        open.into_iter().find(|header| header.caller == caller && header.request_id == request_id)
    }

    fn room_for_one_more(&self, caller: &str, id: &str) -> Result<(), IntakeError> {
        let others = |header: &&SpoolHeader| header.caller == caller && header.id != id;
        let open = self.parts.store.spool().unfinished().iter().filter(others).count();
        if open < self.parts.limits.open_submissions {
            return Ok(());
        }
        Err(IntakeError::new(
            Reason::Busy,
            format!(
                "{open} submissions of yours wait for their bytes (limit {}); finish or abandon one",
                self.parts.limits.open_submissions
            ),
        ))
    }

    fn view(&self, header: &SpoolHeader) -> SubmissionView {
        let waits = header.commit.is_some() || header.waits;
        let state = match (self.running.holds(&header.id), waits) {
            (true, _) => SubmissionState::Checking,
            (false, true) => SubmissionState::Awaiting,
            (false, false) => SubmissionState::Receiving,
        };
        let offset = self.parts.store.spool().offset(&header.id).unwrap_or(0);
        view::of_spool(header, offset, state)
    }

    fn unfinished(&self, permit: &SubmissionsPermit, id: &str) -> Result<SpoolHeader, IntakeError> {
        let header = self.parts.store.spool().header(id);
        header.filter(|header| sees(permit, &header.publisher)).ok_or_else(|| IntakeError::unknown(id))
    }

    /// The record of a submission with a verdict; its bytes may still be on their way out of the spool.
    async fn settled(
        &self,
        permit: &SubmissionsPermit,
        id: &str,
    ) -> Result<Option<SubmissionRecord>, IntakeError> {
        self.parts.commits.shown(id).await;
        let record = self.parts.catalog.submission(id).await?;
        Ok(record.filter(|record| sees(permit, &record.publisher)))
    }

    /// The record of a submission that has ended; one that is still open has none yet.
    async fn ended(&self, permit: &SubmissionsPermit, id: &str) -> Result<SubmissionRecord, IntakeError> {
        if let Some(record) = self.settled(permit, id).await? {
            return Ok(record);
        }
        self.unfinished(permit, id)?;
        Err(IntakeError::new(
            Reason::StateConflict,
            format!("submission `{id}` has no verdict yet; commit it, or wait for its check"),
        )
        .in_polish(format!(
            "przesyłka `{id}` nie ma jeszcze wyniku; zatwierdź ją albo poczekaj na jej sprawdzenie"
        )))
    }
}

/// Refuses what is gone with an erased submission; its receipt is not.
fn erased(record: &SubmissionRecord) -> Result<(), IntakeError> {
    let Some(erased) = &record.erased else { return Ok(()) };
    let day = erased.at.date_naive();
    let message =
        format!("submission `{}` was erased on {day}; its receipt is all that is left of it", record.id);
    Err(IntakeError::new(Reason::Erased, message))
}

fn sees(permit: &SubmissionsPermit, publisher: &str) -> bool {
    permit.publisher() == publisher
}

fn listed(header: &SpoolHeader, permit: &SubmissionsPermit, list: &ListSubmissions) -> bool {
    sees(permit, &header.publisher)
        && list.pattern.as_ref().is_none_or(|pattern| *pattern == header.pattern)
        && list.takes(&header.period, (header.created_at, &header.id))
}

fn reused(request_id: &str) -> IntakeError {
    IntakeError::new(
        Reason::RequestIdReused,
        format!("request id `{request_id}` stands for another payload; draw a new one for new content"),
    )
}

fn too_large(size: u64, limit: u64) -> IntakeError {
    IntakeError::new(
        Reason::PayloadTooLarge,
        format!("the payload has {size} bytes; at most {limit} are taken. Send it in parts by slice"),
    )
}
