//! What is made of patterns for those who send, and what operators do with new ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hub_datasets::Patterns;
use hub_datasets::kit::unpack;
use hub_datasets::pattern::embedded_pattern;
use serde_json::Value;

use crate::harness::{
    Output, PERIOD, Server, get, get_with, kutno_sample, run, sample, server_binary, synthetic,
};

/// Runs an offline command on a folder.
fn offline(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(server_binary());
    run(command.args(args).arg("--data-dir").arg(root))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Runs `hub` without a hub.
fn alone(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(server_binary().with_file_name("hub"));
    run(command.args(args).env_remove("HUB_ENDPOINT").env("HUB_CONFIG_DIR", folder.path()).env("LC_ALL", "C"))
}

fn unpacked(kit: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in unpack(&fs::read(kit).expect("a kit")).expect("a kit") {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

/// A folder with the embedded `rb28s`, some of its texts replaced.
fn draft(changes: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in embedded_pattern("rb28s/1.0.0") {
        let mut bytes = bytes.to_vec();
        for (_, from, to) in changes.iter().filter(|(of, ..)| *of == name) {
            let content = String::from_utf8(bytes).expect("text");
            assert!(content.contains(from), "{name} lacks {from}");
            bytes = content.replace(from, to).into_bytes();
        }
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

/// `rb28s` 1.1.0 with a new column that files may lack.
fn minor(version: &str) -> tempfile::TempDir {
    let column = "  - name: notatka\n    title_en: Note\n    role: attribute\n  - name: okres\n";
    let field =
        "{\"name\": \"notatka\", \"title\": \"Notatka\", \"type\": \"string\"},\n    {\"name\": \"okres\"";
    draft(&[
        ("pattern.yaml", "version: 1.0.0", &format!("version: {version}")),
        ("pattern.yaml", "  - name: okres\n", column),
        ("schema.json", "{\"name\": \"okres\"", field),
    ])
}

#[test]
fn every_sample_of_a_kit_gets_the_report_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for pattern in Patterns::embedded().expect("patterns").iter() {
        let id = pattern.id.as_str();
        let kit = folder.path().join(format!("{id}.zip"));
        alone(&["patterns", "kit", id, "--out", text(&kit)]).expect(0);
        let again = folder.path().join("again.zip");
        alone(&["patterns", "kit", id, "--out", text(&again)]).expect(0);
        assert!(
            fs::read(&kit).expect("a kit") == fs::read(&again).expect("a kit"),
            "{id} is the same each time"
        );
        let kit = unpacked(&kit);
        let samples = kit.path().join(pattern.reference()).join("samples");
        let context: Value =
            serde_json::from_slice(&fs::read(samples.join("context.json")).expect("a context"))
                .expect("JSON");
        let (period, publisher) = (
            context["period"].as_str().expect("a period"),
            context["publisher"]["id"].as_str().expect("an id"),
        );
        let of = [
            "--pattern",
            id,
            "--period",
            period,
            "--publisher",
            publisher,
            "--alone",
            "--patterns-dir",
            text(kit.path()),
        ];
        let lists = fs::read_dir(kit.path().join("lists")).map_or(0, Iterator::count);
        let named: BTreeSet<&str> = pattern.references.iter().map(|of| of.list.as_str()).collect();
        assert_eq!(lists, named.len(), "{id} brings its code lists");
        let (mut plain, mut checked) = (Vec::new(), 0);
        for path in sample_files(&samples) {
            let others = samples.join("others").join(path.file_stem().expect("a name"));
            if !others.is_dir() {
                plain.push(path);
                continue;
            }
            let mut more = Vec::new();
            for other in fs::read_dir(&others).expect("files").map(|entry| entry.expect("an entry").path()) {
                let stem = other.file_stem().expect("a name").to_string_lossy().into_owned();
                match stem.as_str() {
                    "previous" => more.extend(["--previous".to_owned(), text(&other).to_owned()]),
                    _ => more.extend(["--with".to_owned(), format!("{stem}={}", text(&other))]),
                }
            }
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            checked += as_expected(&[path], &[&of[..], &more].concat());
        }
        checked += as_expected(&plain, &of);
        assert!(checked >= 2, "{id}");
    }
}

/// The samples of a pattern, valid and invalid.
fn sample_files(samples: &Path) -> Vec<PathBuf> {
    let of_kind = |kind| fs::read_dir(samples.join(kind)).expect("samples");
    let files =
        ["valid", "invalid"].into_iter().flat_map(of_kind).map(|entry| entry.expect("an entry").path());
    files.filter(|path| !path.to_string_lossy().ends_with(".report.json")).collect()
}

/// Checks samples by one command and compares what it says with the reports beside them; gives how many there are.
fn as_expected(samples: &[PathBuf], more: &[&str]) -> usize {
    let files: Vec<&str> = samples.iter().map(|path| text(path)).collect();
    let told = alone(&[&["--format", "json", "check"], &files[..], more].concat());
    let lines: Vec<Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), samples.len(), "{}", told.stderr);
    for (path, line) in samples.iter().zip(lines) {
        let expected = fs::read(path.with_extension("report.json")).expect("a report");
        let expected: Value = serde_json::from_slice(&expected).expect("JSON");
        assert_eq!(line["report"], expected, "{}", path.display());
        let is_valid = path.parent().is_some_and(|folder| folder.ends_with("valid"));
        assert!((line["verdict"] == "REFUSED") != is_valid, "{}: {}", path.display(), line["verdict"]);
    }
    samples.len()
}

#[test]
fn the_hub_serves_pages_forms_and_kits_to_everyone() {
    let server = Server::start();
    let page = get(server.http, "/patterns");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(
        html.contains("<html lang=\"pl\">") && html.contains("href=\"patterns/rb28s?lang=pl\""),
        "{html}"
    );
    let english = get_with(server.http, "/patterns/rb28s", &[("Accept-Language", "de, en;q=0.8, pl;q=0.5")]);
    let html = String::from_utf8_lossy(&english.body).into_owned();
    assert!(html.contains("<html lang=\"en\">") && html.contains("wykonanie_nie_maleje"), "{html}");
    let polish = get_with(server.http, "/patterns/rb28s?lang=pl", &[("Accept-Language", "en")]);
    assert!(String::from_utf8_lossy(&polish.body).contains("<html lang=\"pl\">"));
    let etag = polish.header("etag").to_owned();
    let same = get_with(server.http, "/patterns/rb28s?lang=pl", &[("If-None-Match", &etag)]);
    assert_eq!((same.status, same.body.len()), (304, 0));

    // The hub's files are those that `hub` makes without one, and those that it fetches.
    let folder = tempfile::tempdir().expect("a folder");
    for (what, address, name) in [
        ("template", "/patterns/rb28s/template.xlsx", "form.xlsx"),
        ("template", "/patterns/rb28s/template.csv", "form.csv"),
        ("kit", "/patterns/rb28s/kit.zip", "kit.zip"),
    ] {
        let served = get(server.http, address);
        assert_eq!(served.status, 200, "{address}");
        assert!(served.header("content-disposition").contains("rb28s"), "{address}");
        let out = folder.path().join(name);
        alone(&["patterns", what, "rb28s", "--out", text(&out)]).expect(0);
        assert!(served.body == fs::read(&out).expect("a file"), "{address}");
        server.hub("publisher", &["patterns", what, "rb28s", "--out", text(&out), "--from-hub"]).expect(0);
        assert!(served.body == fs::read(&out).expect("a file"), "{address}");
    }
    let unknown = get(server.http, "/patterns/nic/template.xlsx");
    assert_eq!(unknown.status, 404);
    assert!(String::from_utf8_lossy(&unknown.body).contains("PATTERN_UNKNOWN"));
    let out = folder.path().join("x.zip");
    server
        .hub("publisher", &["patterns", "kit", "nic", "--out", text(&out), "--from-hub"])
        .expect(1)
        .says("PATTERN_UNKNOWN");
    alone(&["patterns", "kit", "nic", "--out", text(&out)]).expect(2).says("--from-hub");
    alone(&["patterns", "kit", "rb28s", "--out", "x.tar"]).expect(2).says(".zip");
}

#[test]
fn a_registered_version_is_the_one_that_the_hub_works_with() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q3", &[]);
    let draft = minor("1.1.0");
    let dir = text(draft.path()).to_owned();
    offline(&root, &["pattern", "register", &dir]).expect(1).says("a hub-server runs on");
    assert!(server.stop().success());

    let told = offline(&root, &["pattern", "register", &dir, "--dry-run"]).expect(0);
    assert!(told.stdout.contains("minor\tCOLUMN_ADDED\tcolumns: notatka"), "{}", told.stdout);
    assert!(!root.join("patterns").exists());
    offline(&root, &["pattern", "register", &dir]).expect(0).says("is registered");
    offline(&root, &["pattern", "register", &dir]).expect(0).says("there is nothing to do");
    let listed = offline(&root, &["pattern", "list"]).expect(0).stdout;
    assert!(
        listed.contains("rb28s/1.1.0\tregistered") && listed.contains("rb28s/1.0.0\tprogram"),
        "{listed}"
    );

    server.restart();
    let shown = server.hub("publisher", &["patterns", "show", "rb28s", "--format", "json"]).expect(0).stdout;
    assert!(shown.contains("1.1.0") && shown.contains("notatka"), "{shown}");
    let sample = fs::read_to_string(kutno_sample()).expect("the sample");
    let mut lines = sample.lines();
    let header = format!("{},notatka\n", lines.next().expect("a header"));
    let rows: String = lines.map(|line| format!("{line},z uwagą\n")).collect();
    let file = server.file("uwagi.csv", format!("{header}{rows}").as_bytes());
    server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
    let of_period = format!("SELECT count(*) FROM rb28s WHERE okres = '{PERIOD}' AND notatka = 'z uwagą'");
    assert_eq!(server.cell("ministry", &of_period), "293");
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s WHERE notatka IS NULL"), "293");
    // A workbook is decoded by a worker, which knows the version too.
    let form = server.root().join("dev/form.xlsx");
    server.hub("publisher", &["patterns", "template", "rb28s", "--out", text(&form), "--from-hub"]).expect(0);
    server.push("publisher", &form, "rb28s", "2022-M11", &[]).expect(3).says("EMPTY_FILE");
    // A vendor checks with the kit of the hub's version.
    let kit = server.root().join("dev/kit.zip");
    server.hub("publisher", &["patterns", "kit", "rb28s", "--out", text(&kit), "--from-hub"]).expect(0);
    let kit = unpacked(&kit);
    let args = ["check", text(&file), "--pattern", "rb28s", "--period", PERIOD];
    alone(&args).expect(3).says("COLUMN_UNKNOWN");
    alone(&[&args[..], &["--patterns-dir", text(kit.path())]].concat()).expect(0).says("rb28s/1.1.0");

    // Damaged, it and its other versions rest; all else is served.
    assert!(server.stop().success());
    let path = root.join("patterns/rb28s-1.1.0.pattern");
    let whole = fs::read(&path).expect("a registered pattern");
    let mut rotten = whole.clone();
    let at = rotten.len() / 2;
    rotten[at] ^= 1;
    fs::write(&path, &rotten).expect("a file");
    let verify = ["verify", "data"];
    let told = offline(&root, &verify).expect(1);
    assert!(told.stdout.contains("rb28s-1.1.0.pattern: its bytes are not those"), "{}", told.stdout);
    let listed = offline(&root, &["pattern", "list"]).expect(0).stdout;
    assert!(listed.contains("rb28s-1.1.0\tunusable") && listed.contains("rb27s/1.0.0\tprogram"), "{listed}");
    offline(&root, &["pattern", "register", text(minor("1.2.0").path())]).expect(1).says("cannot be used");
    server.restart();
    assert!(server.log().contains("rb28s-1.1.0"), "{}", server.log());
    server.push("publisher", &file, "rb28s", PERIOD, &[]).expect(1).says("PATTERN_UNKNOWN");
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb27s"), "0");
    assert!(server.stop().success());
    fs::write(&path, &whole).expect("a file");
    offline(&root, &verify).expect(0);
    server.restart();
    assert_eq!(server.cell("ministry", &of_period), "293");
}

#[test]
fn the_same_bytes_under_other_rules_are_judged_anew() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    let first = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let again = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(again["unchanged"], true);
    // Long enough that the client asks first whether the hub has it.
    let long = server.file("long.csv", &synthetic("rb28s", "100201", "2023-Q4", 1_200, 7));
    server.accepted("publisher", &long, "rb28s", "2023-Q4", &[]);
    assert!(server.stop().success());
    offline(&root, &["pattern", "register", text(minor("1.1.0").path())]).expect(0);
    server.restart();
    for (file, period) in [(kutno_sample(), PERIOD), (long, "2023-Q4")] {
        let anew = server.accepted("publisher", &file, "rb28s", period, &[]);
        assert_eq!((&anew["unchanged"], &anew["report"]["pattern"]), (&false.into(), &"rb28s/1.1.0".into()));
        let again = server.accepted("publisher", &file, "rb28s", period, &[]);
        assert_eq!((&again["unchanged"], &again["receipt"]), (&true.into(), &anew["receipt"]));
    }
    let shown = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0).stdout;
    let of_sample: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|one: &Value| one["period"] == PERIOD)
        .collect();
    let states: Vec<_> =
        of_sample.iter().map(|one| (one["state"].clone(), one["revision"].clone())).collect();
    assert_eq!(states, [("COMMITTED".into(), 2.into()), ("SUPERSEDED".into(), 1.into())]);
    assert_ne!(of_sample[0]["submission"], first["submission"]["submission"]);
}

