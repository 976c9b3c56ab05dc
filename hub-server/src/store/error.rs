//! What can go wrong with bytes on disk.

use std::io;
use std::path::Path;

use hub_proto::Reason;

use super::table::{Erased, Snapshot};

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the disk is full: could not {deed} {path}; free space on it, then send again")]
    StorageFull { deed: &'static str, path: String },
    #[error("could not {deed} {path}: {source}")]
    Io { deed: &'static str, path: String, source: io::Error },
    #[error("{file}, line {line}: {message}; restore the file from a backup")]
    LogCorrupt { file: String, line: usize, message: String },
    #[error("{file}: {message}; restore it from a backup")]
    Corrupt { file: String, message: String },
    #[error(
        "{file}: {message}; stop the server, see with `hub-server verify data` what else is damaged, and restore it"
    )]
    Rotten { file: String, message: String },
    #[error("table {table} is damaged and stays closed: {why}")]
    Damaged { table: String, why: String },
    #[error("{root}: another hub-server uses this folder; stop it or name another folder")]
    Locked { root: String },
    #[error("{root} has folder format {found}, this server knows {known}; start a newer hub-server")]
    FormatNewer { root: String, found: u64, known: u64 },
    #[error("dataset {dataset} has no {wanted}; it has {reach}")]
    VersionUnknown { dataset: String, wanted: String, reach: String },
    #[error(
        "dataset {dataset} promises no {wanted} any more; the oldest state that can be asked for is version {oldest} of {since}"
    )]
    HistoryExpired { dataset: String, wanted: String, oldest: u64, since: String },
    #[error(
        "dataset {dataset} answers no version {first} to {last} any more: they held a submission that was erased on {day}; ask for an earlier version, or one from {next} on"
    )]
    Erased { dataset: String, first: u64, last: u64, day: String, next: u64 },
    #[error(
        "the files that this read session reads of {dataset} were put together anew meanwhile; create a new session and read from the start"
    )]
    SessionExpired { dataset: String },
    #[error(
        "dataset {dataset} has no commit at this cursor: it is of another dataset or hub, or the hub was restored from before it; pull anew and go on from there"
    )]
    CursorUnknown { dataset: String },
    #[error("submission {id}: bytes were sent at offset {offset}, the hub has {durable}; go on from there")]
    OffsetStale { id: String, offset: u64, durable: u64 },
    #[error("submission {id} is whole and ordered; no more bytes are taken")]
    Ordered { id: String },
    #[error("submission {id} is not open here")]
    SubmissionUnknown { id: String },
    #[error("table {table}: {message}")]
    TableConflict { table: String, message: String },
    #[error("could not encode rows for {file}: {message}")]
    Encode { file: String, message: String },
    #[error("the spool has stopped; start the server again")]
    SpoolStopped,
    #[error("a task of the store was cut off: {0}")]
    TaskLost(String),
}

impl StoreError {
    /// An I/O error of a deed on a path; a full disk is its own case.
    pub(crate) fn io(deed: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StorageFull { deed, path },
            _ => Self::Io { deed, path, source },
        }
    }

    /// A dataset version that held an erased submission.
    pub(crate) fn erased(newest: &Snapshot, version: u64, erased: &Erased) -> Self {
        let (first, last) = erased.erasure.held.map_or((version, version), |held| held.dataset_versions);
        let (dataset, day) = (newest.dataset.clone(), erased.at.date_naive().to_string());
        Self::Erased { dataset, first, last, day, next: last + 1 }
    }

    /// What cannot be written in its form.
    pub(crate) fn encode(file: &str, error: &dyn std::fmt::Display) -> Self {
        Self::Encode { file: file.to_owned(), message: error.to_string() }
    }

    /// Bytes that are not those that were committed.
    pub(crate) fn rotten(path: &Path, message: String) -> Self {
        Self::Rotten { file: path.display().to_string(), message }
    }

    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::StorageFull { .. } => Reason::StorageFull,
            Self::LogCorrupt { .. } | Self::Corrupt { .. } | Self::Rotten { .. } | Self::Damaged { .. } => {
                Reason::StorageCorrupt
            }
            Self::VersionUnknown { .. } => Reason::VersionUnknown,
            Self::HistoryExpired { .. } => Reason::HistoryExpired,
            Self::Erased { .. } => Reason::Erased,
            Self::SessionExpired { .. } => Reason::SessionExpired,
            Self::CursorUnknown { .. } => Reason::CursorUnknown,
            Self::OffsetStale { .. } => Reason::OffsetStale,
            Self::SubmissionUnknown { .. } => Reason::SubmissionUnknown,
            Self::Ordered { .. } => Reason::StateConflict,
            Self::SpoolStopped => Reason::Unavailable,
            Self::Io { .. }
            | Self::Locked { .. }
            | Self::FormatNewer { .. }
            | Self::TableConflict { .. }
            | Self::Encode { .. }
            | Self::TaskLost(_) => Reason::Internal,
        }
    }
}
