use std::sync::{Arc, LazyLock};

use hub_datasets::check::{Context, Publisher};
use hub_datasets::pattern::embedded_sample;
use hub_datasets::report::Code;
use hub_datasets::{CodeLists, Patterns};

use super::*;

const SAMPLE: &str = "rb28s/1.0.0/samples/valid/kutno-2022-q4.csv";

/// Reading the code lists takes longer than the tests: once is enough.
static CHECKER: LazyLock<Checker> = LazyLock::new(|| {
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let lists = Arc::new(CodeLists::embedded().unwrap());
    let period = Some("2022-Q4".parse().unwrap());
    Checker::new(Context { pattern, lists, period, publisher: None }).unwrap()
});

fn sample() -> Vec<String> {
    String::from_utf8(embedded_sample(SAMPLE).unwrap().to_vec()).unwrap().lines().map(str::to_owned).collect()
}

fn report(lines: &[String]) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payload.csv");
    std::fs::write(&path, lines.join("\n")).unwrap();
    check(&path, MediaType::Csv, &CHECKER, alone(), &|_| {}).unwrap()
}

fn alone() -> Comparing {
    CHECKER.comparing(Vec::new(), &[]).unwrap()
}

fn repeats(report: &Report) -> Vec<u64> {
    report.violations.iter().filter(|v| v.code == Code::KeyRepeated).map(|v| v.row).collect()
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let lines = sample();
    let mut reversed = lines.clone();
    reversed[1..].reverse();
    let (given, turned) = (report(&lines), report(&reversed));
    assert!(!given.blocks() && !turned.blocks(), "{:?}", turned.counts);
    assert_eq!((given.rows_read, given.counts), (turned.rows_read, turned.counts));
}

#[test]
fn a_repeated_key_is_found_near_and_far() {
    let mut lines = sample();
    let second = lines[1].clone();
    lines.push(second);
    let last = lines.len() as u64;
    let found = report(&lines);
    assert_eq!(repeats(&found), [last]);
    assert!(found.blocks());
    lines[1..].reverse();
    assert_eq!(repeats(&report(&lines)).len(), 1);
}

#[test]
fn keys_split_into_parts_are_found_once() {
    let mut lines = sample();
    let copies: Vec<String> = lines[1..6].to_vec();
    lines.extend(copies);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payload.csv");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let checker = &*CHECKER;
    let reading = Reading { path: &path, media_type: MediaType::Csv, checker, progress: &|_| {} };
    let pass = |part, parts| {
        let keys = Keys::seen(checker, part, parts).unwrap();
        reading.pass(keys, &mut |_| ()).unwrap().unwrap()
    };
    let whole = pass(0, 1).report(checker, alone());
    let mut joined = pass(0, 3);
    (1..3).for_each(|part| joined.keys.join(pass(part, 3).keys));
    assert_eq!(joined.report(checker, alone()), whole);
    assert_eq!(repeats(&whole).len(), 5);
}

#[test]
fn payloads_get_the_verdict_of_the_core() {
    let publisher = Publisher { id: "gmina-100201".into(), terc6: Some("100201".into()), regon: None };
    let checker = CHECKER.of(Some(publisher));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("datasets/tests/payloads/kept");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.to_string_lossy().ends_with(".report.json"));
    let mut seen = 0;
    for path in paths {
        let Some(media) = MediaType::of(&path) else { continue };
        let expected = std::fs::read(format!("{}.report.json", path.display())).unwrap();
        let expected: Report = serde_json::from_slice(&expected).unwrap();
        // As the hub does when the publisher has sent nothing else.
        let comparing = checker.comparing(Vec::new(), &checker.compared_with()).unwrap();
        let found = check(&path, media, &checker, comparing, &|_| {}).unwrap();
        assert_eq!(found, expected, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 60);
}

#[test]
fn an_unreadable_stream_is_a_finding_and_a_missing_file_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payload.arrow");
    std::fs::write(&path, b"no arrow at all").unwrap();
    assert!(check(&path, MediaType::ArrowStream, &CHECKER, alone(), &|_| {}).unwrap().blocks());
    std::fs::remove_file(&path).unwrap();
    assert!(check(&path, MediaType::ArrowStream, &CHECKER, alone(), &|_| {}).is_err());
}
