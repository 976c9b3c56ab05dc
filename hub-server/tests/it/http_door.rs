//! The HTTP door takes pushes as the gRPC door does: the same submissions, verdicts and refusals by either.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    Answer, PERIOD, Server, files_below, get, invalid_samples, keyed, kutno_sample, post, request, run,
    sample, server_binary, synthetic, wait_for,
};

const NEW: &str = "/api/v1/submissions";
const CSV: (&str, &str) = ("Content-Type", "text/csv");

pub(crate) fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&answer.body)))
}

fn bytes(path: &PathBuf) -> Vec<u8> {
    std::fs::read(path).expect("a sample")
}

/// A caller of the HTTP door.
struct Caller<'a> {
    server: &'a Server,
    key: String,
}

impl<'a> Caller<'a> {
    fn of(server: &'a Server, profile: &str) -> Self {
        Self { server, key: server.key(profile) }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        keyed(self.server.http, &self.key, (method, path), headers, body)
    }

    fn json(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[], body.to_string().as_bytes())
    }

    /// Opens a submission of rb28s and gives its address.
    fn open(&self, request_id: &str) -> String {
        let asked =
            json!({"request_id": request_id, "pattern": "rb28s", "period": PERIOD, "media_type": "text/csv"});
        let answer = self.json(NEW, &asked);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(value(&answer)["state"], "RECEIVING");
        answer.header("location").to_owned()
    }

    fn offset(&self, submission: &str) -> u64 {
        let answer = self.call("HEAD", &format!("{submission}/payload"), &[], b"");
        assert_eq!(answer.status, 200);
        answer.header("upload-offset").parse().expect("an offset")
    }

    fn append(&self, submission: &str, offset: u64, data: &[u8]) -> Answer {
        let offset = offset.to_string();
        self.call("PATCH", &format!("{submission}/payload"), &[("Upload-Offset", &offset)], data)
    }
}

fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, reason: &str) -> Value {
    let problem = value(answer);
    assert_eq!((answer.status, &problem["reason"]), (status, &reason.into()), "{problem}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(!problem["detail"].as_str().expect("a text").is_empty());
    problem
}

#[test]
fn a_push_in_steps_is_what_it_is_over_grpc() {
    let server = Server::start();
    let caller = Caller::of(&server, "publisher");
    let (data, request_id) = (bytes(&kutno_sample()), id());
    let submission = caller.open(&request_id);
    assert_eq!(caller.open(&request_id), submission, "the same request id is the same submission");
    let (first, rest) = data.split_at(1_000);
    let answer = caller.append(&submission, 0, first);
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "1000"));
    assert_eq!(caller.offset(&submission), 1_000);
    assert_eq!(caller.append(&submission, 1_000, rest).status, 204);

    let dry = value(&caller.json(&format!("{submission}/commit"), &json!({"validate_only": true})));
    assert_eq!((&dry["report"]["rows_refused"], &dry["receipt"]), (&0.into(), &Value::Null));
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["0"]);

    let submission = caller.open(&id());
    assert_eq!(caller.append(&submission, 0, &data).status, 204);
    let verdict = value(&caller.call("POST", &format!("{submission}/commit"), &[], b""));
    assert_eq!(verdict["submission"]["state"], "COMMITTED");
    assert_eq!(verdict["report"]["rows_read"], 293);
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["293"]);

    // The other door tells the same.
    let name = verdict["submission"]["id"].as_str().expect("an id");
    let told = server.hub("publisher", &["--format", "json", "submissions", "show", name]).expect(0).json();
    for member in ["state", "publisher", "pattern", "period", "sha256", "rows", "revision", "dataset_version"]
    {
        assert_eq!(told[member], verdict["submission"][member], "{member}");
    }
    let report = caller.call("GET", &format!("{submission}/report"), &[], b"");
    assert_eq!(value(&report), verdict["report"]);
    let text = caller.call("GET", &format!("{submission}/report"), &[("Accept", "text/plain")], b"");
    assert!(String::from_utf8_lossy(&text.body).starts_with("Przyjęto"));
    let receipt = caller.call("GET", &format!("{submission}/receipt"), &[], b"");
    let filed = server.hub("publisher", &["submissions", "receipt", name]).expect(0).stdout;
    assert_eq!(String::from_utf8_lossy(&receipt.body), filed.trim_end());
    let page = caller.call("GET", &format!("{submission}/receipt"), &[("Accept", "text/html")], b"");
    assert!(page.header("content-type").starts_with("text/html"));
    let again = value(&caller.call("POST", &format!("{submission}/commit"), &[], b""));
    assert_eq!(again["receipt"], verdict["receipt"], "asking again gives the same verdict");
}

