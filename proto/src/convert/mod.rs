//! Conversions between messages and domain types.

mod pattern;
mod report;
mod time;

pub use time::{Timestamp, date_text, time_from_wire, time_to_wire};

/// A message that lacks or misstates a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}.{field}: {description}")]
pub struct TypeConversionError {
    message: &'static str,
    field: &'static str,
    description: String,
}

impl TypeConversionError {
    /// A required field was not set.
    pub fn missing(message: &'static str, field: &'static str) -> Self {
        Self { message, field, description: "it is missing".to_owned() }
    }

    /// A field holds something else than it should.
    pub fn invalid(message: &'static str, field: &'static str, description: impl Into<String>) -> Self {
        Self { message, field, description: description.into() }
    }

    pub fn message(&self) -> &'static str {
        self.message
    }

    pub fn field(&self) -> &'static str {
        self.field
    }

    pub fn description(&self) -> &str {
        &self.description
    }
}

#[cfg(test)]
mod tests;
