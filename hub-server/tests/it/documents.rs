//! Documents of other systems: a report goes in as its own program wrote it, and comes back so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Server;

fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns").join(path)
}

/// Of each unit its REGON, version and date, and its lines without blanks; in an order of their own.
fn units(document: &str) -> Vec<(String, String, String, Vec<String>)> {
    let inner = |part: &str, name: &str| {
        let rest = part.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        rest.split_once("</").map_or("", |(text, _)| text).trim().to_owned()
    };
    let mut units: Vec<_> = document
        .split("<Sprawozdania>")
        .skip(1)
        .map(|unit| {
            let mut lines: Vec<String> = unit
                .split("<Pozycja>")
                .skip(1)
                .map(|line| {
                    line.split_once("</Pozycja>").map_or("", |(line, _)| line).split_whitespace().collect()
                })
                .collect();
            lines.sort();
            (inner(unit, "Regon"), inner(unit, "Wersja"), inner(unit, "DataSprawozdania"), lines)
        })
        .collect();
    units.sort();
    units
}

#[test]
fn a_package_comes_back_equal_in_every_unit_line_and_amount() {
    let server = Server::start();
    for (pattern, lines) in [("rb28s", 293), ("rb27s", 38)] {
        let package = sample(&format!("{pattern}/1.0.0/samples/valid/paczka.xml"));
        // Neither pattern nor period is said: the package tells them.
        let pushed = server.hub("publisher", &["push", package.to_str().expect("a path")]);
        assert_eq!(pushed.code, 0, "{pushed:?}");
        assert!(pushed.stderr.contains(&format!("{pattern} 2022-Q4")), "{pushed:?}");
        let back = server.file(&format!("{pattern}.xml"), b"");
        let pull = [
            "pull",
            pattern,
            "--publisher",
            "gmina-100201",
            "--period",
            "2022-Q4",
            "--as",
            "bestia",
            "--out",
        ];
        let pulled = server.hub("ministry", &[&pull[..], &[back.to_str().expect("a path")]].concat());
        assert_eq!(pulled.code, 0, "{pulled:?}");
        let [sent, came] =
            [package, back].map(|path| units(&std::fs::read_to_string(path).expect("a document")));
        assert_eq!(sent.iter().map(|unit| unit.3.len()).sum::<usize>(), lines);
        assert_eq!(came, sent, "{pattern}");
    }
}

#[test]
fn what_cannot_be_written_is_told_and_leaves_no_file() {
    let server = Server::start();
    let out = server.file("gone.xml", b"").with_file_name("none.xml");
    let pull = |document: &str, period: &str| {
        let out = out.to_str().expect("a path");
        server.hub("ministry", &["pull", "rb28s", "--period", period, "--as", document, "--out", out])
    };
    let unknown = pull("besti", "2022-Q4");
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("known: bestia"), "{unknown:?}");
    let empty = pull("bestia", "2022-Q4");
    assert_eq!(empty.code, 1, "{empty:?}");
    assert!(empty.stderr.contains("no rows"), "{empty:?}");
    let table = sample("rb28s/1.0.0/samples/valid/kutno-2022-q4.csv");
    server.accepted("publisher", &table, "rb28s", "2022", &[]);
    let annual = pull("bestia", "2022");
    assert_eq!(annual.code, 1, "{annual:?}");
    assert!(annual.stderr.contains("`2022` cannot be written as Kwartal, Miesiac"), "{annual:?}");
    assert!(!out.exists());
}

#[test]
fn a_package_with_a_doubled_regon_is_refused_by_its_units_names() {
    let server = Server::start();
    let package = sample("rb28s/1.0.0/samples/invalid/paczka-cala.xml");
    let pushed = server.hub("publisher", &["push", package.to_str().expect("a path")]);
    assert_eq!(pushed.code, 3, "{pushed:?}");
    assert!(pushed.stdout.contains("„Szkoła Podstawowa Nr 7”, „Szkoła Podstawowa Nr 9”"), "{pushed:?}");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["0"]);
}

