//! Packed payloads: unpacked within named limits, refused by name when they are none, and nothing stays of those.

use std::io::Write as _;
use std::process::{Command, Stdio};

use hub_client::v1::submission_service_client::SubmissionServiceClient;
use hub_client::v1::{CreateSubmissionRequest, UploadPayloadRequest};
use hub_proto::{Reason, reason_of};
use serde_json::{Value, json};
use tonic::transport::Endpoint;
use tonic::{Request, Status};

use crate::bad_input::assert_nothing_left;
use crate::harness::{Answer, PERIOD, Server, keyed, kutno_sample, synthetic};
use crate::memory::peak;

const NEW: &str = "/api/v1/submissions";
/// What a bomb may cost while it is refused.
const MEMORY: u64 = 64 << 20;

struct Caller<'a> {
    server: &'a Server,
    key: String,
}

impl Caller<'_> {
    fn of(server: &Server) -> Caller<'_> {
        Caller { key: server.key("publisher"), server }
    }

    fn call(&self, asked: (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Answer {
        keyed(self.server.http, &self.key, asked, headers, body)
    }

    fn open(&self, size: usize) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let asked = json!({"request_id": id, "pattern": "rb28s", "period": PERIOD, "media_type": "text/csv", "size_bytes": size});
        let answer = self.call(("POST", NEW), &[], asked.to_string().as_bytes());
        answer.header("location").to_owned()
    }

    fn append(&self, submission: &str, offset: usize, coding: &str, body: &[u8]) -> Answer {
        let offset = offset.to_string();
        let headers = [("Upload-Offset", offset.as_str()), ("Content-Encoding", coding)];
        self.call(("PATCH", &format!("{submission}/payload")), &headers, body)
    }

    fn offset(&self, submission: &str) -> usize {
        let answer = self.call(("HEAD", &format!("{submission}/payload")), &[], b"");
        answer.header("upload-offset").parse().expect("an offset")
    }

    fn commit(&self, submission: &str) -> Value {
        let answer = self.call(("POST", &format!("{submission}/commit")), &[], b"");
        serde_json::from_slice(&answer.body).expect("JSON")
    }
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).expect("a frame")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let pipes = || Stdio::piped();
    let mut child = Command::new("gzip").arg("-c").stdin(pipes()).stdout(pipes()).spawn().expect("gzip");
    let (mut input, bytes) = (child.stdin.take().expect("a pipe"), bytes.to_vec());
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("gzip").stdout;
    writer.join().expect("a thread").expect("a pipe");
    output
}

#[track_caller]
fn refused(answer: &Answer, status: u16, reason: &str) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &problem["reason"]), (status, &reason.into()), "{problem}");
    problem["detail"].as_str().expect("a text").to_owned()
}

#[test]
fn offsets_length_and_hash_are_those_of_the_plain_payload() {
    let server = Server::start();
    let caller = Caller::of(&server);
    let data = synthetic("rb28s", "100201", PERIOD, 40_000, 7);
    let submission = caller.open(data.len());
    let third = data.len() / 3;
    let parts = [zstd(&data[..third]), gzip(&data[third..2 * third]), data[2 * third..].to_vec()];
    for (at, (coding, part)) in ["zstd", "gzip", "identity"].iter().zip(&parts).enumerate() {
        assert!(at == 2 || part.len() < third / 2, "{coding}: {} of {third}", part.len());
        let answer = caller.append(&submission, at * third, coding, part);
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    }
    // Several frames are one body.
    assert_eq!(caller.append(&submission, 0, "zstd", &[parts[0].as_slice(), &parts[0]].concat()).status, 204);
    assert_eq!(caller.offset(&submission), data.len());
    let verdict = caller.commit(&submission);
    assert_eq!(
        (&verdict["submission"]["state"], &verdict["submission"]["size_bytes"]),
        (&"COMMITTED".into(), &data.len().into())
    );

    let sample = std::fs::read(kutno_sample()).expect("the sample");
    let headers = [("Content-Encoding", "zstd")];
    let path = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}&validate_only=true");
    assert_eq!(caller.call(("POST", &path), &headers, &zstd(&sample)).status, 200);
    let path = format!("/api/v1/patterns/rb28s/check?period={PERIOD}");
    let checked: Value =
        serde_json::from_slice(&caller.call(("POST", &path), &headers, &zstd(&sample)).body).expect("JSON");
    assert_eq!((&checked["verdict"], &checked["report"]["rows_read"]), (&"ACCEPTED".into(), &293.into()));
}

