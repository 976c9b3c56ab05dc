//! Rows out of key order, repeated keys, large payloads.

use std::fmt::Write;

use super::{House, csv};
use crate::intake::SubmissionState;
use crate::store::AsOf;

/// A synthetic report of Kutno as header and lines.
pub(super) fn synthetic(rows: u64) -> (String, Vec<String>) {
    let lists = hub_datasets::CodeLists::embedded().unwrap();
    let patterns = hub_datasets::Patterns::embedded().unwrap();
    let pattern = patterns.get("rb28s").unwrap();
    let mut text = Vec::new();
    let period = "2022-Q4".parse().unwrap();
    hub_datasets::synthetic::csv(&pattern, &lists, "100201", &period, rows, 7, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.collect())
}

pub(super) fn joined(header: &str, lines: &[String]) -> Vec<u8> {
    let mut text = format!("{header}\n");
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    text.into_bytes()
}

#[tokio::test]
async fn shuffled_rows_are_sorted_and_none_is_lost() {
    let house = House::new().await;
    let (header, mut lines) = synthetic(40_000);
    // A fixed stride that is prime to the length visits each line once.
    let shuffled: Vec<String> =
        (0..lines.len()).map(|at| lines[(at * 7_919) % lines.len()].clone()).collect();
    let verdict = house.push(csv("rb28s", "2022-Q4"), &joined(&header, &shuffled)).await.unwrap();
    assert_eq!(
        verdict.submission.state,
        SubmissionState::Committed,
        "{:?}",
        verdict.report.violations.first()
    );
    assert_eq!(verdict.submission.rows, 40_000);
    let snapshot = house.commits.table("rb28s").unwrap().as_of(AsOf::Latest).unwrap();
    assert_eq!(snapshot.files.rows(), 40_000);

    lines.swap(10, 20_000);
    lines.push(lines[3].clone());
    let repeated = house.push(csv("rb28s", "2022-Q3"), &joined(&header, &lines)).await.unwrap();
    assert_eq!(repeated.submission.state, SubmissionState::Refused);
    let found: Vec<_> = repeated.report.violations.iter().map(|v| (v.code.as_str(), v.row)).collect();
    assert_eq!(found, [("KEY_REPEATED", 40_002)]);
}

#[tokio::test]
async fn ten_thousand_errors_are_counted_and_a_thousand_listed() {
    let house = House::new().await;
    let (header, lines) = synthetic(10_000);
    let broken: Vec<String> = lines.iter().map(|line| line.replacen(',', ",9", 1)).collect();
    let verdict = house.push(csv("rb28s", "2022-Q4"), &joined(&header, &broken)).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Refused);
    assert_eq!(verdict.report.rows_refused, 10_000);
    assert_eq!(verdict.report.violations.len(), 1_000);
    let counted: u64 = verdict.report.counts.iter().map(|count| count.count).sum();
    assert!(counted >= 10_000, "{counted}");
}
