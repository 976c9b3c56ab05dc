//! A small payload: create, data and commit in one stream, one round trip.

use bytes::Bytes;
use futures::stream;
use hub_proto::v1::PushSubmissionRequest;
use hub_proto::v1::push_submission_request::Step;
use sha2::{Digest as _, Sha256};

use super::pace::FIRST;
use super::payload::{blocking, hex, packed};
use super::{Digest, Payload, PushRequest, SMALL_PAYLOAD_MAX, Verdict, unless_wanted};
use crate::client::Client;
use crate::error::ClientError;
use crate::retry::{Trouble, trouble};

/// The bytes of a payload that is small enough.
pub(super) async fn in_memory(payload: &Payload) -> Result<Option<Bytes>, ClientError> {
    match payload {
        Payload::NothingToReport => Ok(Some(Bytes::new())),
        Payload::Bytes(bytes) => Ok(Some(bytes.clone()).filter(|b| b.len() as u64 <= SMALL_PAYLOAD_MAX)),
        Payload::File(path) => blocking(path.clone(), |path| {
            let small = std::fs::metadata(path)?.len() <= SMALL_PAYLOAD_MAX;
            small.then(|| std::fs::read(path)).transpose()
        })
        .await
        .map(|bytes| bytes.map(Bytes::from).filter(|b| b.len() as u64 <= SMALL_PAYLOAD_MAX)),
    }
}

impl Client {
    /// Asks for the verdict on a payload that the hub seems to have; none: it wants the bytes.
    pub(super) async fn push_unsent(
        &self,
        request: &PushRequest,
        held: Option<&Digest>,
    ) -> Result<Option<Verdict>, ClientError> {
        let Some(digest) = held else { return Ok(None) };
        let request = PushRequest { digest: Some(digest.clone()), ..request.clone() };
        Ok(unless_wanted(self.push_small(&request, Bytes::new()).await)?.flatten())
    }

    /// In one stream, which is repeated whole after a cut while it is short: the request id makes that safe. None: a
    /// longer one was cut, and is to be sent in steps, which go on where they were cut.
    pub(super) async fn push_small(
        &self,
        request: &PushRequest,
        bytes: Bytes,
    ) -> Result<Option<Verdict>, ClientError> {
        let is_short = bytes.len() <= FIRST;
        let steps = steps(request, bytes, self.packs(request.media_type)).await?;
        let mut patience = self.patience();
        let ended = loop {
            let mut service = self.submissions();
            match service.push_submission(stream::iter(steps.clone())).await {
                Ok(answer) => break Ok(answer.into_inner()),
                Err(status) => {
                    let was_cut = trouble(&status) == Trouble::Cut;
                    match patience.after(status).await {
                        Ok(()) if was_cut && !is_short => return Ok(None),
                        Ok(()) => {}
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        match ended {
            Ok(answer) => Verdict::of(answer.submission, (answer.report, answer.receipt, answer.unchanged))
                .ok_or_else(|| self.incomplete("it holds no submission"))
                .map(Some),
            Err(error) => self.refused_by_report(error, None).await.map(Some),
        }
    }
}

async fn steps(
    request: &PushRequest,
    bytes: Bytes,
    packs: bool,
) -> Result<Vec<PushSubmissionRequest>, ClientError> {
    let digest = match (&request.payload, &request.digest) {
        (Payload::NothingToReport, _) => Digest::default(),
        (_, Some(known)) => known.clone(),
        // At most 1 MiB: under a millisecond, cheaper than a hop to another thread.
        (_, None) => Digest { size: bytes.len() as u64, sha256: hex(&Sha256::digest(&bytes)) },
    };
    let data = match (bytes.is_empty(), packs) {
        (true, _) => None,
        (false, true) => Some(Step::Zstd(packed(bytes).await?)),
        (false, false) => Some(Step::Data(bytes)),
    };
    let steps = [Some(Step::Create(request.create(&digest))), data, Some(Step::Commit(request.commit()))];
    Ok(steps.into_iter().flatten().map(|step| PushSubmissionRequest { step: Some(step) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_stream_is_create_data_commit() {
        let request = PushRequest::csv("rb28s", "2022-Q4", Payload::Bytes(Bytes::from_static(b"abc")));
        let all = steps(&request, Bytes::from_static(b"abc"), false).await.unwrap();
        assert_eq!(all.len(), 3);
        let Some(Step::Create(create)) = &all[0].step else { panic!("first is create") };
        assert_eq!((create.pattern.as_str(), create.size_bytes), ("patterns/rb28s", 3));
        assert_eq!(create.sha256.len(), 64);
        assert!(matches!(all[2].step, Some(Step::Commit(_))));
        let long = Bytes::from(vec![b'x'; 100_000]);
        let all = steps(&request, long, true).await.unwrap();
        assert!(matches!(&all[1].step, Some(Step::Zstd(packed)) if packed.len() < 1_000));
    }

    #[tokio::test]
    async fn nothing_to_report_carries_no_data() {
        let request = PushRequest::csv("rb28s", "2022-Q4", Payload::NothingToReport);
        let all = steps(&request, Bytes::new(), true).await.unwrap();
        assert_eq!(all.len(), 2);
        let Some(Step::Create(create)) = &all[0].step else { panic!("first is create") };
        assert!(create.nothing_to_report && create.sha256.is_empty());
    }

    #[tokio::test]
    async fn the_size_decides() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.csv");
        let most = usize::try_from(SMALL_PAYLOAD_MAX).unwrap();
        std::fs::write(&path, vec![b'a'; most]).unwrap();
        assert_eq!(in_memory(&Payload::File(path.clone())).await.unwrap().map(|b| b.len()), Some(most));
        std::fs::write(&path, vec![b'a'; most + 1]).unwrap();
        assert!(in_memory(&Payload::File(path)).await.unwrap().is_none());
    }
}
