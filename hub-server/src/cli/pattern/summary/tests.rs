use hub_datasets::Patterns;
use hub_datasets::report::{Code, Count};

use super::*;

fn violation(code: Code, rule: &str, column: &str) -> hub_datasets::Violation {
    hub_datasets::Violation {
        code,
        severity: Severity::Block,
        rule: rule.to_owned(),
        row: 2,
        key: String::new(),
        column: column.to_owned(),
        value: String::new(),
        expected: String::new(),
        message_pl: "źle".to_owned(),
        message_en: "it is wrong".to_owned(),
        hint_pl: String::new(),
        hint_en: String::new(),
        explanation: String::new(),
    }
}

fn tried(rows: u64, counts: Vec<(Code, &str, u64)>, violations: Vec<hub_datasets::Violation>) -> Tried {
    let lists = serde_json::json!({ "pattern": "rb28s/1.0.0", "bundle_sha256": "", "rows_read": rows, "rows_refused": 0, "rows_set_aside": 0, "counts": [], "violations": [], "not_evaluated": [] });
    let mut report: Report = serde_json::from_value(lists).unwrap();
    report.counts = counts
        .into_iter()
        .map(|(code, rule, count)| Count {
            code,
            severity: Severity::Block,
            rule: rule.to_owned(),
            count,
            explained: 0,
        })
        .collect();
    report.violations = violations;
    let text = String::new;
    Tried { payload: text(), publisher: text(), period: text(), report: Some(report), error: text() }
}

#[test]
fn payloads_are_counted_and_what_fails_is_named() {
    let pattern = Patterns::embedded().unwrap().get("rb28s").unwrap();
    let rule = |count| {
        let found = vec![violation(Code::RuleBroken, "wykonanie_do_zaangazowania", "wykonanie")];
        tried(100, vec![(Code::RuleBroken, "wykonanie_do_zaangazowania", count)], found)
    };
    let mixed = tried(
        10,
        vec![(Code::RequiredMissing, "", 5)],
        vec![violation(Code::RequiredMissing, "", "plan"), violation(Code::RequiredMissing, "", "dzial")],
    );
    let unread = Tried { report: None, error: "gone".to_owned(), ..tried(0, vec![], vec![]) };
    let all = [tried(50, vec![], vec![]), rule(30), rule(50), mixed, unread];
    let mut tally = Tally::default();
    all.iter().for_each(|tried| tally.add(tried));
    let summary = Summary::of(&pattern, tally);
    assert_eq!((summary.pass, summary.payloads), (1, 5));
    let lines = summary.lines();
    assert_eq!(lines[0], "rb28s/1.0.0: 1 of 5 pass");
    assert_eq!(
        lines[1],
        "`wykonanie` (field 9) fails in 40.0 % of rows (80) of 2 payloads: wykonanie_do_zaangazowania — it is wrong"
    );
    // Two columns share a count of which not all rows are named.
    assert_eq!(
        lines[2],
        "`dzial` (field 2) fails in at least 10.0 % of rows (1) of 1 payload: REQUIRED_MISSING — it is wrong"
    );
    assert_eq!(lines.len(), 4);
}
