//! Bad input: one clear error with a Reason and the right exit code, and nothing left behind.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{KUTNO, PERIOD, Server, get, kutno_sample, lasting, sample};

const HEADER: &str =
    "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie,zobowiazania";

/// Nothing of what was refused can be read, waits, or lies around; the hub itself did not fail.
#[track_caller]
pub(crate) fn assert_nothing_left(server: &Server) {
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "0");
    let listed = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0).stdout;
    for line in listed.lines() {
        let one: Value = serde_json::from_str(line).expect("JSON");
        assert!(["REFUSED", "ABANDONED"].contains(&one["state"].as_str().unwrap_or_default()), "{one}");
    }
    assert!(!server.log().contains("the hub failed"), "{}", server.log());
}

/// Pushes what the report must block; gives the verdict.
#[track_caller]
fn refused(server: &Server, file: &Path, reason: &str, code: &str) -> Value {
    let verdict = server.push("publisher", file, "rb28s", PERIOD, &[]).expect(3).json();
    assert_eq!(verdict["submission"]["state"], "REFUSED", "{verdict}");
    assert_eq!(verdict["submission"]["reason"], reason, "{verdict}");
    let counts = verdict["report"]["counts"].as_array().expect("counts");
    assert!(counts.iter().any(|count| count["code"] == code), "{counts:?}");
    assert_nothing_left(server);
    verdict
}

#[test]
fn a_wrong_header_is_one_finding_that_names_the_column() {
    let server = Server::start();
    let file = sample("rb28s", "invalid/naglowek-bez-kolumny.csv");
    let verdict = refused(&server, &file, "REPORT_BLOCKS", "COLUMN_MISSING");
    let findings = verdict["report"]["violations"].as_array().expect("findings");
    assert_eq!(findings.len(), 1);
    assert_eq!((&findings[0]["row"], &findings[0]["column"]), (&1.into(), &"dzial".into()));
}

#[test]
fn a_wrong_type_is_named_by_row_and_column_with_its_value() {
    let server = Server::start();
    let file = sample("rb28s", "invalid/typ-kwota-slownie.csv");
    let verdict = refused(&server, &file, "REPORT_BLOCKS", "TYPE_INVALID");
    let finding = &verdict["report"]["violations"][0];
    assert_eq!((&finding["row"], &finding["column"]), (&3.into(), &"plan".into()));
    assert_eq!(finding["value"], "sto złotych");
    // The same file again under a new command is refused again, not found as something known.
    refused(&server, &file, "REPORT_BLOCKS", "TYPE_INVALID");
}

#[test]
fn ten_thousand_errors_are_counted_exactly_and_listed_boundedly() {
    let server = Server::start();
    let mut text = format!("{HEADER}\n");
    for row in 0..10_000 {
        text.push_str(&format!("001070630,801,80101,1400,401,0,x{row},1.00,1.00,\n"));
    }
    let file = server.file("errors.csv", text.as_bytes());
    let verdict = refused(&server, &file, "REPORT_BLOCKS", "TYPE_INVALID");
    let counts = verdict["report"]["counts"].as_array().expect("counts");
    let types = counts.iter().find(|count| count["code"] == "TYPE_INVALID").expect("the count");
    assert_eq!(types["count"], 10_000);
    let listed = verdict["report"]["violations"].as_array().expect("findings").len();
    assert!((100..=10_000).contains(&listed), "{listed}");
    assert_eq!(verdict["report"]["rows_refused"], 10_000);
    // As text: all that the report holds where nothing else can show it, else the beginning and the way to the rest.
    let told = |profile: &str, deed: &str| {
        let path = file.to_str().expect("a path");
        server.hub(profile, &[deed, path, "--pattern", "rb28s", "--period", PERIOD]).expect(3)
    };
    let named = |text: &str| text.matches("this is not a number").count();
    let checked = told("", "check").says("a report names at most 1000");
    assert!(named(&checked.stdout) > 500, "{}", checked.stdout);
    let pushed = told("publisher", "push").says("see all of them: hub submissions report ");
    assert!(named(&pushed.stdout) <= 50, "{}", pushed.stdout);
}

