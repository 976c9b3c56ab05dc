//! Territory in statements: units as of any day, what became of them, who has rows, names beside codes.

use crate::harness::{PERIOD, Server, kutno_sample};

/// A unit's row of a day.
fn valid(alias: &str, day: &str) -> String {
    format!("{alias}.valid_from <= {day} AND ({alias}.valid_to IS NULL OR {day} < {alias}.valid_to)")
}

/// Amounts of every gmina there was on three days, of which two maps and the years between them differ.
fn amounts() -> String {
    let of = |day: &str| {
        let day = format!("DATE '{day}'");
        let valid = valid("t", &day);
        format!(
            "SELECT t.terc6, {day} AS dzien, CAST(t.terc6 AS BIGINT) % 997 + 1 AS kwota FROM territory t WHERE t.level = 'gmina' AND {valid}"
        )
    };
    ["2018-12-31", "2022-12-31", "2025-06-30"].map(of).join(" UNION ALL ")
}

#[test]
fn sums_on_either_days_map_agree() {
    let server = Server::start();
    let (amounts, own) = (amounts(), valid("t", "f.dzien"));
    let on = |day: &str| {
        let map = valid("m", &format!("DATE '{day}'"));
        format!(
            "WITH fakty AS ({amounts}),
            serie AS (SELECT t.series, f.kwota FROM fakty f JOIN territory t ON t.terc6 = f.terc6 AND {own})
            SELECT m.wojewodztwo, m.powiat_kod, sum(s.kwota) FROM serie s JOIN territory m ON m.terc6 = s.series AND {map}
            GROUP BY 1, 2 ORDER BY 1, 2"
        )
    };
    let [before, after] = ["2020-06-30", "2025-06-30"].map(|day| server.rows("ministry", &on(day)));
    assert_eq!(before.len(), 380);
    assert_eq!(before, after);
    let mapped: u64 = after.iter().filter_map(|row| row.rsplit(',').next()?.parse::<u64>().ok()).sum();
    let total = server.cell("ministry", &format!("SELECT sum(kwota) FROM ({amounts}) AS wszystko"));
    assert_eq!(mapped.to_string(), total, "nothing is lost and nothing counted twice");
}

#[test]
fn the_map_of_changes_says_what_became_of_a_unit() {
    let server = Server::start();
    let of = |code: &str| {
        let sql = format!(
            "SELECT new_terc6, new_nazwa, day, kind, share FROM territory_changes WHERE old_terc6 = '{code}' ORDER BY new_terc6"
        );
        server.rows("ministry", &sql)
    };
    assert_eq!(
        of("320304"),
        [
            "320302,Drawsko Pomorskie,2019-01-01,merged,0.435528",
            "320306,Złocieniec,2019-01-01,merged,0.564472"
        ]
    );
    assert_eq!(of("200209"), ["200209,Supraśl,2025-01-01,split,", "200216,Grabówka,2025-01-01,split,"]);
    let types = "SELECT count(*) FROM territory_changes WHERE kind = 'type_changed' AND old_terc6 = new_terc6 AND series = old_terc6";
    assert_eq!(server.cell("ministry", types), "76");
}

#[test]
fn units_without_rows_are_seen() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let all = "SELECT count(*), count(*) FILTER (WHERE has_rows) FROM rb28s_coverage WHERE _period_end = DATE '2022-12-31'";
    assert_eq!(server.cell("ministry", all), "2477,1");
    let kutno = "SELECT nazwa, wojewodztwo, _publisher, has_rows FROM rb28s_coverage WHERE terc6 IN ('100201', '026401') ORDER BY terc6";
    assert_eq!(
        server.rows("ministry", kutno),
        ["Wrocław,dolnośląskie,,false", "Kutno,łódzkie,gmina-100201,true"]
    );
    // Who sees one publisher's rows is not told that the others have none.
    let refused =
        server.hub("publisher", &["query", "SELECT count(*) FROM incydenty_cyber_coverage"]).expect(1);
    assert!(refused.stderr.contains("is unknown"), "{}", refused.stderr);
}

#[test]
fn names_stand_beside_codes() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let one = "SELECT dzial, dzial__nazwa, jst_terc6__nazwa, jst_terc6__powiat, jst_terc6__wojewodztwo, _publisher__nazwa FROM rb28s_named WHERE dzial = '801' LIMIT 1";
    assert_eq!(
        server.rows("ministry", one),
        ["801,Oświata i wychowanie,Kutno,kutnowski,łódzkie,Kutno (gmina miejska)"]
    );
    let sums = "SELECT dzial, sum(wykonanie), count(*) FROM {} WHERE okres = '2022-Q4' GROUP BY dzial ORDER BY dzial";
    let of = |table: &str| server.rows("ministry", &sums.replace("{}", table));
    assert_eq!(of("rb28s_named"), of("rb28s"));
    let told = |sql: &str| server.hub("ministry", &["--format", "csv", "query", sql]).expect(0).stderr;
    let right =
        told("SELECT dzial__nazwa, sum(wykonanie) FROM rb28s_named WHERE okres = '2022-Q4' GROUP BY 1");
    assert!(right.contains("dataset rb28s, version 1") && !right.contains("warning"), "{right}");
    let wrong = told("SELECT jst_terc6__wojewodztwo, sum(wykonanie) FROM rb28s_named GROUP BY 1");
    assert!(wrong.contains("CUMULATIVE_SUM") && !wrong.contains("DOUBLE_COUNT"), "{wrong}");
}

#[test]
fn a_hidden_column_is_in_no_view() {
    let server = Server::start();
    let fault = server.hub("ministry", &["query", "SELECT description FROM zgloszenia_usterek"]).expect(1);
    assert!(fault.stderr.contains("`description` is unknown"), "{}", fault.stderr);
    let fault =
        server.hub("ministry", &["query", "SELECT description FROM zgloszenia_usterek_named"]).expect(1);
    assert!(fault.stderr.contains("`description` is unknown"), "{}", fault.stderr);
    // The message names the columns that there are.
    assert!(fault.stderr.contains("jst_terc6__nazwa"), "{}", fault.stderr);
}
