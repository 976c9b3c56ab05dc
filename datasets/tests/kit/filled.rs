//! Fills a form in as a spreadsheet program does: into the sheet as it is, in the formats of its columns.

use std::io::{Cursor, Read as _, Write as _};

use chrono::{NaiveDate, NaiveDateTime};
use hub_datasets::Pattern;
use hub_datasets::pattern::ColumnType;

/// The rows of a plain sample, by its own header.
pub(crate) fn rows(csv: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let separator =
        if csv.split(|byte| *byte == b'\n').next().unwrap().contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(csv);
    let header = reader.headers().unwrap().iter().map(|name| name.trim_start_matches('\u{feff}').to_owned());
    let header = header.collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    (header, rows.collect())
}

/// The form with rows in it.
pub(crate) fn filled(form: &[u8], pattern: &Pattern, header: &[String], rows: &[Vec<String>]) -> Vec<u8> {
    let styles = styles(&part(form, "xl/worksheets/sheet1.xml"));
    let mut text = String::new();
    for (row, cells) in (2..).zip(rows) {
        text += &format!("<row r=\"{row}\">");
        for (at, column) in pattern.columns.iter().enumerate() {
            let Some(place) = header.iter().position(|name| *name == column.name) else { continue };
            let Some(cell) = cells.get(place).filter(|cell| !cell.is_empty()) else { continue };
            let place = format!("r=\"{}{row}\" s=\"{}\"", letters(at), styles[at]);
            text += &match number(column.kind, cell) {
                Some(number) => format!("<c {place}><v>{number}</v></c>"),
                None => format!("<c {place} t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(cell)),
            };
        }
        text += "</row>";
    }
    with_part(form, "xl/worksheets/sheet1.xml", |sheet| {
        assert!(sheet.contains("</sheetData>"), "{sheet}");
        sheet.replace("</sheetData>", &format!("{text}</sheetData>"))
    })
}

/// What a spreadsheet stores of a value that it takes for a number or a day.
fn number(kind: ColumnType, cell: &str) -> Option<String> {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap();
    match kind {
        ColumnType::Integer | ColumnType::Decimal(..) | ColumnType::Number => {
            cell.parse::<f64>().ok().map(|number| number.to_string())
        }
        ColumnType::Date => {
            let day: NaiveDate = cell.parse().ok()?;
            Some((day - epoch).num_days().to_string())
        }
        ColumnType::Datetime => {
            let moment = NaiveDateTime::parse_from_str(cell, "%Y-%m-%dT%H:%M:%S");
            let moment = moment.or_else(|_| NaiveDateTime::parse_from_str(cell, "%Y-%m-%d %H:%M:%S")).ok()?;
            let seconds = (moment - epoch.and_hms_opt(0, 0, 0).unwrap()).num_seconds();
            Some((seconds as f64 / 86_400.0).to_string())
        }
        ColumnType::String | ColumnType::Boolean => None,
    }
}

/// The formats that the sheet gives its columns, in their order.
fn styles(sheet: &str) -> Vec<String> {
    let attribute = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let mut styles = Vec::new();
    for column in sheet.split("<col ").skip(1).map(|rest| format!(" {}", rest.split("/>").next().unwrap())) {
        let last: usize = attribute(&column, "max").parse().unwrap();
        let style = Some(attribute(&column, "style")).filter(|style| !style.is_empty());
        while styles.len() < last {
            styles.push(style.clone().unwrap_or_else(|| "0".to_owned()));
        }
    }
    styles
}

fn letters(at: usize) -> String {
    assert!(at < 26 * 27);
    let letter = |at: usize| char::from(b'A' + u8::try_from(at).unwrap());
    if at < 26 { letter(at).to_string() } else { format!("{}{}", letter(at / 26 - 1), letter(at % 26)) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(crate) fn part(package: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn with_part(package: &[u8], name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let of = file.name().unwrap().into_owned();
        out.start_file(of.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        if of == name {
            bytes = change(std::str::from_utf8(&bytes).unwrap()).into_bytes();
        }
        out.write_all(&bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}
