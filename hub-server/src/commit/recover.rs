//! Start of a dataset: the log is replayed into the state, and the projection caught up with it.

use super::CommitError;
use super::files::Files;
use super::projector::{Projected, Projector};
use super::state::{CommitFacts, State};
use crate::config::limits::PROJECTION_BATCH;
use crate::store::Table;
use crate::store::log::Entry;

/// Replays the log of a table up to its newest state. Blocking.
///
/// Calls `commit` with each commit and the submissions that it superseded.
pub(crate) fn replay(
    table: &Table,
    mut commit: impl FnMut(u64, Entry, Vec<String>),
) -> Result<State, CommitError> {
    table.sync_log().map_err(|error| CommitError::store(table.name(), error))?;
    let mut state = State::default();
    let snapshot = table.snapshot();
    let mut log = table.log_reader();
    for log_version in 0..=snapshot.log_version {
        let entry = log.entry(log_version).map_err(|error| CommitError::store(table.name(), error))?;
        let entry = entry.ok_or_else(|| CommitError::LogForeign {
            dataset: table.name().to_owned(),
            message: format!("version {log_version} is missing; restore it from a backup"),
        })?;
        let superseded = state.apply(CommitFacts::of(log_version, &entry));
        commit(log_version, entry, superseded);
    }
    state.set_files(snapshot.files.iter());
    Ok(state)
}

/// Replays a table and brings the catalogue to the newest state.
pub(crate) async fn catch_up(
    files: Files,
    projector: &Projector,
    applied: Option<u64>,
) -> Result<(Files, State), CommitError> {
    let (commits, mut replayed) = tokio::sync::mpsc::channel(PROJECTION_BATCH);
    let replaying = tokio::task::spawn_blocking(move || {
        let state = replay(files.table(), |log_version, entry, superseded| {
            if applied.is_none_or(|applied| log_version > applied) {
                // The receiver goes early only when the catalogue failed, which is the error to tell.
                let _receiver_failed = commits.blocking_send(Projected { log_version, entry, superseded });
            }
        });
        (files, state)
    });
    let mut batch = Vec::new();
    while replayed.recv_many(&mut batch, PROJECTION_BATCH).await > 0 {
        projector.apply(&batch).await.map_err(|source| CommitError::Catalog {
            dataset: projector.table().to_owned(),
            source: source.into(),
        })?;
        batch.clear();
    }
    let lost = |error: tokio::task::JoinError| CommitError::LogForeign {
        dataset: projector.table().to_owned(),
        message: format!("its replay was cut off: {error}"),
    };
    let (files, state) = replaying.await.map_err(lost)?;
    Ok((files, state?))
}