#[test]
fn what_is_not_what_it_says_is_refused_by_name() {
    let server = Server::start();
    let caller = Caller::of(&server);
    let data = synthetic("rb28s", "100201", PERIOD, 5_000, 7);
    let packed = zstd(&data);
    let submission = caller.open(data.len());
    assert!(
        refused(&caller.append(&submission, 0, "zstd", b"JST,no frame at all"), 400, "REQUEST_INVALID")
            .contains("no zstd")
    );
    assert!(
        refused(&caller.append(&submission, 0, "gzip", &packed), 400, "REQUEST_INVALID").contains("no gzip")
    );
    assert!(
        refused(&caller.append(&submission, 0, "br", &packed), 415, "MEDIA_TYPE_UNSUPPORTED")
            .contains("`br`")
    );
    assert_eq!(caller.offset(&submission), 0);
    let mut wide = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    wide.set_parameter(zstd::zstd_safe::CParameter::WindowLog(27)).expect("a window");
    wide.write_all(&data).expect("memory");
    let wide = wide.finish().expect("a frame");
    assert!(
        refused(&caller.append(&submission, 0, "zstd", &wide), 400, "REQUEST_INVALID")
            .contains("window of 8388608 bytes")
    );
    // Cut anywhere it is a beginning, or nothing; what was unpacked before the end is there.
    for cut in [1, 3, 10, packed.len() / 2, packed.len() - 1] {
        let detail = refused(&caller.append(&submission, 0, "zstd", &packed[..cut]), 400, "REQUEST_INVALID");
        assert!(detail.contains("zstd"), "{detail}");
    }
    // A byte that rotted on the way is noticed here, or by the payload's hash.
    for at in (0..packed.len()).step_by(packed.len() / 40 + 1) {
        let mut rotten = packed.clone();
        rotten[at] ^= 0x55;
        let answer = caller.append(&submission, 0, "zstd", &rotten);
        assert!([204, 400, 409].contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(caller.call(("DELETE", &submission), &[], b"").status, 200);
    assert_nothing_left(&server);
}

#[test]
fn a_bomb_meets_a_limit_and_no_memory() {
    let server = Server::start_with(&[("HUB_LIMITS_PAYLOAD_MIB", "64")]);
    let caller = Caller::of(&server);
    // Warm: what any upload takes.
    assert_eq!(caller.append(&caller.open(0), 0, "zstd", &zstd(&vec![b'x'; 4 << 20])).status, 204);
    let before = peak(&server);
    let bomb = zstd(&vec![0; 512 << 20]);
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    refused(&caller.append(&caller.open(10), 0, "zstd", &bomb), 409, "PAYLOAD_MISMATCH");
    refused(&caller.append(&caller.open(0), 0, "zstd", &bomb), 413, "PAYLOAD_TOO_LARGE");
    let path = format!("/api/v1/patterns/rb28s/check?period={PERIOD}");
    refused(&caller.call(("POST", &path), &[("Content-Encoding", "zstd")], &bomb), 413, "PAYLOAD_TOO_LARGE");
    let status = by_grpc(&server, bomb);
    assert_eq!(reason_of(&status), Some(Reason::MessageTooLarge), "{status:?}");
    let status = by_grpc(&server, b"no frame at all".to_vec());
    assert_eq!(reason_of(&status), Some(Reason::RequestInvalid), "{status:?}");
    let grown = peak(&server) - before;
    assert!(grown < MEMORY, "{grown} bytes");
}

/// Sends one packed message over gRPC; gives the refusal.
#[tokio::main(flavor = "current_thread")]
async fn by_grpc(server: &Server, zstd: Vec<u8>) -> Status {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).expect("an address");
    let channel = endpoint.connect().await.expect("the hub");
    let mut service = SubmissionServiceClient::new(channel);
    let key = format!("Bearer {}", server.key("publisher"));
    let create = CreateSubmissionRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        pattern: "patterns/rb28s".to_owned(),
        period: PERIOD.to_owned(),
        media_type: "text/csv".to_owned(),
        ..CreateSubmissionRequest::default()
    };
    let mut request = Request::new(create);
    request.metadata_mut().insert("authorization", key.parse().expect("a key"));
    let opened = service.create_submission(request).await.expect("a submission").into_inner();
    let submission = opened.submission.expect("a submission").name;
    let message = UploadPayloadRequest { submission, zstd: zstd.into(), ..Default::default() };
    let mut request = Request::new(futures::stream::iter([message]));
    request.metadata_mut().insert("authorization", key.parse().expect("a key"));
    service.upload_payload(request).await.expect_err("a refusal")
}
