//! The house rules that a compiler does not know: which room may look at which, who may name which
//! crate, how long a file and a function may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the door down; rooms of one floor never use each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["app"],
    &["grpc", "flight", "http"],
    &["desk"],
    &["identity"],
    &["intake", "read", "extract", "notices"],
    &["commit"],
    &["query"],
    &["catalog", "store"],
];

/// Leaves: usable by all rooms; they use no room. `permit` is made by identity alone.
const LEAVES: &[&str] = &[
    "clock",
    "config",
    "error",
    "fault",
    "listen",
    "packed",
    "permit",
    "process",
    "seal",
    "sign",
    "telemetry",
];

/// Crates, or parts of them, and the rooms that alone may name them.
const NAMES: &[(&str, &[&str])] = &[
    ("datafusion", &["query"]),
    ("object_store", &["store"]),
    ("sqlx", &["catalog"]),
    ("tonic", &["grpc", "flight"]),
    ("arrow_flight", &["flight"]),
    ("axum", &["http"]),
    ("ring::signature", &["sign"]),
    // The demo in `app` downloads an extract with it.
    ("hyper::client", &["notices", "app"]),
    // Data files are written by `store`, carried over by `commit`, scanned and encoded by `query`.
    ("parquet", &["store", "commit", "query"]),
    // Log versions are packed by hand; what Parquet packs is its own.
    ("zstd", &["store", "packed"]),
    ("flate2", &["packed"]),
    // Streams from outside are decoded in `intake` alone; `query` writes them, `commit` keeps rows in them.
    ("arrow::ipc", &["intake", "commit", "query"]),
];

/// Longest file, in lines.
const FILE_LINES: usize = 500;
/// Longest body of a function, in lines of code, and of `main`.
const FUNCTION_LINES: usize = 70;
const MAIN_LINES: usize = 35;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a folder's entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// A file's lines without comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text.lines().enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default().to_owned()));
    lines.filter(|(_, line)| !line.trim().is_empty()).collect()
}

/// The room of a file of `hub-server/src`: its first folder, or its name.
fn room(sources: &Path, file: &Path) -> String {
    let below = file.strip_prefix(sources).expect("a file of the server");
    let first = below.components().next().expect("a path has a first part");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs")
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Rooms and leaves that code names as `crate::room`, alone or in a group, with the line.
fn named(code: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        for part in line.split("crate::").skip(1) {
            let Some(group) = part.strip_prefix('{') else {
                found.push((*number, first_word(part)));
                continue;
            };
            // A group may go on over the lines that follow.
            let rest = code[at + 1..].iter().map(|(_, line)| line.as_str());
            let group: String = std::iter::once(group).chain(rest).collect();
            found.extend(members(&group).into_iter().map(|name| (*number, name)));
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What the members of a group begin with: of `a::{b, c}, d as e}` these are `a` and `d`.
fn members(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            letter if depth == 0 => members.last_mut().expect("never empty").push(letter),
            _ => {}
        }
    }
    members.iter().map(|member| first_word(member)).filter(|name| !name.is_empty()).collect()
}

#[test]
fn rooms_are_seen_in_groups_too() {
    let code = [
        "use crate::catalog::Catalog;",
        "use crate::{",
        "    grpc::{Rooms, serve},",
        "    http as web, query};",
    ];
    let code: Vec<(usize, String)> = (1..).zip(code.map(str::to_owned)).collect();
    let seen = [(1, "catalog"), (2, "grpc"), (2, "http"), (2, "query")];
    assert_eq!(named(&code), seen.map(|(line, name)| (line, name.to_owned())));
}

/// Functions with the line on which each begins and the lines of code of its body.
fn functions(code: &[(usize, String)]) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, (number, line)) in code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &str| line.trim_end().ends_with(['{', ';', '}']);
        let Some(head) = code[at..].iter().position(|(_, line)| ends(line)) else { continue };
        if !code[at + head].1.trim_end().ends_with('{') {
            continue;
        }
        let closes = |line: &str| line.strip_prefix(indent).is_some_and(|rest| rest.trim_end() == "}");
        let body = code[at + head + 1..].iter().position(|(_, line)| closes(line));
        found.push((*number, name, body.expect("a function ends")));
    }
    found
}

/// The name of the function that a line begins.
fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let before = |word: &&str| word.starts_with("pub") || ["async", "const", "unsafe"].contains(word);
    let first = words.by_ref().find(|word| !before(word))?;
    (first == "fn").then(|| words.next().map(first_word)).flatten()
}