#[test]
fn a_report_under_an_earlier_major_is_not_taken_back_and_that_is_told() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    let first = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let id = first["submission"]["submission"].as_str().expect("an id");
    assert!(server.stop().success());
    let major = draft(&[
        ("pattern.yaml", "unit: zł", "unit: tys. zł"),
        ("pattern.yaml", "version: 1.0.0", "version: 2.0.0"),
    ]);
    offline(&root, &["pattern", "register", text(major.path())]).expect(0);
    server.restart();
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "0");
    let withdraw = ["submissions", "withdraw", id, "--confirm-deletions"];
    server
        .hub("publisher", &withdraw)
        .expect(1)
        .says("STATE_CONFLICT")
        .says("`rb28s_v1`, an earlier major version");
    // Sent again it is a report under the newest one, which can be taken back.
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "293");
}

/// File, text and what stands in its place.
type Changes = &'static [(&'static str, &'static str, &'static str)];

#[test]
fn a_number_that_is_too_small_is_refused_with_what_it_needs() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    assert!(server.stop().success());
    let cases: [(Changes, &str, &str); 4] = [
        (&[("pattern.yaml", "unit: zł", "unit: tys. zł")], "VERSION_KNOWN", "2.0.0"),
        (
            &[
                ("pattern.yaml", "owner: mf", "owner: gus"),
                ("pattern.yaml", "version: 1.0.0", "version: 1.0.1"),
            ],
            "VERSION_TOO_SMALL",
            "1.1.0",
        ),
        (
            &[
                ("pattern.yaml", "owner: mf", "owner: gus"),
                ("pattern.yaml", "version: 1.0.0", "version: 0.9.0"),
            ],
            "VERSION_OLDER",
            "1.1.0",
        ),
        (
            &[
                ("pattern.yaml", "licence: CC-BY-4.0", "licence: CC0-1.0"),
                ("pattern.yaml", "version: 1.0.0", "version: 1.9.0"),
            ],
            "VERSION_TOO_SMALL",
            "2.0.0",
        ),
    ];
    for (changes, reason, least) in cases {
        let draft = draft(changes);
        let told = offline(&root, &["pattern", "register", text(draft.path())]).expect(1);
        assert!(told.stderr.contains(reason) && told.stderr.contains(least), "{}", told.stderr);
    }
    // All that is wrong is told at once, and samples must hold.
    let wrong = draft(&[
        ("pattern.yaml", "unit_level: gmina", "unit_level: miasto"),
        ("pattern.yaml", "list: dzialy", "list: dzialki"),
    ]);
    let told = offline(&root, &["pattern", "register", text(wrong.path())]).expect(1);
    assert!(told.stderr.contains("miasto") && told.stderr.contains("dzialki"), "{}", told.stderr);
    let milder = draft(&[
        ("pattern.yaml", "version: 1.0.0", "version: 1.1.0"),
        (
            "pattern.yaml",
            "wykonanie_do_zaangazowania\n    severity: block",
            "wykonanie_do_zaangazowania\n    severity: warn",
        ),
    ]);
    let told = offline(&root, &["pattern", "register", text(milder.path())]).expect(1);
    assert!(
        told.stderr.contains("regula-wykonanie-ponad-zaangazowanie.csv: gets another report"),
        "{}",
        told.stderr
    );
    // A line each, however long the reports are.
    let longest = told.stderr.lines().map(str::len).max().unwrap_or(0);
    assert!(longest < 500, "{}", told.stderr);
    assert!(!root.join("patterns").exists());
}

