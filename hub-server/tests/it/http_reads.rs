//! Rows over HTTP, and the description of the door.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Answer, PERIOD, Server, get, keyed, kutno_sample, post, request, run};
use crate::http_door::value;

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    String::from_utf8(answer.body.clone()).expect("text")
}

fn rows(server: &Server, profile: &str, path: &str) -> Answer {
    keyed(server.http, &server.key(profile), ("GET", path), &[], b"")
}

fn query(server: &Server, profile: &str, asked: &Value) -> Answer {
    let body = asked.to_string();
    keyed(server.http, &server.key(profile), ("POST", "/api/v1/query"), &[], body.as_bytes())
}

#[test]
fn rows_are_those_that_a_pull_gives() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for end in ["csv", "ndjson"] {
        let file = server.file(&format!("pulled.{end}"), b"");
        server.hub("ministry", &["pull", "rb28s", "--out", file.to_str().expect("a path")]).expect(0);
        let answer = rows(&server, "ministry", &format!("/api/v1/datasets/rb28s/rows?format={end}"));
        assert_eq!(answer.header("hub-dataset-versions"), "rb28s=1");
        assert_eq!(text(&answer), std::fs::read_to_string(&file).expect("a file"), "{end}");
    }
    let chosen = "/api/v1/datasets/rb28s/rows?columns=dzial,paragraf&where=dzial%20%3D%20'801'&format=json";
    let all: Value = serde_json::from_str(&text(&rows(&server, "ministry", chosen))).expect("JSON");
    let all = all.as_array().expect("an array");
    let counted = server.cell("ministry", "SELECT count(*) FROM rb28s WHERE dzial = '801'");
    assert_eq!(all.len().to_string(), counted);
    assert!(all.iter().all(|row| row["dzial"] == "801" && row.as_object().expect("an object").len() == 2));
    let binary = rows(&server, "ministry", "/api/v1/datasets/rb28s/rows?format=parquet");
    assert!(binary.body.starts_with(b"PAR1") && binary.body.ends_with(b"PAR1"));
}

#[test]
fn a_statement_is_answered_as_csv_or_json() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let sql = "SELECT dzial, count(*) AS ile FROM rb28s GROUP BY dzial ORDER BY dzial";
    let csv = query(&server, "ministry", &json!({"sql": sql}));
    assert_eq!(csv.header("hub-dataset-versions"), "rb28s=1");
    let by_grpc = server.hub("ministry", &["--format", "csv", "query", sql]).expect(0).stdout;
    assert_eq!(text(&csv), by_grpc);
    let rows: Value =
        serde_json::from_str(&text(&query(&server, "ministry", &json!({"sql": sql, "format": "json"}))))
            .expect("JSON");
    assert_eq!(rows.as_array().expect("an array").len(), by_grpc.lines().count() - 1);
    let empty =
        query(&server, "ministry", &json!({"sql": "SELECT dzial FROM rb28s WHERE false", "format": "json"}));
    assert_eq!(text(&empty).split_whitespace().collect::<String>(), "[]");
    for (asked, status, reason) in [
        (json!({"sql": "DELETE FROM rb28s"}), 400, "QUERY_NOT_ALLOWED"),
        (json!({"sql": "SELECT nic FROM rb28s"}), 400, "QUERY_INVALID"),
        (json!({"sql": sql, "format": "xml"}), 400, "REQUEST_INVALID"),
        (json!({"sql": sql, "as_of": "wczoraj"}), 400, "REQUEST_INVALID"),
        (json!({"sql": sql, "as_of": "99"}), 404, "VERSION_UNKNOWN"),
    ] {
        let answer = query(&server, "ministry", &asked);
        assert_eq!((answer.status, &value(&answer)["reason"]), (status, &reason.into()), "{asked}");
    }
    let answer = rows_of_nothing(&server);
    assert_eq!((answer.status, &value(&answer)["reason"]), (404, &"DATASET_UNKNOWN".into()));
}

fn rows_of_nothing(server: &Server) -> Answer {
    rows(server, "ministry", "/api/v1/datasets/nic/rows")
}

