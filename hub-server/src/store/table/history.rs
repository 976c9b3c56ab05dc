//! The history of a table in bounded memory: a line for each dataset version, the newest commits as steps,
//! whole states at intervals among them. What is older is read from the log again when it is asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{AsOf, Homes, Horizon, Snapshot};
use crate::config::limits::HISTORY_STEPS;
use crate::store::StoreError;
use crate::store::log::Entry;

/// Log versions between two states that are kept whole.
pub(super) const MARK_EVERY: usize = 256;

/// States made again that stay in memory.
const REMADE_KEPT: usize = 4;

/// States given to readers that are noted before the first look at who still holds one.
const GIVEN_MIN: usize = 256;

/// What is kept of each dataset version for ever: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// The log version that made the dataset version.
    pub(super) log_version: u64,
    /// Microseconds since 1970, UTC.
    committed_at: i64,
    /// Rows of the whole dataset.
    pub(super) rows: u64,
}

fn shown(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Line {
    pub(super) fn committed_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.committed_at).unwrap_or_default()
    }
}

/// One of the newest commits.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) log_version: u64,
    pub(super) entry: Entry,
}

#[derive(Debug)]
pub(super) struct History {
    dataset: String,
    /// Of dataset versions 1, 2, …
    lines: Vec<Line>,
    /// The newest commits, without a gap.
    recent: VecDeque<Arc<Step>>,
    /// States before recent steps, whole; the first one is that before all of them.
    marks: VecDeque<Arc<Snapshot>>,
    /// States that were made again lately, newest last.
    remade: VecDeque<Arc<Snapshot>>,
    /// Files of earlier states that are gone, and where their rows are.
    gone: Horizon,
    homes: Homes,
    /// States that somebody may read.
    given: Vec<Weak<Snapshot>>,
    /// States with some of their files that somebody reads; they are given to nobody else.
    parts: Vec<Weak<Snapshot>>,
    /// Their number at which those are left out that nobody holds any more.
    given_bound: usize,
}

/// How a state comes about; taken out of the history so that commits need not wait for it.
#[derive(Debug)]
pub(super) enum Recipe {
    Ready(Arc<Snapshot>),
    /// From a mark by the steps that follow it.
    Steps(Arc<Snapshot>, Vec<Arc<Step>>),
    /// State of this log version, which only the log tells.
    Log(u64),
}

impl History {
    /// A history that begins with a state (that of log version 0).
    pub(super) fn from(first: Arc<Snapshot>, gone: Horizon) -> Self {
        Self {
            dataset: first.dataset.clone(),
            lines: Vec::new(),
            recent: VecDeque::new(),
            marks: VecDeque::from([first]),
            remade: VecDeque::new(),
            gone,
            homes: Homes::default(),
            given: Vec::new(),
            parts: Vec::new(),
            given_bound: GIVEN_MIN,
        }
    }

    /// Notes an entry between two states.
    pub(super) fn push(&mut self, entry: &Entry, before: &Snapshot, after: &Arc<Snapshot>) {
        self.homes.push(after.log_version, entry, before);
        self.note_given(after);
        if entry.info.dataset_version > self.lines.len() as u64 {
            self.lines.push(Line {
                log_version: after.log_version,
                committed_at: entry.info.committed_at.timestamp_micros(),
                rows: after.files.rows(),
            });
        }
        let mut kept = entry.clone();
        // Reports and receipts stay on the disk; only what makes states again is kept in memory.
        for submission in &mut kept.info.submissions {
            submission.report = String::new();
            submission.receipt = String::new();
        }
        self.recent.push_back(Arc::new(Step { log_version: after.log_version, entry: kept }));
        if self.recent.len() >= self.marks.len() * MARK_EVERY {
            self.marks.push_back(Arc::clone(after));
        }
        if self.recent.len() >= HISTORY_STEPS + MARK_EVERY {
            self.recent.drain(..MARK_EVERY);
            self.marks.pop_front();
        }
    }

