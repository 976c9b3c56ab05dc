//! The client: one channel, one credential, and patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hub_datasets::MediaType;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use hub_proto::v1::catalog_service_client::CatalogServiceClient;
use hub_proto::v1::notice_service_client::NoticeServiceClient;
use hub_proto::v1::read_service_client::ReadServiceClient;
use hub_proto::v1::submission_service_client::SubmissionServiceClient;

use crate::compression::Compression;
use crate::error::ClientError;
use crate::fault::ProfileFault;
use crate::https::Https;
use crate::probe::Probe;
use crate::profile::Profile;
use crate::retry::{Patience, RETRY_FOR};
use crate::transport;

/// Largest answer message that is taken: nothing of the hub is over 4 MiB, a report with its texts included.
const ANSWER_MAX: usize = 8 << 20;

type Authorised = InterceptedService<Channel, Bearer>;

/// A caller of one hub. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: String,
    bearer: Bearer,
    channel: Channel,
    retry_for: Duration,
    compression: Compression,
    probe: Arc<Probe>,
    /// The way over the HTTP door, and whether it is taken.
    https: Option<Https>,
    detour: Arc<AtomicBool>,
}

impl Client {
    /// Prepares the connection. It is made at the first call and again after every cut,
    /// so that this fails only for a faulty profile.
    pub fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let bearer = Bearer::new(profile)?;
        let channel = transport::channel(profile)?;
        let probe = Arc::new(Probe::new(profile)?);
        Ok(Self {
            endpoint: profile.endpoint.clone(),
            bearer,
            channel,
            retry_for: RETRY_FOR,
            compression: Compression::default(),
            probe,
            https: Https::of(profile)?,
            detour: Arc::default(),
        })
    }

    /// Goes on this long without a connection before giving up.
    #[must_use]
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.retry_for = limit;
        self
    }

    /// Packs payloads on their way, or does not.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// True when a payload of this format is packed on its way.
    pub(crate) fn packs(&self, media: MediaType) -> bool {
        self.compression.packs(media, self.probe.way().is_local())
    }

    /// The address of the hub.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::new(&self.endpoint, self.retry_for).with(Arc::clone(&self.probe))
    }

    /// True when the calls that can go over the HTTP door do, because HTTP/2 is blocked.
    pub fn is_over_https(&self) -> bool {
        self.detour.load(Ordering::Relaxed)
    }

    /// The HTTP door, once HTTP/2 was found to be blocked.
    pub(crate) fn detour(&self) -> Option<Https> {
        self.https
            .clone()
            .filter(|_| self.is_over_https())
            .map(|https| https.like(self.retry_for, self.compression))
    }

    /// What a call ended with; the HTTP door instead, when that was because HTTP/2 is blocked.
    pub(crate) fn or_https<T>(
        &self,
        ended: Result<T, ClientError>,
    ) -> Result<Result<T, ClientError>, Box<Https>> {
        match ended {
            Err(ClientError::Http2Blocked { .. }) if self.https.is_some() => {
                self.detour.store(true, Ordering::Relaxed);
                self.detour().map_or(Ok(ended), |https| Err(Box::new(https)))
            }
            ended => Ok(ended),
        }
    }

    pub(crate) fn submissions(&self) -> SubmissionServiceClient<Authorised> {
        SubmissionServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn catalog(&self) -> CatalogServiceClient<Authorised> {
        CatalogServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn reads(&self) -> ReadServiceClient<Authorised> {
        ReadServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(ANSWER_MAX)
    }

    pub(crate) fn notice_service(&self) -> NoticeServiceClient<Authorised> {
        NoticeServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
            .max_decoding_message_size(ANSWER_MAX)
    }

    /// A call that is safe to repeat, repeated while there is no connection.
    pub(crate) async fn repeating<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut patience = self.patience();
        loop {
            match call().await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => patience.after(status).await?,
            }
        }
    }

    pub(crate) fn incomplete(&self, message: impl Into<String>) -> ClientError {
        ClientError::Incomplete { endpoint: self.endpoint.clone(), message: message.into() }
    }
}

/// A call over gRPC, or over the HTTP door where HTTP/2 is blocked.
macro_rules! by_either {
    ($client:expr, $grpc:expr, |$https:ident| $over:expr) => {
        match $client.detour() {
            Some($https) => $over,
            None => match $client.or_https($grpc) {
                Ok(ended) => ended,
                Err($https) => $over,
            },
        }
    };
}
pub(crate) use by_either;

/// Puts the credential on each call; marked sensitive, so that it shows nowhere.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(profile: &Profile) -> Result<Self, ClientError> {
        let Some(token) = &profile.token else {
            return Ok(Self(None));
        };
        let mut value = MetadataValue::try_from(format!("Bearer {}", token.reveal()))
            .map_err(|_| ClientError::profile(&profile.name, ProfileFault::Token))?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}
