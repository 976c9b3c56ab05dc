//! From an order to a verdict: check, then refusal or commit.

use std::sync::Arc;

use bytes::Bytes;
use hub_datasets::report::{Report, Severity};
use hub_datasets::{Pattern, Period};
use hub_proto::Reason;

use super::anew::comparisons_in;
use super::job::Outcome;
use super::payload::PayloadBytes;
use super::push::{order_for, other_bytes};
use super::types::{CommitOptions, SubmissionState, SubmissionView, Verdict};
use super::{Intake, IntakeError, reused, view};
use crate::commit::{CommitJob, Committed, JobRows};
use crate::fault;
use crate::permit::SubmissionsPermit;
use crate::store::spool::{Arriving, CommitOrder, SpoolHeader};

/// A payload on its way to the check.
#[derive(Debug)]
pub(super) enum Payload {
    /// In memory; it reaches the spool together with its order.
    Held(Bytes),
    Spooled,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) verdict: Verdict,
    pub(super) fate: Fate,
}

/// What becomes of the payload's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They stay as evidence.
    Kept,
    Gone,
    /// They wait for the sender's word.
    Waiting,
}

impl Payload {
    /// Where its bytes are, of the submission of this id.
    pub(super) fn of(self, id: &str) -> PayloadBytes {
        match self {
            Self::Held(bytes) => PayloadBytes::Held(bytes),
            Self::Spooled => PayloadBytes::Spooled(id.to_owned()),
        }
    }
}

impl Intake {
    /// Orders the commit of a spooled submission.
    pub(super) async fn order(
        self: &Arc<Self>,
        header: &SpoolHeader,
        options: &CommitOptions,
    ) -> Result<Verdict, IntakeError> {
        if let Some(verdict) = self.unsent_in_steps(header, options).await? {
            return Ok(verdict);
        }
        let (size, sha256) = self.measure(&header.id).await?;
        let order = self.seen(header, order_for(header, options, size, sha256)?)?;
        if !options.validate_only {
            self.parts.store.spool().order(&header.id, order.clone()).await?;
        }
        let ordered = SpoolHeader { commit: Some(order), ..header.clone() };
        if options.validate_only {
            // What waits for its sender's word waits on behind a trial.
            let waits = header.commit.as_ref().is_some_and(|order| order.recalled);
            return self.try_spooled(ordered, options, waits).await;
        }
        self.decide(ordered, Payload::Spooled, options.clone()).await
    }

    /// The order with the revision that is current now: what a restarted hub may still act upon.
    pub(super) fn seen(&self, header: &SpoolHeader, order: CommitOrder) -> Result<CommitOrder, IntakeError> {
        let (pattern, period) = self.pattern_and_period(header)?;
        let partition = period.partition(&pattern);
        let current = self.parts.commits.current(&pattern.id, &header.publisher, &partition);
        Ok(CommitOrder { seen_revision: Some(current.map_or(0, |current| current.revision)), ..order })
    }

    /// Takes up an order that an earlier run of the hub left, unless a newer revision came since.
    pub(super) async fn resume(self: &Arc<Self>, mut header: SpoolHeader) -> Result<Verdict, IntakeError> {
        if let Some(order) = &mut header.commit {
            order.parent_revision = order.parent_revision.or(order.seen_revision);
        }
        self.decide(header, Payload::Spooled, CommitOptions::default()).await
    }

    pub(super) fn pattern_and_period(
        &self,
        header: &SpoolHeader,
    ) -> Result<(Arc<Pattern>, Period), IntakeError> {
        let pattern = self.pattern(&header.pattern)?;
        let period = header.period.parse().map_err(|error| {
            IntakeError::new(Reason::PeriodInvalid, format!("field `period`: {error}"))
                .in_polish(format!("to nie jest okres: `{}`", header.period))
        })?;
        Ok((pattern, period))
    }

