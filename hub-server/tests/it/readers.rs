//! Engines of other makers read the tables as they are, and see what the hub answers.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    PERIOD, Server, air_sample, grosze, kutno_sample, run, server_binary, synthetic, wait_for,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers.py");

/// What each engine sees of a table.
fn seen(table: &Path, column: &str) -> Value {
    let python = std::env::var_os("HUB_TEST_PYTHON");
    let python = python.expect("HUB_TEST_PYTHON is not set: run `make test`, which installs the engines");
    run(Command::new(python).arg(SCRIPT).arg(table).arg(column)).expect(0).json()
}

/// Fails unless all engines see what the hub answers.
fn assert_agree(server: &Server, dataset: &str, column: &str) {
    let table = server.root().join("tables").join(format!("{dataset}_v1"));
    let told = server.cell("ministry", &format!("SELECT count(*), sum({column}) FROM {dataset}"));
    let (rows, sum) = told.split_once(',').expect("two cells");
    let by_publisher = format!("SELECT _publisher, count(*) FROM {dataset} GROUP BY 1 ORDER BY 1");
    let publishers = server.rows("ministry", &by_publisher);
    let engines = seen(&table, column);
    let engines = engines.as_object().expect("engines");
    assert_eq!(engines.keys().collect::<Vec<_>>(), ["deltalake", "duckdb", "polars"]);
    for (engine, seen) in engines {
        assert_eq!(seen["rows"].to_string(), rows, "{engine}, {dataset}");
        let theirs = seen["sum"].as_str().expect("a sum");
        assert_eq!(exact(theirs), exact(sum), "{engine}, {dataset}: {theirs} and {sum}");
        let theirs = seen["publishers"].as_object().expect("publishers");
        let theirs: Vec<String> = theirs.iter().map(|(name, count)| format!("{name},{count}")).collect();
        assert_eq!(theirs, publishers, "{engine}, {dataset}");
    }
}

/// A decimal without the zeros at its end.
fn exact(sum: &str) -> &str {
    if sum.contains('.') { sum.trim_end_matches('0').trim_end_matches('.') } else { sum }
}

#[test]
fn other_engines_read_what_was_appended_and_corrected() {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let air = server.accepted("publisher2", &air_sample(), "jakosc_powietrza", "2017-M02", &[]);
    assert_eq!(air["submission"]["rows"], 6048);
    for (seed, period) in ["2021-Q4", "2022-Q4", "2023-Q1"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 700, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &[]);
    }
    assert_agree(&server, "rb28s", "wykonanie");
    assert_agree(&server, "jakosc_powietrza", "wartosc");

    // A correction of one school, then the same rows under other amounts, then a dropped period.
    let text = std::fs::read_to_string(kutno_sample()).expect("the sample");
    let school: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, line)| *at == 0 || line.starts_with("000903305"))
        .map(|(_, l)| l)
        .collect();
    let plan_before = grosze(&server.cell("ministry", "SELECT sum(plan) FROM rb28s"));
    let raised = school.join("\n").replace(",1400,401,0,", ",1400,401,0,1") + "\n";
    let file = server.file("school.csv", raised.as_bytes());
    let corrected = server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
    assert_eq!(corrected["submission"]["revision"], 2);
    assert!(grosze(&server.cell("ministry", "SELECT sum(plan) FROM rb28s")) > plan_before);
    assert_agree(&server, "rb28s", "plan");

    let file = server.file("again.csv", &synthetic("rb28s", "026401", "2021-Q4", 650, 99));
    server.accepted("publisher2", &file, "rb28s", "2021-Q4", &["--replace-all", "--confirm-deletions"]);
    let nothing =
        ["push", "--nothing-to-report", "--confirm-deletions", "--pattern", "rb28s", "--period", "2023-Q1"];
    server.hub("publisher2", &nothing).expect(0);
    assert_agree(&server, "rb28s", "wykonanie");

    // Nor does it matter whether a server holds the folder.
    let table = server.root().join("tables/rb28s_v1");
    let running = seen(&table, "plan");
    assert!(server.stop().success());
    assert_eq!(seen(&table, "plan"), running);
}

/// Names in a table's log.
fn log_names(table: &Path) -> Vec<String> {
    let names = std::fs::read_dir(table.join("_delta_log")).expect("the log");
    names.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned()).collect()
}

