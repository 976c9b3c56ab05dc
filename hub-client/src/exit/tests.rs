use std::collections::BTreeMap;
use std::time::Duration;

use hub_client::{Deed, EndpointFault, ProfileFault, Refusal};

use super::*;
use crate::reasons::sentence;

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
        (Failure::Answer("no".into()), 1),
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
        assert!(message.contains(sentence(Reason::PublisherNotPermitted).get(language)), "{message}");
        assert!(message.contains(text::ADVICE_PUBLISHER.get(language)), "{message}");
    }
    assert_eq!(Failure::Output(io::ErrorKind::BrokenPipe.into()).message(Language::Polish), None);
}

#[test]
fn what_the_client_finds_itself_is_polish_to_a_polish_reader() {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let profile = |fault| ClientError::Profile { name: "szkola".into(), fault };
    let endpoint = |fault| ClientError::Endpoint { endpoint: "ftp://hub".into(), fault };
    let file = |deed| ClientError::File { deed, path: "plan.csv".into(), source: gone() };
    let failures = [
        profile(ProfileFault::Name),
        profile(ProfileFault::Unreadable { path: "szkola.toml".into(), source: gone() }),
        profile(ProfileFault::Text("unknown field `tokn`".into())),
        profile(ProfileFault::Token),
        endpoint(EndpointFault::Address("empty".into())),
        endpoint(EndpointFault::Host),
        endpoint(EndpointFault::Scheme),
        endpoint(EndpointFault::Unencrypted),
        endpoint(EndpointFault::Authorities),
        endpoint(EndpointFault::Tls("no ciphers".into())),
        file(Deed::Read),
        file(Deed::Write),
        ClientError::Incomplete { endpoint: "http://hub".into(), message: "it is empty".into() },
    ];
    let english = ["cannot", "the ", "this ", "names no", "begins", "its ", "plain"];
    for failure in failures {
        let failure = Failure::Client(failure);
        let polish = failure.message(Language::Polish).unwrap();
        let ours = polish.split("Szczegóły").next().unwrap();
        assert!(!english.iter().any(|word| ours.contains(word)), "{polish}");
        assert_ne!(Some(polish), failure.message(Language::English));
    }
}

#[test]
fn the_worst_of_several_files_decides() {
    assert_eq!(
        [Exit::Accepted, Exit::NotPermitted, Exit::Blocked].into_iter().max(),
        Some(Exit::NotPermitted)
    );
    assert_eq!([Exit::Accepted, Exit::Blocked].into_iter().max(), Some(Exit::Blocked));
}

#[test]
fn what_the_hub_says_in_polish_is_told_to_who_reads_polish() {
    let mut failure = refused(Reason::DeletionUnconfirmed);
    let Failure::Client(ClientError::Refused(refusal)) = &mut failure else { panic!("a refusal") };
    refusal.metadata.insert("message_pl".into(), "zniknęłyby wszystkie wiersze (7)".into());
    let (polish, english) =
        (failure.message(Language::Polish).unwrap(), failure.message(Language::English).unwrap());
    assert!(polish.contains("zniknęłyby") && !polish.contains("is not yours"), "{polish}");
    assert!(english.contains("is not yours") && !english.contains("zniknęłyby"), "{english}");
}
