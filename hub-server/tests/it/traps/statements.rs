//! The statements: those that are right, and those that are not with what is said of them.

/// Nothing is said of these.
pub(super) const RIGHT: &[&str] = &[
    // One period, chosen in every way that people choose one.
    "SELECT sum(wykonanie) FROM rb28s WHERE okres = '2022-Q4'",
    "SELECT dzial, sum(plan), sum(wykonanie) FROM rb28s WHERE _period_end = DATE '2022-12-31' GROUP BY dzial",
    "SELECT sum(wykonanie) FROM rb28s WHERE okres IN ('2022-Q4')",
    "SELECT sum(wykonanie) FROM rb28s WHERE okres IN ('2022-Q4', '2022-M12')",
    "SELECT sum(wykonanie) FROM rb28s WHERE _period_end BETWEEN DATE '2022-12-01' AND DATE '2022-12-31'",
    "SELECT sum(wykonanie) FROM rb28s WHERE date_part('year', _period_end) = 2022 AND date_part('month', _period_end) = 12",
    "SELECT sum(wykonanie) FROM rb28s WHERE _period_end = (SELECT max(_period_end) FROM rb28s)",
    "SELECT sum(wykonanie) FROM rb28s WHERE _period_end IN (SELECT max(_period_end) FROM rb28s)",
    "SELECT sum(r.wykonanie) FROM rb28s r CROSS JOIN (SELECT max(_period_end) AS koniec FROM rb28s) m WHERE r._period_end = m.koniec",
    "WITH ostatni AS (SELECT max(_period_end) AS koniec FROM rb28s) SELECT sum(r.wykonanie) FROM rb28s r, ostatni o WHERE r._period_end = o.koniec",
    "WITH rok AS (SELECT * FROM rb28s WHERE okres = '2022-Q4') SELECT dzial, sum(wykonanie) FROM rok GROUP BY dzial",
    // The newest of each publisher.
    "SELECT sum(r.wykonanie) FROM rb28s r WHERE r._period_end = (SELECT max(n._period_end) FROM rb28s n WHERE n._publisher = r._publisher)",
    "SELECT sum(r.wykonanie) FROM rb28s r JOIN (SELECT _publisher, max(_period_end) AS koniec FROM rb28s GROUP BY _publisher) n ON n._publisher = r._publisher AND n.koniec = r._period_end",
    "SELECT sum(wykonanie) FROM (SELECT wykonanie, rank() OVER (PARTITION BY _publisher ORDER BY _period_end DESC) AS ktory FROM rb28s) WHERE ktory = 1",
    "SELECT sum(r.wykonanie) FROM rb28s r WHERE NOT EXISTS (SELECT 1 FROM rb28s n WHERE n._publisher = r._publisher AND n._period_end > r._period_end)",
    // Each period by itself, whatever it is called.
    "SELECT _period_end, sum(wykonanie) FROM rb28s GROUP BY _period_end",
    "SELECT okres, dzial, avg(wykonanie) FROM rb28s GROUP BY okres, dzial",
    "SELECT to_char(_period_end, '%Y-%m') AS miesiac, sum(wykonanie) FROM rb28s GROUP BY 1",
    "SELECT date_part('year', _period_end), date_part('month', _period_end), sum(wykonanie) FROM rb28s GROUP BY 1, 2",
    "SELECT _submission, sum(wykonanie) FROM rb28s GROUP BY _submission",
    "SELECT okres, max(suma) FROM (SELECT okres, jst_terc6, sum(wykonanie) AS suma FROM rb28s GROUP BY okres, jst_terc6) GROUP BY okres",
    // Ends of years are added: each holds its own year.
    "SELECT sum(wykonanie) FROM rb28s WHERE okres IN ('2021-Q4', '2022-Q4')",
    "SELECT sum(wykonanie) FROM rb28s WHERE okres LIKE '%-Q4'",
    "SELECT date_part('year', _period_end) AS rok, sum(wykonanie) FROM rb28s WHERE date_part('month', _period_end) = 12 GROUP BY 1",
    // One period for each amount; what a quarter has more than the one before.
    "SELECT sum(CASE WHEN okres = '2022-Q4' THEN wykonanie ELSE 0 END) - sum(CASE WHEN okres = '2022-Q3' THEN wykonanie ELSE 0 END) FROM rb28s",
    "SELECT sum(wykonanie) FILTER (WHERE okres = '2022-Q4') FROM rb28s",
    "SELECT sum(a.wykonanie - b.wykonanie) FROM rb28s a JOIN rb28s b ON a._publisher = b._publisher AND a.jednostka_regon = b.jednostka_regon AND a.dzial = b.dzial AND a.rozdzial = b.rozdzial AND a.paragraf = b.paragraf AND a.p4 = b.p4 WHERE a.okres = '2022-Q4' AND b.okres = '2022-Q3'",
    "SELECT sum(przyrost) FROM (SELECT wykonanie - coalesce(lag(wykonanie) OVER (PARTITION BY _publisher, jednostka_regon, dzial, rozdzial, paragraf, p4 ORDER BY _period_end), 0) AS przyrost FROM rb28s)",
    "SELECT okres, sum(wykonanie) OVER (PARTITION BY okres, dzial) FROM rb28s",
    "SELECT max(wykonanie), min(plan), count(*), count(DISTINCT jednostka_regon) FROM rb28s",
    "SELECT sum(kwota) FROM (SELECT wykonane AS kwota FROM rb27s WHERE okres = '2022-Q4' UNION ALL SELECT wykonanie FROM rb28s WHERE okres = '2022-Q4')",
    "SELECT etykieta, sum(kwota) FROM (SELECT 'trzeci' AS etykieta, wykonanie AS kwota FROM rb28s WHERE okres = '2022-Q3' UNION ALL SELECT 'czwarty', wykonanie FROM rb28s WHERE okres = '2022-Q4') GROUP BY etykieta",
    // Joins that find one row.
    "SELECT t.wojewodztwo, sum(r.wykonanie) FROM rb28s r JOIN terc t ON r.jst_terc6 = t.terc6 WHERE r.okres = '2022-Q4' GROUP BY t.wojewodztwo",
    "SELECT t.wojewodztwo, sum(r.wykonanie) FROM rb28s r JOIN terc_versions t ON r.jst_terc6 = t.terc6 AND t.valid_from = DATE '2020-01-01' WHERE r.okres = '2022-Q4' GROUP BY t.wojewodztwo",
    "SELECT t.nazwa, sum(r.wykonanie) FROM rb28s r JOIN terc t ON left(t.terc7, 6) = r.jst_terc6 WHERE t.rodz IN ('1', '2', '3') AND r.okres = '2022-Q4' GROUP BY t.nazwa",
    "SELECT t.terc7, sum(r.wykonanie) FROM rb28s r JOIN terc t ON left(t.terc7, 6) = r.jst_terc6 WHERE r.okres = '2022-Q4' GROUP BY t.terc7",
    "SELECT d.nazwa, sum(r.wykonanie) FROM rb28s r JOIN dzialy d ON d.dzial = r.dzial WHERE r.okres = '2022-Q4' GROUP BY d.nazwa",
    "SELECT sum(r.wykonanie) FROM rb28s r WHERE r.okres = '2022-Q4' AND r.jst_terc6 IN (SELECT left(terc7, 6) FROM terc WHERE wojewodztwo = 'łódzkie')",
    "SELECT o.nazwa, sum(r.wykonanie) FROM rb28s r JOIN organisations o ON o.id = r._publisher AND (o.valid_from IS NULL OR o.valid_from <= r._period_end) AND (o.valid_to IS NULL OR r._period_end <= o.valid_to) WHERE r.okres = '2022-Q4' GROUP BY o.nazwa",
    "SELECT d.suma, w.suma FROM (SELECT _publisher, sum(wykonane) AS suma FROM rb27s WHERE okres = '2022-Q4' GROUP BY _publisher) d JOIN (SELECT _publisher, sum(wykonanie) AS suma FROM rb28s WHERE okres = '2022-Q4' GROUP BY _publisher) w ON d._publisher = w._publisher",
    "SELECT sum(n.wykonanie - d.suma) FROM rbnds n JOIN (SELECT _publisher, _period_end, sum(wykonane) AS suma FROM rb27s GROUP BY _publisher, _period_end) d ON d._publisher = n._publisher AND d._period_end = n._period_end WHERE n.symbol = 'A' AND n._period_end = DATE '2022-12-31'",
    // Rows of the form that do not hold each other.
    "SELECT sum(wykonanie) FROM rbnds WHERE symbol = 'A' AND okres = '2022-Q4'",
    "SELECT sum(wykonanie) FROM rbnds WHERE symbol IN ('A1', 'A2') AND okres = '2022-Q4'",
    "SELECT symbol, sum(wykonanie) FROM rbnds WHERE okres = '2022-Q4' GROUP BY symbol",
    // What is no sum: means of concentrations, states of one year, events over all periods.
    "SELECT stanowisko_kod, avg(wartosc), max(wartosc) FROM jakosc_powietrza GROUP BY stanowisko_kod",
    "SELECT wskaznik, sum(wartosc) / count(wartosc) FROM jakosc_powietrza GROUP BY wskaznik",
    "SELECT okres, sum(uczniowie) FROM oswiata_uczniowie GROUP BY okres",
    "SELECT date_part('year', _period_end), sum(etaty_ogolem) FROM oswiata_uczniowie GROUP BY 1",
    "SELECT sum(uczniowie) FROM oswiata_uczniowie WHERE _period_end = DATE '2022-12-31'",
    "SELECT avg(roczna) FROM (SELECT okres, sum(uczniowie) AS roczna FROM oswiata_uczniowie GROUP BY okres)",
    "SELECT kategoria_krajowa, count(*) FROM zgloszenia_usterek GROUP BY kategoria_krajowa",
    "SELECT date_trunc('month', requested_datetime), count(*) FROM zgloszenia_usterek GROUP BY 1",
    "SELECT jst_terc6, sum(wartosc) FROM rejestr_umow GROUP BY jst_terc6",
    "SELECT sum(wartosc) FROM rejestr_umow WHERE okres BETWEEN '2026-M01' AND '2026-M12'",
];

