//! What a payload does to what stands already: told in its report beside what its rows say.

use hub_datasets::check::standing::{of_known_bytes, of_replaced};
use hub_datasets::report::{Explanation, Findings};
use hub_datasets::{Pattern, Period, Report};
use hub_proto::Reason;

use super::job::Outcome;
use super::verdict::parse;
use super::{CommitOptions, Intake, IntakeError};
use crate::store::spool::{CommitOrder, SpoolHeader};

/// Characters of the name of a rule that is unknown, in its refusal.
const RULE_SHOWN: usize = 80;

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

    /// Refuses an explanation of what the pattern does not know: nobody would read it.
    pub(super) fn explainable(&self, pattern: &str, options: &CommitOptions) -> Result<(), IntakeError> {
        let pattern = self.pattern(pattern)?;
        let Some(said) = options.explanations.iter().find(|said| !pattern.has_rule(&said.rule)) else {
            return Ok(());
        };
        let rule: String = said.rule.chars().take(RULE_SHOWN).collect();
        let (id, known) = (&pattern.id, pattern.to_explain().join(", "));
        let message = format!(
            "field `explanations`: pattern `{id}` has no rule `{rule}`; those that may have to be explained are: {known}"
        );
        let polish = format!("wzór `{id}` nie ma reguły `{rule}`; wyjaśnień mogą wymagać: {known}");
        Err(IntakeError::new(Reason::RequestInvalid, message).in_polish(polish))
    }

    /// Takes what the sender says to the findings of a report. What was said of the very bytes that are current stays
    /// with them: sent again they need no other word.
    pub(super) async fn explain(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        (pattern, period): (&Pattern, &Period),
        outcome: &mut Outcome,
    ) -> Result<(), IntakeError> {
        outcome.report.explain(&order.explanations);
        if outcome.report.unexplained() > 0 {
            let mut said = self.said_of_current(header, order, (pattern, period), &outcome.slices).await?;
            said.retain(|said| order.explanations.iter().all(|now| now.rule != said.rule));
            outcome.report.explain(&said);
        }
        Ok(())
    }

    async fn said_of_current(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
        (pattern, period): (&Pattern, &Period),
        slices: &[String],
    ) -> Result<Vec<Explanation>, IntakeError> {
        let commits = &self.parts.commits;
        let partition = period.partition(pattern);
        let place = (pattern.id.as_str(), header.publisher.as_str(), partition.as_str());
        let Some(id) = commits.submission_of(place, slices, &order.sha256) else { return Ok(Vec::new()) };
        // What joined an open version is current too.
        commits.projected(&pattern.id).await;
        let record = self.parts.catalog.submission(&id).await?;
        let same = record.filter(|record| {
            record.period == header.period
                && record.media_type == header.media_type
                && !record.report.is_empty()
        });
        let report: Option<Report> = same.map(|record| parse(&record.report)).transpose()?;
        Ok(report.map(|report| report.explanations).unwrap_or_default())
    }
}
