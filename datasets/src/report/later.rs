//! How the comparisons of a submission stand since its acceptance.

use serde::{Deserialize, Serialize};

use super::{Count, Report, Severity, Violation};

/// Comparisons that were made anew because the report on their other side came later, or was corrected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// Exact counts by rule.
    pub counts: Vec<Count>,
    /// The gravest, at most [`Later::LISTED_MAX`]. They name keys, and no rows of a file.
    pub violations: Vec<Violation>,
    /// Those whose other report has not come yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

impl Later {
    /// Most violations that are listed one by one.
    pub const LISTED_MAX: usize = 100;

    /// What a report says of the comparisons with these ids.
    pub fn of(report: &Report, is_compare: impl Fn(&str) -> bool) -> Self {
        let counts = report.counts.iter().filter(|count| is_compare(&count.rule));
        let violations = report.violations.iter().filter(|found| is_compare(&found.rule));
        Self {
            counts: counts.cloned().collect(),
            violations: violations.take(Self::LISTED_MAX).cloned().collect(),
            pending: report.pending.clone(),
        }
    }

    /// Findings beyond those that stood at the acceptance, rule by rule.
    pub fn findings_since(&self, accepted: &Report) -> u64 {
        let before = |now: &Count| {
            let same = accepted.counts.iter().find(|then| then.rule == now.rule && then.code == now.code);
            same.map_or(0, |then| then.count)
        };
        let told = |found: &&Violation| accepted.violations.iter().any(|then| says(then) == says(found));
        // As many as before may be about other sums than before.
        let others = |now: &Count| {
            let of_rule = self.violations.iter().filter(|found| found.rule == now.rule);
            of_rule.filter(|found| !told(found)).count() as u64
        };
        let counts = self.counts.iter().filter(|count| count.severity > Severity::Info);
        counts.map(|now| now.count.saturating_sub(before(now)).max(others(now))).sum()
    }

    /// True when it says what the report said.
    pub fn is_as_accepted(&self, accepted: &Self) -> bool {
        let counts = |of: &Self| {
            let mut counts: Vec<(String, u64)> =
                of.counts.iter().map(|count| (count.rule.clone(), count.count)).collect();
            counts.sort();
            counts
        };
        let said = |of: &Self| {
            let mut said: Vec<(String, String, String)> = of.violations.iter().map(says).collect();
            said.sort();
            said
        };
        counts(self) == counts(accepted) && self.pending == accepted.pending && said(self) == said(accepted)
    }
}

/// What a finding says, wherever its row stands.
fn says(found: &Violation) -> (String, String, String) {
    (found.rule.clone(), found.key.clone(), found.value.clone())
}
