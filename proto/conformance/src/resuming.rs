//! Promises about cut lines.

use hub_proto::Reason;
use hub_proto::status::fact_of;
use hub_proto::v1::{
    CommitOptions, CommitSubmissionRequest, CreateSubmissionRequest, GetSubmissionRequest,
    ListSubmissionsRequest, SubmissionState,
};
use tokio_stream::StreamExt as _;

use crate::check::{Broken, ensure, refused, same, set};
use crate::hub::{Hub, Who, announce, pieces};
use crate::payload::{self, UNITS};
use crate::submitting::created;

pub(crate) async fn a_cut_upload_resumes_at_the_durable_offset(hub: &Hub) -> Result<(), Broken> {
    let submission = created(hub, announce("2013-M01")).await?;
    let data = payload::valid(&UNITS);
    let mut submissions = hub.submissions(Who::Publisher)?;
    // Two pieces, then silence until the call is dropped as a broken line would drop it.
    let sent = pieces(&submission.name, &data, 0, 64).into_iter().take(2);
    let (gone, cut) = tokio::sync::oneshot::channel::<()>();
    let never = futures::stream::once(async move {
        drop(gone);
        std::future::pending().await
    });
    let call = submissions.upload_payload(tokio_stream::iter(sent).chain(never));
    tokio::select! {
        answer = call => return Err(Broken(format!("an open stream was answered: {answer:?}"))),
        // The pieces were handed to the transport once the silence is polled.
        _ = cut => {}
    }
    let request = GetSubmissionRequest { name: submission.name.clone() };
    let shown = submissions.get_submission(request).await?.into_inner();
    let offset = usize::try_from(set("submission", shown.submission)?.durable_offset).unwrap_or(usize::MAX);
    ensure!(offset <= 128, "{offset} bytes are durable, sent were 128");
    let rest = pieces(&submission.name, &data, offset, 64);
    let answer = submissions.upload_payload(tokio_stream::iter(rest)).await?.into_inner();
    same(
        "the durable offset after the rest",
        answer.durable_offset,
        u64::try_from(data.len()).unwrap_or(u64::MAX),
    )?;
    let commit = CommitSubmissionRequest { submission: submission.name, options: None };
    let verdict = submissions.commit_submission(commit).await?.into_inner();
    let committed = set("submission", verdict.submission)?;
    same("its state", committed.state(), SubmissionState::Committed)?;
    same("its rows", committed.rows, 3 * payload::ROWS_PER_UNIT)
}

pub(crate) async fn known_bytes_may_be_repeated(hub: &Hub) -> Result<(), Broken> {
    let submission = created(hub, announce("2013-M02")).await?;
    let data = payload::valid(&UNITS);
    let mut submissions = hub.submissions(Who::Publisher)?;
    for until in [100, data.len()] {
        let part = data.get(..until).unwrap_or(&data);
        let messages = pieces(&submission.name, part, 0, 64);
        let answer = submissions.upload_payload(tokio_stream::iter(messages)).await?.into_inner();
        same("the durable offset", answer.durable_offset, u64::try_from(until).unwrap_or(u64::MAX))?;
    }
    let commit = CommitSubmissionRequest { submission: submission.name, options: None };
    let verdict = submissions.commit_submission(commit).await?.into_inner();
    same("its rows", set("submission", verdict.submission)?.rows, 3 * payload::ROWS_PER_UNIT)
}

pub(crate) async fn a_gap_is_refused_and_names_the_offset(hub: &Hub) -> Result<(), Broken> {
    let submission = created(hub, announce("2013-M03")).await?;
    let data = payload::valid(&UNITS);
    let mut submissions = hub.submissions(Who::Publisher)?;
    let first = pieces(&submission.name, data.get(..50).unwrap_or_default(), 0, 50);
    submissions.upload_payload(tokio_stream::iter(first)).await?;
    let answer =
        submissions.upload_payload(tokio_stream::iter(pieces(&submission.name, &data, 60, 64))).await;
    let status = refused("bytes from 60 on, 50 are durable", answer, &[Reason::OffsetStale])?;
    same("the offset that the refusal names", fact_of(&status, "durable_offset").as_deref(), Some("50"))
}

pub(crate) async fn wrong_length_or_hash_is_refused(hub: &Hub) -> Result<(), Broken> {
    let data = payload::valid(&UNITS);
    let longer = u64::try_from(data.len()).unwrap_or(u64::MAX).saturating_add(1);
    let period = "2013-M04";
    let wrong = "ab".repeat(32);
    let announced = CommitOptions::default();
    let told_late = CommitOptions { sha256: wrong.clone(), ..Default::default() };
    for (request, options) in [
        (CreateSubmissionRequest { size_bytes: longer, ..announce(period) }, announced.clone()),
        (CreateSubmissionRequest { sha256: wrong, ..announce(period) }, announced),
        (announce(period), told_late),
    ] {
        let answer = hub.push(Who::Publisher, request, &data, Some(options)).await?;
        refused("a payload that is not the declared one", answer, &[Reason::PayloadMismatch])?;
    }
    Ok(())
}

/// A stream that ends before its commit commits nothing.
pub(crate) async fn a_push_without_commit_is_no_submission_of_record(hub: &Hub) -> Result<(), Broken> {
    let period = "2013-M05";
    let request = announce(period);
    let answer = hub.push(Who::Publisher, request.clone(), &payload::valid(&UNITS), None).await?;
    refused("a stream without commit", answer, &[Reason::RequestInvalid])?;
    let list = ListSubmissionsRequest {
        pattern: payload::PATTERN.to_owned(),
        period: period.to_owned(),
        page_size: 1000,
        ..Default::default()
    };
    let listed = hub.submissions(Who::Publisher)?.list_submissions(list).await?.into_inner().submissions;
    let committed = listed.iter().filter(|s| s.request_id == request.request_id && s.revision > 0).count();
    same("revisions of it", committed, 0)
}
