//! Payloads that are no CSV: the corpus of the core, with the same reports.

use std::path::Path;

use hub_datasets::{MediaType, Report};
use hub_proto::Reason;

use super::{House, csv};
use crate::intake::{CommitOptions, NewSubmission, SubmissionState};

fn new(media: MediaType) -> NewSubmission {
    NewSubmission { media_type: media.as_str().into(), ..csv("rb28s", "2022-Q4") }
}

struct Kept {
    name: String,
    media: MediaType,
    bytes: Vec<u8>,
    report: Report,
}

fn corpus() -> Vec<Kept> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("datasets/tests/payloads/kept");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| !path.to_string_lossy().ends_with(".report.json"));
    let payloads = entries.filter_map(|path| {
        let media = MediaType::of(&path)?;
        let report = std::fs::read(format!("{}.report.json", path.display())).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let report = serde_json::from_slice(&report).unwrap();
        Some(Kept { name, media, bytes: std::fs::read(&path).unwrap(), report })
    });
    payloads.collect()
}

#[tokio::test]
async fn payloads_get_the_verdict_of_the_core() {
    let house = House::new().await;
    let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let corpus = corpus();
    assert!(corpus.len() > 60);
    for Kept { name, media, bytes, report } in corpus {
        let verdict = house.push_with(new(media), &bytes, trial.clone()).await.unwrap();
        assert_eq!(verdict.report, report, "{name}");
        let refused = verdict.submission.state == SubmissionState::Refused;
        assert_eq!(refused, report.blocks(), "{name}");
        assert_eq!(house.spooled().await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_honest_payload_is_committed_and_a_forged_one_is_not() {
    let house = House::new().await;
    let corpus = corpus();
    let named = |wanted: &str| corpus.iter().find(|kept| kept.name == wanted).unwrap();
    for (honest, forged) in [
        ("honest.arrow", "metadata-of-2-gib.arrow"),
        ("honest.ndjson", "no-json.ndjson"),
        ("honest.parquet", "footer-of-2-gib.parquet"),
        ("honest.xlsx", "shared-strings-of-64-mib.xlsx"),
        ("honest.ods", "both-repeated.ods"),
    ] {
        let (honest, forged) = (named(honest), named(forged));
        let committed = house.push(new(honest.media), &honest.bytes).await.unwrap();
        assert_eq!((committed.submission.state, committed.submission.rows), (SubmissionState::Committed, 2));
        let refused = house.push(new(forged.media), &forged.bytes).await.unwrap();
        assert_eq!(refused.submission.state, SubmissionState::Refused);
        assert_eq!(refused.submission.reason, Some(Reason::PayloadUnreadable));
    }
    assert_eq!(house.spooled().await, 0);
}
