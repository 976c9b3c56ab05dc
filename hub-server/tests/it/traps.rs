//! Sums that are right and sums that are not: which statements are answered with a warning, over gRPC.

use arrow_flight::sql::client::FlightSqlServiceClient;
use futures::TryStreamExt as _;
use hub_client::v1::RowFormat;
use hub_client::{Client, QueryRequest};
use serde_json::Value;
use tonic::transport::Endpoint;

use crate::harness::{Server, keyed, kutno_sample, synthetic};

mod statements;

use statements::{RIGHT, WRONG};

/// Warnings of a statement, as `CODE dataset.column`.
async fn warned(client: &Client, sql: &str) -> Vec<String> {
    let request = QueryRequest { sql: sql.to_owned(), format: RowFormat::Csv, as_of: None, at: vec![] };
    let mut answer = client.query(&request).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    while let Some(_rows) = answer.next().await.unwrap_or_else(|error| panic!("{sql}: {error}")) {}
    let name = |of: &hub_client::v1::Warning| {
        let [message, hint] = [&of.message, &of.hint].map(|text| text.clone().expect("a text"));
        for text in [message.pl, message.en, hint.pl, hint.en] {
            assert!(!text.is_empty() && !text.contains('{'), "{sql}: {text}");
        }
        format!("{} {}.{}", of.code, of.dataset.trim_start_matches("datasets/"), of.column)
    };
    answer.warnings().iter().map(name).collect()
}

/// Two quarters of a gmina and of a city.
fn filled() -> Server {
    // A version for each report, however fast they come.
    let server = Server::start_with(&[("HUB_LIMITS_OPEN_VERSION_MS", "0")]);
    for (period, seed) in [("2022-Q3", 1), ("2022-Q4", 2)] {
        let file = server.file("report.csv", &synthetic("rb28s", "026401", period, 40, seed));
        server.accepted("publisher2", &file, "rb28s", period, &[]);
    }
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q4", &[]);
    server
}

#[tokio::test]
async fn no_trap_is_missed_and_none_is_cried_falsely() {
    assert!(RIGHT.len() >= 20 && WRONG.len() >= 20);
    let server = filled();
    let client = server.client("ministry");
    let mut faults = Vec::new();
    for sql in RIGHT {
        let found = warned(&client, sql).await;
        if !found.is_empty() {
            faults.push(format!("cried falsely: {found:?}\n  {sql}"));
        }
    }
    for (sql, expected) in WRONG {
        let found = warned(&client, sql).await;
        if found != *expected {
            faults.push(format!("expected {expected:?}, found {found:?}\n  {sql}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn a_warning_comes_again_with_an_answer_that_is_kept() {
    let server = filled();
    let client = server.client("ministry");
    for _ in 0..2 {
        let found = warned(&client, "SELECT sum(wykonanie) FROM rb28s").await;
        assert_eq!(found, ["CUMULATIVE_SUM rb28s.wykonanie"]);
    }
}

#[test]
fn the_command_warns_on_stderr_and_tells_versions_behind_the_rows() {
    let server = filled();
    let sql = "SELECT sum(wykonanie) AS razem FROM rb28s";
    let plain = server.hub("ministry", &["--format", "csv", "query", sql]).expect(0);
    assert_eq!(plain.stdout.lines().count(), 2, "{}", plain.stdout);
    assert!(plain.stderr.contains("dataset rb28s, version 3"), "{}", plain.stderr);
    assert!(plain.stderr.contains("warning CUMULATIVE_SUM: sum(wykonanie) adds several periods of rb28s"));
    // What it says to write instead is a statement.
    let (_, instead) = plain.stderr.split_once("choose one period: ").expect("a hint");
    let (instead, _) = instead.split_once("; or").expect("its end");
    let right = server.hub("ministry", &["--format", "csv", "query", instead]).expect(0);
    assert!(!right.stderr.contains("warning"), "{}", right.stderr);
    let newest = server.cell("ministry", "SELECT sum(wykonanie) FROM rb28s WHERE okres = '2022-Q4'");
    assert_eq!(right.stdout.lines().nth(1), Some(newest.as_str()));
    let mut polish = server.hub_command("ministry", &["--format", "csv", "query", sql]);
    let polish = crate::harness::run(polish.env("LC_ALL", "pl_PL.UTF-8")).expect(0);
    assert!(polish.stderr.contains("uwaga CUMULATIVE_SUM: sum(wykonanie) dodaje"), "{}", polish.stderr);
}

#[tokio::test]
async fn flights_and_https_warn_alike() {
    let server = filled();
    let sql = "SELECT sum(wykonanie) FROM rb28s";
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).expect("an address");
    let mut flights = FlightSqlServiceClient::new(endpoint.connect().await.expect("the gRPC listener"));
    flights.set_token(server.key("ministry"));
    let info = flights.execute(sql.to_owned(), None).await.expect("an info");
    let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
    let mut request = tonic::Request::new(ticket);
    let bearer = format!("Bearer {}", server.key("ministry"));
    request.metadata_mut().insert("authorization", bearer.parse().expect("a key"));
    let flight = flights.inner_mut().do_get(request).await.expect("a flight").into_inner();
    let messages: Vec<_> = flight.try_collect().await.expect("whole rows");
    let last = &messages.last().expect("a message").app_metadata;
    let body = serde_json::json!({ "sql": sql }).to_string();
    let place = ("POST", "/api/v1/query");
    let answer = keyed(server.http, &server.key("ministry"), place, &[], body.as_bytes());
    let head = answer.header("hub-rows");
    assert!(head.is_ascii());
    let described: Value = serde_json::from_slice(&info.app_metadata).expect("JSON");
    assert!(described["versions"][0]["version"].as_u64() >= Some(1), "{described}");
    for told in [&info.app_metadata[..], &last[..], head.as_bytes()] {
        let told: Value = serde_json::from_slice(told).expect("JSON");
        assert_eq!(told["versions"], described["versions"]);
        assert_eq!(told["warnings"].as_array().map(Vec::len), Some(1), "{told}");
        let warning = &told["warnings"][0];
        assert_eq!((&warning["code"], &warning["dataset"]), (&"CUMULATIVE_SUM".into(), &"rb28s".into()));
        assert!(warning["message"]["pl"].as_str().is_some_and(|text| text.contains("każdy okres")));
    }
}
