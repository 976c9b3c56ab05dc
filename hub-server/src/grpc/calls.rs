//! The outermost layer: a call runs in its span, and its end is told when its last byte is out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use hub_proto::reason_of;
use hyper::body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::config::limits;
use crate::telemetry::{Call, Deed};

/// Methods that change something.
const WRITES: [&str; 9] = [
    "CreateSubmission",
    "UploadPayload",
    "CommitSubmission",
    "PushSubmission",
    "AbandonSubmission",
    "AcknowledgeNotice",
    "CreateSubscription",
    "DeleteSubscription",
    "RedeliverDeadLetters",
];

/// Puts [`Called`] around the services.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calls;

#[derive(Debug, Clone)]
pub(super) struct Called<S> {
    inner: S,
}

impl<S> Layer<S> for Calls {
    type Service = Called<S>;

    fn layer(&self, inner: S) -> Called<S> {
        Called { inner }
    }
}

impl<S, B> Service<http::Request<B>> for Called<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let call = begin(request.uri().path());
        let answer = self.inner.call(request).instrument(call.span().clone());
        Box::pin(async move { Ok(followed(answer.await?, call)) })
    }
}

fn begin(path: &str) -> Call {
    let method: String = path.trim_start_matches('/').chars().take(limits::ECHO_CHARS).collect();
    let name = method.rsplit('/').next().unwrap_or_default();
    let deed = if WRITES.contains(&name) { Deed::Write } else { Deed::Read };
    Call::begin(&method, deed)
}

/// A refusal without a body has ended; everything else ends with its body.
fn followed(answer: http::Response<Body>, mut call: Call) -> http::Response<Body> {
    match Status::from_header_map(answer.headers()) {
        Some(status) => {
            end(&mut call, &status);
            answer
        }
        None => answer.map(|body| Body::new(Followed { body, call })),
    }
}

fn end(call: &mut Call, status: &Status) {
    match (status.code(), reason_of(status)) {
        (Code::Ok, _) => call.end(None),
        (_, Some(reason)) => call.end(Some(reason.as_str())),
        // The health service answers without a Reason, by its protocol.
        (code, None) => call.end(Some(&format!("{code:?}"))),
    }
}

/// A body whose call ends with its trailers.
struct Followed {
    body: Body,
    call: Call,
}

impl hyper::body::Body for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, call } = &mut *self;
        let polled = call.span().in_scope(|| Pin::new(body).poll_frame(cx));
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
                    end(call, &status);
                }
            }
            Poll::Ready(Some(Err(status))) => end(call, status),
            Poll::Ready(None) => call.end(None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
