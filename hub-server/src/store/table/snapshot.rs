//! Immutable states of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use super::log_files::log_name;
use crate::store::StoreError;
use crate::store::index::FileIndex;
use crate::store::log::state::Head;
use crate::store::log::{Entry, Erasure};

/// One dataset version as the catalogue lists it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VersionInfo {
    pub(crate) version: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) rows: u64,
    pub(crate) submissions: Vec<String>,
}

/// One dataset version, immutable.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Folder of the table below the object store's root, `tables/rb28s_v1`.
    pub(crate) folder: String,
    pub(crate) dataset: String,
    /// Delta log version.
    pub(crate) log_version: u64,
    /// Dense counter of commits that hold a submission; 0: nothing was committed yet.
    pub(crate) dataset_version: u64,
    /// Time of the newest commit that moved the dataset version; None: there was none.
    pub(crate) committed_at: Option<DateTime<Utc>>,
    /// Columns as the files hold them: the pattern's, then `_period_end`, `_publisher`, `_seq`
    /// (`_period` is the partition and in no file).
    pub(crate) schema: SchemaRef,
    pub(crate) files: FileIndex,
    /// Inputs of merges up to this log version are gone, so `files` are the homes of their rows; 0: `files`
    /// are those of the log version.
    pub(crate) homes: u64,
    /// Submissions by `_seq`: of all versions up to this one, and in a state that was made again possibly
    /// of later ones, which own no row of it.
    pub(crate) submissions: Arc<SeqMap>,
    /// Erasures up to this state, in the order of the log.
    pub(crate) erased: Arc<Vec<Erased>>,
}

/// An erasure, and the log version that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Erased {
    pub(crate) log_version: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) erasure: Arc<Erasure>,
}

impl Erased {
    /// Did the state of a log version hold rows of the submission?
    pub(crate) fn was_in(&self, log_version: u64) -> bool {
        let held = self.erasure.held;
        held.is_some_and(|held| (held.log_versions.0..=held.log_versions.1).contains(&log_version))
    }
    /// Did a dataset version?
    pub(crate) fn was_in_version(&self, version: u64) -> bool {
        let held = self.erasure.held;
        held.is_some_and(|held| (held.dataset_versions.0..=held.dataset_versions.1).contains(&version))
    }
}

impl Snapshot {
    /// The state of log version 0: no file, no submission.
    pub(crate) fn empty(table: &str, dataset: &str, schema: &SchemaRef) -> Self {
        Self {
            folder: format!("tables/{table}"),
            dataset: dataset.to_owned(),
            log_version: 0,
            dataset_version: 0,
            committed_at: None,
            schema: Arc::clone(schema),
            files: FileIndex::default(),
            homes: 0,
            submissions: Arc::new(SeqMap::default()),
            erased: Arc::default(),
        }
    }

    /// The state after an entry, which must be the log version that follows.
    pub(crate) fn after(&self, log_version: u64, entry: &Entry) -> Result<Self, StoreError> {
        let mut next = self.replayed(log_version, entry)?;
        if let Some(erasure) = &entry.info.erasure {
            let erasure = Arc::clone(erasure);
            let erased = Erased { log_version, at: entry.info.committed_at, erasure };
            next.erased = Arc::new(self.erased.iter().cloned().chain([erased]).collect());
        }
        if entry.info.submissions.is_empty() {
            return Ok(next);
        }
        Ok(Self { submissions: Arc::new(self.submissions.with(entry)), ..next })
    }

