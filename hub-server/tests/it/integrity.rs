//! Rot in a data folder: it is found, its file is named, and what it does not touch is served.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{
    Output, PERIOD, Server, air_sample, campaign, kutno_sample, run, sample, server_binary, synthetic,
    wait_for,
};

const LATER: &str = "2023-Q4";
const SUM: &str = "SELECT sum(plan) FROM rb28s";

fn offline(root: &Path, args: &[&str]) -> Output {
    run(Command::new(server_binary()).args(args).arg("--data-dir").arg(root))
}

fn verify(root: &Path) -> Output {
    offline(root, &["verify", "data"])
}

/// Changes one bit of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file of the hub");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("a file of the hub");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the hub") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A server that stopped after reports of all lengths: small ones, one with a file of its own, a refused
/// one, a correction. The journal is taken in, or it would repair what the tests break.
fn filled() -> Server {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let large = server.file("large.csv", &synthetic("rb28s", "026401", LATER, 40_000, 1));
    server.accepted("publisher2", &large, "rb28s", LATER, &[]);
    server.accepted("publisher2", &air_sample(), "jakosc_powietrza", "2017-M02", &[]);
    server.push("publisher", &sample("rb28s", "invalid/kod-spoza-listy.csv"), "rb28s", LATER, &[]).expect(3);
    let again = server.file("again.csv", &synthetic("rb28s", "100201", PERIOD, 50, 2));
    server.accepted("publisher", &again, "rb28s", PERIOD, &["--replace-all", "--confirm-deletions"]);
    assert!(server.stop().success());
    server.restart();
    assert!(server.stop().success());
    server
}

#[test]
fn every_kind_of_file_is_named_when_a_bit_of_it_flips() {
    let server = filled();
    let root = server.root();
    let whole = verify(root).expect(0);
    assert_eq!(whole.stdout, "", "{}", whole.stderr);
    assert!(whole.stderr.contains("log versions") && whole.stderr.contains(" 0 faults"), "{}", whole.stderr);
    let mut all = vec![root.join("format.json")];
    for folder in ["tables", "evidence", "spool"] {
        let found = files(&root.join(folder));
        assert!(!found.is_empty(), "{folder}");
        all.extend(found);
    }
    assert!(
        all.iter().any(|file| fs::metadata(file).is_ok_and(|file| file.len() > 512 << 10)),
        "a long file"
    );
    let flips = usize::try_from(campaign("HUB_SOAK_FLIPS", 4)).expect("a number of flips");
    for file in all {
        let length = usize::try_from(fs::metadata(&file).expect("a file").len()).expect("a length");
        for part in 0..flips.min(length) {
            let at = length * (2 * part + 1) / (2 * flips);
            flip(&file, at);
            let told = verify(root);
            let name = file.display().to_string();
            let named = told.stdout.contains(&name) || told.stderr.contains(&name);
            assert!(named, "{name}, byte {at}:\n{}\n{}", told.stdout, told.stderr);
            // The end of a segment may be a write that was cut off, which is no damage.
            let torn = told.stderr.contains("are no whole record");
            assert!(told.code == 1 || (told.code == 0 && torn), "{name}, byte {at}: {}", told.stderr);
            flip(&file, at);
        }
    }
    verify(root).expect(0);
    println!("soak: {flips} flipped bits in each file of a data folder, all of them named by `verify data`");
}

#[test]
fn verify_needs_a_folder_that_no_server_uses() {
    let server = Server::start();
    verify(server.root()).expect(1).says("a hub-server runs on").says("stop it");
    let nowhere = server.root().join("nowhere");
    verify(&nowhere).expect(1).says("could not read");
    assert!(!nowhere.exists(), "looking makes nothing");
}

#[test]
fn a_rotten_data_file_is_refused_by_name_and_the_rest_is_served() {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let later = server.file("later.csv", &synthetic("rb28s", "026401", LATER, 300, 1));
    server.accepted("publisher2", &later, "rb28s", LATER, &[]);
    server.accepted("publisher2", &air_sample(), "jakosc_powietrza", "2017-M02", &[]);
    let (sum, air) = (server.cell("ministry", SUM), "SELECT count(*), sum(wartosc) FROM jakosc_powietrza");
    let air_before = server.rows("ministry", air);
    let of_later = format!("{SUM} WHERE _publisher = 'gmina-026401'");
    let later_before = server.cell("ministry", &of_later);
    assert!(server.stop().success());
    server.restart();
    assert!(server.stop().success());
    let root = server.root().to_owned();
    let kutno = files(&root.join("tables/rb28s_v1/d")).into_iter().next().expect("the first commit's file");
    flip(&kutno, 2_000);
    server.restart();

    for _ in 0..2 {
        server.hub("ministry", &["query", SUM]).expect(1).says("STORAGE_CORRUPT");
    }
    assert_eq!(server.cell("ministry", &of_later), later_before);
    assert_eq!(server.rows("ministry", air), air_before);
    let school = fs::read_to_string(kutno_sample()).expect("the sample");
    let (header, rows) = school.split_once('\n').expect("a header");
    let first = rows.lines().next().expect("a row");
    let regon = first.split(',').next().expect("a school");
    let of_school: Vec<&str> = rows.lines().filter(|row| row.starts_with(regon)).skip(1).collect();
    let correction = server.file("school.csv", format!("{header}\n{}\n", of_school.join("\n")).as_bytes());
    server.push("publisher", &correction, "rb28s", PERIOD, &[]).expect(1).says("STORAGE_CORRUPT");
    let earlier = server.file("earlier.csv", &synthetic("rb28s", "026401", "2023-Q3", 30, 4));
    server.accepted("publisher2", &earlier, "rb28s", "2023-Q3", &[]);
    let log = server.log();
    let name = kutno.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(log.contains(&name) && log.contains("hub-server verify data"), "{log}");

    assert!(server.stop().success());
    verify(&root).expect(1).says(&name);
    flip(&kutno, 2_000);
    verify(&root).expect(0);
    server.restart();
    assert_eq!(server.cell("ministry", &format!("{SUM} WHERE _period_end <> DATE '2023-09-30'")), sum);
}

