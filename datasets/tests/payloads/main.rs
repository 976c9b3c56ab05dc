//! Payloads that are no CSV against their expected reports: the corpus that the core, the client and the hub are
//! tested on.
//!
//! `kept/NAME` is a payload of the pattern `rb28s`, checked under the context of its samples, with the
//! report beside it as `NAME.report.json`. `BLESS=1` makes them anew; then read what changed. The bytes are kept, for
//! what arrived once must get the same verdict from every later version.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what broke by panicking")]

mod arrow_streams;
mod lines;
mod parquet_files;
mod workbooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hub_datasets::check::keys::KeyOrder;
use hub_datasets::check::{Checker, Context, PieceLimits, Publisher, Stop};
use hub_datasets::report::Findings;
use hub_datasets::{CodeLists, MediaType, Patterns, Report};

/// Chunks as long as a program takes them, for how far a broken payload was read stands in its report.
const LIMITS: PieceLimits =
    PieceLimits { chunk_bytes: 1 << 20, record_bytes: 1 << 20, block_bytes: 100, rows: 1_000 };

fn checker() -> Checker {
    let publisher = Publisher { id: "gmina-100201".into(), terc6: Some("100201".into()), regon: None };
    Checker::new(Context {
        pattern: Patterns::embedded().unwrap().get("rb28s").unwrap(),
        lists: Arc::new(CodeLists::embedded().unwrap()),
        period: Some("2022-Q4".parse().unwrap()),
        publisher: Some(publisher),
    })
    .unwrap()
}

/// Reads and checks a payload as a program does, repeated keys included.
fn report(checker: &Checker, media: MediaType, bytes: Vec<u8>) -> Report {
    let (mut findings, mut rows) = (Findings::default(), 0);
    let (mut batches, mut lines) = (Vec::new(), Vec::new());
    let mut pieces = checker.pieces(media, Arc::new(bytes::Bytes::from(bytes)), LIMITS);
    loop {
        match pieces.next_piece() {
            Ok(None) => break,
            Ok(Some(piece)) => {
                let checked = piece.check(checker);
                rows += checked.rows;
                findings.merge(checked.findings);
                batches.push(checked.batch);
                lines.extend(checked.lines);
            }
            Err(Stop::Findings(fault)) => {
                findings.merge(*fault);
                break;
            }
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }
    findings.merge(pieces.early());
    let order = KeyOrder::new(&checker.schema(), &checker.context().pattern.key).unwrap().unwrap();
    if let Some((sorted, lines)) = order.sort(&batches, &lines).unwrap() {
        for repeat in order.walk(&sorted, &lines, None).unwrap().repeats {
            findings.add(checker.key_repeated(&sorted, repeat.row, repeat.line, Some(repeat.first_line)));
        }
    }
    let mut comparing = checker.comparing(Vec::new(), &checker.compared_with()).unwrap();
    let mut before = 0;
    for batch in &batches {
        comparing.add(batch, &lines[before..before + batch.num_rows()]);
        before += batch.num_rows();
    }
    let compared = checker.compare(&comparing, &findings);
    checker.finish(findings, rows, compared)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/payloads/kept")
}

fn made() -> Vec<(bool, String, Vec<u8>)> {
    let named = |blocks, extension, payloads: Vec<(&'static str, Vec<u8>)>| {
        payloads.into_iter().map(move |(name, bytes)| (blocks, format!("{name}.{extension}"), bytes))
    };
    named(false, "arrow", arrow_streams::accepted())
        .chain(named(true, "arrow", arrow_streams::refused()))
        .chain(named(false, "ndjson", lines::accepted()))
        .chain(named(true, "ndjson", lines::refused()))
        .chain(named(false, "parquet", parquet_files::accepted()))
        .chain(named(true, "parquet", parquet_files::refused()))
        .chain(workbooks::accepted().into_iter().map(|(name, bytes)| (false, name.to_owned(), bytes)))
        .chain(workbooks::refused().into_iter().map(|(name, bytes)| (true, name.to_owned(), bytes)))
        .collect()
}

#[test]
fn every_payload_gets_the_report_beside_it() {
    let bless = std::env::var_os("BLESS").is_some();
    let checker = checker();
    let mut names = Vec::new();
    let mut different = Vec::new();
    for (blocks, name, made) in made() {
        let path = folder().join(&name);
        if bless {
            std::fs::write(&path, made).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let report = report(&checker, MediaType::of(Path::new(&name)).unwrap(), bytes);
        let said = serde_json::to_string_pretty(&report).unwrap() + "\n";
        let beside = folder().join(format!("{name}.report.json"));
        if bless {
            std::fs::write(&beside, &said).unwrap();
        } else if std::fs::read_to_string(&beside).ok().as_ref() != Some(&said) {
            different.push(format!("{name}: {said}"));
        }
        assert_eq!(report.blocks(), blocks, "{name}: {said}");
        names.push(name);
    }
    assert!(different.is_empty(), "reports differ; if rightly, bless them:\n{}", different.join("\n"));
    let mut kept: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".report.json"))
        .collect();
    kept.sort();
    names.sort();
    assert_eq!(kept, names, "each payload has its maker");
}
