//! A large payload: create, upload from the durable offset until all is durable, commit.

use std::time::Instant;

use hub_proto::Reason;
use hub_proto::v1::{self, SubmissionState, UploadPayloadRequest};
use tokio::sync::mpsc::Receiver;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::payload::{Along, PIECE, Pieces, Rest, digest_of, length_of};
use super::{Digest, Pace, Progress, PushRequest, Verdict, unless_wanted, with_request_id};
use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::retry::Patience;

/// A payload whose bytes are with the hub, and what is to be said when it is committed.
#[derive(Debug, Clone)]
pub struct Proposed {
    pub(crate) submission: String,
    pub(crate) options: v1::CommitOptions,
}

impl Proposed {
    /// Name of the submission.
    pub fn submission(&self) -> &str {
        &self.submission
    }
}

impl Client {
    /// Brings a payload to the hub and orders nothing yet, so that its rows can be held beside what is current.
    pub async fn propose(
        &self,
        request: &PushRequest,
        progress: Option<Progress>,
    ) -> Result<Proposed, ClientError> {
        let request = with_request_id(request);
        by_either!(self, self.propose_by_grpc(&request, progress.clone()).await, |https| {
            https.propose(&request, progress).await
        })
    }

    async fn propose_by_grpc(
        &self,
        request: &PushRequest,
        progress: Option<Progress>,
    ) -> Result<Proposed, ClientError> {
        let digest = digest_for(request, None).await?;
        let submission = self.open(request, &digest).await?;
        self.fill(request, submission, digest.size, progress).await
    }

    /// The verdict on a payload that was brought; the hub keeps nothing of it.
    pub async fn judge(&self, mut proposed: Proposed) -> Result<Verdict, ClientError> {
        proposed.options.validate_only = true;
        by_either!(self, self.commit_submission(proposed.clone()).await, |https| {
            https.commit(&proposed).await
        })
    }

    /// `held`: what the hub may have already.
    pub(super) async fn push_resumable(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        let digest = digest_for(request, held).await?;
        let submission = self.open(request, &digest).await?;
        let is_fresh = submission.state() == SubmissionState::Receiving && submission.durable_offset == 0;
        if held.is_some() && is_fresh {
            let unsent = Proposed { submission: submission.name.clone(), options: request.commit() };
            if let Some(verdict) = unless_wanted(self.commit_submission(unsent).await)? {
                return Ok(verdict);
            }
        }
        let brought = self.fill(request, submission, digest.size, progress).await?;
        self.commit_submission(brought).await
    }

    async fn open(&self, request: &PushRequest, digest: &Digest) -> Result<v1::Submission, ClientError> {
        let create = request.create(digest);
        let answer = self.repeating(|| {
            let (mut service, create) = (self.submissions(), create.clone());
            async move { service.create_submission(create).await }
        });
        answer.await?.submission.ok_or_else(|| self.incomplete("it holds no submission"))
    }

    /// Sends what the hub lacks of a submission that was opened.
    async fn fill(
        &self,
        request: &PushRequest,
        submission: v1::Submission,
        size: u64,
        progress: Option<Progress>,
    ) -> Result<Proposed, ClientError> {
        let mut options = request.commit();
        match submission.state() {
            SubmissionState::Receiving => {
                let along = self.upload(request, &submission, size, progress).await?;
                options.sha256 = match along.whole(size) {
                    Some(sha256) => sha256,
                    // The hub had all of it from an earlier run.
                    None => digest_of(&request.payload).await?.sha256,
                };
            }
            SubmissionState::Abandoned | SubmissionState::Expired => {
                return Err(ClientError::closed(&submission));
            }
            // All bytes are with the hub already; the commit gives the verdict, new or kept, if they are these.
            _ => options.sha256 = digest_of(&request.payload).await?.sha256,
        }
        Ok(Proposed { submission: submission.name, options })
    }

