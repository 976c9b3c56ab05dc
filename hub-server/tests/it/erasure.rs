//! Erasure, from the outside: a marker that stood in several columns is in no byte of the folder, everybody else's
//! rows are what they were, and the command may be killed anywhere.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Output, Server, files_below, get, run, sample, server_binary, unpacked, wait_for};

/// In the slice column, which is of the key, and in a free text.
const MARKER: &str = "OzimekSkarga";
const DATASET: &str = "skargi";
const PERIOD: &str = "2017-M02";
const REASON: &str = "art. 17 RODO, DPO-12/2026";
const ROWS: &str =
    "SELECT _publisher, _revision, stanowisko_kod, wskaznik, czas, wartosc FROM skargi ORDER BY 1, 3, 5";
/// Checkpoints and packs are always at work.
const KEPT_SHORT: [(&str, &str); 3] = [
    ("HUB_LIMITS_CHECKPOINT_VERSIONS", "2"),
    ("HUB_LIMITS_LOG_MARGIN_VERSIONS", "0"),
    ("HUB_LIMITS_OPEN_VERSION_MS", "0"),
];
const PATIENCE: Duration = Duration::from_secs(90);
const SIGABRT: i32 = 6;

/// A pattern like the one of air quality, whose column `wskaznik` takes any text.
fn patterns() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let version = folder.path().join(DATASET).join("1.0.0");
    fs::create_dir_all(&version).expect("a folder");
    let original = sample("jakosc_powietrza", "SOURCE.md");
    let original = original.ancestors().nth(2).expect("the folder of the pattern");
    let pattern = fs::read_to_string(original.join("pattern.yaml")).expect("a pattern");
    let listed = "  - columns: [wskaznik]\n    list: wskazniki_powietrza\n    severity: block\n";
    assert!(pattern.contains(listed));
    let free = pattern.replace("id: jakosc_powietrza\n", &format!("id: {DATASET}\n")).replace(listed, "");
    fs::write(version.join("pattern.yaml"), free).expect("a file");
    fs::copy(original.join("schema.json"), version.join("schema.json")).expect("a file");
    folder
}

/// Rows of posts: name, text, rows (up to 644).
fn payload(posts: &[(&str, &str, usize)]) -> Vec<u8> {
    let mut text = "stanowisko_kod,wskaznik,czas,wartosc,wartosc__status,zatwierdzenie\n".to_owned();
    for (post, about, rows) in posts {
        for row in 0..*rows {
            let (day, hour) = (row / 23 + 1, row % 23 + 1);
            text.push_str(&format!("Kp{post}-PM10-1g,{about},2017-02-{day:02} {hour:02}:00,{row}.5,A,V\n"));
        }
    }
    text.into_bytes()
}

/// A stopped server's folder in which a submission lived that is to go.
struct Lived {
    server: Server,
    patterns: TempDir,
    /// Of the submission.
    id: String,
    receipt: Value,
    /// Rows of dataset versions 1, 2, …
    versions: Vec<Vec<String>>,
}

fn id_of(pushed: &Value) -> String {
    pushed["submission"]["submission"].as_str().expect("an id").to_owned()
}