const PLAIN: &[&str] = &["CUMULATIVE_SUM rb28s.wykonanie"];
const TWICE: &[&str] = &["DOUBLE_COUNT rb28s.wykonanie"];

/// These are warned of.
pub(super) const WRONG: &[(&str, &[&str])] = &[
    // Amounts that run from 1 January, over several periods.
    ("SELECT sum(wykonanie) FROM rb28s", PLAIN),
    ("SELECT dzial, sum(wykonanie) FROM rb28s GROUP BY dzial", PLAIN),
    (
        "SELECT sum(plan), sum(wykonanie) FROM rb28s",
        &["CUMULATIVE_SUM rb28s.plan", "CUMULATIVE_SUM rb28s.wykonanie"],
    ),
    ("SELECT avg(wykonanie) FROM rb28s WHERE dzial = '801'", PLAIN),
    ("SELECT sum(wykonanie) FROM rb28s WHERE okres LIKE '2022-%'", PLAIN),
    ("SELECT sum(wykonanie) FROM rb28s WHERE okres IN ('2022-Q3', '2022-Q4')", PLAIN),
    (
        "SELECT sum(wykonanie) FROM rb28s WHERE _period_end >= DATE '2022-01-01' AND _period_end <= DATE '2022-12-31'",
        PLAIN,
    ),
    ("SELECT date_part('year', _period_end) AS rok, sum(wykonanie) FROM rb28s GROUP BY 1", PLAIN),
    ("SELECT date_trunc('quarter', _period_end), sum(wykonanie) FROM rb28s GROUP BY 1", PLAIN),
    ("SELECT _period_end, sum(wykonanie) FROM rb28s GROUP BY ROLLUP (_period_end)", PLAIN),
    ("SELECT sum(wykonanie / 1000) FROM rb28s_v1", PLAIN),
    ("SELECT round(sum(coalesce(wykonanie, 0)), 0) FROM rb28s", PLAIN),
    ("SELECT sum(CASE WHEN dzial = '801' THEN wykonanie ELSE 0 END) FROM rb28s", PLAIN),
    ("SELECT sum(wykonanie) FILTER (WHERE dzial = '801') FROM rb28s", PLAIN),
    ("SELECT sum(kwota) FROM (SELECT dzial, wykonanie AS kwota FROM rb28s) AS wszystko", PLAIN),
    (
        "WITH w AS (SELECT okres, sum(wykonanie) AS suma FROM rb28s GROUP BY okres) SELECT sum(suma) FROM w",
        PLAIN,
    ),
    (
        "WITH w AS (SELECT _publisher, okres, wykonanie FROM rb28s WHERE dzial = '801') SELECT _publisher, avg(wykonanie) FROM w GROUP BY _publisher",
        PLAIN,
    ),
    ("SELECT okres, sum(wykonanie) OVER (ORDER BY _period_end) FROM rb28s", PLAIN),
    ("SELECT wykonanie, sum(wykonanie) OVER (PARTITION BY jednostka_regon) FROM rb28s", PLAIN),
    (
        "SELECT sum(kwota) FROM (SELECT wykonanie AS kwota FROM rb28s WHERE okres = '2022-Q3' UNION ALL SELECT wykonanie FROM rb28s WHERE okres = '2022-Q4')",
        PLAIN,
    ),
    (
        "SELECT t.nazwa, (SELECT sum(r.wykonanie) FROM rb28s r WHERE r.jst_terc6 = t.terc6) FROM terc t WHERE t.terc6 = '100201'",
        PLAIN,
    ),
    (
        "SELECT t.wojewodztwo, sum(r.wykonanie) FROM rb28s r JOIN terc t ON r.jst_terc6 = t.terc6 GROUP BY t.wojewodztwo",
        PLAIN,
    ),
    (
        "SELECT sum(wykonanie) FROM rb28s WHERE _period_end IN (SELECT DISTINCT _period_end FROM rb28s WHERE _period_end > DATE '2022-01-01')",
        PLAIN,
    ),
    ("SELECT jst_terc6 FROM rb28s GROUP BY jst_terc6 HAVING sum(wykonanie) > 1000", PLAIN),
    ("SELECT sum(wykonane) FROM rb27s WHERE dzial = '756'", &["CUMULATIVE_SUM rb27s.wykonane"]),
    ("SELECT sum(wykonanie) FROM rbnds WHERE symbol = 'B'", &["CUMULATIVE_SUM rbnds.wykonanie"]),
    // States and concentrations.
    ("SELECT sum(uczniowie) FROM oswiata_uczniowie", &["CUMULATIVE_SUM oswiata_uczniowie.uczniowie"]),
    (
        "SELECT typ_szkoly, sum(etaty_ogolem) FROM oswiata_uczniowie GROUP BY typ_szkoly",
        &["CUMULATIVE_SUM oswiata_uczniowie.etaty_ogolem"],
    ),
    (
        "SELECT stanowisko_kod, sum(wartosc) FROM jakosc_powietrza GROUP BY stanowisko_kod",
        &["CUMULATIVE_SUM jakosc_powietrza.wartosc"],
    ),
    (
        "SELECT sum(wartosc) FROM jakosc_powietrza WHERE okres = '2017-M02'",
        &["CUMULATIVE_SUM jakosc_powietrza.wartosc"],
    ),
    // Rows that are there more than once.
    (
        "SELECT t.nazwa, sum(r.wykonanie) FROM rb28s r JOIN terc t ON left(t.terc7, 6) = r.jst_terc6 WHERE r.okres = '2022-Q4' GROUP BY t.nazwa",
        TWICE,
    ),
    (
        "SELECT sum(r.wykonanie) FROM rb28s r JOIN terc t ON t.woj || t.pow || t.gmi = r.jst_terc6 WHERE r.okres = '2022-Q4'",
        TWICE,
    ),
    (
        "SELECT sum(r.wykonanie) FROM rb28s r JOIN terc_versions t ON t.terc6 = r.jst_terc6 WHERE r.okres = '2022-Q4'",
        TWICE,
    ),
    (
        "SELECT sum(r.wykonanie) FROM rb28s r, terc t WHERE t.woj = substr(r.jst_terc6, 1, 2) AND r.okres = '2022-Q4'",
        TWICE,
    ),
    (
        "SELECT count(r.wykonanie) FROM rb28s r JOIN terc_versions t ON t.terc6 = r.jst_terc6",
        &["DOUBLE_COUNT rb28s.*"],
    ),
    (
        "SELECT sum(r.wykonanie) FROM rb28s r LEFT JOIN rozdzialy z ON z.dzial = r.dzial WHERE r.okres = '2022-Q4'",
        TWICE,
    ),
    (
        "SELECT sum(a.wykonane), sum(b.wykonanie) FROM rb27s a JOIN rb28s b ON a._publisher = b._publisher AND a.okres = b.okres WHERE a.okres = '2022-Q4'",
        &["DOUBLE_COUNT rb27s.wykonane", "DOUBLE_COUNT rb28s.wykonanie"],
    ),
    (
        "SELECT sum(u.wartosc) FROM rejestr_umow u JOIN rejestr_umow_strony s ON s._publisher = u._publisher AND s.jednostka_regon = u.jednostka_regon AND s.id_umowy = u.id_umowy AND s._period_end = u._period_end",
        &["DOUBLE_COUNT rejestr_umow.wartosc"],
    ),
    (
        "SELECT avg(u.wartosc) FROM rejestr_umow u JOIN rejestr_umow_strony s ON s.id_umowy = u.id_umowy",
        &["DOUBLE_COUNT rejestr_umow.wartosc"],
    ),
    ("SELECT sum(wykonanie) FROM rbnds WHERE okres = '2022-Q4'", &["DOUBLE_COUNT rbnds.wykonanie"]),
    (
        "SELECT sum(wykonanie) FROM rbnds WHERE okres = '2022-Q4' AND symbol LIKE 'A%'",
        &["DOUBLE_COUNT rbnds.wykonanie"],
    ),
    (
        "SELECT okres, sum(wykonanie) FROM rbnds WHERE symbol <> 'C' GROUP BY okres",
        &["DOUBLE_COUNT rbnds.wykonanie"],
    ),
];
