use std::io::Write as _;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::check::Context;
use crate::{CodeLists, MediaType, Patterns, Report};

const NAMES: &str = "jednostka_regon,dzial,rozdzial,paragraf,p4,plan,zaangazowanie,wykonanie";
const CONTENT: &str = r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:style="s"><office:automatic-styles><style:style style:name="h" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles><office:body><office:spreadsheet>"#;
const END: &str = "</office:spreadsheet></office:body></office:document-content>";

fn package(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn ods(tables: &str) -> Vec<u8> {
    package(&[("content.xml", format!("{CONTENT}{tables}{END}").into_bytes())])
}

fn text(cell: &str) -> String {
    format!(r#"<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>"#)
}

fn row(cells: &str) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.split(',').map(text).collect::<String>())
}

fn table(name: &str, style: &str, rows: &str) -> String {
    format!(r#"<table:table table:name="{name}" table:style-name="{style}">{rows}</table:table>"#)
}

fn data(code: &str) -> String {
    row(&format!("001070630,801,80101,{code},0,100,90,80"))
}

fn report(media: MediaType, bytes: Vec<u8>) -> Report {
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let lists = Arc::new(CodeLists::embedded().unwrap());
    let period = Some("2022-Q4".parse().unwrap());
    let checker = Checker::new(Context { pattern, lists, period, publisher: None }).unwrap();
    let limits = super::super::PieceLimits {
        chunk_bytes: 4_096,
        record_bytes: 1 << 16,
        block_bytes: 4_096,
        rows: 1_000,
    };
    let mut pieces = checker.pieces(media, Arc::new(Bytes::from(bytes)), limits);
    let (mut findings, mut rows) = (Findings::default(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                let checked = piece.check(&checker);
                rows += checked.rows;
                findings.merge(checked.findings);
            }
            Ok(None) => break,
            Err(Stop::Findings(fault)) => {
                findings.merge(*fault);
                break;
            }
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }
    findings.merge(pieces.early());
    checker.finish(findings, rows, checker.uncompared())
}

fn told(report: &Report) -> Vec<(Code, &str)> {
    report.violations.iter().map(|v| (v.code, v.message_en.as_str())).collect()
}

#[test]
fn the_sheet_that_fits_is_read_and_the_others_are_named() {
    let good = table("Dane", "", &(row(NAMES) + &data("401") + &data("411")));
    let other = table("Opis", "", &row("objaśnienia"));
    let hidden = table("Stare", "h", &(row(NAMES) + &data("401")));
    let read = report(MediaType::Ods, ods(&(other.clone() + &hidden + &good)));
    assert_eq!((read.rows_read, read.blocks()), (2, false), "{read:#?}");
    let aside: Vec<&str> = read.violations.iter().map(|v| v.value.as_str()).collect();
    assert_eq!(aside, ["Opis", "Stare"]);
    assert!(read.violations[0].message_pl.contains("odczytano arkusz „Dane”"));
    let two = report(MediaType::Ods, ods(&(good.clone() + &good.replace("Dane", "Korekta"))));
    assert_eq!(told(&two).len(), 1);
    assert_eq!(two.violations[0].code, Code::SheetAmbiguous);
    let none = report(MediaType::Ods, ods(&other));
    assert_eq!(none.violations[0].code, Code::HeaderMissing);
}

#[test]
fn cells_are_read_as_what_they_are_and_not_as_they_are_shown() {
    let cells = r#"<table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="1"><text:p>001070630</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="801"><text:p>801,00</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="80101"/><table:table-cell office:value-type="float" office:value="401"/><table:table-cell office:value-type="float" office:value="0"/><table:table-cell office:value-type="currency" office:value="1234.5"><text:p>1 234,50 zł</text:p></table:table-cell><table:covered-table-cell/><table:table-cell office:value-type="float" office:value="0.1"/></table:table-row>"#;
    let read = report(MediaType::Ods, ods(&table("Dane", "", &(row(NAMES) + cells))));
    // Commitments are empty, which is zero: less than what was executed.
    assert_eq!(
        read.violations.iter().map(|v| v.rule.as_str()).collect::<Vec<_>>(),
        ["wykonanie_do_zaangazowania"]
    );
    assert_eq!(read.violations[0].row, 2);
}

#[test]
fn bombs_are_refused_by_the_bound_that_they_break() {
    let refused = |bytes: Vec<u8>| {
        let report = report(MediaType::Xlsx, bytes);
        assert_eq!(report.violations.len(), 1, "{report:#?}");
        assert_eq!(report.violations[0].code, Code::PayloadUnreadable);
        report.violations[0].message_en.clone()
    };
    let shared = vec![b' '; (limits::SHARED_STRINGS_BYTES + 1) as usize];
    let message = refused(package(&[("xl/sharedStrings.xml", shared)]));
    assert!(message.contains("shared strings: at most 64 MiB"), "{message}");
    // One row of one cell, a million times over in both directions.
    let bomb = r#"<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="400"/></table:table-row>"#;
    let message = refused(ods(&table("Bomba", "", &(row(NAMES) + bomb))));
    assert!(message.contains("at most"), "{message}");
    let wide = r#"<table:table-row><table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="16384"/></table:table-row>"#;
    assert!(refused(ods(&table("Szeroki", "", wide))).contains("at most 500"));
    let parts: Vec<(String, Vec<u8>)> =
        (0..=limits::PARTS).map(|at| (format!("a{at}.xml"), Vec::new())).collect();
    let parts: Vec<(&str, Vec<u8>)> =
        parts.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    assert!(refused(package(&parts)).contains("too many parts"));
    // Empty rows and cells are skipped by their number.
    let empty = r#"<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#;
    assert_eq!(
        report(MediaType::Ods, ods(&table("Dane", "", &(row(NAMES) + &data("401") + empty)))).rows_read,
        1
    );
}

#[test]
fn what_is_no_workbook_is_named() {
    let refused = |bytes: &[u8]| {
        let report = report(MediaType::Xlsx, bytes.to_vec());
        (report.violations[0].code, report.violations[0].message_en.clone())
    };
    let (code, message) = refused(b"<html><table><tr><td>1</td></tr></table></html>");
    assert_eq!(code, Code::FormatMismatch);
    assert!(message.contains("HTML"));
    assert!(refused(NAMES.as_bytes()).1.contains("CSV"));
    assert_eq!(refused(b"").0, Code::PayloadUnreadable);
    assert_eq!(refused(b"PK\x03\x04 and no more").0, Code::PayloadUnreadable);
    assert_eq!(refused(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").0, Code::PayloadUnreadable);
}

#[test]
fn rows_keep_their_numbers_and_their_line_breaks_do_not_make_new_ones() {
    let mut rows = RowText::default();
    rows.cell(1, 0, "a\r\nb").unwrap();
    rows.cell(1, 2, "\"c\"\td").unwrap();
    rows.cell(3, 1, "e\n").unwrap();
    rows.close();
    let text = rows.block(&mut 0, usize::MAX >> 1).unwrap();
    assert_eq!(text, Bytes::from_static(b"\na\rb\t\t\"\"\"c\"\"\td\"\n\n\te\t\n"));
    assert!(rows.cell(0, 0, "late").is_err());
}

fn spreadsheet(sheets: &str) -> Vec<u8> {
    format!(r#"<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">{sheets}</Workbook>"#).into_bytes()
}

fn cells(cells: &str) -> String {
    let cell = |text: &str| format!(r#"<Cell><Data ss:Type="String">{text}</Data></Cell>"#);
    format!("<Row>{}</Row>", cells.split(',').map(cell).collect::<String>())
}

fn worksheet(name: &str, rows: &str, more: &str) -> String {
    format!(r#"<Worksheet ss:Name="{name}"><Table>{rows}</Table>{more}</Worksheet>"#)
}

#[test]
fn spreadsheetml_is_read_under_each_name_that_it_goes_by() {
    let hidden = "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions>";
    let rows = format!("{}{}", cells(NAMES), cells("001070630,801,80101,401,0,100,90,80"));
    let sheets = format!("{}{}", worksheet("Kopia", &rows, hidden), worksheet("Dane", &rows, ""));
    for media in [MediaType::Xml, MediaType::Xls, MediaType::Xlsx] {
        let report = report(media, spreadsheet(&sheets));
        assert!(!report.blocks(), "{media:?}: {report:?}");
        assert_eq!(report.rows_read, 1);
        assert_eq!(report.violations[0].value, "Kopia");
    }
}

#[test]
fn cells_of_spreadsheetml_stand_where_their_index_says() {
    let plain = r#"<Cell><Data ss:Type="String">001070630</Data></Cell><Cell><Data ss:Type="Number">801</Data></Cell><Cell><Data ss:Type="Number">80101</Data></Cell>"#;
    let amounts = |plan: &str| {
        format!(
            r#"<Cell><Data ss:Type="String"><B>4</B></Data></Cell><Cell ss:Index="6"><Data ss:Type="Number">{plan}</Data></Cell><Cell ss:Index="8"><Data ss:Type="Number">5</Data></Cell>"#
        )
    };
    let rows = format!(r#"{}<Row ss:Index="4">{plain}{}</Row>"#, cells(NAMES), amounts("1.2E+3"));
    let found = report(MediaType::Xml, spreadsheet(&worksheet("Dane", &rows, "")));
    // The paragraph is too short, the fourth digit is empty; plan and executed are where they belong.
    let told: Vec<(u64, &str)> = found.violations.iter().map(|v| (v.row, v.column.as_str())).collect();
    assert!(told.iter().all(|(row, _)| *row == 4), "{told:?}");
    assert!(
        told.iter().any(|(_, column)| *column == "p4") && !told.iter().any(|(_, column)| *column == "plan"),
        "{told:?}"
    );
    for (index, expected) in [("2", "not in order"), ("9999999", "too many rows"), ("x", "damaged")] {
        let rows = format!(r#"{}<Row ss:Index="3"/><Row ss:Index="{index}">{plain}</Row>"#, cells(NAMES));
        let found = report(MediaType::Xml, spreadsheet(&worksheet("Dane", &rows, "")));
        assert!(found.violations[0].message_en.contains(expected), "{:?}", found.violations[0]);
    }
}

#[test]
fn a_formula_of_spreadsheetml_without_a_result_is_refused() {
    let formula = r#"<Row><Cell><Data ss:Type="String">001070630</Data></Cell><Cell ss:Index="8" ss:Formula="=1+1"/></Row>"#;
    let rows = format!("{}{formula}", cells(NAMES));
    let found = report(MediaType::Xml, spreadsheet(&worksheet("Dane", &rows, "")));
    assert!(found.violations.iter().any(|v| v.code == Code::FormulaUnresolved && v.row == 2), "{found:?}");
}

#[test]
fn formatted_text_of_spreadsheetml_keeps_its_order() {
    let amount = r#"<Row><Cell><Data ss:Type="String">001070630</Data></Cell><Cell><Data ss:Type="String">801</Data></Cell><Cell><Data ss:Type="String">80101</Data></Cell><Cell><Data ss:Type="String"><B>40</B>1</Data></Cell><Cell><Data ss:Type="String">0</Data></Cell><Cell><Data ss:Type="String"><B>345</B>12</Data></Cell><Cell><Data ss:Type="Number">34513</Data></Cell><Cell ss:Formula="=1"><Data ss:Type="String"></Data></Cell></Row>"#;
    let rows = format!("{}{amount}", cells(NAMES));
    let found = report(MediaType::Xml, spreadsheet(&worksheet("Dane", &rows, "")));
    // Commitments exceed 34,512 by one, which they would not with 12,345; a formula's empty text is a result.
    let told: Vec<&str> = found.violations.iter().map(|v| v.rule.as_str()).collect();
    assert_eq!(told, ["zaangazowanie_do_planu"], "{found:?}");
    let empty = amount.replace(r#"ss:Type="String"></Data>"#, r#"ss:Type="Number"></Data>"#);
    let found =
        report(MediaType::Xml, spreadsheet(&worksheet("Dane", &format!("{}{empty}", cells(NAMES)), "")));
    assert!(found.violations.iter().any(|v| v.code == Code::FormulaUnresolved), "{found:?}");
}