#[test]
fn an_empty_file_is_refused() {
    let server = Server::start();
    refused(&server, &server.file("empty.csv", b""), "PAYLOAD_EMPTY", "EMPTY_FILE");
    let header = server.file("header.csv", format!("{HEADER}\n").as_bytes());
    refused(&server, &header, "PAYLOAD_EMPTY", "EMPTY_FILE");
}

#[test]
fn a_gigantic_line_is_refused_without_being_held() {
    let server = Server::start();
    let mut text = format!("{HEADER}\n001070630,").into_bytes();
    text.resize(48 << 20, b'x');
    refused(&server, &server.file("line.csv", &text), "PAYLOAD_UNREADABLE", "LINE_TOO_LONG");
    // A quote that never closes makes all that follows one record.
    let mut text = format!("{HEADER}\n001070630,\"").into_bytes();
    text.extend("a line\n".repeat(400_000).into_bytes());
    let verdict =
        server.push("publisher", &server.file("quote.csv", &text), "rb28s", PERIOD, &[]).expect(3).json();
    assert_eq!(verdict["submission"]["reason"], "PAYLOAD_UNREADABLE");
    assert_nothing_left(&server);
}

#[test]
fn nul_bytes_are_refused() {
    let server = Server::start();
    let mut bytes = std::fs::read(kutno_sample()).expect("the sample");
    let middle = bytes.len() / 2;
    bytes[middle] = 0;
    refused(&server, &server.file("nul.csv", &bytes), "PAYLOAD_UNREADABLE", "NUL_BYTE");
}

#[test]
fn a_publisher_or_a_period_in_the_file_that_contradicts_is_refused() {
    let server = Server::start();
    let other = sample("rb28s", "invalid/inny-nadawca.csv");
    refused(&server, &other, "PUBLISHER_MISMATCH", "PUBLISHER_MISMATCH");
    let period = sample("rb28s", "invalid/inny-okres.csv");
    refused(&server, &period, "PERIOD_MISMATCH", "PERIOD_MISMATCH");
}

#[test]
fn a_publisher_that_the_permit_does_not_cover_is_refused() {
    let server = Server::start();
    let kutno = kutno_sample();
    let push = |profile: &str, publisher: &str| {
        let more = ["--publisher", publisher];
        server.push(profile, &kutno, "rb28s", PERIOD, &more)
    };
    push("publisher2", KUTNO).expect(5).says("PUBLISHER_NOT_PERMITTED");
    push("ministry", "mf").expect(5).says("SCOPE_MISSING");
    push("publisher", "gmina-999999").expect(1).says("PUBLISHER_UNKNOWN");
    assert_nothing_left(&server);
}

#[test]
fn unknown_patterns_periods_and_keys_are_refused() {
    let server = Server::start();
    let kutno = kutno_sample();
    server.push("publisher", &kutno, "rb99", PERIOD, &[]).expect(1).says("PATTERN_UNKNOWN");
    server.push("publisher", &kutno, "rb28s", "2022-11-05", &[]).expect(1).says("PERIOD_INVALID");
    let stranger = format!("endpoint = \"http://{}\"\ntoken = \"hub_{}\"\n", server.grpc, "0".repeat(43));
    std::fs::write(server.root().join("dev/stranger.toml"), stranger).expect("a profile");
    server.push("stranger", &kutno, "rb28s", PERIOD, &[]).expect(5).says("CREDENTIAL_INVALID");
    let nobody = format!("endpoint = \"http://{}\"\n", server.grpc);
    std::fs::write(server.root().join("dev/nobody.toml"), nobody).expect("a profile");
    server.push("nobody", &kutno, "rb28s", PERIOD, &[]).expect(5).says("CREDENTIAL_MISSING");
    assert_nothing_left(&server);
}