#[test]
fn what_came_before_a_cut_is_kept_and_another_offset_is_told_the_right_one() {
    let mut server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 60_000, 7);
    assert!(data.len() > 3 << 20);
    let submission = Caller::of(&server, "publisher").open(&id());
    let mut line = TcpStream::connect(server.http).expect("the HTTP listener");
    let head = format!(
        "PATCH {submission}/payload HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        server.key("publisher"),
        data.len()
    );
    line.write_all(head.as_bytes()).expect("a head");
    line.write_all(&data[..2 << 20]).expect("a part of the body");
    line.shutdown(Shutdown::Both).expect("a cut");
    drop(line);
    let caller = Caller::of(&server, "publisher");
    let kept = wait_for(Duration::from_secs(30), || Some(caller.offset(&submission)).filter(|n| *n > 0));
    let kept = kept.expect("bytes that came before the cut");
    assert!(kept <= 2 << 20, "{kept}");
    let answer = caller.append(&submission, kept + 1, b"x");
    assert_eq!(refused(&answer, 409, "OFFSET_STALE")["durable_offset"], kept);
    assert_eq!(answer.header("upload-offset"), kept.to_string());
    // What is here already is skipped, as over gRPC.
    let again =
        caller.append(&submission, kept - 1, &data[usize::try_from(kept).expect("a length") - 1..][..3]);
    let kept = kept + 2;
    assert_eq!((again.status, again.header("upload-offset")), (204, kept.to_string().as_str()));
    server.kill();
    server.restart();
    let caller = Caller::of(&server, "publisher");
    let kept = caller.offset(&submission);
    let rest = &data[usize::try_from(kept).expect("a length")..];
    let answer = caller.append(&submission, kept, rest);
    assert_eq!(answer.header("upload-offset"), data.len().to_string());
    let verdict = value(&caller.json(&format!("{submission}/commit"), &json!({})));
    assert_eq!(verdict["submission"]["state"], "COMMITTED", "{verdict}");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["60000"]);
}

#[test]
fn one_request_is_a_whole_push() {
    let server = Server::start();
    let caller = Caller::of(&server, "publisher");
    let path = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    for refused in invalid_samples("rb28s").into_iter().take(3) {
        let verdict = value(&caller.call("POST", &path, &form, &bytes(&refused)));
        assert_eq!(verdict["submission"]["state"], "REFUSED", "{}", refused.display());
        let beside: Value =
            serde_json::from_slice(&bytes(&refused.with_extension("report.json"))).expect("JSON");
        assert_eq!(verdict["report"]["counts"], beside["counts"], "{}", refused.display());
    }
    let dry =
        value(&caller.call("POST", &format!("{path}&validate_only=true"), &form, &bytes(&kutno_sample())));
    assert_eq!((&dry["report"]["rows_refused"], &dry["receipt"]), (&0.into(), &Value::Null));
    let asked = format!("{path}&publisher=gmina-100201&request_id={}", id());
    let answer = caller.call("POST", &asked, &form, &bytes(&kutno_sample()));
    // What is for one caller stays in no cache.
    assert_eq!(answer.header("cache-control"), "no-store");
    let verdict = value(&answer);
    assert_eq!(
        (&verdict["submission"]["state"], &verdict["unchanged"]),
        (&"COMMITTED".into(), &false.into())
    );
    let repeated = value(&caller.call("POST", &asked, &form, &bytes(&kutno_sample())));
    assert_eq!(repeated["submission"]["id"], verdict["submission"]["id"]);
    // What is current already is told so, also by the other door.
    server.push("publisher", &kutno_sample(), "rb28s", PERIOD, &[]).expect(0).says("\"unchanged\":true");
    // More than is held in memory: the same way, and as long as it takes.
    let long = synthetic("rb28s", "100201", "2023-Q4", 30_000, 3);
    let path = "/api/v1/patterns/rb28s/submissions?period=2023-Q4";
    let verdict = value(&caller.call("POST", path, &[CSV], &long));
    assert_eq!(
        (&verdict["submission"]["rows"], &verdict["submission"]["size_bytes"]),
        (&30_000.into(), &long.len().into())
    );
    // A workbook, told by its bytes.
    let workbook = sample("rb28s", "valid/biuro-dwuwierszowy-naglowek.xlsx");
    let asked = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}&validate_only=true");
    let verdict = value(&caller.call("POST", &asked, &form, &bytes(&workbook)));
    assert_eq!(verdict["report"]["rows_refused"], 0, "{}", verdict["report"]);
}

