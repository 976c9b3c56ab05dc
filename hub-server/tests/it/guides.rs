//! The guides are true: their commands run as they stand there, and their tables name all that there is.
//!
//! A fenced `sh` block with `<!-- run -->` on the line above it is run. The dev server of a test listens on free
//! ports, so the usual addresses in a block are replaced by its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hub_proto::Reason;

use crate::harness::{Server, air_sample, kutno_sample, run, server_binary};

/// What stands above a block that is run.
const MARK: &str = "<!-- run -->";
/// Addresses that the guides use: those of a hub without settings.
const USUAL_GRPC: &str = "127.0.0.1:50051";
const USUAL_HTTP: &str = "127.0.0.1:8080";

/// A block that is run, with the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    script: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

fn text(name: &str) -> String {
    let path = repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The marked blocks of a page.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim() != MARK {
            continue;
        }
        let fence = lines.next().map(|(_, line)| line.trim());
        assert_eq!(fence, Some("```sh"), "line {}: a mark stands directly above a sh block", at + 1);
        let body: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        blocks.push(Block { line: at + 3, script: body.join("\n") });
    }
    blocks
}

/// Folders of programs: the hub's, and of a Python that has what the guides install.
fn with_python(binaries: &Path) -> String {
    let python = std::env::var_os("HUB_TEST_PYTHON").map(PathBuf::from);
    let python = python.as_deref().and_then(Path::parent).map(|folder| format!(":{}", folder.display()));
    format!("{}{}", binaries.display(), python.unwrap_or_default())
}

/// Runs all marked blocks of a page, in order, in one empty folder that holds `datasets` as the repository does.
fn runs(name: &str) {
    let blocks = blocks(&text(name));
    assert!(!blocks.is_empty(), "{name} has no command that is run");
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(repository().join("datasets"), folder.path().join("datasets"))
        .expect("a link");
    let binaries = server_binary().parent().expect("a binary lies in a folder");
    for Block { line, script } in blocks {
        let script = script
            .replace(USUAL_GRPC, &server.grpc.to_string())
            .replace(USUAL_HTTP, &server.http.to_string());
        let script = format!("export PATH='{}':\"$PATH\"\n{script}\n", with_python(binaries));
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &script]).current_dir(folder.path());
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("HUB_") {
                bash.env_remove(variable);
            }
        }
        bash.env("HUB_CONFIG_DIR", server.root().join("dev")).env("LC_ALL", "C");
        let output = run(&mut bash);
        assert_eq!(
            output.code, 0,
            "{name}, line {line}:\n{script}\nstdout:\n{}\nstderr:\n{}",
            output.stdout, output.stderr
        );
    }
}

#[test]
fn the_tour_runs() {
    runs("README.md");
}

#[test]
fn the_polish_tour_runs() {
    runs("README.pl.md");
}

#[test]
fn the_clerks_guide_runs() {
    runs("docs/clerk.pl.md");
}

#[test]
fn the_vendors_guide_runs() {
    runs("docs/vendor.md");
}

#[test]
fn the_analysts_guide_runs() {
    runs("docs/analyst.md");
}

#[test]
fn the_operators_guide_runs() {
    runs("docs/operator.md");
}

#[test]
fn marks_choose_the_blocks() {
    let page =
        "```sh\nno\n```\n\n<!-- run -->\n```sh\none\ntwo\n```\ntext\n<!-- run -->\n```sh\nthree\n```\n";
    let expected = [(7, "one\ntwo"), (13, "three")];
    let expected = expected.map(|(line, script)| Block { line, script: script.to_owned() });
    assert_eq!(blocks(page), expected);
}

#[test]
fn the_operators_guide_names_every_option_with_its_default() {
    let guide = text("docs/operator.md");
    let options = options(&text("hub-server/hub.example.toml"));
    assert!(options.len() > 15, "{options:?}");
    for (name, default) in options {
        let row = match &default {
            Some(default) => format!("| `{name}` | `{default}` |"),
            None => format!("| `{name}` | – |"),
        };
        assert!(guide.contains(&row), "docs/operator.md lacks the row `{row} …`");
    }
}

/// Options of the example with their defaults; those that are commented out have none.
fn options(example: &str) -> Vec<(String, Option<String>)> {
    let mut section = String::new();
    let mut options = Vec::new();
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        }
        let (commented, setting) = line.strip_prefix("# ").map_or((false, line), |rest| (true, rest));
        let Some((name, value)) = setting.split_once(" = ") else { continue };
        if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            let default = (!commented).then(|| value.trim_matches('"').to_owned());
            options.push((format!("{section}{name}"), default));
        }
    }
    options
}

#[test]
fn the_vendors_guide_names_every_reason_with_its_codes() {
    let guide = text("docs/vendor.md");
    for reason in Reason::ALL {
        let code = upper_snake(&format!("{:?}", reason.grpc_code()));
        let row = format!("| `{reason}` | {code}, {} |", reason.http_status());
        assert!(guide.contains(&row), "docs/vendor.md lacks the row `{row} …`");
    }
}

/// `InvalidArgument` is `INVALID_ARGUMENT` in the documents of gRPC.
fn upper_snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

#[test]
fn the_clerks_guide_explains_every_code_of_a_report() {
    let guide = text("docs/clerk.pl.md");
    let source = text("datasets/src/report/mod.rs");
    let codes: Vec<&str> =
        source.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        assert!(guide.contains(&format!("| `{code}` |")), "docs/clerk.pl.md does not explain {code}");
    }
}

#[test]
fn the_clerks_guide_explains_what_is_not_evaluated() {
    let guide = text("docs/clerk.pl.md");
    let server = Server::start();
    for (pattern, sample) in [("rb28s", kutno_sample()), ("jakosc_powietrza", air_sample())] {
        let file = sample.to_str().expect("a path");
        let told =
            server.hub("", &["--format", "json", "check", file, "--pattern", pattern]).expect(0).json();
        let listed = told["report"]["not_evaluated"].as_array().expect("a list");
        let named = listed.iter().filter_map(|name| name.as_str()).filter(|name| name.contains(' '));
        let unexplained: Vec<&str> = named.filter(|name| !guide.contains(&format!("| `{name}` |"))).collect();
        assert!(!listed.is_empty() && unexplained.is_empty(), "{pattern}: {unexplained:?}");
    }
}

#[test]
fn links_of_pages_lead_somewhere() {
    let root = repository();
    let mut pages: Vec<PathBuf> = ["README.md", "README.pl.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(|name| root.join(name))
        .to_vec();
    for folder in [
        "docs",
        "docs/decisions",
        "datasets",
        "proto",
        "proto/conformance",
        "hub-client",
        "hub-server",
        "benches",
    ] {
        let entries = fs::read_dir(root.join(folder)).expect("a folder of the repository");
        let files = entries.map(|entry| entry.expect("an entry").path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    for page in pages {
        let content = fs::read_to_string(&page).expect("a page");
        for link in content.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
        {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let target = page.parent().expect("a page lies in a folder").join(path);
            assert!(target.exists(), "{}: the link `{link}` leads nowhere", page.display());
        }
    }
}
