//! The hub's HTTP door, for lines on which HTTP/2 is blocked: HTTP/1.1, one request after the other.

mod catalog;
mod check;
mod original;
mod push;
mod rows;
mod submissions;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hub_datasets::MediaType;
use hub_datasets::receipt::KeySet;
use hub_proto::json::Problem;
use hub_proto::{Reason, TypeConversionError, permalink};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::compression::Compression;
use crate::error::{ClientError, Refusal};
use crate::fault::ProfileFault;
use crate::names::short;
use crate::profile::Profile;
use crate::retry::{Patience, RETRY_FOR, within};
use crate::transport::{BoxError, CONNECT_TIMEOUT, HTTP_PORT, HTTP1, Way};

pub(crate) use rows::Rows;

/// Longest answer that is taken.
const ANSWER_MAX: usize = 16 << 20;
/// Time for one answer; a check of a long payload takes its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

type Sender = SendRequest<Full<Bytes>>;

/// A caller of the HTTP door. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct Https {
    endpoint: String,
    way: Way,
    host: HeaderValue,
    bearer: Option<HeaderValue>,
    retry_for: Duration,
    compression: Compression,
    open: Arc<Mutex<Option<Sender>>>,
}

/// Why a request has no answer that can be used.
#[derive(Debug)]
pub(crate) enum Fault {
    Refused(Box<Refusal>),
    Busy(Box<Refusal>),
    /// No answer, or none of the hub's.
    Cut(String),
    Certificate(String),
}

/// An answer of the hub.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Asked {
    fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    fn post(path: impl Into<String>, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default().into();
        let json = ("content-type", "application/json".to_owned());
        Self { method: Method::POST, path: path.into(), headers: vec![json], body }
    }
}

/// A path with parameters behind it; empty ones are left out.
fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        address.push_str(&permalink::written(value));
    }
    address
}

/// The part of an address that stands for a name, whatever is in it.
fn segment(name: &str) -> String {
    permalink::written(short(name))
}

impl Https {
    /// The HTTP door of a profile. An address that is written there is to be right; what follows from the other one
    /// matters only when it is needed.
    pub(crate) fn of(profile: &Profile) -> Result<Option<Self>, ClientError> {
        match Self::new(profile) {
            Ok(https) => Ok(Some(https)),
            Err(error) if profile.http_endpoint.is_some() => Err(error),
            Err(_) => Ok(None),
        }
    }

    pub(crate) fn new(profile: &Profile) -> Result<Self, ClientError> {
        let endpoint = profile.http_address();
        let way = Way::to(&endpoint, profile.ca.as_deref(), &[HTTP1], HTTP_PORT)?;
        let token = |_| ClientError::profile(&profile.name, ProfileFault::Token);
        let bearer = match &profile.token {
            Some(token_of) => {
                let mut value =
                    HeaderValue::try_from(format!("Bearer {}", token_of.reveal())).map_err(token)?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let host = HeaderValue::try_from(format!("{}:{}", way.host, way.port)).map_err(token)?;
        Ok(Self {
            endpoint,
            way,
            host,
            bearer,
            retry_for: RETRY_FOR,
            compression: Compression::default(),
            open: Arc::default(),
        })
    }

    /// As its client does it: how long it goes on, what it packs.
    pub(crate) fn like(mut self, retry_for: Duration, compression: Compression) -> Self {
        (self.retry_for, self.compression) = (retry_for, compression);
        self
    }

    /// True when a payload of this format is packed on its way.
    fn packs(&self, media: MediaType) -> bool {
        self.compression.packs(media, self.way.is_local())
    }

    /// Asks until there is an answer, as long as there is patience.
    async fn ask(&self, asked: &Asked) -> Result<Answer, ClientError> {
        let mut patience = Patience::new(&self.endpoint, self.retry_for);
        loop {
            match self.once(asked).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => patience.after_request(fault).await?,
            }
        }
    }

    async fn once(&self, asked: &Asked) -> Result<Answer, Fault> {
        let answered = async {
            let (status, headers, body) = self.head(asked).await?;
            let body = whole(body).await?;
            if status.is_success() {
                Ok(Answer { headers, body })
            } else {
                Err(self.refusal(status, &headers, &body))
            }
        };
        let late = |_| Fault::Cut(format!("no answer for {} s", ANSWER_TIMEOUT.as_secs()));
        timeout(ANSWER_TIMEOUT, answered).await.map_err(late)?
    }

    /// The head of an answer, and the body that comes behind it.
    async fn head(&self, asked: &Asked) -> Result<(StatusCode, HeaderMap, Incoming), Fault> {
        let response = self.send(asked).await.map_err(|error| fault_of(error.as_ref()))?;
        let (head, body) = response.into_parts();
        Ok((head.status, head.headers, body))
    }

    async fn send(&self, asked: &Asked) -> Result<Response<Incoming>, BoxError> {
        let mut open = self.open.lock().await;
        let mut sender = match open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => timeout(CONNECT_TIMEOUT, self.connect()).await??,
        };
        sender.ready().await?;
        let mut request = Request::builder().method(asked.method.clone()).uri(&asked.path);
        request = request.header(HOST, &self.host);
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        for (name, value) in &asked.headers {
            request = request.header(*name, value);
        }
        let response = sender.send_request(request.body(Full::new(asked.body.clone()))?).await?;
        *open = Some(sender);
        Ok(response)
    }

