//! Comparisons with what the hub holds, and what must be explained.

use hub_datasets::report::Explanation;
use hub_proto::Reason;

use super::*;
use crate::intake::SubmissionState;

/// A line of Rb-28S for each (unit, amount in grosze).
fn spending(lines: &[(&str, u64)]) -> Vec<u8> {
    let mut text =
        "jednostka_regon,dzial,rozdzial,grupa,paragraf,p4,plan,zaangazowanie,wykonanie\n".to_owned();
    for (unit, amount) in lines {
        let amount = format!("{}.{:02}", amount / 100, amount % 100);
        text.push_str(&format!("{unit},801,80101,1400,401,0,9999.99,9999.99,{amount}\n"));
    }
    text.into_bytes()
}

fn balance(income: &str, spent: &str, result: &str) -> Vec<u8> {
    format!(
        "symbol,plan,wykonanie\nA,0,{income}\nA1,0,{income}\nB,0,{spent}\nB1,0,{spent}\nC,0,{result}\nC1,0,{result}\n"
    )
    .into_bytes()
}

const SCHOOLS: [&str; 2] = ["001070630", "000903334"];

async fn push(house: &House, pattern: &str, period: &str, payload: Vec<u8>) -> Verdict {
    house.push(csv(pattern, period), &payload).await.unwrap()
}

fn rules(verdict: &Verdict) -> Vec<(&str, u64)> {
    verdict.report.counts.iter().map(|count| (count.rule.as_str(), count.count)).collect()
}

#[tokio::test]
async fn amounts_are_held_beside_those_of_the_period_before_in_the_year() {
    let house = House::new().await;
    let first = push(&house, "rb28s", "2022-Q1", spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 700)])).await;
    assert_eq!(rules(&first), []);
    let fell = push(&house, "rb28s", "2022-Q3", spending(&[(SCHOOLS[0], 499), (SCHOOLS[1], 701)])).await;
    assert_eq!(rules(&fell), [("wykonanie_nie_maleje", 1)]);
    assert_eq!(fell.submission.state, SubmissionState::Committed);
    // Another year begins anew; the last period before counts, not the first.
    let year = push(&house, "rb28s", "2023-Q1", spending(&[(SCHOOLS[0], 1)])).await;
    assert_eq!(rules(&year), []);
    let last = push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 499), (SCHOOLS[1], 700)])).await;
    assert_eq!(rules(&last), [("wykonanie_nie_maleje", 1)]);
    // A correction is judged together with what it carries over, and later reports beside it.
    let corrected = push(&house, "rb28s", "2022-Q3", spending(&[(SCHOOLS[1], 600)])).await;
    assert_eq!(rules(&corrected), [("wykonanie_nie_maleje", 2)]);
    let again = push(&house, "rb28s", "2022-M12", spending(&[(SCHOOLS[1], 601)])).await;
    assert_eq!(rules(&again), []);
}

#[tokio::test]
async fn a_difference_to_another_report_waits_for_its_explanation() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 700)])).await.unwrap();
    let new = csv("rbnds", "2022-Q4");
    let waits = house.push(new.clone(), &balance("20.00", "12.01", "7.99")).await.unwrap();
    assert_eq!(rules(&waits), [("wydatki_jak_rb28s", 1)]);
    assert_eq!(
        (waits.submission.state, waits.submission.reason),
        (SubmissionState::Awaiting, Some(Reason::ExplanationMissing))
    );
    assert_eq!(waits.report.pending, ["dochody_jak_rb27s", "dochody_majatkowe_jak_rb27s"]);
    assert!(waits.receipt.is_none());
    // It waits for its sender, also after a restart, and the sender need not send the bytes again.
    let house = House::on(house.close().await).await;
    house.intake.recover().await;
    let seen = house.intake.get(&own(), &waits.submission.id).await.unwrap();
    assert_eq!(seen.state, SubmissionState::Awaiting);
    let silent = house.intake.commit(&own(), &waits.submission.id, CommitOptions::default()).await.unwrap();
    assert_eq!(silent.submission.state, SubmissionState::Awaiting);
    let said = Explanation { rule: "wydatki_jak_rb28s".into(), text: "Zwrot po terminie".into() };
    let options = CommitOptions { explanations: vec![said.clone()], ..CommitOptions::default() };
    let accepted = house.intake.commit(&own(), &waits.submission.id, options).await.unwrap();
    assert_eq!((accepted.submission.state, accepted.submission.revision), (SubmissionState::Committed, 1));
    // What was said stays with the report.
    let report = house.intake.report(&own(), &waits.submission.id).await.unwrap();
    assert_eq!((report.explanations, report.pending.len()), (vec![said], 2));
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn a_correction_is_compared_together_with_what_it_carries_over() {
    let house = House::new().await;
    house.push(csv("rbnds", "2022-Q4"), &balance("20.00", "12.00", "8.00")).await.unwrap();
    house.push(csv("rb28s", "2022-Q4"), &spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 600)])).await.unwrap();
    // One school corrects itself; the other one's rows are still there.
    house.push(csv("rb28s", "2022-Q4"), &spending(&[(SCHOOLS[1], 700)])).await.unwrap();
    let equal = house.push(csv("rbnds", "2022-Q4"), &balance("21.00", "12.00", "9.00")).await.unwrap();
    assert_eq!((rules(&equal), equal.submission.revision), (vec![], 2));
}