    pub(super) async fn commit_submission(&self, brought: Proposed) -> Result<Verdict, ClientError> {
        let Proposed { submission, options } = brought;
        let request = v1::CommitSubmissionRequest { submission: submission.clone(), options: Some(options) };
        let answer = self
            .repeating(|| {
                let (mut service, request) = (self.submissions(), request.clone());
                async move { service.commit_submission(request).await }
            })
            .await;
        match answer {
            Ok(answer) => Verdict::of(answer.submission, (answer.report, answer.receipt, answer.unchanged))
                .ok_or_else(|| self.incomplete("it holds no submission")),
            Err(error) => self.refused_by_report(error, Some(&submission)).await,
        }
    }

    async fn upload(
        &self,
        request: &PushRequest,
        submission: &v1::Submission,
        size: u64,
        progress: Option<Progress>,
    ) -> Result<Along, ClientError> {
        let along = Along::default();
        let mut resume = Resume { durable: submission.durable_offset, size };
        let mut patience = self.patience();
        let mut longest = PIECE;
        while !resume.is_whole() {
            if let Some(progress) = &progress {
                progress(resume.durable, size);
            }
            let packs = self.packs(request.media_type);
            let rest = Rest { offset: resume.durable, size, packs, pace: Pace::up_to(longest) };
            let pieces = Pieces::start(&request.payload, &submission.name, rest, &along);
            let (messages, read) = pieces.split();
            let began = Instant::now();
            let mut service = self.submissions();
            let sent = service.upload_payload(counted(messages, size, progress.clone())).await;
            let took = began.elapsed();
            read.await?;
            let durable = match sent {
                Ok(answer) => answer.into_inner().durable_offset,
                Err(status) => {
                    let durable = self.durable_after(status, &submission.name, &mut patience).await?;
                    longest = Pace::fitting(durable.saturating_sub(resume.durable), took, PIECE);
                    durable
                }
            };
            if resume.reached(durable) {
                patience.progressed();
            } else {
                patience.after_cut(format!("the hub keeps {durable} of {size} bytes")).await?;
            }
        }
        Ok(along)
    }

    /// After a cut, or when our offset is not the hub's, the hub says from where to go on.
    async fn durable_after(
        &self,
        status: Status,
        name: &str,
        patience: &mut Patience,
    ) -> Result<u64, ClientError> {
        if hub_proto::reason_of(&status) != Some(Reason::OffsetStale) {
            patience.after(status).await?;
        }
        Ok(self.submission(name).await?.durable_offset)
    }
}

/// Tells of each message that is on its way. It stands outside of the async function: a closure in there
/// belongs to the lifetimes of its arguments, and a task that is spawned may have none.
fn counted(
    messages: Receiver<(u64, UploadPayloadRequest)>,
    size: u64,
    progress: Option<Progress>,
) -> impl Stream<Item = UploadPayloadRequest> + Send + 'static {
    ReceiverStream::new(messages).map(move |(end, message)| {
        if let Some(progress) = &progress {
            progress(end, size);
        }
        message
    })
}

/// What is announced of a payload: all that is known, at least its length.
async fn digest_for(request: &PushRequest, held: Option<&Digest>) -> Result<Digest, ClientError> {
    match held.or(request.digest.as_ref()) {
        Some(digest) => Ok(digest.clone()),
        None => Ok(Digest { size: length_of(&request.payload).await?, sha256: String::new() }),
    }
}

/// How far an upload has come.
#[derive(Debug, Clone, Copy)]
struct Resume {
    durable: u64,
    size: u64,
}

impl Resume {
    fn is_whole(self) -> bool {
        self.durable >= self.size
    }

    /// Takes over the hub's offset; true when it moved on. It may also go back, after a power loss.
    fn reached(&mut self, durable: u64) -> bool {
        let moved = durable > self.durable;
        self.durable = durable;
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_offset_counts_forward_and_back() {
        let mut resume = Resume { durable: 0, size: 100 };
        assert!(resume.reached(60));
        assert!(!resume.reached(60), "no progress");
        assert!(!resume.reached(40), "a step back is no progress");
        assert_eq!(resume.durable, 40);
        assert!(resume.reached(100) && resume.is_whole());
        assert!(Resume { durable: 0, size: 0 }.is_whole());
    }
}
