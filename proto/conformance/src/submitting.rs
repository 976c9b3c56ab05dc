//! Promises about the way of a submission.

use hub_proto::Reason;
use hub_proto::v1::{
    AbandonSubmissionRequest, CommitOptions, CommitSubmissionRequest, CreateSubmissionRequest,
    GetReceiptRequest, GetReportRequest, GetSubmissionRequest, PushSubmissionResponse, Severity, Submission,
    SubmissionState,
};

use crate::check::{Broken, ensure, refused, same, set};
use crate::hub::{Hub, Who, announce, pieces};
use crate::payload::{self, UNITS};

/// Creates a submission as the publisher.
pub(crate) async fn created(hub: &Hub, request: CreateSubmissionRequest) -> Result<Submission, Broken> {
    let answer = hub.submissions(Who::Publisher)?.create_submission(request).await?.into_inner();
    set("submission", answer.submission)
}

async fn shown(hub: &Hub, name: &str) -> Result<Submission, Broken> {
    let request = GetSubmissionRequest { name: name.to_owned() };
    let answer = hub.submissions(Who::Publisher)?.get_submission(request).await?.into_inner();
    set("submission", answer.submission)
}

/// The receipt's text and the submission of an answer.
fn receipt_of(answer: &PushSubmissionResponse) -> Result<String, Broken> {
    Ok(set("receipt", answer.receipt.as_ref())?.canonical_json.clone())
}

pub(crate) async fn create_is_idempotent(hub: &Hub) -> Result<(), Broken> {
    let request = announce("2011-M02");
    let first = created(hub, request.clone()).await?;
    let again = created(hub, request).await?;
    same("the same request id", &again.name, &first.name)?;
    same("a new submission", first.state(), SubmissionState::Receiving)?;
    same("its durable bytes", first.durable_offset, 0)
}

pub(crate) async fn a_request_id_serves_one_content(hub: &Hub) -> Result<(), Broken> {
    let request = announce("2011-M03");
    created(hub, request.clone()).await?;
    let other = CreateSubmissionRequest { period: "2011-M04".to_owned(), ..request };
    let answer = hub.submissions(Who::Publisher)?.create_submission(other).await;
    refused("the same id for another period", answer, &[Reason::RequestIdReused])?;

    let request = announce("2011-M03");
    let (first, second) = (payload::valid(&UNITS[..1]), payload::valid(&UNITS[..1]));
    let options = Some(CommitOptions::default());
    hub.push(Who::Publisher, request.clone(), &first, options.clone()).await??;
    let answer = hub.push(Who::Publisher, request.clone(), &second, options.clone()).await?;
    refused("the same id with other bytes", answer, &[Reason::RequestIdReused])?;
    // Another organisation may have drawn the same id: ids are scoped to the caller.
    hub.push(Who::Other, request, &payload::valid(&UNITS[..1]), options).await??;
    Ok(())
}

pub(crate) async fn steps_lead_from_receiving_to_committed(hub: &Hub) -> Result<(), Broken> {
    let submission = created(hub, announce("2011-M05")).await?;
    let data = payload::valid(&UNITS);
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let mut submissions = hub.submissions(Who::Publisher)?;
    let messages = pieces(&submission.name, &data, 0, 64);
    let uploaded = submissions.upload_payload(tokio_stream::iter(messages)).await?.into_inner();
    same("the durable offset after all bytes", uploaded.durable_offset, length)?;
    let receiving = shown(hub, &submission.name).await?;
    same(
        "after the upload",
        (receiving.state(), receiving.durable_offset),
        (SubmissionState::Receiving, length),
    )?;
    let request = GetReceiptRequest { name: submission.name.clone() };
    refused("a receipt before the commit", submissions.get_receipt(request).await, &[Reason::StateConflict])?;

    let commit = CommitSubmissionRequest { submission: submission.name.clone(), options: None };
    let verdict = submissions.commit_submission(commit).await?.into_inner();
    let committed = set("submission", verdict.submission)?;
    same("after the commit", committed.state(), SubmissionState::Committed)?;
    ensure!(
        committed.revision >= 1 && committed.dataset_version >= 1,
        "no revision or version: {committed:?}"
    );
    same("its rows", committed.rows, 3 * payload::ROWS_PER_UNIT)?;
    same("its length", committed.size_bytes, length)?;
    same("read again", shown(hub, &submission.name).await?, committed)
}

