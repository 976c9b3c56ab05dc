//! Arrow streams from outside: the corpus of the core, with the same reports.

use std::path::Path;

use hub_datasets::Report;
use hub_proto::Reason;

use super::{House, csv};
use crate::intake::{CommitOptions, NewSubmission, SubmissionState};

fn arrow() -> NewSubmission {
    NewSubmission { media_type: "application/vnd.apache.arrow.stream".into(), ..csv("rb28s", "2022-Q4") }
}

/// Streams by name, each with the report that it gets.
fn corpus() -> Vec<(String, Vec<u8>, Report)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("datasets/tests/payloads/kept");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let streams = entries.filter(|path| path.extension().is_some_and(|extension| extension == "arrow"));
    let streams = streams.map(|path| {
        let report = std::fs::read(format!("{}.report.json", path.display())).unwrap();
        let report = serde_json::from_slice(&report).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap(), report)
    });
    streams.collect()
}

#[tokio::test]
async fn streams_get_the_verdict_of_the_core() {
    let house = House::new().await;
    let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let corpus = corpus();
    assert!(corpus.len() > 20);
    for (name, bytes, expected) in corpus {
        let verdict = house.push_with(arrow(), &bytes, trial.clone()).await.unwrap();
        assert_eq!(verdict.report, expected, "{name}");
        let refused = verdict.submission.state == SubmissionState::Refused;
        assert_eq!(refused, expected.blocks(), "{name}");
        assert_eq!(house.spooled().await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_honest_stream_is_committed_and_a_forged_one_is_not() {
    let house = House::new().await;
    let corpus = corpus();
    let named = |wanted: &str| corpus.iter().find(|(name, ..)| name == wanted).unwrap().1.clone();
    let honest = house.push(arrow(), &named("honest.arrow")).await.unwrap();
    assert_eq!((honest.submission.state, honest.submission.rows), (SubmissionState::Committed, 2));
    let forged = house.push(arrow(), &named("metadata-of-2-gib.arrow")).await.unwrap();
    assert_eq!(forged.submission.state, SubmissionState::Refused);
    assert_eq!(forged.submission.reason, Some(Reason::PayloadUnreadable));
    assert_eq!(house.spooled().await, 0);
}
