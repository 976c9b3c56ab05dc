use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::budget::regon;
use super::csv;
use crate::{CodeLists, Patterns};

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::embedded().unwrap());
static LISTS: LazyLock<CodeLists> = LazyLock::new(|| CodeLists::embedded().unwrap());

struct Synthetic {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn bytes(pattern: &str, period: &str, rows: u64, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let period = period.parse().unwrap();
    csv(&PATTERNS.get(pattern).unwrap(), &LISTS, "100201", &period, rows, seed, &mut out).unwrap();
    out
}

fn synthetic(pattern: &str, period: &str, rows: u64, seed: u64) -> Synthetic {
    let text = String::from_utf8(bytes(pattern, period, rows, seed)).unwrap();
    let mut lines = text.lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
    Synthetic { header: lines.next().unwrap(), rows: lines.collect() }
}

impl Synthetic {
    fn at(&self, name: &str) -> usize {
        self.header.iter().position(|h| h == name).unwrap()
    }

    /// The key of each row, as text.
    fn keys(&self, key: &[String]) -> Vec<Vec<&str>> {
        self.rows.iter().map(|r| key.iter().map(|k| r[self.at(k)].as_str()).collect()).collect()
    }

    /// Grosze; an empty cell is nothing.
    fn grosze(&self, row: usize, name: &str) -> i64 {
        let cell = &self.rows[row][self.at(name)];
        if cell.is_empty() { 0 } else { cell.replace('.', "").parse().unwrap() }
    }
}

#[test]
fn exactly_the_rows_asked_for_with_unique_sorted_keys() {
    for (id, period) in [("rb28s", "2022-Q4"), ("rb27s", "2022-M11"), ("jakosc_powietrza", "2017-M02")] {
        let key = PATTERNS.get(id).unwrap().key.clone();
        for rows in [0, 1, 44, 45, 1_000, 30_000] {
            let made = synthetic(id, period, rows, 1);
            assert_eq!(made.rows.len() as u64, rows, "{id}");
            assert!(made.rows.iter().all(|r| r.len() == made.header.len()), "{id}");
            let keys = made.keys(&key);
            assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{id}: keys rise, so none repeats");
        }
    }
}

#[test]
fn the_seed_decides_the_bytes() {
    assert_eq!(bytes("rb28s", "2022-Q4", 500, 7), bytes("rb28s", "2022-Q4", 500, 7));
    assert_ne!(bytes("rb28s", "2022-Q4", 500, 7), bytes("rb28s", "2022-Q4", 500, 8));
}

#[test]
fn a_publisher_keeps_its_units_and_lines_over_periods_and_seeds() {
    let key = ["jednostka_regon", "rozdzial", "paragraf", "p4"].map(str::to_owned);
    let (one, two) = (synthetic("rb28s", "2022-Q3", 300, 1), synthetic("rb28s", "2022-Q4", 300, 2));
    assert_eq!(one.keys(&key), two.keys(&key));
}

#[test]
fn expenditure_keeps_the_rules_of_the_report() {
    let made = synthetic("rb28s", "2022-Q4", 20_000, 3);
    for row in 0..made.rows.len() {
        let [plan, committed, executed] =
            ["plan", "zaangazowanie", "wykonanie"].map(|name| made.grosze(row, name));
        assert!(executed <= committed && committed <= plan, "row {row}");
        let cell = |name: &str| made.rows[row][made.at(name)].as_str();
        assert!(cell("rozdzial").starts_with(cell("dzial")));
    }
    let mut plans: Vec<i64> = (0..made.rows.len()).map(|r| made.grosze(r, "plan") / 100).collect();
    plans.sort_unstable();
    let median = plans[plans.len() / 2];
    assert!((13_000..18_000).contains(&median), "median plan {median} zł");
    let month = synthetic("rb28s", "2022-M11", 100, 3);
    assert!((0..100).all(|r| month.grosze(r, "zaangazowanie") == 0), "full columns come at quarter ends");
}

#[test]
fn income_keeps_its_balance() {
    let made = synthetic("rb27s", "2022-Q4", 5_000, 3);
    for row in 0..made.rows.len() {
        let get = |name: &str| made.grosze(row, name);
        assert_eq!(
            get("naleznosci"),
            get("wykonane") + get("naleznosci_pozostale") - get("nadplaty"),
            "row {row}"
        );
        assert!(get("zaleglosci") <= get("naleznosci_pozostale"));
    }
}

#[test]
fn hours_run_from_one_to_twenty_four() {
    let made = synthetic("jakosc_powietrza", "2017-M02", 28 * 24 + 1, 1);
    let times: Vec<&str> = made.rows.iter().map(|r| r[made.at("czas")].as_str()).collect();
    assert_eq!((times[0], times[23]), ("2017-02-01 01:00", "2017-02-01 24:00"));
    assert_eq!(times[28 * 24 - 1], "2017-02-28 24:00");
    assert_eq!(times[28 * 24], "2017-02-01 01:00");
    let posts: BTreeSet<&str> = made.rows.iter().map(|r| r[0].as_str()).collect();
    assert_eq!(posts.len(), 2);
    for row in &made.rows {
        assert_eq!(row[made.at("wartosc")].is_empty(), row[made.at("wartosc__status")] == "M");
    }
}

#[test]
fn real_regon_numbers_have_the_checksum_that_we_write() {
    for real in ["001070630", "368245067", "000903334", "000903280", "000903297", "000903305"] {
        assert_eq!(regon(real[..8].parse().unwrap()), real);
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    let mut pattern = (*PATTERNS.get("rb28s").unwrap()).clone();
    let period = "2022-Q4".parse().unwrap();
    let kind = |pattern: &crate::Pattern, unit: &str| {
        csv(pattern, &LISTS, unit, &period, 1, 1, &mut Vec::new()).unwrap_err().kind()
    };
    assert_eq!(kind(&pattern, "1002"), std::io::ErrorKind::InvalidInput);
    pattern.id = "inny".to_owned();
    assert_eq!(kind(&pattern, "100201"), std::io::ErrorKind::Unsupported);
}