/// With checkpoints after two commits and all before them in the archive the engines begin at a checkpoint.
#[test]
fn other_engines_read_what_is_checkpointed_and_archived() {
    let often = [("HUB_LIMITS_CHECKPOINT_VERSIONS", "2"), ("HUB_LIMITS_LOG_MARGIN_VERSIONS", "0")];
    let mut server = Server::start_with(&often);
    let table = server.root().join("tables/rb28s_v1");
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for (seed, period) in ["2021-Q4", "2022-Q4", "2023-Q1", "2021-Q4"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 700, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &["--replace-all", "--confirm-deletions"]);
    }
    let is_kept = || {
        let names = log_names(&table);
        let left = names.iter().filter(|name| name.ends_with(".json")).count();
        (left <= 2 && names.iter().any(|name| name == "_last_checkpoint")).then_some(())
    };
    wait_for(Duration::from_secs(60), is_kept).unwrap_or_else(|| panic!("{:?}", log_names(&table)));
    assert!(!table.join("_delta_log/00000000000000000001.json").exists(), "the first commits are archived");
    assert_agree(&server, "rb28s", "wykonanie");

    // A server that begins with the archive shows the same, also of the versions in it.
    let shown = ["datasets", "show", "rb28s"];
    let told = server.hub("ministry", &shown).expect(0).stdout;
    let first = server.file("first.csv", b"");
    let pull = ["pull", "rb28s", "--as-of", "1", "--out", first.to_str().expect("a path")];
    server.hub("ministry", &pull).expect(0);
    let before = std::fs::read(&first).expect("rows");
    server.kill();
    server.restart();
    assert_eq!(server.hub("ministry", &shown).expect(0).stdout, told);
    server.hub("ministry", &pull).expect(0);
    assert_eq!(std::fs::read(&first).expect("rows"), before, "version 1");
    assert_agree(&server, "rb28s", "plan");
    let file = server.file("again.csv", &synthetic("rb28s", "026401", "2021-Q4", 650, 99));
    server.accepted("publisher2", &file, "rb28s", "2021-Q4", &["--replace-all", "--confirm-deletions"]);
    assert_agree(&server, "rb28s", "wykonanie");
}

/// Without a promise of earlier states the files that corrections removed go, and nobody misses them.
#[test]
fn other_engines_read_what_is_vacuumed() {
    let short = [
        ("HUB_LIMITS_CHECKPOINT_VERSIONS", "2"),
        ("HUB_LIMITS_LOG_MARGIN_VERSIONS", "0"),
        ("HUB_HISTORY_REACH", "0"),
        ("HUB_HISTORY_REMOVED_DAYS", "0"),
        // Each push has files of its own.
        ("HUB_LIMITS_OPEN_VERSION_MS", "0"),
    ];
    let mut server = Server::start_with(&short);
    let files = server.root().join("tables/rb28s_v1/d");
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for (seed, period) in ["2021-Q4", "2022-Q4", "2021-Q4", "2022-Q4", "2021-Q4"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 700, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &["--replace-all", "--confirm-deletions"]);
    }
    let live = || std::fs::read_dir(&files).expect("data files").count();
    // At the latest with the maintenance that comes without a commit.
    wait_for(Duration::from_secs(150), || (live() == 3).then_some(()))
        .unwrap_or_else(|| panic!("{} files\n{}", live(), server.log()));
    assert_agree(&server, "rb28s", "wykonanie");
    server.kill();
    server.restart();
    assert_agree(&server, "rb28s", "plan");
    assert!(server.stop().success());
    let mut verify = Command::new(server_binary());
    verify.args(["verify", "data", "--data-dir"]).arg(server.root());
    assert_eq!(run(&mut verify).expect(0).stdout, "");
}

/// Files that held rows of an erased submission are gone, live ones were written without them.
#[test]
fn other_engines_read_what_an_erasure_left() {
    let often = [("HUB_LIMITS_CHECKPOINT_VERSIONS", "2"), ("HUB_LIMITS_LOG_MARGIN_VERSIONS", "0")];
    let mut server = Server::start_with(&often);
    let table = server.root().join("tables/rb28s_v1");
    let sent = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    for (seed, period) in ["2021-Q4", "2022-Q4", "2023-Q1", "2021-Q4"].into_iter().enumerate() {
        let file = server.file("more.csv", &synthetic("rb28s", "026401", period, 700, seed as u64));
        server.accepted("publisher2", &file, "rb28s", period, &["--replace-all", "--confirm-deletions"]);
        server.cell("ministry", "SELECT count(*) FROM rb28s");
    }
    let is_hinted = || log_names(&table).iter().any(|name| name == "_last_checkpoint").then_some(());
    wait_for(Duration::from_secs(60), is_hinted).unwrap_or_else(|| panic!("{:?}", log_names(&table)));
    assert!(server.stop().success());
    let id = sent["submission"]["submission"].as_str().expect("an id");
    let mut erase = Command::new(server_binary());
    erase.args(["erase", id, "--reason", "art. 17", "--data-dir"]).arg(server.root());
    run(&mut erase).expect(0);
    server.restart();
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s WHERE _publisher = 'gmina-100201'"), "0");
    assert_agree(&server, "rb28s", "wykonanie");
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_agree(&server, "rb28s", "plan");
}
