//! Why there is no extract.

use std::io;
use std::path::Path;

use hub_proto::Reason;

use crate::query::QueryError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtractError {
    #[error("there is no open dataset `{0}`")]
    DatasetUnknown(String),
    #[error("the permit does not cover the dataset whole")]
    NotPermitted,
    #[error("dataset {dataset} has no extract of version {version}; {}", newest(*latest))]
    VersionUnknown { dataset: String, version: u64, latest: Option<u64> },
    #[error(
        "version {version} of {dataset} held a submission that was erased on {day}; take a later one, or `latest`"
    )]
    Erased { dataset: String, version: u64, day: String },
    #[error("could not {deed} {path}: {source}")]
    Io { deed: &'static str, path: String, source: io::Error },
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("a task was cut off: {0}")]
    TaskLost(String),
}

fn newest(latest: Option<u64>) -> String {
    match latest {
        Some(version) => format!("the newest is of version {version}"),
        None => "the first one is not ready yet".to_owned(),
    }
}

impl ExtractError {
    pub(super) fn io(deed: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { deed, path, source }
    }

    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::DatasetUnknown(_) => Reason::DatasetUnknown,
            Self::NotPermitted => Reason::ReadNotPermitted,
            Self::VersionUnknown { .. } => Reason::VersionUnknown,
            Self::Erased { .. } => Reason::Erased,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Reason::StorageFull,
            Self::Query(error) => error.reason(),
            Self::Io { .. } | Self::TaskLost(_) => Reason::Internal,
        }
    }
}
