//! The samples of all patterns against their expected reports, and synthetic payloads against the checker.
//!
//! Each sample has its report beside it (`NAME.report.json`, pretty JSON of [`Report`]). To write the
//! reports of new samples run `BLESS=1 cargo test -p hub-datasets --features check --test samples`; then read them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what broke by panicking"
)]

mod corrected;
mod rules;
#[path = "../shared/mod.rs"]
mod shared;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_datasets::check::keys::KeyOrder;
use hub_datasets::check::{Checker, Comparing, Context, PieceLimits, Publisher};
use hub_datasets::pattern::With;
use hub_datasets::report::{Findings, Report};
use hub_datasets::{CodeLists, MediaType, Pattern, Patterns, Period, Settings, synthetic};

/// Small chunks, so that samples are cut in several places.
const CHUNK: usize = 4 * 1024;
const RECORD_MAX: usize = 64 * 1024;

/// Period and publisher of a pattern's samples.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleContext {
    period: String,
    publisher: SamplePublisher,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SamplePublisher {
    id: String,
    terc6: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns")
}

/// Small pieces, so that samples are cut in several places.
const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: CHUNK, record_bytes: RECORD_MAX, block_bytes: 1_000, rows: 1_000 };

/// Checks whole bytes: cut, decode, find repeated keys, compare, end.
fn report(context: Context, path: &Path, bytes: &[u8], beside: Option<&Path>) -> Report {
    let lists = Arc::clone(&context.lists);
    report_of(&checker(context, path), &lists, path, bytes, beside)
}

fn checker(context: Context, path: &Path) -> Checker {
    let settings = context.pattern.settings_of(&path.to_string_lossy(), &Settings::default());
    Checker::new(context).unwrap().with(settings)
}

fn report_of(
    checker: &Checker,
    lists: &Arc<CodeLists>,
    path: &Path,
    bytes: &[u8],
    beside: Option<&Path>,
) -> Report {
    let media = MediaType::of(path).unwrap();
    let mut comparing = comparing(checker, lists, beside);
    let (mut batches, mut lines) = (Vec::new(), Vec::new());
    let (mut findings, rows) = shared::read(checker, media, bytes.to_vec(), LIMITS, |checked| {
        comparing.add(&checked.batch, &checked.lines);
        batches.push(checked.batch);
        lines.extend(checked.lines);
    });
    repeated_keys(checker, &checker.context().pattern, &batches, &lines, &mut findings);
    let compared = checker.compare(&comparing, &findings);
    checker.finish(findings, rows, compared)
}

/// What a sample is compared with lies in a folder of its own: `previous.csv`, `rb27s.csv`.
fn comparing(checker: &Checker, lists: &Arc<CodeLists>, beside: Option<&Path>) -> Comparing {
    let (mut others, mut missing) = (Vec::new(), Vec::new());
    for with in checker.compared_with() {
        let pattern = match &with {
            With::Pattern(id) => Patterns::embedded().unwrap().get(id).unwrap(),
            With::This | With::Previous => Arc::clone(&checker.context().pattern),
        };
        let name = if let With::Pattern(id) = &with { id } else { "previous" };
        let bytes = beside.and_then(|folder| std::fs::read(folder.join(format!("{name}.csv"))).ok());
        let Some(bytes) = bytes else {
            missing.push(with);
            continue;
        };
        let mut other = checker.other(&with, &pattern).unwrap();
        let lists = Arc::clone(lists);
        let reader = Checker::new(Context { pattern, lists, period: None, publisher: None }).unwrap();
        let mut pieces = reader.pieces(MediaType::Csv, Arc::new(bytes::Bytes::from(bytes)), LIMITS);
        while let Ok(Some(piece)) = pieces.next_piece() {
            other.add(&piece.check(&reader).batch);
        }
        others.push(other);
    }
    checker.comparing(others, &missing).unwrap()
}

fn repeated_keys(
    checker: &Checker,
    pattern: &Pattern,
    batches: &[arrow::record_batch::RecordBatch],
    lines: &[u64],
    findings: &mut Findings,
) {
    let Some(order) = KeyOrder::new(&pattern.schema(), &pattern.key).unwrap() else { return };
    let Some((sorted, lines)) = order.sort(batches, lines).unwrap() else { return };
    for repeat in order.walk(&sorted, &lines, None).unwrap().repeats {
        findings.refuse(repeat.line);
        findings.add(checker.key_repeated(&sorted, repeat.row, repeat.line, Some(repeat.first_line)));
    }
}

