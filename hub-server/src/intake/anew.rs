//! Comparisons made anew: the report on their other side came later, or was corrected. What they find is added to
//! what is told of a submission, and never undoes its acceptance.
//!
//! Nothing depends on the queue being kept: what stands in the catalogue says by which submissions it was made, and
//! at each start it is held beside what is current.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hub_datasets::pattern::With;
use hub_datasets::report::{Findings, Later};
use hub_datasets::{Pattern, Period, Report};
use hub_proto::Reason;
use tokio::sync::Notify;

use super::{Intake, IntakeError, SubmissionView};
use crate::catalog::{MadeBy, RevisionKey};

/// Revisions whose comparisons are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Anew {
    waiting: Mutex<BTreeMap<RevisionKey, Option<Made>>>,
    came: Notify,
    /// One at a time, so that the last one written is the newest.
    turn: tokio::sync::Mutex<()>,
}

/// Comparisons that the check has made already.
#[derive(Debug, Clone)]
pub(super) struct Made {
    by: MadeBy,
    later: Later,
}

impl Anew {
    fn put(&self, key: RevisionKey, made: Option<Made>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made);
        self.came.notify_one();
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> Option<(RevisionKey, Option<Made>)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
    }
}

/// What a report says of its pattern's comparisons.
pub(super) fn comparisons_in(report: &Report, pattern: &Pattern) -> Later {
    Later::of(report, |rule| is_compare(pattern, rule))
}

/// True for the id of one of a pattern's comparisons.
fn is_compare(pattern: &Pattern, rule: &str) -> bool {
    pattern.compares.iter().any(|compare| compare.id == rule)
}

impl Intake {
    /// A submission is committed: its comparisons are known, those of reports beside it are not any more.
    pub(super) fn compared(
        &self,
        pattern: &Pattern,
        publisher: &str,
        period: &Period,
        submission: &str,
        (against, carries, later): (BTreeMap<String, String>, bool, Later),
    ) {
        let key = |dataset: &str, partition: String| RevisionKey {
            dataset: dataset.to_owned(),
            publisher: publisher.to_owned(),
            partition,
        };
        let partition = period.partition(pattern);
        // The other side may have come between the check and the commit.
        if !against.is_empty() || !self.counterparts(pattern, publisher, period).is_empty() {
            let by = MadeBy { submission: submission.to_owned(), against: text(&against) };
            // What was carried over may have been corrected meanwhile: then the check knows other rows.
            self.anew.put(key(&pattern.id, partition.clone()), (!carries).then_some(Made { by, later }));
        }
        let commits = &self.parts.commits;
        let with_this = With::Pattern(pattern.id.clone());
        for other in self.newest().filter(|other| other.compares.iter().any(|of| of.with == with_this)) {
            let partition = period.partition(other);
            if commits.current(&other.id, publisher, &partition).is_some() {
                self.anew.put(key(&other.id, partition), None);
            }
        }
        if pattern.compares.iter().any(|of| of.with == With::Previous) {
            let last = period.last_day().format("%Y-12-31").to_string();
            if let Some(next) = commits.partition_after(&pattern.id, publisher, &partition, &last) {
                self.anew.put(key(&pattern.id, next), None);
            }
        }
    }

    /// The newest version of each pattern.
    fn newest(&self) -> impl Iterator<Item = &Arc<Pattern>> {
        let mut last = "";
        self.parts
            .patterns
            .iter()
            .filter(move |pattern| std::mem::replace(&mut last, &pattern.id) != pattern.id)
    }

    /// Makes comparisons anew as long as somebody waits for it.
    pub(crate) async fn compare_anew(&self) {
        self.miss_nothing().await;
        loop {
            self.compare_waiting().await;
            self.anew.came.notified().await;
        }
    }

    /// Makes all comparisons anew that wait for it.
    pub(super) async fn compare_waiting(&self) {
        let _turn = self.anew.turn.lock().await;
        while let Some((key, made)) = self.anew.take() {
            if let Err(error) = self.look_at(&key, made).await {
                let reason = error.reason().as_str();
                tracing::warn!(dataset = key.dataset, publisher = key.publisher, partition = key.partition, reason, %error, "comparisons wait for the next start");
            }
        }
    }

    /// Queues the revisions whose comparisons were made by other submissions than those that are current.
    pub(super) async fn miss_nothing(&self) {
        let known = match self.parts.catalog.all_comparisons().await {
            Ok(known) => known.into_iter().collect::<HashMap<_, _>>(),
            Err(error) => {
                return tracing::warn!(%error, "comparisons that were missed could not be looked for");
            }
        };
        for pattern in self.newest().filter(|pattern| pattern.compares.iter().any(|of| of.with != With::This))
        {
            for (publisher, partition, current) in self.parts.commits.revisions(&pattern.id) {
                let Ok(period) = current.period.parse::<Period>() else { continue };
                let against = self.counterparts(pattern, &publisher, &period);
                let key = RevisionKey { dataset: pattern.id.clone(), publisher, partition };
                let by = MadeBy { submission: current.submission, against: text(&against) };
                let is_known = known.get(&key) == Some(&by);
                if !is_known && (!against.is_empty() || known.contains_key(&key)) {
                    self.anew.put(key, None);
                }
            }
        }
    }

