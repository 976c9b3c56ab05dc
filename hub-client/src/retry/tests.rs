use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::*;
use tonic_types::{ErrorDetails, StatusExt as _};

fn refused(reason: Reason) -> Status {
    let details = ErrorDetails::with_error_info(reason.as_str(), hub_proto::reason::DOMAIN, HashMap::new());
    Status::with_error_details(reason.grpc_code(), "no", details)
}

fn broken(kind: io::Error) -> Status {
    let mut status = Status::new(Code::Unknown, "transport error");
    status.set_source(Arc::new(kind));
    status
}

#[test]
fn what_the_hub_says_is_told_from_what_the_line_does() {
    assert_eq!(trouble(&refused(Reason::PatternUnknown)), Trouble::Refused);
    assert_eq!(trouble(&refused(Reason::Unavailable)), Trouble::Cut);
    assert_eq!(trouble(&refused(Reason::Busy)), Trouble::Busy);
    assert_eq!(trouble(&refused(Reason::Internal)), Trouble::Refused);
    assert_eq!(trouble(&broken(io::ErrorKind::ConnectionReset.into())), Trouble::Cut);
    assert_eq!(trouble(&Status::unavailable("proxy")), Trouble::Cut);
    assert_eq!(trouble(&Status::unimplemented("old hub")), Trouble::Refused);
    let certificate = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
    assert!(matches!(trouble(&broken(certificate)), Trouble::Certificate(_)));
}

#[tokio::test]
async fn a_refusal_ends_patience_at_once() {
    let mut patience = Patience::new("http://x", RETRY_FOR);
    let error = patience.after(refused(Reason::PublisherNotPermitted)).await.unwrap_err();
    assert!(error.is_not_permitted());
    assert_eq!(error.reason(), Some(Reason::PublisherNotPermitted));
}

#[tokio::test]
async fn without_a_budget_the_first_cut_is_the_last() {
    let mut patience = Patience::new("http://x", Duration::ZERO);
    let error = patience.after(broken(io::ErrorKind::ConnectionRefused.into())).await.unwrap_err();
    assert!(matches!(&error, ClientError::NotReached { endpoint, .. } if endpoint == "http://x"), "{error}");
}

#[test]
fn pauses_grow_stay_in_bounds_and_start_anew_after_progress() {
    let mut patience = Patience::new("http://x", RETRY_FOR);
    let pauses: Vec<Duration> = (0..12).map(|_| patience.pause().unwrap()).collect();
    assert!(pauses[0] <= FIRST_PAUSE && pauses[0] >= FIRST_PAUSE / 2);
    assert!(pauses[11] >= LONGEST_PAUSE / 2);
    assert!(pauses.iter().all(|p| *p <= LONGEST_PAUSE));
    patience.progressed();
    assert!(patience.pause().unwrap() <= FIRST_PAUSE);
}
