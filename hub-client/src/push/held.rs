//! What the hub has already: a payload that its publisher's current report was made of is not sent again.

use futures::StreamExt as _;
use hub_proto::Reason;
use hub_proto::v1::{Submission, SubmissionState};

use super::payload::length_of;
use super::{Digest, Payload, PushRequest, digest_of};
use crate::client::Client;
use crate::error::ClientError;
use crate::submissions::SubmissionFilter;

/// Payloads shorter than this are sent without asking, which would cost as much.
const ASKED_FROM: u64 = 64 << 10;
/// Submissions of one publisher, pattern and period that are looked through, the newest.
const LOOKED_THROUGH: usize = 50;

impl Client {
    /// Length and SHA-256 of a payload that the hub seems to have; none: it is to be sent. A file is read for it only
    /// when a submission of its length is current. The hub decides itself, when it is asked to commit without bytes.
    pub(super) async fn held(&self, request: &PushRequest) -> Result<Option<Digest>, ClientError> {
        if matches!(request.payload, Payload::NothingToReport) {
            return Ok(None);
        }
        let size = length_of(&request.payload).await?;
        if size < ASKED_FROM {
            return Ok(None);
        }
        let filter = SubmissionFilter {
            pattern: Some(request.pattern.clone()),
            publisher: request.publisher.clone(),
            period: Some(request.period.clone()),
        };
        let media_type = request.settings.on(request.media_type);
        let mut listed = self.submissions_list(&filter).take(LOOKED_THROUGH);
        let mut current = Vec::new();
        while let Some(submission) = listed.next().await {
            match submission {
                Ok(submission) if is_like(&submission, size, &media_type) => current.push(submission.sha256),
                Ok(_) => {}
                // What is wrong with the request the push itself will tell.
                Err(ClientError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        if current.is_empty() {
            return Ok(None);
        }
        let digest = digest_of(&request.payload).await?;
        Ok(Some(digest).filter(|digest| current.contains(&digest.sha256)))
    }
}

fn is_like(submission: &Submission, size: u64, media_type: &str) -> bool {
    submission.state() == SubmissionState::Committed
        && submission.size_bytes == size
        && submission.media_type == media_type
}

/// What became of a commit without bytes; none: the hub wants them.
pub(crate) fn unless_wanted<T>(answered: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match answered {
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::PayloadMismatch) => Ok(None),
        answered => answered.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_current_and_alike_counts() {
        let submission = |state: SubmissionState, size_bytes, media_type: &str| Submission {
            state: state.into(),
            size_bytes,
            media_type: media_type.to_owned(),
            ..Submission::default()
        };
        let like = |submission| is_like(&submission, 7, "text/csv");
        assert!(like(submission(SubmissionState::Committed, 7, "text/csv")));
        assert!(!like(submission(SubmissionState::Superseded, 7, "text/csv")));
        assert!(!like(submission(SubmissionState::Committed, 8, "text/csv")));
        assert!(!like(submission(SubmissionState::Committed, 7, "application/json")));
    }
}