#[test]
fn submissions_are_listed_page_by_page_and_given_up() {
    let server = Server::start();
    let caller = Caller::of(&server, "publisher");
    let opened: Vec<String> = (0..3).map(|_| caller.open(&id())).collect();
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            caller.call("GET", &format!("{NEW}?pattern=rb28s&page_size=2&page_token={token}"), &[], b"");
        let page = value(&page);
        listed.extend(page["submissions"].as_array().expect("a list").clone());
        token = page["next_page_token"].as_str().expect("a token").to_owned();
        if token.is_empty() {
            break;
        }
    }
    let ids: Vec<&str> = listed.iter().rev().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, opened.iter().filter_map(|path| path.rsplit('/').next()).collect::<Vec<_>>());
    let ended = caller.call("DELETE", &opened[0], &[], b"");
    assert_eq!(value(&ended)["state"], "ABANDONED");
    refused(&caller.call("GET", &format!("{}/receipt", opened[0]), &[], b""), 409, "STATE_CONFLICT");
    refused(&caller.call("GET", &format!("{NEW}?page_token=x"), &[], b""), 400, "PAGE_TOKEN_INVALID");
    refused(
        &caller.call("GET", &format!("{NEW}?publisher=gmina-026401"), &[], b""),
        403,
        "PUBLISHER_NOT_PERMITTED",
    );
}

#[test]
fn refusals_are_problems_with_the_reason_that_grpc_gives() {
    let mut server = Server::start();
    let data = bytes(&kutno_sample());
    let path = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}");
    {
        let caller = Caller::of(&server, "publisher");
        let submission = caller.open(&id());
        refused(&post(server.http, &path, &[CSV], &data), 401, "CREDENTIAL_MISSING");
        refused(&get(server.http, NEW), 401, "CREDENTIAL_MISSING");
        let wrong = Caller { server: &server, key: format!("hub_{}", "a".repeat(43)) };
        refused(&wrong.call("POST", &path, &[CSV], &data), 401, "CREDENTIAL_INVALID");
        let reads = Caller::of(&server, "ministry");
        refused(&reads.call("POST", &path, &[CSV], &data), 403, "SCOPE_MISSING");
        let other = Caller::of(&server, "publisher2");
        for (method, what) in
            [("GET", ""), ("GET", "/report"), ("GET", "/receipt"), ("DELETE", ""), ("POST", "/commit")]
        {
            let answer = other.call(method, &format!("{submission}{what}"), &[], b"");
            refused(&answer, 404, "SUBMISSION_UNKNOWN");
        }
        refused(&other.append(&submission, 0, b"x"), 404, "SUBMISSION_UNKNOWN");
        let of_other = format!("{path}&publisher=gmina-026401");
        refused(&caller.call("POST", &of_other, &[CSV], &data), 403, "PUBLISHER_NOT_PERMITTED");
        refused(
            &caller.call("POST", &format!("{path}&publisher=nikt"), &[CSV], &data),
            404,
            "PUBLISHER_UNKNOWN",
        );
        refused(
            &caller.call("POST", "/api/v1/patterns/nic/submissions?period=2022", &[CSV], &data),
            404,
            "PATTERN_UNKNOWN",
        );
        refused(
            &caller.call("POST", "/api/v1/patterns/rb28s/submissions", &[CSV], &data),
            400,
            "REQUEST_INVALID",
        );
        refused(&caller.call("POST", &format!("{path}&okres=1"), &[CSV], &data), 400, "REQUEST_INVALID");
        refused(
            &caller.call("POST", &path, &[("Content-Type", "image/png")], &data),
            415,
            "MEDIA_TYPE_UNSUPPORTED",
        );
        refused(&caller.call("GET", &format!("{NEW}/x"), &[], b""), 400, "REQUEST_INVALID");
        let problem = refused(
            &caller.json(NEW, &json!({"pattern": "rb28s", "period": PERIOD})),
            400,
            "REQUEST_INVALID",
        );
        assert_eq!(problem["errors"][0]["field"], "request_id");
        refused(&caller.json(NEW, &json!({"okres": PERIOD})), 400, "REQUEST_INVALID");
        refused(&caller.call("PATCH", &format!("{submission}/payload"), &[], b"x"), 400, "REQUEST_INVALID");
        refused(&caller.json(NEW, &json!({"pattern": "x".repeat(1_100_000)})), 413, "MESSAGE_TOO_LARGE");
        refused(&caller.call("GET", "/api/v1/nothing", &[], b""), 404, "ROUTE_UNKNOWN");
    }
    let key = server.key("publisher");
    assert!(server.stop().success());
    let offline =
        |args: &[&str]| run(Command::new(server_binary()).args(args).arg("--data-dir").arg(server.root()));
    let listed = offline(&["credential", "list", "--organisation", "gmina-100201"]).expect(0).stdout;
    let named = listed.split('\t').next().expect("an id").to_owned();
    offline(&["credential", "revoke", &named]).expect(0);
    server.restart();
    let answer = keyed(server.http, &key, ("POST", &path), &[CSV], &data);
    let problem = refused(&answer, 401, "CREDENTIAL_INVALID");
    assert!(problem["detail"].as_str().expect("a text").contains("revoked"), "{problem}");
    server.hub("publisher", &["submissions", "list"]).expect(5).says("CREDENTIAL_INVALID");
}

