//! The server under trial, and the calls that several promises make.

use std::sync::Arc;

use bytes::Bytes;
use hub_proto::v1::catalog_service_client::CatalogServiceClient;
use hub_proto::v1::push_submission_request::Step;
use hub_proto::v1::read_service_client::ReadServiceClient;
use hub_proto::v1::submission_service_client::SubmissionServiceClient;
use hub_proto::v1::{
    CommitOptions, CreateSubmissionRequest, PushSubmissionRequest, PushSubmissionResponse, SubmissionState,
    UploadPayloadRequest,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::check::{Broken, ensure, set};
use crate::payload;

/// Keys of the three callers.
#[derive(Clone)]
pub struct Keys {
    /// May push rb28s for its own organisation.
    pub publisher: String,
    /// Likewise, for another organisation.
    pub other: String,
    /// Reads all publishers' rows and pushes nothing.
    pub ministry: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Publisher,
    Other,
    Ministry,
    /// No key at all.
    Nobody,
    /// A well-formed key that nobody has.
    Stranger,
}

/// The server under trial.
#[derive(Debug, Clone)]
pub struct Hub {
    channel: Channel,
    keys: Arc<Keys>,
}

/// Puts the caller's key on each call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

type Calls = InterceptedService<Channel, Bearer>;

/// Largest answer that the hub sends.
const ANSWER_BYTES: usize = 4 << 20;

impl Hub {
    pub fn new(channel: Channel, keys: Keys) -> Self {
        Self { channel, keys: Arc::new(keys) }
    }

    pub(crate) fn calls(&self, who: Who) -> Result<Calls, Broken> {
        let stranger = format!("hub_{}", "0".repeat(43));
        let key = match who {
            Who::Publisher => Some(&self.keys.publisher),
            Who::Other => Some(&self.keys.other),
            Who::Ministry => Some(&self.keys.ministry),
            Who::Stranger => Some(&stranger),
            Who::Nobody => None,
        };
        let value = key.map(|key| format!("Bearer {key}").parse()).transpose();
        let value = value.map_err(|_| Broken("a key that no header can carry".to_owned()))?;
        Ok(InterceptedService::new(self.channel.clone(), Bearer(value)))
    }

    pub(crate) fn submissions(&self, who: Who) -> Result<SubmissionServiceClient<Calls>, Broken> {
        Ok(SubmissionServiceClient::new(self.calls(who)?).max_decoding_message_size(ANSWER_BYTES))
    }

    pub(crate) fn catalog(&self, who: Who) -> Result<CatalogServiceClient<Calls>, Broken> {
        Ok(CatalogServiceClient::new(self.calls(who)?).max_decoding_message_size(ANSWER_BYTES))
    }

    pub(crate) fn reads(&self, who: Who) -> Result<ReadServiceClient<Calls>, Broken> {
        Ok(ReadServiceClient::new(self.calls(who)?).max_decoding_message_size(ANSWER_BYTES))
    }

    /// Pushes in one stream; `options` None leaves the commit out.
    pub(crate) async fn push(
        &self,
        who: Who,
        create: CreateSubmissionRequest,
        data: &[u8],
        options: Option<CommitOptions>,
    ) -> Result<Result<Response<PushSubmissionResponse>, Status>, Broken> {
        let step = |step| PushSubmissionRequest { step: Some(step) };
        let mut messages = vec![step(Step::Create(create))];
        messages.extend(data.chunks(100).map(|piece| step(Step::Data(Bytes::copy_from_slice(piece)))));
        messages.extend(options.map(|options| step(Step::Commit(options))));
        Ok(self.submissions(who)?.push_submission(tokio_stream::iter(messages)).await)
    }

    /// Pushes a payload as the publisher; it must become visible.
    pub(crate) async fn committed(
        &self,
        period: &str,
        data: &[u8],
        options: CommitOptions,
    ) -> Result<PushSubmissionResponse, Broken> {
        let answer = self.push(Who::Publisher, announce(period), data, Some(options)).await??.into_inner();
        let state = set("submission", answer.submission.as_ref())?.state();
        ensure!(state == SubmissionState::Committed, "a valid payload is {state:?}: {:?}", answer.report);
        Ok(answer)
    }
}

/// An announcement of a payload in CSV, with a request id of its own.
pub(crate) fn announce(period: &str) -> CreateSubmissionRequest {
    CreateSubmissionRequest {
        request_id: Uuid::new_v4().to_string(),
        pattern: payload::PATTERN.to_owned(),
        publisher: String::new(),
        period: period.to_owned(),
        media_type: payload::MEDIA_TYPE.to_owned(),
        profile: String::new(),
        size_bytes: 0,
        sha256: String::new(),
        nothing_to_report: false,
    }
}

/// Pieces of an upload from an offset on; only the first names the submission.
pub(crate) fn pieces(submission: &str, data: &[u8], from: usize, piece: usize) -> Vec<UploadPayloadRequest> {
    let rest = data.get(from..).unwrap_or_default();
    let mut at = from;
    let mut messages = Vec::new();
    for part in rest.chunks(piece) {
        let submission = if messages.is_empty() { submission.to_owned() } else { String::new() };
        let offset = u64::try_from(at).unwrap_or(u64::MAX);
        messages.push(UploadPayloadRequest {
            submission,
            offset,
            data: Bytes::copy_from_slice(part),
            ..Default::default()
        });
        at += part.len();
    }
    messages
}
