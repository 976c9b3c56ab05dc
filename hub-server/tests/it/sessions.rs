//! Read sessions: several streams of one state, in one order, that go on after cuts, commits and restarts.

use hub_client::v1::RowFormat;
use hub_client::{Part, Pull, PullRequest};
use serde_json::{Value, json};

use crate::harness::{Server, keyed, kutno_sample, synthetic};
use crate::http_door::value;

fn request() -> PullRequest {
    PullRequest {
        dataset: "rb28s".to_owned(),
        columns: Vec::new(),
        filter: None,
        as_of: None,
        format: RowFormat::Arrow,
    }
}

/// A server with four files of rows.
fn filled() -> Server {
    let server = Server::start_with(&[("HUB_LIMITS_OPEN_VERSION_MS", "0")]);
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q4", &[]);
    for (seed, period) in ["2021-Q4", "2022-Q4", "2023-Q1"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 700, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &[]);
    }
    server
}

/// Rows of an Arrow stream as text, in their order.
fn rows(bytes: Vec<u8>) -> Vec<String> {
    let reader =
        arrow::ipc::reader::StreamReader::try_new(std::io::Cursor::new(bytes), None).expect("a stream");
    let mut text = Vec::new();
    for batch in reader {
        let mut lines = arrow::json::LineDelimitedWriter::new(&mut text);
        lines.write(&batch.expect("rows")).and_then(|()| lines.finish()).expect("rows as text");
    }
    String::from_utf8(text).expect("text").lines().map(str::to_owned).collect()
}

async fn rest_of(pull: &mut Pull, bytes: &mut Vec<u8>) {
    while let Some(part) = pull.next().await.expect("rows") {
        match part {
            Part::Data(data) => bytes.extend_from_slice(&data),
            Part::Restart => panic!("an Arrow stream goes on"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_session_are_its_rows_also_after_a_restart() {
    let mut server = filled();
    let client = server.client("ministry").retry_for(std::time::Duration::from_secs(60));
    let mut whole = Vec::new();
    let mut pull = client.pull(&request()).await.expect("a session");
    assert_eq!(pull.session().streams, 1);
    rest_of(&mut pull, &mut whole).await;
    let whole = rows(whole);
    let mut streams = client.pull_streams(&request(), 3).await.expect("a session");
    assert_eq!(streams.len(), 3);
    // The first one has begun when the server dies and others commit.
    let mut bytes = vec![Vec::new(); 3];
    if let Some(Part::Data(data)) = streams[0].next().await.expect("rows") {
        bytes[0].extend_from_slice(&data);
    }
    server.kill();
    server.restart();
    let file = server.file("later.csv", &synthetic("rb28s", "026401", "2021-Q4", 650, 99));
    server.accepted("publisher2", &file, "rb28s", "2021-Q4", &["--replace-all", "--confirm-deletions"]);
    // Beside each other, and the last one first.
    let reading = streams.iter_mut().zip(&mut bytes).rev().map(|(pull, bytes)| rest_of(pull, bytes));
    futures::future::join_all(reading).await;
    let parts: Vec<Vec<String>> = bytes.into_iter().map(rows).collect();
    assert!(parts.iter().all(|part| !part.is_empty()), "each has its part");
    assert_eq!(parts.concat(), whole);
}

#[test]
fn a_session_goes_on_by_https() {
    let mut server = filled();
    let ask = |server: &Server, method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        keyed(server.http, &server.key("ministry"), (method, path), &[], body.as_bytes())
    };
    let wanted = json!({"columns": ["dzial", "plan"], "where": "dzial = '801'", "max_streams": 2});
    let session = value(&ask(&server, "POST", "/api/v1/datasets/rb28s/sessions", &wanted));
    assert_eq!((&session["version"]["version"], &session["streams"]), (&json!(4), &json!(2)));
    let id = session["session"].as_str().expect("a session").to_owned();
    let read = |server: &Server, stream: u64, offset: usize| {
        let path = format!("/api/v1/sessions/{id}/rows?stream={stream}&offset={offset}");
        let answer = ask(server, "GET", &path, &Value::Null);
        assert_eq!(answer.header("content-type"), "application/vnd.apache.arrow.stream");
        rows(answer.body)
    };
    let whole = [read(&server, 0, 0), read(&server, 1, 0)];
    server.kill();
    server.restart();
    for (stream, whole) in (0..).zip(&whole) {
        for offset in [1, whole.len() / 2, whole.len()] {
            assert_eq!(read(&server, stream, offset), whole[offset..], "stream {stream} from {offset}");
        }
    }
    let beyond = ask(&server, "GET", &format!("/api/v1/sessions/{id}/rows?stream=2"), &Value::Null);
    assert_eq!((beyond.status, value(&beyond)["reason"].as_str()), (400, Some("REQUEST_INVALID")));
    let cursor = session["cursor"].as_str().expect("a cursor");
    let changes =
        ask(&server, "GET", &format!("/api/v1/datasets/rb28s/changes?since={cursor}"), &Value::Null);
    assert_eq!(changes.status, 200);
    assert_eq!(String::from_utf8_lossy(&changes.body).lines().count(), 1, "the header alone");
}
