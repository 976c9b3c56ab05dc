//! A laptop and the hub say the same of a file: samples of all patterns, spoiled at random, are checked by both.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Server, campaign, post};

/// Spoiled files of each sample.
const SPOILED: u64 = 4;
/// Lines that are taken of a sample, so that a file is checked in no time.
const LINES: usize = 60;

/// What offices and programs write where something else should be.
const CELLS: [&str; 18] = [
    "",
    "-",
    "abc",
    "1e5",
    "-5",
    "1 234,5",
    "12.345",
    "99999999999999999999999",
    "2022-02-30",
    "31.12.2022",
    "24:00",
    "44051401359",
    "000000000",
    " x ",
    "ąę",
    "\"",
    "\"a, b\"",
    "2.1800000000000002",
];

/// Numbers that are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }
}

/// A line with another cell.
fn with_cell(line: &str, chance: &mut Chance) -> String {
    let mut cells: Vec<&str> = line.split(',').collect();
    let at = chance.below(cells.len());
    cells[at] = CELLS[chance.below(CELLS.len())];
    cells.join(",")
}

/// Spoils a file in one place.
fn spoil(lines: &mut Vec<String>, chance: &mut Chance) {
    let at = 1 + chance.below(lines.len() - 1);
    match chance.below(12) {
        0 => lines.insert(at, lines[at].clone()),
        1 => lines.swap(at, 1),
        2 => lines[at] = lines[at].rsplit_once(',').map_or(String::new(), |(rest, _)| rest.to_owned()),
        3 => lines[at].push_str(",1"),
        4 => lines.insert(at, String::new()),
        5 => lines[at] = lines[at].replace(',', ";"),
        6 => lines[0] = lines[0].replacen(',', ",nieznana_", 1),
        7 => lines[0] = with_cell(&lines[0].clone(), chance),
        8 => lines.insert(0, "Sprawozdanie,,".to_owned()),
        _ => lines[at] = with_cell(&lines[at].clone(), chance),
    }
}

/// Samples of a pattern that are lines of text.
fn samples(pattern: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(pattern.join("1.0.0/samples/valid")).expect("samples");
    let mut samples: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    samples.retain(|path| {
        let is_text = || std::fs::read_to_string(path).is_ok_and(|text| text.lines().count() > 2);
        path.extension().is_some_and(|end| end == "csv") && is_text()
    });
    samples.sort();
    samples
}

/// A report without what only a laptop leaves open.
fn judged(report: &Value) -> Value {
    let mut report = report.clone();
    report.as_object_mut().expect("a report").remove("not_evaluated");
    report
}

#[test]
fn a_laptop_and_the_hub_say_the_same_of_spoiled_files() {
    let server = Server::start();
    let patterns = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(patterns).expect("patterns").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let mut chance = Chance(20_221_231);
    let (mut files, mut refused) = (0, 0);
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let pattern = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        let context = std::fs::read_to_string(folder.join("1.0.0/samples/context.json")).expect("a context");
        let context: Value = serde_json::from_str(&context).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (period, publisher) = (text(&context["period"]), text(&context["publisher"]["id"]));
        let mut spoiled = Vec::new();
        for (number, sample) in samples(folder).iter().enumerate() {
            let whole = std::fs::read_to_string(sample).expect("a sample");
            for turn in 0..campaign("HUB_SPOILED", SPOILED) {
                let mut lines: Vec<String> = whole.lines().take(LINES).map(str::to_owned).collect();
                for _ in 0..=chance.below(3) {
                    spoil(&mut lines, &mut chance);
                }
                let name = format!("{pattern}-{number}-{turn}.csv");
                spoiled.push(server.file(&name, (lines.join("\n") + "\n").as_bytes()));
            }
        }
        let paths: Vec<&str> = spoiled.iter().map(|path| path.to_str().expect("a path")).collect();
        let check = [
            "--format",
            "json",
            "check",
            "--pattern",
            pattern,
            "--period",
            &period,
            "--publisher",
            &publisher,
        ];
        let told = server.hub("publisher", &[&check[..], &paths[..]].concat()).stdout;
        let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(told.len(), paths.len(), "{pattern}");
        for (offline, path) in told.iter().zip(&spoiled) {
            let address = format!("/api/v1/patterns/{pattern}/check?period={period}&publisher={publisher}");
            let bytes = std::fs::read(path).expect("the file");
            let answer = post(server.http, &address, &[("Content-Type", "text/csv")], &bytes);
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            let hubs: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let file = path.display();
            assert_eq!(judged(&offline["report"]), judged(&hubs["report"]), "{file}");
            assert_eq!(offline["verdict"], hubs["verdict"], "{file}");
            files += 1;
            refused += usize::from(hubs["verdict"] == "REFUSED");
        }
    }
    // Most are refused, for they are spoiled; some are still right.
    assert!(files >= 60 && refused > files / 2 && refused < files, "{refused} of {files} refused");
}
