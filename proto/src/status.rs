//! Refusals as gRPC statuses with details (AIP-193), and the way back for clients.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::convert::TypeConversionError;
use crate::name::NameError;
use crate::reason::{DOMAIN, Reason};

/// How long a client should wait when the hub is busy, starting or stopping.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A refusal before it is put on a wire: cause, message, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    pub message: String,
    /// Field of the request and what is wrong with it.
    pub fields: Vec<(String, String)>,
    /// Kind and name of the resource that it is about.
    pub resource: Option<(String, String)>,
    /// Machine-readable facts, such as `durable_offset`.
    pub facts: Vec<(String, String)>,
}

impl Refusal {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), fields: vec![], resource: None, facts: vec![] }
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        self.fields.push((field.into(), description.into()));
        self
    }

    #[must_use]
    pub fn resource(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.resource = Some((kind.into(), name.into()));
        self
    }

    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let facts: HashMap<String, String> = refusal.facts.into_iter().collect();
        let mut details = ErrorDetails::with_error_info(refusal.reason.as_str(), DOMAIN, facts);
        for (field, description) in refusal.fields {
            details.add_bad_request_violation(field, description);
        }
        if let Some((kind, name)) = refusal.resource {
            details.set_resource_info(kind, name, "", "");
        }
        if refusal.reason.is_transient() {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Status::with_error_details(refusal.reason.grpc_code(), refusal.message, details)
    }
}

impl From<TypeConversionError> for Refusal {
    fn from(error: TypeConversionError) -> Self {
        Self::new(Reason::RequestInvalid, error.to_string()).field(error.field(), error.description())
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::new(Reason::RequestInvalid, error.to_string())
    }
}

impl From<TypeConversionError> for Status {
    fn from(error: TypeConversionError) -> Self {
        Refusal::from(error).into()
    }
}

/// A status with `ErrorInfo`, field violations and, where it helps, `RetryInfo`.
pub fn status(reason: Reason, message: impl Into<String>, fields: &[(&str, &str)]) -> Status {
    fields.iter().fold(Refusal::new(reason, message), |r, (field, text)| r.field(*field, *text)).into()
}

/// The reason that a hub gave, if the status comes from one and the reason is known here.
pub fn reason_of(status: &Status) -> Option<Reason> {
    let info = status.get_details_error_info()?;
    (info.domain == DOMAIN).then(|| Reason::parse(&info.reason)).flatten()
}

/// How long the hub asks to wait before trying again; None: trying again as it is would not help.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// Field violations that came with a status.
pub fn field_violations(status: &Status) -> Vec<(String, String)> {
    let bad = status.get_details_bad_request().map(|b| b.field_violations).unwrap_or_default();
    bad.into_iter().map(|v| (v.field, v.description)).collect()
}

/// The fact that holds the message in Polish, where the hub has it.
pub const MESSAGE_PL: &str = "message_pl";

/// A machine-readable fact that came with a status, such as `durable_offset`.
pub fn fact_of(status: &Status, name: &str) -> Option<String> {
    status.get_details_error_info()?.metadata.remove(name)
}

#[cfg(test)]
mod tests;
