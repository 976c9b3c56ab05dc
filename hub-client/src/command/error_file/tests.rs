//! An error file that is sent back says what the sender's file said: nothing was lost on the way.

use std::path::Path;

use hub_datasets::check::{Context, Publisher};
use hub_datasets::pattern::With;
use hub_datasets::report::{Code, Language};
use hub_datasets::{CodeLists, Pattern, Patterns, Settings};

use super::*;
use hub_client::offline;

/// Kinds and numbers of findings above a note; those about the form of the payload are another file's.
fn said(report: &Report) -> Vec<(Code, String, u64)> {
    let grave = report.counts.iter().filter(|count| count.severity > Severity::Info);
    grave.map(|count| (count.code, count.rule.clone(), count.count)).collect()
}

fn checker(pattern: &Arc<Pattern>, samples: &Path) -> Checker {
    let told = std::fs::read_to_string(samples.join("context.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let publisher = Publisher {
        id: text(&told["publisher"]["id"]),
        terc6: Some(text(&told["publisher"]["terc6"])),
        regon: None,
    };
    Checker::new(Context {
        pattern: Arc::clone(pattern),
        lists: Arc::new(CodeLists::embedded().unwrap()),
        period: Some(text(&told["period"]).parse().unwrap()),
        publisher: Some(publisher),
    })
    .unwrap()
}

fn checked(file: &Path, media: MediaType, checker: &Checker) -> Report {
    let alone = checker.comparing(Vec::new(), &[]).unwrap();
    offline::check(file, media, checker, alone, &|_| {}).unwrap()
}

#[test]
fn an_error_file_has_the_findings_of_the_file_that_it_is_about() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns");
    let folder = tempfile::tempdir().unwrap();
    let (mut compared, mut without) = (0, Vec::new());
    for pattern in Patterns::embedded().unwrap().iter() {
        let samples = root.join(pattern.reference()).join("samples");
        let checker = checker(pattern, &samples);
        for kind in ["valid", "invalid"] {
            for entry in std::fs::read_dir(samples.join(kind)).unwrap() {
                let file = entry.unwrap().path();
                let Some(media) = MediaType::of(&file) else { continue };
                if file.to_string_lossy().ends_with(".report.json") {
                    continue;
                }
                let settings = pattern.settings_of(&file.to_string_lossy(), &Settings::default());
                let checker = checker.with(settings);
                let report = checked(&file, media, &checker);
                let payload: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(&file).unwrap());
                let rows = || checker.error_rows(media, Arc::clone(&payload), &report, Language::Polish);
                if rows().is_err() {
                    assert!(report.blocks(), "{}", file.display());
                    without.push(file.file_name().unwrap().to_string_lossy().into_owned());
                    continue;
                }
                for (name, bytes) in
                    [("again.csv", csv(rows().unwrap())), ("again.xlsx", xlsx(rows().unwrap()))]
                {
                    let again = folder.path().join(name);
                    std::fs::write(&again, bytes.unwrap()).unwrap();
                    let media_again = MediaType::of(&again).unwrap();
                    // Its name says nothing; what the first file's name said must be in it.
                    let second = checked(&again, media_again, &checker.with(Settings::default()));
                    assert_eq!(said(&second), said(&report), "{} as {name}", file.display());
                    let rows = |report: &Report| report.rows_read - report.rows_set_aside;
                    assert_eq!(rows(&second), rows(&report), "{} as {name}", file.display());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 80, "{compared} files were compared");
    without.sort();
    without.retain(|name| !name.starts_with("paczka-") && !name.starts_with("cru-"));
    let whole = [
        "dwa-arkusze.xlsx",
        "formula-bez-wyniku.xlsx",
        "inny-dokument.json",
        "kodowanie-dwuznaczne.csv",
        "strona-html.csv",
    ];
    assert_eq!(without, whole, "samples that are wrong as a whole, documents aside");
}

#[test]
fn a_workbook_marks_the_cells_that_findings_are_about() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns/rb28s/1.0.0/samples");
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let checker = checker(&pattern, &root);
    let file = root.join("invalid/kod-spoza-listy.csv");
    let report = checked(&file, MediaType::Csv, &checker);
    let payload: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(&file).unwrap());
    let book = xlsx(checker.error_rows(MediaType::Csv, payload, &report, Language::Polish).unwrap()).unwrap();
    let mut zip = zip_part(&book, "xl/worksheets/sheet1.xml");
    let row = zip.split_off(zip.find(r#"<row r="3""#).unwrap());
    let cell = |name: &str| {
        let (_, cell) = row.split_once(&format!(r#"r="{name}""#)).unwrap();
        cell.split_once('>').unwrap().0.to_owned()
    };
    assert_eq!(cell("B3"), r#" t="s""#);
    assert!(cell("E3").contains("s="), "the code that is not on the list is marked: {row}");
}

fn zip_part(book: &[u8], name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.xlsx");
    std::fs::write(&path, book).unwrap();
    let read = std::process::Command::new("python3")
        .args(["-c", "import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())"])
        .arg(&path)
        .arg(name)
        .output()
        .unwrap();
    String::from_utf8(read.stdout).unwrap()
}

#[test]
fn what_is_written_beside_a_row_explains_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/patterns");
    let samples = root.join("rbnds/1.0.0/samples");
    let patterns = Patterns::embedded().unwrap();
    let checker = checker(&patterns.get("rbnds").unwrap(), &samples);
    let beside = samples.join("others/inny-niz-rb27s-i-rb28s");
    let report = |file: &Path, media| {
        let read = |with: &With| {
            let With::Pattern(id) = with else { panic!("{with:?}") };
            let pattern = patterns.get(id).unwrap();
            let mut other = checker.other(with, &pattern).unwrap();
            let lists = Arc::clone(&checker.context().lists);
            let reader = Checker::new(Context { pattern, lists, period: None, publisher: None }).unwrap();
            let file = beside.join(format!("{id}.csv"));
            assert!(offline::rows(&file, MediaType::Csv, &reader, |rows| other.add(rows)).unwrap());
            other
        };
        let others = checker.compared_with().iter().map(read).collect();
        let comparing = checker.comparing(others, &[]).unwrap();
        offline::check(file, media, &checker, comparing, &|_| {}).unwrap()
    };
    let file = samples.join("valid/inny-niz-rb27s-i-rb28s.csv");
    let first = report(&file, MediaType::Csv);
    assert_eq!((first.blocks(), first.unexplained()), (false, 2));
    let payload: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(&file).unwrap());
    let rows = || checker.error_rows(MediaType::Csv, Arc::clone(&payload), &first, Language::Polish).unwrap();
    let written = String::from_utf8(csv(rows()).unwrap()).unwrap();
    assert!(written.starts_with("\u{feff}symbol;plan;wykonanie;_uwagi;_wyjasnienie\n"), "{written}");
    let folder = tempfile::tempdir().unwrap();
    let back = folder.path().join("back.csv");
    // One of the two is explained, then both; the same file comes back with its own column.
    let said = written.replacen("wyjaśnij różnicę;", "wyjaśnij różnicę;Zwrot po terminie", 1);
    std::fs::write(&back, &said).unwrap();
    let second = report(&back, MediaType::Csv);
    assert_eq!((second.violations.len(), second.unexplained()), (first.violations.len() + 1, 1), "{said}");
    let payload: Arc<dyn ReadAt> = Arc::new(PayloadFile::open(&back).unwrap());
    assert!(!checker.error_rows(MediaType::Csv, payload, &second, Language::Polish).unwrap().asks());
    std::fs::write(&back, written.replace("wyjaśnij różnicę;", "wyjaśnij różnicę;Zwrot po terminie"))
        .unwrap();
    let third = report(&back, MediaType::Csv);
    assert_eq!(third.unexplained(), 0);
    let explained = third.violations.iter().filter(|found| found.explanation == "Zwrot po terminie");
    assert_eq!(explained.count(), 2);
    // A workbook has the column too, and is read back.
    let sheet = folder.path().join("back.xlsx");
    std::fs::write(&sheet, xlsx(rows()).unwrap()).unwrap();
    assert_eq!(report(&sheet, MediaType::Xlsx).unexplained(), 2);
}
