//! Row checks on the real patterns with files made up for one fault each.

use proptest::prelude::*;

use super::*;
use crate::csv::CutError;
use crate::report::{Language, render};

const HEADER: &str =
    "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie,zobowiazania";
const ROW: &str = "001070630,801,80101,1300,302,0,17900.00,17895.92,17895.92,";

fn check(file: &str) -> Report {
    check_in(&checker(embedded("rb28s"), Some("2022-Q4")), file.as_bytes(), 1 << 20)
}

#[test]
fn a_good_row_gives_an_empty_report() {
    let report = check(&format!("{HEADER}\n{ROW}\n"));
    assert_eq!((report.rows_read, report.rows_refused, report.rows_accepted()), (1, 0, 1));
    assert_eq!(codes(&report), []);
}

#[test]
fn header_and_period_columns_are_filled() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let (plan, _) = checker.header(HEADER.as_bytes()).unwrap();
    let chunk = Chunk { data: Bytes::from(format!("{ROW}\n")), first_line: 2 };
    let batch = checker.csv(&plan, &chunk).batch;
    let text = |name: &str| super::super::source::array_text(batch.column_by_name(name).unwrap(), 0);
    assert_eq!((text("okres").as_str(), text("jst_terc6").as_str()), ("2022-Q4", "100201"));
    assert_eq!((text("zobowiazania").as_str(), text("niewygasajace").as_str()), ("0.00", "0.00"));
    assert_eq!(text("data_sprawozdania"), "");
}

#[test]
fn labels_of_one_cumulative_period_agree_and_keep_their_text() {
    let file = |okres: &str| format!("{HEADER},okres\n{ROW},{okres}\n");
    assert_eq!(codes(&check(&file("2022-M12"))), []);
    assert_eq!(codes(&check(&file("2022"))), []);
    assert_eq!(codes(&check(&file("2022-Q3"))), [(Code::PeriodMismatch, 1)]);
    assert_eq!(codes(&check(&file("IV kw."))), [(Code::PeriodMismatch, 1)]);
}

#[test]
fn another_unit_is_a_publisher_mismatch() {
    let report = check(&format!("{HEADER},jst_terc6\n{ROW},020101\n"));
    assert_eq!(codes(&report), [(Code::PublisherMismatch, 1)]);
    assert_eq!(report.violations[0].expected, "100201");
}

#[test]
fn what_nothing_is_compared_with_is_listed_and_never_passed() {
    let file = format!("{HEADER},okres,jst_terc6\n{ROW},1999-Q1,020101\n");
    let known = checker(embedded("rb28s"), Some("2022-Q4"));
    let listed = |checker: &Checker| check_in(checker, file.as_bytes(), 1 << 20).not_evaluated;
    assert_eq!(listed(&known), Vec::<String>::new());
    assert_eq!(listed(&known.of(None)), ["publisher jst_terc6"]);
    let unknown = listed(&checker(embedded("rb28s"), None));
    assert!(unknown.contains(&"period okres".to_owned()), "{unknown:?}");
    // A pattern without these columns compares nothing, so it has nothing to list.
    let mut bare = embedded("rb28s");
    bare.compares.clear();
    bare.columns.retain(|column| !column.header);
    bare.references.retain(|reference| !reference.columns.iter().any(|column| column == "jst_terc6"));
    assert_eq!(listed(&checker(bare, Some("2022-Q4")).of(None)), Vec::<String>::new());
}

#[test]
fn a_broken_header_is_one_set_of_findings_that_hides_rows() {
    let report = check("jednostka_regon,dzial,dzial,nowa\nx,y\n");
    assert_eq!(report.rows_read, 0);
    assert!(report.violations.iter().all(|v| v.row == 1));
    assert!(blocking(&report).contains(&Code::ColumnMissing));
    assert!(blocking(&report).contains(&Code::ColumnRepeated));
    assert!(blocking(&report).contains(&Code::ColumnUnknown));
    assert_eq!(codes(&check("1;2;3\n")), [(Code::HeaderMissing, 1)]);
    assert_eq!(codes(&check(&format!("{HEADER}\n"))), [(Code::EmptyFile, 1)]);
    assert_eq!(codes(&check("")), [(Code::EmptyFile, 1)]);
}