fn context(pattern: &Arc<Pattern>, lists: &Arc<CodeLists>) -> Context {
    let path = root().join(pattern.reference()).join("samples/context.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let said: SampleContext = serde_json::from_slice(&bytes).expect("samples/context.json");
    Context {
        pattern: Arc::clone(pattern),
        lists: Arc::clone(lists),
        period: Some(said.period.parse::<Period>().unwrap()),
        publisher: Some(Publisher { id: said.publisher.id, terc6: Some(said.publisher.terc6), regon: None }),
    }
}

/// The payloads of `samples/<kind>` of a pattern, sorted.
fn samples(pattern: &Pattern, kind: &str) -> Vec<PathBuf> {
    let folder = root().join(pattern.reference()).join("samples").join(kind);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| MediaType::of(path).is_some() && !path.to_string_lossy().ends_with(".report.json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no {kind} samples", pattern.reference());
    files
}

/// The folder with what a sample is compared with, which only some have.
fn beside(sample: &Path) -> PathBuf {
    sample.parent().unwrap().with_file_name("others").join(sample.file_stem().unwrap())
}

#[test]
fn every_sample_gets_the_report_beside_it() {
    let (patterns, lists) = (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()));
    let bless = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    for pattern in patterns.iter() {
        for (kind, blocks) in [("valid", false), ("invalid", true)] {
            for path in samples(pattern, kind) {
                let beside = beside(&path);
                let bytes = std::fs::read(&path).unwrap();
                let report = report(context(pattern, &lists), &path, &bytes, Some(&beside));
                let text = serde_json::to_string_pretty(&report).unwrap() + "\n";
                let beside = path.with_extension("report.json");
                if bless {
                    std::fs::write(&beside, &text).unwrap();
                } else if std::fs::read_to_string(&beside).ok().as_ref() != Some(&text) {
                    different.push(format!("{}:\n{text}", beside.display()));
                }
                assert_eq!(report.blocks(), blocks, "{}:\n{text}", path.display());
                // Sums of rows that are wrong are not compared.
                assert!(blocks || report.not_evaluated.is_empty(), "{}:\n{text}", path.display());
            }
        }
    }
    assert!(different.is_empty(), "reports differ; if rightly, bless them:\n{}", different.join("\n"));
}

#[test]
fn synthetic_payloads_are_valid() {
    let (patterns, lists) = (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()));
    for (id, labels) in [
        ("rb28s", &["2022-Q4", "2022-M11", "2023"][..]),
        ("rb27s", &["2022-Q2", "2022-M11", "2023"][..]),
        ("jakosc_powietrza", &["2017-M02", "2024-M12"][..]),
    ] {
        for label in labels {
            let pattern = patterns.get(id).unwrap();
            let period: Period = label.parse().unwrap();
            let mut payload = Vec::new();
            synthetic::csv(&pattern, &lists, "100201", &period, 3_000, 5, &mut payload).unwrap();
            let mut context = context(&pattern, &lists);
            context.publisher = None;
            context.period = Some(period);
            let report = report(context, Path::new("x.csv"), &payload, None);
            assert_eq!((report.rows_read, report.rows_refused), (3_000, 0), "{id} {label}");
            assert_eq!(report.counts, [], "{id} {label}: {:#?}", report.violations.first());
        }
    }
}

#[test]
fn rules_of_quarter_ends_rest_in_other_months() {
    let (patterns, lists) = (Patterns::embedded().unwrap(), Arc::new(CodeLists::embedded().unwrap()));
    let pattern = patterns.get("rb28s").unwrap();
    let path = root().join("rb28s/1.0.0/samples/invalid/regula-wykonanie-ponad-zaangazowanie.csv");
    let bytes = std::fs::read(path).unwrap();
    for (label, blocked) in [("2022-Q4", true), ("2022-M12", true), ("2022", true), ("2022-M11", false)] {
        let mut context = context(&pattern, &lists);
        context.period = Some(label.parse().unwrap());
        assert_eq!(report(context, Path::new("x.csv"), &bytes, None).blocks(), blocked, "{label}");
    }
}
