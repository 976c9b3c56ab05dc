//! Answers as JSON with stable field names.

use hub_client::{Signed, Verdict, short, signed_receipt, v1};
use serde_json::{Value, json};

pub(super) fn time(time: Option<&prost_types::Timestamp>) -> Value {
    time.map_or(Value::Null, |time| json!(time.to_string()))
}

/// `SUBMISSION_STATE_COMMITTED` is `COMMITTED` to people.
pub(super) fn state(submission: &v1::Submission) -> &'static str {
    submission.state().as_str_name().trim_start_matches("SUBMISSION_STATE_")
}

pub(super) fn submission(submission: &v1::Submission) -> Value {
    json!({
        "submission": short(&submission.name),
        "state": state(submission),
        "reason": submission.reason,
        "pattern": short(&submission.pattern),
        "publisher": short(&submission.publisher),
        "period": submission.period,
        "revision": submission.revision,
        "dataset_version": submission.dataset_version,
        "rows": submission.rows,
        "size_bytes": submission.size_bytes,
        "sha256": submission.sha256,
        "media_type": submission.media_type,
        "durable_offset": submission.durable_offset,
        "create_time": time(submission.create_time.as_ref()),
        "commit_time": time(submission.commit_time.as_ref()),
        "carried_slices": submission.carried_slices,
        "dropped_slices": submission.dropped_slices,
        "nothing_to_report": submission.nothing_to_report,
        "request_id": submission.request_id,
        "late_findings": submission.late_findings,
        "withdraws": (!submission.withdraws.is_empty()).then(|| short(&submission.withdraws)),
        "erasure": submission.erasure.as_ref().map(erasure),
    })
}

fn erasure(erasure: &v1::Erasure) -> Value {
    json!({ "time": time(erasure.time.as_ref()), "reason": erasure.reason })
}

/// The receipt: what it says, and as it is filed.
pub(super) fn receipt(receipt: &v1::Receipt) -> Value {
    let signed = signed_receipt(receipt).ok();
    json!({
        "content": serde_json::from_str(&receipt.canonical_json).unwrap_or(Value::Null),
        "canonical_json": receipt.canonical_json,
        "key_id": receipt.key_id,
        "signature": signed.as_ref().map(Signed::signature_text),
        "document": signed.map(|signed| signed.document),
        "commit_time": time(receipt.commit_time.as_ref()),
    })
}

pub(super) fn revision_behind(revision: &v1::RevisionBehind) -> Value {
    json!({
        "dataset": short(&revision.dataset),
        "publisher": short(&revision.publisher),
        "period": revision.period,
        "revision": revision.revision,
        "submission": short(&revision.submission),
        "commit_time": time(revision.commit_time.as_ref()),
    })
}

pub(super) fn verdict(file: &str, verdict: &Verdict, report: Option<&hub_datasets::Report>) -> Value {
    json!({
        "file": file,
        "unchanged": verdict.unchanged,
        "submission": submission(&verdict.submission),
        "receipt": verdict.receipt.as_ref().map(receipt),
        "report": report,
    })
}

pub(super) fn dataset(dataset: &v1::Dataset) -> Value {
    json!({
        "dataset": short(&dataset.name),
        "pattern": short(&dataset.pattern),
        "version": dataset.latest_version,
        "rows": dataset.rows,
        "publishers": dataset.publishers,
        "open": dataset.open,
        "history": dataset.history,
        "oldest_version": dataset.oldest_version,
        "oldest_time": time(dataset.oldest_time.as_ref()),
        "update_time": time(dataset.update_time.as_ref()),
    })
}

pub(super) fn organisation(organisation: &v1::Organisation) -> Value {
    let identifiers: Vec<Value> = organisation
        .identifiers
        .iter()
        .map(|i| json!({"scheme": i.scheme, "value": i.value, "valid_from": i.valid_from, "valid_to": i.valid_to}))
        .collect();
    json!({
        "organisation": short(&organisation.name),
        "display_name": organisation.display_name,
        "kind": organisation.kind,
        "identifiers": identifiers,
    })
}

fn text(text: Option<&v1::LocalizedText>) -> Value {
    text.map_or(Value::Null, |text| json!({"pl": text.pl, "en": text.en}))
}

pub(super) fn pattern(pattern: &v1::Pattern) -> Value {
    let columns: Vec<Value> = pattern
        .columns
        .iter()
        .map(|c| {
            json!({
                "name": c.name, "type": c.r#type, "required": c.required, "title": text(c.title.as_ref()),
                "role": c.role, "unit": c.unit, "sensitivity": c.sensitivity, "aggregation": c.aggregation,
                "open_rule": c.open_rule, "code_list": c.code_list,
            })
        })
        .collect();
    let rules: Vec<Value> = pattern
        .rules
        .iter()
        .map(|rule| {
            let severity = rule.severity().as_str_name().trim_start_matches("SEVERITY_");
            json!({"id": rule.id, "kind": rule.kind, "severity": severity, "expression": rule.expression, "message": text(rule.message.as_ref())})
        })
        .collect();
    json!({
        "pattern": short(&pattern.name),
        "version": pattern.version,
        "title": text(pattern.title.as_ref()),
        "owner": pattern.owner,
        "legal_basis": pattern.legal_basis,
        "family": pattern.family,
        "key": pattern.key,
        "slice": pattern.slice,
        "frequencies": pattern.frequencies,
        "cumulative": pattern.cumulative,
        "restricted": pattern.restricted,
        "bundle_sha256": pattern.bundle_sha256,
        "columns": columns,
        "rules": rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_are_stable() {
        let submission =
            submission(&v1::Submission { name: "submissions/1".into(), state: 5, ..Default::default() });
        assert_eq!(submission["submission"], "1");
        assert_eq!(submission["state"], "COMMITTED");
        assert_eq!(submission["commit_time"], Value::Null);
        let receipt = receipt(&v1::Receipt { canonical_json: "{\"rows\":3}".into(), ..Default::default() });
        assert_eq!(receipt["content"]["rows"], 3);
    }
}
