//! Bad input that no well-behaved client sends: stale offsets, reused request ids, forged Arrow streams.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray};
use arrow::ipc::writer::StreamWriter;
use hub_proto::v1::push_submission_request::Step;
use hub_proto::v1::submission_service_client::SubmissionServiceClient;
use hub_proto::v1::{CommitOptions, CreateSubmissionRequest, PushSubmissionRequest, UploadPayloadRequest};
use hub_proto::{Reason, reason_of};
use tonic::transport::Endpoint;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::bad_input::assert_nothing_left;
use crate::harness::{PERIOD, Server, grosze, kutno_sample, refused_streams};

fn create(request_id: &str, media_type: &str) -> CreateSubmissionRequest {
    CreateSubmissionRequest {
        request_id: request_id.to_owned(),
        pattern: "patterns/rb28s".to_owned(),
        period: PERIOD.to_owned(),
        media_type: media_type.to_owned(),
        ..Default::default()
    }
}

/// Calls the contract itself, as the publisher.
macro_rules! submissions {
    ($server:expr) => {{
        let endpoint = Endpoint::from_shared(format!("http://{}", $server.grpc)).expect("an address");
        let bearer = format!("Bearer {}", $server.key("publisher"));
        let channel = endpoint.connect().await.expect("the gRPC listener");
        SubmissionServiceClient::with_interceptor(channel, move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", bearer.parse().expect("a key"));
            Ok(request)
        })
    }};
}