#[test]
fn path_tricks_in_names_lead_nowhere() {
    let server = Server::start();
    let kutno = kutno_sample();
    let secret = server.root().join("keys");
    let before = files(&secret);
    for name in
        ["../../keys/seal", "..", ".", "a/../b", "/etc/passwd", "rb28s/../../keys", "%2e%2e", "rb28s\u{0}x"]
    {
        if !name.contains('\u{0}') {
            let pattern = server.push("publisher", &kutno, name, PERIOD, &[]);
            assert!([1, 5].contains(&pattern.code), "{name}: {pattern:?}");
            let publisher = server.push("publisher", &kutno, "rb28s", PERIOD, &["--publisher", name]);
            assert!([1, 5].contains(&publisher.code), "{name}: {publisher:?}");
            let shown = server.hub("publisher", &["submissions", "receipt", name]);
            assert_eq!(shown.code, 1, "{name}: {shown:?}");
            let out = server.root().join("dev/out.csv");
            let pulled = server.hub("ministry", &["pull", name, "--out", out.to_str().expect("a path")]);
            assert!([1, 5].contains(&pulled.code), "{name}: {pulled:?}");
            assert!(!out.exists());
        }
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in [
            format!("/datasets/{encoded}/latest/extract.csv"),
            format!("/datasets/jakosc_powietrza/versions/{encoded}/extract.csv"),
            format!("/datasets/jakosc_powietrza/versions/1/{encoded}"),
        ] {
            assert_eq!(get(server.http, &path).status, 404, "{path}");
        }
    }
    assert_eq!(get(server.http, "/datasets/../../keys/seal").status, 404);
    server.push("publisher", &kutno, "rb28s", "../2022", &[]).expect(2);
    assert_eq!(files(&secret), before);
    assert_nothing_left(&server);
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect();
    files.sort();
    files
}

#[test]
fn statements_that_would_exhaust_the_planner_are_refused() {
    let server = Server::start();
    let chain = format!("SELECT 1{}", " + 1".repeat(5_000));
    server.hub("ministry", &["query", &chain]).expect(1).says("QUERY_TOO_COMPLEX");
    let nested = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    server.hub("ministry", &["query", &nested]).expect(1).says("QUERY_TOO_COMPLEX");
    let long = format!("SELECT '{}'", "x".repeat(40_000));
    server.hub("ministry", &["query", &long]).expect(1).says("QUERY_TOO_COMPLEX");
    for (sql, reason) in [
        ("DROP TABLE rb28s", "QUERY_NOT_ALLOWED"),
        ("COPY rb28s TO '/tmp/x.csv'", "QUERY_NOT_ALLOWED"),
        ("EXPLAIN SELECT 1", "QUERY_NOT_ALLOWED"),
        ("SELECT 1; SELECT 2", "QUERY_NOT_ALLOWED"),
        ("SELECT nonsense FROM rb28s", "QUERY_INVALID"),
    ] {
        server.hub("ministry", &["query", sql]).expect(1).says(reason);
    }
    let file = server.hub("ministry", &["query", "SELECT * FROM '/etc/passwd'"]);
    assert_eq!(file.code, 1, "{file:?}");
    assert!(!file.stdout.contains("root:"));
    assert_nothing_left(&server);
}

#[test]
fn an_older_server_refuses_a_newer_folder() {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert!(server.stop().success());
    let path = server.root().join("format.json");
    let text = std::fs::read_to_string(&path).expect("the folder's format");
    let mut format: Value = serde_json::from_str(&text).expect("JSON");
    format["format"] = 99.into();
    std::fs::write(&path, format.to_string()).expect("a file");
    let root = server.root().to_str().expect("a path");
    let mut command = std::process::Command::new(crate::harness::server_binary());
    command.args(["serve", "--data-dir", root, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
    let output = crate::harness::run(&mut command).expect(1).says("format 99");
    assert!(output.stderr.contains("newer hub-server"), "{}", output.stderr);
    std::fs::write(&path, text).expect("a file");
    server.restart();
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "293");
}
