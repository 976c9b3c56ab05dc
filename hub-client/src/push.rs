//! Push: one payload for one pattern, publisher and period, up to the verdict.

mod held;
mod pace;
mod payload;
mod resumable;
mod small;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hub_datasets::report::Explanation;
use hub_datasets::{MediaType, Settings};
use hub_proto::v1::{self, SubmissionState};
use uuid::Uuid;

use crate::client::{Client, by_either};
use crate::error::{ClientError, Deed};
use crate::names;

pub(crate) use held::unless_wanted;
pub(crate) use pace::Pace;
pub use payload::{Digest, digest_of, identity_of};
pub(crate) use payload::{bytes_of, packed, piece_of};
pub use resumable::Proposed;

/// Payloads up to this size go in one stream and one round trip; larger ones can be resumed.
pub const SMALL_PAYLOAD_MAX: u64 = 1 << 20;

/// Where the bytes of a payload are.
#[derive(Debug, Clone)]
pub enum Payload {
    /// In a file, which must not change until the verdict.
    File(PathBuf),
    /// In memory.
    Bytes(Bytes),
    /// The publisher has nothing to report for the period.
    NothingToReport,
}

/// What the sender decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// Check on the hub only; nothing becomes visible and nothing is kept.
    pub validate_only: bool,
    /// Warnings block too.
    pub strict: bool,
    /// Drop slices of the earlier revision that the payload lacks.
    pub replace_all: bool,
    /// Agree to the loss of rows that this would drop.
    pub confirm_deletions: bool,
    /// The current revision that the sender saw.
    pub parent_revision: Option<u64>,
    /// What the sender says to rules that must be explained.
    pub explanations: Vec<Explanation>,
}

/// One push.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// As `rb28s`.
    pub pattern: String,
    /// As `gmina-100201`; none: the caller's own organisation.
    pub publisher: Option<String>,
    /// As `2022-Q4`.
    pub period: String,
    /// Format of the payload.
    pub media_type: MediaType,
    /// What the sender says of the file; it goes with the media type.
    pub settings: Settings,
    /// The bytes.
    pub payload: Payload,
    /// Length and SHA-256 of the payload when already known; otherwise they are made while it is sent.
    pub digest: Option<Digest>,
    /// A UUID by which the hub knows a repeated request; drawn when none is given.
    pub request_id: Option<String>,
    /// What the sender decides.
    pub options: PushOptions,
}

impl PushRequest {
    /// A CSV file of the caller's own organisation.
    pub fn csv(pattern: impl Into<String>, period: impl Into<String>, payload: Payload) -> Self {
        Self {
            pattern: pattern.into(),
            publisher: None,
            period: period.into(),
            media_type: MediaType::Csv,
            settings: Settings::default(),
            payload,
            digest: None,
            request_id: None,
            options: PushOptions::default(),
        }
    }

    pub(crate) fn create(&self, digest: &Digest) -> v1::CreateSubmissionRequest {
        v1::CreateSubmissionRequest {
            request_id: self.request_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string()),
            pattern: names::pattern(&self.pattern),
            publisher: self.publisher.as_deref().map(names::organisation).unwrap_or_default(),
            period: self.period.clone(),
            media_type: self.settings.on(self.media_type),
            profile: String::new(),
            size_bytes: digest.size,
            sha256: digest.sha256.clone(),
            nothing_to_report: matches!(self.payload, Payload::NothingToReport),
        }
    }

    pub(crate) fn commit(&self) -> v1::CommitOptions {
        self.options.wire()
    }
}

impl PushOptions {
    pub(crate) fn wire(&self) -> v1::CommitOptions {
        v1::CommitOptions {
            validate_only: self.validate_only,
            parent_revision: self.parent_revision,
            replace_all: self.replace_all,
            confirm_deletions: self.confirm_deletions,
            strict: self.strict,
            sha256: String::new(),
            explanations: self.explanations.iter().cloned().map(Into::into).collect(),
        }
    }
}

/// What became of a push.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The submission with its state, revision and dataset version.
    pub submission: v1::Submission,
    /// What the check found.
    pub report: Option<v1::Report>,
    /// The receipt (UPO), when committed.
    pub receipt: Option<v1::Receipt>,
    /// True when the same bytes were current already: the receipt is the earlier one.
    pub unchanged: bool,
}

impl Verdict {
    /// True when the report blocked the commit.
    pub fn is_refused(&self) -> bool {
        self.submission.state() == SubmissionState::Refused
    }

    pub(crate) fn of(
        submission: Option<v1::Submission>,
        rest: (Option<v1::Report>, Option<v1::Receipt>, bool),
    ) -> Option<Self> {
        let (report, receipt, unchanged) = rest;
        submission.map(|submission| Self { submission, report, receipt, unchanged })
    }
}

/// Called with (bytes that the hub has or that are on their way, all bytes).
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

impl Client {
    /// Pushes a payload and waits for the verdict. Everything is repeated or resumed while there is
    /// no connection; with the same `request_id` it may be called again after a failure.
    pub async fn push(
        &self,
        request: &PushRequest,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        let request = with_request_id(request);
        let held = self.held(&request).await?;
        by_either!(self, self.push_by_grpc(&request, held.as_ref(), progress.clone()).await, |https| {
            https.push(&request, held.as_ref(), progress).await
        })
    }

    async fn push_by_grpc(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        if let Some(bytes) = small::in_memory(&request.payload).await? {
            if let Some(verdict) = self.push_unsent(request, held).await? {
                return Ok(verdict);
            }
            if let Some(verdict) = self.push_small(request, bytes).await? {
                return Ok(verdict);
            }
        }
        self.push_resumable(request, held, progress).await
    }

    /// A refusal by the report comes as a status or as an answer; callers see one verdict.
    async fn refused_by_report(
        &self,
        error: ClientError,
        name: Option<&str>,
    ) -> Result<Verdict, ClientError> {
        let ClientError::Refused(refusal) = &error else { return Err(error) };
        if refusal.reason != Some(hub_proto::Reason::ReportBlocks) {
            return Err(error);
        }
        let Some(name) = name.or_else(|| refusal.metadata.get("submission").map(String::as_str)) else {
            return Err(error);
        };
        let report = self.report(name).await?;
        let submission = self.submission(name).await?;
        Ok(Verdict { submission, report: Some(report), receipt: None, unchanged: false })
    }
}

/// Repeating a call is safe only under one and the same id.
fn with_request_id(request: &PushRequest) -> PushRequest {
    let mut request = request.clone();
    request.request_id.get_or_insert_with(|| Uuid::new_v4().to_string());
    request
}

fn read_error(path: &std::path::Path, source: std::io::Error) -> ClientError {
    ClientError::file(Deed::Read, path, source)
}
