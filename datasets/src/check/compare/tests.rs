use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::check::{Checked, HeaderPlan, Publisher};
use crate::csv::Chunk;
use crate::report::{Explanation, Report};
use crate::{CodeLists, Patterns};

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::embedded().unwrap());
static LISTS: LazyLock<Arc<CodeLists>> = LazyLock::new(|| Arc::new(CodeLists::embedded().unwrap()));

fn checker(id: &str, period: Option<&str>) -> Checker {
    let pattern = PATTERNS.get(id).unwrap();
    let period = period.map(|period| period.parse().unwrap());
    let publisher =
        Publisher { id: "gmina-100201".to_owned(), terc6: Some("100201".to_owned()), regon: None };
    let lists = Arc::clone(&LISTS);
    Checker::new(Context { pattern, lists, period, publisher: Some(publisher) }).unwrap()
}

static RB28S: LazyLock<Checker> = LazyLock::new(|| checker("rb28s", Some("2022-Q4")));
static RBNDS: LazyLock<Checker> = LazyLock::new(|| checker("rbnds", Some("2022-Q4")));

fn rows(checker: &Checker, header: &str, lines: &[String]) -> Checked {
    let (plan, _): (HeaderPlan, _) = checker.header(header.as_bytes()).unwrap();
    let chunk = Chunk { data: bytes::Bytes::from(lines.join("\n") + "\n"), first_line: 2 };
    checker.csv(&plan, &chunk)
}

const RB28S_HEADER: &str = "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie";

/// One line of Rb-28S for each (paragraph, amount).
fn spending(lines: &[(&str, i64)]) -> Checked {
    let line = |(paragraph, amount): &(&str, i64)| {
        format!("001070630,801,80101,1400,{paragraph},0,9999.99,9999.99,{}.{:02}", amount / 100, amount % 100)
    };
    rows(&RB28S, RB28S_HEADER, &lines.iter().map(line).collect::<Vec<_>>())
}

fn previous(checked: &Checked) -> Other {
    let mut other = RB28S.other(&With::Previous, &RB28S.context().pattern).unwrap();
    other.add(&checked.batch);
    other
}

fn judged(checker: &Checker, mut comparing: Comparing, checked: Checked) -> Report {
    comparing.add(&checked.batch, &checked.lines);
    let compared = checker.compare(&comparing, &checked.findings);
    checker.finish(checked.findings, checked.rows, compared)
}

#[test]
fn what_fell_since_the_period_before_is_named_with_both_sums() {
    let before = spending(&[("401", 10_000), ("402", 5_000), ("411", 1)]);
    let now = spending(&[("401", 9_999), ("402", 5_000), ("404", 7)]);
    let report = judged(&RB28S, RB28S.comparing(vec![previous(&before)], &[]).unwrap(), now);
    // Without the key before, or without it now, there is nothing to compare.
    let [found] = &report.violations[..] else { panic!("{:#?}", report.violations) };
    assert_eq!((found.code, found.rule.as_str(), found.row), (Code::RuleBroken, "wykonanie_nie_maleje", 2));
    assert_eq!(found.value, "wykonano=99.99, wykonano_poprzednio=100.00");
    assert_eq!(found.key, "jednostka_regon=001070630, dzial=801, rozdzial=80101, paragraf=401, p4=0");
    assert!(report.not_evaluated.is_empty() && report.pending.is_empty(), "{report:?}");
}

#[test]
fn what_is_not_given_is_not_evaluated_and_what_is_not_here_is_pending() {
    let report = |others, missing: &[With]| {
        judged(&RB28S, RB28S.comparing(others, missing).unwrap(), spending(&[("401", 1)]))
    };
    assert_eq!(report(Vec::new(), &[]).not_evaluated, ["wykonanie_nie_maleje"]);
    let first_of_the_year = report(Vec::new(), &[With::Previous]);
    assert!(first_of_the_year.not_evaluated.is_empty() && first_of_the_year.pending.is_empty());
    let header = "symbol,plan,wykonanie";
    let nothing = || rows(&RBNDS, header, &["A,0.00,0.00".to_owned()]);
    let alone = judged(&RBNDS, RBNDS.comparing(Vec::new(), &RBNDS.compared_with()).unwrap(), nothing());
    assert_eq!(alone.pending.len(), 4, "{alone:?}");
    let unknown = judged(&RBNDS, RBNDS.comparing(Vec::new(), &[]).unwrap(), nothing());
    assert_eq!((unknown.not_evaluated.len(), unknown.pending.len()), (4, 0));
}

#[test]
fn rows_that_block_hide_comparisons() {
    let before = spending(&[("401", 10_000)]);
    let broken = rows(&RB28S, RB28S_HEADER, &["001070630,801,80101,1400,401,0,9999.99,9999.99,x".to_owned()]);
    let report = judged(&RB28S, RB28S.comparing(vec![previous(&before)], &[]).unwrap(), broken);
    assert_eq!(report.not_evaluated, ["wykonanie_nie_maleje"]);
    assert!(report.violations.iter().all(|found| found.code == Code::TypeInvalid), "{report:?}");
}

#[test]
fn rows_of_one_report_are_held_beside_each_other() {
    let lines = |a2: &str| {
        ["A,10.00,5.00", "A1,8.00,4.00", a2, "B,1.00,1.00", "B1,1.00,1.00", "C,9.00,4.00", "C1,7.00,3.00"]
            .map(str::to_owned)
    };
    let report = |a2: &str| {
        let checked = rows(&RBNDS, "symbol,plan,wykonanie", &lines(a2));
        judged(&RBNDS, RBNDS.comparing(Vec::new(), &RBNDS.compared_with()).unwrap(), checked)
    };
    assert_eq!(report("A2,2.00,1.00").violations, []);
    let wrong = report("A2,2.00,1.01");
    let [found] = &wrong.violations[..] else { panic!("{:#?}", wrong.violations) };
    assert_eq!((found.rule.as_str(), found.row, wrong.blocks()), ("dochody_sa_suma", 2, true));
}