/// A register's contracts by their ids: without what is not there, what no pattern takes, and what was taken out.
fn contracts(document: &str) -> BTreeMap<String, Value> {
    fn essence(value: &Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::String(text) if text == "[usunieto]" => None,
            Value::Number(number) => Some(Value::String(format!("{:.2}", number.as_f64()?))),
            Value::Object(members) => {
                let kept = members.iter().filter_map(|(name, value)| Some((name.clone(), essence(value)?)));
                let kept: serde_json::Map<String, Value> = kept.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => Some(Value::Array(items.iter().filter_map(essence).collect())),
            plain => Some(plain.clone()),
        }
    }
    let document: Value = serde_json::from_str(document).expect("a document");
    let all = document["agreements"].as_array().expect("contracts").iter().filter_map(essence);
    all.map(|mut contract| {
        let members = contract.as_object_mut().expect("an object");
        ["nazwa", "sourceUrl"].iter().for_each(|name| drop(members.remove(*name)));
        (contract["idUmowy"].to_string(), contract)
    })
    .collect()
}

#[test]
fn a_register_is_pushed_under_both_its_patterns_and_comes_back_as_one_document() {
    let server = Server::start();
    let register = sample("rejestr_umow/1.0.0/samples/valid/cru.json");
    let pushed =
        server.hub("publisher", &["push", register.to_str().expect("a path"), "--period", "2026-M07"]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let back = server.file("back.json", b"");
    let out = back.to_str().expect("a path");
    let of = ["pull", "rejestr_umow", "--period", "2026-M07", "--as", "cru", "--out", out];
    let pulled = server.hub("publisher", &[&of[..], &["--with", "rejestr_umow_strony"]].concat());
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let [sent, came] = [&register, &back].map(|path| std::fs::read_to_string(path).expect("a document"));
    assert_eq!(contracts(&came), contracts(&sent));
    assert!(came.contains("\"wartoscPrzedmiotuUmowy\": 101.29,"), "amounts are numbers: {came}");

    // Who sees no names of parties gets none, and no document that looks whole without them.
    let refused = server.hub("ministry", &["pull", "rejestr_umow_strony", "--as", "cru", "--out", out]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("the rows lack the column `nazwa`"), "{refused:?}");
    let foreign = server.hub("publisher", &[&of[..], &["--with", "rb28s"]].concat());
    assert_eq!(foreign.code, 2, "{foreign:?}");
}

#[test]
fn a_daily_table_is_pushed_as_it_is_and_its_name_says_the_rest() {
    let server = Server::start();
    let table = sample("jakosc_powietrza/1.0.0/samples/valid/korzeniowskiego__2017-02-15.csv");
    let of =
        ["push", table.to_str().expect("a path"), "--pattern", "jakosc_powietrza", "--period", "2017-02-15"];
    let pushed = server.hub("publisher2", &of);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let count = "SELECT count(*), count(wartosc), sum(CASE WHEN zatwierdzenie = 'A' THEN 1 ELSE 0 END) FROM jakosc_powietrza";
    assert_eq!(server.rows("ministry", count), ["216,192,0"]);
    // The same bytes again are nothing new, unless something else is said of them.
    let again = server.hub("publisher2", &of);
    assert!(again.code == 0 && again.stdout.contains("unchanged"), "{again:?}");
    let approved = server.hub("publisher2", &[&of[..], &["--set", "zatwierdzenie=A"]].concat());
    assert_eq!(approved.code, 0, "{approved:?}");
    assert_eq!(server.rows("ministry", count), ["216,192,216"]);
    let unasked = server.hub("publisher2", &[&of[..], &["--set", "miasto=Kutno"]].concat());
    assert!(unasked.code == 2 && unasked.stderr.contains("no table of the pattern"), "{unasked:?}");
}
