//! What the intake answers when it cannot take a submission on.

use hub_proto::Reason;

use crate::catalog::CatalogError;
use crate::commit::CommitError;
use crate::store::StoreError;

/// A refusal or a fault; cloned to all who wait for one verdict.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct IntakeError {
    reason: Reason,
    message: String,
    /// The message as clerks read it, where the hub has it.
    message_pl: Option<String>,
}

impl IntakeError {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), message_pl: None }
    }

    /// The same in Polish, for programs that show it to clerks.
    pub(super) fn in_polish(self, message: impl Into<String>) -> Self {
        Self { message_pl: Some(message.into()), ..self }
    }

    pub(crate) fn message_pl(&self) -> Option<&str> {
        self.message_pl.as_deref()
    }

    /// A fault of the hub, not of who sends.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(Reason::Internal, message)
    }

    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// A submission that does not exist, or that the caller may not know of.
    pub(super) fn unknown(id: &str) -> Self {
        Self::new(
            Reason::SubmissionUnknown,
            format!("there is no submission `{id}` of yours; `hub submissions list` shows them"),
        )
        .in_polish(format!("nie masz przesyłki `{id}`; listę pokazuje `hub submissions list`"))
    }
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        let refused = Self::new(error.reason(), error.to_string());
        match &error {
            StoreError::Ordered { id } => {
                refused.in_polish(format!("przesyłka `{id}` jest już zatwierdzona"))
            }
            _ => refused,
        }
    }
}

impl From<CommitError> for IntakeError {
    fn from(error: CommitError) -> Self {
        Self { message_pl: error.message_pl(), ..Self::new(error.reason(), error.to_string()) }
    }
}

impl From<CatalogError> for IntakeError {
    fn from(error: CatalogError) -> Self {
        Self::new(error.reason(), error.to_string())
    }
}
