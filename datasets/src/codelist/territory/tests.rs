use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use super::{CHANGES, UNITS, tables, texts};
use crate::CodeLists;

fn table(name: &str) -> RecordBatch {
    let tables = tables(&CodeLists::embedded().unwrap()).unwrap();
    tables.into_iter().find(|(known, _)| known == name).unwrap().1
}

fn days(text: &str) -> i32 {
    let day: NaiveDate = text.parse().unwrap();
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap()
}

/// Rows of the units valid on a day.
fn on(units: &RecordBatch, day: &str) -> Vec<usize> {
    let day = days(day);
    let from = units.column_by_name("valid_from").unwrap().as_primitive::<Date32Type>();
    let to = units.column_by_name("valid_to").unwrap().as_primitive::<Date32Type>();
    let holds = |row: &usize| from.value(*row) <= day && (to.is_null(*row) || day < to.value(*row));
    (0..units.num_rows()).filter(holds).collect()
}

#[test]
fn each_day_has_each_unit_once() {
    let units = table(UNITS);
    let (terc6, level) = (texts(&units, "terc6").unwrap(), texts(&units, "level").unwrap());
    for (day, gminas) in [
        ("1999-01-01", 2_478),
        ("2018-12-31", 2_478),
        ("2019-01-01", 2_477),
        ("2022-12-31", 2_477),
        ("2024-12-31", 2_477),
        ("2025-01-01", 2_479),
        ("2030-06-30", 2_479),
    ] {
        let rows = on(&units, day);
        let codes: BTreeSet<&str> = rows.iter().map(|row| terc6[*row]).collect();
        assert_eq!(codes.len(), rows.len(), "{day}");
        let of = |wanted: &str| rows.iter().filter(|row| level[**row] == wanted).count();
        assert_eq!(
            (of("gmina"), of("powiat"), of("wojewodztwo"), of("czesc")),
            (gminas, 314, 16, 0),
            "{day}"
        );
    }
}

#[test]
fn units_stand_in_their_powiat_and_voivodeship() {
    let units = table(UNITS);
    let of = |name: &str| texts(&units, name).unwrap();
    let row = |code: &str, day: &str| {
        let row = on(&units, day).into_iter().find(|row| of("terc6")[*row] == code).unwrap();
        ["nazwa", "rodz", "powiat_kod", "powiat", "wojewodztwo_kod", "wojewodztwo", "series"]
            .map(|name| of(name)[row])
    };
    assert_eq!(
        row("026401", "2022-12-31"),
        ["Wrocław", "1", "0264", "Wrocław", "02", "dolnośląskie", "026401"]
    );
    let kept = ["260417", "26", "świętokrzyskie", "260417"];
    for (day, name) in [("2020-12-31", "Sitkówka-Nowiny"), ("2021-01-01", "Nowiny"), ("2025-06-30", "Nowiny")]
    {
        let [nazwa, _, _, _, code, voivodeship, series] = row("260417", day);
        assert_eq!((nazwa, [kept[0], code, voivodeship, series]), (name, kept), "{day}");
    }
    assert_eq!(row("021803", "2024-12-31")[1], "2");
    assert_eq!(row("021803", "2025-01-01")[1], "3", "its type changed, and nothing else");
    assert_eq!(row("021803", "2025-01-01")[6], "021803");
    assert_eq!(
        row("320304", "2018-06-30"),
        ["Ostrowice", "2", "3203", "drawski", "32", "zachodniopomorskie", "320302"]
    );
}

