//! Moments and days.

use chrono::{DateTime, NaiveDate, Utc};
pub use prost_types::Timestamp;

use super::TypeConversionError;

/// A moment as it travels.
pub fn time_to_wire(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

/// A moment as it came; `message` and `field` name its place in the error.
pub fn time_from_wire(
    message: &'static str,
    field: &'static str,
    time: &Timestamp,
) -> Result<DateTime<Utc>, TypeConversionError> {
    u32::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        .ok_or_else(|| {
            TypeConversionError::invalid(message, field, "it is not a moment that a calendar knows")
        })
}

/// `YYYY-MM-DD`; empty when open.
pub fn date_text(day: Option<NaiveDate>) -> String {
    day.map(|d| d.format("%Y-%m-%d").to_string()).unwrap_or_default()
}
