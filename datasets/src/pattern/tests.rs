use std::path::Path;
use std::sync::LazyLock;

use arrow::datatypes::{DataType, TimeUnit};

use super::{Absent, ColumnType, OpenRule, Patterns, Sensitivity, Version};
use crate::CodeLists;
use crate::period::Frequency;
use crate::report::Severity;

/// Read once: the register of territory has thousands of rows.
static LISTS: LazyLock<CodeLists> = LazyLock::new(|| CodeLists::embedded().unwrap());

const YAML: &str = include_str!("../../patterns/rb28s/1.0.0/pattern.yaml");
const SCHEMA: &str = include_str!("../../patterns/rb28s/1.0.0/schema.json");
const MAPPING: &str = include_str!("../../patterns/rb28s/1.0.0/mappings/bestia.yaml");

fn load(folder: &str, yaml: &str, schema: &str) -> Result<Patterns, String> {
    let paths = [format!("{folder}/pattern.yaml"), format!("{folder}/schema.json")];
    Patterns::default()
        .with_files([(paths[0].as_str(), yaml.as_bytes()), (paths[1].as_str(), schema.as_bytes())], &LISTS)
        .map_err(|e| e.to_string())
}

/// The message for rb28s after one replacement in one of its files.
fn fault(from: &str, to: &str) -> String {
    assert!(YAML.contains(from) || SCHEMA.contains(from), "`{from}` is in neither file");
    load("rb28s/1.0.0", &YAML.replacen(from, to, 1), &SCHEMA.replacen(from, to, 1))
        .err()
        .unwrap_or_else(|| panic!("`{to}` for `{from}` was accepted"))
}

#[test]
fn the_embedded_patterns_load() {
    let patterns = Patterns::embedded().unwrap();
    let ids: Vec<String> = patterns.iter().map(|p| p.reference()).collect();
    let all = [
        "incydenty_cyber/1.0.0",
        "jakosc_powietrza/1.0.0",
        "oswiata_uczniowie/1.0.0",
        "rb27s/1.0.0",
        "rb28s/1.0.0",
        "rbnds/1.0.0",
        "rejestr_umow/1.0.0",
        "rejestr_umow_strony/1.0.0",
        "zgloszenia_usterek/1.0.0",
    ];
    assert_eq!(ids, all);
    let closed: Vec<&str> = patterns.iter().filter(|p| !p.is_open()).map(|p| p.id.as_str()).collect();
    let expected = ["incydenty_cyber", "oswiata_uczniowie", "rejestr_umow_strony", "zgloszenia_usterek"];
    assert_eq!(closed, expected, "all other datasets are open extracts");
}

#[test]
fn rb28s_is_what_the_report_needs() {
    let rb28s = Patterns::embedded().unwrap().get("rb28s").unwrap();
    assert_eq!(rb28s.key, ["jednostka_regon", "dzial", "rozdzial", "paragraf", "p4"]);
    assert_eq!(rb28s.slice.as_deref(), Some("jednostka_regon"));
    assert!(rb28s.period.cumulative);
    assert_eq!(rb28s.period.frequencies, [Frequency::Month, Frequency::Quarter, Frequency::Annual]);
    let plan = rb28s.column("plan").unwrap();
    assert_eq!((plan.kind, plan.absent), (ColumnType::Decimal(18, 2), Absent::Zero));
    assert_eq!(plan.minimum.as_deref(), Some("0"));
    let header: Vec<&str> = rb28s.columns.iter().filter(|c| c.header).map(|c| c.name.as_str()).collect();
    assert_eq!(header, ["okres", "jst_terc6", "data_sprawozdania", "wersja"]);
    let rules: Vec<_> = rb28s.rules.iter().map(|r| (r.id.as_str(), r.severity, r.when.as_slice())).collect();
    assert_eq!(
        rules,
        [
            ("rozdzial_w_dziale", Severity::Block, &[][..]),
            ("zaangazowanie_do_planu", Severity::Warn, &[]),
            ("wykonanie_do_zaangazowania", Severity::Block, &[Frequency::Quarter]),
            ("wymagalne_do_zobowiazan", Severity::Block, &[Frequency::Quarter]),
            ("niewygasajace_do_planu", Severity::Block, &[Frequency::Annual]),
        ]
    );
}