    /// State of a dataset version, after all compactions that its rows went through before the next one.
    pub(super) fn at_version(&self, version: u64, newest: &Arc<Snapshot>) -> Result<Recipe, StoreError> {
        if version > newest.dataset_version {
            return Err(self.unknown(format!("dataset version {version}"), newest));
        }
        let next = usize::try_from(version).ok().and_then(|at| self.lines.get(at));
        self.at_log_version(next.map_or(newest.log_version, |next| next.log_version - 1), newest)
    }

    /// State of the newest dataset version committed at or before a moment.
    pub(super) fn at_time(
        &self,
        moment: DateTime<Utc>,
        newest: &Arc<Snapshot>,
    ) -> Result<Recipe, StoreError> {
        match self.lines.iter().rposition(|line| line.committed_at() <= moment) {
            Some(at) => self.at_version(at as u64 + 1, newest),
            None => Err(self.unknown(format!("version at {}", shown(moment)), newest)),
        }
    }

    /// What is kept of a dataset version; None: there is no such.
    pub(super) fn line(&self, version: u64) -> Option<Line> {
        self.lines.get(usize::try_from(version.checked_sub(1)?).ok()?).copied()
    }

    /// The oldest dataset version that can be asked for, with its line.
    fn floor(&self, since: Option<DateTime<Utc>>) -> Option<(u64, Line)> {
        let is_before =
            |since: DateTime<Utc>| self.lines.partition_point(|line| line.committed_at() <= since);
        let kept = self.lines.partition_point(|line| line.log_version <= self.gone.expired);
        let at = since.map_or(0, is_before).max(kept).checked_sub(1)?;
        self.lines.get(at).map(|line| (at as u64 + 1, *line))
    }
    pub(super) fn oldest(&self, since: Option<DateTime<Utc>>) -> Option<(u64, DateTime<Utc>)> {
        let first = || self.lines.first().map(|line| (1, *line));
        self.floor(since).or_else(first).map(|(version, line)| (version, line.committed_at()))
    }

    /// An error when a state is older than the oldest one that can be asked for.
    pub(super) fn promises(&self, as_of: AsOf, since: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let Some((oldest, line)) = self.floor(since) else { return Ok(()) };
        let wanted = match as_of {
            AsOf::Version(version) if version < oldest => format!("version {version}"),
            AsOf::Time(moment) if moment < line.committed_at() => format!("state of {}", shown(moment)),
            _ => return Ok(()),
        };
        Err(self.beyond(wanted, oldest, line))
    }

    /// The error of a state whose files are gone.
    pub(super) fn expired(&self, state: &Snapshot) -> StoreError {
        let wanted = format!("version {}", state.dataset_version);
        let (oldest, line) =
            self.floor(None).unwrap_or((0, Line { log_version: 0, committed_at: 0, rows: 0 }));
        self.beyond(wanted, oldest, line)
    }

    fn beyond(&self, wanted: String, oldest: u64, line: Line) -> StoreError {
        let (dataset, since) = (self.dataset.clone(), shown(line.committed_at()));
        StoreError::HistoryExpired { dataset, wanted, oldest, since }
    }

    /// Log version that made the newest dataset version committed at or before a moment; 0: there is none.
    pub(super) fn made_at(&self, moment: DateTime<Utc>) -> u64 {
        let until = self.lines.partition_point(|line| line.committed_at() <= moment);
        until.checked_sub(1).and_then(|at| self.lines.get(at)).map_or(0, |line| line.log_version)
    }

    pub(super) fn gone(&self) -> Horizon {
        self.gone
    }
    pub(super) fn set_gone(&mut self, gone: Horizon) {
        self.gone = gone;
    }
    pub(super) fn homes(&self) -> &Homes {
        &self.homes
    }

    /// Notes that a state is given to readers; one with the same files that somebody holds is given again.
    pub(super) fn give(&mut self, state: Arc<Snapshot>) -> Arc<Snapshot> {
        let same =
            |known: &Arc<Snapshot>| (known.log_version, known.homes) == (state.log_version, state.homes);
        if let Some(known) = self.given.iter().filter_map(Weak::upgrade).find(same) {
            return known;
        }
        self.note_given(&state);
        state
    }

