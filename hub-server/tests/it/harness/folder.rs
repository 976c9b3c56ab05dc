//! What lies in a data folder.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// Actions of all commits of a table's log, in order.
pub(crate) fn log_entries(table: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> = entries(&table.join("_delta_log"));
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut actions = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a log entry");
        actions.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an action")));
    }
    actions
}

/// What is left once the hub had its time: a commit's bytes become evidence behind its answer.
pub(crate) fn lasting(root: &Path) -> Vec<PathBuf> {
    let gone = super::wait_for(Duration::from_secs(30), || leftovers(root).is_empty().then_some(()));
    gone.map_or_else(|| leftovers(root), |()| Vec::new())
}

/// Files of a data folder that no commit and no verdict stands for: open payloads, data files that no log
/// names, scratch files, drafts. A server at rest has none.
pub(crate) fn leftovers(root: &Path) -> Vec<PathBuf> {
    let mut left: Vec<PathBuf> = open_payloads(root).into_iter().map(|(path, _)| path).collect();
    left.extend(files_below(&root.join("tmp")));
    let drafts = entries(&root.join("extracts")).into_iter().flat_map(|dataset| entries(&dataset));
    left.extend(drafts.filter(|path| path.file_name().is_some_and(is_draft)));
    for table in entries(&root.join("tables")) {
        let named = named_files(&table);
        let unnamed = |path: &PathBuf| path.strip_prefix(&table).is_ok_and(|path| !named.contains(path));
        left.extend(entries(&table.join("d")).into_iter().filter(unnamed));
    }
    left
}

/// Data files that a table's log has ever added.
fn named_files(table: &Path) -> BTreeSet<PathBuf> {
    let actions = log_entries(table);
    actions.iter().filter_map(|action| action["add"]["path"].as_str()).map(PathBuf::from).collect()
}

/// The folder of an extract that is being made.
fn is_draft(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("draft-")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    entries(folder).into_iter().flat_map(below).collect()
}

/// Payloads of open submissions that have a file of their own, with their length.
pub(crate) fn open_payloads(root: &Path) -> Vec<(PathBuf, u64)> {
    let files = entries(&root.join("spool")).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "bin"));
    files.map(|path| (path.clone(), fs::metadata(&path).map_or(0, |data| data.len()))).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.expect("an entry").path()).collect(),
        Err(_) => Vec::new(),
    }
}
