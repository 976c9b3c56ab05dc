use std::io::Write;
use std::sync::{Arc, Mutex};

use hub_proto::{Reason, Refusal};
use serde_json::Value;
use tracing::instrument::WithSubscriber as _;

use super::*;
use crate::telemetry::{of_organisation, of_submission};

const PUSH: &str = "/hub.v1.SubmissionService/PushSubmission";
const READ: &str = "/hub.v1.ReadService/ReadRows";

/// Lines of a log, kept for the test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn events(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        bytes
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect()
    }
}

/// The body of an answer whose status is known when it ends.
struct Rows(Option<Status>);

impl hyper::body::Body for Rows {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.take().map(|status| {
            let mut trailers = http::HeaderMap::new();
            status.add_header(&mut trailers).unwrap();
            Ok(Frame::trailers(trailers))
        }))
    }
}

/// What the log tells of a call that is answered like this and whose body is read, or not.
async fn told(path: &str, answer: http::Response<Body>, read: bool) -> Vec<Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let answer = Mutex::new(Some(answer));
    let inner = tower::service_fn(move |_: http::Request<()>| {
        let answer = answer.lock().unwrap().take().unwrap();
        async move {
            of_organisation("gmina-100201");
            of_submission("s1");
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let request =
        http::Request::builder().uri(path).header("authorization", "Bearer hub_secret").body(()).unwrap();
    async move {
        let answer = Calls.layer(inner).call(request).await.unwrap();
        if read {
            let _ = http_body_util::BodyExt::collect(answer.into_body()).await;
        }
    }
    .with_subscriber(subscriber)
    .await;
    lines.events()
}

fn streamed(status: Status) -> http::Response<Body> {
    http::Response::new(Body::new(Rows(Some(status))))
}

#[tokio::test]
async fn a_write_is_told_at_info_with_its_span_and_without_its_key() {
    let events = told(PUSH, streamed(Status::new(Code::Ok, "")), true).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    assert_eq!((&event["level"], &event["message"]), (&"INFO".into(), &"answered".into()));
    let span = &event["span"];
    assert_eq!(span["name"], "call");
    assert_eq!(span["method"], "hub.v1.SubmissionService/PushSubmission");
    assert_eq!((&span["organisation"], &span["submission"]), (&"gmina-100201".into(), &"s1".into()));
    assert!(event["ms"].is_u64() && event.get("reason").is_none(), "{event}");
    assert!(!event.to_string().contains("hub_secret"), "{event}");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason_wherever_it_stands() {
    let status = || Status::from(Refusal::new(Reason::Busy, "later"));
    for answer in [status().into_http(), streamed(status())] {
        let events = told(READ, answer, true).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0]["level"], &events[0]["reason"]), (&"DEBUG".into(), &"BUSY".into()));
        assert_eq!(events[0]["message"], "refused");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_is_told_too() {
    let events = told(READ, streamed(Status::new(Code::Ok, "")), false).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["message"], "left");
}
