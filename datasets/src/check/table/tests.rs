//! Tables of other systems: wide ones, such that lack what their names say, and such that hold other periods.

use std::sync::Arc;

use bytes::Bytes;

use super::super::tests::{blocking, check_in, embedded};
use super::super::{Checker, Context, PieceLimits};
use crate::report::Code;
use crate::{CodeLists, MediaType, Report, Settings};

fn checker(set: &[(&str, &str)]) -> Checker {
    let mut settings = Settings::default();
    set.iter().for_each(|(name, value)| assert!(settings.set(name, value)));
    let lists = Arc::new(CodeLists::embedded().unwrap());
    let pattern = Arc::new(embedded("jakosc_powietrza"));
    let period = Some("2017-02-15".parse().unwrap());
    Checker::new(Context { pattern, lists, period, publisher: None }).unwrap().with(settings)
}

const WIDE: &str = "\"CZAS\",\"SO2 Dwutlenek siarki poz. dop.: 350 [µg/m3]\",\"O3 Ozon 8h poz. doc.: 120 [µg/m3]\",\"NO Tlenek azotu  [µg/m3]\"\n";
const SAID: [(&str, &str); 2] = [("stacja", "DsWrocWybCon"), ("data", "2017-02-15")];

fn report(checker: &Checker, text: &str) -> Report {
    check_in(checker, text.as_bytes(), 64)
}

/// The rows of a table, each as `post time value status`.
fn rows(checker: &Checker, text: &str) -> Vec<String> {
    let limits = PieceLimits { chunk_bytes: 64, record_bytes: 1 << 16, block_bytes: 64, rows: 10 };
    let payload = Arc::new(Bytes::copy_from_slice(text.as_bytes()));
    let mut pieces = checker.pieces(MediaType::Csv, payload, limits);
    let mut rows = Vec::new();
    while let Some(piece) = pieces.next_piece().unwrap() {
        let checked = piece.check(checker);
        for row in 0..checked.batch.num_rows() {
            let text =
                |column: usize| super::super::source::array_text(&checked.batch.columns()[column], row);
            rows.push(format!("{} {} {} {}", text(0), text(2), text(3), text(4)));
        }
    }
    rows
}

#[test]
fn a_wide_table_makes_a_row_of_each_cell() {
    let text = format!(
        "{WIDE}\"1:00\",\"19,3\",\"3\",\"-\"\n\"24:00\",\"7\",\"3\",\"4\"\n\"minimum\",\"9,5 (poz. dop.: 1)\",\"-1)\",\"80\"\n"
    );
    let checker = checker(&SAID);
    assert_eq!(
        rows(&checker, &text),
        [
            "DsWrocWybCon-SO2-1g 2017-02-15T00:00:00Z 19.300 A",
            "DsWrocWybCon-NO-1g 2017-02-15T00:00:00Z  M",
            "DsWrocWybCon-SO2-1g 2017-02-15T23:00:00Z 7.000 A",
            "DsWrocWybCon-NO-1g 2017-02-15T23:00:00Z 4.000 A",
        ]
    );
    let report = report(&checker, &text);
    assert!(!report.blocks(), "{:#?}", report.violations);
    assert_eq!((report.rows_read, report.rows_set_aside), (5, 1), "the row of minima is told once");
}

#[test]
fn a_finding_names_the_line_that_was_sent_and_the_row_that_it_made() {
    let text =
        format!("{WIDE}\"1:00\",\"19,3\",\"3\",\"4\"\n\"2:00\",\"dużo\",\"3\",\"4\"\n\"3:00\",\"1\"\n");
    let report = report(&checker(&SAID), &text);
    assert_eq!(blocking(&report), [Code::CellCount, Code::TypeInvalid]);
    let found = report.violations.iter().find(|found| found.code == Code::TypeInvalid).unwrap();
    assert_eq!((found.row, found.value.as_str()), (3, "dużo"));
    assert_eq!(found.key, "stanowisko_kod=DsWrocWybCon-SO2-1g, czas=2017-02-15 2:00");
}

#[test]
fn what_the_file_does_not_say_is_asked_for() {
    let text = format!("{WIDE}\"1:00\",\"19,3\",\"3\",\"4\"\n");
    let report = report(&checker(&SAID[..1]), &text);
    assert_eq!(blocking(&report), [Code::SchemaMismatch]);
    assert!(report.violations[0].hint_en.contains("--set data="), "{:?}", report.violations[0]);
    let pattern = embedded("jakosc_powietrza");
    let named = pattern.settings_of("x/air_pollution/bartnicza/2017-02-15.csv", &Settings::default());
    let named: Vec<_> = named.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(named, ["data=2017-02-15", "stacja=bartnicza"]);
    let mut said = Settings::default();
    said.set("data", "2017-02-16");
    let both = pattern.settings_of("bartnicza__2017-02-15.csv", &said);
    assert_eq!(both.get("data"), Some("2017-02-16"), "what is said goes before what the name says");
}

#[test]
fn rows_of_other_periods_are_set_aside_and_a_missing_column_is_still_missing() {
    let text = "\u{feff}Kod stanowiska,Data,Wartość,id_stanowiska\nDsWrocWybCon-PM2.5-1g,2017-02-14 23:00:00,1.5,7\nDsWrocWybCon-PM2.5-1g,2017-02-15 01:00:00,1.5,7\nDsWrocWybCon-PM2.5-1g,2017-02-15 02:00:00,,7\n";
    let made = rows(&checker(&[]), text);
    assert_eq!(
        made,
        [
            "DsWrocWybCon-PM2.5-1g 2017-02-15T00:00:00Z 1.500 A",
            "DsWrocWybCon-PM2.5-1g 2017-02-15T01:00:00Z  M"
        ]
    );
    let found = report(&checker(&[]), text);
    assert!(!found.blocks());
    let aside = found.violations.iter().find(|found| found.code == Code::RowSetAside).unwrap();
    assert_eq!((aside.rule.as_str(), aside.row, found.rows_set_aside), ("other_period", 2, 1));
    let lacking = report(&checker(&SAID), "stanowisko_kod,czas,wartosc\nx,2017-02-15 01:00,1\n");
    assert!(blocking(&lacking).contains(&Code::ColumnMissing));
}

#[test]
fn names_of_columns_say_what_the_sender_does_not() {
    let header = WIDE.trim_end();
    let table =
        |said: &str| format!("{header},\"_uwagi\"{said}\n\"1:00\",\"19,3\",\"3\",\"-\",\"\",\"\",\"\"\n");
    let of_names = table(",\"_set stacja=korzeniowskiego\",\"_set data=2017-02-15\"");
    let made =
        ["DsWrocWybCon-SO2-1g 2017-02-15T00:00:00Z 19.300 A", "DsWrocWybCon-NO-1g 2017-02-15T00:00:00Z  M"];
    assert_eq!(rows(&checker(&[]), &of_names), made);
    // What the sender says goes before them.
    let other_day = table(",\"_set stacja=bartnicza\",\"_set data=2017-02-16\"");
    assert_eq!(rows(&checker(&SAID), &other_day), made);
    let nothing = format!("{WIDE}\"1:00\",\"19,3\",\"3\",\"-\"\n");
    assert_eq!(blocking(&report(&checker(&[]), &nothing)), [Code::SchemaMismatch]);
}
