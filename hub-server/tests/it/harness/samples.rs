//! Payloads: the samples of the patterns, and synthetic ones.

use std::path::{Path, PathBuf};

use hub_datasets::{CodeLists, Patterns, Report};

pub(crate) const KUTNO: &str = "gmina-100201";
pub(crate) const PERIOD: &str = "2022-Q4";

/// A sample of the embedded version of a pattern, as `valid/kutno-2022-q4.csv`.
pub(crate) fn sample(pattern: &str, name: &str) -> PathBuf {
    let path = patterns_folder().join(pattern).join("1.0.0/samples").join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

pub(crate) fn kutno_sample() -> PathBuf {
    sample("rb28s", "valid/kutno-2022-q4.csv")
}

pub(crate) fn air_sample() -> PathBuf {
    sample("jakosc_powietrza", "valid/wroclaw-2017-m02.csv")
}

/// All invalid samples of a pattern.
pub(crate) fn invalid_samples(pattern: &str) -> Vec<PathBuf> {
    let folder = patterns_folder().join(pattern).join("1.0.0/samples/invalid");
    let entries = std::fs::read_dir(folder).expect("samples").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "csv")).collect();
    files.sort();
    files
}

/// Synthetic rows of a pattern for a unit.
pub(crate) fn synthetic(pattern: &str, terc6: &str, period: &str, rows: u64, seed: u64) -> Vec<u8> {
    let lists = CodeLists::embedded().expect("code lists");
    let patterns = Patterns::embedded().expect("patterns");
    let pattern = patterns.get(pattern).expect("a pattern");
    let mut bytes = Vec::new();
    let period = period.parse().expect("a period");
    hub_datasets::synthetic::csv(&pattern, &lists, terc6, &period, rows, seed, &mut bytes)
        .expect("synthetic rows");
    bytes
}

/// The Arrow streams of the core's corpus that are refused, by name.
pub(crate) fn refused_streams() -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(datasets_folder().join("tests/payloads/kept")).expect("streams");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut streams = Vec::new();
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "arrow")) {
        let report = std::fs::read(format!("{}.report.json", path.display())).expect("the stream's report");
        let report: Report = serde_json::from_slice(&report).expect("a report");
        if report.blocks() {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            streams.push((name, std::fs::read(&path).expect("a stream")));
        }
    }
    streams
}

/// A payload of the core's corpus, by name.
pub(crate) fn kept_payload(name: &str) -> Vec<u8> {
    std::fs::read(datasets_folder().join("tests/payloads/kept").join(name)).expect("a kept payload")
}

fn patterns_folder() -> PathBuf {
    datasets_folder().join("patterns")
}

fn datasets_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("datasets")
}
