//! Corrections: what is sent again replaces its own part and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{
    Answer, KUTNO, PERIOD, Server, keyed, kutno_sample, lasting, run, server_binary, synthetic,
};
use crate::http_door::value;

/// A school of the Kutno package, and the one that comes last.
const SCHOOL: &str = "000903305";
const LAST_SCHOOL: &str = "368245067";
const ROWS: usize = 293;

/// Every row with all that tells where it came from.
const ALL_ROWS: &str = "SELECT jednostka_regon, dzial, rozdzial, grupa, paragraf, p4, plan, zaangazowanie, wykonanie, \
    zobowiazania, okres, jst_terc6, _period_end, _publisher, _submission, _revision, _committed_at \
    FROM rb28s ORDER BY _publisher, jednostka_regon, dzial, rozdzial, paragraf, p4";

/// The Kutno package as lines, header first.
fn package() -> Vec<String> {
    let text = std::fs::read_to_string(kutno_sample()).expect("the sample");
    text.lines().map(str::to_owned).collect()
}

/// A payload of the header and the rows that are wanted; in the first of them the plan is raised by a grosz.
fn payload(server: &Server, name: &str, wanted: impl Fn(&str) -> bool) -> PathBuf {
    let lines = package();
    let mut chosen: Vec<String> = lines[1..].iter().filter(|line| wanted(line)).cloned().collect();
    let mut cells: Vec<String> = chosen[0].split(',').map(str::to_owned).collect();
    assert!(cells[6].ends_with(".00"), "the plan is whole złoty: {}", chosen[0]);
    cells[6] = format!("{}.01", cells[6].trim_end_matches(".00"));
    chosen[0] = cells.join(",");
    server.file(name, format!("{}\n{}\n", lines[0], chosen.join("\n")).as_bytes())
}

fn of_school<'a>(rows: &'a [String], school: &str) -> Vec<&'a String> {
    rows.iter().filter(|row| row.starts_with(school)).collect()
}

fn but_school<'a>(rows: &'a [String], school: &str) -> Vec<&'a String> {
    rows.iter().filter(|row| !row.starts_with(school)).collect()
}

/// The report's own columns of a row, without where it came from.
fn content(row: &str) -> Vec<&str> {
    row.split(',').take(10).collect()
}

#[test]
fn one_school_sent_again_leaves_every_other_row_as_it_was() {
    let server = Server::start();
    // Another publisher's rows of the same period are not touched either.
    let other = server.file("wroclaw.csv", &synthetic("rb28s", "026401", PERIOD, 400, 3));
    server.accepted("publisher2", &other, "rb28s", PERIOD, &[]);
    let first = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let before = server.rows("ministry", ALL_ROWS);
    assert_eq!(before.len(), ROWS + 400);

    let correction = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    let second = server.accepted("publisher", &correction, "rb28s", PERIOD, &[]);
    assert_eq!(second["submission"]["revision"], 2);
    assert!(
        second["submission"]["dataset_version"].as_u64() > first["submission"]["dataset_version"].as_u64()
    );
    let carried = second["submission"]["carried_slices"].as_array().expect("what was carried over");
    assert_eq!(carried.len(), 5, "{carried:?}");
    assert!(!carried.contains(&json!(SCHOOL)));

    let after = server.rows("ministry", ALL_ROWS);
    assert_eq!(but_school(&after, SCHOOL), but_school(&before, SCHOOL));
    let sent = std::fs::read_to_string(&correction).expect("the correction");
    // An amount that was left out is zero: the pattern says `absent: zero`.
    let filled = |line: &str| {
        line.split(',').map(|cell| if cell.is_empty() { "0.00" } else { cell }.to_owned()).collect()
    };
    let mut sent: Vec<Vec<String>> = sent.lines().skip(1).map(filled).collect();
    let mut held: Vec<Vec<&str>> = of_school(&after, SCHOOL).into_iter().map(|row| content(row)).collect();
    sent.sort();
    held.sort();
    assert_eq!(held, sent);
    let id = second["submission"]["submission"].as_str().expect("an id");
    assert!(of_school(&after, SCHOOL).iter().all(|row| row.contains(id)));
    assert_ne!(first["submission"]["submission"], second["submission"]["submission"]);
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
}

