//! Reads the files of code lists.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::table::Table;
use super::{CodeList, CodeListVersion, derive};
use crate::pattern::{PatternError, TextFile, file_digest, yaml_file};

pub(super) static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/codelists");

/// `list.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    id: String,
    title: TextFile,
    source: String,
    /// Separator of the CSV files, a comma if not given.
    separator: Option<char>,
    derive: Option<Derivation>,
    /// The list whose values complete a derivation.
    derive_from: Option<String>,
}

/// Columns or rows that the files do not spell out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Derivation {
    Terc,
    GrupyWydatkow,
}

/// The files of one list by name, still unread.
type Files<'a> = BTreeMap<&'a str, &'a [u8]>;

/// Reads all lists; files that are not in a list's folder (such as a README) are no part of one.
pub(super) fn lists<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<CodeList>, PatternError> {
    let mut folders: BTreeMap<&str, Files<'a>> = BTreeMap::new();
    for (path, bytes) in files {
        if let Some((folder, name)) = path.split_once('/') {
            folders.entry(folder).or_default().insert(name, bytes);
        }
    }
    folders.iter().map(|(folder, files)| list(folder, files, &folders)).collect()
}

fn list(
    folder: &str,
    files: &Files<'_>,
    folders: &BTreeMap<&str, Files<'_>>,
) -> Result<CodeList, PatternError> {
    let path = format!("{folder}/list.yaml");
    let Some(yaml) = files.get("list.yaml") else {
        return Err(PatternError::new(path, "is missing; a code list starts with this file"));
    };
    let head: ListFile = yaml_file(&path, yaml)?;
    if head.id != folder {
        return Err(PatternError::new(path, format!("id: `{}`; write `{folder}`, as the folder", head.id)));
    }
    let mut versions = Vec::new();
    for (name, bytes) in files.iter().filter(|(name, _)| **name != "list.yaml") {
        versions.push(version(folder, name, bytes, &head, folders)?);
    }
    if versions.is_empty() {
        return Err(PatternError::new(folder, "has no version; add a file such as `2022-01-01.csv`"));
    }
    versions.sort_by_key(|v| v.valid_from);
    let mut digested: Vec<(String, &[u8])> =
        files.iter().map(|(n, b)| (format!("{folder}/{n}"), *b)).collect();
    if let Some(from) = head.derive_from.as_deref().and_then(|id| folders.get(id).map(|f| (id, f))) {
        digested.extend(from.1.iter().map(|(n, b)| (format!("{}/{n}", from.0), *b)));
    }
    let sha256 = file_digest(digested);
    Ok(CodeList { id: head.id, title: head.title.into(), source: head.source, sha256, versions })
}

fn version(
    folder: &str,
    name: &str,
    bytes: &[u8],
    head: &ListFile,
    folders: &BTreeMap<&str, Files<'_>>,
) -> Result<CodeListVersion, PatternError> {
    let path = format!("{folder}/{name}");
    let fault = |message: String| PatternError::new(&path, message);
    let valid_from: NaiveDate = name
        .strip_suffix(".csv")
        .and_then(|day| day.parse().ok())
        .ok_or_else(|| fault("write the first day of validity as the name: `2022-01-01.csv`".to_owned()))?;
    let table = Table::parse(bytes, head.separator.unwrap_or(',')).map_err(fault)?;
    let table = match head.derive {
        None => Ok(table),
        Some(Derivation::Terc) => derive::terc(&table),
        Some(Derivation::GrupyWydatkow) => {
            let paragraphs = source_table(head.derive_from.as_deref(), valid_from, folders).map_err(fault)?;
            derive::expenditure_groups(&table, &paragraphs)
        }
    };
    let table = table.and_then(|t| t.batch()).map_err(fault)?;
    Ok(CodeListVersion { valid_from, table })
}

/// The newest version of the list that completes a derivation, as of the derived version's first day.
fn source_table(
    from: Option<&str>,
    valid_from: NaiveDate,
    folders: &BTreeMap<&str, Files<'_>>,
) -> Result<Table, String> {
    let from = from.ok_or("list.yaml lacks `derive_from`; name the list of paragraphs")?;
    let files = folders.get(from).ok_or_else(|| format!("derive_from: there is no list `{from}`"))?;
    let day = format!("{valid_from}.csv");
    let (_, bytes) = files
        .iter()
        .rfind(|(name, _)| name.ends_with(".csv") && **name <= day.as_str())
        .ok_or_else(|| format!("derive_from: `{from}` has no version valid on {valid_from}"))?;
    Table::parse(bytes, ',').map_err(|e| format!("derive_from: `{from}`: {e}"))
}
