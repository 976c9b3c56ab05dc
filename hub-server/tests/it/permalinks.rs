//! Permalinks: an answer's address gives its rows again, and the revisions behind it can be listed.

use serde_json::Value;

use crate::harness::{PERIOD, Server, keyed, kutno_sample, synthetic};

const SUMS: &str = "SELECT dzial, sum(plan) AS razem FROM rb28s GROUP BY dzial ORDER BY dzial";

/// What `hub query` says of a statement: its rows, and its permalink.
fn asked(server: &Server, statement: &str) -> (String, Option<String>) {
    let answer = server.hub("ministry", &["--format", "csv", "query", statement]).expect(0);
    let link = answer.stderr.lines().find_map(|line| line.strip_prefix("the same rows again: "));
    (answer.stdout, link.map(str::to_owned))
}

fn corrected(server: &Server) {
    let report = std::fs::read_to_string(kutno_sample()).expect("a sample");
    assert!(report.contains("17900.00"));
    let file = server.file("corrected.csv", report.replacen("17900.00", "17901.00", 1).as_bytes());
    server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
}

fn revisions(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let all = [&["--format", "json", "query", "--revisions"], arguments].concat();
    let said = server.hub("ministry", &all).expect(0).stdout;
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_link_gives_the_same_rows_after_a_correction_and_a_restart() {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let (before, link) = asked(&server, SUMS);
    let link = link.expect("a permalink");
    assert!(link.contains("at=rb28s%401&sql=SELECT%20dzial"), "{link}");
    corrected(&server);
    let (after, newer) = asked(&server, SUMS);
    assert_ne!(before, after, "the correction is seen");
    assert!(newer.expect("a permalink").contains("rb28s%402"));
    server.stop();
    server.restart();
    assert_eq!(asked(&server, &link), (before.clone(), Some(link.clone())), "the link leads to itself");
    let by_http = keyed(server.http, &server.key("ministry"), ("GET", &link), &[], b"");
    assert_eq!(String::from_utf8(by_http.body.clone()).expect("text"), before);
    let head: Value = serde_json::from_str(by_http.header("hub-rows")).expect("JSON");
    assert_eq!(head["permalink"], link.as_str());
    let named = server.hub("ministry", &["--format", "csv", "query", SUMS, "--at", "rb28s@1"]).expect(0);
    assert_eq!(named.stdout, before);
}

#[test]
fn a_link_names_the_code_lists_that_it_stands_on() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let joined = "SELECT d.nazwa, count(*) AS ile FROM rb28s r JOIN dzialy d ON d.dzial = r.dzial \
                  GROUP BY d.nazwa ORDER BY d.nazwa";
    let (rows, link) = asked(&server, joined);
    let link = link.expect("a permalink");
    assert!(link.contains("rb28s%401%2Cdzialy%40"), "{link}");
    assert_eq!(asked(&server, &link).0, rows);
    let from = link.find("dzialy%40").expect("a list") + "dzialy%40".len();
    let mut other = link.clone();
    other.replace_range(from..from + 12, "000000000000");
    server.hub("ministry", &["query", &other]).expect(1).says("HISTORY_EXPIRED").says("dzialy@000000000000");
    server.hub("ministry", &["query", SUMS, "--at", "rb28s"]).expect(1).says("REQUEST_INVALID");
    server.hub("ministry", &["query", SUMS, "--at", "nic@1"]).expect(1).says("DATASET_UNKNOWN");
}

#[test]
fn without_states_there_is_no_link() {
    let server = Server::start();
    assert_eq!(asked(&server, "SELECT count(*) AS ile FROM organisations").1, None);
    let literal = "x".repeat(1_000);
    let long = format!("SELECT '{literal}' AS a, '{literal}' AS b, '{literal}' AS c, '{literal}' AS d");
    assert_eq!(asked(&server, &long).1, None);
    assert!(asked(&server, "SELECT 1 AS x").1.is_some());
}

#[test]
fn revisions_behind_an_answer_are_those_of_its_publishers_and_state() {
    let server = Server::start_with(&[("HUB_LIMITS_OPEN_VERSION_MS", "0")]);
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for (seed, period) in ["2021-Q4", "2022-Q4"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 50, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &[]);
    }
    corrected(&server);
    let of = |found: &[Value]| -> Vec<(String, String, u64)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let key = |r: &Value| {
            (text(&r["publisher"]), text(&r["period"]), r["revision"].as_u64().expect("a number"))
        };
        found.iter().map(key).collect()
    };
    let kutno = |revision| ("gmina-100201".to_owned(), "2022-12-31".to_owned(), revision);
    let all = of(&revisions(&server, &[SUMS]));
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all[2], kutno(2), "the current one");
    let before = of(&revisions(&server, &[SUMS, "--at", "rb28s@3"]));
    assert_eq!(before[2], kutno(1), "the one that stood then");
    let filtered = format!("{} WHERE _publisher = 'gmina-100201'", "SELECT sum(plan) AS x FROM rb28s");
    assert_eq!(of(&revisions(&server, &[&filtered])), [kutno(2)]);
    let day = "SELECT sum(plan) AS x FROM rb28s WHERE _period_end = DATE '2021-12-31'";
    assert_eq!(of(&revisions(&server, &[day])).len(), 1);
    assert_eq!(revisions(&server, &["SELECT count(*) AS x FROM terc"]), Vec::<Value>::new());
    let paged = "/api/v1/query/revisions?page_size=2&sql=SELECT%20plan%20FROM%20rb28s";
    let first =
        crate::http_door::value(&keyed(server.http, &server.key("ministry"), ("GET", paged), &[], b""));
    let token = first["next_page_token"].as_str().expect("a token");
    corrected_again(&server);
    let next = format!("{paged}&page_token={token}");
    let second =
        crate::http_door::value(&keyed(server.http, &server.key("ministry"), ("GET", &next), &[], b""));
    let listed = [&first, &second].map(|page| page["revisions"].as_array().expect("revisions").clone());
    assert_eq!(of(&listed.concat()), all, "both pages stand on one state");
}

fn corrected_again(server: &Server) {
    let report = std::fs::read_to_string(kutno_sample()).expect("a sample");
    let file = server.file("again.csv", report.replacen("17900.00", "17902.00", 1).as_bytes());
    server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
}
