//! The layer around all services: a panic becomes INTERNAL, and statuses that tonic makes by itself (no such
//! method, message too large, deadline) get a Reason like all others.

use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hub_proto::{Reason, Refusal};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::refuse;
use crate::desk::panicked;

/// Puts [`Guarded`] around the services.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard;

#[derive(Debug, Clone)]
pub(super) struct Guarded<S> {
    inner: S,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner }
    }
}

impl<S, B> Service<http::Request<B>> for Guarded<S>
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
        let call = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        Box::pin(async move {
            match call.await {
                Ok(answer) => answer.map(reasoned),
                Err(panic) => Ok(refuse(panicked(panic.as_ref())).into_http()),
            }
        })
    }
}

/// Gives a refusal without details its Reason. NOT_FOUND passes: the health service answers so by its protocol.
fn reasoned(answer: http::Response<Body>) -> http::Response<Body> {
    match Status::from_header_map(answer.headers()) {
        Some(status)
            if !matches!(status.code(), Code::Ok | Code::NotFound) && status.details().is_empty() =>
        {
            of_transport(&status).into_http()
        }
        _ => answer,
    }
}

/// A status that tonic made, with a Reason.
pub(super) fn of_transport(status: &Status) -> Status {
    let reason = match status.code() {
        Code::Unimplemented => Reason::MethodUnknown,
        // tonic counts a message over the limit as one or the other, by where it noticed.
        Code::OutOfRange | Code::ResourceExhausted => Reason::MessageTooLarge,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::Cancelled => Reason::CallCancelled,
        Code::Unavailable => Reason::Unavailable,
        _ => Reason::RequestInvalid,
    };
    let message = match status.message() {
        "" => "the call was not understood",
        message => message,
    };
    Refusal::new(reason, message).into()
}

#[cfg(test)]
mod tests {
    use hub_proto::reason_of;

    use super::*;

    async fn through(answer: impl FnOnce() -> Status + Clone + Send + 'static) -> Status {
        let inner = tower::service_fn(move |_: http::Request<()>| {
            let answer = answer.clone();
            async move { Ok::<_, std::convert::Infallible>(answer().into_http::<Body>()) }
        });
        let response = Guard.layer(inner).call(http::Request::new(())).await.unwrap();
        Status::from_header_map(response.headers()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_internal_and_shows_nothing() {
        let status = through(|| panic!("secret detail")).await;
        assert_eq!(reason_of(&status), Some(Reason::Internal));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"), "{}", status.message());
    }

    #[tokio::test]
    async fn what_tonic_refuses_by_itself_has_a_reason() {
        for (code, reason) in [
            (Code::Unimplemented, Reason::MethodUnknown),
            (Code::OutOfRange, Reason::MessageTooLarge),
            (Code::ResourceExhausted, Reason::MessageTooLarge),
            (Code::DeadlineExceeded, Reason::DeadlineExceeded),
            (Code::Cancelled, Reason::CallCancelled),
            (Code::Internal, Reason::RequestInvalid),
        ] {
            assert_eq!(reason_of(&through(move || Status::new(code, "x")).await), Some(reason), "{code:?}");
        }
    }

    #[tokio::test]
    async fn our_refusals_pass_unchanged() {
        let ours = || Status::from(Refusal::new(Reason::Busy, "later"));
        let status = through(ours).await;
        assert_eq!((reason_of(&status), status.message()), (Some(Reason::Busy), "later"));
    }
}