    /// Checks and says what a commit would say of the payload; keeps nothing.
    pub(super) async fn trial(
        &self,
        header: &SpoolHeader,
        bytes: PayloadBytes,
    ) -> Result<Verdict, IntakeError> {
        let order = ordered(header)?;
        let (pattern, period) = self.pattern_and_period(header)?;
        let mut outcome = match self.found_already(header, order, &pattern).await {
            Some(outcome) => outcome,
            None => self.examine(header, &pattern, &period, bytes, 0, true).await?,
        };
        self.discard(&pattern, std::mem::replace(&mut outcome.rows, JobRows::None));
        outcome.report.add(self.standing(header, order, (&pattern, &period), &outcome));
        self.explain(header, order, (&pattern, &period), &mut outcome).await?;
        let mut submission = view::of_spool(header, order.size, SubmissionState::Receiving);
        let report = outcome.report.clone();
        if refused(&report, order.strict) {
            submission.state = SubmissionState::Refused;
            submission.reason = Some(view::refusal(&report));
            return Ok(Verdict { submission, report, receipt: None, unchanged: false });
        }
        if report.unexplained() > 0 {
            return Ok(awaiting(submission, report));
        }
        submission.rows = outcome.row_count;
        let job = job(header, order, &pattern, &period, outcome, 0)?;
        let foreseen = self.parts.commits.foresee(&pattern.id, job).await?;
        submission.revision = foreseen.revision;
        submission.carried = foreseen.carried;
        submission.dropped = foreseen.dropped;
        Ok(Verdict { submission, report, receipt: None, unchanged: foreseen.unchanged })
    }

    /// Checks, then refuses or commits.
    pub(super) async fn run(&self, header: &SpoolHeader, payload: Payload) -> Result<Ended, IntakeError> {
        let order = ordered(header)?;
        if let Some(verdict) = self.earlier_verdict(header, &order.sha256).await? {
            let is_kept = verdict.receipt.is_some() && verdict.submission.id == header.id;
            return Ok(Ended { verdict, fate: if is_kept { Fate::Kept } else { Fate::Gone } });
        }
        let (pattern, period) = self.pattern_and_period(header)?;
        let mut seq = self.parts.commits.reserve_seq(&pattern.id);
        let mut arriving = None;
        let examined = match payload {
            Payload::Held(bytes) => {
                arriving = Some(self.parts.store.spool().put_whole(header.clone(), bytes.clone()).await?);
                self.examine(header, &pattern, &period, PayloadBytes::Held(bytes), seq, false).await
            }
            Payload::Spooled => match self.read_along_with(header, order, &pattern).await {
                Some((of_its_rows, outcome)) => {
                    seq = of_its_rows;
                    Ok(outcome)
                }
                None => {
                    let spooled = PayloadBytes::Spooled(header.id.clone());
                    self.examine(header, &pattern, &period, spooled, seq, false).await
                }
            },
        };
        fault::point("check.after");
        let ended = match examined {
            Ok(outcome) => self.conclude(header, (&pattern, &period), outcome, seq, arriving.clone()).await,
            Err(error) => Err(error),
        };
        // Nothing is told before the spool knows of the payload: the verdict decides what becomes of it.
        if let Some(arriving) = &arriving
            && let Err(error) = arriving.wait().await
        {
            return Err(IntakeError::new(error.reason(), error.to_string()));
        }
        ended
    }

    /// What an earlier check of the same bytes found, for who wants no rows.
    async fn found_already(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        pattern: &Pattern,
    ) -> Option<Outcome> {
        let looked_at = self.looked_at(header, order.size);
        match looked_at.filter(|outcome| !(order.replace_all && outcome.carries)) {
            Some(outcome) => Some(outcome),
            None => self.read_along_with(header, order, pattern).await.map(|(_, outcome)| outcome),
        }
    }

    /// The outcome of a check that read along, as far as it is of use. It knew no order: with `replace_all` it took
    /// rows for carried over that are not.
    async fn read_along_with(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        pattern: &Pattern,
    ) -> Option<(i64, Outcome)> {
        let (seq, outcome) = self.read_already(header).await?;
        if order.replace_all && outcome.carries {
            self.discard(pattern, outcome.rows);
            return None;
        }
        Some((seq, outcome))
    }

