//! A copy that follows a dataset is the dataset: whatever is added, corrected, withdrawn, merged or erased meanwhile, and
//! whoever dies.

mod world;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::harness::{Server, campaign, keyed, log_entries, run, server_binary, wait_for};
use crate::http_door::value;
use world::{World, rows_of};

/// Commits that a copy follows in the usual tests; `make soak` has more.
const COMMITS: u64 = 120;
/// Times that somebody dies.
const KILLS: u64 = 12;
/// Each push has a file of its own, and merges are at work behind them.
const EACH_A_FILE: [(&str, &str); 1] = [("HUB_LIMITS_OPEN_VERSION_MS", "0")];

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Brings a copy up to date and tells what the command said.
fn kept(server: &Server, copy: &Path) -> Value {
    let args = ["--format", "json", "pull", "rb28s", "--since", "--out", path(copy)];
    server.hub("ministry", &args).expect(0).json()
}

/// The rows of a dataset version, by a pull of their own.
fn pulled(server: &Server, version: u64) -> Vec<String> {
    let file = server.file("fresh.parquet", b"");
    let version = version.to_string();
    server.hub("ministry", &["pull", "rb28s", "--as-of", &version, "--out", path(&file)]).expect(0);
    rows_of(&file)
}

fn merges(server: &Server) -> usize {
    let entries = log_entries(&server.root().join("tables/rb28s_v1"));
    entries.iter().filter(|entry| entry["commitInfo"]["operation"] == "OPTIMIZE").count()
}

#[test]
fn a_copy_equals_a_fresh_pull_whatever_happened() {
    let mut server = Server::start_with(&EACH_A_FILE);
    let (copies, mut world) = (tempfile::tempdir().expect("a folder"), World::new(&server));
    let copy = copies.path().join("kopia.parquet");
    world.step(&server);
    assert_eq!(kept(&server, &copy)["anew"], "FIRST");
    let commits = campaign("HUB_SOAK_FOLLOWED", COMMITS);
    for commit in 1..commits {
        world.step(&server);
        if commit % 7 == 0 {
            let told = kept(&server, &copy);
            assert!(told["anew"].is_null(), "{told}");
            let behind = copies.path().join(format!("{commit}.parquet"));
            fs::copy(&copy, behind).expect("a copy of the copy");
        }
        if commit % 40 == 0 {
            let told = kept(&server, &copy);
            let version = told["dataset_version"].as_u64().expect("a version");
            assert_eq!(rows_of(&copy), pulled(&server, version), "after {commit} commits");
        }
    }
    wait_for(Duration::from_secs(150), || (merges(&server) > 0).then_some(())).expect("a merge");
    // What was erased is in no copy afterwards, however far behind that was.
    let erased = world.erasable();
    assert!(server.stop().success());
    let mut erase = Command::new(server_binary());
    erase.args(["erase", &erased, "--reason", "art. 17", "--data-dir"]).arg(server.root());
    run(&mut erase).expect(0);
    server.restart();
    world.reconnect(&server);
    world.step(&server);
    let told = kept(&server, &copy);
    let fresh = pulled(&server, told["dataset_version"].as_u64().expect("a version"));
    assert!(!fresh.iter().any(|row| row.contains(&erased)));
    assert_eq!(rows_of(&copy), fresh);
    let mut followed = 0;
    for entry in fs::read_dir(copies.path()).expect("copies") {
        let behind = entry.expect("a copy").path();
        if behind.extension().is_some_and(|ending| ending == "parquet") {
            let told = kept(&server, &behind);
            assert!(told["anew"].is_null(), "{}: {told}", behind.display());
            assert_eq!(rows_of(&behind), fresh, "{}", behind.display());
            followed += 1;
        }
    }
    assert!(followed > 10, "{followed} copies");
    println!(
        "soak: a copy followed {commits} commits and an erasure, from {followed} places: equal to a fresh pull"
    );
}

#[test]
fn whoever_dies_the_copy_is_one_of_its_versions() {
    let mut server = Server::start_with(&EACH_A_FILE);
    let (copies, mut world) = (tempfile::tempdir().expect("a folder"), World::new(&server));
    let copy = copies.path().join("kopia.parquet");
    (0..5).for_each(|_| world.step(&server));
    kept(&server, &copy);
    let mut draw = StdRng::seed_from_u64(31);
    let kills = campaign("HUB_SOAK_FOLLOWERS_KILLED", KILLS);
    for kill in 0..kills {
        let changes = draw.random_range(1..4);
        (0..changes).for_each(|_| world.step(&server));
        let mut following = server.hub_command(
            "ministry",
            &["--retry-for", "60", "pull", "rb28s", "--since", "--out", path(&copy)],
        );
        let mut following = following.spawn().expect("the command");
        std::thread::sleep(Duration::from_millis(draw.random_range(0..400)));
        if kill % 3 == 2 {
            server.kill();
            server.restart();
            world.reconnect(&server);
            // Patience outlasts the restart.
            assert!(following.wait().expect("the command").success());
        } else {
            // It may have ended already.
            drop(following.kill());
            following.wait().expect("the command");
        }
        // Whatever the one that died left, the next one goes on from there, and nothing came twice.
        let told = kept(&server, &copy);
        assert!(told["anew"].is_null(), "{told}");
        let version = told["dataset_version"].as_u64().expect("a version");
        assert_eq!(rows_of(&copy), pulled(&server, version), "after {} deaths", kill + 1);
    }
    let left: Vec<_> =
        fs::read_dir(copies.path()).expect("copies").map(|e| e.expect("a name").file_name()).collect();
    assert_eq!(left.len(), 2, "the copy and its lock: {left:?}");
    println!("soak: {kills} kill -9 of followers and servers: no gap, nothing twice");
}

