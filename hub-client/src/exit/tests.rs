use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

fn refused(reason: Reason) -> Failure {
    let refusal = Refusal {
        reason: Some(reason),
        code: reason.grpc_code(),
        message: "gmina-100201 is not yours".into(),
        fields: vec![("publisher".into(), "not covered".into())],
        metadata: BTreeMap::new(),
    };
    Failure::Client(ClientError::Refused(Box::new(refusal)))
}

fn not_reached() -> Failure {
    let waited = Duration::from_secs(10);
    let cause = "Connection refused".to_owned();
    Failure::Client(ClientError::NotReached { endpoint: "http://127.0.0.1:1".into(), waited, cause })
}

#[test]
fn each_failure_has_its_promised_code() {
    let codes = [
        (refused(Reason::PublisherNotPermitted), 5),
        (refused(Reason::CredentialInvalid), 5),
        (refused(Reason::ReadNotPermitted), 5),
        (refused(Reason::ReportBlocks), 3),
        (refused(Reason::QueryInvalid), 1),
        (not_reached(), 4),
        (Failure::Usage("no".into()), 2),
        (Failure::Other("no".into()), 1),
        (Failure::Output(io::ErrorKind::BrokenPipe.into()), 0),
        (Failure::Output(io::ErrorKind::StorageFull.into()), 1),
    ];
    for (failure, code) in codes {
        assert_eq!(failure.exit().code(), code, "{failure:?}");
    }
}

#[test]
fn a_message_says_what_where_and_what_to_do() {
    for language in [Language::Polish, Language::English] {
        let message = not_reached().message(language).unwrap();
        assert!(message.contains("http://127.0.0.1:1") && message.contains("10 s"), "{message}");
        let message = refused(Reason::PublisherNotPermitted).message(language).unwrap();
        assert!(message.contains("PUBLISHER_NOT_PERMITTED") && message.contains("gmina-100201"), "{message}");
        assert!(message.contains(text::ADVICE_PUBLISHER.get(language)), "{message}");
    }
    assert_eq!(Failure::Output(io::ErrorKind::BrokenPipe.into()).message(Language::Polish), None);
}

#[test]
fn the_worst_of_several_files_decides() {
    assert_eq!(
        [Exit::Accepted, Exit::NotPermitted, Exit::Blocked].into_iter().max(),
        Some(Exit::NotPermitted)
    );
    assert_eq!([Exit::Accepted, Exit::Blocked].into_iter().max(), Some(Exit::Blocked));
}