#[test]
fn columns_may_come_in_any_order_case_and_separator() {
    let names: Vec<&str> = HEADER.split(',').rev().collect();
    let cells: Vec<&str> = ROW.split(',').rev().collect();
    let file = format!("{}\r\n{}\r\n", names.join(" ; ").to_uppercase(), cells.join(";"));
    assert_eq!(codes(&check(&file)), []);
}

#[test]
fn a_wrong_encoding_is_told_once_with_line_and_byte() {
    let mut file = format!("{HEADER}\n{ROW}\n").into_bytes();
    for _ in 0..100 {
        file.extend_from_slice(b"001070630,\xB3\n");
    }
    let report = check_in(&checker(embedded("rb28s"), Some("2022-Q4")), &file, 64);
    assert_eq!(codes(&report), [(Code::EncodingInvalid, 1)]);
    assert_eq!((report.violations.len(), report.violations[0].row), (1, 3));
    assert!(report.violations[0].message_en.contains("byte 11"));
}

#[test]
fn a_cell_that_does_not_parse_has_one_finding() {
    let report = check(&format!("{HEADER}\n{}\n", ROW.replace("17900.00", "dużo")));
    assert_eq!(codes(&report), [(Code::TypeInvalid, 1)]);
    let violation = &report.violations[0];
    assert_eq!((violation.row, violation.column.as_str(), violation.value.as_str()), (2, "plan", "dużo"));
    assert!(violation.key.starts_with("jednostka_regon=001070630, dzial=801"));
}

#[test]
fn ten_thousand_errors_are_counted_and_a_thousand_listed() {
    let mut file = format!("{HEADER}\n");
    for row in 0..10_000 {
        let regon = if row % 2 == 0 { "001070631" } else { "001070630" };
        file.push_str(&ROW.replace("001070630", regon).replace("17900.00", "x"));
        file.push('\n');
    }
    let mut pattern = embedded("rb28s");
    pattern.key.clear();
    let report = check_in(&checker(pattern, Some("2022-Q4")), file.as_bytes(), 4_096);
    assert_eq!(codes(&report), [(Code::TypeInvalid, 10_000), (Code::ChecksumInvalid, 5_000)]);
    assert_eq!((report.rows_refused, report.violations.len()), (10_000, Findings::LISTED_MAX));
    assert!(report.violations.windows(2).all(|pair| pair[0].row <= pair[1].row));
}

#[test]
fn misfits_and_repeated_keys_are_refused_rows_once() {
    let report = check(&format!("{HEADER}\n{ROW}\na,b\n{ROW}\n"));
    assert_eq!(codes(&report), [(Code::CellCount, 1), (Code::KeyRepeated, 1)]);
    assert_eq!((report.rows_read, report.rows_refused), (3, 2));
    assert!(report.violations[1].message_pl.contains("wierszu 2"));
}

#[test]
fn personal_values_are_masked_everywhere() {
    let mut pattern = embedded("rb28s");
    pattern.columns[0].sensitivity = crate::pattern::Sensitivity::Personal;
    let file = format!("{HEADER}\n{}\n", ROW.replace("001070630", "001070631"));
    let report = check_in(&checker(pattern, Some("2022-Q4")), file.as_bytes(), 1 << 20);
    assert_eq!(report.violations[0].value, "***");
    assert!(!serde_json::to_string(&report).unwrap().contains("001070631"));
}

#[test]
fn without_a_period_what_needs_it_is_listed() {
    let report = check_in(&checker(embedded("rb28s"), None), format!("{HEADER}\n{ROW}\n").as_bytes(), 64);
    assert!(report.not_evaluated.iter().any(|n| n == "wykonanie_do_zaangazowania"));
    assert!(report.not_evaluated.iter().any(|n| n.starts_with("reference terc")));
    assert_eq!(codes(&report), []);
}

