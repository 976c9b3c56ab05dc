use super::*;

fn violation(code: Code, severity: Severity, row: u64) -> Violation {
    Violation {
        code,
        severity,
        rule: String::new(),
        row,
        key: String::new(),
        column: "plan".to_owned(),
        value: "x\ty".to_owned(),
        expected: String::new(),
        message_pl: "źle".to_owned(),
        message_en: "wrong".to_owned(),
        hint_pl: "Popraw.".to_owned(),
        hint_en: "Correct it.".to_owned(),
        explanation: String::new(),
    }
}

#[test]
fn a_row_is_refused_once_however_many_findings_it_has() {
    let mut findings = Findings::default();
    findings.add(violation(Code::TypeInvalid, Severity::Block, 7));
    findings.add(violation(Code::FormInvalid, Severity::Block, 7));
    findings.add(violation(Code::RuleBroken, Severity::Warn, 8));
    let mut later = Findings::default();
    later.add(violation(Code::KeyRepeated, Severity::Block, 7));
    later.add(violation(Code::KeyRepeated, Severity::Block, 70_000));
    findings.merge(later);
    assert_eq!(findings.rows_refused, 2);
    assert!(findings.is_refused(70_000) && !findings.is_refused(8));
}

#[test]
fn remarks_do_not_crowd_out_errors() {
    let mut findings = Findings::default();
    for row in 2..2_002 {
        findings.add(violation(Code::FloatNoise, Severity::Info, row));
    }
    findings.add(violation(Code::TypeInvalid, Severity::Block, 3_000));
    let mut later = Findings::default();
    later.add(violation(Code::TypeInvalid, Severity::Block, 4_000));
    findings.merge(later);
    assert_eq!(findings.listed.len(), Findings::LISTED_MAX);
    let errors: Vec<u64> =
        findings.listed.iter().filter(|v| v.severity == Severity::Block).map(|v| v.row).collect();
    assert_eq!(errors, [3_000, 4_000]);
    assert_eq!(findings.counts.values().sum::<u64>(), 2_002);
}

#[test]
fn the_rendered_report_is_this_text() {
    let report = Report {
        pattern: "rb28s/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 10,
        rows_refused: 2,
        rows_set_aside: 0,
        counts: vec![Count {
            code: Code::TypeInvalid,
            severity: Severity::Block,
            rule: String::new(),
            count: 3,
            explained: 0,
        }],
        violations: vec![violation(Code::TypeInvalid, Severity::Block, 12)],
        not_evaluated: vec!["regula".to_owned()],
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    };
    assert_eq!(
        render(&report, Language::Polish),
        "Odrzucono, popraw 2 wiersze\n\
         Wzór rb28s/1.0.0 · wierszy: 10 · odrzucono: 2 · odłożono: 0\n\
         \n\
         \x20 TYPE_INVALID         3  błąd\n\
         \n\
         \x20 wiersz  kolumna  wartość  co jest źle\n\
         \x20     12  plan     x␣y      źle\n\
         \x20                           → Popraw.\n\
         \x20 … i jeszcze 2: raport wymienia najwyżej 1000; popraw te i sprawdź ponownie\n\
         \n\
         Nie sprawdzono (brak potrzebnych danych, np. okresu, nadawcy albo innego sprawozdania):\n\
         \x20 regula\n"
    );
}

#[test]
fn a_text_names_all_or_says_how_to_see_the_rest() {
    let mut findings = Findings::default();
    (1..=60).for_each(|row| findings.add(violation(Code::TypeInvalid, Severity::Block, row)));
    let report = Report {
        pattern: "rb28s/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 60,
        rows_refused: 60,
        rows_set_aside: 0,
        counts: vec![Count {
            code: Code::TypeInvalid,
            severity: Severity::Block,
            rule: String::new(),
            count: 60,
            explained: 0,
        }],
        violations: findings.listed,
        not_evaluated: Vec::new(),
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    };
    let named = |text: &str| text.matches("→ Correct it.").count();
    let whole = render(&report, Language::English);
    assert!(named(&whole) == 60 && !whole.contains("more"), "{whole}");
    let short = render_short(&report, Language::English, "hub submissions report 7");
    assert!(named(&short) == 50 && short.contains("… and 10 more: hub submissions report 7\n"), "{short}");
}