pub(crate) async fn a_commit_again_gives_the_same_receipt(hub: &Hub) -> Result<(), Broken> {
    let answer = hub.committed("2011-M06", &payload::valid(&UNITS), CommitOptions::default()).await?;
    let name = set("submission", answer.submission.clone())?.name;
    let receipt = receipt_of(&answer)?;
    let mut submissions = hub.submissions(Who::Publisher)?;
    let got = submissions.get_receipt(GetReceiptRequest { name: name.clone() }).await?.into_inner();
    same("the receipt, read", &set("receipt", got.receipt)?.canonical_json, &receipt)?;
    let commit = CommitSubmissionRequest { submission: name, options: None };
    let again = submissions.commit_submission(commit).await?.into_inner();
    same("the receipt of a commit said twice", &set("receipt", again.receipt)?.canonical_json, &receipt)?;
    same("the submission of a commit said twice", again.submission, answer.submission)
}

pub(crate) async fn the_same_push_again_is_unchanged(hub: &Hub) -> Result<(), Broken> {
    let data = payload::valid(&UNITS);
    let request = announce("2011-M07");
    let options = Some(CommitOptions::default());
    let first = hub.push(Who::Publisher, request.clone(), &data, options.clone()).await??.into_inner();
    let same_id = hub.push(Who::Publisher, request, &data, options.clone()).await??.into_inner();
    same("the receipt for the same request id", receipt_of(&same_id)?, receipt_of(&first)?)?;
    let new_id = hub.push(Who::Publisher, announce("2011-M07"), &data, options.clone()).await??.into_inner();
    ensure!(new_id.unchanged, "the same bytes under a new request id made a new revision");
    same("the receipt for the same bytes", receipt_of(&new_id)?, receipt_of(&first)?)
}

pub(crate) async fn a_check_only_leaves_nothing(hub: &Hub) -> Result<(), Broken> {
    let before = hub.committed("2011-M08", &payload::valid(&UNITS), CommitOptions::default()).await?;
    let options = CommitOptions { validate_only: true, ..Default::default() };
    let data = payload::valid(&UNITS);
    let answer = hub.push(Who::Publisher, announce("2011-M08"), &data, Some(options)).await??.into_inner();
    let report = set("report", answer.report)?;
    same("rows read", report.rows_read, 3 * payload::ROWS_PER_UNIT)?;
    ensure!(answer.receipt.is_none(), "a check has no receipt");
    let after = hub.committed("2011-M08", &data, CommitOptions::default()).await?;
    let revision = |answer: PushSubmissionResponse| set("submission", answer.submission).map(|s| s.revision);
    same("the revision after a check between", revision(after)?, revision(before)? + 1)
}

pub(crate) async fn a_blocked_payload_has_a_report(hub: &Hub) -> Result<(), Broken> {
    let options = Some(CommitOptions::default());
    let answer =
        hub.push(Who::Publisher, announce("2011-M09"), &payload::blocked(), options).await??.into_inner();
    let refused_one = set("submission", answer.submission)?;
    same("the state", refused_one.state(), SubmissionState::Refused)?;
    same("the reason", refused_one.reason.as_str(), Reason::ReportBlocks.as_str())?;
    same("the revision", refused_one.revision, 0)?;
    ensure!(answer.receipt.is_none(), "what was refused has no receipt");
    let report = set("report", answer.report)?;
    let finding = set("a finding", report.violations.first())?;
    same("the finding's place", (finding.row, finding.column.as_str()), (3, "plan"))?;
    same("its severity", finding.severity(), Severity::Block)?;
    same("its value", finding.value.as_str(), "plenty")?;
    let message = set("its message", finding.message.clone())?;
    ensure!(!message.pl.is_empty() && !message.en.is_empty(), "a text lacks in a language: {message:?}");
    let request = GetReportRequest { name: refused_one.name };
    let again = hub.submissions(Who::Publisher)?.get_report(request).await?.into_inner();
    same("the report, read", set("report", again.report)?, report)
}

pub(crate) async fn lines_of_json_are_rows_as_those_of_csv(hub: &Hub) -> Result<(), Broken> {
    let lines =
        |period| CreateSubmissionRequest { media_type: payload::NDJSON.to_owned(), ..announce(period) };
    let options = Some(CommitOptions::default());
    let data = payload::ndjson(&payload::valid(&UNITS));
    let answer = hub.push(Who::Publisher, lines("2012-M08"), &data, options.clone()).await??.into_inner();
    let committed = set("submission", answer.submission)?;
    same("the state", committed.state(), SubmissionState::Committed)?;
    same("its rows", committed.rows, 3 * payload::ROWS_PER_UNIT)?;

    let data = payload::ndjson(&payload::blocked());
    let answer = hub.push(Who::Publisher, lines("2012-M09"), &data, options).await??.into_inner();
    let report = set("report", answer.report)?;
    let finding = set("a finding", report.violations.first())?;
    // The keys stand in each line, so that the first row is line 1.
    same("the finding's place", (finding.row, finding.column.as_str()), (2, "plan"))?;
    same("its value", finding.value.as_str(), "plenty")
}