#[test]
fn a_series_is_the_same_on_each_map() {
    let units = table(UNITS);
    let (terc6, level, series) =
        (texts(&units, "terc6").unwrap(), texts(&units, "level").unwrap(), texts(&units, "series").unwrap());
    let voivodeship = texts(&units, "wojewodztwo").unwrap();
    let all: BTreeMap<&str, BTreeSet<&str>> = ["2018-12-31", "2022-12-31", "2025-01-01"]
        .map(|day| {
            let gminas = on(&units, day).into_iter().filter(|row| level[*row] == "gmina");
            (day, gminas.map(|row| series[row]).collect())
        })
        .into();
    assert_eq!(all["2018-12-31"].len(), 2_476, "Ostrowice, Drawsko Pomorskie and Złocieniec are one");
    assert_eq!(all["2018-12-31"], all["2022-12-31"]);
    assert_eq!(all["2022-12-31"], all["2025-01-01"]);
    // The unit that stands for a series is there on each day, in the voivodeship of all of them.
    let today = on(&units, "2025-01-01");
    for row in 0..units.num_rows() {
        let head = today.iter().find(|at| terc6[**at] == series[row]).unwrap();
        assert_eq!(voivodeship[*head], voivodeship[row], "{}", terc6[row]);
    }
}

#[test]
fn changes_are_told_with_their_source() {
    let changes = table(CHANGES);
    let of = |name: &str| texts(&changes, name).unwrap();
    let (kind, old, new) = (of("kind"), of("old_terc6"), of("new_terc6"));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    kind.iter().for_each(|kind| *counts.entry(kind).or_default() += 1);
    // Each split is told with what stays.
    assert_eq!(counts, BTreeMap::from([("merged", 2), ("renamed", 3), ("split", 4), ("type_changed", 76)]));
    assert!(of("source").iter().all(|source| !source.is_empty()));
    let shares = changes.column_by_name("share").unwrap().as_primitive::<arrow::datatypes::Decimal128Type>();
    let of_ostrowice: i128 =
        (0..old.len()).filter(|row| old[*row] == "320304").map(|row| shares.value(row)).sum();
    assert_eq!(of_ostrowice, 1_000_000, "its land went to two others, and none is left");
    let to = |code: &str| (0..new.len()).find(|row| new[*row] == code && kind[*row] == "split").unwrap();
    assert_eq!((old[to("200216")], of("new_nazwa")[to("200216")]), ("200209", "Grabówka"));
    assert!(shares.is_null(to("200216")), "the decree tells hectares, not of how many");
    let known = changes.column_by_name("day_known").unwrap().as_boolean();
    assert!(
        known.value(to("200216")) && !known.value(kind.iter().position(|k| *k == "type_changed").unwrap())
    );
}

#[test]
fn a_change_of_no_kind_is_refused() {
    let list = "id: territory_changes\ntitle: {pl: Z, en: C}\nsource: test\n";
    let head = "old_terc6,old_rodz,old_nazwa,new_terc6,day,kind,area_ha,share,source\n";
    let terc = "id: terc\ntitle: {pl: T, en: T}\nsource: test\nderive: terc\n";
    let register = "WOJ,POW,GMI,RODZ,NAZWA,NAZWA_DOD,STAN_NA\n02,,,,D,w,x\n02,01,,,b,p,x\n02,01,01,1,B,g,x\n";
    let said = |line: &str| {
        let changes = format!("{head}{line}\n");
        let files = [
            ("territory_changes/list.yaml", list),
            ("territory_changes/1999-01-01.csv", changes.as_str()),
            ("terc/list.yaml", terc),
            ("terc/2020-01-01.csv", register),
        ];
        let lists = CodeLists::from_files(files.iter().map(|(p, t)| (*p, t.as_bytes()))).unwrap();
        tables(&lists).map(|tables| tables.len()).map_err(|error| error.to_string())
    };
    assert_eq!(said("020101,1,B,020101,2021-01-01,renamed,,1,x"), Ok(2));
    for (line, wrong) in
        [("020101,1,B,020101,2021-01-01,gone,,1,x", "gone"), ("020101,1,B,020101,soon,renamed,,1,x", "soon")]
    {
        assert!(said(line).is_err_and(|error| error.contains(wrong)), "{line}");
    }
}
