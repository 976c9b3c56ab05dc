//! Exit codes, and the failures that lead to them.

use std::io;
use std::process::ExitCode;

use hub_client::ClientError;
use hub_proto::Reason;

use crate::text::{self, Language};
use crate::told;

/// How the command ends, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Accepted,
    Blocked,
    Failed,
    NotPermitted,
    NotReached,
    Usage,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Blocked => 3,
            Self::NotReached => 4,
            Self::NotPermitted => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended without a verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// In the reader's language already, as is `Other`.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Output(#[from] io::Error),
    /// The hub's answer is not what the contract promises.
    #[error("{0}")]
    Answer(String),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(ClientError::NotReached { .. } | ClientError::Http2Blocked { .. }) => {
                Exit::NotReached
            }
            Self::Client(error) if error.is_not_permitted() => Exit::NotPermitted,
            Self::Client(error) if error.reason() == Some(Reason::ReportBlocks) => Exit::Blocked,
            Self::Client(ClientError::Profile { .. } | ClientError::Endpoint { .. }) | Self::Usage(_) => {
                Exit::Usage
            }
            // The reader of our output went away: `hub query … | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Accepted,
            Self::Client(_) | Self::Output(_) | Self::Answer(_) | Self::Other(_) => Exit::Failed,
        }
    }

    /// What, where, and what to do; none when nobody is there to read it.
    pub(crate) fn message(&self, language: Language) -> Option<String> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => {
                Some(text::OUTPUT.with(language, &[("cause", &told::cause(error, language))]))
            }
            Self::Client(error) => Some(told::failure(error, language)),
            Self::Answer(cause) => Some(text::ANSWER.with(language, &[("cause", cause)])),
            Self::Usage(message) | Self::Other(message) => Some(message.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