#[track_caller]
fn assert_refused<T>(answer: Result<T, Status>, reason: Reason) {
    let Err(status) = answer else { panic!("accepted, {reason} was expected") };
    assert_eq!(reason_of(&status), Some(reason), "{status:?}");
    assert_eq!(status.code(), reason.grpc_code());
    assert!(!status.message().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_past_the_durable_offset_are_refused() {
    let server = Server::start();
    let mut calls = submissions!(server);
    let created =
        calls.create_submission(create(&Uuid::new_v4().to_string(), "text/csv")).await.expect("created");
    let name = created.into_inner().submission.expect("a submission").name;
    let upload = |offset: u64, data: &'static [u8]| {
        let request = UploadPayloadRequest {
            submission: name.clone(),
            offset,
            data: data.into(),
            ..Default::default()
        };
        tokio_stream::iter([request])
    };
    let first = calls.upload_payload(upload(0, b"jednostka_regon")).await.expect("taken").into_inner();
    assert_eq!(first.durable_offset, 15);
    assert_refused(calls.upload_payload(upload(99, b",dzial")).await, Reason::OffsetStale);
    let request = hub_proto::v1::AbandonSubmissionRequest { name: name.clone() };
    calls.abandon_submission(request).await.expect("abandoned");
    assert_refused(calls.upload_payload(upload(15, b",dzial")).await, Reason::SubmissionUnknown);
    assert_nothing_left(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_stands_for_its_bytes() {
    let server = Server::start();
    let mut calls = submissions!(server);
    let request_id = Uuid::new_v4().to_string();
    let whole = std::fs::read(kutno_sample()).expect("the sample");
    let push = |data: Vec<u8>| {
        let steps = [
            Step::Create(create(&request_id, "text/csv")),
            Step::Data(data.into()),
            Step::Commit(CommitOptions::default()),
        ];
        tokio_stream::iter(steps.map(|step| PushSubmissionRequest { step: Some(step) }))
    };
    let first = calls.push_submission(push(whole.clone())).await.expect("accepted").into_inner();
    let again = calls.push_submission(push(whole.clone())).await.expect("the same answer").into_inner();
    assert_eq!(again.receipt, first.receipt);
    let other = whole.iter().copied().chain(*b"\n").collect::<Vec<u8>>();
    assert_refused(calls.push_submission(push(other)).await, Reason::RequestIdReused);
    let mut elsewhere = create(&request_id, "text/csv");
    elsewhere.period = "2021-Q4".to_owned();
    assert_refused(calls.create_submission(elsewhere).await, Reason::RequestIdReused);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "293");
    assert_eq!(crate::harness::lasting(server.root()), Vec::<std::path::PathBuf>::new());
}

/// The Kutno package as an Arrow table: codes as texts, amounts to the grosz.
fn table() -> RecordBatch {
    let text = std::fs::read_to_string(kutno_sample()).expect("the sample");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let columns = (0..names.len()).map(|at| {
        let cells = rows.iter().map(|row| Some(row[at]).filter(|cell| !cell.is_empty()));
        let column: ArrayRef = match at < FIRST_AMOUNT {
            true => Arc::new(cells.collect::<StringArray>()),
            false => {
                let amounts = cells.map(|cell| cell.map(|cell| i128::from(grosze(cell))));
                let amounts = amounts.collect::<Decimal128Array>().with_precision_and_scale(18, 2);
                Arc::new(amounts.expect("amounts that fit"))
            }
        };
        (names[at], column)
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .expect("a table")
}

/// Column of the plan; amounts follow it.
const FIRST_AMOUNT: usize = 6;

fn stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    writer.write(batch).expect("a batch");
    writer.finish().expect("an end");
    writer.into_inner().expect("bytes")
}

/// Streams that lie about themselves, with what they are: the corpus, and one lie of eight bytes after the other.
fn forged() -> Vec<(String, Vec<u8>)> {
    let mut forged = refused_streams();
    let honest = stream(&table());
    // Lengths and offsets of buffers are eight bytes each in the batch's metadata: all of them in turn.
    let batch = second_message(&honest);
    for at in (batch + 8..batch + 8 + 512).step_by(8) {
        let mut bytes = honest.clone();
        bytes[at..at + 8].copy_from_slice(&0x7fff_ffff_ffff_0000_u64.to_le_bytes());
        forged.push((format!("eight forged bytes at {at}"), bytes));
    }
    forged
}

/// Where the record batch's message begins.
fn second_message(stream: &[u8]) -> usize {
    let length = u32::from_le_bytes(stream[4..8].try_into().expect("four bytes")) as usize;
    assert_eq!(stream[8 + length..][..4], [0xff; 4], "a continuation mark");
    8 + length
}

#[test]
fn an_honest_arrow_stream_is_accepted() {
    let server = Server::start();
    let file = server.file("honest.arrow", &stream(&table()));
    let verdict = server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
    assert_eq!(verdict["submission"]["rows"], 293);
}

#[test]
fn forged_arrow_streams_are_refused_and_cost_no_memory() {
    let server = Server::start();
    let before = crate::memory::peak(&server);
    let (mut refused, mut accepted) = (0, 0);
    for (what, bytes) in forged() {
        let file = server.file("forged.arrow", &bytes);
        let output = server.push("publisher", &file, "rb28s", "2021-Q4", &["--dry-run"]);
        match output.code {
            3 => refused += 1,
            // Some of the eight bytes are padding, which may hold anything.
            0 if what.contains("forged bytes") => accepted += 1,
            _ => panic!("{what}: {output:?}"),
        }
    }
    assert!(refused > 30 && accepted < 30, "{refused} refused, {accepted} accepted");
    let grown = crate::memory::peak(&server) - before;
    assert!(grown < 128 << 20, "grew by {grown} bytes");
    for (what, bytes) in forged().into_iter().filter(|(what, _)| !what.contains("forged bytes")) {
        let file = server.file("forged.arrow", &bytes);
        let verdict = server.push("publisher", &file, "rb28s", PERIOD, &[]).expect(3).json();
        let reason = verdict["submission"]["reason"].as_str().expect("a reason");
        let reasons = ["PAYLOAD_UNREADABLE", "PAYLOAD_EMPTY", "PERIOD_MISMATCH", "REPORT_BLOCKS"];
        assert!(reasons.contains(&reason), "{what}: {verdict}");
    }
    assert_nothing_left(&server);
}