    /// What becomes of a payload that was checked.
    async fn conclude(
        &self,
        header: &SpoolHeader,
        (pattern, period): (&Arc<Pattern>, &Period),
        mut outcome: Outcome,
        seq: i64,
        arriving: Option<Arriving>,
    ) -> Result<Ended, IntakeError> {
        let order = ordered(header)?;
        outcome.report.add(self.standing(header, order, (pattern, period), &outcome));
        self.explain(header, order, (pattern, period), &mut outcome).await?;
        if refused(&outcome.report, order.strict) {
            self.discard(pattern, outcome.rows);
            return self.refuse(header, order, outcome.report).await;
        }
        if outcome.report.unexplained() > 0 {
            self.discard(pattern, outcome.rows);
            if arriving.is_some() {
                // It waits in the spool like one that is sent in steps.
                self.room_for_one_more(&header.caller, &header.id)?;
            }
            let submission = view::of_spool(header, order.size, SubmissionState::Awaiting);
            return Ok(Ended { verdict: awaiting(submission, outcome.report), fate: Fate::Waiting });
        }
        let (against, carries) = (std::mem::take(&mut outcome.against), outcome.carries);
        let later = comparisons_in(&outcome.report, pattern);
        let job = job(header, order, pattern, period, outcome, seq)?;
        let publisher_name = self.publisher_name(&header.publisher);
        let ended = self.make_visible(header, order, CommitJob { arriving, publisher_name, ..job }).await?;
        if ended.fate == Fate::Kept {
            // What the commit carried over the check may not have seen.
            let carries = carries || !ended.verdict.submission.carried.is_empty();
            self.compared(pattern, &header.publisher, period, &header.id, (against, carries, later));
        }
        Ok(ended)
    }

    /// As it is known now: the receipt says it for ever.
    pub(super) fn publisher_name(&self, id: &str) -> String {
        self.parts.catalog.organisation(id).map(|known| known.name).unwrap_or_default()
    }

    /// Writes the refusal down, removes the bytes, answers with the report.
    async fn refuse(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        report: Report,
    ) -> Result<Ended, IntakeError> {
        let text = json(&report)?;
        let mut record = self.ended_record(header, "REFUSED", order.size, &order.sha256, &text);
        record.reason = view::refusal(&report).as_str().to_owned();
        self.parts.catalog.put_ended(&record).await?;
        fault::point("refusal.after");
        let submission = view::of_record(&record);
        Ok(Ended {
            verdict: Verdict { submission, report, receipt: None, unchanged: false },
            fate: Fate::Gone,
        })
    }

    pub(super) async fn make_visible(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        job: CommitJob,
    ) -> Result<Ended, IntakeError> {
        fault::point("commit.queued");
        let committed = self.parts.commits.commit(&header.pattern, job).await?;
        // The bytes of an earlier submission are kept already.
        let fate = if committed.id == header.id { Fate::Kept } else { Fate::Gone };
        Ok(Ended { verdict: self.verdict(header, order, committed).await?, fate })
    }

    async fn verdict(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        committed: Committed,
    ) -> Result<Verdict, IntakeError> {
        let report = parse(&committed.report)?;
        let submission = if committed.id == header.id {
            view::of_commit(header, order.size, &order.sha256, &committed)
        } else {
            self.parts.commits.projected(&header.pattern).await;
            let earlier = self.parts.catalog.submission(&committed.id).await?;
            let earlier = earlier.ok_or_else(|| IntakeError::unknown(&committed.id))?;
            view::of_record(&earlier)
        };
        let receipt = Some(self.signed(&committed.receipt)?);
        Ok(Verdict { submission, report, receipt, unchanged: committed.unchanged })
    }

    /// The verdict of a submission that has ended, for a sender that asks again.
    pub(super) async fn ended_verdict(
        &self,
        permit: &SubmissionsPermit,
        id: &str,
        told: Option<&str>,
    ) -> Result<Verdict, IntakeError> {
        let record = self.ended(permit, id).await?;
        if let Some(told) = told.filter(|told| !record.sha256.is_empty() && *told != record.sha256) {
            return Err(other_bytes(&record.sha256, told));
        }
        super::erased(&record)?;
        let submission = view::of_record(&record);
        if matches!(submission.state, SubmissionState::Abandoned | SubmissionState::Expired) {
            return Err(IntakeError::new(
                Reason::StateConflict,
                format!("submission `{id}` ended as {}; begin a new one", record.state),
            )
            .in_polish(format!(
                "przesyłka `{id}` skończyła się bez przyjęcia ({}); zacznij nową",
                record.state
            )));
        }
        let report = parse(&record.report)?;
        let receipt = (!record.receipt.is_empty()).then(|| self.signed(&record.receipt)).transpose()?;
        Ok(Verdict { submission, report, receipt, unchanged: false })
    }

    /// The verdict of what is committed under a request id; None while the catalogue lags behind the log.
    async fn earlier_commit(&self, caller: &str, request_id: &str) -> Result<Option<Verdict>, IntakeError> {
        self.parts.commits.caught_up().await;
        let record = self.parts.catalog.submission_by_request(caller, request_id).await?;
        let Some(record) = record.filter(|record| !record.receipt.is_empty()) else { return Ok(None) };
        let report = parse(&record.report)?;
        let receipt = Some(self.signed(&record.receipt)?);
        let submission = view::of_record(&record);
        Ok(Some(Verdict { submission, report, receipt, unchanged: false }))
    }

