//! The samples that ship with each pattern: the valid ones pass, the invalid ones say what is wrong.

use super::*;

fn sample(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/patterns/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn ids() -> Vec<String> {
    crate::Patterns::embedded().unwrap().iter().map(|pattern| pattern.id.clone()).collect()
}

fn names(pattern: &str, kind: &str) -> Vec<String> {
    let folder = format!("{}/patterns/{pattern}/1.0.0/samples/{kind}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    // What offices export is read in pieces, which `tests/samples.rs` does.
    entries.filter(|name| name.ends_with(".csv") && !name.starts_with("biuro")).collect()
}

fn check(pattern: &str, kind: &str, name: &str) -> Report {
    let context: serde_json::Value =
        serde_json::from_slice(&sample(&format!("{pattern}/1.0.0/samples/context.json"))).unwrap();
    let publisher = Publisher {
        id: context["publisher"]["id"].as_str().unwrap().to_owned(),
        terc6: context["publisher"]["terc6"].as_str().map(str::to_owned),
        regon: None,
    };
    let checker = Checker::new(Context {
        pattern: Arc::new(embedded(pattern)),
        lists: Arc::new(CodeLists::embedded().unwrap()),
        period: Some(context["period"].as_str().unwrap().parse().unwrap()),
        publisher: Some(publisher),
    });
    let settings = embedded(pattern).settings_of(name, &crate::Settings::default());
    check_in(
        &checker.unwrap().with(settings),
        &sample(&format!("{pattern}/1.0.0/samples/{kind}/{name}")),
        4_096,
    )
}

#[test]
fn valid_samples_pass() {
    for pattern in ids() {
        let pattern = pattern.as_str();
        for name in names(pattern, "valid") {
            let report = check(pattern, "valid", &name);
            assert!(!report.blocks(), "{pattern} {name}: {:#?}", report.violations.first());
            assert!(report.rows_read > 0);
            assert_eq!(report.not_evaluated, Vec::<String>::new());
        }
    }
}

#[test]
fn invalid_samples_are_refused_for_their_fault() {
    let expected = [
        ("brak-wymaganej", Code::RequiredMissing),
        ("grupa-nie", Code::ReferenceMissing),
        ("inny-nadawca", Code::PublisherMismatch),
        ("inny-okres", Code::PeriodMismatch),
        ("klucz-powtorzony", Code::KeyRepeated),
        ("kutno-2022-q4-caly", Code::KeyRepeated),
        ("kod-spoza-listy", Code::ReferenceMissing),
        ("nadmiar-miejsc", Code::DecimalsExcess),
        ("naglowek-bez", Code::ColumnMissing),
        ("naglowek-kolumna-dwa", Code::ColumnRepeated),
        ("naglowek-nieznana", Code::ColumnUnknown),
        ("plan-ujemny", Code::RangeExceeded),
        ("regon-", Code::ChecksumInvalid),
        ("nip-suma", Code::ChecksumInvalid),
        ("kwota-zero", Code::RangeExceeded),
        ("data-poza-okresem", Code::PeriodMismatch),
        ("regula-", Code::RuleBroken),
        ("rozdzial-spoza", Code::RuleBroken),
        ("typ-kwota", Code::TypeInvalid),
        ("czas-godzina-25", Code::TypeInvalid),
        ("czas-poza-okresem", Code::PeriodMismatch),
        ("wartosc-z-uwaga", Code::TypeInvalid),
        ("wartosc-ponizej", Code::RangeExceeded),
    ];
    for pattern in ids() {
        let pattern = pattern.as_str();
        for name in names(pattern, "invalid") {
            let report = check(pattern, "invalid", &name);
            assert!(report.blocks(), "{pattern} {name} passed");
            assert!(!report.violations.is_empty());
            if let Some((_, code)) = expected.iter().find(|(start, _)| name.starts_with(start)) {
                let found = blocking(&report);
                assert!(found.contains(code), "{pattern} {name}: {found:?}");
            }
        }
    }
}

#[test]
fn the_kutno_package_names_the_clash_of_its_schools() {
    let report = check("rb28s", "invalid", "kutno-2022-q4-caly.csv");
    assert_eq!(report.rows_read, 327);
    assert_eq!(blocking(&report), [Code::KeyRepeated]);
    assert!(report.violations.iter().any(|v| v.key.contains("jednostka_regon=001070630")));
}
