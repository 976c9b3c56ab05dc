//! What a payload is compared with: other reports of its publisher, as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Datelike as _;
use hub_datasets::check::{Checker, Comparing};
use hub_datasets::pattern::With;
use hub_datasets::{Pattern, Period};
use hub_proto::Reason;

use super::{Intake, IntakeError};
use crate::commit::Held;

/// Other reports of a publisher.
#[derive(Debug, Default)]
pub(super) struct Beside {
    others: Vec<(With, Arc<Pattern>, Held)>,
    missing: Vec<With>,
    /// The revision that the payload corrects.
    own: Option<Held>,
}

impl Intake {
    /// What a report is compared with as things stand: the submission that made each, by its pattern's id or
    /// `previous`; what has not come is not among them.
    pub(super) fn counterparts(
        &self,
        pattern: &Pattern,
        publisher: &str,
        period: &Period,
    ) -> BTreeMap<String, String> {
        let commits = &self.parts.commits;
        let made_by = |dataset: &str, partition: &str| {
            Some(commits.revision(dataset, publisher, partition)?.submission)
        };
        let mut found = BTreeMap::new();
        for compare in &pattern.compares {
            let (name, submission) = match &compare.with {
                With::This => continue,
                With::Previous => {
                    let before = previous(commits, pattern, publisher, period);
                    ("previous", before.and_then(|before| made_by(&pattern.id, &before)))
                }
                With::Pattern(id) => {
                    let other = self.pattern(id).ok();
                    let partition = other.map(|other| period.partition(&other));
                    (id.as_str(), partition.and_then(|partition| made_by(id, &partition)))
                }
            };
            found.extend(submission.map(|submission| (name.to_owned(), submission)));
        }
        found
    }

    /// The reports that a pattern's comparisons need, of a publisher and period.
    pub(super) async fn beside(
        &self,
        pattern: &Arc<Pattern>,
        publisher: &str,
        period: &Period,
        replaces_all: bool,
    ) -> Result<Beside, IntakeError> {
        let mut beside = Beside::default();
        if pattern.compares.is_empty() {
            return Ok(beside);
        }
        let commits = &self.parts.commits;
        let partition = period.partition(pattern);
        for compare in &pattern.compares {
            let with = &compare.with;
            let is_known = beside.missing.contains(with) || beside.others.iter().any(|(of, ..)| of == with);
            if *with == With::This || is_known {
                continue;
            }
            let (other, partition) = match with {
                With::Pattern(id) => {
                    let other = self.pattern(id)?;
                    let partition = period.partition(&other);
                    (other, Some(partition))
                }
                With::This | With::Previous => {
                    let before = previous(commits, pattern, publisher, period);
                    (Arc::clone(pattern), before)
                }
            };
            let held = match partition {
                Some(partition) => commits.held(&other.id, publisher, &partition).await,
                None => Ok(None),
            };
            match held {
                Ok(Some(held)) => beside.others.push((with.clone(), other, held)),
                Ok(None) => beside.missing.push(with.clone()),
                // A report that cannot be read holds up no other one: what needs it is not evaluated.
                Err(error) => {
                    tracing::error!(dataset = other.id, publisher, %error, "a report cannot be compared with")
                }
            }
        }
        // Where nothing is compared nobody asks for what a correction carries over.
        let compares = !beside.others.is_empty() || pattern.compares.iter().any(|of| of.with == With::This);
        if pattern.slice.is_some() && !replaces_all && compares {
            beside.own = commits.held(&pattern.id, publisher, &partition).await?;
        }
        Ok(beside)
    }
}

/// The partition of the last earlier period of the year that a publisher has reported.
fn previous(
    commits: &crate::commit::Commits,
    pattern: &Pattern,
    publisher: &str,
    period: &Period,
) -> Option<String> {
    let first = period.last_day().with_ordinal(1)?.to_string();
    commits.partition_before(&pattern.id, publisher, &period.partition(pattern), &first)
}

impl Beside {
    /// The submissions that made what is compared with, as [`Intake::counterparts`] names them.
    pub(super) fn against(&self) -> BTreeMap<String, String> {
        let name = |with: &With| match with {
            With::Pattern(id) => id.clone(),
            With::This | With::Previous => "previous".to_owned(),
        };
        self.others.iter().map(|(with, _, held)| (name(with), held.submission().to_owned())).collect()
    }

    /// Reads the other reports. Blocking.
    pub(super) fn comparing(&self, checker: &Checker) -> Result<Comparing, IntakeError> {
        let fault = |error: hub_datasets::pattern::PatternError| {
            IntakeError::new(Reason::Internal, error.to_string())
        };
        let wanted = checker.compared_with();
        let mut others = Vec::new();
        for (with, pattern, held) in self.others.iter().filter(|(with, ..)| wanted.contains(with)) {
            let mut other = checker.other(with, pattern).map_err(fault)?;
            let columns: Vec<String> = other.columns().into_iter().map(str::to_owned).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            match held.read(&columns, &|_| true, &mut |rows| other.add(rows)) {
                Ok(()) => others.push(other),
                Err(error) => {
                    tracing::error!(dataset = pattern.id, %error, "a report cannot be compared with")
                }
            }
        }
        checker.comparing(others, &self.missing).map_err(fault)
    }

    /// Adds the rows that a correction leaves as they are; false when there are none. Blocking.
    pub(super) fn carry(&self, comparing: &mut Comparing, sent: &[String]) -> Result<bool, IntakeError> {
        let Some(own) = &self.own else { return Ok(false) };
        let stays = |slice: &str| sent.binary_search_by(|sent| sent.as_str().cmp(slice)).is_err();
        if comparing.is_idle() || !own.slices().any(stays) {
            return Ok(false);
        }
        let columns: Vec<String> = comparing.columns().into_iter().map(str::to_owned).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        own.read(&columns, &stays, &mut |rows| comparing.add(rows, &[]))?;
        Ok(true)
    }
}
