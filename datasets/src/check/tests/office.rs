//! Files as offices export them: encodings, titles, headers of two rows, totals, and cells in other forms.

use encoding_rs::{ISO_8859_2, WINDOWS_1250};

use super::super::{PieceLimits, Stop};
use super::*;
use crate::MediaType;
use crate::report::Change;

const HEADER: &str = "jednostka_regon;dzial;rozdzial;paragraf;p4;plan;zaangazowanie;wykonanie";
const ROW: &str = "001070630;801;80101;401;0;1 000,50;900;800";

fn report_in(bytes: &[u8], block_bytes: usize, chunk_bytes: usize) -> Report {
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let limits = PieceLimits { chunk_bytes, record_bytes: 1 << 16, block_bytes, rows: 1_000 };
    let mut pieces = checker.pieces(MediaType::Csv, Arc::new(Bytes::copy_from_slice(bytes)), limits);
    let (mut findings, mut rows) = (Findings::default(), 0);
    loop {
        match pieces.next_piece() {
            Ok(Some(piece)) => {
                findings.merge(pieces.early());
                let checked = piece.check(&checker);
                assert_eq!(checked.batch.num_rows(), checked.lines.len());
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

/// The report, which does not depend on how the file is cut.
fn report(bytes: &[u8]) -> Report {
    let report = report_in(bytes, 1 << 20, 1 << 20);
    for (block, chunk) in [(7, 64), (1_000, 1), (64, 1 << 20)] {
        assert_eq!(report_in(bytes, block, chunk), report, "{block} {chunk}");
    }
    report
}

fn changes(report: &Report) -> Vec<(Change, &str, u64)> {
    report.normalised.iter().map(|n| (n.change, n.column.as_str(), n.count)).collect()
}

fn aside(report: &Report) -> Vec<(u64, &str)> {
    let aside = report.violations.iter().filter(|v| v.code == Code::RowSetAside);
    aside.map(|v| (v.row, v.rule.as_str())).collect()
}

fn file(lines: &[&str]) -> Vec<u8> {
    lines.join("\r\n").into_bytes()
}

#[test]
fn a_file_has_one_report_in_every_encoding() {
    let text = format!("Wydatki – źródła, święta\r\n{}\r\n{ROW}\r\n", HEADER.replace("dzial", "Dział"));
    let utf16 = |big: bool, marked: bool| {
        let mark = if marked { "\u{FEFF}" } else { "" };
        let units = mark.encode_utf16().chain(text.encode_utf16()).collect::<Vec<u16>>();
        units.into_iter().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let files: [(&str, Vec<u8>); 7] = [
        ("", text.as_bytes().to_vec()),
        ("", format!("\u{FEFF}{text}").into_bytes()),
        ("windows-1250", WINDOWS_1250.encode(&text).0.into_owned()),
        ("ISO-8859-2", ISO_8859_2.encode(&text.replace('–', "-")).0.into_owned()),
        ("UTF-16LE", utf16(false, true)),
        ("UTF-16BE", utf16(true, true)),
        ("UTF-16LE", utf16(false, false)),
    ];
    for (name, bytes) in files {
        let report = report(&bytes);
        assert_eq!((report.rows_read, report.rows_set_aside, report.rows_accepted()), (2, 1, 1), "{name}");
        let encodings = report.normalised.iter().filter(|n| n.change == Change::Encoding);
        let told: Vec<&str> = encodings.map(|n| n.examples[0].from.as_str()).collect();
        assert_eq!(told, if name.is_empty() { vec![] } else { vec![name] });
    }
}

#[test]
fn half_a_character_of_utf_16_has_a_place() {
    let mut bytes: Vec<u8> = "\u{FEFF}a\nbc".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.extend([0x00, 0xD8, b'x', 0]);
    let report = report(&bytes);
    assert_eq!(codes(&report), [(Code::EncodingInvalid, 1)]);
    assert_eq!(report.violations[0].row, 2);
}

#[test]
fn what_stands_around_the_rows_is_set_aside_by_name() {
    let numbers = "(1);(2);(3);(4);(5);(6);(7);(8)";
    let page = HEADER.to_uppercase();
    let report = report(&file(&[
        "Sprawozdanie Rb-28S; za IV kwartał",
        "",
        "Szkoła nr 1;;;;;;;",
        HEADER,
        numbers,
        ROW,
        ";;;;;;;",
        ";;",
        &ROW.replace("401", "411"),
        &page,
        "Razem:;;;;;2 001,00;1800;1600",
        "RAZEM;2 001,00",
    ]));
    assert_eq!(
        aside(&report),
        [
            (1, "title"),
            (3, "title"),
            (5, "column_numbers"),
            (7, "empty_row"),
            (8, "empty_row"),
            (10, "repeated_header"),
            (11, "total"),
            (12, "total")
        ]
    );
    assert_eq!((report.rows_read, report.rows_refused, report.rows_set_aside), (10, 0, 8));
    assert_eq!(report.worst(), Some(Severity::Info));
    assert_eq!(changes(&report), [(Change::DecimalComma, "plan", 2), (Change::Thousands, "plan", 2)]);
}

#[test]
fn extremes_and_who_made_the_table_are_set_aside_and_data_that_begin_alike_are_not() {
    let report = report(&file(&[
        HEADER,
        ROW,
        "max;;;;;2001,00;1800;1600",
        "MIN;10,00",
        "Sporządził: Anna Nowak, tel. 24 111 22 33",
        "Zatwierdziła;;;;Główny księgowy;;;",
        "Maksymiliany;801;80101;411;0;5;5;5",
        "Sporządzanie;801;80101;411;0;5;5;5",
    ]));
    assert_eq!(aside(&report), [(3, "total"), (4, "total"), (5, "signature"), (6, "signature")]);
    assert_eq!((report.rows_refused, report.rows_set_aside), (2, 4));
}

#[test]
fn a_total_without_a_label_and_a_short_row_are_refused() {
    let report = report(&file(&[HEADER, ROW, ";;;;;1000.50;900;800", "001070630;801;80101;411;0;5"]));
    assert_eq!((report.rows_refused, report.rows_set_aside), (2, 0));
    assert!(blocking(&report).contains(&Code::CellCount));
    assert!(blocking(&report).contains(&Code::RequiredMissing));
}

#[test]
fn a_header_of_two_rows_is_put_together() {
    let report = report(&file(&[
        "jednostka_regon;Klasyfikacja;;;;Plan;Wydatki;",
        ";dzial;rozdzial;paragraf;p4;(po zmianach);zaangazowanie;wykonanie",
        ROW,
    ]));
    assert_eq!((report.rows_accepted(), report.rows_set_aside), (1, 0), "{report:#?}");
    assert!(changes(&report).contains(&(Change::HeaderJoined, "", 2)));
}

#[test]
fn names_are_known_by_title_and_without_polish_marks_in_any_order() {
    let header =
        "Wydatki wykonane;PLAN (PO ZMIANACH);Zaangazowanie;REGON jednostki;Dział;Rozdział;Paragraf;P4;L.p.;";
    let report = report(&file(&[header, "800;1000;900;001070630;801;80101;401;0;1;"]));
    assert_eq!(codes(&report), [(Code::ColumnSetAside, 1)]);
    assert_eq!(changes(&report), [(Change::EmptyColumn, "", 1)]);
}

#[test]
fn a_value_without_a_name_is_not_lost() {
    let report_in_full = report;
    let report = report(&file(&[&format!("{HEADER};"), &format!("{ROW};uwaga"), &ROW.replace("401", "411")]));
    assert_eq!(blocking(&report), [Code::ColumnUnnamed, Code::CellCount]);
    let longer = report_in_full(&file(&[HEADER, &format!("{ROW};;\"\";")]));
    assert!(changes(&longer).contains(&(Change::TrailingCells, "", 1)));
    assert_eq!(longer.rows_accepted(), 1);
}

#[test]
fn zeros_come_back_only_where_the_list_proves_them() {
    let header = format!("{HEADER};jst_terc6");
    let checker = checker(embedded("rb28s"), Some("2022-Q4"));
    let known = report(&file(&[&header, "001070630;10;1095;401;0;1000;900;800;100201"]));
    let zeros = [(Change::LeadingZeros, "dzial", 1), (Change::LeadingZeros, "rozdzial", 1)];
    assert_eq!((changes(&known), known.blocks()), (zeros.to_vec(), false));
    assert_eq!(known.normalised[0].examples[0].to, "010");
    let unknown = report(&file(&[&header, "1070630;1;80101;401;0;1000;900;800;100201"]));
    assert_eq!(changes(&unknown), []);
    assert_eq!(blocking(&unknown), [Code::FormInvalid, Code::ReferenceMissing, Code::RuleBroken]);
    // A code of the register that lost its zero is the publisher's own.
    let publisher = Publisher { id: "gmina-020101".into(), terc6: Some("020101".into()), regon: None };
    let ours = check_in(&checker.of(Some(publisher)), &file(&[&header, &format!("{ROW};20101")]), 1 << 20);
    assert_eq!((ours.blocks(), ours.normalised.last().unwrap().examples[0].to.as_str()), (false, "020101"));
}

#[test]
fn other_formats_and_unclear_letters_are_named() {
    let told = |bytes: &[u8]| {
        let report = report(bytes);
        (codes(&report), report.violations[0].message_en.clone())
    };
    let (found, message) = told(b"<!DOCTYPE html>\n<html lang=\"pl\"></html>\n");
    assert_eq!(found, [(Code::FormatMismatch, 1)]);
    assert!(message.contains("HTML"));
    assert_eq!(told(b"PK\x03\x04....").0, [(Code::FormatMismatch, 1)]);
    let (found, _) = told(b"\x1F\x8B\x08\0\0\0");
    assert_eq!(found, [(Code::FormatMismatch, 1)]);
    // Lines of a Macintosh: one finding in place of one for each name.
    let (found, message) = told(format!("{HEADER}\r{ROW}\r").as_bytes());
    assert_eq!(found, [(Code::FormatMismatch, 1)]);
    assert!(message.contains("CR alone"), "{message}");
    let unclear = [HEADER.as_bytes(), b"\n\xB9\x9C\xB1\xB6;x\n"].concat();
    assert_eq!(told(&unclear).0, [(Code::EncodingAmbiguous, 1)]);
    let (found, message) = told(&[HEADER.as_bytes(), b"\nSZKO\x9DA;x\n"].concat());
    assert_eq!(found, [(Code::EncodingAmbiguous, 1)]);
    assert!(message.contains("no Polish ones"), "{message}");
}

/// A letter that was lost before is asked for, and what a terminal would obey is not printed.
#[test]
fn letters_that_are_none_are_refused() {
    let contract = |subject: &str| {
        let text = format!(
            "jednostka_regon,id_umowy,data_zawarcia,przedmiot,wartosc,status,data_publikacji\n014900974,73928f5c-d9bc-4f3d-8574-4772162663b9,2026-07-01,{subject},1,Aktywna,2026-07-02\n"
        );
        let (pattern, lists) = (Arc::new(embedded("rejestr_umow")), Arc::new(CodeLists::embedded().unwrap()));
        let context = Context { pattern, lists, period: Some("2026-M07".parse().unwrap()), publisher: None };
        check_in(&Checker::new(context).unwrap(), text.as_bytes(), 1 << 20)
    };
    for (subject, shown) in [
        ("SZKO\u{FFFD}A", "SZKO\u{FFFD}A"),
        ("dzwonek \u{7}", "dzwonek \u{FFFD}"),
        ("\u{1B}[31mczerwone", "\u{FFFD}[31mczerwone"),
        ("koniec\u{96}linii", "koniec\u{FFFD}linii"),
    ] {
        let report = contract(subject);
        assert_eq!(blocking(&report), [Code::FormInvalid], "{subject:?}");
        assert_eq!(report.violations[0].value, shown);
    }
    for subject in ["§ 4 – „tak”…", "żółć\u{A0}€", "\"dwa\nwiersze\"", "ﬁ ｆ \u{FEFF}"] {
        assert!(!contract(subject).blocks(), "{subject}");
    }
}

#[test]
fn a_plain_file_is_changed_in_nothing() {
    let plain =
        file(&[HEADER, &ROW.replace(' ', "").replace(',', "."), "001070630;801;80101;411;0;-1.5;0;0"]);
    let report = report(&plain);
    assert_eq!((changes(&report), report.rows_set_aside), (vec![], 0));
}
