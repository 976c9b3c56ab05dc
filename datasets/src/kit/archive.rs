//! The kit: one ZIP with which a vendor tests a program against a pattern, without a hub.

use std::collections::{BTreeMap, BTreeSet};

use super::form::{FormError, csv_form, xlsx_form};
use super::packed;
use super::page::{PageOf, Place, page};
use crate::report::Language;
use crate::{CodeLists, MediaType, Pattern};

const README_EN: &str = include_str!("readme.en.md");
const README_PL: &str = include_str!("readme.pl.md");

/// Why there is no kit.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// No form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The archive cannot be written.
    #[error("the kit cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A code list cannot be written.
    #[error("a code list cannot be written: {0}")]
    List(#[from] arrow::error::ArrowError),
    /// The same, of bytes.
    #[error("the kit cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// A file of a pattern's folder: its name there, with `/`, and its bytes.
pub type KitFile<'a> = (&'a str, &'a [u8]);

/// The period and the publisher of a pattern's samples, as `samples/context.json` says them.
#[derive(Debug, Default, serde::Deserialize)]
struct SampleContext {
    #[serde(default)]
    period: String,
    #[serde(default)]
    publisher: SamplePublisher,
}

#[derive(Debug, Default, serde::Deserialize)]
struct SamplePublisher {
    #[serde(default)]
    id: String,
}

/// Names of the samples among the files of a pattern, as `valid/NAME.csv`.
pub fn sample_names<'a>(files: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let samples = files.into_iter().filter_map(|name| name.strip_prefix("samples/"));
    let is_sample = |name: &&str| {
        let is_kind = name.starts_with("valid/") || name.starts_with("invalid/");
        is_kind && !name.ends_with(".report.json") && MediaType::of(std::path::Path::new(name)).is_some()
    };
    let mut names: Vec<String> = samples.filter(is_sample).map(str::to_owned).collect();
    names.sort();
    names
}

/// Values of columns, as they stand in valid samples, by the names that the samples have for the columns.
pub type Examples = BTreeMap<String, String>;

/// Rows of a sample in which examples are looked for.
const EXAMPLE_ROWS: usize = 20;

/// Examples from the valid samples among the files of a pattern that are plain tables.
pub fn examples(files: &[KitFile<'_>]) -> Examples {
    let mut found = Examples::new();
    let is_table = |name: &str| name.starts_with("samples/valid/") && name.ends_with(".csv");
    for text in
        files.iter().filter(|(name, _)| is_table(name)).filter_map(|(_, bytes)| str::from_utf8(bytes).ok())
    {
        // What is quoted may hold separators: other samples have the same columns.
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        let Some(header) = lines.next().filter(|header| !header.contains('"')) else { continue };
        let separator = if header.contains(';') { ';' } else { ',' };
        let names: Vec<&str> = header.split(separator).map(str::trim).collect();
        for line in lines.filter(|line| !line.contains('"')).take(EXAMPLE_ROWS) {
            let cells: Vec<&str> = line.split(separator).map(str::trim).collect();
            if cells.len() != names.len() {
                continue;
            }
            for (name, cell) in names.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                found.entry((*name).to_owned()).or_insert_with(|| cell.to_owned());
            }
        }
    }
    found
}

/// The kit of a pattern: its files, below a folder of its reference, with form, pages and a guide beside them. The same
/// bytes each time.
pub fn kit(pattern: &Pattern, lists: &CodeLists, files: &[KitFile<'_>]) -> Result<Vec<u8>, KitError> {
    let samples = sample_names(files.iter().map(|(name, _)| *name));
    let examples = examples(files);
    let of = PageOf { pattern, lists, samples: &samples, examples: &examples, place: Place::Kit };
    let context = files.iter().find(|(name, _)| *name == "samples/context.json");
    let context = context.and_then(|(_, bytes)| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let guide = |text: &str| guide(text, pattern, &context, &samples).into_bytes();
    let mut entries: Vec<(String, Vec<u8>)> = vec![
        ("README.md".to_owned(), guide(README_EN)),
        ("README.pl.md".to_owned(), guide(README_PL)),
        ("page.en.html".to_owned(), page(of, Language::English).into_bytes()),
        ("page.pl.html".to_owned(), page(of, Language::Polish).into_bytes()),
        ("template.csv".to_owned(), csv_form(pattern)),
        ("template.xlsx".to_owned(), xlsx_form(pattern, lists)?),
    ];
    let folder = pattern.reference();
    entries.extend(lists_of(pattern, lists)?);
    entries.extend(files.iter().map(|(name, bytes)| (format!("{folder}/{name}"), bytes.to_vec())));
    entries.sort();
    packed::write(entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

/// The code lists that a pattern refers to, each version as CSV.
fn lists_of(pattern: &Pattern, lists: &CodeLists) -> Result<Vec<(String, Vec<u8>)>, KitError> {
    let ids: BTreeSet<&str> = pattern.references.iter().map(|reference| reference.list.as_str()).collect();
    let mut files = Vec::new();
    for list in ids.into_iter().filter_map(|id| lists.get(id)) {
        for version in &list.versions {
            let mut bytes = Vec::new();
            arrow::csv::Writer::new(&mut bytes).write(&version.table)?;
            files.push((format!("lists/{}/{}.csv", list.id, version.valid_from), bytes));
        }
    }
    Ok(files)
}

/// The guide with the pattern's own names in its commands.
fn guide(text: &str, pattern: &Pattern, context: &SampleContext, samples: &[String]) -> String {
    let sample = samples.iter().find(|name| name.starts_with("valid/") && name.ends_with(".csv"));
    let sample = sample.or_else(|| samples.first()).map_or("valid/NAME.csv", String::as_str);
    text.replace("{title_pl}", &pattern.title.pl)
        .replace("{title_en}", &pattern.title.en)
        .replace("{id}", &pattern.id)
        .replace("{reference}", &pattern.reference())
        .replace("{bundle}", &pattern.bundle_sha256)
        .replace("{sample}", sample)
        .replace("{period}", &context.period)
        .replace("{publisher}", &context.publisher.id)
}
