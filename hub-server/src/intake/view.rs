//! Submissions as they are shown: unfinished ones from the spool, ended ones from the catalogue,
//! fresh commits from the head of the projection.

use chrono::{DateTime, Utc};
use hub_datasets::Report;
use hub_datasets::report::Code;
use hub_proto::Reason;

use super::types::{SubmissionState, SubmissionView};
use crate::catalog::SubmissionRecord;
use crate::commit::Committed;
use crate::store::spool::SpoolHeader;

pub(super) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// An unfinished submission.
pub(super) fn of_spool(header: &SpoolHeader, offset: u64, state: SubmissionState) -> SubmissionView {
    let order = header.commit.as_ref();
    SubmissionView {
        id: header.id.clone(),
        state,
        pattern: header.pattern.clone(),
        publisher: header.publisher.clone(),
        period: header.period.clone(),
        media_type: header.media_type.clone(),
        size: order.map(|o| o.size).or(header.declared_size).unwrap_or(0),
        sha256: order
            .map(|o| o.sha256.clone())
            .or_else(|| header.declared_sha256.clone())
            .unwrap_or_default(),
        durable_offset: offset,
        revision: 0,
        rows: 0,
        dataset_version: 0,
        created_at: moment(header.created_at),
        committed_at: None,
        carried: Vec::new(),
        dropped: Vec::new(),
        nothing_to_report: header.nothing_to_report,
        withdraws: None,
        request_id: header.request_id.clone(),
        reason: None,
        erasure: None,
        late_findings: 0,
    }
}

/// The submission of a header, just committed.
pub(super) fn of_commit(
    header: &SpoolHeader,
    size: u64,
    sha256: &str,
    committed: &Committed,
) -> SubmissionView {
    SubmissionView {
        id: committed.id.clone(),
        state: SubmissionState::Committed,
        size,
        sha256: sha256.to_owned(),
        durable_offset: size,
        revision: committed.revision,
        rows: committed.rows,
        dataset_version: committed.dataset_version,
        committed_at: Some(committed.committed_at),
        carried: committed.carried.clone(),
        dropped: committed.dropped.clone(),
        ..of_spool(header, size, SubmissionState::Committed)
    }
}

/// An ended submission.
pub(super) fn of_record(record: &SubmissionRecord) -> SubmissionView {
    let state = state(&record.state);
    let ended = matches!(
        state,
        SubmissionState::Committed
            | SubmissionState::Superseded
            | SubmissionState::Withdrawn
            | SubmissionState::Erased
    );
    SubmissionView {
        id: record.id.clone(),
        state,
        pattern: record.dataset.clone(),
        publisher: record.publisher.clone(),
        period: record.period.clone(),
        media_type: record.media_type.clone(),
        size: record.size,
        sha256: record.sha256.clone(),
        durable_offset: record.size,
        revision: record.revision,
        rows: record.rows,
        dataset_version: record.dataset_version,
        created_at: record.created_at,
        committed_at: ended.then_some(record.ended_at),
        carried: record.carried.clone(),
        dropped: record.dropped.clone(),
        nothing_to_report: record.nothing_to_report,
        withdraws: record.withdraws.clone(),
        request_id: record.request_id.clone(),
        reason: Reason::ALL.iter().copied().find(|reason| reason.as_str() == record.reason),
        erasure: record.erased.as_ref().map(|erased| (erased.at, erased.reason.clone())),
        late_findings: 0,
    }
}

fn state(name: &str) -> SubmissionState {
    match name {
        "COMMITTED" => SubmissionState::Committed,
        "SUPERSEDED" => SubmissionState::Superseded,
        "WITHDRAWN" => SubmissionState::Withdrawn,
        "ERASED" => SubmissionState::Erased,
        "REFUSED" => SubmissionState::Refused,
        "EXPIRED" => SubmissionState::Expired,
        _ => SubmissionState::Abandoned,
    }
}

/// The one reason that tells most about a report that blocks.
pub(super) fn refusal(report: &Report) -> Reason {
    let has = |codes: &[Code]| report.counts.iter().any(|count| codes.contains(&count.code));
    if has(&[Code::EmptyFile]) {
        Reason::PayloadEmpty
    } else if has(&[
        Code::EncodingInvalid,
        Code::NulByte,
        Code::LineTooLong,
        Code::QuoteUnclosed,
        Code::PayloadUnreadable,
        Code::EncodingAmbiguous,
        Code::FormatMismatch,
        Code::SheetAmbiguous,
    ]) {
        Reason::PayloadUnreadable
    } else if has(&[Code::PeriodMismatch]) {
        Reason::PeriodMismatch
    } else if has(&[Code::PublisherMismatch]) {
        Reason::PublisherMismatch
    } else {
        Reason::ReportBlocks
    }
}
