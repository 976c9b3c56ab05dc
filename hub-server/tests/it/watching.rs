//! Watches tell of each dataset version, whoever dies meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Server, keyed, synthetic};

/// Each push is a version of its own.
const EACH_A_VERSION: [(&str, &str); 1] = [("HUB_LIMITS_OPEN_VERSION_MS", "0")];
const PATIENCE: Duration = Duration::from_secs(60);

fn push(server: &Server, seed: u64) {
    let file = server.file("rows.csv", &synthetic("rb28s", "026401", "2022-Q4", 60, seed));
    server.accepted("publisher2", &file, "rb28s", "2022-Q4", &["--replace-all", "--confirm-deletions"]);
}

fn versions(text: &str) -> Vec<u64> {
    let version = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(event["revisions"][0]["publisher"], "gmina-026401", "{event}");
        event["dataset_version"].as_u64().expect("a version")
    };
    text.lines().map(version).collect()
}

#[test]
fn a_watch_goes_on_where_it_was_and_leaves_nothing_out() {
    let mut server = Server::start_with(&EACH_A_VERSION);
    let state = server.file("cursor", b"rb28s:0\n");
    let path = state.to_str().expect("a path").to_owned();
    let follow = ["--format", "json", "--retry-for", "60", "watch", "rb28s", "--state", &path];
    push(&server, 1);
    let told = server.hub("ministry", &[&follow[..], &["--count", "1"]].concat()).expect(0);
    assert_eq!(versions(&told.stdout), [1]);
    // A watcher outlasts the death of the server.
    let mut watching = server.hub_command("ministry", &[&follow[..], &["--count", "4"]].concat());
    let watching = watching.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command");
    (2..4).for_each(|seed| push(&server, seed));
    server.kill();
    server.restart();
    (4..6).for_each(|seed| push(&server, seed));
    let told = watching.wait_with_output().expect("the command");
    assert_eq!(versions(&String::from_utf8(told.stdout).expect("text")), [2, 3, 4, 5]);
    // One that dies is told again what it may not have worked off, and nothing is missing.
    let mut seen = BTreeSet::new();
    for seed in 6..12 {
        let mut dying = server.hub_command("ministry", &follow);
        let mut dying = dying.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command");
        push(&server, seed);
        std::thread::sleep(Duration::from_millis(seed * 30));
        dying.kill().expect("a child of ours");
        let told = dying.wait_with_output().expect("the command");
        // The last line may be cut.
        let text = String::from_utf8(told.stdout).expect("text");
        seen.extend(versions(text.rsplit_once('\n').map_or("", |(whole, _)| whole)));
    }
    let place = || fs::read_to_string(&state).expect("a cursor");
    while !place().starts_with("rb28s:11.") {
        let told = server.hub("ministry", &[&follow[..], &["--count", "1"]].concat()).expect(0);
        seen.extend(versions(&told.stdout));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), (6..12).collect::<Vec<u64>>());
    let refused = server.hub("ministry", &["watch", "rb28s", "--since", "rb28s:1.other", "--count", "1"]);
    refused.expect(1).says("CURSOR_UNKNOWN");
    server.hub("ministry", &["watch", "nie_ma", "--count", "1"]).expect(1).says("DATASET_UNKNOWN");
}

#[test]
fn the_http_door_tells_the_same_as_events() {
    let server = Server::start_with(&EACH_A_VERSION);
    push(&server, 1);
    let line = TcpStream::connect(server.http).expect("a connection");
    line.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let (host, key) = (server.http, server.key("ministry"));
    let request = format!(
        "GET /api/v1/watch?datasets=rb28s HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nLast-Event-ID: rb28s:0\r\n\r\n"
    );
    (&line).write_all(request.as_bytes()).expect("a request");
    let mut lines = BufReader::new(line).lines().map(|line| line.expect("the answer"));
    let mut next_version = || {
        lines.by_ref().find(|line| line == "event: version").expect("an event");
        let data = lines.by_ref().find(|line| line.starts_with("data: ")).expect("its data");
        serde_json::from_str::<Value>(&data["data: ".len()..]).expect("JSON")
    };
    let first = next_version();
    assert_eq!((&first["dataset"], &first["version"]), (&"rb28s".into(), &1.into()));
    assert_eq!(first["revisions"][0]["kind"], "ADDED");
    push(&server, 2);
    let second = next_version();
    assert_eq!((&second["version"], &second["revisions"][0]["kind"]), (&2.into(), &"CORRECTED".into()));
    let refused = keyed(server.http, &server.key("ministry"), ("GET", "/api/v1/watch?since=x"), &[], b"");
    assert_eq!(refused.status, 400);
}
