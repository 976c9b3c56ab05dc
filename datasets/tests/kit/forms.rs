//! Forms.

use hub_datasets::MediaType;
use hub_datasets::kit::{csv_form, xlsx_form};
use hub_datasets::report::{Change, Code, Report};

use super::filled::{filled, part, rows};
use super::{check, embedded, samples};

/// What is wrong, and how often.
fn told(report: &Report) -> Vec<(Code, String, u64)> {
    let said = report.counts.iter().filter(|count| count.code != Code::SheetSetAside);
    said.map(|count| (count.code, count.rule.clone(), count.count)).collect()
}

#[test]
fn a_form_that_is_filled_in_is_accepted_as_it_is() {
    let (patterns, lists) = embedded();
    for pattern in patterns.iter() {
        let form = xlsx_form(pattern, &lists).unwrap();
        let mut tried = 0;
        for entry in std::fs::read_dir(samples(pattern).join("valid")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "csv") {
                continue;
            }
            let expected: Report =
                serde_json::from_slice(&std::fs::read(path.with_extension("report.json")).unwrap()).unwrap();
            // `24:00` is filled in as it is.
            let is_plain = expected.normalised.iter().all(|of| of.change == Change::HourForm);
            if !is_plain || expected.rows_set_aside > 0 {
                continue;
            }
            let (header, rows) = rows(&std::fs::read(&path).unwrap());
            let is_own = |name: &String| pattern.column(name).is_some();
            if !header.iter().all(is_own) {
                continue;
            }
            tried += 1;
            let report = check(pattern, &lists, MediaType::Xlsx, filled(&form, pattern, &header, &rows));
            assert!(!report.blocks(), "{}: {:#?}", path.display(), report.violations);
            assert_eq!(report.rows_read, expected.rows_read, "{}", path.display());
            let compared = |rule: &str| pattern.compares.iter().any(|compare| compare.id == rule);
            let all: Vec<_> = told(&expected).into_iter().filter(|(_, rule, _)| !compared(rule)).collect();
            assert_eq!(told(&report), all, "{}", path.display());

            // The same rows below the header of the CSV form.
            let mut csv = csv_form(pattern);
            for row in &rows {
                let cell = |name: &String| header.iter().position(|of| of == name).map_or("", |at| &row[at]);
                let cells = pattern.columns.iter().map(|column| cell(&column.name).replace('"', "\"\""));
                let cells: Vec<_> = cells.map(|cell| format!("\"{cell}\"")).collect();
                csv.extend_from_slice(format!("{}\r\n", cells.join(";")).as_bytes());
            }
            let report = check(pattern, &lists, MediaType::Csv, csv);
            assert!(!report.blocks(), "{}: {:#?}", path.display(), report.violations);
        }
        assert!(tried > 0, "{} has no plain valid sample", pattern.reference());
    }
}

#[test]
fn an_empty_form_is_refused_as_an_empty_file() {
    let (patterns, lists) = embedded();
    for pattern in patterns.iter() {
        let form = xlsx_form(pattern, &lists).unwrap();
        for (media, bytes) in [(MediaType::Xlsx, form), (MediaType::Csv, csv_form(pattern))] {
            let report = check(pattern, &lists, media, bytes);
            assert!(report.blocks());
            let codes: Vec<_> = told(&report).into_iter().map(|(code, ..)| code).collect();
            assert_eq!(codes, [Code::EmptyFile], "{} {media:?}", pattern.reference());
        }
    }
}

#[test]
fn a_form_is_the_same_each_time() {
    let (patterns, lists) = embedded();
    for pattern in patterns.iter() {
        assert!(xlsx_form(pattern, &lists).unwrap() == xlsx_form(pattern, &lists).unwrap());
    }
}

#[test]
fn cells_offer_what_the_lists_hold() {
    let (patterns, lists) = embedded();
    let form = xlsx_form(&patterns.get("rb28s").unwrap(), &lists).unwrap();
    let sheet = part(&form, "xl/worksheets/sheet1.xml");
    // dzial, rozdzial and paragraf; grupa is looked up together with two others, terc is too long a list.
    assert_eq!(sheet.matches("<dataValidation ").count(), 3, "{sheet}");
    assert!(sheet.contains("'Słowniki'!$A$2:$A$"), "{sheet}");
    let texts = part(&form, "xl/sharedStrings.xml");
    assert!(texts.contains(">801<") && texts.contains("Oświata i wychowanie"), "the list of sections");
    let frozen = "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>";
    assert!(sheet.contains(frozen), "{sheet}");
}