pub(crate) async fn a_correction_supersedes_and_names_what_it_carries(hub: &Hub) -> Result<(), Broken> {
    let options = CommitOptions { replace_all: true, confirm_deletions: true, ..Default::default() };
    let first = set(
        "submission",
        hub.committed("2011-M10", &payload::valid(&UNITS), options.clone()).await?.submission,
    )?;
    let data = payload::valid(&UNITS[..1]);
    let second = hub.committed("2011-M10", &data, CommitOptions::default()).await?;
    let second = set("submission", second.submission)?;
    same("the revision", second.revision, first.revision + 1)?;
    same("what it carries", &second.carried_slices, &UNITS[1..].iter().map(|u| (*u).to_owned()).collect())?;
    same("the first, half current", shown(hub, &first.name).await?.state(), SubmissionState::Committed)?;
    let answer = hub
        .push(
            Who::Publisher,
            announce("2011-M10"),
            &payload::valid(&UNITS[..1]),
            Some(CommitOptions { replace_all: true, ..Default::default() }),
        )
        .await?;
    refused("dropping rows without a word", answer, &[Reason::DeletionUnconfirmed])?;
    let third = hub.committed("2011-M10", &payload::valid(&UNITS[..1]), options).await?;
    let third = set("submission", third.submission)?;
    same("what it drops", &third.dropped_slices, &UNITS[1..].iter().map(|u| (*u).to_owned()).collect())?;
    same("the first, not current", shown(hub, &first.name).await?.state(), SubmissionState::Superseded)
}

pub(crate) async fn a_moved_revision_aborts(hub: &Hub) -> Result<(), Broken> {
    let period = "2011-M11";
    let seen = hub.committed(period, &payload::valid(&UNITS), CommitOptions::default()).await?;
    let seen = set("submission", seen.submission)?.revision;
    let on_seen = CommitOptions { parent_revision: Some(seen), ..Default::default() };
    hub.committed(period, &payload::valid(&UNITS), on_seen.clone()).await?;
    let answer = hub.push(Who::Publisher, announce(period), &payload::valid(&UNITS), Some(on_seen)).await?;
    refused("a correction of what was corrected since", answer, &[Reason::RevisionMoved])?;
    Ok(())
}

pub(crate) async fn nothing_to_report_needs_a_word_when_it_deletes(hub: &Hub) -> Result<(), Broken> {
    let period = "2011-M12";
    hub.committed(period, &payload::valid(&UNITS), CommitOptions::default()).await?;
    let nothing = || CreateSubmissionRequest { nothing_to_report: true, ..announce(period) };
    let answer = hub.push(Who::Publisher, nothing(), b"", Some(CommitOptions::default())).await?;
    refused("nothing to report over rows", answer, &[Reason::DeletionUnconfirmed])?;
    let confirmed = CommitOptions { confirm_deletions: true, ..Default::default() };
    let answer = hub.push(Who::Publisher, nothing(), b"", Some(confirmed)).await??.into_inner();
    let submission = set("submission", answer.submission)?;
    same("its state and rows", (submission.state(), submission.rows), (SubmissionState::Committed, 0))?;
    let empty =
        hub.push(Who::Publisher, announce(period), b"", Some(CommitOptions::default())).await??.into_inner();
    let empty = set("submission", empty.submission)?;
    let refusal = (SubmissionState::Refused, Reason::PayloadEmpty.as_str());
    same("an empty payload", (empty.state(), empty.reason.as_str()), refusal)
}

pub(crate) async fn an_abandoned_submission_takes_no_bytes(hub: &Hub) -> Result<(), Broken> {
    let submission = created(hub, announce("2012-M01")).await?;
    let mut submissions = hub.submissions(Who::Publisher)?;
    let request = AbandonSubmissionRequest { name: submission.name.clone() };
    let abandoned = submissions.abandon_submission(request.clone()).await?.into_inner();
    same("its state", set("submission", abandoned.submission)?.state(), SubmissionState::Abandoned)?;
    let messages = pieces(&submission.name, b"x", 0, 1);
    let reasons = [Reason::StateConflict, Reason::SubmissionUnknown];
    refused("an upload", submissions.upload_payload(tokio_stream::iter(messages)).await, &reasons)?;
    let commit = CommitSubmissionRequest { submission: submission.name, options: None };
    refused("a commit", submissions.commit_submission(commit).await, &reasons)?;

    let committed = hub.committed("2012-M01", &payload::valid(&UNITS), CommitOptions::default()).await?;
    let name = set("submission", committed.submission)?.name;
    let answer = submissions.abandon_submission(AbandonSubmissionRequest { name }).await;
    refused("abandoning what is committed", answer, &[Reason::StateConflict])?;
    Ok(())
}
