use std::collections::BTreeMap;

use clap::Parser as _;
use hub_client::{Environment, Refusal, v1};
use hub_datasets::report::{Code, Count};

use super::*;
use crate::args::Args;

fn verdict(state: SubmissionState) -> Verdict {
    let submission = v1::Submission { state: state.into(), ..Default::default() };
    Verdict { submission, report: None, receipt: None, unchanged: false }
}

fn report(severity: Severity) -> Report {
    Report {
        pattern: "rb28s/1.0.0".into(),
        bundle_sha256: String::new(),
        rows_read: 1,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: vec![Count { code: Code::RuleBroken, severity, rule: "r".into(), count: 1, explained: 0 }],
        violations: vec![],
        not_evaluated: vec![],
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    }
}

fn refused(reason: Reason) -> ClientError {
    let code = reason.grpc_code();
    let refusal = Refusal {
        reason: Some(reason),
        code,
        message: String::new(),
        fields: vec![],
        metadata: BTreeMap::new(),
    };
    ClientError::Refused(Box::new(refusal))
}

#[test]
fn the_state_decides_the_exit_code() {
    let plain = Flags { strict: false, dry_run: false };
    assert_eq!(
        exit_of(&verdict(SubmissionState::Committed), Some(&report(Severity::Warn)), &plain),
        Exit::Accepted
    );
    assert_eq!(exit_of(&verdict(SubmissionState::Superseded), None, &plain), Exit::Accepted);
    assert_eq!(exit_of(&verdict(SubmissionState::Refused), None, &plain), Exit::Blocked);
    assert_eq!(exit_of(&verdict(SubmissionState::Awaiting), None, &plain), Exit::Blocked);
}

#[test]
fn a_dry_run_goes_by_its_report() {
    let dry = Flags { strict: false, dry_run: true };
    let strict = Flags { strict: true, dry_run: true };
    let checked = verdict(SubmissionState::Checking);
    assert_eq!(exit_of(&checked, Some(&report(Severity::Block)), &dry), Exit::Blocked);
    assert_eq!(exit_of(&checked, Some(&report(Severity::Warn)), &dry), Exit::Accepted);
    assert_eq!(exit_of(&checked, Some(&report(Severity::Warn)), &strict), Exit::Blocked);
    assert_eq!(exit_of(&checked, Some(&report(Severity::Info)), &strict), Exit::Accepted);
}

#[test]
fn the_id_is_kept_while_the_outcome_is_open() {
    assert!(is_final(&refused(Reason::PublisherNotPermitted)));
    assert!(is_final(&refused(Reason::RequestIdReused)));
    for open in [
        Reason::Busy,
        Reason::Internal,
        Reason::StorageFull,
        Reason::Unavailable,
        Reason::DeletionUnconfirmed,
        Reason::RevisionMoved,
    ] {
        assert!(!is_final(&refused(open)), "{open:?}");
    }
    let endpoint = "http://127.0.0.1:1".to_owned();
    let waited = std::time::Duration::from_secs(10);
    assert!(!is_final(&ClientError::NotReached { endpoint, waited, cause: String::new() }));
}

#[test]
fn what_was_accepted_with_warnings_says_so() {
    let args = Args::parse_from(["hub", "doctor"]);
    let environment = Environment { config_dir: "/".into(), endpoint: None, polish: true };
    let session = Session::new(&args, environment);
    let mut verdict = verdict(SubmissionState::Committed);
    verdict.submission.name = "submissions/7".into();
    let flags = Flags { strict: false, dry_run: false };
    let report = report(Severity::Warn);
    let said = told(&session, "k.csv", &verdict, Some(&report), (&flags, Exit::Accepted));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[1], "  Przyjęto z uwagami, nie musisz nic robić");
    assert!(said.contains("  uwag: 1; szczegóły: hub submissions report 7"), "{said}");
}
