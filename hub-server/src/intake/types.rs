//! What goes into the intake and what comes out of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_datasets::Report;
use hub_datasets::report::Explanation;
use hub_proto::Reason;

use crate::sign::SignedReceipt;

/// A submission as its sender announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewSubmission {
    /// Drawn by the sender; scoped to its organisation.
    pub(crate) request_id: String,
    /// Pattern id, `rb28s`.
    pub(crate) pattern: String,
    /// As sent, `2022-Q4`.
    pub(crate) period: String,
    pub(crate) media_type: String,
    /// Mapping profile; empty: the pattern's own columns.
    pub(crate) profile: String,
    /// Length and SHA-256 (hex), if the sender knows them.
    pub(crate) size: Option<u64>,
    pub(crate) sha256: Option<String>,
    pub(crate) nothing_to_report: bool,
}

/// What the sender decides when committing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommitOptions {
    pub(crate) validate_only: bool,
    /// The revision that the sender saw; None: whatever is current.
    pub(crate) parent_revision: Option<u64>,
    pub(crate) replace_all: bool,
    pub(crate) confirm_deletions: bool,
    /// Warnings block too.
    pub(crate) strict: bool,
    /// Of the whole payload, in hex, from who did not announce it.
    pub(crate) sha256: Option<String>,
    /// What the sender says to rules.
    pub(crate) explanations: Vec<Explanation>,
}

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubmissionState {
    Receiving,
    Checking,
    /// Its commit was refused for now: the sender must explain, confirm, or look at a newer revision.
    Awaiting,
    Refused,
    Committed,
    Superseded,
    /// Its publisher took it back.
    Withdrawn,
    Erased,
    Abandoned,
    Expired,
}

/// A submission as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SubmissionView {
    pub(crate) id: String,
    pub(crate) state: SubmissionState,
    pub(crate) pattern: String,
    pub(crate) publisher: String,
    pub(crate) period: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) durable_offset: u64,
    pub(crate) revision: u64,
    pub(crate) rows: u64,
    pub(crate) dataset_version: u64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) committed_at: Option<DateTime<Utc>>,
    pub(crate) carried: Vec<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) nothing_to_report: bool,
    /// The submission that it takes back.
    pub(crate) withdraws: Option<String>,
    pub(crate) request_id: String,
    /// Why it was refused.
    pub(crate) reason: Option<Reason>,
    /// When it was erased, and why.
    pub(crate) erasure: Option<(DateTime<Utc>, String)>,
    /// Findings of comparisons that came after the acceptance.
    pub(crate) late_findings: u64,
}

/// The answer to a commit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) submission: SubmissionView,
    pub(crate) report: Report,
    /// None unless committed.
    pub(crate) receipt: Option<SignedReceipt>,
    /// Every slice was already current from the same bytes.
    pub(crate) unchanged: bool,
}

/// A filter and cursor over submissions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListSubmissions {
    pub(crate) pattern: Option<String>,
    pub(crate) period: Option<String>,
    /// (created_at in microseconds, id) of the last one of the page before.
    pub(crate) after: Option<(i64, String)>,
    pub(crate) limit: u32,
}

impl ListSubmissions {
    /// Whether one of this period, and of this place in the order, belongs to it.
    pub(super) fn takes(&self, period: &str, (created_at, id): (i64, &str)) -> bool {
        self.period.as_ref().is_none_or(|wanted| wanted == period)
            && self.after.as_ref().is_none_or(|(at, last)| (created_at, id) < (*at, last))
    }
}

/// Bounds of the intake.
#[derive(Debug, Clone)]
pub(crate) struct IntakeLimits {
    /// Largest payload in bytes.
    pub(crate) payload_bytes: u64,
    /// Longest record of a CSV in bytes.
    pub(crate) record_bytes: usize,
    /// Bytes of a chunk that one thread decodes.
    pub(crate) chunk_bytes: usize,
    /// Threads that decode, check and encode one payload.
    pub(crate) threads: usize,
    /// Payloads that are checked at once.
    pub(crate) checks: usize,
    /// Submissions of one organisation that have no verdict yet.
    pub(crate) open_submissions: usize,
    /// How long a submission without commit is kept.
    pub(crate) receiving: Duration,
}
