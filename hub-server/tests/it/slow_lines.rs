//! Slow and broken lines: what the hub has is not sent again, and what is sent is sent in few bytes.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Line, PERIOD, Rules, Server, campaign, kutno_sample, lasting, synthetic};

/// Bytes of the calls around a payload, at most.
const CALLS: u64 = 6 << 10;

const CUTS: u64 = 20;
/// The shortest piece that a client sends.
const PIECE: u64 = 16 << 10;

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
    let middle = server.file("middle.csv", &synthetic("rb28s", "100201", PERIOD, 1_200, 7));
    assert!(std::fs::metadata(&middle).is_ok_and(|file| (64 << 10..1 << 20).contains(&file.len())));
    for file in [middle, long] {
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

fn packs(server: &Server, line: &Line) {
    profile(server, "line", line);
    let bytes = synthetic("rb28s", "100201", PERIOD, 40_000, 7);
    let long = server.file("long.csv", &bytes);
    for file in [kutno_sample(), long] {
        let bytes = std::fs::metadata(&file).expect("a file").len();
        let before = line.passed();
        let verdict =
            accepted(server, &file, &["--compress", "always", "--confirm-deletions", "--replace-all"]);
        assert_eq!(verdict["submission"]["size_bytes"], bytes, "length is that of the plain file");
        let passed = line.passed() - before;
        println!("{}: {bytes} bytes are {passed} on the line", file.display());
        assert!(passed < bytes / 2, "{passed} of {bytes} bytes on the line");
    }
}

#[test]
fn text_is_less_than_half_of_itself_on_the_line() {
    let server = Server::start();
    packs(&server, &Line::start(server.grpc, Rules::GOOD));
}

#[test]
fn text_is_less_than_half_of_itself_on_the_line_over_https() {
    let server = Server::start();
    packs(&server, &Line::start(server.http, Rules { only_http1: true, ..Rules::GOOD }));
}

/// Each cut costs a piece at most; the shortest ones are sent on such a line.
fn gets_through(to_http: bool) {
    let server = Server::start();
    let kib = campaign("HUB_SOAK_SLOW_KIB", 512);
    let rate = Some(campaign("HUB_SOAK_SLOW_RATE", u64::MAX)).filter(|rate| *rate < u64::MAX);
    let rows = kib * 1024 / (synthetic("rb28s", "100201", PERIOD, 1_000, 3).len() as u64 / 1_000) + 100;
    let bytes = synthetic("rb28s", "100201", PERIOD, rows, 3);
    let length = bytes.len() as u64;
    assert!(length >= kib << 10, "{length} bytes");
    let file = server.file("slow.csv", &bytes);
    // Twenty cuts, all of them before the end.
    let cut_after = (kib << 10) / (CUTS + 1);
    let rules = Rules { only_http1: to_http, cut_after, cuts: CUTS, rate, rate_back: rate, ..Rules::GOOD };
    let line = Line::start(if to_http { server.http } else { server.grpc }, rules);
    profile(&server, "line", &line);
    let verdict = accepted(&server, &file, &["--compress", "never"]);
    assert_eq!(verdict["submission"]["size_bytes"], length);
    assert!(line.was_cut());
    let again = line.passed().saturating_sub(length);
    let door = if to_http { "HTTPS" } else { "gRPC" };
    let kbits = rate.map_or("any speed".to_owned(), |rate| format!("{} kbit/s", rate * 8 / 1024));
    println!(
        "soak: {} KiB over {door} at {kbits} with {CUTS} cuts: {} KiB were sent again, calls included",
        length >> 10,
        again >> 10
    );
    let payload = line.bytes_again();
    println!("soak: {} KiB of the payload were sent again over {door}", payload >> 10);
    // On a long upload a piece is what the line carries in two seconds.
    let piece = PIECE.max(2 * rate.unwrap_or_default());
    assert!(payload <= CUTS * piece, "{payload} bytes were sent again after {CUTS} cuts");
    // By HTTPS the hub keeps each byte that came.
    assert!(to_http || payload > 0, "cuts that cost nothing are none");
    assert_eq!(lasting(server.root()), Vec::<std::path::PathBuf>::new());
    comes_back(&server, rows);
}

/// The same rows by the same line; behind what waits there to be sent nobody is taken for dead.
fn comes_back(server: &Server, rows: u64) {
    let file = server.file("back.csv", b"");
    let columns = "jednostka_regon,dzial,rozdzial,paragraf,p4,plan,wykonanie";
    let args = ["pull", "rb28s", "--columns", columns, "--out", file.to_str().expect("a path")];
    server.hub("line", &args).expect(0);
    let back = std::fs::read_to_string(&file).expect("a file");
    assert_eq!(back.lines().count() as u64, rows + 1);
    println!("soak: the same {rows} rows came back, {} KiB as CSV", back.len() >> 10);
}

/// `HUB_SOAK_SLOW_KIB` sends more, `HUB_SOAK_SLOW_RATE` at so many bytes a second.
#[test]
fn a_cut_costs_a_piece_at_most() {
    gets_through(false);
}

#[test]
fn a_cut_costs_a_piece_at_most_over_https() {
    gets_through(true);
}
