//! What each dataset version changed: the files that left with its commit, and those that came.
//!
//! A commit removes whole files and adds others, and rows that stay are carried over as they are. So what it changed is
//! the difference between the rows of both, and nothing else needs to be read. Merges move no dataset version and change
//! no row.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::history::Step;
use super::{AsOf, LogReader, Snapshot, Table};
use crate::store::index::{DataFile, FileIndex, Stats};
use crate::store::log::{Entry, Erasure, SubmissionEntry};
use crate::store::{StoreError, part};

/// A place in the order of a dataset's commits: behind a dataset version. The commit tells that it is the same version
/// still, for a hub that was restored counts on from an older one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) version: u64,
    /// Id of the commit that made the version; empty before the first one.
    commit: String,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.version {
            0 => f.write_str("0"),
            version => write!(f, "{version}.{}", self.commit),
        }
    }
}

/// Text that is no cursor.
#[derive(Debug)]
pub(crate) struct NoCursor;

impl std::str::FromStr for Cursor {
    type Err = NoCursor;

    /// Empty text is the place before the first version.
    fn from_str(text: &str) -> Result<Self, NoCursor> {
        if text.is_empty() || text == "0" {
            return Ok(Self::default());
        }
        let (version, commit) = text.split_once('.').ok_or(NoCursor)?;
        match version.parse() {
            Ok(version) if version > 0 && !commit.is_empty() => {
                Ok(Self { version, commit: commit.to_owned() })
            }
            _ => Err(NoCursor),
        }
    }
}

/// Where a list of changes is cut: before the version with which it would pass one of these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChangesBound {
    pub(crate) versions: usize,
    /// Rows of the files that left and came.
    pub(crate) rows: u64,
    pub(crate) submissions: usize,
}

/// Changes behind a cursor, in the order of commits.
#[derive(Debug)]
pub(crate) struct ChangesSince {
    pub(crate) changes: Vec<Changed>,
    /// Behind the last of them.
    pub(crate) cursor: Cursor,
    /// There are later versions.
    pub(crate) more: bool,
}

/// What made a dataset version.
#[derive(Debug)]
pub(crate) struct Made {
    /// Behind it.
    pub(crate) cursor: Cursor,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) submissions: Vec<SubmissionEntry>,
    pub(crate) erasure: Option<Arc<Erasure>>,
}

impl Made {
    fn of(entry: &Entry) -> Self {
        let info = &entry.info;
        Self {
            cursor: Cursor { version: info.dataset_version, commit: info.commit.clone() },
            committed_at: info.committed_at,
            submissions: info.submissions.clone(),
            erasure: info.erasure.clone(),
        }
    }
}

/// What one dataset version changed. Rows of an erased submission are gone from all states; no files are named for it.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) made: Made,
    /// The state before with nothing but the files that left; None: none did, or nothing is left of their rows.
    pub(crate) before: Option<Arc<Snapshot>>,
    /// The state after with nothing but the files that came.
    pub(crate) after: Option<Arc<Snapshot>>,
}

impl Table {
    /// Where a dataset version stands. Blocking: its commit may have to be read again.
    pub(crate) fn cursor(&self, version: u64) -> Result<Cursor, StoreError> {
        let Some(line) = self.history().line(version) else { return Ok(Cursor::default()) };
        let step = self.step(&mut self.log.reader(), line.log_version)?;
        Ok(Cursor { version, commit: step.entry.info.commit.clone() })
    }

    /// What made the dataset versions behind a cursor, at most so many, in the order of commits. Blocking.
    pub(crate) fn made_since(&self, since: &Cursor, most: usize) -> Result<Vec<Made>, StoreError> {
        self.check(since)?;
        let mut reader = self.log.reader();
        let versions = since.version + 1..=self.snapshot().dataset_version;
        let lines = versions.take(most).map_while(|version| self.history().line(version));
        lines.map(|line| Ok(Made::of(&self.step(&mut reader, line.log_version)?.entry))).collect()
    }

    /// Is the cursor a place in this table's log?
    fn check(&self, cursor: &Cursor) -> Result<(), StoreError> {
        let newest = self.snapshot();
        if cursor.version > newest.dataset_version || *cursor != self.cursor(cursor.version)? {
            return Err(StoreError::CursorUnknown { dataset: newest.dataset.clone() });
        }
        Ok(())
    }

    /// What dataset versions behind a cursor changed, as far as the state of a moment is promised. Blocking.
    pub(crate) fn changes(
        &self,
        since: &Cursor,
        promised: Option<DateTime<Utc>>,
        bound: ChangesBound,
    ) -> Result<ChangesSince, StoreError> {
        let newest = self.snapshot();
        self.check(since)?;
        let mut found = ChangesSince { changes: Vec::new(), cursor: since.clone(), more: false };
        if since.version == newest.dataset_version {
            return Ok(found);
        }
        self.history().promises(AsOf::Version(since.version.max(1)), promised)?;
        let from = self.history().line(since.version).map_or(0, |line| line.log_version);
        let mut state = self.listed(from)?.with_submissions(Arc::clone(&newest.submissions));
        let mut reader = self.log.reader();
        let (mut rows, mut submissions) = (0, 0);
        while state.dataset_version < newest.dataset_version {
            let step = self.step(&mut reader, state.log_version + 1)?;
            let next = state.replayed(step.log_version, &step.entry)?;
            if next.dataset_version > state.dataset_version {
                let left = left_by(&step.entry, &state);
                rows += left.iter().chain(&step.entry.adds).map(|file| file.rows).sum::<u64>();
                submissions += step.entry.info.submissions.len();
                let changes = found.changes.len();
                let passes =
                    changes >= bound.versions || rows > bound.rows || submissions > bound.submissions;
                if changes > 0 && passes {
                    found.more = true;
                    break;
                }
                let changed = self.changed(&step.entry, (&state, left), &next)?;
                found.cursor = changed.made.cursor.clone();
                found.changes.push(changed);
            }
            state = next;
        }
        Ok(found)
    }