#[tokio::test]
async fn a_trial_says_that_an_explanation_would_be_needed() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &spending(&[(SCHOOLS[0], 500)])).await.unwrap();
    let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let payload = balance("1.00", "1.00", "0.00");
    let verdict = house.push_with(csv("rbnds", "2022-Q4"), &payload, trial.clone()).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Awaiting);
    let said = Explanation { rule: "wydatki_jak_rb28s".into(), text: "Zwrot".into() };
    let trial = CommitOptions { explanations: vec![said], ..trial };
    let verdict = house.push_with(csv("rbnds", "2022-Q4"), &payload, trial).await.unwrap();
    assert_eq!((verdict.submission.state, verdict.report.unexplained()), (SubmissionState::Receiving, 0));
    assert_eq!(house.spooled().await, 0);
}

/// What stands of the comparisons of the current revisions, by rule and sums.
async fn standing(house: &House) -> Vec<(String, String, Vec<String>)> {
    house.intake.compare_waiting().await;
    let mut all = Vec::new();
    for (key, made) in house.intake.parts.catalog.all_comparisons().await.unwrap() {
        let later = house.intake.parts.catalog.comparisons(&made.submission).await.unwrap().unwrap();
        let later: hub_datasets::report::Later = serde_json::from_str(&later).unwrap();
        let mut found: Vec<String> =
            later.violations.iter().map(|found| format!("{} {}", found.rule, found.value)).collect();
        found.extend(later.pending);
        found.sort();
        all.push((key.dataset, key.partition, found));
    }
    all.sort();
    all
}

#[tokio::test]
async fn every_order_of_arrival_ends_in_the_same_findings() {
    let income = |amount: &str| {
        let row = format!("001070630,756,75615,031,0,{amount},{amount}");
        format!("jednostka_regon,dzial,rozdzial,paragraf,p4,naleznosci,wykonane\n{row}\n").into_bytes()
    };
    let sent: [(&str, &str, Vec<u8>); 5] = [
        ("rb27s", "2022-Q4", income("20.00")),
        ("rb28s", "2022-Q3", spending(&[(SCHOOLS[0], 900)])),
        ("rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 700)])),
        ("rb28s", "2022-Q4", spending(&[(SCHOOLS[1], 600)])),
        ("rbnds", "2022-Q4", balance("21.00", "11.00", "10.00")),
    ];
    let rules = ["dochody_jak_rb27s", "wydatki_jak_rb28s"];
    let said = rules.map(|rule| Explanation { rule: rule.into(), text: "W toku".into() });
    let expected = [
        ("rb28s", "wykonanie_nie_maleje wykonano=5.00, wykonano_poprzednio=9.00"),
        ("rbnds", "dochody_jak_rb27s dochody=21.00, rb27s_wykonane=20.00"),
    ];
    let expected = expected
        .map(|(dataset, found)| (dataset.to_owned(), "2022-12-31".to_owned(), vec![found.to_owned()]));
    let mut orders = Vec::new();
    permutations(&mut [0, 1, 2, 3, 4], 0, &mut orders);
    // A correction comes after what it corrects; all else comes in any order.
    orders.retain(|order: &[usize; 5]| {
        let place = |of| order.iter().position(|at| *at == of);
        place(2) < place(3)
    });
    assert_eq!(orders.len(), 60);
    for (number, order) in orders.iter().enumerate() {
        let house = House::new().await;
        for at in order {
            let (pattern, period, payload) = &sent[*at];
            // Only rules of its own pattern may be explained.
            let own_rules = &house.intake.parts.patterns.get(pattern).unwrap().compares;
            let is_own = |said: &&Explanation| own_rules.iter().any(|rule| rule.id == said.rule);
            let explanations = said.iter().filter(is_own).cloned().collect();
            let options = CommitOptions { explanations, ..CommitOptions::default() };
            let verdict = house.push_with(csv(pattern, period), payload, options).await.unwrap();
            assert_eq!(verdict.submission.state, SubmissionState::Committed, "{order:?}");
            // Some look at once, some at the end.
            if number % 2 == 0 {
                house.intake.compare_waiting().await;
            }
        }
        assert_eq!(standing(&house).await, expected, "{order:?}");
    }
}

/// All orders.
fn permutations(items: &mut [usize; 5], from: usize, all: &mut Vec<[usize; 5]>) {
    if from == items.len() {
        return all.push(*items);
    }
    for at in from..items.len() {
        items.swap(from, at);
        permutations(items, from + 1, all);
        items.swap(from, at);
    }
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_at_the_next_start() {
    let house = House::new().await;
    let first = push(&house, "rbnds", "2022-Q4", balance("20.00", "12.00", "8.00")).await;
    assert_eq!(first.report.pending.len(), 4);
    let spent = push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 500)])).await;
    // The hub goes down before it looked at the balance again.
    let house = House::on(house.close().await).await;
    house.intake.miss_nothing().await;
    assert_eq!(standing(&house).await.len(), 1);
    let id = &first.submission.id;
    assert_eq!(house.intake.get(&own(), id).await.unwrap().late_findings, 1);
    let all = crate::intake::ListSubmissions { limit: 10, ..Default::default() };
    let listed = house.intake.list(&own(), all).await.unwrap();
    let mut late: Vec<(String, u64)> = listed.into_iter().map(|view| (view.id, view.late_findings)).collect();
    late.sort();
    assert_eq!(late, [(id.clone(), 1), (spent.submission.id, 0)]);
    let report = house.intake.report(&own(), id).await.unwrap();
    let later = report.later.as_ref().unwrap();
    assert_eq!((report.counts.len(), later.counts.len(), later.pending.len()), (0, 1, 2));
    assert_eq!(later.violations[0].value, "wydatki=12.00, rb28s_wykonanie=5.00");
    // Nothing is left to do; the same look finds nothing new.
    house.intake.miss_nothing().await;
    assert!(house.intake.anew.is_idle());
    // A correction takes the finding back.
    push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 1_200)])).await;
    house.intake.compare_waiting().await;
    assert_eq!(house.intake.get(&own(), id).await.unwrap().late_findings, 0);
}

