//! A dataset whose table cannot be opened, because its log is damaged. It answers with why; the others
//! go on without it, and the doors open.

use super::CommitError;
use super::dataset::{Dataset, Shape};
use crate::store::StoreError;
use hub_proto::Reason;

/// A dataset at the start.
#[derive(Debug)]
pub(crate) enum Opened {
    Whole(Box<Dataset>),
    Damaged(Damaged),
}

#[derive(Debug)]
pub(crate) struct Damaged {
    pattern: String,
    major: u32,
    table: String,
    why: String,
}

impl Opened {
    /// What became of an opening. Faults that are not the table's own, as those of the disk or of the
    /// catalogue, keep the hub from starting.
    pub(crate) fn of(shape: Shape, opened: Result<Dataset, CommitError>) -> Result<Self, CommitError> {
        match opened {
            Ok(dataset) => Ok(Self::Whole(Box::new(dataset))),
            Err(CommitError::Store { source, .. }) if source.reason() == Reason::StorageCorrupt => {
                let Shape { pattern, major, table, .. } = shape;
                let damaged = Damaged { pattern, major, table: table.name, why: source.to_string() };
                tracing::error!(error = %damaged.error(), "a dataset stays closed; the others are served");
                Ok(Self::Damaged(damaged))
            }
            Err(other) => Err(other),
        }
    }

    /// (pattern id, major)
    pub(crate) fn major(&self) -> (&str, u32) {
        match self {
            Self::Whole(dataset) => dataset.major(),
            Self::Damaged(damaged) => (&damaged.pattern, damaged.major),
        }
    }
    /// Name of the table, `rb28s_v1`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Whole(dataset) => dataset.context().name(),
            Self::Damaged(damaged) => &damaged.table,
        }
    }
    pub(crate) fn whole(&self) -> Result<&Dataset, StoreError> {
        match self {
            Self::Whole(dataset) => Ok(dataset),
            Self::Damaged(damaged) => Err(damaged.error()),
        }
    }
}

impl Damaged {
    fn error(&self) -> StoreError {
        StoreError::Damaged { table: self.table.clone(), why: self.why.clone() }
    }
}
