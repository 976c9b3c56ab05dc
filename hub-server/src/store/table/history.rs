//! All states of a table: what each commit added and removed, with whole states at intervals.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Snapshot, VersionInfo};
use crate::store::StoreError;
use crate::store::log::Entry;

/// Commits between two states that are kept whole.
const MARK_EVERY: usize = 256;

/// States made again that stay in memory.
const REMADE_KEPT: usize = 4;

/// One commit of the history.
#[derive(Debug)]
struct Step {
    log_version: u64,
    entry: Entry,
    rows: u64,
    /// This commit moved the dataset version.
    moved: bool,
}

#[derive(Debug)]
pub(super) struct History {
    dataset: String,
    /// States before steps 0, 256, 512 …
    marks: Vec<Arc<Snapshot>>,
    steps: Vec<Arc<Step>>,
    /// States that were made again lately, newest last.
    remade: VecDeque<Arc<Snapshot>>,
}

/// What a state is made again from, taken out of the history so that commits need not wait.
#[derive(Debug)]
pub(super) struct Recipe {
    mark: Arc<Snapshot>,
    steps: Vec<Arc<Step>>,
}

impl Recipe {
    fn ready(state: &Arc<Snapshot>) -> Self {
        Self { mark: Arc::clone(state), steps: Vec::new() }
    }

    /// The state, when nothing is to be done for it.
    pub(super) fn whole(&self) -> Option<Arc<Snapshot>> {
        self.steps.is_empty().then(|| Arc::clone(&self.mark))
    }

    pub(super) fn make(&self) -> Result<Arc<Snapshot>, StoreError> {
        let mut state = Arc::clone(&self.mark);
        for step in &self.steps {
            state = Arc::new(state.after(step.log_version, &step.entry)?);
        }
        Ok(state)
    }
}

impl History {
    /// A history that begins with a state (that of log version 0).
    pub(super) fn from(first: Arc<Snapshot>) -> Self {
        Self {
            dataset: first.dataset.clone(),
            marks: vec![first],
            steps: Vec::new(),
            remade: VecDeque::new(),
        }
    }

    /// Notes an entry and the state after it.
    pub(super) fn push(&mut self, entry: &Entry, after: &Arc<Snapshot>) {
        let before = self.steps.iter().rev().find(|s| s.moved).map_or(0, |s| s.entry.info.dataset_version);
        let mut kept = entry.clone();
        // Reports and receipts stay on the disk; only what makes states again is kept in memory.
        for submission in &mut kept.info.submissions {
            submission.report = String::new();
            submission.receipt = String::new();
        }
        self.steps.push(Arc::new(Step {
            log_version: after.log_version,
            rows: after.files.rows(),
            moved: entry.info.dataset_version > before,
            entry: kept,
        }));
        if self.steps.len().is_multiple_of(MARK_EVERY) {
            self.marks.push(Arc::clone(after));
        }
    }

    /// State of a dataset version as its own commit left it.
    pub(super) fn at_version(&self, version: u64, newest: &Arc<Snapshot>) -> Result<Recipe, StoreError> {
        if version > newest.dataset_version {
            return Err(self.unknown(format!("dataset version {version}"), newest));
        }
        if version == 0 {
            return Ok(Recipe::ready(&self.marks[0]));
        }
        let at = self.steps.partition_point(|s| s.entry.info.dataset_version < version);
        Ok(self.after_step(at, newest))
    }

    /// State of the newest dataset version committed at or before a moment.
    pub(super) fn at_time(
        &self,
        moment: DateTime<Utc>,
        newest: &Arc<Snapshot>,
    ) -> Result<Recipe, StoreError> {
        let found = self.steps.iter().rposition(|s| s.moved && s.entry.info.committed_at <= moment);
        match found {
            Some(at) => Ok(self.after_step(at, newest)),
            None => Err(self.unknown(
                format!("version at {}", moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                newest,
            )),
        }
    }

    /// The newest state serves only when nothing followed the commit: a later rewrite keeps the
    /// dataset version but not the order of rows, on which cut streams go on.
    fn after_step(&self, at: usize, newest: &Arc<Snapshot>) -> Recipe {
        let wanted = self.steps[at].log_version;
        if wanted == newest.log_version {
            return Recipe::ready(newest);
        }
        if let Some(known) = self.remade.iter().find(|state| state.log_version == wanted) {
            return Recipe::ready(known);
        }
        let mark = (at + 1) / MARK_EVERY;
        Recipe { mark: Arc::clone(&self.marks[mark]), steps: self.steps[mark * MARK_EVERY..=at].to_vec() }
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
        let reach = match self.steps.iter().find(|s| s.moved) {
            Some(first) => format!(
                "versions 1 to {}, the first of {}",
                newest.dataset_version,
                first.entry.info.committed_at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            ),
            None => "no commit yet".into(),
        };
        StoreError::VersionUnknown { dataset: self.dataset.clone(), wanted, reach }
    }

    pub(super) fn versions(&self, before: Option<u64>, limit: usize) -> Vec<VersionInfo> {
        let moved = self.steps.iter().rev().filter(|s| s.moved);
        let wanted = moved.filter(|s| before.is_none_or(|b| s.entry.info.dataset_version < b));
        let info = |s: &Arc<Step>| VersionInfo {
            version: s.entry.info.dataset_version,
            committed_at: s.entry.info.committed_at,
            rows: s.rows,
            submissions: s.entry.info.submissions.iter().map(|e| e.id.clone()).collect(),
        };
        wanted.take(limit).map(info).collect()
    }

    /// Paths of all files that any log version mentions.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|s| s.entry.adds.iter().map(|f| f.path.as_str()))
    }
}
