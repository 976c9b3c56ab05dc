//! The client: one channel, one credential, and patience.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use hub_proto::v1::catalog_service_client::CatalogServiceClient;
use hub_proto::v1::read_service_client::ReadServiceClient;
use hub_proto::v1::submission_service_client::SubmissionServiceClient;

use crate::error::ClientError;
use crate::fault::ProfileFault;
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
}

impl Client {
    /// Prepares the connection. It is made at the first call and again after every cut,
    /// so that this fails only for a faulty profile.
    pub fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let bearer = Bearer::new(profile)?;
        let channel = transport::channel(profile)?;
        Ok(Self { endpoint: profile.endpoint.clone(), bearer, channel, retry_for: RETRY_FOR })
    }

    /// Goes on this long without a connection before giving up.
    #[must_use]
    pub fn retry_for(mut self, limit: Duration) -> Self {
        self.retry_for = limit;
        self
    }

    /// The address of the hub.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::new(&self.endpoint, self.retry_for)
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
