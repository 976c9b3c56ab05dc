//! The one way out for a failure: every room's error becomes a [`HubError`], and a door makes a
//! refusal of it. What only the operator may know goes to the log, under an id that the caller sees.

use std::error::Error;

use hub_proto::{Reason, Refusal};
use uuid::Uuid;

/// A failure on its way to the caller. Boxed, since most calls carry none.
#[derive(Debug)]
pub(crate) struct HubError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    refusal: Refusal,
    /// Detail for the log; set when the caller must not see it.
    hidden: Option<String>,
}

impl HubError {
    /// A refusal that the caller may read as it is.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self::from(Refusal::new(reason, message))
    }

    /// Wraps a room's error; the detail of a fault of the hub stays inside.
    pub(crate) fn of_room(reason: Reason, error: &dyn Error) -> Self {
        match is_fault(reason) {
            true => Self::hiding(reason, chain(error)),
            false => Self::new(reason, error.to_string()),
        }
    }

    /// A fault of the hub that no room's error describes, such as a panic.
    pub(crate) fn fault(detail: impl Into<String>) -> Self {
        Self::hiding(Reason::Internal, detail.into())
    }

    fn hiding(reason: Reason, detail: String) -> Self {
        Self(Box::new(Failure { refusal: Refusal::new(reason, ""), hidden: Some(detail) }))
    }

    pub(crate) fn reason(&self) -> Reason {
        self.0.refusal.reason
    }

    /// Adds a machine-readable fact.
    pub(crate) fn fact(self, name: &str, value: impl std::fmt::Display) -> Self {
        let Failure { refusal, hidden } = *self.0;
        Self(Box::new(Failure { refusal: refusal.fact(name, value.to_string()), hidden }))
    }

    /// What the caller gets. A fault is logged here and nowhere else.
    pub(crate) fn into_refusal(self) -> Refusal {
        let Failure { mut refusal, hidden } = *self.0;
        if let Some(detail) = hidden {
            let id = Uuid::new_v4();
            tracing::error!(correlation = %id, reason = %refusal.reason, detail, "the hub failed");
            refusal.message = match refusal.reason {
                Reason::StorageCorrupt => format!(
                    "a file of the hub is damaged; its operator finds in the log under {id} which, and what to do"
                ),
                _ => format!("the hub failed; its log has the detail under {id}"),
            };
            refusal = refusal.fact("correlation", id.to_string());
        }
        refusal
    }
}

impl From<Refusal> for HubError {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(Failure { refusal, hidden: None }))
    }
}

impl From<hub_proto::TypeConversionError> for HubError {
    fn from(error: hub_proto::TypeConversionError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<hub_proto::name::NameError> for HubError {
    fn from(error: hub_proto::name::NameError) -> Self {
        Refusal::from(error).into()
    }
}

/// Gives errors of rooms their way out; each has `reason()`.
macro_rules! hub_errors {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for $crate::error::HubError {
            fn from(error: $error) -> Self {
                Self::of_room(error.reason(), &error)
            }
        })+
    };
}
pub(crate) use hub_errors;

fn is_fault(reason: Reason) -> bool {
    matches!(reason, Reason::Internal | Reason::StorageCorrupt)
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
