//! How the demo speaks: numbered steps, what was sent, what came back.

use std::fmt::Display;

use hub_client::Verdict;
use hub_client::short;

pub(super) fn step(number: usize, title: &str) {
    println!("\n── {number}. {title}");
}

pub(super) fn line(text: impl Display) {
    println!("   {text}");
}

/// Lines of a longer text, indented.
pub(super) fn block(text: &str) {
    for line in text.lines() {
        println!("   │ {line}");
    }
}

/// What became of a push, in one line, and its receipt in another.
pub(super) fn verdict(verdict: &Verdict) {
    let submission = &verdict.submission;
    line(format!(
        "accepted: revision {} for {}, dataset version {}, {} rows",
        submission.revision, submission.period, submission.dataset_version, submission.rows
    ));
    if !submission.carried_slices.is_empty() {
        let carried = &submission.carried_slices;
        line(format!("carried over unchanged: {} slices ({})", carried.len(), carried.join(", ")));
    }
    line(format!("receipt of submission {}", short(&submission.name)));
}
