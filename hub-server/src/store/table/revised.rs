//! By which submissions a dataset version was made, as far as a reader may know.

use chrono::{DateTime, Utc};

use super::Made;

/// What made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevisedBy {
    /// The first revision.
    Addition,
    Correction,
    Withdrawal,
    Erasure,
}

impl RevisedBy {
    /// As the contract names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "ADDED",
            Self::Correction => "CORRECTED",
            Self::Withdrawal => "WITHDRAWN",
            Self::Erasure => "ERASED",
        }
    }
}

/// A submission that changed a dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revised {
    pub(crate) by: RevisedBy,
    /// Of an erasure the one that was erased.
    pub(crate) submission: String,
    pub(crate) publisher: String,
    pub(crate) period: String,
    /// Value of `_period`.
    pub(crate) partition: String,
    /// 0 for an erasure.
    pub(crate) revision: u64,
    pub(crate) version: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) withdraws: Option<String>,
}

/// What made the changes of a version, as far as its reader may know.
pub(crate) fn revised(made: &Made, publisher: Option<&str>) -> Vec<Revised> {
    let seen = |of: &str| publisher.is_none_or(|own| own == of);
    let (version, committed_at) = (made.cursor.version, made.committed_at);
    let sent = made.submissions.iter().filter(|entry| seen(&entry.publisher)).map(|entry| Revised {
        by: match (&entry.withdraws, entry.revision) {
            (Some(_), _) => RevisedBy::Withdrawal,
            (None, 1) => RevisedBy::Addition,
            (None, _) => RevisedBy::Correction,
        },
        submission: entry.id.clone(),
        publisher: entry.publisher.clone(),
        period: entry.period.clone(),
        partition: entry.partition.clone(),
        revision: entry.revision,
        version,
        committed_at,
        withdraws: entry.withdraws.clone(),
    });
    let erased = made.erasure.iter().filter(|erasure| seen(&erasure.publisher)).map(|erasure| Revised {
        by: RevisedBy::Erasure,
        submission: erasure.submission.clone(),
        publisher: erasure.publisher.clone(),
        period: erasure.partition.clone(),
        partition: erasure.partition.clone(),
        revision: 0,
        version,
        committed_at,
        withdraws: None,
    });
    sent.chain(erased).collect()
}