#[test]
fn a_package_without_one_school_loses_nothing_and_says_what_it_carried_over() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let before = server.rows("ministry", ALL_ROWS);
    let rest = payload(&server, "without.csv", |line| !line.starts_with(LAST_SCHOOL));
    let file = rest.to_str().expect("a path");
    let told = server.hub("publisher", &["push", file, "--pattern", "rb28s", "--period", PERIOD]).expect(0);
    assert!(told.stdout.contains(&format!("stay as they were: {LAST_SCHOOL}")), "{}", told.stdout);
    let after = server.rows("ministry", ALL_ROWS);
    assert_eq!(after.len(), before.len());
    assert_eq!(of_school(&after, LAST_SCHOOL), of_school(&before, LAST_SCHOOL));
    let changed = before.iter().zip(&after).filter(|(was, is)| content(was) != content(is)).count();
    assert_eq!(changed, 1, "the one corrected amount");
}

#[test]
fn the_year_pushed_as_a_month_after_the_quarter_is_one_current_revision() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q4", &[]);
    let school = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    let second = server.accepted("publisher", &school, "rb28s", "2022-M12", &[]);
    assert_eq!(second["submission"]["revision"], 2);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
    // Each row keeps the label that it was sent with; the last day is one.
    let labels = "SELECT okres, count(DISTINCT jednostka_regon) FROM rb28s GROUP BY okres ORDER BY okres";
    assert_eq!(server.rows("ministry", labels), ["2022-M12,1", "2022-Q4,5"]);

    let all = payload(&server, "all.csv", |_| true);
    let third = server.accepted("publisher", &all, "rb28s", "2022-M12", &[]);
    assert_eq!(third["submission"]["revision"], 3);
    assert_eq!(server.rows("ministry", labels), ["2022-M12,6"]);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
    assert_eq!(server.rows("ministry", "SELECT DISTINCT _period_end FROM rb28s"), ["2022-12-31"]);
}

#[test]
fn replacing_all_asks_before_it_drops() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let before = server.rows("ministry", ALL_ROWS);
    let school = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    let unconfirmed = server.push("publisher", &school, "rb28s", PERIOD, &["--replace-all"]);
    unconfirmed.expect(1).says("DELETION_UNCONFIRMED").says("--confirm-deletions");
    assert_eq!(server.rows("ministry", ALL_ROWS), before);
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());

    let dropped =
        server.accepted("publisher", &school, "rb28s", PERIOD, &["--replace-all", "--confirm-deletions"]);
    assert_eq!(dropped["submission"]["dropped_slices"].as_array().map(Vec::len), Some(5));
    let after = server.rows("ministry", ALL_ROWS);
    assert_eq!(after.len(), of_school(&before, SCHOOL).len());
    assert!(after.iter().all(|row| row.starts_with(SCHOOL)));
}

#[test]
fn a_large_push_that_waits_for_a_word_goes_on_with_what_was_sent() {
    let server = Server::start();
    let whole = String::from_utf8(synthetic("rb28s", "100201", PERIOD, 30_000, 11)).expect("text");
    let lines: Vec<&str> = whole.lines().collect();
    let school = lines[1].split(',').next().expect("a school");
    let rest: Vec<&str> = lines.iter().filter(|line| !line.starts_with(school)).copied().collect();
    let all = server.file("all.csv", whole.as_bytes());
    let some = server.file("some.csv", (rest.join("\n") + "\n").as_bytes());
    assert!(rest.join("\n").len() > 1 << 20, "small payloads go in one piece");
    server.accepted("publisher", &all, "rb28s", PERIOD, &[]);

    let listed = || -> Vec<Value> {
        let listed = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0).stdout;
        listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    // The hub holds all bytes of a refused push; the next command under the same id has none to send.
    let goes_on = |file: &Path, refused: &str, before: &[&str], after: &[&str]| {
        let size = std::fs::metadata(file).expect("the file").len();
        server.push("publisher", file, "rb28s", PERIOD, before).expect(1).says(refused);
        let waiting = listed().remove(0);
        assert_eq!(
            (&waiting["durable_offset"], &waiting["revision"]),
            (&json!(size), &json!(0)),
            "{waiting}"
        );
        let went_on = server.push("publisher", file, "rb28s", PERIOD, after).expect(0);
        let verdict = went_on.says("going on with a push that was begun earlier").json();
        assert_eq!(verdict["submission"]["submission"], waiting["submission"]);
        assert_eq!(verdict["submission"]["request_id"], waiting["request_id"]);
    };
    goes_on(&some, "DELETION_UNCONFIRMED", &["--replace-all"], &["--replace-all", "--confirm-deletions"]);
    goes_on(&all, "REVISION_MOVED", &["--parent-revision", "1"], &["--parent-revision", "2"]);
    let revisions: Vec<Value> = listed().iter().map(|one| one["revision"].clone()).collect();
    assert_eq!(revisions, [json!(3), json!(2), json!(1)]);
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
}