    async fn look_at(&self, key: &RevisionKey, made: Option<Made>) -> Result<(), IntakeError> {
        let pattern = self.pattern(&key.dataset)?;
        let (commits, catalog) = (&self.parts.commits, &self.parts.catalog);
        if let Some(Made { by, later }) = made
            && by == self.stands(key, &pattern)
        {
            // As its report says.
            return Ok(catalog.put_comparisons(key, &by, 0, &json(&later)?).await?);
        }
        let Some(own) = commits.held(&key.dataset, &key.publisher, &key.partition).await? else {
            return Ok(catalog.drop_comparisons(key).await?);
        };
        let unreadable = |_| IntakeError::new(Reason::Internal, "a committed period does not parse");
        let period: Period = own.period().parse().map_err(unreadable)?;
        let against = self.counterparts(&pattern, &key.publisher, &period);
        let by = MadeBy { submission: own.submission().to_owned(), against: text(&against) };
        let later = self.made_anew(&pattern, &key.publisher, &period, own).await?;
        commits.projected(&key.dataset).await;
        let Some(record) = catalog.submission(&by.submission).await? else { return Ok(()) };
        let accepted: Option<Report> = serde_json::from_str(&record.report).ok();
        let late = accepted.map_or(0, |accepted| later.findings_since(&accepted));
        Ok(catalog.put_comparisons(key, &by, late, &json(&later)?).await?)
    }

    /// By what comparisons of a revision would be made now.
    fn stands(&self, key: &RevisionKey, pattern: &Pattern) -> MadeBy {
        let current = self.parts.commits.revision(&key.dataset, &key.publisher, &key.partition);
        let Some(current) = current else {
            return MadeBy { submission: String::new(), against: text(&BTreeMap::new()) };
        };
        let period = current.period.parse::<Period>().ok();
        let against = period.map(|period| self.counterparts(pattern, &key.publisher, &period));
        MadeBy { submission: current.submission, against: text(&against.unwrap_or_default()) }
    }

    async fn made_anew(
        &self,
        pattern: &Arc<Pattern>,
        publisher: &str,
        period: &Period,
        own: crate::commit::Held,
    ) -> Result<Later, IntakeError> {
        let beside = self.beside(pattern, publisher, period, true).await?;
        let (checkers, lists) = (Arc::clone(&self.checkers), Arc::clone(&self.parts.lists));
        let (pattern, period) = (Arc::clone(pattern), period.clone());
        let make = move || {
            let checker = checkers.get(&pattern, Some(&period), &lists, None)?;
            let mut comparing = beside.comparing(&checker)?;
            let columns: Vec<String> = comparing.columns().into_iter().map(str::to_owned).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            own.read(&columns, &|_| true, &mut |rows| comparing.add(rows, &[]))?;
            let compared = checker.compare(&comparing, &Findings::default());
            let report = checker.finish(Findings::default(), 1, compared);
            Ok::<_, IntakeError>(comparisons_in(&report, &pattern))
        };
        let broke = |_| IntakeError::new(Reason::Internal, "comparing broke off");
        tokio::task::spawn_blocking(make).await.map_err(broke)?
    }

    /// Adds to a report how its comparisons stand since, where that is another thing.
    pub(super) async fn with_later(&self, id: &str, mut report: Report) -> Result<Report, IntakeError> {
        let Some(later) = self.parts.catalog.comparisons(id).await? else { return Ok(report) };
        let corrupt =
            |_| IntakeError::new(Reason::StorageCorrupt, "comparisons in the catalogue do not parse");
        let later: Later = serde_json::from_str(&later).map_err(corrupt)?;
        let pattern = self.pattern(report.pattern.split('/').next().unwrap_or_default())?;
        if !later.is_as_accepted(&comparisons_in(&report, &pattern)) {
            report.later = Some(later);
        }
        Ok(report)
    }

    /// Says of submissions how many findings came later.
    pub(super) async fn with_late_findings(&self, views: &mut [SubmissionView]) -> Result<(), IntakeError> {
        let ids: Vec<&str> = views.iter().map(|view| view.id.as_str()).collect();
        let late: HashMap<String, u64> = self.parts.catalog.late_findings(&ids).await?.into_iter().collect();
        views.iter_mut().for_each(|view| view.late_findings = late.get(&view.id).copied().unwrap_or(0));
        Ok(())
    }
}

fn text(against: &BTreeMap<String, String>) -> String {
    serde_json::json!(against).to_string()
}

fn json(later: &Later) -> Result<String, IntakeError> {
    serde_json::to_string(later).map_err(|error| IntakeError::new(Reason::Internal, error.to_string()))
}
