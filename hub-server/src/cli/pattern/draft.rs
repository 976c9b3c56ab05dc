//! A draft, checked whole: its files, its rules, its samples against the reports beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use hub_client::{MediaType, offline, pattern_folder};
use hub_datasets::check::{Checker, Comparing, Context, Publisher};
use hub_datasets::pattern::{PatternError, With};
use hub_datasets::report::Count;
use hub_datasets::{CodeLists, Pattern, Patterns, Report, kit};
use serde::Deserialize;

use super::super::Failure;

/// Differences of a sample's report that are named.
const DIFFERENCES_MAX: usize = 5;

/// A draft as it was read.
pub(super) struct Draft {
    pub(super) pattern: Arc<Pattern>,
    /// All files of its folder.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// `samples/context.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleContext {
    period: String,
    publisher: SamplePublisher,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SamplePublisher {
    id: String,
    terc6: Option<String>,
}

impl Draft {
    /// Reads a draft; else all that is wrong with its files, a line each.
    pub(super) fn read(dir: &Path, known: &Patterns, lists: &CodeLists) -> Result<Self, Failure> {
        let files = pattern_folder(dir, kit::limits::BYTES).map_err(|error| {
            let most = kit::limits::BYTES;
            Failure::Refused(format!(
                "{}: {error}; name a folder with pattern.yaml and schema.json, {most} bytes at most",
                dir.display()
            ))
        })?;
        if files.len() > kit::limits::FILES {
            let (found, most) = (files.len(), kit::limits::FILES);
            return Err(Failure::Refused(format!("{}: {found} files, at most {most}", dir.display())));
        }
        let pattern = known.draft(&files, lists).map_err(|faults| refused(dir, &faults))?;
        Ok(Self { pattern, files })
    }

    /// The checker of the draft; what its expressions do not mean is told.
    pub(super) fn checker(
        &self,
        lists: &Arc<CodeLists>,
        period: Option<hub_datasets::Period>,
        publisher: Option<Publisher>,
    ) -> Result<Checker, PatternError> {
        let (pattern, lists) = (Arc::clone(&self.pattern), Arc::clone(lists));
        Checker::new(Context { pattern, lists, period, publisher })
    }

    /// What does not hold of its samples: each has a report beside it, a valid one passes, an invalid one is blocked. Which
    /// version a report names is not the author's to write: those that hold are put down as they are.
    pub(super) fn samples(
        &mut self,
        known: &Patterns,
        lists: &Arc<CodeLists>,
    ) -> Result<Vec<String>, Failure> {
        let samples = kit::sample_names(self.files.iter().map(|(name, _)| name.as_str()));
        let mut faults = Vec::new();
        for kind in ["valid", "invalid"] {
            if !samples.iter().any(|name| name.starts_with(kind)) {
                faults.push(format!(
                    "samples/{kind}: is empty; add at least one sample with its report beside it"
                ));
            }
        }
        let context = self.file("samples/context.json").and_then(|bytes| serde_json::from_slice(bytes).ok());
        let Some(context) = context else {
            let form =
                "{\"period\": \"2022-Q4\", \"publisher\": {\"id\": \"gmina-100201\", \"terc6\": \"100201\"}}";
            faults.push(format!("samples/context.json: is missing or no such file; write {form}"));
            return Ok(faults);
        };
        let SampleContext { period, publisher } = context;
        let Ok(period) = period.parse() else {
            faults.push(format!("samples/context.json: `{period}` is no period; write one such as 2022-Q4"));
            return Ok(faults);
        };
        let publisher = Publisher { id: publisher.id, terc6: publisher.terc6, regon: None };
        let checker = self.checker(lists, Some(period), Some(publisher))?;
        for name in samples {
            match self.sample(&name, &checker, known)? {
                Sample::Holds(report) => self.put(&report_of(&name), &report),
                Sample::Fault(fault) => faults.push(fault),
            }
        }
        Ok(faults)
    }

