//! The content of a receipt in its canonical encoding, as commitInfo keeps it: without key and signature, which it
//! gets when it leaves the hub (decision 0047).

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use hub_datasets::receipt::{NotCanonical, canonical};
use hub_datasets::{Report, Severity};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::CommitJob;
use super::plan::Accepted;
use crate::store::hex;

/// What a receipt says beside job and plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp<'a> {
    /// Opaque id of this hub.
    pub(crate) hub: &'a str,
    pub(crate) dataset: &'a str,
    pub(crate) dataset_version: u64,
    pub(crate) committed_at: DateTime<Utc>,
}

/// What a receipt says of the report.
#[derive(Debug)]
pub(crate) struct Checked {
    verdict: &'static str,
    counts: BTreeMap<&'static str, u64>,
    /// SHA-256 of the report, in lower-case hex.
    pub(crate) report_sha256: String,
}

/// Canonical JSON of the receipt of an accepted job.
pub(crate) fn receipt(
    stamp: Stamp<'_>,
    job: &CommitJob,
    checked: &Checked,
    accepted: &Accepted,
) -> Result<String, NotCanonical> {
    let mut said = json!({
        "bundle_sha256": job.bundle_sha256,
        "carried": accepted.carried,
        "committed_at": stamp.committed_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "counts": checked.counts,
        "dataset": stamp.dataset,
        "dataset_version": stamp.dataset_version,
        "dropped": accepted.dropped,
        "hub": stamp.hub,
        "key_id": "",
        "media_type": job.media_type,
        "nothing_to_report": job.nothing_to_report,
        "parent": accepted.parent,
        "pattern": job.pattern,
        "period": job.period,
        "publisher": job.publisher,
        "publisher_name": job.publisher_name,
        "report_sha256": checked.report_sha256,
        "revision": accepted.revision,
        "rows": job.rows,
        "sha256": job.sha256,
        "signature": "",
        "size": job.size,
        "slices": job.slices.len(),
        "submission": job.id,
        "verdict": checked.verdict,
    });
    if let Some(withdraws) = &job.withdraws {
        said["withdraws"] = json!(withdraws);
    }
    canonical(&said)
}

impl Checked {
    /// Of the report on an accepted payload, as JSON.
    pub(crate) fn of(report: &str) -> Self {
        let (verdict, counts) = verdict(report);
        Self { verdict, counts, report_sha256: sha256_hex(report.as_bytes()) }
    }
}

/// The verdict on an accepted payload and its findings by severity.
fn verdict(report: &str) -> (&'static str, BTreeMap<&'static str, u64>) {
    let mut counts = BTreeMap::new();
    let Ok(report) = serde_json::from_str::<Report>(report) else {
        // A submission without a payload has no report.
        return ("accepted", counts);
    };
    for count in &report.counts {
        let name = match count.severity {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::MustExplain => "must-explain",
            Severity::Block => "block",
        };
        *counts.entry(name).or_default() += count.count;
    }
    let warned = report.counts.iter().any(|count| count.severity > Severity::Info);
    (if warned { "accepted-with-warnings" } else { "accepted" }, counts)
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