#[test]
fn a_refusal_says_what_to_do_to_programs_and_to_clerks() {
    let server = Server::start();
    let caller = Caller::of(&server, "publisher");
    let other = caller.call("PUT", NEW, &[], b"");
    refused(&other, 405, "METHOD_NOT_ALLOWED");
    let takes: Vec<&str> = other.header("allow").split(',').collect();
    assert!(takes.contains(&"GET") && takes.contains(&"POST") && !takes.contains(&"PUT"), "{takes:?}");
    let bare = refused(&caller.json(NEW, &json!({})), 400, "REQUEST_INVALID");
    assert_eq!(bare["errors"][0], json!({"field": "pattern", "detail": "it is missing"}));
    let open = |pattern: &str, period: &str, publisher: &str| {
        caller.json(
            NEW,
            &json!({
                "request_id": id(), "pattern": pattern, "period": period, "publisher": publisher,
                "media_type": "text/csv",
            }),
        )
    };
    for (answer, status, reason, polish) in [
        (open("rb28s", PERIOD, "gmina-026401"), 403, "PUBLISHER_NOT_PERMITTED", "nie pozwala wysyłać za"),
        (open("rb28s", PERIOD, "gmina-999999"), 404, "PUBLISHER_UNKNOWN", "nie ma jednostki"),
        (open("nic", PERIOD, ""), 404, "PATTERN_UNKNOWN", "nie ma wzoru `nic`"),
        (open("rb28s", "2022-S1", ""), 400, "PERIOD_INVALID", "nie przyjmuje okresu"),
        (caller.call("GET", "/api/v1/datasets/nic", &[], b""), 404, "DATASET_UNKNOWN", "nie ma zbioru `nic`"),
    ] {
        let problem = refused(&answer, status, reason);
        assert!(problem["detail_pl"].as_str().expect("a text").contains(polish), "{problem}");
    }
    let reader = Caller::of(&server, "ministry");
    let problem = refused(&reader.json(NEW, &json!({"pattern": "rb28s"})), 403, "SCOPE_MISSING");
    assert!(problem["detail_pl"].as_str().expect("a text").contains("nie ma zakresu `push`"), "{problem}");
}