    fn sample(&self, name: &str, checker: &Checker, known: &Patterns) -> Result<Sample, Failure> {
        let file = format!("samples/{name}");
        let fault = |fault: String| Ok(Sample::Fault(format!("{file}: {fault}")));
        let Some((media, bytes)) = MediaType::of(Path::new(name)).zip(self.file(&file)) else {
            return fault("its extension names no format that is read".to_owned());
        };
        let settings = self.pattern.settings_of(&file, &hub_datasets::Settings::default());
        let checker = checker.with(settings);
        let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
        let comparing = self.beside(&checker, &format!("samples/others/{stem}/"), known)?;
        let report = check(bytes, media, &checker, comparing)?;
        let expected = match self.file(&report_of(name)).map(serde_json::from_slice::<Report>) {
            None => return fault("has no report beside it".to_owned()),
            Some(Err(error)) => return fault(format!("the report beside it cannot be read: {error}")),
            Some(Ok(expected)) => Report {
                pattern: report.pattern.clone(),
                bundle_sha256: report.bundle_sha256.clone(),
                ..expected
            },
        };
        match (expected == report, report.blocks(), name.starts_with("valid/")) {
            (true, true, false) | (true, false, true) => Ok(Sample::Holds(Box::new(report))),
            (true, true, true) => fault("is refused, and lies among the valid ones".to_owned()),
            (true, false, false) => fault("is accepted, and lies among the invalid ones".to_owned()),
            (false, ..) => fault(format!(
                "gets another report than the one beside it: {}",
                differing(&expected, &report)
            )),
        }
    }

    fn put(&mut self, name: &str, report: &Report) {
        let Ok(text) = serde_json::to_string_pretty(report) else { return };
        if let Some((_, bytes)) = self.files.iter_mut().find(|(of, _)| of == name) {
            *bytes = (text + "\n").into_bytes();
        }
    }

    /// What a sample is compared with.
    fn beside(&self, checker: &Checker, folder: &str, known: &Patterns) -> Result<Comparing, Failure> {
        let (mut others, mut missing) = (Vec::new(), Vec::new());
        for with in checker.compared_with() {
            let pattern = match &with {
                With::Pattern(id) => known.get(id),
                With::This | With::Previous => Some(Arc::clone(&self.pattern)),
            };
            let name = if let With::Pattern(id) = &with { id } else { "previous" };
            let Some((pattern, bytes)) = pattern.zip(self.file(&format!("{folder}{name}.csv"))) else {
                missing.push(with);
                continue;
            };
            let mut other = checker.other(&with, &pattern)?;
            let lists = Arc::clone(&checker.context().lists);
            let reader = Checker::new(Context { pattern, lists, period: None, publisher: None })?;
            let file = written(bytes)?;
            offline::rows(file.path(), MediaType::Csv, &reader, |rows| other.add(rows))?;
            others.push(other);
        }
        Ok(checker.comparing(others, &missing)?)
    }

    fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(of, _)| of == name).map(|(_, bytes)| bytes.as_slice())
    }
}

/// What became of a sample.
enum Sample {
    Holds(Box<Report>),
    Fault(String),
}

/// In what a report is another than the one that was expected, in one line.
fn differing(expected: &Report, found: &Report) -> String {
    let counts = |of: &Report| -> BTreeMap<String, u64> {
        let named = |count: &Count| {
            let rule = if count.rule.is_empty() { String::new() } else { format!(" {}", count.rule) };
            (format!("{}{rule}", count.code.as_str()), count.count)
        };
        of.counts.iter().map(named).collect()
    };
    let (then, now) = (counts(expected), counts(found));
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let mut said: Vec<String> = names
        .into_iter()
        .map(|name| (name, then.get(name).copied().unwrap_or(0), now.get(name).copied().unwrap_or(0)))
        .filter(|(_, then, now)| then != now)
        .map(|(name, then, now)| format!("{name}: {now} instead of {then}"))
        .collect();
    let rows = |of: &Report| (of.rows_read, of.rows_refused, of.rows_set_aside);
    if rows(expected) != rows(found) {
        let (read, refused, aside) = rows(found);
        said.push(format!("{read} rows read, {refused} refused, {aside} set aside"));
    }
    if said.is_empty() {
        let pairs = expected.violations.iter().zip(&found.violations);
        let row = pairs.into_iter().find(|(then, now)| then != now).map(|(_, now)| now.row);
        let place = row.map_or_else(|| "the report".to_owned(), |row| format!("the finding in row {row}"));
        said.push(format!("the counts are the same, {place} says something else"));
    }
    let more = said.len().saturating_sub(DIFFERENCES_MAX);
    said.truncate(DIFFERENCES_MAX);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    said.join("; ")
}

/// Where the report of a sample lies.
fn report_of(name: &str) -> String {
    format!("samples/{}.report.json", Path::new(name).with_extension("").display())
}

/// The report of bytes, by the check that laptops use.
fn check(bytes: &[u8], media: MediaType, checker: &Checker, comparing: Comparing) -> Result<Report, Failure> {
    let file = written(bytes)?;
    Ok(offline::check(file.path(), media, checker, comparing, &|_| {})?)
}

fn written(bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// All faults of a draft, a line each.
fn refused(dir: &Path, faults: &[PatternError]) -> Failure {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    Failure::Refused(format!("{} is no pattern that can be used:{}", dir.display(), lines.concat()))
}
