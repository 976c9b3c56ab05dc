//! Rules: what they may say, and that running them beside each other changes nothing.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

const HEADER: &str = "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,wykonanie";

fn with_rule(expression: &str) -> Result<Checker, crate::pattern::PatternError> {
    with_rules(&[expression])
}

fn with_rules(expressions: &[&str]) -> Result<Checker, crate::pattern::PatternError> {
    let mut pattern = embedded("rb28s");
    let rule = pattern.rules[0].clone();
    let named = |expression: &&str| {
        let (id, expression) = ((*expression).to_owned(), (*expression).to_owned());
        crate::pattern::Rule { id, expression, ..rule.clone() }
    };
    pattern.rules = expressions.iter().map(named).collect();
    let context = Context {
        pattern: Arc::new(pattern),
        lists: Arc::new(CodeLists::embedded().unwrap()),
        period: Some("2022-Q4".parse().unwrap()),
        publisher: None,
    };
    Checker::new(context)
}

#[test]
fn rules_may_use_only_what_is_listed() {
    for allowed in
        ["plan >= 0.01", "plan IN (1, 2)", "length(dzial) = 3 OR upper(dzial) = dzial", "plan IS NULL"]
    {
        if let Err(fault) = with_rule(allowed) {
            panic!("{allowed}: {fault}");
        }
    }
    for refused in [
        "plan",
        "random() > 0.5",
        "now() > okres",
        "plan > (SELECT 1)",
        "sum(plan) > 0",
        "$1 = plan",
        "EXISTS (SELECT 1)",
        "brak = 1",
        "",
        "plan >",
        "version() = 'x'",
        "char_length(version()) > 1",
        "length((SELECT 'a')) = 1",
    ] {
        assert!(with_rule(refused).is_err(), "{refused}");
    }
}

#[test]
fn an_evaluation_error_is_brought_down_to_its_row() {
    let checker = with_rule("wykonanie / plan < 2").unwrap();
    let row = |p4: u32, plan: &str| format!("001070630,801,80101,1300,302,{p4},{plan},1.00\n");
    let mut pattern_rows = String::new();
    for line in 0..20 {
        pattern_rows.push_str(&row(0, if line == 13 { "0" } else { "1" }));
    }
    let (plan, _) = checker.header(HEADER.as_bytes()).unwrap();
    let chunk = Chunk { data: Bytes::from(pattern_rows), first_line: 2 };
    let checked = checker.csv(&plan, &chunk);
    let failed: Vec<u64> =
        checked.findings.listed.iter().filter(|v| v.code == Code::RuleFailed).map(|v| v.row).collect();
    assert_eq!(failed, [15]);
    assert_eq!(checked.findings.rows_refused, 1);
}

/// Rules that have parts in common: sums, amounts with more digits, a quotient that some rows do not have.
const RELATED: [&str; 7] = [
    "plan + wykonanie >= plan AND plan + wykonanie >= wykonanie",
    "plan + wykonanie + 1 > 5 * (plan + wykonanie)",
    "CASE WHEN plan = 0 THEN wykonanie = 0 ELSE wykonanie / plan < 2 END",
    "CASE WHEN plan > 10 THEN wykonanie / plan < 1 ELSE plan < 1.50 END",
    "CASE WHEN plan = 0 THEN true ELSE plan / wykonanie < 2 END",
    "length(dzial) + length(rozdzial) = 8",
    "plan <= 0.50 OR length(dzial) + length(rozdzial) > 8",
];

/// Rows of plan and execution in halves of a złoty.
fn payload(rows: &[(u8, u8)]) -> Bytes {
    let half = |n: u8| format!("{}.{}", n / 2, n % 2 * 5);
    let line =
        |(plan, done): &(u8, u8)| format!("001070630,801,80101,1300,302,0,{},{}\n", half(*plan), half(*done));
    rows.iter().map(line).collect::<String>().into()
}

/// Rule, row and code of each finding of a rule.
fn findings(checker: &Checker, rows: &Bytes) -> Vec<(String, u64, Code)> {
    let (plan, _) = checker.header(HEADER.as_bytes()).unwrap();
    let checked = checker.csv(&plan, &Chunk { data: rows.clone(), first_line: 2 });
    assert!(checked.findings.listed.len() < Findings::LISTED_MAX, "too many findings to compare");
    let mut found: Vec<_> = checked
        .findings
        .listed
        .iter()
        .filter(|v| !v.rule.is_empty())
        .map(|v| (v.rule.clone(), v.row, v.code))
        .collect();
    found.sort();
    found
}

#[test]
fn rules_beside_each_other_say_what_each_says_alone() {
    let each = RELATED.map(|rule| with_rules(&[rule]).unwrap());
    let all = with_rules(&RELATED).unwrap();
    let rows = prop::collection::vec((0u8..40, 0u8..40), 1..40);
    let compared = TestRunner::default().run(&rows, |rows| {
        let rows = payload(&rows);
        let mut alone: Vec<_> = each.iter().flat_map(|checker| findings(checker, &rows)).collect();
        alone.sort();
        prop_assert_eq!(findings(&all, &rows), alone);
        Ok(())
    });
    if let Err(difference) = compared {
        panic!("{difference}");
    }
}

#[test]
fn a_row_that_cannot_be_computed_is_told_behind_thousands_of_others() {
    let mut rows = vec![(6, 2); 5_000];
    rows[4_321] = (0, 2);
    let rules = [RELATED[2], "wykonanie / plan < 2"];
    let expected =
        [(rules[0].to_owned(), 4_323, Code::RuleBroken), (rules[1].to_owned(), 4_323, Code::RuleFailed)];
    assert_eq!(findings(&with_rules(&rules).unwrap(), &payload(&rows)), expected);
}
