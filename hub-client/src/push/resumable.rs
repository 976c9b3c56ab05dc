//! A large payload: create, upload from the durable offset until all is durable, commit.

use std::time::Instant;

use hub_proto::Reason;
use hub_proto::v1::{self, SubmissionState, UploadPayloadRequest};
use tokio::sync::mpsc::Receiver;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::payload::{Along, PIECE, Pieces, Rest, digest_of};
use super::{Digest, Pace, Progress, PushRequest, Verdict, unless_wanted};
use crate::client::Client;
use crate::error::ClientError;
use crate::retry::Patience;

impl Client {
    pub(super) async fn push_resumable(
        &self,
        request: &PushRequest,
        digest: &Digest,
        is_held: bool,
        progress: Option<Progress>,
    ) -> Result<Verdict, ClientError> {
        let (create, mut options) = (request.create(digest), request.commit());
        let answer = self
            .repeating(|| {
                let (mut service, create) = (self.submissions(), create.clone());
                async move { service.create_submission(create).await }
            })
            .await?;
        let submission = answer.submission.ok_or_else(|| self.incomplete("it holds no submission"))?;
        match submission.state() {
            SubmissionState::Receiving => {
                if is_held && submission.durable_offset == 0 {
                    let unsent = self.commit_submission(&submission.name, options.clone()).await;
                    if let Some(verdict) = unless_wanted(unsent)? {
                        return Ok(verdict);
                    }
                }
                let along = self.upload(request, &submission, digest.size, progress).await?;
                options.sha256 = match along.whole(digest.size) {
                    Some(sha256) => sha256,
                    // The hub had all of it from an earlier run.
                    None => digest_of(&request.payload).await?.sha256,
                };
            }
            SubmissionState::Abandoned | SubmissionState::Expired => {
                return Err(ClientError::Closed {
                    state: submission
                        .state()
                        .as_str_name()
                        .trim_start_matches("SUBMISSION_STATE_")
                        .to_owned(),
                    submission: submission.name,
                });
            }
            // All bytes are with the hub already; the commit below gives the verdict, new or kept, if they are these.
            _ => options.sha256 = digest_of(&request.payload).await?.sha256,
        }
        self.commit_submission(&submission.name, options).await
    }

    async fn commit_submission(
        &self,
        name: &str,
        options: v1::CommitOptions,
    ) -> Result<Verdict, ClientError> {
        let request = v1::CommitSubmissionRequest { submission: name.to_owned(), options: Some(options) };
        let answer = self
            .repeating(|| {
                let (mut service, request) = (self.submissions(), request.clone());
                async move { service.commit_submission(request).await }
            })
            .await;
        match answer {
            Ok(answer) => Verdict::of(answer.submission, (answer.report, answer.receipt, answer.unchanged))
                .ok_or_else(|| self.incomplete("it holds no submission")),
            Err(error) => self.refused_by_report(error, Some(name)).await,
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
