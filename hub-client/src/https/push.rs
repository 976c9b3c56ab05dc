//! A push over the HTTP door: open, append at the durable offset until all is there, commit.

use std::time::{Duration, Instant};

use hub_proto::Reason;
use hub_proto::json::{CommitOptions, NewSubmission};
use hub_proto::v1::{self, SubmissionState};

use super::submissions::place;
use super::{Answer, Asked, Fault, Https};
use crate::error::ClientError;
use crate::push::{
    Digest, Pace, Progress, Proposed, PushRequest, Verdict, digest_of, packed, piece_of, unless_wanted,
};
use crate::retry::Patience;
use http::Method;

/// Bytes of one request at most: few enough for proxies that hold a body back, each durable when it is answered.
const PIECE: usize = 4 << 20;
/// A request that takes longer says that the line is slow.
const LONG: Duration = Duration::from_secs(4);
const OFFSET: &str = "upload-offset";
/// Pause between two looks at a submission that is being checked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

fn proposed(submission: &v1::Submission, digest: &Digest, request: &PushRequest) -> Proposed {
    let options = v1::CommitOptions { sha256: digest.sha256.clone(), ..request.commit() };
    Proposed { submission: submission.name.clone(), options }
}

impl Https {
    pub(crate) async fn push(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        let (submission, digest) = self.open(request, held).await?;
        let is_fresh = submission.state() == SubmissionState::Receiving && submission.durable_offset == 0;
        let proposed = proposed(&submission, &digest, request);
        if held.is_some() && is_fresh {
            let unsent = self.commit(&proposed).await;
            if let Some(verdict) = unless_wanted(unsent)? {
                return Ok(verdict);
            }
        }
        self.fill(request, &submission, digest.size, progress).await?;
        self.commit(&proposed).await
    }

    /// Brings a payload to the hub and orders nothing yet.
    pub(crate) async fn propose(
        &self,
        request: &PushRequest,
        progress: Option<Progress>,
    ) -> Result<Proposed, ClientError> {
        let (submission, digest) = self.open(request, None).await?;
        self.fill(request, &submission, digest.size, progress).await?;
        Ok(proposed(&submission, &digest, request))
    }

    /// The submission of a request, and what was announced of its payload.
    async fn open(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
    ) -> Result<(v1::Submission, Digest), ClientError> {
        let digest = match held.or(request.digest.as_ref()) {
            Some(digest) if !digest.sha256.is_empty() => digest.clone(),
            _ => digest_of(&request.payload).await?,
        };
        let new = NewSubmission::from(request.create(&digest));
        let answer = self.ask(&Asked::post("/api/v1/submissions", &new)).await?;
        Ok((self.one(&answer)?, digest))
    }

    /// Sends what the hub lacks of a submission that was opened.
    async fn fill(
        &self,
        request: &PushRequest,
        submission: &v1::Submission,
        size: u64,
        progress: Option<Progress>,
    ) -> Result<(), ClientError> {
        match submission.state() {
            SubmissionState::Receiving => self.upload(request, submission, size, progress).await,
            SubmissionState::Abandoned | SubmissionState::Expired => Err(ClientError::closed(submission)),
            // All bytes are with the hub already.
            _ => Ok(()),
        }
    }

    /// The verdict. A check of a long payload takes longer than proxies let a request wait: what is cut is asked
    /// again, as long as the hub says that it works on it.
    pub(crate) async fn commit(&self, proposed: &Proposed) -> Result<Verdict, ClientError> {
        let options = CommitOptions::from(proposed.options.clone());
        let asked = Asked::post(format!("{}/commit", place(&proposed.submission)), &options);
        let mut patience = self.patience();
        loop {
            match self.once(&asked).await {
                Ok(answer) => return self.verdict(&answer),
                Err(fault) => patience.after_request(fault).await?,
            }
            self.checked(&proposed.submission, &mut patience).await?;
        }
    }

    /// Waits while the hub says that it checks or commits a submission, which is no silence.
    async fn checked(&self, name: &str, patience: &mut Patience) -> Result<(), ClientError> {
        loop {
            match self.once(&Asked::get(place(name))).await {
                Ok(answer) if self.one(&answer)?.state() == SubmissionState::Checking => {
                    patience.progressed();
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                // It has its verdict, or it has not heard the question.
                Ok(_) => return Ok(()),
                // A trial that has ended is gone, and so is what was given up: the question itself is answered so.
                Err(Fault::Refused(_)) => return Ok(()),
                Err(fault) => patience.after_request(fault).await?,
            }
        }
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