    async fn connect(&self) -> Result<Sender, BoxError> {
        let line = self.way.open().await?;
        let (sender, connection) = handshake(TokioIo::new(line.wire)).await?;
        // What ends it is told to who waits for the answer.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
        refusal(&self.endpoint, status, headers, body)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientError> {
        serde_json::from_slice(&answer.body).map_err(|error| self.incomplete(error.to_string()))
    }

    fn incomplete(&self, message: impl Into<String>) -> ClientError {
        ClientError::Incomplete { endpoint: self.endpoint.clone(), message: message.into() }
    }

    fn unread(&self, error: &TypeConversionError) -> ClientError {
        self.incomplete(error.to_string())
    }

    pub(crate) async fn receipt_keys(&self) -> Result<KeySet, ClientError> {
        let answer = self.ask(&Asked::get("/.well-known/jwks.json")).await?;
        let text = std::str::from_utf8(&answer.body).map_err(|error| self.incomplete(error.to_string()))?;
        KeySet::parse(text).map_err(|error| self.incomplete(error.to_string()))
    }

    /// A file that anyone may have.
    pub(crate) async fn file(&self, path: &str) -> Result<Bytes, ClientError> {
        let stranger = Self { bearer: None, open: Arc::default(), ..self.clone() };
        Ok(stranger.ask(&Asked::get(path)).await?.body)
    }

    /// What the door says of its health, once, without the key: it may be somebody else's door.
    pub(crate) async fn health(&self) -> Result<Answer, Fault> {
        let stranger = Self { bearer: None, open: Arc::default(), ..self.clone() };
        let asked = Asked::get("/healthz");
        let answer = timeout(CONNECT_TIMEOUT, stranger.once(&asked)).await;
        answer.unwrap_or_else(|_| Err(Fault::Cut(format!("no answer for {} s", CONNECT_TIMEOUT.as_secs()))))
    }
}

/// A body of bounded length.
async fn whole(body: Incoming) -> Result<Bytes, Fault> {
    let body = Limited::new(body, ANSWER_MAX).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| fault_of(error.as_ref()))
}

/// What an answer says that is no success.
fn refusal(endpoint: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let is_problem = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    let problem = serde_json::from_slice::<Problem>(body).ok().filter(|_| is_problem);
    let Some(refusal) = problem.map(|problem| Box::new(Refusal::from(problem))) else {
        return match status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Fault::Cut(format!("HTTP {status}"))
            }
            _ => Fault::Refused(Box::new(Refusal {
                reason: None,
                code: tonic::Code::Unknown,
                message: format!("HTTP {status} at {endpoint}, and not from the hub"),
                fields: Vec::new(),
                metadata: std::collections::BTreeMap::new(),
            })),
        };
    };
    match refusal.reason {
        Some(Reason::Busy) => Fault::Busy(refusal),
        Some(Reason::Unavailable | Reason::BodyIncomplete) => Fault::Cut(refusal.message),
        _ => Fault::Refused(refusal),
    }
}

fn fault_of(error: &(dyn std::error::Error + 'static)) -> Fault {
    if let Some(error) = within::<rustls::Error>(error) {
        return Fault::Certificate(error.to_string());
    }
    let innermost = std::iter::successors(Some(error), |error| error.source()).last();
    Fault::Cut(innermost.unwrap_or(error).to_string())
}

#[cfg(test)]
mod tests {
    use super::{address, segment};

    #[test]
    fn parameters_are_written_as_addresses_have_them() {
        let of = |parameters: &[(&str, &str)]| address("/rows", parameters);
        assert_eq!(of(&[("columns", ""), ("as_of", "")]), "/rows");
        assert_eq!(
            of(&[("where", "dzial = '801' & ł"), ("format", "csv")]),
            "/rows?where=dzial%20%3D%20%27801%27%20%26%20%C5%82&format=csv"
        );
        assert_eq!(segment("datasets/rb28s"), "rb28s");
        assert_eq!(segment("datasets/a/b ?"), "a%2Fb%20%3F", "no other address");
    }
}
