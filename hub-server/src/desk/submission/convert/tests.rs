use hub_datasets::Report;

use super::*;

const UUID: &str = "0192aaaa-0000-7000-8000-0000000000ab";

fn request() -> v1::CreateSubmissionRequest {
    v1::CreateSubmissionRequest {
        request_id: UUID.to_uppercase(),
        pattern: "patterns/rb28s".into(),
        publisher: String::new(),
        period: "2022-Q4".into(),
        media_type: "text/csv".into(),
        profile: String::new(),
        size_bytes: 10,
        sha256: "AB".repeat(32),
        nothing_to_report: false,
    }
}

#[test]
fn an_announcement_is_read_and_normalised() {
    let new = new_submission(request(), "rb28s").unwrap();
    assert_eq!((new.request_id.as_str(), new.pattern.as_str()), (UUID, "rb28s"));
    assert_eq!((new.size, new.sha256), (Some(10), Some("ab".repeat(32))));
    let unknown = v1::CreateSubmissionRequest { size_bytes: 0, sha256: String::new(), ..request() };
    let new = new_submission(unknown, "rb28s").unwrap();
    assert_eq!((new.size, new.sha256), (None, None));
}

#[test]
fn what_lacks_or_is_malformed_is_named() {
    let empty = String::new;
    let cases = [
        (v1::CreateSubmissionRequest { request_id: empty(), ..request() }, "request_id"),
        (v1::CreateSubmissionRequest { request_id: "42".into(), ..request() }, "request_id"),
        (v1::CreateSubmissionRequest { period: empty(), ..request() }, "period"),
        (v1::CreateSubmissionRequest { media_type: empty(), ..request() }, "media_type"),
        (v1::CreateSubmissionRequest { sha256: "xy".repeat(32), ..request() }, "sha256"),
        (v1::CreateSubmissionRequest { sha256: "ab".into(), ..request() }, "sha256"),
    ];
    for (request, field) in cases {
        assert_eq!(new_submission(request, "rb28s").unwrap_err().field(), field);
    }
    let nothing = v1::CreateSubmissionRequest { media_type: empty(), nothing_to_report: true, ..request() };
    assert!(new_submission(nothing, "rb28s").unwrap().nothing_to_report);
}

fn view() -> SubmissionView {
    SubmissionView {
        id: UUID.into(),
        state: SubmissionState::Committed,
        pattern: "rb28s".into(),
        publisher: "gmina-100201".into(),
        period: "2022-Q4".into(),
        media_type: "text/csv".into(),
        size: 10,
        sha256: "ab".into(),
        durable_offset: 10,
        revision: 2,
        rows: 5,
        dataset_version: 7,
        created_at: DateTime::<Utc>::from_timestamp(1_000, 0).unwrap(),
        committed_at: DateTime::<Utc>::from_timestamp(2_000, 5_000),
        carried: vec!["a".into()],
        dropped: vec!["b".into()],
        withdraws: None,
        nothing_to_report: false,
        request_id: UUID.into(),
        reason: None,
        erasure: None,
        late_findings: 0,
    }
}

fn signed() -> SignedReceipt {
    SignedReceipt { text: "{}".into(), key_id: "kid".into(), signature: vec![7; 64] }
}

fn report() -> Report {
    Report {
        pattern: "rb28s/1.0.0".into(),
        bundle_sha256: String::new(),
        rows_read: 5,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: vec![],
        violations: vec![],
        not_evaluated: vec![],
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    }
}

#[test]
fn a_verdict_shows_names_times_and_the_receipt() {
    let given = Verdict { submission: view(), report: report(), receipt: Some(signed()), unchanged: true };
    let wire = verdict(given);
    let shown = wire.submission.unwrap();
    assert_eq!(shown.name, format!("submissions/{UUID}"));
    assert_eq!(
        (shown.pattern.as_str(), shown.publisher.as_str()),
        ("patterns/rb28s", "organisations/gmina-100201")
    );
    assert_eq!(shown.state(), v1::SubmissionState::Committed);
    assert_eq!(shown.reason, "");
    let receipt = wire.receipt.unwrap();
    assert_eq!((receipt.canonical_json.as_str(), receipt.key_id.as_str()), ("{}", "kid"));
    assert_eq!(receipt.signature.as_ref(), [7; 64]);
    assert_eq!(receipt.commit_time, shown.commit_time);
    assert!(wire.unchanged);
}

#[test]
fn a_refusal_has_a_report_a_reason_and_no_receipt() {
    let refused = SubmissionView {
        state: SubmissionState::Refused,
        committed_at: None,
        reason: Some(Reason::ReportBlocks),
        ..view()
    };
    let wire = verdict(Verdict { submission: refused, report: report(), receipt: None, unchanged: false });
    let shown = wire.submission.unwrap();
    assert_eq!((shown.state(), shown.reason.as_str()), (v1::SubmissionState::Refused, "REPORT_BLOCKS"));
    assert!(wire.receipt.is_none() && wire.report.is_some() && shown.commit_time.is_none());
}
