//! Trials of submissions that wait in the spool: they leave nothing, and take nothing from who commits.

use bytes::Bytes;
use futures::StreamExt as _;
use hub_proto::Reason;

use super::{House, KUTNO, csv, for_tests, kutno_q4, own, permit};
use crate::intake::{CommitOptions, SubmissionState};

fn dry() -> CommitOptions {
    CommitOptions { validate_only: true, ..CommitOptions::default() }
}

/// The id of a submission whose bytes are all there.
async fn sent(house: &House, bytes: &[u8]) -> String {
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new).await.unwrap();
    house.intake.append(&own(), &created.id, 0, Bytes::copy_from_slice(bytes)).await.unwrap();
    house.intake.sync(&own(), &created.id).await.unwrap();
    created.id
}

/// The header of the Kutno report and its first rows.
fn rows(count: usize) -> Vec<u8> {
    let lines = kutno_q4().split_inclusive(|byte| *byte == b'\n');
    lines.take(count + 1).flatten().copied().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_beside_a_commit_leaves_it_its_bytes() {
    let house = House::new().await;
    for count in 10..22 {
        let bytes = rows(count);
        let id = sent(&house, &bytes).await;
        let (intake, told) = (&house.intake, own());
        let trial = intake.commit(&told, &id, dry());
        let commit = intake.commit(&told, &id, CommitOptions::default());
        let (_, mut committed) = tokio::join!(trial, commit);
        while committed.as_ref().is_err_and(|error| error.reason() == Reason::Busy) {
            committed = intake.commit(&told, &id, CommitOptions::default()).await;
        }
        let committed = match committed {
            // The trial had ended first, and its bytes had gone.
            Err(error) => {
                assert_eq!(error.reason(), Reason::SubmissionUnknown, "{error}");
                continue;
            }
            Ok(committed) => committed,
        };
        assert_eq!(committed.submission.state, SubmissionState::Committed);
        house.spooled().await;
        let mut original = intake.original(&for_tests::payloads(KUTNO), &id, 0).await.unwrap();
        let mut back = Vec::new();
        while let Some(piece) = original.pieces.next().await {
            back.extend_from_slice(&piece.unwrap().data);
        }
        assert!(back == bytes, "{} of {} bytes came back", back.len(), bytes.len());
    }
}

#[tokio::test]
async fn a_trial_that_ends_in_an_error_leaves_nothing_either() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &rows(20)).await.unwrap();
    for _ in 0..5 {
        let id = sent(&house, &rows(1)).await;
        let refused = house.intake.commit(&own(), &id, dry()).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::DeletionUnconfirmed);
        assert_eq!(house.spooled().await, 0);
    }
}
