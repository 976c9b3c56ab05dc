//! Slow and broken lines: what the hub has is not sent again, and what is sent is sent in few bytes.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Line, PERIOD, Server, kutno_sample, synthetic};

/// Bytes of the calls around a payload, at most.
const CALLS: u64 = 6 << 10;

/// A profile whose doors lie behind a line.
fn profile(server: &Server, name: &str, line: &Line) {
    let key = server.key("publisher");
    let address = line.address;
    let text =
        format!("endpoint = \"http://{address}\"\nhttp_endpoint = \"http://{address}\"\ntoken = \"{key}\"\n");
    std::fs::write(server.root().join(format!("dev/{name}.toml")), text).expect("a profile");
}

fn accepted(server: &Server, file: &Path, more: &[&str]) -> Value {
    server.accepted("line", file, "rb28s", PERIOD, more)
}

fn sends_once(server: &Server, line: &Line) {
    profile(server, "line", line);
    let long = server.file("long.csv", &synthetic("rb28s", "100201", PERIOD, 40_000, 7));
    for file in [kutno_sample(), long] {
        let bytes = std::fs::metadata(&file).expect("a file").len();
        let before = line.passed();
        let first = accepted(server, &file, &["--confirm-deletions", "--replace-all"]);
        assert!(line.passed() > before, "it was sent");
        let before = line.passed();
        let dry = accepted(server, &file, &["--dry-run"]);
        let again = accepted(server, &file, &[]);
        let passed = line.passed() - before;
        assert!(passed < 2 * CALLS && passed < bytes, "{passed} bytes for {bytes} that the hub has");
        assert_eq!((&dry["unchanged"], &again["unchanged"]), (&true.into(), &true.into()));
        assert_eq!(again["receipt"], first["receipt"]);
    }
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let server = Server::start();
    sends_once(&server, &Line::cut_once(server.grpc, u64::MAX));
}

#[test]
fn an_unchanged_file_is_not_sent_again_over_https() {
    let server = Server::start();
    sends_once(&server, &Line::of_http1(server.http, u64::MAX));
}
