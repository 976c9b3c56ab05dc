//! Submissions and verdicts between messages and the intake's types.

use chrono::{DateTime, Utc};
use hub_datasets::receipt::PublicKey;
use hub_datasets::report::Explanation;
use hub_proto::convert::time_to_wire;
use hub_proto::name::{Collection, is_uuid};
use hub_proto::{Reason, TypeConversionError, v1};

use crate::config::limits::EXPLANATIONS_MAX;
use crate::error::HubError;
use crate::intake::{CommitOptions, NewSubmission, SubmissionState, SubmissionView, Verdict};
use crate::sign::SignedReceipt;
use crate::telemetry;

pub(super) const CREATE: &str = "CreateSubmissionRequest";

/// Hex characters of a SHA-256.
const SHA256_CHARS: usize = 64;

/// Reads what a sender announces; `pattern` is the id that its name held.
pub(crate) fn new_submission(
    request: v1::CreateSubmissionRequest,
    pattern: &str,
) -> Result<NewSubmission, TypeConversionError> {
    let request_id = request_id(CREATE, &request.request_id)?;
    if request.period.is_empty() {
        return Err(TypeConversionError::missing(CREATE, "period"));
    }
    if request.media_type.is_empty() && !request.nothing_to_report {
        return Err(TypeConversionError::missing(CREATE, "media_type"));
    }
    Ok(NewSubmission {
        request_id,
        pattern: pattern.to_owned(),
        period: request.period,
        media_type: request.media_type,
        profile: request.profile,
        size: (request.size_bytes > 0).then_some(request.size_bytes),
        sha256: sha256(CREATE, request.sha256)?,
        nothing_to_report: request.nothing_to_report,
    })
}

/// The id that a sender drew for a deed.
pub(super) fn request_id(message: &'static str, text: &str) -> Result<String, TypeConversionError> {
    let id = text.to_ascii_lowercase();
    if id.is_empty() {
        return Err(TypeConversionError::missing(message, "request_id"));
    }
    if !is_uuid(&id) {
        let told = "it must be a UUID that the sender drew";
        return Err(TypeConversionError::invalid(message, "request_id", told));
    }
    Ok(id)
}

fn sha256(message: &'static str, text: String) -> Result<Option<String>, TypeConversionError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() != SHA256_CHARS || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(TypeConversionError::invalid(message, "sha256", "it must be 64 hexadecimal characters"));
    }
    Ok(Some(text.to_ascii_lowercase()))
}

/// Unset options are the defaults.
pub(crate) fn commit_options(
    options: Option<v1::CommitOptions>,
) -> Result<CommitOptions, TypeConversionError> {
    let options = options.unwrap_or_default();
    Ok(CommitOptions {
        validate_only: options.validate_only,
        parent_revision: options.parent_revision,
        replace_all: options.replace_all,
        confirm_deletions: options.confirm_deletions,
        strict: options.strict,
        sha256: sha256("CommitOptions", options.sha256)?,
        explanations: explanations(options.explanations)?,
    })
}

fn explanations(said: Vec<v1::Explanation>) -> Result<Vec<Explanation>, TypeConversionError> {
    let invalid = |what: String| TypeConversionError::invalid("CommitOptions", "explanations", what);
    if said.len() > EXPLANATIONS_MAX {
        return Err(invalid(format!("there are {}; at most {EXPLANATIONS_MAX} are taken", said.len())));
    }
    for v1::Explanation { rule, text } in &said {
        if rule.is_empty() || text.trim().is_empty() {
            return Err(invalid("each names a rule and says something".to_owned()));
        }
        if text.chars().count() > Explanation::TEXT_MAX {
            let most = Explanation::TEXT_MAX;
            return Err(invalid(format!("the one of `{rule}` is longer than {most} characters")));
        }
    }
    Ok(said.into_iter().map(Into::into).collect())
}

pub(crate) fn submission(view: SubmissionView) -> v1::Submission {
    v1::Submission {
        name: Collection::Submissions.name(&view.id),
        state: state(view.state).into(),
        pattern: Collection::Patterns.name(&view.pattern),
        publisher: Collection::Organisations.name(&view.publisher),
        period: view.period,
        media_type: view.media_type,
        size_bytes: view.size,
        sha256: view.sha256,
        durable_offset: view.durable_offset,
        revision: view.revision,
        rows: view.rows,
        dataset_version: view.dataset_version,
        create_time: Some(time_to_wire(view.created_at)),
        commit_time: view.committed_at.map(time_to_wire),
        carried_slices: view.carried,
        dropped_slices: view.dropped,
        nothing_to_report: view.nothing_to_report,
        withdraws: view.withdraws.map(|id| Collection::Submissions.name(&id)).unwrap_or_default(),
        request_id: view.request_id,
        reason: view.reason.map(Reason::as_str).unwrap_or_default().to_owned(),
        erasure: view.erasure.map(|(time, reason)| v1::Erasure { time: Some(time_to_wire(time)), reason }),
        late_findings: view.late_findings,
    }
}

fn state(state: SubmissionState) -> v1::SubmissionState {
    match state {
        SubmissionState::Receiving => v1::SubmissionState::Receiving,
        SubmissionState::Checking => v1::SubmissionState::Checking,
        SubmissionState::Awaiting => v1::SubmissionState::Awaiting,
        SubmissionState::Erased => v1::SubmissionState::Erased,
        SubmissionState::Refused => v1::SubmissionState::Refused,
        SubmissionState::Committed => v1::SubmissionState::Committed,
        SubmissionState::Superseded => v1::SubmissionState::Superseded,
        SubmissionState::Withdrawn => v1::SubmissionState::Withdrawn,
        SubmissionState::Abandoned => v1::SubmissionState::Abandoned,
        SubmissionState::Expired => v1::SubmissionState::Expired,
    }
}

pub(crate) fn receipt(signed: SignedReceipt, committed_at: Option<DateTime<Utc>>) -> v1::Receipt {
    v1::Receipt {
        canonical_json: signed.text,
        key_id: signed.key_id,
        signature: signed.signature.into(),
        commit_time: committed_at.map(time_to_wire),
    }
}

/// A key with its times.
pub(crate) fn receipt_key(key: &PublicKey) -> v1::ReceiptKey {
    let time = |seconds| DateTime::from_timestamp(seconds, 0).map(time_to_wire);
    v1::ReceiptKey {
        key_id: key.id.clone(),
        public_key: key.bytes.to_vec().into(),
        valid_from: time(key.validity.from),
        valid_to: key.validity.until.and_then(time),
        revoke_time: key.validity.revoked.and_then(time),
    }
}

pub(crate) fn verdict(verdict: Verdict) -> v1::CommitSubmissionResponse {
    let committed_at = verdict.submission.committed_at;
    v1::CommitSubmissionResponse {
        receipt: verdict.receipt.map(|signed| receipt(signed, committed_at)),
        submission: Some(submission(verdict.submission)),
        report: Some(verdict.report.into()),
        unchanged: verdict.unchanged,
    }
}

/// Id in the name of the submission that a call is about; the call's span takes it up.
pub(crate) fn submission_id(name: &str) -> Result<&str, HubError> {
    let id = Collection::Submissions.id(name)?;
    telemetry::of_submission(id);
    Ok(id)
}

#[cfg(test)]
mod tests;