#[test]
fn nothing_to_report_is_a_revision_that_asks_before_it_drops() {
    let server = Server::start();
    let nothing = |period: &str, more: &[&str]| {
        let args =
            ["--format", "json", "push", "--nothing-to-report", "--pattern", "rb28s", "--period", period];
        server.hub("publisher", &[&args, more].concat())
    };
    let empty = nothing("2021-Q4", &[]).expect(0).json();
    assert_eq!(empty["submission"]["nothing_to_report"], true);
    assert_eq!(empty["submission"]["revision"], 1);
    assert_eq!(empty["receipt"]["content"]["nothing_to_report"], true);

    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let refused = nothing(PERIOD, &[]).expect(1).says("DELETION_UNCONFIRMED");
    refused.says("nothing to report (rb28s, period 2022-Q4): the hub refused");
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
    let gone = nothing(PERIOD, &["--confirm-deletions"]).expect(0).json();
    assert_eq!(gone["submission"]["revision"], 2);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "0");
    let again = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!((&again["submission"]["revision"], &again["unchanged"]), (&json!(3), &json!(false)));
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
}

#[test]
fn an_accepted_push_says_what_it_lost() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let lines = package();
    let school = of_school(&lines, SCHOOL);
    let kept: Vec<&str> = school.iter().take(school.len() * 2 / 3).map(|line| line.as_str()).collect();
    let fewer = server.file("fewer.csv", format!("{}\n{}\n", lines[0], kept.join("\n")).as_bytes());
    let file = fewer.to_str().expect("a path");
    let pushed = server.hub("publisher", &["push", file, "--pattern", "rb28s", "--period", PERIOD]).expect(0);
    pushed
        .says("  Accepted with remarks, there is nothing you must do")
        .says("  warning ROWS_LOST")
        .says("warnings: 1")
        .says("details: hub submissions report");
}