#[test]
fn changes_come_in_the_order_of_commits_and_once() {
    let server = Server::start_with(&EACH_A_FILE);
    let mut world = World::new(&server);
    (0..12).for_each(|_| world.step(&server));
    let whole = server.file("whole.ndjson", b"");
    let args = ["--format", "json", "pull", "rb28s", "--since", "0", "--out", path(&whole)];
    let told = server.hub("ministry", &args).expect(0).json();
    assert_eq!((&told["since_version"], &told["more"]), (&0.into(), &false.into()));
    let all = fs::read_to_string(&whole).expect("changes");
    let versions: Vec<u64> =
        all.lines().map(|line| json(line)["_dataset_version"].as_u64().expect("one")).collect();
    assert!(versions.is_sorted() && versions.first() == Some(&1), "{versions:?}");
    // By plain HTTPS the same, and from each place on the rest.
    let by_http = |since: &str| {
        let at = format!("/api/v1/datasets/rb28s/changes?format=ndjson&since={since}");
        keyed(server.http, &server.key("ministry"), ("GET", &at), &[], b"")
    };
    let answer = by_http("0");
    assert_eq!(String::from_utf8_lossy(&answer.body), all);
    let page: Value = json(answer.header("hub-changes"));
    assert_eq!(page["next_cursor"], told["cursor"]);
    let nothing = by_http(told["cursor"].as_str().expect("a cursor"));
    assert_eq!((nothing.status, nothing.body.len()), (200, 0));
    world.step(&server);
    let rest = by_http(told["cursor"].as_str().expect("a cursor"));
    let last = versions.last().expect("a version");
    let rest = String::from_utf8(rest.body).expect("text");
    assert!(rest.lines().all(|line| json(line)["_dataset_version"].as_u64() > Some(*last)), "{rest}");
    // What is no cursor of this dataset is told so.
    for (since, status, reason) in
        [("x", 400, "REQUEST_INVALID"), ("99.a", 410, "CURSOR_UNKNOWN"), ("1.other", 410, "CURSOR_UNKNOWN")]
    {
        let answer = by_http(since);
        assert_eq!((answer.status, value(&answer)["reason"].as_str()), (status, Some(reason)), "{since}");
    }
}

#[test]
fn a_copy_says_what_it_is_not_for() {
    let server = Server::start();
    let mut world = World::new(&server);
    world.step(&server);
    let csv = server.file("kopia.csv", b"");
    server
        .hub("ministry", &["pull", "rb28s", "--since", "--out", path(&csv)])
        .expect(2)
        .says("--out FILE.parquet");
    let other = server.file("inny.parquet", b"PAR1");
    let pull = server.hub("ministry", &["pull", "rb28s", "--since", "--out", path(&other)]);
    pull.expect(1).says("no copy that this command keeps");
    // A copy with some columns and rows has those by which rows are found again.
    let copy = other.with_file_name("kopia.parquet");
    let narrow =
        ["pull", "rb28s", "--columns", "plan", "--where", "dzial = '801'", "--since", "--out", path(&copy)];
    server.hub("ministry", &narrow).expect(0);
    (0..6).for_each(|_| world.step(&server));
    server.hub("ministry", &narrow).expect(0);
    let columns = "plan,jednostka_regon,dzial,rozdzial,paragraf,p4,_period_end,_publisher,_submission,_revision,_committed_at";
    let fresh = server.file("fresh.parquet", b"");
    let pull = ["pull", "rb28s", "--columns", columns, "--where", "dzial = '801'", "--out", path(&fresh)];
    server.hub("ministry", &pull).expect(0);
    let sorted = |file: &Path| {
        rows_of(file).into_iter().map(|row| cells(&row)).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(sorted(&copy), sorted(&fresh));
    server
        .hub("ministry", &["pull", "rb28s", "--since", "--out", path(&copy)])
        .expect(1)
        .says("a copy of other rows");
}

/// The cells of a row in an order of their own.
fn cells(row: &str) -> Vec<String> {
    let mut cells: Vec<String> = row.split('|').map(str::to_owned).collect();
    cells.sort_unstable();
    cells
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