#[test]
fn a_damaged_log_closes_its_dataset_alone() {
    let mut server = filled();
    let root = server.root().to_owned();
    let log = root.join("tables/rb28s_v1/_delta_log/00000000000000000002.json");
    flip(&log, 500);
    let file = server.file("later.csv", &synthetic("rb28s", "100201", "2024-Q1", 20, 5));
    server.restart();

    let said = server.log();
    assert!(said.contains("ERROR") && said.contains("00000000000000000002.json"), "{said}");
    server.hub("ministry", &["query", SUM]).expect(1).says("STORAGE_CORRUPT");
    server.hub("ministry", &["datasets", "show", "rb28s"]).expect(1).says("STORAGE_CORRUPT");
    let listed = server.hub("ministry", &["datasets", "list"]).expect(0).stdout;
    assert!(listed.contains("jakosc_powietrza") && !listed.contains("rb28s"), "{listed}");
    server.push("publisher", &file, "rb28s", "2024-Q1", &[]).expect(1).says("STORAGE_CORRUPT");
    assert_eq!(server.cell("ministry", "SELECT count(*) > 0 FROM jakosc_powietrza"), "true");
    let submissions = server.hub("publisher", &["submissions", "list"]).expect(0).stdout;
    assert!(submissions.contains("COMMITTED"), "what was committed is still shown: {submissions}");

    assert!(server.stop().success());
    verify(&root).expect(1).says("00000000000000000002.json");
    flip(&log, 500);
    server.restart();
    server.accepted("publisher", &file, "rb28s", "2024-Q1", &[]);
    assert!(server.stop().success());
    verify(&root).expect(0);
}

/// Acknowledged, in no log yet, and then the record rots: the bytes that were sent are still there.
#[test]
fn what_was_acknowledged_survives_the_rot_of_its_record() {
    let mut server = filled();
    let root = server.root().to_owned();
    let mut patient = Command::new(server_binary());
    let dies = Server::under(&root, patient.env("HUB_LIMITS_OPEN_VERSION_MS", "600000"));
    for (profile, teryt) in [("publisher", "100201"), ("publisher2", "026401")] {
        let file = dies.file(&format!("{teryt}.csv"), &synthetic("rb28s", teryt, "2024-Q3", 40, 9));
        dies.accepted(profile, &file, "rb28s", "2024-Q3", &[]);
    }
    drop(dies);
    let ahead = root.join("journal/rb28s_v1.ahead");
    let bytes = fs::read(&ahead).expect("records ahead of the log");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("records");
    verify(&root).expect(0);
    // In the first record, with one behind it, and in the last, which might as well be torn.
    flip(&ahead, 900);
    verify(&root).expect(1).says("rb28s_v1.ahead").says("start the server");
    flip(&ahead, end - 100);
    verify(&root).expect(1).says("rb28s_v1.ahead").says("acknowledged are in no log yet");

    server.restart();
    let count = "SELECT count(*) FROM rb28s WHERE _period_end = DATE '2024-09-30'";
    let both = wait_for(Duration::from_secs(30), || (server.cell("ministry", count) == "80").then_some(()));
    assert!(both.is_some(), "{}", server.log());
    assert!(server.log().contains("is committed again from its bytes"), "{}", server.log());
    assert!(server.stop().success());
    verify(&root).expect(0);
}

#[test]
fn an_order_waits_until_its_dataset_is_whole_again() {
    let mut server = filled();
    let root = server.root().to_owned();
    // The hub dies with an order in its spool that is in no log.
    let file = server.file("waits.csv", &synthetic("rb28s", "100201", "2024-Q2", 40, 8));
    let mut armed = Command::new(server_binary());
    let dies = Server::under(&root, armed.env("HUB_FAULT", "spool.whole.after:1"));
    dies.push("publisher", &file, "rb28s", "2024-Q2", &["--retry-for", "0"]).expect(4);
    drop(dies);
    let log = root.join("tables/rb28s_v1/_delta_log/00000000000000000002.json");
    flip(&log, 500);
    server.restart();
    let waiting = || {
        let listed =
            server.hub("publisher", &["--format", "json", "submissions", "list", "--period", "2024-Q2"]);
        let all: Vec<serde_json::Value> =
            listed.expect(0).stdout.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    };
    let before = waiting();
    let id = before["submission"].as_str().expect("an id");
    server.hub("publisher", &["submissions", "abandon", id]).expect(1).says("STORAGE_CORRUPT");
    assert_eq!(waiting(), before, "nobody takes it away");
    assert!(server.stop().success());
    flip(&log, 500);
    server.restart();
    let count = "SELECT count(*) FROM rb28s WHERE okres = '2024-Q2'";
    let done = wait_for(Duration::from_secs(30), || (server.cell("ministry", count) == "40").then_some(()));
    assert!(done.is_some(), "the order is finished without its sender:\n{}", server.log());
}