#[test]
fn an_earlier_dataset_version_still_gives_the_old_rows() {
    let mut server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let before = server.rows("ministry", ALL_ROWS);
    let school = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    server.accepted("publisher", &school, "rb28s", PERIOD, &[]);
    let as_of = |server: &Server, version: &str| {
        let output = server.hub("ministry", &["--format", "csv", "query", ALL_ROWS, "--as-of", version]);
        output.expect(0).stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let after = server.rows("ministry", ALL_ROWS);
    assert_ne!(after, before);
    assert_eq!(as_of(&server, "1"), before);
    server.kill();
    server.restart();
    assert_eq!(as_of(&server, "1"), before);
    assert_eq!(as_of(&server, "2"), after);
    let pulled = |version: &str| {
        let out = server.root().join(format!("dev/v{version}.csv"));
        let path = out.to_str().expect("a path");
        server
            .hub("ministry", &["pull", "rb28s", "--columns", "plan", "--as-of", version, "--out", path])
            .expect(0);
        std::fs::read_to_string(out).expect("the file")
    };
    assert_ne!(pulled("1"), pulled("2"));
    server.hub("ministry", &["query", ALL_ROWS, "--as-of", "9"]).expect(1).says("VERSION_UNKNOWN");
}

#[test]
fn beyond_the_reach_the_oldest_version_is_named() {
    let server = Server::start_with(&[("HUB_HISTORY_REACH", "0")]);
    let shown =
        || server.hub("ministry", &["--format", "json", "datasets", "show", "rb28s"]).expect(0).json();
    let dataset = shown();
    assert_eq!((&dataset["history"], &dataset["oldest_version"]), (&json!("0 days"), &json!(0)));
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let school = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    server.accepted("publisher", &school, "rb28s", PERIOD, &[]);
    let dataset = shown();
    assert_eq!((&dataset["oldest_version"], &dataset["version"]), (&json!(2), &json!(2)));
    assert_eq!(dataset["oldest_time"], dataset["update_time"]);
    let out = server.root().join("dev/old.csv");
    for as_of in ["1", "2020-01-01"] {
        let told = server.hub("ministry", &["query", ALL_ROWS, "--as-of", as_of]).expect(1);
        told.says("HISTORY_EXPIRED").says("is version 2 of 20");
        let path = out.to_str().expect("a path");
        let pulled = server.hub("ministry", &["pull", "rb28s", "--as-of", as_of, "--out", path]).expect(1);
        pulled.says("HISTORY_EXPIRED");
    }
    server.hub("ministry", &["query", ALL_ROWS, "--as-of", "2"]).expect(0);
}

#[test]
fn submissions_are_listed_shown_and_have_their_receipts_and_reports() {
    let server = Server::start();
    let first = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let all = payload(&server, "all.csv", |_| true);
    let second = server.accepted("publisher", &all, "rb28s", PERIOD, &[]);
    let moved = server.push("publisher", &kutno_sample(), "rb28s", PERIOD, &["--parent-revision", "1"]);
    moved.expect(1).says("REVISION_MOVED");

    let listed =
        server.hub("publisher", &["--format", "json", "submissions", "list", "--pattern", "rb28s"]).expect(0);
    let listed: Vec<Value> =
        listed.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<(&Value, &Value)> = listed.iter().map(|one| (&one["state"], &one["revision"])).collect();
    assert_eq!(told, [(&json!("COMMITTED"), &json!(2)), (&json!("SUPERSEDED"), &json!(1))]);

    for (pushed, state) in [(&first, "SUPERSEDED"), (&second, "COMMITTED")] {
        let id = pushed["submission"]["submission"].as_str().expect("an id");
        let shown =
            server.hub("publisher", &["--format", "json", "submissions", "show", id]).expect(0).json();
        assert_eq!(shown["state"], state);
        assert_eq!((&shown["publisher"], &shown["rows"]), (&json!(KUTNO), &json!(ROWS)));
        let receipt = server.hub("publisher", &["submissions", "receipt", id]).expect(0).stdout;
        assert_eq!(json!(receipt.trim_end()), pushed["receipt"]["document"]);
        let report =
            server.hub("publisher", &["--format", "json", "submissions", "report", id]).expect(0).json();
        assert_eq!((&report["pattern"], &report["rows_read"]), (&json!("rb28s/1.0.0"), &json!(ROWS)));
        // Another publisher does not even learn that it exists.
        server.hub("publisher2", &["submissions", "show", id]).expect(1).says("SUBMISSION_UNKNOWN");
    }
}

#[test]
fn a_dry_run_leaves_nothing() {
    let server = Server::start();
    let verdict = server.push("publisher", &kutno_sample(), "rb28s", PERIOD, &["--dry-run"]).expect(0).json();
    assert_eq!(verdict["receipt"], Value::Null);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "0");
    let listed = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0);
    assert_eq!(listed.stdout, "");
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Id of the submission of a push's answer.
fn id_of(answer: &Value) -> String {
    answer["submission"]["submission"].as_str().expect("an id").to_owned()
}

