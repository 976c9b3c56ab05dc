//! What a publisher takes back: a submission is withdrawn, or sent again as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use hub_proto::Reason;

use super::anew::comparisons_in;
use super::examine::empty_report;
use super::job::Outcome;
use super::types::{CommitOptions, NewSubmission, Verdict};
use super::verdict::job;
use super::{Intake, IntakeError, erased};
use crate::catalog::SubmissionRecord;
use crate::commit::CommitJob;
use crate::permit::{PayloadPermit, PushPermit};
use crate::store::spool::{CommitOrder, SpoolHeader};

/// SHA-256 of no bytes.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A submission that its publisher takes back.
#[derive(Debug, Clone)]
pub(crate) struct Withdrawal {
    pub(crate) submission: String,
    /// Drawn by the sender, of this deed.
    pub(crate) request_id: String,
    /// Its rows may go.
    pub(crate) confirm_deletions: bool,
    /// The revision that the sender saw; None: whatever is current.
    pub(crate) parent_revision: Option<u64>,
}

impl Intake {
    /// Takes a submission back: a new revision without the slices that are current of it. What they were before does
    /// not come back by itself. The deed is a submission of its own, with a receipt.
    pub(crate) async fn withdraw(
        self: &Arc<Self>,
        permit: &PushPermit,
        withdrawal: Withdrawal,
    ) -> Result<Verdict, IntakeError> {
        let taken_back = self.committed(permit, &withdrawal.submission).await?;
        let pattern = self.pattern(permit.pattern())?;
        if let Some(table) = self.parts.commits.earlier_major(&pattern.id, &withdrawal.submission) {
            let (id, newest) = (&withdrawal.submission, pattern.reference());
            let message = format!(
                "submission `{id}` is of `{table}`, an earlier major version of its pattern: readers see only reports under `{newest}`, and only those can be taken back; send the report anew under `{newest}`"
            );
            let polish = format!(
                "przesyłka `{id}` jest według `{table}`, wcześniejszej głównej wersji wzoru; wycofać można tylko sprawozdania \
                 według `{newest}`, więc wyślij sprawozdanie jeszcze raz według `{newest}`"
            );
            return Err(IntakeError::new(Reason::StateConflict, message).in_polish(polish));
        }
        let period = self.period(&pattern, &taken_back.period, "submission")?;
        let new = NewSubmission {
            request_id: withdrawal.request_id,
            pattern: pattern.id.clone(),
            period: taken_back.period,
            media_type: String::new(),
            profile: String::new(),
            size: Some(0),
            sha256: None,
            nothing_to_report: false,
        };
        let order = CommitOrder {
            parent_revision: withdrawal.parent_revision,
            replace_all: false,
            confirm_deletions: withdrawal.confirm_deletions,
            strict: false,
            explanations: Vec::new(),
            seen_revision: None,
            recalled: false,
            size: 0,
            sha256: OF_NOTHING.to_owned(),
        };
        let header = SpoolHeader { commit: Some(order.clone()), ..self.header(permit, new) };
        let outcome = Outcome { carries: true, ..Outcome::without_rows(empty_report(&pattern)) };
        let later = comparisons_in(&outcome.report, &pattern);
        let seq = self.parts.commits.reserve_seq(&pattern.id);
        let job = job(&header, &order, &pattern, &period, outcome, seq)?;
        let withdraws = Some(withdrawal.submission);
        let publisher_name = self.publisher_name(&header.publisher);
        let job = CommitJob { withdraws: withdraws.clone(), publisher_name, ..job };
        let ended = self.make_visible(&header, &order, job).await?;
        let mut verdict = ended.verdict;
        if verdict.submission.id == header.id {
            verdict.submission.withdraws = withdraws;
            self.compared(&pattern, &header.publisher, &period, &header.id, (BTreeMap::new(), true, later));
        }
        Ok(verdict)
    }

    /// Sends a committed submission again, with the bytes that it was sent with: what it said is current again.
    pub(crate) async fn revert(
        self: &Arc<Self>,
        (permit, payloads): (&PushPermit, &PayloadPermit),
        id: &str,
        request_id: String,
        options: CommitOptions,
    ) -> Result<Verdict, IntakeError> {
        let record = self.committed(permit, id).await?;
        let new = NewSubmission {
            request_id,
            pattern: permit.pattern().to_owned(),
            period: record.period,
            media_type: record.media_type,
            profile: String::new(),
            size: Some(record.size),
            sha256: Some(record.sha256),
            nothing_to_report: record.nothing_to_report,
        };
        let mut push = self.begin_push(permit, new).await?;
        if !record.nothing_to_report {
            let mut original = self.original(payloads, id, 0).await?;
            while let Some(piece) = original.pieces.next().await {
                push.data(piece?.data).await?;
            }
        }
        push.commit(options).await
    }

    /// A committed submission of the permit's publisher and pattern, which still has its rows.
    async fn committed(&self, permit: &PushPermit, id: &str) -> Result<SubmissionRecord, IntakeError> {
        self.parts.commits.shown(id).await;
        let record = self.parts.catalog.submission(id).await?;
        let is_own = |record: &SubmissionRecord| {
            record.publisher == permit.publisher() && record.dataset == permit.pattern()
        };
        let conflict = |what: String, polish: String| {
            Err(IntakeError::new(Reason::StateConflict, what).in_polish(polish))
        };
        let Some(record) = record.filter(is_own) else {
            let open = self.parts.store.spool().header(id);
            let own =
                |open: &SpoolHeader| open.publisher == permit.publisher() && open.pattern == permit.pattern();
            return match open.filter(own) {
                Some(_) => conflict(
                    format!(
                        "submission `{id}` has no verdict yet; what was never committed is given up: `hub submissions abandon {id}`"
                    ),
                    format!(
                        "przesyłka `{id}` nie ma jeszcze wyniku; z nieprzyjętej rezygnuje się tak: `hub submissions abandon {id}`"
                    ),
                ),
                None => Err(IntakeError::unknown(id)),
            };
        };
        erased(&record)?;
        if record.receipt.is_empty() {
            return conflict(
                format!("submission `{id}` was not committed ({})", record.state),
                format!("przesyłki `{id}` nie przyjęto ({})", record.state),
            );
        }
        match &record.withdraws {
            Some(other) => conflict(
                format!(
                    "submission `{id}` withdrew `{other}` and sent no rows; to have these again revert to `{other}`"
                ),
                format!(
                    "przesyłka `{id}` wycofała `{other}` i nie przysłała wierszy; aby je odzyskać, wróć do `{other}`"
                ),
            ),
            None => Ok(record),
        }
    }
}
