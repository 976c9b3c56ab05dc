//! The pure core of the hub: patterns, code lists, periods, and the check of a payload
//! against them. It does no I/O: bytes and days come in, batches and reports go out.

#![warn(missing_docs)]

pub mod check;
pub mod codelist;
pub mod csv;
pub mod diff;
#[cfg(feature = "check")]
mod document;
#[cfg(feature = "kit")]
pub mod kit;
mod media;
pub mod ndjson;
pub mod pattern;
pub mod period;
pub mod receipt;
pub mod report;
mod settings;
pub mod synthetic;

pub use codelist::CodeLists;
#[cfg(feature = "check")]
pub use document::write::{JsonDocument, WriteError};
pub use media::MediaType;
pub use pattern::{Pattern, Patterns};
pub use period::Period;
pub use report::{Report, Severity, Violation};
pub use settings::Settings;