    /// The verdict that a request id already got for the same bytes. Other content under the same id is refused.
    pub(super) async fn earlier_verdict(
        &self,
        header: &SpoolHeader,
        sha256: &str,
    ) -> Result<Option<Verdict>, IntakeError> {
        let (caller, request_id) = (&header.caller, &header.request_id);
        let content = [sha256, &header.pattern, &header.publisher, &header.period];
        if let Some(earlier) = self.parts.commits.answered(caller, request_id) {
            let same = content == [&earlier.sha256, &earlier.pattern, &earlier.publisher, &earlier.period];
            return match (same, earlier.is_erased) {
                (false, _) => Err(reused(request_id)),
                // What it is compared with may be another since: the answer is the one that it got.
                (true, false) => self.earlier_commit(caller, request_id).await,
                // Before its bytes come in again.
                (true, true) => {
                    let message = "what this request brought was erased by the hub's operator; draw a new request id to send it anew";
                    Err(IntakeError::new(Reason::Erased, message))
                }
            };
        }
        let Some(earlier) = self.parts.catalog.ended_by_request(caller, request_id).await? else {
            return Ok(None);
        };
        let same = content == [&earlier.sha256, &earlier.dataset, &earlier.publisher, &earlier.period];
        match (same || earlier.sha256.is_empty(), earlier.state.as_str()) {
            (false, _) => Err(reused(request_id)),
            (true, "REFUSED") => {
                let report = parse(&earlier.report)?;
                let submission = view::of_record(&earlier);
                Ok(Some(Verdict { submission, report, receipt: None, unchanged: false }))
            }
            (true, _) => Ok(None),
        }
    }
}

fn ordered(header: &SpoolHeader) -> Result<&CommitOrder, IntakeError> {
    header.commit.as_ref().ok_or_else(|| {
        IntakeError::new(Reason::Internal, format!("submission `{}` runs without an order", header.id))
    })
}

/// The verdict on a payload whose sender must explain something first.
fn awaiting(submission: SubmissionView, report: Report) -> Verdict {
    let submission = SubmissionView {
        state: SubmissionState::Awaiting,
        reason: Some(Reason::ExplanationMissing),
        ..submission
    };
    Verdict { submission, report, receipt: None, unchanged: false }
}

fn refused(report: &Report, strict: bool) -> bool {
    let bar = if strict { Severity::Warn } else { Severity::Block };
    // What must be explained waits, and does not refuse.
    let refuses = |severity| severity >= bar && severity != Severity::MustExplain;
    report.counts.iter().any(|count| refuses(count.severity))
}

/// What the committer is asked to do.
pub(super) fn job(
    header: &SpoolHeader,
    order: &CommitOrder,
    pattern: &Pattern,
    period: &Period,
    outcome: Outcome,
    seq: i64,
) -> Result<CommitJob, IntakeError> {
    Ok(CommitJob {
        id: header.id.clone(),
        seq,
        caller: header.caller.clone(),
        request_id: header.request_id.clone(),
        publisher: header.publisher.clone(),
        publisher_name: String::new(),
        period: header.period.clone(),
        partition: period.partition(pattern),
        excludes: pattern.period.excludes(),
        media_type: header.media_type.clone(),
        size: order.size,
        sha256: order.sha256.clone(),
        rows: outcome.row_count,
        slices: outcome.slices,
        slice_facts: outcome.slice_facts,
        pattern: pattern.reference(),
        bundle_sha256: pattern.bundle_sha256.clone(),
        nothing_to_report: header.nothing_to_report,
        withdraws: None,
        created_at: header.created_at,
        report: json(&outcome.report)?,
        payload: outcome.rows,
        arriving: None,
        parent_revision: order.parent_revision,
        replace_all: order.replace_all,
        confirm_deletions: order.confirm_deletions,
    })
}

fn json(report: &Report) -> Result<String, IntakeError> {
    serde_json::to_string(report).map_err(|error| IntakeError::new(Reason::Internal, error.to_string()))
}

pub(super) fn parse(report: &str) -> Result<Report, IntakeError> {
    serde_json::from_str(report).map_err(|error| IntakeError::new(Reason::Internal, error.to_string()))
}
