use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, StringArray};
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use super::table::Table;
use super::{CodeList, CodeLists};

/// Read once: the register of territory has thousands of rows.
static LISTS: LazyLock<CodeLists> = LazyLock::new(|| CodeLists::embedded().unwrap());

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn column<'a>(table: &'a RecordBatch, name: &str) -> &'a StringArray {
    table.column_by_name(name).unwrap().as_any().downcast_ref().unwrap()
}

fn list(lists: &CodeLists, id: &str) -> Arc<CodeList> {
    Arc::clone(lists.get(id).unwrap())
}

/// Value of `wanted` in the row in which `by` is `value`.
fn find(table: &RecordBatch, by: &str, value: &str, wanted: &str) -> Option<String> {
    let row = column(table, by).iter().position(|v| v == Some(value))?;
    let cells = column(table, wanted);
    (!cells.is_null(row)).then(|| cells.value(row).to_owned())
}

fn fault(files: &[(&str, &str)]) -> String {
    CodeLists::from_files(files.iter().map(|(p, t)| (*p, t.as_bytes()))).unwrap_err().to_string()
}

const HEAD: &str = "id: kolory\ntitle: {pl: Kolory, en: Colours}\nsource: test\n";

#[test]
fn embedded_lists_have_the_sizes_that_their_source_states() {
    let sizes: BTreeMap<&str, Vec<usize>> = LISTS
        .iter()
        .map(|l| (l.id.as_str(), l.versions.iter().map(|v| v.table.num_rows()).collect()))
        .collect();
    assert_eq!(sizes["terc"], [4_194, 4_348]);
    assert_eq!(sizes["dzialy"], [33]);
    assert_eq!(sizes["rozdzialy"], [644]);
    assert_eq!(sizes["paragrafy_dochodow"], [219]);
    assert_eq!(sizes["paragrafy_wydatkow"], [264]);
    assert_eq!(sizes["wskazniki_powietrza"], [14]);
    for l in LISTS.iter() {
        assert_eq!(l.sha256.len(), 64, "{}", l.id);
        assert!(!l.title.pl.is_empty() && !l.title.en.is_empty() && !l.source.is_empty(), "{}", l.id);
    }
}

#[test]
fn a_day_has_the_version_that_is_valid_on_it() {
    let terc = list(&LISTS, "terc");
    for (on, from) in [
        ("1999-12-31", "2020-01-01"),
        ("2020-01-01", "2020-01-01"),
        ("2024-12-31", "2020-01-01"),
        ("2025-01-01", "2025-01-01"),
        ("2030-06-30", "2025-01-01"),
    ] {
        assert_eq!(terc.as_of(day(on)).valid_from, day(from), "{on}");
    }
}

#[test]
fn terc_counts_units_of_each_level() {
    let terc = list(&LISTS, "terc");
    let table = &terc.as_of(day("2025-12-31")).table;
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for level in column(table, "level").iter().flatten() {
        *levels.entry(level).or_default() += 1;
    }
    let parts = 718 + 718 + 18 + 19;
    assert_eq!(
        levels,
        BTreeMap::from([("wojewodztwo", 16), ("powiat", 380), ("gmina", 2_479), ("czesc", parts)])
    );
}

#[test]
fn terc6_names_each_reporting_unit_once() {
    for version in &list(&LISTS, "terc").versions {
        let codes: Vec<&str> = column(&version.table, "terc6").iter().flatten().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|c| c.len() == 6));
        let terc7 = column(&version.table, "terc7");
        assert_eq!(terc7.iter().collect::<BTreeSet<_>>().len(), terc7.len());
    }
}

#[test]
fn cities_with_county_rights_are_gminy_with_a_voivodeship() {
    let terc = list(&LISTS, "terc");
    for on in ["2022-12-31", "2025-12-31"] {
        let table = &terc.as_of(day(on)).table;
        let get = |terc6: &str, wanted: &str| find(table, "terc6", terc6, wanted);
        assert_eq!(get("100201", "nazwa").as_deref(), Some("Kutno"));
        assert_eq!(get("100201", "wojewodztwo").as_deref(), Some("łódzkie"));
        assert_eq!(get("100201", "powiat").as_deref(), Some("kutnowski"));
        assert_eq!(get("026401", "level").as_deref(), Some("gmina"));
        assert_eq!(get("026401", "nazwa").as_deref(), Some("Wrocław"));
        assert_eq!(get("026400", "nazwa"), None, "the powiat row of a city is no second unit");
        assert_eq!(get("100200", "level").as_deref(), Some("powiat"));
        assert_eq!(get("100000", "nazwa").as_deref(), Some("ŁÓDZKIE"));
    }
}