#[test]
fn functions_stay_short() {
    let text = ["pub(crate) async fn a(", "    b: u8,", ") -> u8 {", "    b", "}", "fn c();", "fn d() {}"];
    let code_of = |lines: &[&str]| (1..).zip(lines.iter().map(|l| (*l).to_owned())).collect::<Vec<_>>();
    assert_eq!(functions(&code_of(&text)), [(1, "a".to_owned(), 1)]);

    let mut faults = Vec::new();
    for file in rust_files(&repository()) {
        for (number, name, lines) in functions(&code(&file)) {
            let most = if name == "main" { MAIN_LINES } else { FUNCTION_LINES };
            if lines > most {
                faults.push(format!("{}:{number}: {name} has {lines} lines, at most {most}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rooms_look_downhill_only() {
    let sources = repository().join("hub-server/src");
    let mut faults = Vec::new();
    for file in rust_files(&sources).iter().filter(|file| !is_test(file)) {
        let own = room(&sources, file);
        let Some(own_floor) = floor(&own) else { continue };
        for (number, other) in named(&code(file)) {
            let downhill = floor(&other).is_none_or(|other_floor| other_floor > own_floor);
            if other != own && !downhill {
                faults.push(format!("{}:{number}: {own} looks up at {other}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn leaves_use_no_room() {
    let sources = repository().join("hub-server/src");
    let mut faults = Vec::new();
    for file in rust_files(&sources).iter().filter(|file| !is_test(file)) {
        let own = room(&sources, file);
        if !LEAVES.contains(&own.as_str()) || own == "error" {
            continue;
        }
        for (number, other) in named(&code(file)).into_iter().filter(|(_, other)| floor(other).is_some()) {
            faults.push(format!("{}:{number}: leaf {own} uses room {other}", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_of_the_server_has_a_room() {
    let sources = repository().join("hub-server/src");
    let known: BTreeSet<&str> = FLOORS.iter().flat_map(|rooms| rooms.iter()).chain(LEAVES).copied().collect();
    for file in rust_files(&sources) {
        let own = room(&sources, &file);
        let place = known.contains(own.as_str()) || ["lib", "main"].contains(&own.as_str());
        assert!(place, "{} belongs to no room of the house", file.display());
    }
}

/// True when a line names a crate itself, not a module of that name in another crate.
fn names(line: &str, krate: &str) -> bool {
    let inside = |c: char| c == ':' || c == '_' || c.is_alphanumeric();
    line.match_indices(&format!("{krate}::")).any(|(at, _)| !line[..at].ends_with(inside))
}

#[test]
fn a_crate_is_named_in_its_room_only() {
    let sources = repository().join("hub-server/src");
    let mut faults = Vec::new();
    for file in rust_files(&sources).iter().filter(|file| !is_test(file)) {
        let own = room(&sources, file);
        for (number, line) in code(file) {
            for (krate, rooms) in NAMES {
                if names(&line, krate) && !rooms.contains(&own.as_str()) {
                    faults.push(format!("{}:{number}: {own} names {krate}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn permits_are_made_by_identity_alone() {
    let sources = repository().join("hub-server/src");
    for file in
        rust_files(&sources).iter().filter(|file| !is_test(file) && room(&sources, file) != "identity")
    {
        for (number, line) in code(file) {
            assert!(!line.contains("Permit::new("), "{}:{number} makes a permit", file.display());
        }
    }
}

#[test]
fn files_stay_short_and_whole() {
    let mut faults = Vec::new();
    for file in rust_files(&repository()).iter().filter(|file| !file.ends_with("tests/it/tidy.rs")) {
        let text = fs::read_to_string(file).expect("a source file");
        let lines = text.lines().count();
        if lines > FILE_LINES {
            faults.push(format!("{}: {lines} lines, at most {FILE_LINES}", file.display()));
        }
        for word in ["todo!(", "unimplemented!(", "#[ignore", "TODO", "FIXME"] {
            if text.contains(word) {
                faults.push(format!("{}: holds `{word}`", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_core_does_no_io() {
    for file in rust_files(&repository().join("datasets/src")).iter().filter(|file| !is_test(file)) {
        for (number, line) in code(file) {
            for word in ["std::fs", "std::net", "std::process", "std::env", "tokio::"] {
                assert!(!line.contains(word), "{}:{number}: the core names {word}", file.display());
            }
        }
    }
}

#[test]
fn crates_look_one_way() {
    let order = ["hub-datasets", "hub-proto", "hub-conformance", "hub-client", "hub-server", "hub-benches"];
    let folders = ["datasets", "proto", "proto/conformance", "hub-client", "hub-server", "benches"];
    for (at, folder) in folders.iter().enumerate() {
        let manifest = fs::read_to_string(repository().join(folder).join("Cargo.toml")).expect("a manifest");
        for later in &order[at + 1..] {
            let uphill = manifest
                .lines()
                .any(|line| line.starts_with(&format!("{later}.")) || line.starts_with(&format!("{later} ")));
            assert!(!uphill, "{folder} depends on {later}, which stands above it");
        }
    }
}

#[test]
fn wire_types_stop_at_the_doors() {
    let sources = repository().join("hub-server/src");
    for file in rust_files(&sources).iter().filter(|file| !is_test(file)) {
        let own = room(&sources, file);
        if ["grpc", "flight", "http", "desk", "error", "app", "cli"].contains(&own.as_str()) {
            continue;
        }
        for (number, line) in code(file) {
            assert!(!line.contains("hub_proto::v1"), "{}:{number}: {own} names a wire type", file.display());
        }
    }
}