    fn changed(
        &self,
        entry: &Entry,
        (before, left): (&Snapshot, Vec<Arc<DataFile>>),
        after: &Snapshot,
    ) -> Result<Changed, StoreError> {
        let made = Made::of(entry);
        let (left, came) = match made.erasure {
            Some(_) => (Vec::new(), Vec::new()),
            None => (left, entry.adds.clone()),
        };
        Ok(Changed { made, before: self.some_files(before, &left)?, after: self.some_files(after, &came)? })
    }

    /// A commit, from memory if it is recent.
    fn step(&self, reader: &mut LogReader<'_>, log_version: u64) -> Result<Arc<Step>, StoreError> {
        if let Some(step) = self.history().steps(log_version, log_version).pop() {
            return Ok(step);
        }
        let entry = reader.entry(log_version)?.ok_or_else(|| self.log.gone(log_version))?;
        Ok(Arc::new(Step { log_version, entry }))
    }

    /// A state with nothing but some of its files, where their rows are now; no vacuum takes them while somebody holds it.
    fn some_files(
        &self,
        state: &Snapshot,
        files: &[Arc<DataFile>],
    ) -> Result<Option<Arc<Snapshot>>, StoreError> {
        if files.is_empty() {
            return Ok(None);
        }
        loop {
            let gone = self.history().gone();
            if state.log_version < gone.expired {
                return Err(self.history().expired(state));
            }
            let homes = self.homes_of_part(state, files, gone.merged)?;
            if homes.is_empty() {
                return Ok(None);
            }
            let index = FileIndex::default().with([], homes).map_err(|path| self.twice(state, &path))?;
            let part = Arc::new(state.of(state.head(), index));
            let mut history = self.history();
            if history.gone() == gone {
                history.hold(&part);
                return Ok(Some(part));
            }
        }
    }

    /// The files in which the rows of some files of a state are; what was erased of them is in none.
    fn homes_of_part(
        &self,
        state: &Snapshot,
        files: &[Arc<DataFile>],
        until: u64,
    ) -> Result<Vec<Arc<DataFile>>, StoreError> {
        let (erased, whole): (Vec<_>, Vec<_>) = {
            let history = self.history();
            files.iter().cloned().partition(|file| history.homes().erased(&file.path).is_some())
        };
        let index = FileIndex::default().with([], whole).map_err(|path| self.twice(state, &path))?;
        let whole = state.of(state.head(), index);
        let mut homes: Vec<Arc<DataFile>> = match self.homes_of(&whole, until)? {
            Some((moved, _)) => moved.iter().cloned().collect(),
            None => whole.files.iter().cloned().collect(),
        };
        for file in erased {
            let Some(left) = self.left_of(&mut self.log.reader(), &file)? else { continue };
            let beside = homes.iter().position(|home| home.path == left.path);
            let others = beside.map(|at| homes.remove(at).seqs.clone()).unwrap_or_default();
            homes.extend(self.rows_left(&left, &file, others)?);
        }
        Ok(homes)
    }

    /// The rows of a file, and of further submissions, in the file with what an erasure left of it.
    fn rows_left(
        &self,
        left: &Arc<DataFile>,
        file: &DataFile,
        others: Vec<i64>,
    ) -> Result<Option<Arc<DataFile>>, StoreError> {
        if self.history().homes().erased(&left.path).is_some() {
            return Ok(None);
        }
        let erased: BTreeSet<i64> = self.snapshot().erased.iter().map(|erased| erased.erasure.seq).collect();
        let meant = file.seqs.iter().copied().filter(|seq| !erased.contains(seq)).chain(others);
        let meant: BTreeSet<i64> = meant.filter(|seq| left.seqs.binary_search(seq).is_ok()).collect();
        let of = DataFile {
            seqs: meant.into_iter().collect(),
            stats: Stats::default(),
            publisher_rows: Vec::new(),
            partial: true,
            ..left.as_ref().clone()
        };
        let rows = part::rows(self.disk.as_ref(), self.folder.join(&left.path), &Arc::new(of.clone()))?;
        Ok((rows > 0).then(|| match rows == left.rows {
            true => Arc::clone(left),
            false => Arc::new(DataFile { rows, ..of }),
        }))
    }
}

/// The files that an entry takes out of a state.
fn left_by(entry: &Entry, state: &Snapshot) -> Vec<Arc<DataFile>> {
    entry.removes.iter().filter_map(|remove| state.files.get(&remove.path)).map(Arc::clone).collect()
}