#[test]
fn the_first_line_says_what_happens_next() {
    let with = |severity: Option<Severity>, rows_refused| {
        let counts = severity.map(|severity| Count {
            code: Code::RuleBroken,
            severity,
            rule: String::new(),
            count: 1,
            explained: 0,
        });
        let report = Report {
            pattern: String::new(),
            bundle_sha256: String::new(),
            rows_read: 100,
            rows_refused,
            rows_set_aside: 0,
            counts: counts.into_iter().collect(),
            violations: Vec::new(),
            not_evaluated: Vec::new(),
            pending: Vec::new(),
            explanations: Vec::new(),
            later: None,
            normalised: Vec::new(),
        };
        render(&report, Language::Polish).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(with(None, 0), "Przyjęto");
    assert_eq!(with(Some(Severity::Warn), 0), "Przyjęto z uwagami, nie musisz nic robić");
    assert_eq!(with(Some(Severity::Block), 1), "Odrzucono, popraw 1 wiersz");
    assert_eq!(with(Some(Severity::Block), 12), "Odrzucono, popraw 12 wierszy");
    assert_eq!(with(Some(Severity::Block), 22), "Odrzucono, popraw 22 wiersze");
}

#[test]
fn codes_are_written_as_they_are_serialised() {
    for code in [Code::TypeInvalid, Code::ReferenceOtherRegister, Code::NulByte, Code::EmptyFile] {
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.as_str()));
    }
}

#[test]
fn what_was_normalised_is_joined_counted_and_shown_with_its_first_examples() {
    let part = |row: u64, count: u64| {
        let mut findings = Findings::default();
        let example = Example { row, from: "1,5".to_owned(), to: "1.50".to_owned() };
        let (change, column) = (Change::DecimalComma, "plan".to_owned());
        findings.normalise(Normalised { change, column, count, examples: vec![example; 2] });
        findings
    };
    let mut all = part(2, 10);
    all.merge(part(30, 5));
    let written = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Findings>(&written).unwrap(), all);
    let normalised: Vec<Normalised> = all.into_normalised().collect();
    assert_eq!((normalised.len(), normalised[0].count), (1, 15));
    let rows: Vec<u64> = normalised[0].examples.iter().map(|example| example.row).collect();
    assert_eq!(rows, [2, 2, 30]);
    let report = Report {
        pattern: "rb28s/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 15,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: Vec::new(),
        violations: Vec::new(),
        not_evaluated: Vec::new(),
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised,
    };
    let text = render(&report, Language::Polish);
    assert!(text.starts_with("Przyjęto\n"), "{text}");
    let line = "  plan  przecinek dziesiętny        15  „1,5” → 1.50 (wiersz 2), „1,5” → 1.50 (wiersz 2), „1,5” → 1.50 (wiersz 30)\n";
    assert!(text.contains(line), "{text}");
    let names = Change::ALL.map(|change| serde_json::to_value(change).unwrap());
    assert_eq!(names, Change::ALL.map(|change| serde_json::Value::from(change.as_str())));
}

#[test]
fn what_was_compared_later_is_pending_no_more() {
    let mut report = Report {
        pattern: "rbnds/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 14,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: Vec::new(),
        violations: Vec::new(),
        not_evaluated: Vec::new(),
        pending: vec!["dochody_jak_rb27s".to_owned()],
        explanations: Vec::new(),
        later: None,
        normalised: Vec::new(),
    };
    let said = |report: &Report| {
        let said = [render(report, Language::Polish), render_page(report, "", Language::Polish)];
        said.map(|text| {
            (
                text.contains("gdy nadejdzie"),
                text.contains("wszystko się zgadza"),
                text.contains("czeka na drugie"),
            )
        })
    };
    assert_eq!(said(&report), [(true, false, false); 2]);
    report.later = Some(Later::default());
    assert_eq!(said(&report), [(false, true, false); 2]);
    report.later = Some(Later { pending: report.pending.clone(), ..Later::default() });
    assert_eq!(said(&report), [(false, false, true); 2]);
}

