//! A push over the HTTP door: open, append at the durable offset until all is there, commit.

use std::time::{Duration, Instant};

use hub_proto::json::{CommitOptions, NewSubmission, Submission};
use hub_proto::v1::{self, SubmissionState};
use hub_proto::{Reason, TypeConversionError, json};

use super::submissions::place;
use super::{Answer, Asked, Fault, Https};
use crate::error::ClientError;
use crate::push::{Digest, Pace, Progress, PushRequest, Verdict, digest_of, packed, piece_of, unless_wanted};
use crate::retry::Patience;
use http::Method;

/// Bytes of one request at most: few enough for proxies that hold a body back, each durable when it is answered.
const PIECE: usize = 4 << 20;
/// A request that takes longer says that the line is slow.
const LONG: Duration = Duration::from_secs(4);
const OFFSET: &str = "upload-offset";

impl Https {
    pub(crate) async fn push(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        let digest = match held.or(request.digest.as_ref()) {
            Some(digest) if !digest.sha256.is_empty() => digest.clone(),
            _ => digest_of(&request.payload).await?,
        };
        let new = NewSubmission::from(request.create(&digest));
        let answer = self.ask(&Asked::post("/api/v1/submissions", &new)).await?;
        let submission: Submission = self.read(&answer)?;
        let submission: v1::Submission = submission.try_into().map_err(|error| self.unread(&error))?;
        match submission.state() {
            SubmissionState::Receiving => {
                if held.is_some() && submission.durable_offset == 0 {
                    let unsent = self.commit(&submission.name, &digest, request).await;
                    if let Some(verdict) = unless_wanted(unsent)? {
                        return Ok(verdict);
                    }
                }
                self.upload(request, &submission, digest.size, progress).await?;
            }
            SubmissionState::Abandoned | SubmissionState::Expired => {
                let state =
                    submission.state().as_str_name().trim_start_matches("SUBMISSION_STATE_").to_owned();
                return Err(ClientError::Closed { submission: submission.name, state });
            }
            // All bytes are with the hub already.
            _ => {}
        }
        self.commit(&submission.name, &digest, request).await
    }

    async fn commit(
        &self,
        name: &str,
        digest: &Digest,
        request: &PushRequest,
    ) -> Result<Verdict, ClientError> {
        let options = v1::CommitOptions { sha256: digest.sha256.clone(), ..request.commit() };
        let options = CommitOptions::from(options);
        let answer = self.ask(&Asked::post(format!("{}/commit", place(name)), &options)).await?;
        let verdict: json::Verdict = self.read(&answer)?;
        let verdict = v1::CommitSubmissionResponse::try_from(verdict).map_err(|error| self.unread(&error))?;
        Verdict::of(verdict.submission, (verdict.report, verdict.receipt, verdict.unchanged))
            .ok_or_else(|| self.incomplete("it holds no submission"))
    }

    fn unread(&self, error: &TypeConversionError) -> ClientError {
        self.incomplete(error.to_string())
    }

    async fn upload(
        &self,
        request: &PushRequest,
        submission: &v1::Submission,
        size: u64,
        progress: Option<Progress>,
    ) -> Result<(), ClientError> {
        let mut durable = submission.durable_offset;
        let mut patience = Patience::new(&self.endpoint, self.retry_for);
        let mut pace = Pace::up_to(PIECE);
        while durable < size {
            if let Some(progress) = &progress {
                progress(durable, size);
            }
            let asked = self.append(request, &submission.name, (durable, pace.length())).await?;
            let began = Instant::now();
            let sent = self.once(&asked).await;
            let took = began.elapsed();
            let went_well = sent.is_ok() && took < LONG;
            let after = match sent {
                Ok(answer) => self.offset(&answer)?,
                Err(Fault::Refused(refusal)) if refusal.reason == Some(Reason::OffsetStale) => {
                    self.submission(&submission.name).await?.durable_offset
                }
                Err(fault) => {
                    patience.after_request(fault).await?;
                    self.submission(&submission.name).await?.durable_offset
                }
            };
            if went_well {
                pace.grow();
            } else {
                pace.shrink(after.saturating_sub(durable), took);
            }
            if after > durable {
                patience.progressed();
            } else {
                patience.after_cut(format!("the hub keeps {after} of {size} bytes")).await?;
            }
            durable = after;
        }
        Ok(())
    }

    /// The request that appends the next bytes.
    async fn append(
        &self,
        request: &PushRequest,
        submission: &str,
        (offset, length): (u64, usize),
    ) -> Result<Asked, ClientError> {
        let mut body = piece_of(&request.payload, offset, length).await?;
        let mut headers = vec![(OFFSET, offset.to_string())];
        if self.packs(request.media_type) {
            body = packed(body).await?;
            headers.push(("content-encoding", "zstd".to_owned()));
        }
        Ok(Asked { method: Method::PATCH, path: format!("{}/payload", place(submission)), headers, body })
    }

    fn offset(&self, answer: &Answer) -> Result<u64, ClientError> {
        let said = answer.headers.get(OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
        said.ok_or_else(|| self.incomplete("it names no offset"))
    }
}
