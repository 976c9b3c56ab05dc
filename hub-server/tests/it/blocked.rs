//! Where a proxy lets only HTTP/1.1 through, `hub` finds it out and goes by the hub's HTTP door.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Line, Output, PERIOD, Server, invalid_samples, kutno_sample, synthetic};

/// A profile whose two addresses lead to a line.
fn profile(server: &Server, name: &str, line: &Line, http: Option<&Line>) {
    let http = http.map(|http| format!("http_endpoint = \"http://{}\"\n", http.address)).unwrap_or_default();
    let text =
        format!("endpoint = \"http://{}\"\n{http}token = \"{}\"\n", line.address, server.key("publisher"));
    std::fs::write(server.root().join(format!("dev/{name}.toml")), text).expect("a profile");
}

fn push(server: &Server, name: &str, file: &std::path::Path, more: &[&str]) -> Output {
    server.push(name, file, "rb28s", PERIOD, more)
}

#[test]
fn a_push_goes_by_the_http_door() {
    let server = Server::start();
    let line = Line::of_http1(server.http, u64::MAX);
    profile(&server, "blocked", &line, Some(&line));
    let began = Instant::now();
    let dry = push(&server, "blocked", &kutno_sample(), &["--dry-run"]).expect(0).says("HTTP/2 is blocked");
    assert_eq!(dry.json()["report"]["rows_read"], 293);
    assert!(began.elapsed() < Duration::from_secs(8), "waiting would not have helped");
    let receipt = server.file("upo.json", b"");
    let receipt = receipt.to_str().expect("a path");
    let over_https: Value =
        push(&server, "blocked", &kutno_sample(), &["--receipt", receipt]).expect(0).json();
    assert_eq!(over_https["submission"]["state"], "COMMITTED");
    let by_grpc = push(&server, "publisher", &kutno_sample(), &[]).expect(0).json();
    assert_eq!(by_grpc["unchanged"], true, "the same bytes by the other door");
    assert_eq!(by_grpc["report"], over_https["report"]);
    assert_eq!(by_grpc["receipt"], over_https["receipt"]);
    let refused = push(&server, "blocked", &invalid_samples("rb28s")[0], &[]).expect(3).json();
    assert_eq!(refused["submission"]["state"], "REFUSED");
    let id = over_https["submission"]["submission"].as_str().expect("an id");
    server.hub("blocked", &["submissions", "show", id]).expect(0);
    server.hub("blocked", &["submissions", "report", id]).expect(0);
    server.hub("blocked", &["submissions", "receipt", id]).expect(0);
    // What cannot go that way says why, at once.
    server.hub("blocked", &["query", "SELECT 1"]).expect(4).says("HTTP/2 is blocked");
}

#[test]
fn a_long_push_goes_on_after_a_cut() {
    let server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 220_000, 11);
    assert!(data.len() > 9 << 20);
    let file = server.file("long.csv", &data);
    let line = Line::of_http1(server.http, 6 << 20);
    profile(&server, "blocked", &line, Some(&line));
    let verdict = push(&server, "blocked", &file, &[]).expect(0).json();
    assert_eq!(verdict["submission"]["rows"], 220_000);
    assert!(line.was_cut() && line.passed() < data.len() as u64 + (5 << 20), "{}", line.passed());
}

#[test]
fn without_an_http_door_the_reason_is_told() {
    let server = Server::start();
    let line = Line::of_http1(server.http, u64::MAX);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nowhere = closed.local_addr().expect("an address");
    drop(closed);
    let text = format!(
        "endpoint = \"http://{}\"\nhttp_endpoint = \"http://{nowhere}\"\ntoken = \"{}\"\n",
        line.address,
        server.key("publisher")
    );
    std::fs::write(server.root().join("dev/blocked.toml"), text).expect("a profile");
    let file = kutno_sample();
    let file = file.to_str().expect("a path");
    let args = ["--retry-for", "1", "push", file, "--pattern", "rb28s", "--period", PERIOD];
    server.hub("blocked", &args).expect(4).says(&nowhere.to_string());
}
