//! Messages of the `.proto` as JSON, and back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat};
use hub_datasets::Report;

use super::{
    CommitOptions, Coverage, DatasetVersion, Erasure, Explanation, NewSubmission, ReadSession, Receipt,
    RevisionBehind, RevisionChange, RevisionsBehind, Submission, Submissions, Verdict, Warning, WatchEvent,
};
use crate::TypeConversionError;
use crate::convert::{Timestamp, time_to_wire};
use crate::name::Collection;
use crate::v1;

const STATE_PREFIX: &str = "SUBMISSION_STATE_";

pub(super) fn moment(time: Timestamp) -> String {
    let nanos = u32::try_from(time.nanos).unwrap_or_default();
    let moment = DateTime::from_timestamp(time.seconds, nanos).unwrap_or_default();
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(super) fn time(
    message: &'static str,
    field: &'static str,
    text: &str,
) -> Result<Timestamp, TypeConversionError> {
    let moment = DateTime::parse_from_rfc3339(text)
        .map_err(|error| TypeConversionError::invalid(message, field, format!("`{text}`: {error}")))?;
    Ok(time_to_wire(moment.to_utc()))
}

/// The id in a name of ours.
pub(super) fn id(name: &str) -> String {
    name.split_once('/').map_or(name, |(_, id)| id).to_owned()
}

/// The name of an id; nothing stays nothing.
pub(super) fn name(collection: Collection, id: &str) -> String {
    if id.is_empty() { String::new() } else { collection.name(id) }
}

impl From<v1::Submission> for Submission {
    fn from(s: v1::Submission) -> Self {
        Self {
            id: id(&s.name),
            state: s.state().as_str_name().trim_start_matches(STATE_PREFIX).to_owned(),
            pattern: id(&s.pattern),
            publisher: id(&s.publisher),
            period: s.period,
            media_type: s.media_type,
            size_bytes: s.size_bytes,
            sha256: s.sha256,
            durable_offset: s.durable_offset,
            revision: s.revision,
            rows: s.rows,
            dataset_version: s.dataset_version,
            create_time: s.create_time.map(moment).unwrap_or_default(),
            commit_time: s.commit_time.map(moment),
            carried_slices: s.carried_slices,
            dropped_slices: s.dropped_slices,
            nothing_to_report: s.nothing_to_report,
            request_id: s.request_id,
            reason: s.reason,
            erasure: s
                .erasure
                .map(|e| Erasure { time: e.time.map(moment).unwrap_or_default(), reason: e.reason }),
            late_findings: s.late_findings,
            withdraws: (!s.withdraws.is_empty()).then(|| id(&s.withdraws)),
        }
    }
}

impl TryFrom<Submission> for v1::Submission {
    type Error = TypeConversionError;

    fn try_from(s: Submission) -> Result<Self, TypeConversionError> {
        const MESSAGE: &str = "Submission";
        let state = v1::SubmissionState::from_str_name(&format!("{STATE_PREFIX}{}", s.state));
        Ok(Self {
            // A state that is newer than this contract is none that it knows.
            state: state.unwrap_or_default().into(),
            name: name(Collection::Submissions, &s.id),
            pattern: name(Collection::Patterns, &s.pattern),
            publisher: name(Collection::Organisations, &s.publisher),
            period: s.period,
            media_type: s.media_type,
            size_bytes: s.size_bytes,
            sha256: s.sha256,
            durable_offset: s.durable_offset,
            revision: s.revision,
            rows: s.rows,
            dataset_version: s.dataset_version,
            create_time: Some(time(MESSAGE, "create_time", &s.create_time)?),
            commit_time: s.commit_time.map(|text| time(MESSAGE, "commit_time", &text)).transpose()?,
            carried_slices: s.carried_slices,
            dropped_slices: s.dropped_slices,
            nothing_to_report: s.nothing_to_report,
            request_id: s.request_id,
            reason: s.reason,
            erasure: match s.erasure {
                Some(e) => {
                    Some(v1::Erasure { time: Some(time(MESSAGE, "erasure", &e.time)?), reason: e.reason })
                }
                None => None,
            },
            late_findings: s.late_findings,
            withdraws: name(Collection::Submissions, &s.withdraws.unwrap_or_default()),
        })
    }
}

impl From<v1::Receipt> for Receipt {
    fn from(r: v1::Receipt) -> Self {
        Self {
            canonical_json: r.canonical_json,
            key_id: r.key_id,
            signature: URL_SAFE_NO_PAD.encode(&r.signature),
            commit_time: r.commit_time.map(moment),
        }
    }
}

impl TryFrom<Receipt> for v1::Receipt {
    type Error = TypeConversionError;

    fn try_from(r: Receipt) -> Result<Self, TypeConversionError> {
        const MESSAGE: &str = "Receipt";
        let signature = URL_SAFE_NO_PAD
            .decode(&r.signature)
            .map_err(|error| TypeConversionError::invalid(MESSAGE, "signature", error.to_string()))?;
        Ok(Self {
            canonical_json: r.canonical_json,
            key_id: r.key_id,
            signature: signature.into(),
            commit_time: r.commit_time.map(|text| time(MESSAGE, "commit_time", &text)).transpose()?,
        })
    }
}

impl TryFrom<v1::CommitSubmissionResponse> for Verdict {
    type Error = TypeConversionError;

    fn try_from(v: v1::CommitSubmissionResponse) -> Result<Self, TypeConversionError> {
        let missing = || TypeConversionError::missing("CommitSubmissionResponse", "submission");
        Ok(Self {
            submission: v.submission.ok_or_else(missing)?.into(),
            report: v.report.map(Report::try_from).transpose()?,
            receipt: v.receipt.map(Into::into),
            unchanged: v.unchanged,
        })
    }
}

impl TryFrom<Verdict> for v1::CommitSubmissionResponse {
    type Error = TypeConversionError;

    fn try_from(v: Verdict) -> Result<Self, TypeConversionError> {
        Ok(Self {
            submission: Some(v.submission.try_into()?),
            report: v.report.map(Into::into),
            receipt: v.receipt.map(TryInto::try_into).transpose()?,
            unchanged: v.unchanged,
        })
    }
}

impl From<v1::ReadSession> for ReadSession {
    fn from(s: v1::ReadSession) -> Self {
        Self {
            session: id(&s.name),
            version: s.version.map(Into::into),
            columns: s.columns,
            estimated_rows: s.estimated_rows,
            streams: s.streams.into(),
            cursor: s.cursor,
        }
    }
}

impl From<v1::WatchDatasetsResponse> for WatchEvent {
    fn from(told: v1::WatchDatasetsResponse) -> Self {
        let version = told.version.unwrap_or_default();
        Self {
            dataset: id(&version.dataset),
            version: version.version,
            commit_time: version.commit_time.map(moment),
            revisions: told.revisions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<v1::RevisionChange> for RevisionChange {
    fn from(change: v1::RevisionChange) -> Self {
        Self {
            kind: change.kind().as_str_name().trim_start_matches("REVISION_CHANGE_KIND_").to_owned(),
            submission: id(&change.submission),
            publisher: id(&change.publisher),
            period: change.period,
            revision: change.revision,
            withdraws: (!change.withdraws.is_empty()).then(|| id(&change.withdraws)),
        }
    }
}

impl From<v1::DatasetVersionRef> for DatasetVersion {
    fn from(v: v1::DatasetVersionRef) -> Self {
        Self {
            dataset: id(&v.dataset),
            version: v.version,
            commit_time: v.commit_time.map(moment),
            coverage: v.coverage.map(|c| Coverage {
                units_reporting: c.units_reporting,
                units_expected: c.units_expected,
                expected_source: c.expected_source,
            }),
        }
    }
}

impl TryFrom<DatasetVersion> for v1::DatasetVersionRef {
    type Error = TypeConversionError;

    fn try_from(v: DatasetVersion) -> Result<Self, TypeConversionError> {
        Ok(Self {
            dataset: name(Collection::Datasets, &v.dataset),
            version: v.version,
            commit_time: v
                .commit_time
                .map(|text| time("DatasetVersionRef", "commit_time", &text))
                .transpose()?,
            coverage: v.coverage.map(|c| v1::Coverage {
                units_reporting: c.units_reporting,
                units_expected: c.units_expected,
                expected_source: c.expected_source,
            }),
        })
    }
}

impl From<v1::Warning> for Warning {
    fn from(w: v1::Warning) -> Self {
        Self {
            code: w.code,
            dataset: id(&w.dataset),
            column: w.column,
            message: w.message.unwrap_or_default().into(),
            hint: w.hint.unwrap_or_default().into(),
        }
    }
}

impl From<Warning> for v1::Warning {
    fn from(w: Warning) -> Self {
        Self {
            code: w.code,
            dataset: name(Collection::Datasets, &w.dataset),
            column: w.column,
            message: Some(w.message.into()),
            hint: Some(w.hint.into()),
        }
    }
}

impl From<v1::ListSubmissionsResponse> for Submissions {
    fn from(list: v1::ListSubmissionsResponse) -> Self {
        Self {
            submissions: list.submissions.into_iter().map(Into::into).collect(),
            next_page_token: list.next_page_token,
        }
    }
}

impl From<NewSubmission> for v1::CreateSubmissionRequest {
    fn from(new: NewSubmission) -> Self {
        Self {
            request_id: new.request_id,
            pattern: name(Collection::Patterns, &new.pattern),
            publisher: name(Collection::Organisations, &new.publisher),
            period: new.period,
            media_type: new.media_type,
            profile: String::new(),
            size_bytes: new.size_bytes,
            sha256: new.sha256,
            nothing_to_report: new.nothing_to_report,
        }
    }
}

impl From<v1::CreateSubmissionRequest> for NewSubmission {
    fn from(new: v1::CreateSubmissionRequest) -> Self {
        Self {
            request_id: new.request_id,
            pattern: id(&new.pattern),
            publisher: id(&new.publisher),
            period: new.period,
            media_type: new.media_type,
            size_bytes: new.size_bytes,
            sha256: new.sha256,
            nothing_to_report: new.nothing_to_report,
        }
    }
}

impl From<CommitOptions> for v1::CommitOptions {
    fn from(options: CommitOptions) -> Self {
        Self {
            validate_only: options.validate_only,
            parent_revision: options.parent_revision,
            replace_all: options.replace_all,
            confirm_deletions: options.confirm_deletions,
            strict: options.strict,
            sha256: options.sha256,
            explanations: options.explanations.into_iter().map(wire_explanation).collect(),
        }
    }
}

impl From<v1::CommitOptions> for CommitOptions {
    fn from(options: v1::CommitOptions) -> Self {
        Self {
            validate_only: options.validate_only,
            parent_revision: options.parent_revision,
            replace_all: options.replace_all,
            confirm_deletions: options.confirm_deletions,
            strict: options.strict,
            sha256: options.sha256,
            explanations: options.explanations.into_iter().map(explanation).collect(),
        }
    }
}

fn wire_explanation(Explanation { rule, text }: Explanation) -> v1::Explanation {
    v1::Explanation { rule, text }
}

fn explanation(v1::Explanation { rule, text }: v1::Explanation) -> Explanation {
    Explanation { rule, text }
}
impl From<v1::ListRevisionsBehindResponse> for RevisionsBehind {
    fn from(list: v1::ListRevisionsBehindResponse) -> Self {
        Self {
            revisions: list.revisions.into_iter().map(Into::into).collect(),
            next_page_token: list.next_page_token,
            versions: list.versions.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<RevisionsBehind> for v1::ListRevisionsBehindResponse {
    type Error = TypeConversionError;

    fn try_from(list: RevisionsBehind) -> Result<Self, TypeConversionError> {
        Ok(Self {
            revisions: list.revisions.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            next_page_token: list.next_page_token,
            versions: list.versions.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<v1::RevisionBehind> for RevisionBehind {
    fn from(revision: v1::RevisionBehind) -> Self {
        Self {
            dataset: id(&revision.dataset),
            submission: id(&revision.submission),
            publisher: id(&revision.publisher),
            period: revision.period,
            revision: revision.revision,
            commit_time: revision.commit_time.map(moment),
        }
    }
}

impl TryFrom<RevisionBehind> for v1::RevisionBehind {
    type Error = TypeConversionError;

    fn try_from(revision: RevisionBehind) -> Result<Self, TypeConversionError> {
        let of = |text: &String| time("RevisionBehind", "commit_time", text);
        Ok(Self {
            dataset: name(Collection::Datasets, &revision.dataset),
            submission: name(Collection::Submissions, &revision.submission),
            publisher: name(Collection::Organisations, &revision.publisher),
            period: revision.period,
            revision: revision.revision,
            commit_time: revision.commit_time.as_ref().map(of).transpose()?,
        })
    }
}