/// The changes as JSON, a line for each row.
fn changes(server: &Server, of: &[&str]) -> Vec<Value> {
    let line = [&["--format", "json", "submissions", "diff"], of].concat();
    let told = server.hub("publisher", &line).expect(0);
    told.stdout.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

#[test]
fn what_a_correction_changed_is_shown_row_by_row() {
    let server = Server::start();
    let first = id_of(&server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]));
    let school = payload(&server, "school.csv", |line| line.starts_with(SCHOOL));
    let file = school.to_str().expect("a path");
    // Before it is sent: nothing is kept, and only what it would change is shown.
    let push = ["push", file, "--pattern", "rb28s", "--period", PERIOD];
    let dry = server.hub("publisher", &[&push[..], &["--dry-run", "--diff"]].concat()).expect(0);
    assert_eq!(dry.stderr.matches("rows changed: 1, added: 0, removed: 0").count(), 1, "{}", dry.stderr);
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert!(lines.iter().any(|line| line.contains("_change_type")), "a pipe gets CSV: {lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("update_")).count(), 2, "{lines:?}");
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new());
    let whole = [&push[..], &["--dry-run", "--diff", "--replace-all", "--confirm-deletions"]].concat();
    let whole = server.hub("publisher", &whole).expect(0);
    let of_school = package().iter().filter(|line| line.starts_with(SCHOOL)).count();
    whole.says(&format!("rows changed: 1, added: 0, removed: {}", ROWS - of_school));

    let second = id_of(&server.accepted("publisher", &school, "rb28s", PERIOD, &[]));
    for of in [&[first.as_str(), second.as_str()][..], &[second.as_str()][..]] {
        let found = changes(&server, of);
        let kinds: Vec<&str> =
            found.iter().map(|row| row["_change_type"].as_str().expect("a kind")).collect();
        assert_eq!(kinds, ["update_preimage", "update_postimage"]);
        assert_eq!(found[0]["jednostka_regon"], SCHOOL);
        assert_ne!(found[0]["plan"], found[1]["plan"]);
        assert_eq!(found[0]["wykonanie"], found[1]["wykonanie"]);
    }
    let back = changes(&server, &[&second, &first]);
    assert_eq!((&back[0]["plan"], back.len()), (&changes(&server, &[&second])[1]["plan"], 2));
    // Of the first there was nothing before.
    assert_eq!(changes(&server, &[&first]).len(), ROWS);
    let shown = server.hub("publisher", &["--format", "table", "submissions", "diff", &second]).expect(0);
    shown.says(&format!("~ jednostka_regon={SCHOOL}")).says("plan: ").says(".00 → ");
    // Other formats, over HTTPS; and nobody else's report.
    let path = format!("/api/v1/submissions/{second}/changes?from={first}&format=csv");
    let answer = keyed(server.http, &server.key("publisher"), ("GET", &path), &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(text(&answer).lines().count(), 3, "{}", text(&answer));
    let other = keyed(server.http, &server.key("publisher2"), ("GET", &path), &[], b"");
    assert_eq!(other.status, 404, "{}", text(&other));
    // Of one whose bytes are still to come nothing is said.
    let begun = json!({
        "request_id": "00000000-0000-4000-8000-000000000009", "pattern": "rb28s", "period": PERIOD,
        "media_type": "text/csv", "size_bytes": 100,
    });
    let key = server.key("publisher");
    let post = ("POST", "/api/v1/submissions");
    let begun = value(&keyed(server.http, &key, post, &[], begun.to_string().as_bytes()));
    let path = format!("/api/v1/submissions/{}/changes", begun["id"].as_str().expect("an id"));
    let early = keyed(server.http, &key, ("GET", &path), &[], b"");
    assert_eq!((early.status, &value(&early)["reason"]), (409, &json!("STATE_CONFLICT")));
    let foreign = server.hub("publisher2", &["submissions", "diff", &first, &second]).expect(1);
    foreign.says("SUBMISSION_UNKNOWN");
}