#[test]
fn a_finding_that_must_be_explained_waits_for_it() {
    let lines = |said: &str| {
        ["A,10.00,5.00", "A1,10.00,5.00", "B,1.00,1.00", "B1,1.00,1.00", "C,9.00,4.00", "C1,9.00,4.00"]
            .map(|line| format!("{line},{}", if line.starts_with("A,") { said } else { "" }))
    };
    let report = |said: &str| {
        let pattern = PATTERNS.get("rb27s").unwrap();
        let with = With::Pattern("rb27s".to_owned());
        let income = checker("rb27s", Some("2022-Q4"));
        let header = "jednostka_regon,dzial,rozdzial,paragraf,p4,naleznosci,wykonane";
        let others = rows(&income, header, &["001070630,756,75615,031,0,4.00,4.00".to_owned()]);
        let mut other = RBNDS.other(&with, &pattern).unwrap();
        other.add(&others.batch);
        let checked = rows(&RBNDS, "symbol,plan,wykonanie,_wyjaśnienie", &lines(said));
        let missing = [With::Pattern("rb28s".to_owned())];
        judged(&RBNDS, RBNDS.comparing(vec![other], &missing).unwrap(), checked)
    };
    let mut silent = report("");
    assert_eq!((silent.blocks(), silent.unexplained(), silent.violations[0].row), (false, 1, 2));
    assert_eq!(silent.pending, ["wydatki_jak_rb28s", "wydatki_majatkowe_jak_rb28s"]);
    let said = report("Zwrot po terminie");
    assert_eq!((said.unexplained(), said.violations[0].explanation.as_str()), (0, "Zwrot po terminie"));
    // The same said of the rule; what is said of a rule that found nothing is left out.
    let of = |rule: &str| Explanation { rule: rule.to_owned(), text: "Zwrot".to_owned() };
    silent.explain(&[of("dochody_jak_rb27s"), of("wydatki_jak_rb28s")]);
    assert_eq!((silent.unexplained(), silent.explanations), (0, vec![of("dochody_jak_rb27s")]));
    let long = report(&"x".repeat(Explanation::TEXT_MAX + 1));
    assert_eq!((long.blocks(), long.violations[0].code), (true, Code::LengthInvalid));
}

#[test]
fn more_keys_than_are_held_leave_a_comparison_open() {
    let plan = SidePlan::new(
        &PATTERNS.get("rbnds").unwrap(),
        &["symbol".to_owned()],
        &[crate::pattern::Sum { name: "n".to_owned(), column: None, filter: None }],
    );
    let mut side = Side::new(Arc::new(plan.unwrap())).unwrap();
    let symbols: arrow::array::StringArray =
        (0..=side::KEYS_MAX).map(|number| Some(number.to_string())).collect();
    let batch = RecordBatch::try_from_iter([("symbol", Arc::new(symbols) as ArrayRef)]).unwrap();
    side.add(&batch.slice(0, side::KEYS_MAX), &[]);
    assert_eq!((side.fault, side.keys().count()), (None, side::KEYS_MAX));
    side.add(&batch.slice(side::KEYS_MAX, 1), &[]);
    assert_eq!((side.fault, side.keys().count()), (Some(side::Fault::Keys), 0));
}

#[test]
fn comparisons_of_all_patterns_can_be_made() {
    for pattern in PATTERNS.iter() {
        let checker = checker(&pattern.id, Some("2022-Q4"));
        for with in checker.compared_with() {
            let other = match &with {
                With::Pattern(id) => PATTERNS.get(id).unwrap(),
                With::This | With::Previous => Arc::clone(pattern),
            };
            assert!(!checker.other(&with, &other).unwrap().columns().is_empty());
        }
    }
}

proptest! {
    /// However rows are cut into batches and ordered, the sums are those that one pass over the lines gives.
    #[test]
    fn sums_do_not_depend_on_cuts(
        now in prop::collection::vec((0..4_usize, 0..500_i64), 1..40),
        before in prop::collection::vec((0..4_usize, 0..500_i64), 0..40),
        cut in 0..40_usize,
    ) {
        const NAMES: [&str; 4] = ["401", "402", "404", "411"];
        let sums = |lines: &[(usize, i64)]| {
            let mut sums = [None; 4];
            lines.iter().for_each(|(at, amount)| *sums[*at].get_or_insert(0) += amount);
            sums
        };
        let of = |lines: &[(usize, i64)]| spending(&lines.iter().map(|(at, a)| (NAMES[*at], *a)).collect::<Vec<_>>());
        let (held, checked) = (of(&before), of(&now));
        let mut comparing = RB28S.comparing(vec![previous(&held)], &[]).unwrap();
        let cut = cut.min(checked.batch.num_rows());
        let rest = checked.batch.num_rows() - cut;
        comparing.add(&checked.batch.slice(0, cut), &checked.lines[..cut]);
        comparing.add(&checked.batch.slice(cut, rest), &checked.lines[cut..]);
        let found = RB28S.compare(&comparing, &Findings::default()).findings;
        let fell = sums(&now).into_iter().zip(sums(&before));
        let fell = fell.filter(|(now, before)| matches!((now, before), (Some(now), Some(before)) if now < before));
        prop_assert_eq!(found.listed.len(), fell.count());
    }
}