#[test]
fn every_address_is_in_the_document_and_answers() {
    let server = Server::start();
    let document = value(&get(server.http, "/api/v1/openapi.json"));
    let mut seen = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let address = path
            .replace("{pattern}", "rb28s")
            .replace("{dataset}", "rb28s")
            .replace("{organisation}", "gmina-100201")
            .replace("{id}", "0192aaaa-0000-7000-8000-0000000000ab")
            .replace("{file}", "extract.csv")
            .replace("{version}", "1");
        for method in methods.as_object().expect("methods").keys() {
            let answer =
                request(server.http, &method.to_uppercase(), &address, &[("Content-Length", "0")], b"");
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            let is_there = !["ROUTE_UNKNOWN", "METHOD_NOT_ALLOWED"].iter().any(|none| said.contains(none));
            assert!(is_there, "{method} {path}: {said}");
            let needs_key = methods[method]["security"].is_array();
            assert_eq!(answer.status == 401, needs_key, "{method} {path}: {said}");
            seen.insert(format!("{method} {path}"));
        }
    }
    for known in ["patch /api/v1/submissions/{id}/payload", "get /healthz", "post /api/v1/query"] {
        assert!(seen.contains(known), "{known}");
    }
    assert!(seen.len() >= 25, "{seen:?}");
}

/// Another maker's validator reads the document, and compares what the hub really answers with its schemas.
#[test]
fn answers_are_as_the_document_says() {
    let server = Server::start();
    let push = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}");
    let caller = |method: &str, path: &str, body: &[u8]| {
        value(&keyed(
            server.http,
            &server.key("publisher"),
            (method, path),
            &[("Content-Type", "text/csv")],
            body,
        ))
    };
    let verdict = caller("POST", &push, &std::fs::read(kutno_sample()).expect("a sample"));
    let faulty = crate::harness::sample("rb28s", "invalid/kod-spoza-listy.csv");
    let faulty = std::fs::read(faulty).expect("a sample");
    let refused = caller("POST", &push, &faulty);
    let checked =
        value(&post(server.http, "/api/v1/patterns/rb28s/check", &[("Content-Type", "text/csv")], &faulty));
    let problem = value(&get(server.http, "/api/v1/submissions"));
    let list = caller("GET", "/api/v1/submissions", b"");
    let lenient = crate::harness::sample("rb28s", "valid/biuro-dwuwierszowy-naglowek.xlsx");
    let lenient = value(&post(
        server.http,
        "/api/v1/patterns/rb28s/check",
        &[],
        &std::fs::read(lenient).expect("a sample"),
    ));
    let there_is = |path: &str| caller("GET", &format!("/api/v1/{path}"), b"");
    let answers = json!([
        ["Patterns", there_is("patterns?page_size=2")],
        ["WholePattern", there_is("patterns/rb28s")],
        ["Datasets", there_is("datasets")],
        ["Dataset", there_is("datasets/rb28s")],
        ["CommittedVersions", there_is("datasets/rb28s/versions")],
        ["Organisations", there_is("organisations?filter=kutno")],
        ["Organisation", there_is("organisations/gmina-100201")],
        ["Verdict", verdict],
        ["Verdict", refused],
        ["Checked", checked],
        ["Checked", lenient],
        ["Problem", problem],
        ["Submissions", list],
    ]);
    let document = server.file("openapi.json", &get(server.http, "/api/v1/openapi.json").body);
    let answers = server.file("answers.json", answers.to_string().as_bytes());
    let python = std::env::var_os("HUB_TEST_PYTHON");
    let python = python.expect("HUB_TEST_PYTHON is not set: run `make test`, which installs what it needs");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.py");
    let said = run(Command::new(python).arg(script).arg(document).arg(answers)).expect(0);
    assert_eq!(said.stdout.trim(), "13 answers are as described");
}

#[test]
fn rows_are_refused_where_a_part_looks_like_the_whole() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let key = server.key("ministry");
    let ask = |version: &str| {
        let mut line = TcpStream::connect(server.http).expect("a connection");
        let head = format!(
            "GET /api/v1/datasets/rb28s/rows HTTP/{version}\r\nHost: hub\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
        );
        line.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        line.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let old = ask("1.0");
    assert!(old.contains(" 400 ") && old.contains("REQUEST_INVALID"), "{old}");
    assert!(ask("1.1").contains(" 200 "));
}
