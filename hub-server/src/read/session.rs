//! Read sessions: what the caller holds, and what is sealed inside.

use serde::{Deserialize, Serialize};

use super::VersionRef;
use crate::query::RowFormat;
use crate::store::{AsOf, Cursor};

/// What a session is asked to pin.
#[derive(Debug, Clone)]
pub(crate) struct SessionRequest {
    /// Empty: all visible columns.
    pub(crate) columns: Vec<String>,
    /// SQL row expression.
    pub(crate) filter: Option<String>,
    pub(crate) as_of: AsOf,
    pub(crate) format: RowFormat,
    /// Streams at most; 0 means 1.
    pub(crate) max_streams: u32,
}

/// A pinned reading of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    /// `readSessions/…`
    pub(crate) name: String,
    pub(crate) version: VersionRef,
    pub(crate) columns: Vec<String>,
    /// Visible rows of the files before the filter.
    pub(crate) estimated_rows: u64,
    pub(crate) format: RowFormat,
    /// Runs of its rows that may be read beside each other.
    pub(crate) streams: u32,
    /// Where its version stands in the order of commits.
    pub(crate) cursor: Cursor,
}

/// Which rows of a session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowsFrom {
    /// Which of its streams, from 0.
    pub(crate) stream: u32,
    /// Rows of the stream to skip.
    pub(crate) offset: u64,
}

pub(super) const NAME_PREFIX: &str = "readSessions/";
pub(super) const PURPOSE: &str = "readSession";

/// The content of a session's name. It holds no secret: its holder may read it, not change it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SessionToken {
    pub(super) reader: String,
    pub(super) dataset: String,
    pub(super) version: u64,
    /// Order and homes of rows are those of a log version; compaction may change them.
    pub(super) log_version: u64,
    /// How far vacuums were that moved rows of the log version to other files.
    #[serde(default)]
    pub(super) homes: u64,
    /// Log version of the newest erasure that was known.
    #[serde(default)]
    pub(super) erased: u64,
    pub(super) publisher: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) filter: Option<String>,
    pub(super) format: RowFormat,
    #[serde(default = "one")]
    pub(super) streams: u32,
}

fn one() -> u32 {
    1
}

impl SessionToken {
    pub(super) fn as_of(&self) -> AsOf {
        AsOf::Session { log_version: self.log_version, homes: self.homes, erased: self.erased }
    }
}