    /// Notes that somebody reads some files of a state.
    pub(super) fn hold(&mut self, part: &Arc<Snapshot>) {
        if self.parts.len() >= GIVEN_MIN && self.parts.len().is_power_of_two() {
            self.parts.retain(|known| known.strong_count() > 0);
        }
        self.parts.push(Arc::downgrade(part));
    }

    fn note_given(&mut self, state: &Arc<Snapshot>) {
        if self.given.len() >= self.given_bound {
            self.given.retain(|known| known.strong_count() > 0);
            self.given_bound = GIVEN_MIN.max(2 * self.given.len());
        }
        self.given.push(Arc::downgrade(state));
    }

    /// States that others hold besides the history, and besides who calls, who holds some of them twice.
    pub(super) fn read_by_others(&self, twice: &[&Arc<Snapshot>]) -> Vec<Arc<Snapshot>> {
        let own = |state: &Arc<Snapshot>| {
            let kept = self.marks.iter().chain(&self.remade).filter(|kept| Arc::ptr_eq(kept, state)).count();
            kept + 2 * twice.iter().filter(|kept| Arc::ptr_eq(kept, state)).count()
        };
        let given = self.given.iter().chain(&self.parts).filter_map(Weak::upgrade);
        // One more is the one that was just upgraded.
        given.filter(|state| Arc::strong_count(state) > own(state) + 1).collect()
    }

    /// State of a log version.
    pub(super) fn at_log_version(&self, version: u64, newest: &Arc<Snapshot>) -> Result<Recipe, StoreError> {
        if version > newest.log_version {
            return Err(self.unknown(format!("log version {version}"), newest));
        }
        let kept = self.remade.iter().chain(&self.marks).chain([newest]);
        if let Some(known) = kept.into_iter().find(|state| state.log_version == version) {
            return Ok(Recipe::Ready(Arc::clone(known)));
        }
        let mark = self.marks.iter().rev().find(|mark| mark.log_version < version);
        let Some(mark) = mark else { return Ok(Recipe::Log(version)) };
        Ok(Recipe::Steps(Arc::clone(mark), self.steps(mark.log_version + 1, version)))
    }

    /// The recent ones of the steps from one log version to another.
    pub(super) fn steps(&self, first: u64, last: u64) -> Vec<Arc<Step>> {
        let at = |version: u64| self.recent.partition_point(|step| step.log_version < version);
        self.recent.range(at(first)..at(last + 1).max(at(first))).map(Arc::clone).collect()
    }

    /// Dataset versions newest first, from `before` (exclusive) on, at most `limit`.
    pub(super) fn page(&self, before: Option<u64>, limit: usize) -> Vec<(u64, Line)> {
        let end = before.and_then(|before| usize::try_from(before.saturating_sub(1)).ok());
        let end = end.unwrap_or(usize::MAX).min(self.lines.len());
        let first = end.saturating_sub(limit);
        (first..end).rev().map(|at| (at as u64 + 1, self.lines[at])).collect()
    }

    /// Keeps a state that was made again, as long as few others are asked for.
    pub(super) fn keep(&mut self, state: &Arc<Snapshot>) {
        if self.remade.iter().any(|known| known.log_version == state.log_version) {
            return;
        }
        if self.remade.len() >= REMADE_KEPT {
            self.remade.pop_front();
        }
        self.remade.push_back(Arc::clone(state));
    }

    fn unknown(&self, wanted: String, newest: &Snapshot) -> StoreError {
        let reach = match self.lines.first() {
            Some(first) => format!(
                "versions 1 to {}, the first of {}",
                newest.dataset_version,
                shown(first.committed_at())
            ),
            None => "no commit yet".into(),
        };
        StoreError::VersionUnknown { dataset: self.dataset.clone(), wanted, reach }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize, usize) {
        (self.lines.len(), self.recent.len(), self.marks.len())
    }
}
