use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use hub_datasets::codelist::{CodeList, CodeListVersion};
use hub_datasets::pattern::*;
use hub_datasets::period::Frequency;
use hub_datasets::report::{Change, Code, Count, Example, Explanation, Later, Normalised};
use hub_datasets::{Report, Severity, Violation};

use super::*;
use crate::v1;

fn violation() -> Violation {
    Violation {
        code: Code::TypeInvalid,
        severity: Severity::Block,
        rule: "r1".into(),
        row: 17,
        key: "dzial=801".into(),
        column: "wykonanie".into(),
        value: "12,3,4".into(),
        expected: "decimal(18,2)".into(),
        message_pl: "to nie jest kwota".into(),
        message_en: "not an amount".into(),
        hint_pl: String::new(),
        hint_en: String::new(),
        explanation: "zwrot".into(),
    }
}

fn report() -> Report {
    Report {
        pattern: "rb28s/1.0.0".into(),
        bundle_sha256: "ab".repeat(32),
        rows_read: 3,
        rows_refused: 1,
        rows_set_aside: 1,
        counts: vec![Count {
            code: Code::TypeInvalid,
            severity: Severity::Block,
            rule: "r1".into(),
            count: 1,
            explained: 1,
        }],
        violations: vec![violation()],
        not_evaluated: vec!["compare_previous".into()],
        pending: vec!["compare_rb27s".into()],
        explanations: vec![Explanation { rule: "r1".into(), text: "zwrot".into() }],
        later: Some(Later { counts: Vec::new(), violations: vec![violation()], pending: vec!["c2".into()] }),
        normalised: vec![Normalised {
            change: Change::DecimalComma,
            column: "plan".into(),
            count: 12,
            examples: vec![Example { row: 2, from: "1,5".into(), to: "1.50".into() }],
        }],
    }
}

#[test]
fn a_report_goes_there_and_back() {
    let wire = v1::Report::from(report());
    assert_eq!(wire.violations[0].code, "TYPE_INVALID");
    assert_eq!(Report::try_from(wire), Ok(report()));
}

#[test]
fn every_severity_goes_there_and_back() {
    for severity in [Severity::Info, Severity::Warn, Severity::MustExplain, Severity::Block] {
        let count = Count { code: Code::FloatNoise, severity, rule: String::new(), count: 2, explained: 0 };
        assert_eq!(Count::try_from(v1::ViolationCount::from(count.clone())), Ok(count));
    }
}

#[test]
fn what_lacks_or_is_unknown_is_named() {
    let mut wire = v1::Report::from(report());
    wire.violations[0].message = None;
    assert_eq!(Report::try_from(wire).unwrap_err().to_string(), "Violation.message: it is missing");
    let mut wire = v1::Report::from(report());
    wire.counts[0].severity = 0;
    assert_eq!(Report::try_from(wire).unwrap_err().to_string(), "ViolationCount.severity: it is missing");
    let mut wire = v1::Report::from(report());
    wire.violations[0].code = "ODD".into();
    let error = Report::try_from(wire).unwrap_err();
    assert_eq!((error.message(), error.field()), ("Violation", "code"));
    assert!(error.description().contains("ODD"));
    let mut wire = v1::Report::from(report());
    wire.normalised[0].change = "ODD".into();
    assert_eq!(Report::try_from(wire).unwrap_err().field(), "change");
    let wire = v1::Report { pattern: String::new(), ..v1::Report::from(report()) };
    assert_eq!(Report::try_from(wire).unwrap_err(), TypeConversionError::missing("Report", "pattern"));
}

#[test]
fn moments_keep_their_microseconds_also_before_1970() {
    for micros in [0, 1, -1, 1_671_537_600_123_456, -62_135_596_800_000_000] {
        let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
        assert_eq!(time_from_wire("M", "as_of", &time_to_wire(time)), Ok(time));
    }
    for (seconds, nanos) in [(i64::MAX, 0), (0, -1), (0, 1_000_000_000)] {
        let error = time_from_wire("M", "as_of", &prost_types::Timestamp { seconds, nanos }).unwrap_err();
        assert_eq!((error.message(), error.field()), ("M", "as_of"));
    }
}

