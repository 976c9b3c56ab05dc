//! All states of a table: what each commit added and removed, with whole states at intervals.

use std::collections::{HashMap, VecDeque};
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

    /// State of a dataset version, after all compactions that its rows went through before the next one.
    pub(super) fn at_version(&self, version: u64, newest: &Arc<Snapshot>) -> Result<Recipe, StoreError> {
        if version > newest.dataset_version {
            return Err(self.unknown(format!("dataset version {version}"), newest));
        }
        match self.steps.partition_point(|s| s.entry.info.dataset_version <= version) {
            0 => Ok(Recipe::ready(&self.marks[0])),
            after => Ok(self.after_step(after - 1, newest)),
        }
    }

    /// State of the newest dataset version committed at or before a moment.
    pub(super) fn at_time(
        &self,
        moment: DateTime<Utc>,
        newest: &Arc<Snapshot>,
    ) -> Result<Recipe, StoreError> {
        let found = self.steps.iter().rposition(|s| s.moved && s.entry.info.committed_at <= moment);
        match found {
            Some(at) => self.at_version(self.steps[at].entry.info.dataset_version, newest),
            None => Err(self.unknown(
                format!("version at {}", moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                newest,
            )),
        }
    }

    /// State of a log version.
    pub(super) fn at_log_version(&self, version: u64, newest: &Arc<Snapshot>) -> Result<Recipe, StoreError> {
        if version == 0 {
            return Ok(Recipe::ready(&self.marks[0]));
        }
        match self.steps.binary_search_by_key(&version, |step| step.log_version) {
            Ok(at) => Ok(self.after_step(at, newest)),
            Err(_) => Err(self.unknown(format!("log version {version}"), newest)),
        }
    }

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

    /// Dataset versions newest first; of one publisher's rows and submissions alone, if one is named.
    pub(super) fn versions(
        &self,
        publisher: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Vec<VersionInfo> {
        let own_rows = publisher.map(|publisher| self.rows_of(publisher));
        let moved = self.steps.iter().enumerate().rev().filter(|(_, s)| s.moved);
        let wanted = moved.filter(|(_, s)| before.is_none_or(|b| s.entry.info.dataset_version < b));
        let info = |(at, s): (usize, &Arc<Step>)| {
            let submissions = s.entry.info.submissions.iter();
            let visible = submissions.filter(|e| publisher.is_none_or(|publisher| e.publisher == publisher));
            VersionInfo {
                version: s.entry.info.dataset_version,
                committed_at: s.entry.info.committed_at,
                rows: own_rows.as_ref().map_or(s.rows, |own| own[at]),
                submissions: visible.map(|e| e.id.clone()).collect(),
            }
        };
        wanted.take(limit).map(info).collect()
    }

    /// Rows of one publisher after each step.
    fn rows_of(&self, publisher: &str) -> Vec<u64> {
        let mut live: HashMap<&str, u64> = HashMap::new();
        let mut rows = 0;
        let mut counts = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            for remove in &step.entry.removes {
                rows -= live.remove(remove.path.as_str()).unwrap_or(0);
            }
            for file in &step.entry.adds {
                let own = file.rows_of(publisher);
                if own > 0 {
                    live.insert(&file.path, own);
                    rows += own;
                }
            }
            counts.push(rows);
        }
        counts
    }

    /// Paths of all files that any log version mentions.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|s| s.entry.adds.iter().map(|f| f.path.as_str()))
    }
}
