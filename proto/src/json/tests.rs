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

#[test]
fn patterns_go_there_and_back() {
    let text = |pl: &str| Some(v1::LocalizedText { pl: pl.into(), en: "x".into() });
    let pattern = v1::Pattern {
        name: "patterns/rb28s".into(),
        version: "1.0.0".into(),
        title: text("a"),
        owner: "mf".into(),
        legal_basis: vec!["b".into()],
        family: "rb".into(),
        key: vec!["dzial".into()],
        slice: "jednostka_regon".into(),
        columns: vec![v1::Column {
            name: "dzial".into(),
            r#type: "string".into(),
            required: true,
            title: text("c"),
            role: "dimension".into(),
            unit: "zł".into(),
            sensitivity: "public".into(),
            aggregation: "none".into(),
            open_rule: "keep".into(),
            code_list: "codeLists/dzialy".into(),
        }],
        rules: vec![v1::Rule {
            id: "r".into(),
            kind: "check".into(),
            severity: v1::Severity::MustExplain.into(),
            expression: "plan >= 0".into(),
            message: text("d"),
        }],
        bundle_sha256: "ab".into(),
        frequencies: vec!["Q".into()],
        cumulative: true,
        restricted: true,
    };
    let list = v1::ListPatternsResponse { patterns: vec![pattern], next_page_token: "t".into() };
    let json = Patterns::from(list.clone());
    assert_eq!(
        (json.patterns[0].id.as_str(), json.patterns[0].rules[0].severity.as_str()),
        ("rb28s", "MUST_EXPLAIN")
    );
    let again: Patterns = serde_json::from_str(&serde_json::to_string(&json).unwrap()).unwrap();
    assert_eq!(v1::ListPatternsResponse::from(again), list);
}

#[test]
fn datasets_and_organisations_go_there_and_back() {
    let time = Some(crate::convert::Timestamp { seconds: 5, nanos: 1_000 });
    let dataset = v1::Dataset {
        name: "datasets/rb28s".into(),
        pattern: "patterns/rb28s".into(),
        latest_version: 7,
        update_time: time,
        rows: 3,
        publishers: 2,
        open: true,
        history: "all".into(),
        oldest_version: 1,
        oldest_time: None,
    };
    assert_eq!(v1::Dataset::try_from(Dataset::from(dataset.clone())), Ok(dataset));
    let version = v1::DatasetVersion {
        name: "datasets/rb28s/versions/7".into(),
        version: 7,
        commit_time: time,
        rows: 3,
        submissions: vec!["submissions/0192aaaa-0000-7000-8000-0000000000ab".into()],
    };
    let json = CommittedVersion::from(version.clone());
    assert_eq!((json.dataset.as_str(), json.submissions[0].len()), ("rb28s", 36));
    assert_eq!(v1::DatasetVersion::try_from(json), Ok(version));
    let organisation = v1::Organisation {
        name: "organisations/gmina-100201".into(),
        display_name: "Kutno".into(),
        kind: "gmina".into(),
        identifiers: vec![v1::Identifier { scheme: "nip".into(), value: "1".into(), ..Default::default() }],
    };
    assert_eq!(v1::Organisation::from(Organisation::from(organisation.clone())), organisation);
}
