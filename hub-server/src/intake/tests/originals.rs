//! Bytes on their way back: to whom, of what, and from where on.

use futures::StreamExt as _;
use hub_proto::Reason;

use super::{House, KUTNO, csv, for_tests, kutno_q4};
use crate::intake::{CommitOptions, IntakeError};
use crate::permit::PayloadPermit;

async fn back(house: &House, permit: &PayloadPermit, id: &str, offset: u64) -> Result<Vec<u8>, IntakeError> {
    let mut original = house.intake.original(permit, id, offset).await?;
    assert_eq!((original.size, original.media_type.as_str()), (kutno_q4().len() as u64, "text/csv"));
    let (mut bytes, mut at) = (Vec::new(), offset);
    while let Some(piece) = original.pieces.next().await {
        let piece = piece?;
        assert_eq!(piece.offset, at);
        at += piece.data.len() as u64;
        bytes.extend_from_slice(&piece.data);
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_has_its_bytes_back_from_any_offset_on() {
    let house = House::new().await;
    let verdict = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let (id, permit) = (verdict.submission.id, for_tests::payloads(KUTNO));
    for offset in [0, 1, 5_000, kutno_q4().len()] {
        let bytes = back(&house, &permit, &id, offset as u64).await.unwrap();
        assert!(bytes == kutno_q4()[offset..], "{offset}");
    }
    let behind = back(&house, &permit, &id, kutno_q4().len() as u64 + 1).await;
    assert_eq!(behind.unwrap_err().reason(), Reason::RequestInvalid);
    let other = back(&house, &for_tests::payloads("gmina-026401"), &id, 0).await;
    assert_eq!(other.unwrap_err().reason(), Reason::SubmissionUnknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_bytes_says_why() {
    let house = House::new().await;
    let permit = for_tests::payloads(KUTNO);
    let reason = async |id: &str| back(&house, &permit, id, 0).await.unwrap_err().reason();
    let refused = house.push(csv("rb28s", "2022-Q4"), b"dzial\n801\n").await.unwrap();
    assert_eq!(reason(&refused.submission.id).await, Reason::PayloadNotKept);
    let open = house.intake.create(&super::permit(&csv("rb28s", "2022-Q3")), csv("rb28s", "2022-Q3")).await;
    assert_eq!(reason(&open.unwrap().id).await, Reason::StateConflict);
    let mut new = csv("rb27s", "2022-Q4");
    new.nothing_to_report = true;
    let nothing = house.push_with(new, b"", CommitOptions::default()).await.unwrap();
    assert_eq!(reason(&nothing.submission.id).await, Reason::StateConflict);
    assert_eq!(reason("0192f0c4-0000-7000-8000-000000000001").await, Reason::SubmissionUnknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_names_its_publisher_and_is_signed_when_it_leaves() {
    let house = House::new().await;
    let verdict = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let receipt = verdict.receipt.unwrap();
    assert!(receipt.text.contains("\"publisher_name\":\"Kutno\""), "{}", receipt.text);
    assert!(receipt.text.contains(&format!("\"key_id\":\"{}\"", receipt.key_id)));
    let again = house.intake.receipt(&super::own(), &verdict.submission.id).await.unwrap();
    assert_eq!(again, receipt);
    let record = house.intake.parts.catalog.submission(&verdict.submission.id).await.unwrap().unwrap();
    assert!(record.receipt.contains("\"key_id\":\"\",") && record.receipt.contains("\"signature\":\"\""));
}