#[test]
fn a_page_says_what_the_text_says_and_runs_nothing() {
    let hostile = "<script>alert(1)</script>&\"";
    let mut found = violation(Code::TypeInvalid, Severity::Block, 7);
    found.value = hostile.to_owned();
    found.key = hostile.to_owned();
    let count = |code, severity, count| Count { code, severity, rule: String::new(), count, explained: 0 };
    let report = Report {
        pattern: "rb28s/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 10,
        rows_refused: 2,
        rows_set_aside: 1,
        counts: vec![
            count(Code::TypeInvalid, Severity::Block, 3),
            count(Code::FloatNoise, Severity::Info, 1),
        ],
        violations: vec![found, violation(Code::FloatNoise, Severity::Info, 0)],
        not_evaluated: vec!["publisher jst_terc6".to_owned()],
        pending: Vec::new(),
        explanations: Vec::new(),
        later: None,
        normalised: vec![Normalised {
            column: "plan".to_owned(),
            change: Change::DecimalComma,
            count: 2,
            examples: vec![Example { row: 4, from: "1,5".to_owned(), to: "1.5".to_owned() }],
        }],
    };
    let page = render_page(&report, hostile, Language::Polish);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing from outside");
    insta::assert_snapshot!("page", page);
    let english = render_page(&report, "", Language::English);
    assert!(english.contains("<h1 class=\"bad\">Refused, correct 2 rows</h1>"), "{english}");
    assert!(english.contains("Beside them there are: 2."), "{english}");
}

#[test]
fn what_was_accepted_is_told_in_a_few_lines() {
    let count = |code, severity, count| Count { code, severity, rule: String::new(), count, explained: 0 };
    let mut violations = vec![violation(Code::RowsLost, Severity::Warn, 0)];
    violations.extend((2..9).map(|row| violation(Code::RuleBroken, Severity::Warn, row)));
    violations.push(violation(Code::ReferenceMissing, Severity::Warn, 70));
    violations.push(violation(Code::FloatNoise, Severity::Info, 80));
    let mut report = Report {
        pattern: "rb28s/1.0.0".to_owned(),
        bundle_sha256: String::new(),
        rows_read: 100,
        rows_refused: 0,
        rows_set_aside: 0,
        counts: vec![
            count(Code::RowsLost, Severity::Warn, 1),
            count(Code::RuleBroken, Severity::Warn, 7),
            count(Code::ReferenceMissing, Severity::Warn, 1),
            count(Code::FloatNoise, Severity::Info, 3),
        ],
        violations,
        not_evaluated: Vec::new(),
        pending: vec!["jak_rb27s".to_owned()],
        explanations: Vec::new(),
        later: None,
        normalised: vec![Normalised {
            change: Change::DecimalComma,
            column: "plan".to_owned(),
            count: 12,
            examples: Vec::new(),
        }],
    };
    assert_eq!(
        render_brief(&report, Language::Polish, "hub submissions report 7"),
        "Przyjęto z uwagami, nie musisz nic robić\n\
         uwaga ROWS_LOST, plan: źle → Popraw.\n\
         uwaga RULE_BROKEN, wiersz 2, plan: źle → Popraw.\n\
         uwaga REFERENCE_MISSING, wiersz 70, plan: źle → Popraw.\n\
         uwaga RULE_BROKEN, wiersz 3, plan: źle → Popraw.\n\
         uwaga RULE_BROKEN, wiersz 4, plan: źle → Popraw.\n\
         … i jeszcze 4: hub submissions report 7\n\
         uwag: 9, informacji: 3, odczytano mimo innego zapisu: 12; szczegóły: hub submissions report 7\n\
         Zostanie sprawdzone, gdy nadejdzie drugie sprawozdanie: jak_rb27s"
    );
    (report.counts, report.violations, report.normalised, report.pending) = Default::default();
    assert_eq!(render_brief(&report, Language::English, "hub submissions report 7"), "Accepted");
}
