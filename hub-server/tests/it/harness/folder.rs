//! What lies in a data folder.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// Actions of all commits of a table's log, in order: of the archive, then of the log.
pub(crate) fn log_entries(table: &Path) -> Vec<Value> {
    // A server may move versions into the archive meanwhile; then all is read anew.
    let texts = std::iter::repeat_with(|| log_texts(table)).find_map(|texts| texts).expect("it never ends");
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.map(|line| serde_json::from_str(line).expect("an action")).collect()
}

fn log_texts(table: &Path) -> Option<Vec<String>> {
    let mut texts: Vec<String> =
        sorted(&table.join("_hub/log"), "pack").iter().flat_map(|pack| packed(pack)).collect();
    // What is in the archive may still be in the log, when a move was cut off.
    let archived = texts.len();
    for file in sorted(&table.join("_delta_log"), "json") {
        let number = file.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse::<usize>().ok());
        if number.expect("a log version") >= archived {
            texts.push(fs::read_to_string(&file).ok()?);
        }
    }
    Some(texts)
}

fn sorted(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = entries(folder);
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// The log versions of a pack of the archive: behind magic (8 bytes), length (4, little-endian) and SHA-256
/// of the index (32) comes the index, behind it the frames.
fn packed(pack: &Path) -> Vec<String> {
    unpacked(pack).into_iter().filter_map(|(text, is_version)| is_version.then_some(text)).collect()
}

/// The texts of a pack, each with whether it is a log version; the others are of the state before them.
pub(crate) fn unpacked(pack: &Path) -> Vec<(String, bool)> {
    let bytes = fs::read(pack).expect("a pack");
    assert_eq!(&bytes[..8], b"hublog1\n");
    let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
    let (index, mut frames) = bytes[44..].split_at(usize::try_from(length).expect("a length"));
    let index: Value = serde_json::from_slice(index).expect("an index");
    let of = |kind: &str| index[kind].as_array().cloned().unwrap_or_default();
    let mut texts = Vec::new();
    for (frame, is_version) in
        of("state").iter().map(|f| (f, false)).chain(of("versions").iter().map(|f| (f, true)))
    {
        let number = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("a length");
        let (body, rest) = frames.split_at(number(&frame["bytes"]));
        frames = rest;
        let lengths: Vec<usize> = frame["texts"].as_array().expect("lengths").iter().map(number).collect();
        let mut text = zstd::bulk::decompress(body, lengths.iter().sum()).expect("a frame");
        for length in lengths {
            let rest = text.split_off(length);
            texts.push((String::from_utf8(text).expect("text"), is_version));
            text = rest;
        }
    }
    texts
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

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
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
