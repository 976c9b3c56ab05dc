//! Arrow streams from outside: what is well-formed is taken, what is forged is one clear refusal.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, DictionaryArray, StringArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use hub_proto::Reason;
use proptest::prelude::*;

use super::{House, csv};
use crate::intake::arrow_ipc::StreamDecoder;
use crate::intake::{NewSubmission, SubmissionState, Verdict};

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn amount(values: &[i128]) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec()).with_precision_and_scale(18, 2).unwrap();
    Arc::new(array)
}

/// Two valid lines of an expenditure report.
fn batch() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("jednostka_regon", text(&["001070630", "001070630"])),
        ("dzial", text(&["801", "801"])),
        ("rozdzial", text(&["80101", "80101"])),
        ("paragraf", text(&["401", "411"])),
        ("p4", text(&["0", "0"])),
        ("plan", amount(&[100_000, 20_000])),
        ("zaangazowanie", amount(&[90_000, 20_000])),
        ("wykonanie", amount(&[80_000, 20_000])),
    ])
    .unwrap()
}

fn stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow() -> NewSubmission {
    NewSubmission { media_type: "application/vnd.apache.arrow.stream".into(), ..csv("rb28s", "2022-Q4") }
}

async fn pushed(payload: &[u8]) -> Verdict {
    let house = House::new().await;
    let verdict = house.push(arrow(), payload).await.unwrap();
    assert_eq!(house.spooled().await, 0);
    verdict
}

async fn refused(payload: &[u8], said: &str) {
    let verdict = pushed(payload).await;
    assert_eq!(verdict.submission.state, SubmissionState::Refused);
    assert_eq!(verdict.submission.reason, Some(Reason::PayloadUnreadable), "{:?}", verdict.report);
    let message = &verdict.report.violations[0].message_en;
    assert!(message.contains(said), "{message}");
}

#[tokio::test]
async fn a_plain_stream_is_committed() {
    let verdict = pushed(&stream(&batch())).await;
    assert_eq!(verdict.submission.state, SubmissionState::Committed, "{:?}", verdict.report.violations);
    assert_eq!(verdict.submission.rows, 2);
}

#[tokio::test]
async fn dictionaries_are_refused() {
    let values: DictionaryArray<Int32Type> = ["801", "801"].into_iter().collect();
    let schema = Schema::new(vec![Field::new("dzial", values.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(values)]).unwrap();
    refused(&stream(&batch), "dictionary").await;
}

#[tokio::test]
async fn forged_lengths_are_refused_before_anything_is_allocated() {
    let mut metadata = vec![0xFF, 0xFF, 0xFF, 0xFF];
    metadata.extend_from_slice(&i32::MAX.to_le_bytes());
    refused(&metadata, "metadata claims").await;
    let whole = stream(&batch());
    refused(&whole[..whole.len() / 2], "only").await;
    refused(b"jednostka_regon,dzial\n", "metadata claims").await;
}

#[tokio::test]
async fn an_empty_stream_is_refused() {
    refused(b"", "ends before its schema").await;
}

#[tokio::test]
async fn a_foreign_schema_is_told_column_by_column() {
    let batch = RecordBatch::try_from_iter([("kolumna", text(&["x"]))]).unwrap();
    let verdict = pushed(&stream(&batch)).await;
    assert_eq!(verdict.submission.state, SubmissionState::Refused);
    assert!(verdict.report.violations.iter().all(|v| v.code.as_str() == "SCHEMA_MISMATCH"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Any byte of a real stream may be any other: the decoder ends with batches or a fault, never with a panic.
    #[test]
    fn a_flipped_byte_never_panics(at in 0_usize..2_000, value: u8, cut in 0_usize..2_000) {
        let mut bytes = stream(&batch());
        let at = at % bytes.len();
        bytes[at] = value;
        bytes.truncate(bytes.len().min(cut.max(64)));
        let mut decoder = StreamDecoder::new(bytes.as_slice());
        let mut batches = 0;
        while let Ok(Some(_)) = decoder.next_batch() {
            batches += 1;
            prop_assert!(batches <= 1_000);
        }
    }
}