#[test]
fn what_cannot_be_read_is_a_problem_too() {
    let server = Server::start();
    let caller = Caller::of(&server, "publisher");
    let path = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}");
    for address in [
        "/api/v1/submissions/%FF",
        "/api/v1/patterns/%FF",
        "/api/v1/patterns/%FF/check",
        "/api/v1/datasets/%FF/rows",
        "/patterns/%FF",
        "/datasets/%FF/latest/extract.csv",
    ] {
        let method = if address.ends_with("check") { "POST" } else { "GET" };
        refused(&caller.call(method, address, &[], b""), 400, "REQUEST_INVALID");
    }
    refused(&caller.call("GET", "/api/v1/datasets?page_size=many", &[], b""), 400, "REQUEST_INVALID");
    refused(&broken_off(&caller, &path, CSV), 400, "BODY_INCOMPLETE");
    refused(&broken_off(&caller, NEW, ("Content-Type", "application/json")), 400, "BODY_INCOMPLETE");
}

/// A request whose body goes wrong in the middle.
fn broken_off(caller: &Caller<'_>, path: &str, media: (&str, &str)) -> Answer {
    let bearer = format!("Bearer {}", caller.key);
    let headers = [("Authorization", bearer.as_str()), ("Transfer-Encoding", "chunked"), media];
    request(caller.server.http, "POST", path, &headers, b"5\r\n{\"a\":\r\nno length\r\n")
}

#[test]
fn bodies_are_bounded_and_nothing_stays_of_what_is_too_long() {
    let server = Server::start_with(&[("HUB_LIMITS_PAYLOAD_MIB", "2")]);
    let caller = Caller::of(&server, "publisher");
    let long = vec![b'x'; (2 << 20) + 1];
    let path = format!("/api/v1/patterns/rb28s/submissions?period={PERIOD}");
    refused(&caller.call("POST", &path, &[CSV], &long), 413, "PAYLOAD_TOO_LARGE");
    let submission = caller.open(&id());
    refused(&caller.append(&submission, 0, &long), 413, "PAYLOAD_TOO_LARGE");
    assert_eq!(value(&caller.call("DELETE", &submission, &[], b""))["state"], "ABANDONED");
    let announced = json!({"request_id": id(), "pattern": "rb28s", "period": PERIOD, "media_type": "text/csv", "size_bytes": 10});
    let submission = caller.json(NEW, &announced).header("location").to_owned();
    refused(&caller.append(&submission, 0, b"eleven byte"), 409, "PAYLOAD_MISMATCH");
    assert_eq!(caller.append(&submission, 0, b"five").header("upload-offset"), "4");
    refused(&caller.json(&format!("{submission}/commit"), &json!({})), 409, "PAYLOAD_MISMATCH");
    assert!(files_below(&server.root().join("tmp")).is_empty());
}

#[test]
fn a_push_in_one_request_that_is_cut_leaves_nothing_that_nobody_knows() {
    let server = Server::start();
    let key = server.key("publisher");
    let begin = |request_id: &str| {
        let mut line = TcpStream::connect(server.http).expect("a connection");
        let head = format!(
            "POST /api/v1/patterns/rb28s/submissions?period=2022-Q4{request_id} HTTP/1.1\r\nHost: hub\r\n\
             Content-Type: text/csv\r\nAuthorization: Bearer {key}\r\nContent-Length: 4000000\r\n\r\n"
        );
        line.write_all(head.as_bytes()).expect("a request");
        // More than is held in memory.
        line.write_all(&vec![b'x'; 2_000_000]).expect("some of it");
        line
    };
    let waits_for = |submissions: usize| {
        let listed = || {
            let line = ["--format", "json", "submissions", "list"];
            server.hub("publisher", &line).expect(0).stdout.lines().count()
        };
        let came = wait_for(Duration::from_secs(20), || (listed() == submissions).then_some(()));
        assert!(came.is_some(), "{} submissions and not {submissions}", listed());
    };
    // Who knows the id can go on with it, so it stays.
    let known = begin("&request_id=0192aaaa-0000-7000-8000-0000000000ac");
    waits_for(1);
    drop(known);
    let unknown = begin("");
    waits_for(2);
    drop(unknown);
    waits_for(1);
}
