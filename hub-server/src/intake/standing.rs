//! What a payload does to what stands already: told in its report beside what its rows say.

use hub_datasets::check::standing::{of_known_bytes, of_replaced};
use hub_datasets::report::Findings;
use hub_datasets::{Pattern, Period};

use super::Intake;
use super::job::Outcome;
use crate::store::spool::{CommitOrder, SpoolHeader};

impl Intake {
    /// Slices that lose rows or go back to an older version, and bytes that were accepted for something else.
    pub(super) fn standing(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        (pattern, period): (&Pattern, &Period),
        outcome: &Outcome,
    ) -> Findings {
        let (commits, partition) = (&self.parts.commits, period.partition(pattern));
        let sent = outcome.slices.iter().map(String::as_str).zip(outcome.slice_facts.iter().copied());
        let replaced = commits.replaced(&pattern.id, &header.publisher, &partition, sent);
        let mut findings = of_replaced(pattern, replaced.into_iter());
        let Some(known) = commits.same_bytes(&pattern.id, &order.sha256) else { return findings };
        let is_own = known.publisher == header.publisher;
        let of_other_period = || {
            let known: Option<Period> = known.period.parse().ok();
            known.is_some_and(|known| known.partition(pattern) != partition)
        };
        // That others sent the same is told of what all may read, or to who sent it.
        let may_know = is_own || pattern.is_open() || known.caller == header.caller;
        if may_know && (!is_own || of_other_period()) {
            let publisher = (!is_own).then_some(known.publisher.as_str());
            findings.merge(of_known_bytes(&known.period, publisher));
        }
        findings
    }
}