    /// As `after` for a state whose submissions are those of a later one already.
    pub(super) fn replayed(&self, log_version: u64, entry: &Entry) -> Result<Self, StoreError> {
        let conflict = |message: String| StoreError::LogCorrupt {
            file: format!("{}/{}", self.folder, log_name(log_version)),
            line: 1,
            message,
        };
        if log_version != self.log_version + 1 {
            return Err(conflict(format!("it does not follow version {}", self.log_version)));
        }
        let info = &entry.info;
        let step = info.dataset_version.checked_sub(self.dataset_version);
        if !matches!(step, Some(0 | 1)) || (step == Some(0) && !info.submissions.is_empty()) {
            return Err(conflict(format!(
                "dataset version {} does not follow {}",
                info.dataset_version, self.dataset_version
            )));
        }
        let files = self
            .files
            .with(entry.removes.iter().map(|r| r.path.as_str()), entry.adds.iter().map(Arc::clone))
            .map_err(|path| conflict(format!("{path} is removed but not live, or added twice")))?;
        let moved = step == Some(1);
        Ok(Self {
            folder: self.folder.clone(),
            dataset: self.dataset.clone(),
            log_version,
            dataset_version: info.dataset_version,
            committed_at: if moved { Some(info.committed_at) } else { self.committed_at },
            schema: Arc::clone(&self.schema),
            files,
            homes: 0,
            submissions: Arc::clone(&self.submissions),
            erased: Arc::clone(&self.erased),
        })
    }

    /// The same rows, with the submissions of a later state.
    pub(super) fn with_submissions(&self, submissions: Arc<SeqMap>) -> Self {
        Self {
            folder: self.folder.clone(),
            dataset: self.dataset.clone(),
            schema: Arc::clone(&self.schema),
            files: self.files.clone(),
            submissions,
            erased: Arc::clone(&self.erased),
            ..*self
        }
    }

    /// The same rows in other files, when inputs of merges up to a log version are gone, and files of erased submissions.
    pub(super) fn at_homes(&self, files: FileIndex, homes: u64, erased: &Arc<Vec<Erased>>) -> Self {
        Self { homes, erased: Arc::clone(erased), ..self.of(self.head(), files) }
    }

    /// Another state of the same table.
    pub(super) fn of(&self, head: Head, files: FileIndex) -> Self {
        Self {
            folder: self.folder.clone(),
            dataset: self.dataset.clone(),
            log_version: head.log_version,
            dataset_version: head.dataset_version,
            committed_at: head.committed_at,
            schema: Arc::clone(&self.schema),
            files,
            homes: 0,
            submissions: Arc::clone(&self.submissions),
            erased: Arc::clone(&self.erased),
        }
    }

    /// The same state without a file.
    pub(crate) fn bare(&self) -> Self {
        self.of(self.head(), FileIndex::default())
    }

    /// Where in the log this state stands.
    pub(super) fn head(&self) -> Head {
        let Self { log_version, dataset_version, committed_at, .. } = *self;
        Head { log_version, dataset_version, committed_at }
    }
}

/// What the hub's columns show of a submission.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeqInfo {
    pub(crate) submission: String,
    pub(crate) publisher: String,
    pub(crate) partition: String,
    pub(crate) revision: u64,
    pub(crate) committed_at: DateTime<Utc>,
}

/// Submissions of a block at most.
const BLOCK_SEQS: usize = 1_024;

/// `_seq` → submission; persistent in blocks like the index, so that a commit does not copy it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeqMap {
    blocks: Vec<Arc<BTreeMap<i64, Arc<SeqInfo>>>>,
}

impl SeqMap {
    pub(crate) fn get(&self, seq: i64) -> Option<&SeqInfo> {
        // Blocks may overlap, because a big submission commits long after its `_seq` was reserved.
        self.blocks.iter().rev().find_map(|block| block.get(&seq)).map(AsRef::as_ref)
    }
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &SeqInfo)> {
        self.blocks.iter().flat_map(|b| b.iter().map(|(seq, info)| (*seq, info.as_ref())))
    }

    fn with(&self, entry: &Entry) -> Self {
        let mut next = self.clone();
        for submission in &entry.info.submissions {
            if next.blocks.last().is_none_or(|b| b.len() >= BLOCK_SEQS) {
                next.blocks.push(Arc::default());
            }
            let info = SeqInfo {
                submission: submission.id.clone(),
                publisher: submission.publisher.clone(),
                partition: submission.partition.clone(),
                revision: submission.revision,
                committed_at: entry.info.committed_at,
            };
            if let Some(block) = next.blocks.last_mut() {
                Arc::make_mut(block).insert(submission.seq, Arc::new(info));
            }
        }
        next
    }
}
