//! Between Rust's types and the TEXT and BIGINT of the tables.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::CatalogError;

fn corrupt(column: &str) -> CatalogError {
    CatalogError::Corrupt { what: format!("column {column}") }
}

pub(super) fn text(row: &SqliteRow, column: &str) -> Result<String, CatalogError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn integer(row: &SqliteRow, column: &str) -> Result<i64, CatalogError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, CatalogError> {
    u64::try_from(integer(row, column)?).map_err(|_| corrupt(column))
}

pub(super) fn moment(row: &SqliteRow, column: &str) -> Result<DateTime<Utc>, CatalogError> {
    DateTime::from_timestamp_micros(integer(row, column)?).ok_or_else(|| corrupt(column))
}

pub(super) fn moment_or_none(row: &SqliteRow, column: &str) -> Result<Option<DateTime<Utc>>, CatalogError> {
    let micros: Option<i64> = row.try_get(column).map_err(|_| corrupt(column))?;
    micros.map(|micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| corrupt(column))).transpose()
}

pub(super) fn day_or_none(row: &SqliteRow, column: &str) -> Result<Option<NaiveDate>, CatalogError> {
    let text: Option<String> = row.try_get(column).map_err(|_| corrupt(column))?;
    text.map(|text| text.parse().map_err(|_| corrupt(column))).transpose()
}

pub(super) fn list(row: &SqliteRow, column: &str) -> Result<Vec<String>, CatalogError> {
    serde_json::from_str(&text(row, column)?).map_err(|_| corrupt(column))
}

/// A list as the JSON that [`list`] reads.
pub(super) fn list_text(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}

pub(super) fn day_text(day: Option<NaiveDate>) -> Option<String> {
    day.map(|day| day.format("%Y-%m-%d").to_string())
}

/// Counts beyond 2^63 do not occur; a larger one is a fault of the caller, and is refused.
pub(super) fn bigint(count: u64, what: &str) -> Result<i64, CatalogError> {
    i64::try_from(count).map_err(|_| CatalogError::Corrupt { what: format!("{what} {count}") })
}

/// True when the column of an outer join is filled.
pub(super) fn is_present(row: &SqliteRow, column: &str) -> Result<bool, CatalogError> {
    let text: Option<String> = row.try_get(column).map_err(|_| corrupt(column))?;
    Ok(text.is_some())
}