#[test]
fn twelve_months_and_four_quarters_share_a_partition_where_amounts_cumulate() {
    let patterns = Patterns::embedded().unwrap();
    let (rb28s, air) = (patterns.get("rb28s").unwrap(), patterns.get("jakosc_powietrza").unwrap());
    for label in ["2022-M12", "2022-Q4", "2022"] {
        assert_eq!(label.parse::<crate::Period>().unwrap().partition(&rb28s), "2022-12-31");
    }
    assert_eq!("2017-M02".parse::<crate::Period>().unwrap().partition(&air), "2017-M02");
}

#[test]
fn the_schema_has_the_declared_types() {
    let air = Patterns::embedded().unwrap().get("jakosc_powietrza").unwrap();
    let schema = air.schema();
    let kind = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(kind("stanowisko_kod"), DataType::Utf8);
    assert_eq!(kind("czas"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(kind("wartosc"), DataType::Decimal128(10, 3));
    assert_eq!(kind("data_sprawozdania"), DataType::Date32);
    assert_eq!(kind("wersja"), DataType::Int64);
    assert!(schema.fields().iter().all(|f| f.is_nullable()));
    assert_eq!(schema.fields().len(), air.columns.len());
}

#[test]
fn patterns_of_measurements_load_beside_the_embedded_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/patterns");
    let mut files = Vec::new();
    for id in ["lineitem", "municipal"] {
        for name in ["pattern.yaml", "schema.json"] {
            let path = format!("{id}/1.0.0/{name}");
            files.push((path.clone(), std::fs::read(root.join(path)).unwrap()));
        }
    }
    let files = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let patterns = Patterns::embedded().unwrap().with_files(files, &LISTS).unwrap();
    let (lineitem, municipal) = (patterns.get("lineitem").unwrap(), patterns.get("municipal").unwrap());
    assert_eq!(lineitem.columns.len(), 16);
    assert_eq!(lineitem.key, ["l_orderkey", "l_linenumber"]);
    assert_eq!(municipal.columns.len(), 30);
    assert!(municipal.key.is_empty(), "file order, no uniqueness");
    assert!(patterns.get("rb28s").is_some());
}

#[test]
fn a_faulty_mapping_is_refused_with_the_place_and_what_to_write() {
    let refused = |from: &str, to: &str| {
        assert!(MAPPING.contains(from), "{from}");
        let mapping = MAPPING.replacen(from, to, 1);
        let files = [
            ("rb28s/1.0.0/pattern.yaml", YAML.as_bytes()),
            ("rb28s/1.0.0/schema.json", SCHEMA.as_bytes()),
            ("rb28s/1.0.0/mappings/bestia.yaml", mapping.as_bytes()),
        ];
        let error = Patterns::default().with_files(files, &LISTS).unwrap_err();
        assert_eq!(error.path, "rb28s/1.0.0/mappings/bestia.yaml");
        error.message
    };
    let faults = [
        ("id: bestia", "id: other", "id: `other`; write as the file is named"),
        ("rows: Paczka", "rows: /Paczka", "rows: write the names of elements from the root to a row"),
        (
            "element: Pozycja/Dzial",
            "element: Wiersz/Dzial",
            "`Wiersz/Dzial`: begin with one of the names in `rows`",
        ),
        ("element: Pozycja/Dzial", "element: Pozycja", "`Pozycja`: say which element below `Pozycja`"),
        (
            "element: Pozycja/Dzial",
            "period: {year: Pozycja/A, kind: Pozycja/B, number: Pozycja/C, kinds: {x: W}}",
            "kinds: `W`; write A, S, Q or M",
        ),
        (
            "    element: Pozycja/Dzial\n",
            "",
            "fields: `dzial`: write one of element, joined, period, row_name and",
        ),
        (
            "element: Pozycja/Dzial",
            "row_name: {Wiersz: x}",
            "row_name: say what each of [\"Pozycja\"] stands for",
        ),
        (
            "element: Pozycja/Dzial",
            "element: Pozycja/Dzial\n    date: DD.MM",
            "date: `DD.MM`; write DD, MM and YYYY once",
        ),
        ("column: dzial", "column: dział", "fields: `dział`: is no column of the pattern"),
        ("column: dzial", "column: grupa", "fields: the required column `dzial` is not among them"),
        (
            "element: PaczkaSprawozdan/@Wersja",
            "element: Jednostka/@Wersja",
            "what is always the same stands below the root alone",
        ),
        ("slice_label: Jednostka/Nazwa", "slice_label: Nazwa", "slice_label: `Nazwa`: begin with"),
        ("  - Jednostka/Typ", "  - Typ", "set_aside: `Typ`: begin with"),
    ];
    for (from, to, expected) in faults {
        let told = refused(from, to);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn the_bundle_changes_with_pattern_mappings_and_lists_but_not_with_order() {
    let whole = |yaml: &str, schema: &str, mapping: &str, swapped: bool| {
        let mut files = vec![
            ("rb28s/1.0.0/pattern.yaml", yaml.as_bytes()),
            ("rb28s/1.0.0/schema.json", schema.as_bytes()),
            ("rb28s/1.0.0/mappings/bestia.yaml", mapping.as_bytes()),
        ];
        if swapped {
            files.reverse();
        }
        let patterns = Patterns::default().with_files(files, &LISTS).unwrap();
        patterns.get("rb28s").unwrap().bundle_sha256.clone()
    };
    let digest = |yaml: &str, schema: &str, swapped: bool| whole(yaml, schema, MAPPING, swapped);
    let embedded = Patterns::embedded().unwrap().get("rb28s").unwrap().bundle_sha256.clone();
    assert_eq!(embedded.len(), 64);
    assert_ne!(whole(YAML, SCHEMA, &format!("{MAPPING}# \n"), false), embedded);
    assert_eq!(digest(YAML, SCHEMA, false), embedded);
    assert_eq!(digest(YAML, SCHEMA, true), embedded);
    assert_ne!(digest(&format!("{YAML}# \n"), SCHEMA, false), embedded);
    assert_ne!(digest(YAML, &format!("{SCHEMA}\n"), false), embedded);
}

#[test]
fn the_newest_version_is_given() {
    let newer = YAML.replacen("version: 1.0.0", "version: 1.10.0", 1);
    let older = YAML.replacen("version: 1.0.0", "version: 1.9.0", 1);
    let files = [
        ("rb28s/1.9.0/pattern.yaml", older.as_bytes()),
        ("rb28s/1.9.0/schema.json", SCHEMA.as_bytes()),
        ("rb28s/1.10.0/pattern.yaml", newer.as_bytes()),
        ("rb28s/1.10.0/schema.json", SCHEMA.as_bytes()),
        ("rb28s/1.10.0/samples/valid/x.csv", b"a\n"),
    ];
    let patterns = Patterns::embedded().unwrap().with_files(files, &LISTS).unwrap();
    assert_eq!(patterns.get("rb28s").unwrap().version, Version { major: 1, minor: 10, patch: 0 });
    assert!(patterns.version("rb28s", Version { major: 1, minor: 9, patch: 0 }).is_some());
    let count = patterns.iter().count();
    let same = patterns.with_files(files, &LISTS).unwrap();
    assert_eq!(same.iter().count(), count, "the same once more is no other one");
    let other = newer.replacen("owner: mf", "owner: gus", 1);
    let other = files.map(|(path, bytes)| match path {
        "rb28s/1.10.0/pattern.yaml" => (path, other.as_bytes()),
        _ => (path, bytes),
    });
    let again = same.with_files(other, &LISTS).unwrap_err().to_string();
    assert!(again.contains("rb28s/1.10.0") && again.contains("raise the version"), "{again}");
}

#[test]
fn what_is_not_public_is_closed_unless_said_otherwise() {
    let yaml = YAML.replacen("role: dimension", "role: dimension\n    sensitivity: personal", 1);
    let read = load("rb28s/1.0.0", &yaml, SCHEMA).unwrap().get("rb28s").unwrap();
    assert_eq!(read.columns[0].sensitivity, Sensitivity::Personal);
    assert_eq!(read.columns[0].open_rule, OpenRule::Drop);
    assert!(!read.is_open());
    let yaml = YAML.replacen("role: measure", "role: measure\n    open: suppress(5)", 1);
    let read = load("rb28s/1.0.0", &yaml, SCHEMA).unwrap().get("rb28s").unwrap();
    assert_eq!(read.column("plan").unwrap().open_rule, OpenRule::Suppress(5));
    assert!(!read.is_open());
}

#[test]
fn faults_name_file_field_and_what_to_write() {
    for (from, to, said) in [
        ("owner: mf\n", "owner: mf\nkolor: red\n", "kolor"),
        ("owner: mf\n", "", "owner"),
        ("owner: mf\n", "owner: \"\"\n", "owner: is empty"),
        ("version: 1.0.0", "version: 1.0", "write three numbers"),
        ("version: 1.0.0", "version: 1.0.1", "write as the folder is named"),
        ("id: rb28s", "id: Rb28s", "write as the folder is named"),
        ("[M, Q, A]", "[M, Q, X]", "period.frequencies: `X`; write A, S, Q, M or D"),
        ("unit_level: gmina", "unit_level: sołectwo", "unit_level"),
        ("type: decimal(18,2)", "type: decimal(2,18)", "write decimal(precision,scale)"),
        ("    type: decimal(18,2)\n", "", "write decimal(precision,scale)"),
        ("role: dimension", "role: dimension\n    type: float64", "only for a `number`"),
        ("role: measure", "role: measure\n    open: hide", "write keep, generalise, drop or suppress(k)"),
        ("checksum: regon", "checksum: pesel", "write regon or nip"),
        ("checksum: regon", "zone: \"+01:00\"", "zone: is for datetime columns"),
        ("checksum: regon", "absent: zero", "absent: zero is for measures"),
        ("checksum: regon", "header: true", "the hub can fill in only"),
        ("checksum: regon", "aliases: [dzial]", "`dzial` names two things"),
        ("checksum: regon", "status_of: plan", "must be named `plan__status`"),
        ("    header: true\n", "", "is the name of a header column"),
        ("key: [jednostka_regon, ", "key: [okres, jednostka_regon, ", "primaryKey"),
        ("key: [jednostka_regon, dzial, rozdzial, paragraf, p4]", "key: wszystko", "key"),
        ("key: [jednostka_regon, dzial, rozdzial, paragraf, p4]", "key: []", "key"),
        ("slice: jednostka_regon", "slice: regon", "slice: `regon` is no column"),
        (
            "slice:",
            "totals: {column: plan, contains: {a: [b]}}\nslice:",
            "totals: column `plan`; write a column of the key",
        ),
        ("slice:", "totals: {column: p4, contains: {}}\nslice:", "totals: contains: is empty"),
        ("slice:", "totals: {column: p4, contains: {a: [a]}}\nslice:", "write the values of its parts"),
        ("slice: jednostka_regon", "slice: grupa", "slice: `grupa` must be a required string"),
        ("list: dzialy", "list: dzialki", "there is no list `dzialki`"),
        ("list_columns: [terc6]", "list_columns: [terc9]", "has no column `terc9`"),
        ("columns: [grupa, paragraf, p4]\n    list:", "columns: [grupa, p5]\n    list:", "`p5` is no column"),
        ("severity: warn", "severity: gentle", "gentle"),
        ("columns: [zaangazowanie, plan]", "columns: [zaangazowanie, plany]", "`plany` is no column"),
        ("id: zaangazowanie_do_planu", "id: rozdzial_w_dziale", "the id stands twice"),
        ("expression: \"zaangazowanie <= plan\"", "expression: \"\"", "expression is empty"),
        ("en: \"Commitments exceed the plan\"", "en: \"\"", "write both pl and en"),
        ("when: [Q]", "when: [X]", "when: `X`"),
        ("  - name: dzial\n", "  - name: dzialek\n", "`dzial` of schema.json is not described"),
        ("  - name: dzial\n", "  - name: rozdzial\n", "`rozdzial` stands twice"),
        (
            "\"required\": true, \"pattern\": \"^[0-9]{3}$\"",
            "\"required\": true, \"pattern\": \"^[0-9{3}$\"",
            "pattern of schema.json",
        ),
        ("\"pattern\": \"^[0-9]{3}$\"", "\"unique\": true", "schema.json: unknown field `unique`"),
        ("\"minimum\": 0", "\"minimum\": \"dużo\"", "minimum: `dużo`"),
        ("\"minimum\": 0", "\"minimum\": 0.001", "minimum: `0.001`"),
        ("\"minimum\": 0", "\"enum\": [\"1\"]", "are for strings"),
        (
            "\"name\": \"dzial\", \"title\": \"Dział\", \"type\": \"string\"",
            "\"name\": \"dzial\", \"title\": \"Dział\", \"type\": \"geopoint\"",
            "geopoint",
        ),
        ("\"missingValues\": [\"\"]", "\"missingValues\": [\"-\"]", "missingValues"),
        ("\"primaryKey\": [\"jednostka_regon\", ", "\"primaryKey\": [", "write the same as `key`"),
        (
            "{\"required\": true, \"pattern\": \"^[0-9]$\"}",
            "{\"pattern\": \"^[0-9]$\"}",
            "key: `p4` may be empty",
        ),
    ] {
        let message = fault(from, to);
        assert!(message.contains(said), "`{to}` for `{from}`: {message}");
        assert!(message.starts_with("rb28s/1.0.0"), "{message}");
    }
}

#[test]
fn column_names_are_ascii_lower_snake() {
    for name in ["_dzial", "Dzial", "dział", "1dzial", "dzial nr", &"d".repeat(64)] {
        let yaml = YAML.replace("grupa", name);
        let schema = SCHEMA.replace("grupa", name);
        let message = load("rb28s/1.0.0", &yaml, &schema).unwrap_err();
        assert!(message.contains("lower snake case"), "{message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let files = [("rb28s/1.0.0/pattern.yaml", YAML.as_bytes())];
    let fault = Patterns::default().with_files(files, &LISTS).unwrap_err();
    assert_eq!(fault.to_string(), "rb28s/1.0.0/schema.json: is missing");
}

#[test]
fn event_patterns_name_a_required_time() {
    let yaml = include_str!("../../patterns/jakosc_powietrza/1.0.0/pattern.yaml");
    let schema = include_str!("../../patterns/jakosc_powietrza/1.0.0/schema.json");
    for (from, to, said) in [
        ("column: czas", "column: wskaznik", "must be a required date or datetime"),
        ("cumulative: false", "cumulative: true", "exclude each other"),
        ("zone: \"+01:00\"\n    # A", "zone: Krakow\n    # A", "write +01:00 or a name"),
        ("width: M", "width: W", "write A, S, Q, M or D"),
        ("zone: \"+01:00\"\n    aliases", "aliases", "zone: say it"),
        ("status_of: wartosc\n", "unit: x\n", "`__status` needs it"),
        ("status_of: wartosc\n", "status_of: czas\n", "`czas` is no measure"),
    ] {
        assert!(yaml.contains(from), "{from}");
        let message = load("jakosc_powietrza/1.0.0", &yaml.replacen(from, to, 1), schema).unwrap_err();
        assert!(message.contains(said), "{message}");
    }
}
