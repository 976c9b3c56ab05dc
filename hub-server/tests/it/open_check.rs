//! The check over HTTP that anyone may ask for: the hub's verdict without a key, and nothing stays of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use hub_client::{CheckRequest, Client, ClientError, Compression, Payload, Profile};
use hub_datasets::Report;
use hub_proto::Reason;
use serde_json::Value;

use crate::harness::{Line, PERIOD, Rules, Server, files_below, kutno_sample, post, synthetic};

fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns/rb28s/1.0.0/samples").join(path)
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a sample")
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const OF_KUTNO: &str = "/api/v1/patterns/rb28s/check?period=2022-Q4&publisher=gmina-100201";

#[test]
fn every_sample_gets_the_report_that_lies_beside_it() {
    let server = Server::start();
    let mut checked = 0;
    for kind in ["valid", "invalid"] {
        for entry in std::fs::read_dir(sample(kind)).expect("samples") {
            let path = entry.expect("a file").path();
            let known = path
                .extension()
                .is_some_and(|end| ["csv", "xlsx", "ods", "xml"].iter().any(|known| end == *known));
            if !known {
                continue;
            }
            // As curl says it: the bytes tell the format.
            let answer = post(server.http, OF_KUTNO, &[FORM], &bytes(&path));
            assert_eq!(answer.status, 200, "{}", path.display());
            let answer = json(&answer.body);
            let mut beside: Value = json(&bytes(&path.with_extension("report.json")));
            // Of what the hub holds of a publisher nothing is told to anyone.
            beside["not_evaluated"] = serde_json::json!(["wykonanie_nie_maleje"]);
            let compared = |found: &Value| found["rule"] != "wykonanie_nie_maleje";
            for of in ["counts", "violations"] {
                beside[of].as_array_mut().expect("a list").retain(compared);
            }
            assert_eq!(answer["report"], beside, "{}", path.display());
            let accepted = if kind == "valid" { "ACCEPTED" } else { "REFUSED" };
            assert_eq!(answer["verdict"], accepted, "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 35, "{checked}");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["0"]);
}

#[test]
fn without_period_and_publisher_the_report_says_what_was_not_evaluated() {
    let server = Server::start();
    let answer = post(server.http, "/api/v1/patterns/rb28s/check", &[FORM], &bytes(&kutno_sample()));
    let report = &json(&answer.body)["report"];
    let missing: Vec<&str> =
        report["not_evaluated"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(missing.len() > 2, "{missing:?}");
    let text = post(
        server.http,
        OF_KUTNO,
        &[("Content-Type", "text/csv"), ("Accept", "text/plain")],
        &bytes(&sample("invalid/kod-spoza-listy.csv")),
    );
    let text = String::from_utf8(text.body).expect("text");
    assert!(text.starts_with("Odrzucono, popraw 1 wiersz\n"), "{text}");
    let page = post(
        server.http,
        OF_KUTNO,
        &[("Accept", "text/html,*/*"), ("Accept-Language", "en-GB")],
        &bytes(&sample("invalid/kod-spoza-listy.csv")),
    );
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").contains("style-src 'unsafe-inline'"));
    assert!(String::from_utf8_lossy(&page.body).contains("<h1 class=\"bad\">Refused, correct 1 row</h1>"));
}

#[test]
fn a_payload_of_many_mib_is_checked_and_one_of_too_many_refused() {
    let server = Server::start();
    let table = String::from_utf8(bytes(&kutno_sample())).expect("text");
    let (header, rows) = table.split_once('\n').expect("a header");
    let mut long = format!("{header}\n");
    // Every unit has another identifier, so that no key is repeated; their checksums are wrong.
    for unit in 0..900 {
        rows.lines().for_each(|row| long.push_str(&format!("{unit:09}{}\n", &row[9..])));
    }
    assert!(long.len() > 8 << 20);
    let answer = json(&post(server.http, OF_KUTNO, &[("Content-Type", "text/csv")], long.as_bytes()).body);
    assert_eq!(answer["report"]["rows_read"], 900 * 293);
    let refused = post(server.http, OF_KUTNO, &[("Content-Type", "text/csv")], &vec![b'x'; (64 << 20) + 1]);
    assert_eq!((refused.status, &json(&refused.body)["reason"]), (413, &"PAYLOAD_TOO_LARGE".into()));
    // What was put aside on the disk is gone.
    assert!(files_below(&server.root().join("tmp")).is_empty());
}

#[test]
fn what_is_asked_wrongly_is_a_problem_with_its_reason() {
    let server = Server::start();
    let table = bytes(&kutno_sample());
    let asked = |path: &str, media: &str| {
        let answer = post(server.http, path, &[("Content-Type", media)], &table);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        (answer.status, json(&answer.body)["reason"].as_str().expect("a reason").to_owned())
    };
    let refusals = [
        ("/api/v1/patterns/nic/check", "text/csv", 404, "PATTERN_UNKNOWN"),
        ("/api/v1/patterns/rb28s/check?period=2022-Q9", "text/csv", 400, "PERIOD_INVALID"),
        ("/api/v1/patterns/rb28s/check?period=2022-S1", "text/csv", 400, "PERIOD_INVALID"),
        ("/api/v1/patterns/rb28s/check?publisher=gmina-100201", "text/csv", 400, "REQUEST_INVALID"),
        ("/api/v1/patterns/rb28s/check?okres=2022", "text/csv", 400, "REQUEST_INVALID"),
        ("/api/v1/patterns/rb28s/check?period=2022-Q4&publisher=nikt", "text/csv", 404, "PUBLISHER_UNKNOWN"),
        ("/api/v1/patterns/rb28s/check", "image/png", 415, "MEDIA_TYPE_UNSUPPORTED"),
    ];
    for (path, media, status, reason) in refusals {
        assert_eq!(asked(path, media), (status, reason.to_owned()), "{path}");
    }
    let empty = json(&post(server.http, OF_KUTNO, &[], b"").body);
    assert_eq!(empty["report"]["counts"][0]["code"], "EMPTY_FILE");
}

#[test]
fn open_checks_have_places_of_their_own_and_pushes_go_on() {
    let server = Server::start();
    // Each has a place as soon as its head is there, and keeps it while its body is awaited.
    let mut waiting: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(server.http).expect("the HTTP listener");
            let head = format!(
                "POST {OF_KUTNO} HTTP/1.1\r\nHost: hub\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).expect("a head");
            // The hub asks for the body once the check has its place.
            let mut first = [0; 12];
            stream.read_exact(&mut first).expect("an interim answer");
            assert_eq!(&first, b"HTTP/1.1 100");
            stream
        })
        .collect();
    let refused = post(server.http, OF_KUTNO, &[FORM], b"a,b\n");
    assert_eq!((refused.status, &json(&refused.body)["reason"]), (429, &"BUSY".into()));
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q4", &[]);
    for stream in &mut waiting {
        stream.write_all(b"a,b").expect("a body");
        stream.shutdown(std::net::Shutdown::Write).expect("the end of it");
        stream.read_to_end(&mut Vec::new()).expect("an answer");
    }
    assert_eq!(post(server.http, OF_KUTNO, &[FORM], b"a,b\n").status, 200);
}

/// Runs the client library's check without a key.
fn by_grpc(server: &Server, request: CheckRequest) -> Result<Report, ClientError> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let report = runtime.block_on(async {
        let profile = Profile::anonymous(format!("http://{}", server.grpc));
        Client::connect(&profile).expect("a client").validate(&request).await
    });
    report.map(|report| report.try_into().expect("a report"))
}

#[test]
fn the_check_over_grpc_is_the_same_and_needs_no_key() {
    let server = Server::start();
    let ask = |path: PathBuf| CheckRequest {
        pattern: "rb28s".to_owned(),
        period: Some("2022-Q4".to_owned()),
        publisher: Some("gmina-100201".to_owned()),
        media_type: None,
        payload: Payload::File(path),
    };
    for name in ["valid/kutno-2022-q4.csv", "invalid/kod-spoza-listy.csv", "valid/biuro.ods"] {
        let told = by_grpc(&server, ask(sample(name))).expect("a report");
        let over_http = post(server.http, OF_KUTNO, &[FORM], &bytes(&sample(name)));
        assert_eq!(serde_json::to_value(told).expect("JSON"), json(&over_http.body)["report"], "{name}");
    }
    // Where HTTP/2 is blocked it goes by the other door, and packed when that is asked for.
    for (to, only_http1) in [(server.grpc, false), (server.http, true)] {
        let line = Line::start(to, Rules { only_http1, ..Rules::GOOD });
        let address = format!("http://{}", line.address);
        let profile = Profile { http_endpoint: Some(address.clone()), ..Profile::anonymous(address) };
        let payload = synthetic("rb28s", "100201", PERIOD, 40_000, 3);
        let bytes = payload.len() as u64;
        let long = CheckRequest { payload: Payload::Bytes(payload.into()), ..ask(kutno_sample()) };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let report = runtime.block_on(async {
            let client = Client::connect(&profile).expect("a client").compression(Compression::Always);
            client.validate(&long).await.expect("a report")
        });
        assert_eq!(report.rows_read, 40_000);
        assert!(line.passed() < bytes / 2, "{} of {bytes} bytes", line.passed());
    }
    let wrong = |change: fn(&mut CheckRequest)| {
        let mut request = ask(kutno_sample());
        change(&mut request);
        by_grpc(&server, request).expect_err("a refusal").reason()
    };
    assert_eq!(wrong(|r| r.pattern = "nic".to_owned()), Some(Reason::PatternUnknown));
    assert_eq!(wrong(|r| r.period = Some("2022-Q9".to_owned())), Some(Reason::PeriodInvalid));
    assert_eq!(wrong(|r| r.period = None), Some(Reason::RequestInvalid));
    assert_eq!(wrong(|r| r.publisher = Some("nikt".to_owned())), Some(Reason::PublisherUnknown));
    let long = |r: &mut CheckRequest| r.payload = Payload::Bytes(vec![b'x'; (64 << 20) + 1].into());
    assert_eq!(wrong(long), Some(Reason::PayloadTooLarge));
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["0"]);
    assert!(files_below(&server.root().join("tmp")).is_empty());
}