#[test]
fn statuses_agree_with_their_measure() {
    let header = "stanowisko_kod,wskaznik,czas,wartosc,wartosc__status,zatwierdzenie";
    let row = |time: &str, value: &str, status: &str| {
        format!("DsWrocWybCon-SO2-1g,SO2,2017-02-{time},{value},{status},V\n")
    };
    let file = format!(
        "{header}\n{}{}{}{}{}",
        row("01 01:00", "1.5", "A"),
        row("01 02:00", "", "M"),
        row("01 03:00", "", ""),
        row("01 04:00", "", "A"),
        row("28 24:00", "2.5", "M"),
    );
    let report = check_in(&checker(embedded("jakosc_powietrza"), Some("2017-M02")), file.as_bytes(), 64);
    assert_eq!(codes(&report), [(Code::RuleBroken, 2)]);
    assert_eq!(report.violations.iter().map(|v| v.row).collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn reports_read_well_in_both_languages() {
    let rows = [ROW.replace("17900.00", "dużo"), ROW.replace("001070630", "001070631"), "a,b".to_owned()];
    let report = check(&format!("{HEADER}\n{}\n", rows.join("\n")));
    let polish = render(&report, Language::Polish);
    assert!(polish.starts_with("Odrzucono, popraw 3 wiersze\n"), "{polish}");
    assert!(polish.contains("to nie jest liczba") && polish.contains("błędna cyfra kontrolna REGON"));
    let english = render(&report, Language::English);
    assert!(english.starts_with("Refused, correct 3 rows\n"), "{english}");
    assert!(english.contains("the row has 2 cells instead of 10"), "{english}");
    let clean = check(&format!("{HEADER}\n{ROW}\n"));
    assert!(render(&clean, Language::Polish).starts_with("Przyjęto\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics_and_every_row_is_accounted_for(
        lines in prop::collection::vec("[ -~ł\"]{0,40}(,[0-9.\"-]{0,8}){0,10}", 0..30),
        target in 1_usize..300,
    ) {
        let checker = checker(embedded("rb28s"), Some("2022-Q4"));
        let file = format!("{HEADER}\n{}", lines.join("\n"));
        let report = check_in(&checker, file.as_bytes(), target);
        prop_assert!(report.rows_refused + report.rows_set_aside <= report.rows_read);
        prop_assert_eq!(&report, &check_in(&checker, file.as_bytes(), 1 << 20));
        prop_assert!(!render(&report, Language::Polish).is_empty());
    }
}

/// Each row has a cell that is no number.
fn bad_rows(rows: usize) -> String {
    let rows = (0..rows).map(|n| format!("{}\n", ROW.replace("17900.00", &format!("x{n}"))));
    format!("{HEADER}\n{}", rows.collect::<String>())
}

#[test]
fn a_broken_end_is_told_after_more_bad_cells_than_are_listed() {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let file = bad_rows(1_500);
    let (header, rows) = file.split_once('\n').unwrap();
    let (plan, _) = checker.header(header.as_bytes()).unwrap();
    let chunk = |data: &[u8], first_line| Chunk { data: Bytes::copy_from_slice(data), first_line };
    let cells = || checker.csv(&plan, &chunk(rows.as_bytes(), 2)).findings;
    let broken_ends = [
        (checker.unreadable(&CutError::QuoteUnclosed { line: 1_502 }), Code::QuoteUnclosed),
        (checker.unreadable(&CutError::NulByte { line: 1_502 }), Code::NulByte),
        (checker.csv(&plan, &chunk(b"\xff,801\n", 1_502)).findings, Code::EncodingInvalid),
        (checker.malformed("the stream ends early"), Code::PayloadUnreadable),
    ];
    for (end, code) in broken_ends {
        let mut findings = cells();
        assert_eq!(findings.listed.len(), Findings::LISTED_MAX);
        findings.merge(end.clone());
        let report = checker.finish(findings, 1_500, checker.uncompared());
        assert!(report.blocks(), "{code:?}");
        assert_eq!(codes(&report), [(code, 1)]);
        assert_eq!(report.violations.iter().map(|v| v.code).collect::<Vec<_>>(), [code]);
        // Added one by one it displaces a cell as well.
        let mut findings = cells();
        end.listed.into_iter().for_each(|violation| findings.add(violation));
        assert_eq!(checker.finish(findings, 1_500, checker.uncompared()).violations.len(), 1);
    }
}