#[test]
fn a_withdrawn_report_is_gone_and_comes_back_as_it_was_sent() {
    let server = Server::start();
    let first = id_of(&server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]));
    let before = server.rows("ministry", ALL_ROWS);
    server.hub("publisher", &["submissions", "withdraw", &first]).expect(1).says("DELETION_UNCONFIRMED");
    let withdraw = ["--format", "json", "submissions", "withdraw", &first, "--confirm-deletions"];
    let done = server.hub("publisher", &withdraw).expect(0).json();
    assert_eq!(
        (&done["submission"]["withdraws"], &done["submission"]["revision"]),
        (&json!(first), &json!(2))
    );
    assert_eq!(server.rows("ministry", ALL_ROWS), Vec::<String>::new());
    let show = ["--format", "json", "submissions", "show", &first];
    assert_eq!(server.hub("publisher", &show).expect(0).json()["state"], "WITHDRAWN");
    server
        .hub("publisher", &["submissions", "withdraw", &first, "--confirm-deletions"])
        .expect(1)
        .says("withdraw");
    // The deed has a receipt that names what it took back, and verifies.
    let receipt = server.root().join("withdrawal.json");
    let receipt = receipt.to_str().expect("a path");
    server.hub("publisher", &["submissions", "receipt", &id_of(&done), "--out", receipt]).expect(0);
    assert!(
        std::fs::read_to_string(receipt).expect("a receipt").contains(&format!("\"withdraws\":\"{first}\""))
    );
    server
        .hub("publisher", &["receipt", "verify", receipt])
        .expect(0)
        .says("receipt of a withdrawal")
        .says(&first);
    let page = receipt.replace(".json", ".html");
    server.hub("publisher", &["submissions", "receipt", &id_of(&done), "--out", &page]).expect(0);
    let shown = std::fs::read_to_string(&page).expect("a page");
    assert!(
        shown.contains("Potwierdzenie wycofania danych") && !shown.contains("przyjęcia danych"),
        "{shown}"
    );
    server.hub("publisher", &["receipt", "verify", &page]).expect(0);
    let report = server.hub("publisher", &["submissions", "report", &id_of(&done)]).expect(0);
    report.says("withdrew submission").says(&first);
    // Its rows stay readable as they were.
    let count = ["query", "SELECT count(*) FROM rb28s", "--as-of", "1"];
    assert!(server.hub("ministry", &count).expect(0).stdout.contains(&ROWS.to_string()));

    server.hub("publisher", &["submissions", "revert", &first]).expect(0).says("accepted, revision 3");
    let after = server.rows("ministry", ALL_ROWS);
    let contents = |rows: &[String]| rows.iter().map(|row| content(row).join(",")).collect::<Vec<_>>();
    assert_eq!(contents(&after), contents(&before));
    server.hub("publisher", &["submissions", "revert", &first]).expect(0).says("unchanged");
    // A restart, and the projection made anew, say the same.
    let mut server = server;
    server.stop();
    server.restart();
    assert_eq!(server.hub("publisher", &show).expect(0).json()["state"], "WITHDRAWN");
    server.stop();
    let verified =
        run(Command::new(server_binary()).args(["verify", "data", "--data-dir"]).arg(server.root()));
    verified.expect(0);
}

#[test]
fn over_https_a_report_is_withdrawn_and_sent_again() {
    let server = Server::start();
    let first = id_of(&server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]));
    let key = server.key("publisher");
    let post = |deed: &str, body: Value| {
        let path = format!("/api/v1/submissions/{first}/{deed}");
        keyed(server.http, &key, ("POST", &path), &[], body.to_string().as_bytes())
    };
    let of = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let unconfirmed = post("withdraw", json!({ "request_id": of(1) }));
    assert_eq!((unconfirmed.status, &value(&unconfirmed)["reason"]), (409, &json!("DELETION_UNCONFIRMED")));
    let agreed = json!({ "request_id": of(1), "confirm_deletions": true });
    let done = post("withdraw", agreed.clone());
    assert_eq!((done.status, &value(&done)["submission"]["withdraws"]), (200, &json!(first)));
    assert_eq!(
        value(&post("withdraw", agreed))["submission"],
        value(&done)["submission"],
        "the same request"
    );
    assert_eq!(post("withdraw", json!({ "request_id": "x" })).status, 400);
    let back = post("revert", json!({ "request_id": of(2), "options": { "strict": true } }));
    assert_eq!((back.status, &value(&back)["submission"]["revision"]), (200, &json!(3)));
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
}
