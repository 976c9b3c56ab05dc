//! A state as lines: a head, then the files that were live, in their order, as adds. Packs of the archive
//! begin with one, so that an old state is made again without the whole log before it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::actions::{add_action, number, parse_add};
use crate::store::StoreError;
use crate::store::index::DataFile;

/// Where in the log a state stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) log_version: u64,
    pub(crate) dataset_version: u64,
    /// Of the newest commit that moved the dataset version. Microseconds are kept.
    pub(crate) committed_at: Option<DateTime<Utc>>,
}

/// The line of a head, with the number of files that follow.
pub(crate) fn write_head(head: Head, files: usize) -> Vec<u8> {
    line(&json!({"state": {
        "log_version": head.log_version,
        "dataset_version": head.dataset_version,
        "committed_at": head.committed_at.map(|at| at.timestamp_micros()),
        "files": files,
    }}))
}

/// The line of a live file.
pub(crate) fn write_file(file: &DataFile) -> Vec<u8> {
    // When a file was added is in the version that added it.
    line(&add_action(file, 0, false))
}

fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A state back from its lines. Errors name the file that the lines are from.
pub(crate) fn parse(
    file: &str,
    lines: &[u8],
    schema: &SchemaRef,
) -> Result<(Head, Vec<Arc<DataFile>>), StoreError> {
    let corrupt = |message: String| StoreError::Corrupt { file: file.to_owned(), message };
    let mut values = lines.split_inclusive(|byte| *byte == b'\n').map(serde_json::from_slice::<Value>);
    let head = values.next().ok_or_else(|| corrupt("its state has no head".into()))?;
    let head = head.map_err(|e| corrupt(e.to_string()))?;
    let (head, files) = parse_head(&head["state"]).map_err(corrupt)?;
    let mut live = Vec::new();
    for value in values {
        let value = value.map_err(|e| corrupt(e.to_string()))?;
        live.push(Arc::new(parse_add(&value["add"], schema).map_err(corrupt)?));
    }
    if live.len() as u64 != files {
        return Err(corrupt(format!("its state has {} files instead of {files}", live.len())));
    }
    Ok((head, live))
}

fn parse_head(state: &Value) -> Result<(Head, u64), String> {
    let micros = state["committed_at"].as_i64();
    let committed_at =
        micros.map(|micros| DateTime::from_timestamp_micros(micros).ok_or("committed_at is no time"));
    let head = Head {
        log_version: number(state, "log_version")?,
        dataset_version: number(state, "dataset_version")?,
        committed_at: committed_at.transpose()?,
    };
    Ok((head, number(state, "files")?))
}
