//! Exit codes, and the failures that lead to them.

use std::io;
use std::process::ExitCode;

use hub_client::{ClientError, Refusal, short};
use hub_proto::Reason;

use crate::text::{self, Language, Text};

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
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Output(#[from] io::Error),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(ClientError::NotReached { .. }) => Exit::NotReached,
            Self::Client(error) if error.is_not_permitted() => Exit::NotPermitted,
            Self::Client(error) if error.reason() == Some(Reason::ReportBlocks) => Exit::Blocked,
            Self::Client(ClientError::Profile { .. } | ClientError::Endpoint { .. }) | Self::Usage(_) => {
                Exit::Usage
            }
            // The reader of our output went away: `hub query … | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Accepted,
            Self::Client(_) | Self::Output(_) | Self::Other(_) => Exit::Failed,
        }
    }

    /// What, where, and what to do; none when nobody is there to read it.
    pub(crate) fn message(&self, language: Language) -> Option<String> {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Client(error) => Some(client_message(error, language)),
            _ => Some(self.to_string()),
        }
    }
}

fn client_message(error: &ClientError, language: Language) -> String {
    match error {
        ClientError::NotReached { endpoint, waited, cause } => text::NOT_REACHED.with(
            language,
            &[("endpoint", endpoint), ("seconds", &format!("{:.0}", waited.as_secs_f64())), ("cause", cause)],
        ),
        ClientError::Incomplete { endpoint, message } => {
            text::INCOMPLETE.with(language, &[("endpoint", endpoint), ("message", message)])
        }
        ClientError::Refused(refusal) => refusal_message(refusal, language),
        ClientError::Closed { submission, state } => {
            text::CLOSED.with(language, &[("submission", short(submission)), ("state", state)])
        }
        other => other.to_string(),
    }
}

fn refusal_message(refusal: &Refusal, language: Language) -> String {
    let reason =
        refusal.reason.map_or_else(|| format!("{:?}", refusal.code), |reason| reason.as_str().to_owned());
    let mut message = text::REFUSED.with(language, &[("reason", &reason), ("message", &refusal.message)]);
    for (field, fault) in &refusal.fields {
        message.push_str(&format!("\n  {field}: {fault}"));
    }
    if let Some(advice) = refusal.reason.and_then(advice) {
        message.push_str("\n  ");
        message.push_str(advice.get(language));
    }
    message
}

/// What to do about a refusal.
pub(crate) fn advice(reason: Reason) -> Option<Text> {
    match reason {
        Reason::CredentialMissing | Reason::CredentialInvalid => Some(text::ADVICE_CREDENTIAL),
        Reason::PublisherNotPermitted => Some(text::ADVICE_PUBLISHER),
        Reason::ReadNotPermitted => Some(text::ADVICE_READ),
        Reason::ScopeMissing => Some(text::ADVICE_SCOPE),
        Reason::RevisionMoved => Some(text::ADVICE_REVISION),
        Reason::DeletionUnconfirmed => Some(text::ADVICE_DELETION),
        Reason::PeriodMismatch => Some(text::ADVICE_PERIOD),
        Reason::PublisherMismatch => Some(text::ADVICE_PUBLISHER_MISMATCH),
        Reason::Busy | Reason::Unavailable => Some(text::ADVICE_LATER),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
