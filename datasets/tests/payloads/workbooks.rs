//! Workbooks, honest and hostile: XLSX and ODS put together part by part.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NAMES: [&str; 8] =
    ["jednostka_regon", "dzial", "rozdzial", "paragraf", "p4", "plan", "zaangazowanie", "wykonanie"];
const ROW: [&str; 8] = ["001070630", "801", "80101", "401", "0", "100", "90", "80"];
const SECOND: [&str; 8] = ["001070630", "801", "80101", "411", "0", "20000", "20000", "20000"];

fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // The same bytes in every run.
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    for (name, bytes) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An XLSX of one sheet, its rows as XML.
fn xlsx(workbook: &str, rows: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    let rels = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let book = format!(
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">{workbook}<sheets><sheet name="Dane" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let book_rels = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
    // Style 1 is a date.
    let styles = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", rels.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", book_rels.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.extend(more);
    package(&parts)
}

/// A row of texts; `last` is put behind them as it is.
fn texts(cells: &[&str], last: &str) -> String {
    let cells = cells.iter().map(|text| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#));
    format!("<row>{}{last}</row>", cells.collect::<String>())
}

fn named(last: &str) -> String {
    texts(&NAMES, &format!(r#"<c t="inlineStr"><is><t>{last}</t></is></c>"#))
}

fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="Dane">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let kind: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    package(&[("mimetype", kind), ("content.xml", content.as_bytes())])
}

fn cells(texts: &[&str]) -> String {
    let cell = |text: &&str| {
        format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#)
    };
    format!("<table:table-row>{}</table:table-row>", texts.iter().map(cell).collect::<String>())
}

/// A cell of one number, repeated.
fn repeated(rows: u32, columns: u32) -> String {
    format!(
        r#"<table:table-row table:number-rows-repeated="{rows}"><table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{columns}"/></table:table-row>"#
    )
}

pub(super) fn accepted() -> Vec<(&'static str, Vec<u8>)> {
    let date = |number: &str| texts(&ROW, &format!(r#"<c s="1"><v>{number}</v></c>"#));
    let dated = named("data_sprawozdania");
    vec![
        ("honest.xlsx", xlsx("", &(texts(&NAMES, "") + &texts(&ROW, "") + &texts(&SECOND, "")), &[])),
        ("dates-of-1900.xlsx", xlsx("", &(dated.clone() + &date("44927")), &[])),
        ("dates-of-1904.xlsx", xlsx(r#"<workbookPr date1904="1"/>"#, &(dated + &date("43465")), &[])),
        (
            "formula-with-its-result.xlsx",
            xlsx("", &(texts(&NAMES, "") + &texts(&ROW[..7], "<c><f>40+40</f><v>80</v></c>")), &[]),
        ),
        ("honest.ods", ods(&(cells(&NAMES) + &cells(&ROW) + &cells(&SECOND)))),
        ("another-extension.xls", ods(&(cells(&NAMES) + &cells(&ROW)))),
        (
            "empty-to-the-end.ods",
            ods(&format!(
                r#"{}{}<table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#,
                cells(&NAMES),
                cells(&ROW)
            )),
        ),
    ]
}

pub(super) fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let head = cells(&NAMES);
    let shared = vec![b' '; (64 << 20) + 1];
    let honest = xlsx("", &(texts(&NAMES, "") + &texts(&ROW, "")), &[]);
    let far = r#"<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>"#;
    vec![
        ("empty.xlsx", Vec::new()),
        ("cut.xlsx", honest[..honest.len() / 2].to_vec()),
        ("shared-strings-of-64-mib.xlsx", xlsx("", "", &[("xl/sharedStrings.xml", &shared)])),
        ("far-column.xlsx", xlsx("", far, &[])),
        ("late-row.xlsx", xlsx("", &far.replace("XFD1\"", "B1048577\""), &[])),
        (
            "formula-without-its-result.xlsx",
            xlsx("", &(texts(&NAMES, "") + &texts(&ROW[..7], "<c><f>40+40</f></c>")), &[]),
        ),
        ("rows-repeated.ods", ods(&(head.clone() + &repeated(1_048_576, 1)))),
        ("both-repeated.ods", ods(&(head.clone() + &repeated(1_048_576, 499)))),
        ("columns-repeated.ods", ods(&(head + &repeated(1, 16_384)))),
        ("no-content.ods", package(&[("mimetype", b"x")])),
        ("page.xls", b"<html><body><table><tr><td>801</td></tr></table></body></html>".to_vec()),
        ("header-alone.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec()),
    ]
}