fn column(name: &str, kind: ColumnType) -> Column {
    Column {
        name: name.into(),
        title: Text { pl: "Kwota".into(), en: "Amount".into() },
        description: String::new(),
        example: None,
        kind,
        role: Role::Measure,
        unit: Some("PLN".into()),
        required: true,
        absent: Absent::Null,
        sensitivity: Sensitivity::Public,
        aggregation: Aggregation::Sum,
        open_rule: OpenRule::Suppress(5),
        allowed: None,
        minimum: None,
        maximum: None,
        form: None,
        min_length: None,
        max_length: None,
        checksum: None,
        header: false,
        aliases: vec![],
        zone: None,
        status_of: None,
    }
}

#[test]
fn a_pattern_shows_types_lists_and_rules() {
    let pattern = Pattern {
        id: "rb28s".into(),
        version: Version { major: 1, minor: 2, patch: 3 },
        family: None,
        title: Text::default(),
        description: Text::default(),
        owner: "mf".into(),
        legal_basis: vec![],
        licence: String::new(),
        sensitivity: Sensitivity::Restricted,
        unit_level: "gmina".into(),
        period: PeriodRule {
            frequencies: vec![Frequency::Quarter, Frequency::Month],
            cumulative: true,
            period_of: None,
        },
        key: vec!["dzial".into()],
        slice: None,
        columns: vec![column("dzial", ColumnType::String), column("kwota", ColumnType::Decimal(18, 2))],
        references: vec![Reference {
            columns: vec!["dzial".into()],
            list: "dzialy".into(),
            list_columns: vec!["dzial".into()],
            severity: Severity::Block,
        }],
        totals: None,
        rules: vec![Rule {
            id: "r1".into(),
            severity: Severity::MustExplain,
            expression: "kwota >= 0".into(),
            when: vec![],
            columns: vec![],
            message: Text::default(),
            hint: Text::default(),
        }],
        compares: vec![Compare {
            id: "c1".into(),
            severity: Severity::Warn,
            with: With::Previous,
            by: vec![],
            this: vec![],
            other: vec![],
            expression: "teraz >= przedtem".into(),
            when: vec![],
            columns: vec![],
            message: Text::default(),
            hint: Text::default(),
        }],
        missing_values: vec![],
        set_aside: vec![],
        mappings: Vec::new(),
        tables: Vec::new(),
        table_schema: "{}".into(),
        bundle_sha256: String::new(),
    };
    let wire = v1::Pattern::from(&pattern);
    assert_eq!((wire.name.as_str(), wire.version.as_str()), ("patterns/rb28s", "1.2.3"));
    assert_eq!(wire.frequencies, ["Q", "M"]);
    assert!(wire.cumulative && wire.restricted);
    assert_eq!(wire.columns[0].code_list, "codeLists/dzialy");
    assert_eq!((wire.columns[1].r#type.as_str(), wire.columns[1].code_list.as_str()), ("decimal(18,2)", ""));
    assert_eq!(wire.columns[1].open_rule, "suppress 5");
    assert_eq!(wire.rules[0].severity(), v1::Severity::MustExplain);
    let kinds: Vec<&str> = wire.rules.iter().map(|rule| rule.kind.as_str()).collect();
    assert_eq!(kinds, ["check", "compare"]);
}

#[test]
fn a_code_list_names_its_versions() {
    let table = arrow_table(3);
    let day = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let list = CodeList {
        id: "terc".into(),
        title: Text::default(),
        source: "GUS".into(),
        sha256: String::new(),
        versions: vec![CodeListVersion { valid_from: day, table }],
    };
    let wire = v1::CodeList::from(&list);
    assert_eq!((wire.name.as_str(), wire.codes), ("codeLists/terc", 3));
    assert_eq!(wire.valid_from, ["2020-01-01"]);
}

fn arrow_table(rows: usize) -> arrow::record_batch::RecordBatch {
    let codes: arrow::array::StringArray = (0..rows).map(|n| Some(n.to_string())).collect();
    arrow::record_batch::RecordBatch::try_from_iter([("kod", Arc::new(codes) as arrow::array::ArrayRef)])
        .unwrap()
}