#[tokio::test]
async fn a_request_that_was_answered_gets_the_same_answer_whatever_came_since() {
    let house = House::new().await;
    let new = csv("rbnds", "2022-Q4");
    let payload = balance("20.00", "12.00", "8.00");
    let first = house.push(new.clone(), &payload).await.unwrap();
    push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 500)])).await;
    // Checked anew it would have to be explained.
    let strict = CommitOptions { strict: true, ..CommitOptions::default() };
    let again = house.push_with(new, &payload, strict).await.unwrap();
    assert_eq!(again.submission.id, first.submission.id);
    assert_eq!(again.submission.state, SubmissionState::Committed);
    assert_eq!(again.receipt, first.receipt);
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn another_difference_than_the_explained_one_is_a_late_finding() {
    let house = House::new().await;
    push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 500)])).await;
    let said = Explanation { rule: "wydatki_jak_rb28s".into(), text: "Zwrot".into() };
    // Warnings block, what is explained does not.
    let options = CommitOptions { explanations: vec![said], strict: true, ..CommitOptions::default() };
    let new = csv("rbnds", "2022-Q4");
    let first = house.push_with(new, &balance("20.00", "12.00", "8.00"), options).await.unwrap();
    house.intake.compare_waiting().await;
    let id = &first.submission.id;
    assert_eq!(house.intake.get(&own(), id).await.unwrap().late_findings, 0);
    assert_eq!(house.intake.report(&own(), id).await.unwrap().later, None);
    push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 90_000)])).await;
    house.intake.compare_waiting().await;
    assert_eq!(house.intake.get(&own(), id).await.unwrap().late_findings, 1);
    let later = house.intake.report(&own(), id).await.unwrap().later.unwrap();
    assert_eq!(later.violations[0].value, "wydatki=12.00, rb28s_wykonanie=900.00");
}

#[tokio::test]
async fn what_is_dropped_is_not_compared() {
    let house = House::new().await;
    push(&house, "rb28s", "2022-Q1", spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 900)])).await;
    push(&house, "rb28s", "2022-Q2", spending(&[(SCHOOLS[0], 500), (SCHOOLS[1], 100)])).await;
    let all = CommitOptions { replace_all: true, confirm_deletions: true, ..CommitOptions::default() };
    let only = spending(&[(SCHOOLS[0], 501)]);
    let verdict = house.push_with(csv("rb28s", "2022-Q2"), &only, all).await.unwrap();
    assert_eq!((rules(&verdict), verdict.submission.dropped.len()), (vec![], 1));
    // The other unit's fall stands again when it is there again.
    let both = push(&house, "rb28s", "2022-Q2", spending(&[(SCHOOLS[1], 100)])).await;
    assert_eq!(rules(&both), [("wykonanie_nie_maleje", 1)]);
}

#[tokio::test]
async fn submissions_that_wait_for_words_are_bounded() {
    let house = House::new().await;
    push(&house, "rb28s", "2022-Q4", spending(&[(SCHOOLS[0], 500)])).await;
    let payload = balance("20.00", "12.00", "8.00");
    let mut states = Vec::new();
    for _ in 0..4 {
        let said = house.push(csv("rbnds", "2022-Q4"), &payload).await;
        states.push(said.map(|verdict| verdict.submission.state).map_err(|error| error.reason()));
    }
    let waits = Ok(SubmissionState::Awaiting);
    assert_eq!(states, [waits, waits, waits, Err(Reason::Busy)]);
    assert_eq!(house.spooled().await, 3);
}