impl Lived {
    /// `more`: posts that make the submission so long that its bytes have a file of their own.
    fn new(more: usize) -> Self {
        let patterns = patterns();
        let folder = patterns.path().to_str().expect("a plain path").to_owned();
        let mut variables = vec![("HUB_PATTERNS_DIR", folder.as_str())];
        variables.extend(KEPT_SHORT);
        let mut server = Server::start_with(&variables);
        let push = |profile: &str, posts: &[(&str, &str, usize)], more: &[&str]| {
            let file = server.file("posts.csv", &payload(posts));
            server.accepted(profile, &file, DATASET, PERIOD, more)
        };
        push("publisher2", &[("Inny", "pył", 5)], &[]);
        push("publisher", &[("Alfa", "pył", 2), ("Beta", "pył", 3)], &[]);
        let about = format!("{MARKER} pisze: hałas");
        let names: Vec<String> = (0..more).map(|number| format!("{MARKER}{number}")).collect();
        let mut posts = vec![("Alfa", "pył", 3), (MARKER, about.as_str(), 4)];
        posts.extend(names.iter().map(|name| (name.as_str(), about.as_str(), 644)));
        let sent = push("publisher", &posts, &[]);
        // The same bytes again change nothing, and lie in the spool as well.
        assert_eq!(push("publisher", &posts, &[])["unchanged"], true);
        let carried = push("publisher", &[("Gamma", "pył", 2)], &[]);
        let carried = carried["submission"]["carried_slices"].to_string();
        assert!(carried.contains(MARKER), "{carried}");
        push("publisher2", &[("Inny", "pył", 6)], &[]);
        let extract = || get(server.http, &format!("/datasets/{DATASET}/latest/extract.csv")).status == 302;
        wait_for(PATIENCE, || extract().then_some(())).expect("an extract");
        let versions = (1..=5).map(|version| as_of(&server, version).expect("a version")).collect();
        let packs = server.root().join(format!("tables/{DATASET}_v1/_hub/log"));
        // A pack that was written in a pause between two pushes holds earlier versions only.
        let is_pack = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "pack");
        let archived = || files_below(&packs).iter().any(|path| is_pack(path) && holds(path)).then_some(());
        wait_for(PATIENCE, archived).expect("an archive");
        assert!(server.stop().success());
        let receipt = sent["receipt"]["document"].clone();
        Self { server, patterns, id: id_of(&sent), receipt, versions }
    }

    fn command(&self, root: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(server_binary());
        command.args(args).arg("--data-dir").arg(root).env("HUB_PATTERNS_DIR", self.patterns.path());
        command
    }

    fn erase(&self, root: &Path, more: &[&str]) -> Output {
        run(&mut self.command(root, &[&["erase", &self.id, "--reason", REASON], more].concat()))
    }

    fn on(&self, root: &Path) -> Server {
        let mut command = Command::new(server_binary());
        command.env("HUB_PATTERNS_DIR", self.patterns.path()).envs(KEPT_SHORT);
        Server::under(root, &mut command)
    }

    fn verify(&self, root: &Path) -> Output {
        run(&mut self.command(root, &["verify", "data"]))
    }

    /// Everybody else's rows are as they were, the submission is in no state, and its receipt is the same.
    fn assert_erased(&self, server: &Server) {
        for (at, rows) in self.versions.iter().enumerate() {
            let version = at as u64 + 1;
            match as_of(server, version) {
                Ok(read) => assert_eq!((&read, version < 3), (rows, true), "version {version}"),
                Err(told) => {
                    assert!(version >= 3, "version {version}: {}", told.stderr);
                    told.says("ERASED");
                }
            }
        }
        let newest = as_of(server, 6).expect("the version of the erasure");
        let others = |rows: &[String]| -> Vec<String> {
            // What the submission sent of the other post is gone too: revision 2 was it.
            rows.iter().filter(|row| !row.contains(MARKER) && !row.contains(",2,KpAlfa")).cloned().collect()
        };
        assert_eq!(newest, others(self.versions.last().expect("versions")));
        let show = ["--format", "json", "submissions", "show", &self.id];
        let shown = server.hub("publisher", &show).expect(0).json();
        assert_eq!((&shown["state"], &shown["erasure"]["reason"]), (&json!("ERASED"), &json!(REASON)));
        let receipt = server.hub("publisher", &["submissions", "receipt", &self.id]).expect(0).stdout;
        assert_eq!(json!(receipt.trim_end()), self.receipt);
        server.hub("publisher", &["submissions", "report", &self.id]).expect(1).says("ERASED");
        let old = get(server.http, &format!("/datasets/{DATASET}/versions/5/extract.csv"));
        assert_eq!(old.status, 410, "{}", String::from_utf8_lossy(&old.body));
        assert!(String::from_utf8_lossy(&old.body).contains("ERASED"));
    }
}

fn as_of(server: &Server, version: u64) -> Result<Vec<String>, Output> {
    let version = version.to_string();
    let output = server.hub("ministry", &["--format", "csv", "query", ROWS, "--as-of", &version]);
    if output.code != 0 {
        return Err(output);
    }
    Ok(output.stdout.lines().skip(1).map(str::to_owned).collect())
}

/// Files of a data folder that hold the marker, as bytes or in what they pack. What the tests sent lies below `dev`.
fn marked(root: &Path) -> Vec<PathBuf> {
    let files = files_below(root).into_iter().filter(|path| !path.starts_with(root.join("dev")));
    files.filter(|path| holds(path)).collect()
}

fn holds(path: &Path) -> bool {
    let bytes = fs::read(path).expect("a file of the hub");
    if bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
        return true;
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("pack") => unpacked(path).iter().any(|(text, _)| text.contains(MARKER)),
        Some("parquet") => {
            let reader =
                ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).expect("a Parquet file");
            let mut batches = reader.build().expect("a Parquet file").map(|batch| batch.expect("rows"));
            batches.any(|batch| {
                let mut text = Vec::new();
                let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
                writer.write(&batch).and_then(|()| writer.finish()).expect("rows as text");
                String::from_utf8_lossy(&text).contains(MARKER)
            })
        }
        _ => false,
    }
}

