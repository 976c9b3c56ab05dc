//! Who pulled a figure that was corrected is told once, whoever dies meanwhile, and nobody else is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{KUTNO, PERIOD, Server, keyed, kutno_sample, run, server_binary, synthetic, wait_for};
use crate::http_door::value;

const PATIENCE: Duration = Duration::from_secs(60);
/// Each push is a version of its own.
const EACH_A_VERSION: [(&str, &str); 1] = [("HUB_LIMITS_OPEN_VERSION_MS", "0")];

fn plain(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Kutno's report with other amounts of one school.
fn correction(server: &Server, plan: &str) -> PathBuf {
    let text = std::fs::read_to_string(kutno_sample()).expect("the sample");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let school: Vec<String> = lines
        .filter(|line| line.starts_with("001070630,"))
        .enumerate()
        .map(|(at, line)| if at == 0 { line.replace("17900.00", plan) } else { line.to_owned() })
        .collect();
    assert!(school[0].contains(plan), "{}", school[0]);
    server.file("korekta.csv", format!("{header}\n{}\n", school.join("\n")).as_bytes())
}

fn correct(server: &Server, plan: &str) -> Value {
    server.accepted("publisher", &correction(server, plan), "rb28s", PERIOD, &[])
}

fn pull(server: &Server, more: &[&str]) {
    let file = server.file("pulled.csv", b"");
    let args = [&["pull", "rb28s", "--out", plain(&file)], more].concat();
    server.hub("ministry", &args).expect(0);
}

fn notices(server: &Server, more: &[&str]) -> Vec<Value> {
    let said = server.hub("ministry", &[&["--format", "json", "notices"], more].concat()).expect(0);
    said.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Waits until as many notices are there, settled ones too.
fn told(server: &Server, number: usize) -> Vec<Value> {
    let all = || Some(notices(server, &["--all"])).filter(|all| all.len() >= number);
    let all = wait_for(PATIENCE, all).unwrap_or_else(|| panic!("no {number} notices:\n{}", server.log()));
    assert_eq!(all.len(), number, "{all:?}");
    all
}

/// A server with Kutno's report, and one of Wrocław.
fn filled() -> Server {
    let server = Server::start_with(&EACH_A_VERSION);
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let file = server.file("wroclaw.csv", &synthetic("rb28s", "026401", PERIOD, 60, 1));
    server.accepted("publisher2", &file, "rb28s", PERIOD, &[]);
    server
}

#[test]
fn who_took_a_corrected_figure_is_told_once_and_nobody_else() {
    let server = filled();
    // Of these pulls the first and the last three took nothing that will be corrected.
    let others = [
        &["--publisher", "gmina-026401"][..],
        &["--period", "2021-Q4"],
        &["--where", "jednostka_regon <> '001070630'"],
        &["--columns", "jednostka_regon,dzial,rozdzial"],
    ];
    others.iter().for_each(|more| pull(&server, more));
    pull(&server, &["--publisher", KUTNO, "--columns", "plan,wykonanie"]);
    let pushed = correct(&server, "17901.00");
    let found = told(&server, 1);
    let notice = &found[0];
    let expected = [
        ("state", "OPEN".into()),
        ("kind", "CORRECTED".into()),
        ("publisher", KUTNO.into()),
        ("period", PERIOD.into()),
        ("taken_version", 2.into()),
        ("taken_revision", 1.into()),
        ("dataset_version", 3.into()),
        ("revision", 2.into()),
        ("submission", pushed["submission"]["submission"].clone()),
        // Without the key a row with another amount is one that went and one that came.
        ("added", 1.into()),
        ("removed", 1.into()),
        ("columns", serde_json::json!(["plan", "wykonanie"])),
    ];
    for (name, value) in expected {
        assert_eq!(notice[name], value, "{name} of {notice}");
    }
    // The difference that it names is there.
    let out = server.file("difference.csv", b"");
    let command = notice["difference"].as_str().expect("a command");
    let mut args: Vec<&str> = command.split(' ').skip(1).collect();
    *args.last_mut().expect("a file") = plain(&out);
    server.hub("ministry", &args).expect(0);
    let rows = std::fs::read_to_string(&out).expect("rows");
    assert!(rows.contains("update_postimage") && rows.contains("17901.00"), "{rows}");
    // The publisher that corrected, and another reader, have none.
    for profile in ["publisher", "publisher2", "operator"] {
        assert_eq!(server.hub(profile, &["--format", "json", "notices"]).expect(0).stdout, "");
    }
}

#[test]
fn a_notice_is_settled_by_a_word_a_pin_or_a_fresh_pull() {
    let server = filled();
    pull(&server, &[]);
    correct(&server, "17901.00");
    let first = told(&server, 1)[0]["notice"].as_str().expect("an id").to_owned();
    server
        .hub("ministry", &["notices", "ack", &first, "--note", "przeliczone"])
        .expect(0)
        .says("correction seen");
    assert!(notices(&server, &[]).is_empty());
    // It can be said otherwise, and a pin says why.
    server.hub("ministry", &["notices", "pin", &first, "--note", " "]).expect(1).says("REQUEST_INVALID");
    server.hub("ministry", &["notices", "pin", &first, "--note", "raport już złożony"]).expect(0);
    let all = notices(&server, &["--all"]);
    assert_eq!((&all[0]["state"], &all[0]["note"]), (&"PINNED".into(), &"raport już złożony".into()));
    server.hub("publisher2", &["notices", "ack", &first]).expect(1).says("NOTICE_UNKNOWN");
    // Another correction of the same report is a notice of its own; a further one stands in the place of an open one.
    correct(&server, "17902.00");
    told(&server, 2);
    correct(&server, "17903.00");
    let all = told(&server, 3);
    let states: Vec<&str> = all.iter().map(|notice| notice["state"].as_str().expect("a state")).collect();
    assert_eq!(states, ["OPEN", "SUPERSEDED", "PINNED"]);
    assert_eq!((&all[0]["taken_version"], &all[0]["changed"]), (&2.into(), &1.into()), "of what was taken");
    // A fresh pull settles what it holds, and what comes later is told again.
    pull(&server, &[]);
    assert!(notices(&server, &[]).is_empty());
    assert_eq!(notices(&server, &["--all"])[0]["state"], "TAKEN_ANEW");
    let settled = all[0]["notice"].as_str().expect("an id");
    server.hub("ministry", &["notices", "ack", settled]).expect(1).says("STATE_CONFLICT");
    correct(&server, "17904.00");
    assert_eq!(told(&server, 4)[0]["taken_version"], 5);
}

#[test]
fn a_figure_that_is_as_it_was_again_is_told_and_a_resent_one_is_not() {
    let server = filled();
    pull(&server, &[]);
    correct(&server, "17901.00");
    told(&server, 1);
    correct(&server, "17900.00");
    let all = told(&server, 2);
    let counts = ["added", "removed", "changed"].map(|name| all[0][name].as_u64().expect("a number"));
    assert_eq!((counts, &all[1]["state"]), ([0, 0, 0], &"SUPERSEDED".into()));
    // Who pulls now and sees the same values sent again, in another file, is told of nothing.
    pull(&server, &[]);
    let text = std::fs::read_to_string(correction(&server, "17900.00")).expect("the correction");
    let again = server.file("again.csv", text.replace("17900.00", "17900.0").as_bytes());
    server.accepted("publisher", &again, "rb28s", PERIOD, &[]);
    correct(&server, "17905.00");
    assert_eq!(told(&server, 3)[0]["dataset_version"], 6, "of the correction behind it alone");
}

#[test]
fn a_copy_that_goes_on_needs_no_notice_and_a_withdrawal_is_one() {
    let server = filled();
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.parquet");
    let keep = ["pull", "rb28s", "--since", "--out", plain(&copy)];
    server.hub("ministry", &keep).expect(0);
    correct(&server, "17901.00");
    told(&server, 1);
    server.hub("ministry", &keep).expect(0);
    assert!(notices(&server, &[]).is_empty(), "the copy stands behind the correction");
    let shown = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0);
    let newest: Value = serde_json::from_str(shown.stdout.lines().next().expect("a line")).expect("JSON");
    let id = newest["submission"].as_str().expect("an id");
    server.hub("publisher", &["submissions", "withdraw", id, "--confirm-deletions"]).expect(0);
    let all = told(&server, 2);
    assert_eq!((&all[0]["kind"], &all[0]["state"]), (&"WITHDRAWN".into(), &"OPEN".into()));
    assert!(all[0]["removed"].as_u64() > Some(0), "{}", all[0]);
    // The HTTP door has the same, and takes the word.
    let key = server.key("ministry");
    let listed = value(&keyed(server.http, &key, ("GET", "/api/v1/notices"), &[], b""));
    assert_eq!(listed["notices"][0]["id"], all[0]["notice"]);
    let id = all[0]["notice"].as_str().expect("an id");
    let address = format!("/api/v1/notices/{id}/acknowledge");
    let said = keyed(server.http, &key, ("POST", &address), &[], br#"{"note":"ok"}"#);
    assert_eq!(value(&said)["state"], "ACKNOWLEDGED");
}

#[test]
fn a_server_that_dies_before_it_told_tells_once() {
    for point in ["notice.before", "notice.after"] {
        let mut server = filled();
        pull(&server, &[]);
        assert!(server.stop().success());
        let mut dying = Command::new(server_binary());
        dying.env("HUB_FAULT", point).envs(EACH_A_VERSION);
        let root = server.root().to_owned();
        let mut dying = Server::under(&root, &mut dying);
        // The commit may be answered, and the server is gone then.
        let file = correction(&dying, "17901.00");
        let pushed = dying.push("publisher", &file, "rb28s", PERIOD, &["--retry-for", "0"]);
        assert!(pushed.code == 0 || pushed.code == 4, "{}", pushed.stderr);
        assert!(dying.finished(PATIENCE).is_some(), "the server lives after {point}");
        server.restart();
        told(&server, 1);
        correct(&server, "17902.00");
        told(&server, 2);
    }
}

#[test]
fn who_may_not_read_any_more_is_told_nothing() {
    let mut server = filled();
    pull(&server, &[]);
    let held = server.key("ministry");
    assert!(server.stop().success());
    let list = |args: &[&str]| {
        let mut command = Command::new(server_binary());
        command.args(args).arg("--data-dir").arg(server.root());
        run(&mut command).expect(0)
    };
    let shown = list(&["credential", "list", "--organisation", "mf"]);
    let id = shown.stdout.split_whitespace().find(|word| word.len() == 36).expect("an id").to_owned();
    list(&["credential", "revoke", &id]);
    server.restart();
    correct(&server, "17901.00");
    let other = server.file("wroclaw2.csv", &synthetic("rb28s", "026401", PERIOD, 60, 2));
    server.accepted("publisher2", &other, "rb28s", PERIOD, &["--replace-all", "--confirm-deletions"]);
    let answer = keyed(server.http, &held, ("GET", "/api/v1/notices?all=true"), &[], b"");
    assert_eq!(answer.status, 401);
    // Nothing was made for it either.
    assert!(server.stop().success());
    let bytes = std::fs::read(server.root().join("catalog.sqlite")).expect("the catalogue");
    assert!(!bytes.windows(9).any(|word| word == b"CORRECTED"), "a notice was made");
}
