//! What was acknowledged stays, what was not is taken up again: kill -9 in the middle of pushes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::harness::{
    KUTNO, PERIOD, Server, column_grosze, grosze, kutno_sample, lasting, leftovers, open_payloads, synthetic,
    wait_for,
};

const ROWS: u64 = 200_000;
const LATE: &str = "2023-Q4";
const LONG: Duration = Duration::from_secs(120);

/// A synthetic report that takes a while.
fn large(server: &Server) -> PathBuf {
    server.file("big.csv", &synthetic("rb28s", "100201", LATE, ROWS, 7))
}

fn start_push(server: &Server, file: &Path, retry_for: &str) -> Child {
    let file = file.to_str().expect("a path");
    let args = ["--retry-for", retry_for, "push", file, "--pattern", "rb28s", "--period", LATE];
    let mut command = server.hub_command("publisher", &args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hub")
}

/// Waits until the hub holds this much of an open payload.
fn wait_for_bytes(server: &Server, wanted: u64) {
    let arrived = || open_payloads(server.root()).into_iter().find(|(_, bytes)| *bytes >= wanted);
    wait_for(LONG, arrived).unwrap_or_else(|| panic!("{wanted} bytes never arrived:\n{}", server.log()));
}

/// The dataset is what an undisturbed push would have left.
fn assert_whole(server: &Server, file: &Path) {
    let count = format!("SELECT count(*) FROM rb28s WHERE okres = '{LATE}'");
    assert_eq!(server.cell("ministry", &count), ROWS.to_string());
    for column in ["plan", "wykonanie"] {
        let sql =
            format!("SELECT sum({column}) FROM rb28s WHERE okres = '{LATE}' AND _publisher = '{KUTNO}'");
        assert_eq!(grosze(&server.cell("ministry", &sql)), column_grosze(file, column, |_| true), "{column}");
    }
    let revisions = format!("SELECT DISTINCT _revision FROM rb28s WHERE okres = '{LATE}'");
    assert_eq!(server.rows("ministry", &revisions), ["1"]);
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
}

#[test]
fn a_large_push_goes_on_when_the_command_runs_again() {
    let mut server = Server::start();
    let file = large(&server);
    let push = start_push(&server, &file, "1");
    wait_for_bytes(&server, 2 << 20);
    server.kill();
    let ended = push.wait_with_output().expect("hub");
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stderr));

    server.restart();
    let kept: u64 = open_payloads(server.root()).iter().map(|(_, bytes)| bytes).sum();
    assert!(kept > 0, "what was durable is taken up");
    let file_name = file.to_str().expect("a path");
    let again =
        server.hub("publisher", &["push", file_name, "--pattern", "rb28s", "--period", LATE]).expect(0);
    assert!(again.stderr.contains("going on with a push that was begun earlier"), "{}", again.stderr);
    assert_whole(&server, &file);
    let third = server.accepted("publisher", &file, "rb28s", LATE, &[]);
    assert_eq!(third["unchanged"], true);
}

#[test]
fn a_push_that_is_under_way_survives_a_killed_server() {
    let mut server = Server::start();
    let file = large(&server);
    let whole = std::fs::metadata(&file).expect("the file").len();
    // Once while the bytes come, once when all are there and the check runs or the commit is done.
    let mut push = start_push(&server, &file, "90");
    for wanted in [1 << 20, whole] {
        let arrived = || {
            let ended = push.try_wait().expect("hub").is_some();
            let there = open_payloads(server.root()).iter().any(|(_, bytes)| *bytes >= wanted);
            (ended || there).then_some(())
        };
        wait_for(LONG, arrived).expect("the payload arrives");
        server.kill();
        server.restart();
    }
    let ended = push.wait_with_output().expect("hub");
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_whole(&server, &file);
}

#[test]
fn an_acknowledged_push_survives_kill_and_restart() {
    let mut server = Server::start();
    let pushed = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let id = pushed["submission"]["submission"].as_str().expect("an id").to_owned();
    let rows = "SELECT jednostka_regon, sum(plan), sum(wykonanie), min(_submission) FROM rb28s GROUP BY 1 ORDER BY 1";
    let before = server.rows("ministry", rows);
    server.kill();
    // The catalogue's part on submissions is a projection of the log: it may be behind after a kill.
    server.restart();
    assert_eq!(server.rows("ministry", rows), before);
    let receipt = server.hub("publisher", &["submissions", "receipt", &id]).expect(0).stdout;
    assert_eq!(receipt.trim_end(), pushed["receipt"]["document"].as_str().expect("a receipt"));
    let again = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(again["unchanged"], true);
}

#[test]
fn a_statement_larger_than_its_memory_goes_to_the_disk_and_leaves_nothing_there() {
    let server = Server::start_with(&[("HUB_LIMITS_QUERY_MEMORY_MIB", "192")]);
    let file = large(&server);
    server.accepted("publisher", &file, "rb28s", LATE, &[]);
    let sql = "SELECT jednostka_regon, dzial, rozdzial, grupa, paragraf, p4, plan, zaangazowanie, wykonanie, \
        zobowiazania, _submission FROM rb28s ORDER BY wykonanie, jednostka_regon, rozdzial, paragraf, p4";
    let out = server.file("sorted.csv", b"");
    let mut query = server
        .hub_command("ministry", &["--format", "csv", "query", sql])
        .stdout(File::create(&out).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("hub");
    let spilled = wait_for(LONG, || {
        let spilled = !leftovers(server.root()).is_empty();
        (spilled || query.try_wait().expect("hub").is_some()).then_some(spilled)
    });
    assert_eq!(spilled, Some(true), "the statement fits into its memory, so it proves nothing");
    assert!(query.wait().expect("hub").success());
    let text = std::fs::read_to_string(out).expect("the answer");
    let amounts: Vec<i64> =
        text.lines().skip(1).map(|row| grosze(row.split(',').nth(8).expect("the amount"))).collect();
    assert_eq!(amounts.len() as u64, ROWS);
    assert!(amounts.is_sorted());
    let gone = wait_for(LONG, || leftovers(server.root()).is_empty().then_some(()));
    assert!(gone.is_some(), "{:?}", leftovers(server.root()));
}