#[test]
fn a_marker_is_in_no_byte_and_everybody_elses_history_stays() {
    let lived = Lived::new(0);
    let root = lived.server.root();
    let before = marked(root);
    for part in ["/d/", "/_hub/log/", "/_delta_log/", "/spool/", "/extracts/", "catalog.sqlite"] {
        assert!(before.iter().any(|path| path.to_string_lossy().contains(part)), "{part}: {before:?}");
    }
    let bytes = |root: &Path| -> Vec<(PathBuf, u64)> {
        let files = files_below(&root.join("tables")).into_iter();
        files.map(|path| (path.clone(), fs::metadata(&path).map_or(0, |meta| meta.len()))).collect()
    };
    let there = bytes(root);
    lived.erase(root, &["--dry-run"]).expect(0).says("dataset versions that answer ERASED\t3 to 5");
    assert_eq!(bytes(root), there, "a dry run changes nothing");
    run(&mut lived.command(root, &["erase", &lived.id])).expect(2).says("--reason");
    let unknown = ["erase", "0192aaaa-0000-7000-8000-000000000000", "--reason", REASON];
    run(&mut lived.command(root, &unknown)).expect(1).says("there is no submission");

    let told = lived.erase(root, &["--by", "inspektor"]).expect(0);
    assert!(told.stdout.contains("dataset versions that answer ERASED\t3 to 5"), "{}", told.stdout);
    assert_eq!(marked(root), Vec::<PathBuf>::new());
    let verified = lived.verify(root).expect(0).says("was erased at").says("by inspektor").says(" 0 faults");
    assert_eq!(verified.stdout, "");
    lived.erase(root, &[]).expect(0).says("already").says("data files removed\t0, 0 bytes");

    let mut server = lived.on(root);
    lived.assert_erased(&server);
    lived.erase(root, &[]).expect(1).says("stop it, run this command");
    // The next revision goes on behind the erased one, and the hub makes a new extract.
    let file = server.file("posts.csv", &payload(&[("Alfa", "pył", 1)]));
    let next = server.accepted("publisher", &file, DATASET, PERIOD, &[]);
    assert_eq!(next["submission"]["revision"], 4);
    let newest = || get(server.http, &format!("/datasets/{DATASET}/versions/7/extract.csv")).status == 200;
    wait_for(PATIENCE, || newest().then_some(())).expect("an extract");
    assert!(server.stop().success());
    run(&mut lived.command(root, &["rebuild"])).expect(0);
    let mut server = lived.on(root);
    lived.assert_erased(&server);
    assert!(server.stop().success());
    assert_eq!(marked(root), Vec::<PathBuf>::new());
    assert_eq!(lived.verify(root).expect(0).stdout, "");
}

#[test]
fn original_bytes_in_a_file_of_their_own_go_too() {
    let lived = Lived::new(40);
    let root = lived.server.root();
    let is_evidence = |path: &PathBuf| path.starts_with(root.join("evidence"));
    assert!(marked(root).iter().any(is_evidence));
    lived.erase(root, &[]).expect(0);
    assert_eq!(marked(root), Vec::<PathBuf>::new());
    assert_eq!(lived.verify(root).expect(0).stdout, "");
    lived.assert_erased(&lived.on(root));
}

#[test]
fn an_erasure_that_is_killed_anywhere_is_ended_by_a_repetition() {
    let lived = Lived::new(40);
    let source = include_str!("../../src/fault.rs");
    let list = source.split_once("ERASE_POINTS: &[&str] = &[").expect("the list").1;
    let list = list.split_once("];").expect("its end").0;
    let points: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(points.len() >= 10, "{points:?}");
    for point in points {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        run(Command::new("cp").arg("-rT").arg(lived.server.root()).arg(root)).expect(0);
        let mut killed = lived.command(root, &["erase", &lived.id, "--reason", REASON]);
        let status = killed.env("HUB_FAULT", point).output().expect("the server's binary").status;
        assert_eq!(status.signal(), Some(SIGABRT), "{point}");
        // A server starts on what is left, in the old state or in the new one.
        let mut server = lived.on(root);
        if as_of(&server, 6).is_err() {
            for (at, rows) in lived.versions.iter().enumerate() {
                assert_eq!(as_of(&server, at as u64 + 1).expect("a version"), *rows, "{point}: {at}");
            }
        }
        assert!(server.stop().success(), "{point}");
        lived.erase(root, &[]).expect(0);
        assert_eq!(marked(root), Vec::<PathBuf>::new(), "{point}");
        assert_eq!(lived.verify(root).expect(0).stdout, "", "{point}");
        let mut server = lived.on(root);
        lived.assert_erased(&server);
        assert!(server.stop().success(), "{point}");
    }
}