#[test]
fn a_trial_says_what_a_draft_would_refuse() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    // What was withdrawn is sent no more, and the withdrawal sent nothing.
    let withdrawn = server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q3", &[]);
    let withdrawn = withdrawn["submission"]["submission"].as_str().expect("an id");
    server.hub("publisher", &["submissions", "withdraw", withdrawn, "--confirm-deletions"]).expect(0);
    assert!(server.stop().success());
    let local: PathBuf = kutno_sample().with_file_name("kutno-sp1-2022-q4-metryka.csv");

    let same = draft(&[]);
    let told = offline(&root, &["pattern", "trial", text(same.path()), text(&local)]).expect(0);
    assert!(told.stdout.contains("rb28s/1.0.0: 2 of 2 pass"), "{}", told.stdout);
    // What is compared with other reports is not judged, and that is told.
    let open = told.stdout.lines().find(|line| line.starts_with("not judged")).expect("a line");
    assert!(open.contains("wykonanie_nie_maleje"), "{open}");

    let harder =
        draft(&[("pattern.yaml", "\"wykonanie <= zaangazowanie\"", "\"wykonanie < zaangazowanie\"")]);
    let told = offline(&root, &["pattern", "trial", text(harder.path())]).expect(3);
    assert!(told.stdout.contains("fail\tgmina-100201\t2022-Q4\t"), "{}", told.stdout);
    assert!(told.stdout.contains("rb28s/1.0.0: 0 of 1 pass"), "{}", told.stdout);
    let line = "`wykonanie` (field 9) fails in ";
    assert!(
        told.stdout.contains(line) && told.stdout.contains("wykonanie_do_zaangazowania — "),
        "{}",
        told.stdout
    );
    let told = offline(&root, &["pattern", "trial", text(harder.path()), "--format", "json"]).expect(3);
    let lines: Vec<Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[1]["pass"], 0);
    assert_eq!(lines[1]["failing"][0]["field"], 9);
    assert_eq!(lines[0]["report"]["rows_read"], 293);
    assert!(!root.join("patterns").exists());
    let unused = draft(&[("pattern.yaml", "\"wykonanie <= zaangazowanie\"", "\"wykonanie <= nic\"")]);
    offline(&root, &["pattern", "trial", text(unused.path())]).expect(1).says("nic");
    server.restart();
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "293");
}

/// What the hub would refuse before it looks at a row is refused at home too.
#[test]
fn a_check_takes_the_periods_that_the_hub_takes() {
    let path = sample("rbnds", "valid/wzorcowy.csv");
    for period in ["2022", "2022-S1", "2022-M11", "2022-11-05"] {
        let told = alone(&["check", text(&path), "--pattern", "rbnds", "--period", period]);
        told.expect(2).says("takes no period like").says("2022-Q4");
    }
}

#[test]
fn a_web_page_named_as_a_table_is_told_so_without_a_pattern() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("dane.csv");
    fs::write(&page, "<!DOCTYPE html>\n<html><body>404</body></html>\n").expect("a file");
    alone(&["check", text(&page)]).expect(2).says("its content is HTML");
}
