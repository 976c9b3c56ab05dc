use serde_json::{Map, Value, json};

use super::*;
use crate::v1;

fn committed() -> v1::Submission {
    v1::Submission {
        name: "submissions/0192aaaa-0000-7000-8000-0000000000ab".into(),
        state: v1::SubmissionState::Committed.into(),
        pattern: "patterns/rb28s".into(),
        publisher: "organisations/gmina-100201".into(),
        period: "2022-Q4".into(),
        media_type: "text/csv".into(),
        size_bytes: 10,
        sha256: "ab".repeat(32),
        durable_offset: 10,
        revision: 1,
        rows: 3,
        dataset_version: 7,
        create_time: Some(crate::convert::Timestamp { seconds: 5, nanos: 1_000 }),
        commit_time: Some(crate::convert::Timestamp { seconds: 6, nanos: 0 }),
        carried_slices: vec!["a".into()],
        request_id: "0192aaaa-0000-7000-8000-0000000000ac".into(),
        ..v1::Submission::default()
    }
}

#[test]
fn a_verdict_goes_there_and_back() {
    let report = Report {
        pattern: "rb28s/1.0.0".into(),
        bundle_sha256: "cd".repeat(32),
        rows_read: 3,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: vec![],
        violations: vec![],
        not_evaluated: vec!["x".into()],
        pending: vec!["y".into()],
        explanations: vec![hub_datasets::report::Explanation { rule: "x".into(), text: "z".into() }],
        normalised: vec![],
        later: Some(hub_datasets::report::Later::default()),
    };
    let receipt = v1::Receipt {
        canonical_json: "{}".into(),
        key_id: "k".into(),
        signature: vec![255; 64].into(),
        commit_time: Some(crate::convert::Timestamp { seconds: 6, nanos: 0 }),
    };
    let verdict = v1::CommitSubmissionResponse {
        submission: Some(committed()),
        report: Some(report.into()),
        receipt: Some(receipt),
        unchanged: true,
    };
    let json = Verdict::try_from(verdict.clone()).unwrap();
    assert_eq!((json.submission.state.as_str(), json.submission.pattern.as_str()), ("COMMITTED", "rb28s"));
    assert_eq!(json.submission.create_time, "1970-01-01T00:00:05.000001Z");
    let text = serde_json::to_string(&json).unwrap();
    let again: Verdict = serde_json::from_str(&text).unwrap();
    assert_eq!(v1::CommitSubmissionResponse::try_from(again), Ok(verdict));
}

#[test]
fn what_a_sender_writes_is_taken_by_its_names_alone() {
    let new: NewSubmission =
        serde_json::from_value(json!({"pattern": "rb28s", "period": "2022-Q4"})).unwrap();
    let request = v1::CreateSubmissionRequest::from(new);
    assert_eq!((request.pattern.as_str(), request.publisher.as_str()), ("patterns/rb28s", ""));
    let wrong = serde_json::from_value::<NewSubmission>(json!({"okres": "2022-Q4"})).unwrap_err();
    assert!(wrong.to_string().contains("okres"), "{wrong}");
    // An answer may have more members than this version knows.
    let newer: Submissions = serde_json::from_value(json!({"submissions": [], "since": 1})).unwrap();
    assert!(newer.submissions.is_empty());
}

#[test]
fn shapes_describe_all_that_they_are_made_of() {
    let mut components = Map::new();
    Verdict::describe(&mut components);
    let names: Vec<&str> = components.keys().map(String::as_str).collect();
    assert_eq!(names, ["Erasure", "Receipt", "Report", "Submission", "Verdict"]);
    assert_eq!(
        components["Verdict"]["description"],
        "What became of a push. A refusal by the check is an answer: `submission.state` says so."
    );
    assert_eq!(components["Verdict"]["properties"]["submission"]["$ref"], "#/components/schemas/Submission");
    assert_eq!(components["Verdict"]["required"], json!(["submission", "report", "receipt", "unchanged"]));
    let mut components = Map::new();
    NewSubmission::describe(&mut components);
    assert_eq!(components["NewSubmission"]["required"], json!(["request_id", "pattern", "period"]));
    Problem::describe(&mut components);
    assert_eq!(components["Problem"]["properties"]["type"]["type"], Value::from("string"));
}
