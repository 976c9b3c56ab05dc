//! What a request says: parameters, JSON, and bytes as they come.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{BoxStream, try_unfold};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::LengthLimitError;
use hub_proto::Reason;
use serde::de::DeserializeOwned;
use std::error::Error as _;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

use super::HttpDoor;
use super::plain::{Plain, broken};
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

/// What stands in the address.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<HttpDoor> for Path<T> {
    type Rejection = HubError;

    async fn from_request_parts(parts: &mut Parts, door: &HttpDoor) -> Result<Self, HubError> {
        let path = axum::extract::Path::from_request_parts(parts, door).await;
        path.map(|axum::extract::Path(values)| Self(values))
            .map_err(|fault| invalid(format!("the address: {}", fault.body_text())))
    }
}

/// A short JSON body; an empty one is an empty object.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<HttpDoor> for Json<T> {
    type Rejection = HubError;

    async fn from_request(request: Request, _door: &HttpDoor) -> Result<Self, HubError> {
        let body = short(request.into_body()).await?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map(Self).map_err(|fault| invalid(format!("the body: {fault}")))
    }
}

/// A short body.
async fn short(body: Body) -> Result<Bytes, HubError> {
    let body = to_bytes(body, limits::HTTP_JSON_BYTES);
    let body = timeout(limits::HTTP_BODY_SILENCE, body).await;
    body.map_err(|_| silent(limits::HTTP_BODY_SILENCE))?.map_err(|error| unread(&error))
}

/// Why a short body could not be read.
fn unread(error: &axum::Error) -> HubError {
    if !error.source().is_some_and(|cause| cause.is::<LengthLimitError>()) {
        return broken(error);
    }
    let most = limits::HTTP_JSON_BYTES;
    HubError::new(Reason::MessageTooLarge, format!("the body: {error} (limit: {most} bytes of JSON)"))
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
            let message =
                format!("the body did not come in time (limits: {silence:?} of silence, {all:?} in all)");
            HubError::new(Reason::DeadlineExceeded, message)
        })?;
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::iter;

    use super::*;
    use crate::http::plain::plain;

    fn broken() -> Body {
        let cut = std::io::Error::other("connection reset");
        Body::from_stream(iter([Ok(Bytes::from_static(b"{\"sql\": ")), Err(cut)]))
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_not_too_large() {
        let cut = short(broken()).await.unwrap_err().into_refusal();
        assert_eq!(cut.reason, Reason::BodyIncomplete);
        assert!(cut.message.contains("connection reset"), "{}", cut.message);
        let long = short(Body::from(vec![b' '; limits::HTTP_JSON_BYTES + 1])).await.unwrap_err();
        assert_eq!(long.reason(), Reason::MessageTooLarge);
        assert_eq!(short(Body::from("{}")).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn what_came_of_a_payload_is_given_before_its_cut_is_told() {
        let headers = HeaderMap::new();
        let mut came = pieces(plain(&headers, broken()).unwrap(), 3);
        assert_eq!(came.next().await.unwrap().unwrap(), (3, Bytes::from_static(b"{\"sql\": ")));
        assert_eq!(came.next().await.unwrap().unwrap_err().reason(), Reason::BodyIncomplete);
    }
}
