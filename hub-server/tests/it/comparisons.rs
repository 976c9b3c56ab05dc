//! Reports that are held beside each other, as a clerk meets it.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{KUTNO, PERIOD, Server, wait_for};

const SPENDING: &str = "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie\n\
    001070630,801,80101,1400,401,0,2000.00,1000.00,1000.00\n";

fn balance(spent: &str) -> String {
    format!("symbol,plan,wykonanie\nA,0,{spent}\nA1,0,{spent}\nB,0,{spent}\nB1,0,{spent}\nC,0,0\nC1,0,0\n")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_difference_waits_for_an_explanation_which_stays() {
    let server = Server::start();
    let spending = server.file("rb28s.csv", SPENDING.as_bytes());
    server.accepted("publisher", &spending, "rb28s", PERIOD, &[]);
    let file = server.file("rbnds.csv", balance("1000.01").as_bytes());
    let file = file.to_str().expect("a plain path");
    let push = ["push", file, "--pattern", "rbnds", "--period", PERIOD];
    let waits = server.hub("publisher", &push).expect(3);
    waits.says("waits for an explanation").says("wydatki_jak_rb28s").says("--explain");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rbnds"), ["0"]);
    let line = ["--format", "json", "submissions", "list", "--pattern", "rbnds"];
    let listed = server.hub("publisher", &line).expect(0).stdout;
    let listed = json(listed.lines().next().expect("a submission"));
    assert_eq!(listed["state"], "AWAITING");
    let id = listed["submission"].as_str().expect("an id").to_owned();
    // The same command with the words.
    let said = [&push[..], &["--explain", "wydatki_jak_rb28s=Korekta Rb-28S w drodze"]].concat();
    server.hub("publisher", &said).expect(0).says("accepted");
    let listed = server.hub("publisher", &line).expect(0).stdout;
    assert_eq!(listed.lines().filter(|line| json(line)["state"] == "COMMITTED").count(), 1, "{listed}");
    let committed = listed.lines().map(json).find(|one| one["state"] == "COMMITTED").expect("one");
    let committed = committed["submission"].as_str().expect("an id").to_owned();
    let report = server.hub("publisher", &["submissions", "report", &committed]).expect(0);
    report.says("Accepted with your explanation").says("Korekta Rb-28S w drodze");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rbnds"), ["6"]);
    // Nothing waits any more.
    let still = listed.lines().map(json).filter(|one| one["state"] == "AWAITING").count();
    assert_eq!((still, id.is_empty()), (0, false), "{listed}");
}

#[test]
fn what_a_later_report_shows_is_told_and_undoes_nothing() {
    let server = Server::start();
    let file = server.file("rbnds.csv", balance("999.00").as_bytes());
    let early = server.accepted("publisher", &file, "rbnds", PERIOD, &[]);
    let id = early["submission"]["submission"].as_str().expect("an id").to_owned();
    let show = |field: &str| {
        let shown = server.hub("publisher", &["--format", "json", "submissions", "show", &id]).expect(0);
        shown.json()[field].clone()
    };
    assert_eq!(show("late_findings"), 0);
    server.hub("publisher", &["submissions", "report", &id]).expect(0).says("Will be checked when");
    let spending = server.file("rb28s.csv", SPENDING.as_bytes());
    server.accepted("publisher", &spending, "rb28s", PERIOD, &[]);
    let came = wait_for(Duration::from_secs(30), || (show("late_findings") == 1).then_some(()));
    assert!(came.is_some(), "the finding never came");
    assert_eq!(show("state"), "COMMITTED");
    let report = server.hub("publisher", &["submissions", "report", &id]).expect(0);
    report.says("the acceptance stands").says("wydatki=999.00, rb28s_wykonanie=1000.00");
    // Another publisher does not see it.
    server.hub("publisher2", &["submissions", "report", &id]).expect(1);
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rbnds"), ["6"]);
}

#[test]
fn the_offline_check_takes_the_other_reports_as_files() {
    let server = Server::start();
    let spending = server.file("rb28s.csv", SPENDING.as_bytes());
    let file = server.file("rbnds.csv", balance("1000.01").as_bytes());
    let (spending, file) = (spending.to_str().expect("a path"), file.to_str().expect("a path"));
    let check = ["check", file, "--pattern", "rbnds", "--period", PERIOD, "--publisher", KUTNO];
    server.hub("", &check).expect(0).says("wydatki_jak_rb28s");
    let beside = format!("rb28s={spending}");
    let compared = [&check[..], &["--with", &beside]].concat();
    server.hub("", &compared).expect(3).says("wydatki=1000.01, rb28s_wykonanie=1000.00");
    let said = [&compared[..], &["--explain", "wydatki_jak_rb28s=W toku"]].concat();
    server.hub("", &said).expect(0).says("Accepted with your explanation");
    // What the pattern does not compare, and what is wrong itself, is said.
    let nothing = [&check[..], &["--previous", spending]].concat();
    server.hub("", &nothing).expect(2).says("compares nothing");
    let broken = server.file("zly.csv", SPENDING.replace("1000.00\n", "tysiac\n").as_bytes());
    let beside = format!("rb28s={}", broken.display());
    server.hub("", &[&check[..], &["--with", &beside]].concat()).expect(2).says("cannot be compared");
}
