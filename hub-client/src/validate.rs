//! The hub's check of a payload, for anyone: nothing of it is kept.

use futures::stream;
use hub_datasets::MediaType;
use hub_proto::v1;
use hub_proto::v1::validate_payload_request::Step;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::names;
use crate::push::{Payload, bytes_of, packed};

/// Bytes of one message, the most that the contract allows.
const PIECE: usize = 1 << 20;

/// What to check against what.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// As `rb28s`.
    pub pattern: String,
    /// As `2022-Q4`; none: what needs it is not evaluated.
    pub period: Option<String>,
    /// As `gmina-100201`; needs a period.
    pub publisher: Option<String>,
    /// Format of the payload; none: its bytes tell it.
    pub media_type: Option<MediaType>,
    /// The bytes, at most 64 MiB.
    pub payload: Payload,
}

impl CheckRequest {
    /// The format of its bytes.
    pub(crate) fn format_of(&self, bytes: &[u8]) -> MediaType {
        self.media_type.unwrap_or_else(|| MediaType::by_bytes(bytes))
    }
}

impl Client {
    /// Has the hub check a payload without keeping it. Needs no credential; repeated while there is no connection.
    pub async fn validate(&self, request: &CheckRequest) -> Result<v1::Report, ClientError> {
        by_either!(self, self.validate_by_grpc(request).await, |https| https.validate(request).await)
    }

    async fn validate_by_grpc(&self, request: &CheckRequest) -> Result<v1::Report, ClientError> {
        let check = v1::PayloadCheck {
            pattern: names::pattern(&request.pattern),
            period: request.period.clone().unwrap_or_default(),
            publisher: request.publisher.as_deref().map(names::organisation).unwrap_or_default(),
            media_type: request.media_type.map(|media| media.as_str().to_owned()).unwrap_or_default(),
        };
        let bytes = bytes_of(&request.payload).await?;
        let packs = self.packs(request.format_of(&bytes));
        let mut steps = vec![Step::Check(check)];
        for at in (0..bytes.len()).step_by(PIECE) {
            let piece = bytes.slice(at..(at + PIECE).min(bytes.len()));
            steps.push(if packs { Step::Zstd(packed(piece).await?) } else { Step::Data(piece) });
        }
        let steps: Vec<_> =
            steps.into_iter().map(|step| v1::ValidatePayloadRequest { step: Some(step) }).collect();
        let answer = self.repeating(|| {
            let (mut service, steps) = (self.submissions(), steps.clone());
            async move { service.validate_payload(stream::iter(steps)).await }
        });
        answer.await?.report.ok_or_else(|| self.incomplete("it holds no report"))
    }
}