#[test]
fn expenditure_groups_are_a_function_of_paragraph_and_fourth_digit() {
    let table = &list(&LISTS, "grupy_wydatkow").versions[0].table;
    let (paragraphs, digits) = (column(table, "paragraf"), column(table, "p4"));
    let names = column(table, "grupa");
    let mut of = BTreeMap::new();
    for row in 0..table.num_rows() {
        let key = (paragraphs.value(row), digits.value(row));
        assert_eq!(of.insert(key, names.value(row)), None, "{key:?}");
    }
    for (paragraph, digit, group) in [
        ("401", "0", "1400"),
        ("401", "7", "1401"),
        ("401", "9", "1402"),
        ("401", "4", "1403"),
        ("421", "0", "1100"),
        ("421", "8", "1101"),
        ("302", "0", "1300"),
        ("801", "6", "1810"),
        ("605", "0", "1600"),
        ("613", "0", "1600"),
        // Grants for programmes with EU money only: with digit 0 it is no grant of group 1200.
        ("205", "1", "1201"),
        ("205", "0", "1100"),
        ("601", "9", "1620"),
    ] {
        assert_eq!(of.get(&(paragraph, digit)), Some(&group), "{paragraph}{digit}");
    }
    // Capital expenditure that the act puts in no group of local government.
    assert_eq!(of.get(&("607", "0")), None);
    // A group number that no paragraph has would be a gap in the table of the act.
    let groups: BTreeSet<&str> = of.values().copied().collect();
    assert_eq!(groups.len(), 26);
}

#[test]
fn every_line_of_the_real_package_is_in_the_lists() {
    let sample =
        crate::pattern::embedded_sample("rb28s/1.0.0/samples/invalid/kutno-2022-q4-caly.csv").unwrap();
    let lines = Table::parse(sample, ',').unwrap();
    assert_eq!(lines.rows.len(), 327);
    for (id, columns) in [
        ("dzialy", vec!["dzial"]),
        ("rozdzialy", vec!["rozdzial"]),
        ("paragrafy_wydatkow", vec!["paragraf"]),
        ("grupy_wydatkow", vec!["paragraf", "p4", "grupa"]),
    ] {
        let table = &list(&LISTS, id).versions[0].table;
        let known: BTreeSet<Vec<&str>> = (0..table.num_rows())
            .map(|r| columns.iter().map(|c| column(table, c).value(r)).collect())
            .collect();
        for row in &lines.rows {
            let codes: Vec<&str> = columns.iter().map(|c| row[lines.position(c).unwrap()].as_str()).collect();
            assert!(known.contains(&codes), "{id} lacks {codes:?}");
        }
    }
}

#[test]
fn a_table_reads_marks_quotes_and_line_ends() {
    let table = Table::parse("\u{feff}A;b\r\n1;\"x;\"\"y\"\"\nz\"\r\n\r\n2;\r\n".as_bytes(), ';').unwrap();
    assert_eq!(table.header, ["a", "b"]);
    assert_eq!(table.rows, [["1", "x;\"y\"\nz"], ["2", ""]]);
    let batch = table.batch().unwrap();
    assert!(column(&batch, "b").is_null(1), "an empty cell is null");
}

#[test]
fn faults_name_the_file_and_what_to_write() {
    let good = ("kolory/2022-01-01.csv", "kod\nA\n");
    assert!(
        CodeLists::from_files([("kolory/list.yaml", HEAD.as_bytes()), (good.0, good.1.as_bytes())]).is_ok()
    );
    for (files, said) in [
        (vec![good], "kolory/list.yaml: is missing"),
        (vec![("kolory/list.yaml", HEAD)], "kolory: has no version"),
        (vec![("barwy/list.yaml", HEAD), good], "write `barwy`, as the folder"),
        (
            vec![("kolory/list.yaml", HEAD), ("kolory/teraz.csv", "kod\nA\n")],
            "write the first day of validity",
        ),
        (vec![("kolory/list.yaml", HEAD), ("kolory/2022-01-01.csv", "kod\n")], "holds no values"),
        (vec![("kolory/list.yaml", HEAD), ("kolory/2022-01-01.csv", "")], "is empty"),
        (
            vec![("kolory/list.yaml", HEAD), ("kolory/2022-01-01.csv", "a,b\n1\n")],
            "line 2 has 1 cells, the header 2",
        ),
        (vec![("kolory/list.yaml", HEAD), ("kolory/2022-01-01.csv", "a\n\"b\n")], "never closed"),
        (vec![("kolory/list.yaml", "id: kolory\nbarwa: 1\n"), good], "barwa"),
    ] {
        let message = fault(&files);
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn groups_that_overlap_are_refused() {
    let yaml = "id: g\ntitle: {pl: G, en: G}\nsource: test\nderive: grupy_wydatkow\nderive_from: p\n";
    let paragraphs = ("p/2022-01-01.csv", "paragraf\n401\n402\n");
    let head = ("p/list.yaml", "id: p\ntitle: {pl: P, en: P}\nsource: test\n");
    let groups = |rows: &str| format!("grupa,nazwa_skrocona,paragrafy,p4\n{rows}");
    let fault_of =
        |rows: &str| fault(&[("g/list.yaml", yaml), ("g/2022-01-01.csv", &groups(rows)), head, paragraphs]);
    assert!(fault_of("1,a,401,0\n2,b,401-402,\"0,1\"\n").contains("groups 1 and 2 both take 4010"));
    assert!(fault_of("1,a,41,0\n").contains("three digits"));
    assert!(fault_of("1,a,401,x\n").contains("fourth digit"));
}