/// All that a publisher is shown of its submissions.
fn shown(server: &Server, profile: &str) -> Vec<String> {
    let listed = server.hub(profile, &["--format", "json", "submissions", "list"]).expect(0).stdout;
    let ids = listed.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a submission a line");
        line["submission"].as_str().expect("an id").to_owned()
    });
    let mut all = vec![listed.clone()];
    for id in ids {
        for deed in ["show", "report", "receipt"] {
            // A refused one has a report and no receipt.
            let told = server.hub(profile, &["--format", "json", "submissions", deed, &id]);
            all.push(format!("{deed} {id} {}: {}", told.code, told.stdout));
        }
    }
    all
}

#[test]
fn the_projection_is_made_again_from_the_logs() {
    let mut server = filled();
    let root = server.root().to_owned();
    server.restart();
    let before = [shown(&server, "publisher"), shown(&server, "publisher2")];
    assert_eq!(
        before.iter().flatten().filter(|said| said.starts_with("receipt ") && said.contains(" 0: ")).count(),
        4
    );
    offline(&root, &["rebuild"]).expect(1).says("a hub-server runs on");
    assert!(server.stop().success());
    offline(&root, &["rebuild"]).expect(0);
    verify(&root).expect(0).says("the catalogue shows nothing of rb28s_v1 yet");
    server.restart();
    assert_eq!([shown(&server, "publisher"), shown(&server, "publisher2")], before);
    assert!(server.stop().success());
    verify(&root).expect(0);
}

#[test]
fn without_the_catalogue_keys_and_refusals_are_lost_and_nothing_else() {
    let mut server = filled();
    let root = server.root().to_owned();
    server.restart();
    let receipts = |server: &Server| {
        let all = [shown(server, "publisher"), shown(server, "publisher2")].concat();
        all.into_iter()
            .filter(|said| said.starts_with("receipt ") && said.contains(" 0: "))
            .collect::<Vec<_>>()
    };
    let before = receipts(&server);
    assert!(server.stop().success());
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let gone = fs::remove_file(root.join(name));
        assert!(gone.is_ok() || name != "catalog.sqlite");
    }
    verify(&root).expect(1).says("catalog.sqlite").says("organisations, keys and refusals");
    server.restart();
    server.hub("publisher", &["submissions", "list"]).expect(5).says("CREDENTIAL_INVALID");
    assert!(server.stop().success());
    for profile in ["publisher", "publisher2", "ministry", "operator"] {
        fs::remove_file(root.join(format!("dev/{profile}.toml"))).expect("a profile");
    }
    server.restart();
    assert_eq!(receipts(&server), before);
    let listed = server.hub("publisher", &["submissions", "list"]).expect(0).stdout;
    assert!(!listed.contains("REFUSED"), "{listed}");
}

#[test]
fn a_projection_that_shows_something_else_is_told() {
    let server = filled();
    let root = server.root().to_owned();
    let change = |statement: &str| {
        let script =
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
        let python = std::env::var_os("HUB_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        run(Command::new(python).args(["-c", script]).arg(root.join("catalog.sqlite")).arg(statement))
            .expect(0);
    };
    for (statement, says) in [
        (
            "UPDATE submissions SET row_count = row_count + 1 WHERE dataset = 'jakosc_powietrza'",
            "otherwise than",
        ),
        (
            "UPDATE submissions SET state = 'COMMITTED' WHERE state = 'SUPERSEDED'",
            "by the log it is SUPERSEDED",
        ),
        ("DELETE FROM submissions WHERE dataset = 'jakosc_powietrza'", "it lacks submission"),
        (
            "INSERT INTO submissions SELECT 'x' || id, caller, request_id, publisher, dataset, period, media_type, state, reason, revision, dataset_version, row_count, size, sha256, carried, dropped, nothing_to_report, created_at, ended_at, report, receipt, erased_at, erased_reason, withdraws FROM submissions LIMIT 1",
            "1 submissions that no log names",
        ),
        (
            "UPDATE datasets SET applied_version = applied_version + 9 WHERE id = 'rb28s_v1'",
            "the log ends with",
        ),
    ] {
        change(statement);
        verify(&root).expect(1).says(says).says("hub-server rebuild");
        offline(&root, &["rebuild"]).expect(0);
        let mut server = Server::on(&root);
        assert!(server.stop().success());
        verify(&root).expect(0);
    }
}
