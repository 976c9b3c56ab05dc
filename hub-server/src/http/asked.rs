//! What a request says: parameters, JSON, and bytes as they come.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{BoxStream, try_unfold};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use hub_proto::Reason;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

use super::HttpDoor;
use super::plain::Plain;
use crate::config::limits;
use crate::error::HubError;

/// What programs send that were told no media type: `curl --data-binary`, forms, pipes.
const SAYS_NOTHING: [&str; 3] =
    ["application/x-www-form-urlencoded", "application/octet-stream", "multipart/form-data"];

fn invalid(message: impl Into<String>) -> HubError {
    HubError::new(Reason::RequestInvalid, message)
}

/// The parameters behind `?`; unknown ones are refused.
#[derive(Debug)]
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<HttpDoor> for Parameters<T> {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, _door: &HttpDoor) -> Result<Self, HubError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(values)| Self(values)).map_err(|fault| invalid(format!("parameters: {fault}")))
    }
}

/// A short JSON body; an empty one is an empty object.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<HttpDoor> for Json<T> {
    type Rejection = HubError;

    async fn from_request(request: Request, _door: &HttpDoor) -> Result<Self, HubError> {
        let body = axum::body::to_bytes(request.into_body(), limits::HTTP_JSON_BYTES);
        let body =
            timeout(limits::HTTP_BODY_SILENCE, body).await.map_err(|_| silent(limits::HTTP_BODY_SILENCE))?;
        let body = body.map_err(|error| {
            let most = limits::HTTP_JSON_BYTES;
            HubError::new(Reason::MessageTooLarge, format!("the body: {error} (limit: {most} bytes of JSON)"))
        })?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map(Self).map_err(|fault| invalid(format!("the body: {fault}")))
    }
}

/// The media type that a request declares, unless it says nothing.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = said.split(';').next().unwrap_or_default().trim();
    (!SAYS_NOTHING.iter().any(|nothing| essence.eq_ignore_ascii_case(nothing))).then(|| said.to_owned())
}

fn silent(limit: Duration) -> HubError {
    HubError::new(
        Reason::DeadlineExceeded,
        format!("nothing came for {} s; go on where it broke off", limit.as_secs()),
    )
}

/// A body in pieces of up to 1 MiB, each with its offset, the first one at `from`. What came before a cut is given
/// before the cut is told.
pub(super) fn pieces(body: Plain, from: u64) -> BoxStream<'static, Result<(u64, Bytes), HubError>> {
    try_unfold((body, from, None), |(mut body, offset, mut broken)| async move {
        let mut piece = BytesMut::new();
        while broken.is_none() && piece.len() < limits::UPLOAD_DATA_BYTES {
            match timeout(limits::UPLOAD_SILENCE, body.next()).await {
                Ok(Some(Ok(data))) => piece.extend_from_slice(&data),
                Ok(Some(Err(error))) => broken = Some(error),
                Ok(None) => break,
                Err(_) => broken = Some(silent(limits::UPLOAD_SILENCE)),
            }
        }
        let after = offset + piece.len() as u64;
        match (piece.is_empty(), broken) {
            (true, Some(error)) => Err(error),
            (true, None) => Ok(None),
            (false, broken) => Ok(Some(((offset, piece.freeze()), (body, after, broken)))),
        }
    })
    .boxed()
}

/// Bytes of a body that must be there in a bounded time, one after the other.
pub(super) struct Hasty {
    body: Plain,
    end: Instant,
}

impl Hasty {
    pub(super) fn new(body: Plain) -> Self {
        Self { body, end: Instant::now() + limits::OPEN_CHECK_BODY_TIMEOUT }
    }

    /// The next bytes; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, HubError> {
        let (silence, all) = (limits::HTTP_BODY_SILENCE, limits::OPEN_CHECK_BODY_TIMEOUT);
        let until = self.end.min(Instant::now() + silence);
        let next = timeout_at(until, self.body.next()).await.map_err(|_| {
            invalid(format!("the body did not come in time (limits: {silence:?} of silence, {all:?} in all)"))
        })?;
        next.transpose()
    }
}
