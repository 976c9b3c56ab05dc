//! The Delta log: actions as JSON lines, commitInfo with all that a submission's history needs.
//!
//! Reader 1 / writer 2, no deletion vectors, no column mapping: outside engines read the tables as
//! they are. What outside engines need stands in standard fields; what the hub needs besides stands
//! in `commitInfo.hub` and in the tags of an add.

mod actions;
mod bounds;
pub(crate) mod checkpoint;
mod erasure;
pub(crate) mod pack;
mod schema;
mod seqs;
pub(crate) mod state;
mod sum;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hub_datasets::check::standing::SliceFacts;
use serde::{Deserialize, Serialize};

use super::index::DataFile;

pub(crate) use actions::{commit_id, parse, write};
pub(crate) use erasure::{ERASE, Erasure, HeldBy, Scrub, StandIn};
pub(crate) use schema::{same_type, write as schema_string};

/// One commit: what one log file says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) info: CommitInfo,
    /// Set by commits that make or change the table's definition (version 0 always has it).
    pub(crate) definition: Option<Definition>,
    pub(crate) removes: Vec<Remove>,
    pub(crate) adds: Vec<Arc<DataFile>>,
}

/// Who committed what, and when. `commit` tells our own put from a rival's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommitInfo {
    /// Unique per put attempt's content: kept when the same commit is tried again.
    pub(crate) commit: String,
    /// Epoch of the data folder, so that a dataset version is never reused after a restore.
    pub(crate) epoch: String,
    /// CREATE TABLE, WRITE, CHANGE COLUMNS, [`OPTIMIZE`], [`ERASE`].
    pub(crate) operation: String,
    /// Monotone per table: the committer's duty. Microseconds are kept.
    pub(crate) committed_at: DateTime<Utc>,
    /// Dataset version after this commit.
    pub(crate) dataset_version: u64,
    pub(crate) submissions: Vec<SubmissionEntry>,
    /// The submission that this commit erases.
    pub(crate) erasure: Option<Arc<Erasure>>,
}

impl CommitInfo {
    /// The same commit without its submissions.
    pub(crate) fn bare(&self) -> Self {
        Self {
            commit: self.commit.clone(),
            epoch: self.epoch.clone(),
            operation: self.operation.clone(),
            submissions: Vec::new(),
            erasure: None,
            ..*self
        }
    }
}

/// The operation of a commit that moves rows to other files and changes none.
pub(crate) const OPTIMIZE: &str = "OPTIMIZE";

/// A table's definition, as the metaData action carries it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    /// Table id of the log, minted once.
    pub(crate) id: String,
    /// `rb28s_v1`
    pub(crate) name: String,
    /// Physical columns of the files (without `_period`, the partition).
    pub(crate) schema: arrow::datatypes::SchemaRef,
    pub(crate) created_at: DateTime<Utc>,
}

/// A file that this commit makes invisible; its bytes stay for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remove {
    pub(crate) path: String,
    pub(crate) partition: String,
    pub(crate) bytes: u64,
}

impl From<&DataFile> for Remove {
    fn from(file: &DataFile) -> Self {
        Self { path: file.path.clone(), partition: file.partition.to_string(), bytes: file.bytes }
    }
}

/// One submission in commitInfo (`hub.submissions[]`): enough to rebuild every projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubmissionEntry {
    pub(crate) id: String,
    pub(crate) seq: i64,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) publisher: String,
    /// As sent, `2022-Q4`.
    pub(crate) period: String,
    /// Value of `_period`.
    pub(crate) partition: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) rows: u64,
    /// Slices that it sent, ascending; `[""]` when the pattern has no slices; empty: nothing to report.
    pub(crate) slices: Vec<String>,
    /// What is known of each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) slice_facts: Vec<SliceFacts>,
    pub(crate) carried: Vec<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) revision: u64,
    pub(crate) parent: Option<u64>,
    /// `rb28s/1.0.0`
    pub(crate) pattern: String,
    pub(crate) bundle_sha256: String,
    pub(crate) nothing_to_report: bool,
    /// The submission that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdraws: Option<String>,
    /// Microseconds since 1970, UTC.
    pub(crate) created_at: i64,
    /// JSON of the (accepted) report, and its SHA-256.
    pub(crate) report: String,
    pub(crate) report_sha256: String,
    /// Canonical JSON of the receipt.
    pub(crate) receipt: String,
}
