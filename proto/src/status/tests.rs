use tonic::Code;

use super::*;

#[test]
fn every_reason_travels_and_comes_back() {
    for reason in Reason::ALL {
        let status = status(*reason, "why", &[("period", "not a period")]);
        assert_eq!(reason_of(&status), Some(*reason));
        assert_eq!(status.code(), reason.grpc_code());
        assert_eq!(status.message(), "why");
        assert_eq!(field_violations(&status), vec![("period".to_owned(), "not a period".to_owned())]);
        assert_eq!(retry_after(&status).is_some(), matches!(reason, Reason::Busy | Reason::Unavailable));
    }
}

#[test]
fn a_status_of_another_domain_gives_no_reason() {
    assert_eq!(reason_of(&Status::new(Code::Unavailable, "connection refused")), None);
    let foreign = ErrorDetails::with_error_info("BUSY", "example.org", HashMap::new());
    assert_eq!(reason_of(&Status::with_error_details(Code::Aborted, "x", foreign)), None);
    let newer = ErrorDetails::with_error_info("A_REASON_OF_TOMORROW", DOMAIN, HashMap::new());
    assert_eq!(reason_of(&Status::with_error_details(Code::Aborted, "x", newer)), None);
}

#[test]
fn resource_and_facts_travel() {
    let refusal = Refusal::new(Reason::OffsetStale, "send from 10 on")
        .resource("hub.v1/Submission", "submissions/x")
        .fact("durable_offset", "10");
    let status = Status::from(refusal);
    assert_eq!(fact_of(&status, "durable_offset").as_deref(), Some("10"));
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, "submissions/x");
}

#[test]
fn a_conversion_error_names_message_and_field() {
    let status = Status::from(TypeConversionError::missing("CreateSubmissionRequest", "pattern"));
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "CreateSubmissionRequest.pattern: it is missing");
    assert_eq!(field_violations(&status), vec![("pattern".to_owned(), "it is missing".to_owned())]);
}
