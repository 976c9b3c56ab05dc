//! Reading with a permit: sessions, row streams in a format, queries, each pinned to dataset versions.
//!
//! A session is a sealed token and nothing on the server, so it goes on after a restart. What the token
//! says is narrowed by the permit of each call: a right that was withdrawn is gone at once.

mod changes;
mod coverage;
mod error;
mod kept;
mod organisations;
mod recent;
mod revisions;
mod session;
mod since;
mod statements;
mod states;
mod tables;
mod taken;
mod watch;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use hub_datasets::{CodeLists, Pattern};
use tokio::sync::watch as newest;

use crate::catalog::Catalog;
use crate::commit::{CommitError, Commits};
use crate::config::limits::READ_STREAMS;
use crate::permit::ReadPermit;
use crate::query::{
    Begun, Checked, Engine, QueryError, RowChunk, RowFormat, Scan, Statements, TableView, Warning,
};
use crate::seal::Seal;
use crate::store::{self, AsOf, ChangesBound, ChangesSince, Cursor, Made, Snapshot, StoreError};

pub(crate) use changes::{After, Sides};
pub(crate) use coverage::Coverage;
pub(crate) use error::ReadError;
use kept::Kept;
pub(crate) use revisions::Revision;
use session::{NAME_PREFIX, PURPOSE, SessionToken};
pub(crate) use session::{RowsFrom, Session, SessionRequest};
pub(crate) use since::SinceRequest;
pub(crate) use statements::{Asked, Described};
pub(crate) use states::{States, TableState};
pub(crate) use tables::TableInfo;
pub(crate) use taken::Taken;
pub(crate) use watch::Watched;

/// Rows of a file on their way to the caller.
pub(crate) type Chunks = BoxStream<'static, Result<RowChunk, ReadError>>;

/// Where the states of datasets come from.
pub(crate) trait Snapshots: Send + Sync + std::fmt::Debug {
    /// `Ok(None)`: there is no such dataset. Blocking, but for the latest state.
    fn as_of(&self, dataset: &str, as_of: AsOf) -> Result<Option<Arc<Snapshot>>, StoreError>;
    /// Where a dataset version stands in the order of commits. Blocking, as `as_of`.
    fn cursor(&self, dataset: &str, version: u64) -> Result<Option<Cursor>, StoreError>;
    /// What dataset versions behind a cursor changed. Blocking.
    fn changes(
        &self,
        dataset: &str,
        since: &Cursor,
        bound: ChangesBound,
    ) -> Result<Option<ChangesSince>, StoreError>;
    /// What made the dataset versions behind a cursor, at most so many. Blocking.
    fn made(&self, dataset: &str, since: &Cursor, most: usize) -> Result<Option<Vec<Made>>, StoreError>;
    /// Wakes whenever a dataset moves; None: there is no such.
    fn moved(&self, dataset: &str) -> Option<newest::Receiver<Arc<Snapshot>>>;
    /// Waits until all that was acknowledged before the call is in the newest state.
    fn readable<'a>(&'a self, dataset: &'a str) -> BoxFuture<'a, Result<(), CommitError>>;
}

impl Snapshots for Commits {
    fn as_of(&self, dataset: &str, as_of: AsOf) -> Result<Option<Arc<Snapshot>>, StoreError> {
        Commits::as_of(self, dataset, as_of)
    }
    fn cursor(&self, dataset: &str, version: u64) -> Result<Option<Cursor>, StoreError> {
        Commits::cursor(self, dataset, version)
    }
    fn changes(
        &self,
        dataset: &str,
        since: &Cursor,
        bound: ChangesBound,
    ) -> Result<Option<ChangesSince>, StoreError> {
        Commits::changes(self, dataset, since, bound)
    }
    fn made(&self, dataset: &str, since: &Cursor, most: usize) -> Result<Option<Vec<Made>>, StoreError> {
        Commits::made(self, dataset, since, most)
    }
    fn moved(&self, dataset: &str) -> Option<newest::Receiver<Arc<Snapshot>>> {
        Some(self.table(dataset)?.subscribe())
    }
    fn readable<'a>(&'a self, dataset: &'a str) -> BoxFuture<'a, Result<(), CommitError>> {
        Self::readable(self, dataset).boxed()
    }
}

/// A dataset version that an answer stands on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VersionRef {
    pub(crate) dataset: String,
    pub(crate) version: u64,
    pub(crate) committed_at: Option<DateTime<Utc>>,
    pub(crate) coverage: Coverage,
}

/// A statement over tables in one state each.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) sql: String,
    pub(crate) states: Vec<TableState>,
}

/// An answer to a query: what it stands on, then its rows.
pub(crate) struct Answer {
    pub(crate) versions: Vec<VersionRef>,
    /// What gives the same rows again; None where a table has no states, or values were bound.
    pub(crate) again: Option<Again>,
    /// Traps of the statement.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) chunks: Chunks,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("versions", &self.versions).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Reads {
    snapshots: Arc<dyn Snapshots>,
    engine: Arc<Engine>,
    statements: Arc<Statements>,
    patterns: Vec<Arc<Pattern>>,
    lists: Arc<CodeLists>,
    catalog: Arc<Catalog>,
    seal: Seal,
    kept: Kept,
}

impl Reads {
    pub(crate) fn new(
        snapshots: Arc<dyn Snapshots>,
        (engine, statements): (Arc<Engine>, Arc<Statements>),
        patterns: Vec<Arc<Pattern>>,
        lists: Arc<CodeLists>,
        catalog: Arc<Catalog>,
        seal: Seal,
    ) -> Self {
        Self { snapshots, engine, statements, patterns, lists, catalog, seal, kept: Kept::new() }
    }

    /// Pins a dataset version, columns and a filter; refuses at once what could not be read.
    pub(crate) async fn create_session(
        &self,
        permit: &ReadPermit,
        request: SessionRequest,
    ) -> Result<Session, ReadError> {
        self.snapshots.readable(permit.dataset()).await?;
        let view = self.view(permit, request.as_of).await?;
        let scan = Scan { columns: request.columns, filter: request.filter, ..Scan::default() };
        let Checked { columns, rows: estimated_rows, files } =
            self.engine.check(view.clone(), scan.clone()).await?;
        let most = request.max_streams.clamp(1, READ_STREAMS);
        let streams = most.min(u32::try_from(files).unwrap_or(most)).max(1);
        let token = SessionToken {
            reader: permit.reader().to_owned(),
            dataset: permit.dataset().to_owned(),
            version: view.snapshot.dataset_version,
            log_version: view.snapshot.log_version,
            homes: view.snapshot.homes,
            erased: view.snapshot.erased.last().map_or(0, |erased| erased.log_version),
            publisher: view.publisher.clone(),
            columns: columns.clone(),
            filter: scan.filter,
            format: request.format,
            streams,
        };
        let cursor = self.cursor_at(permit.dataset(), view.snapshot.dataset_version).await?;
        Ok(Session {
            name: format!("{NAME_PREFIX}{}", self.seal.seal(PURPOSE, &token)?),
            version: self.version_ref(&view),
            columns,
            estimated_rows,
            format: request.format,
            streams,
            cursor,
        })
    }

    /// The dataset of a session, so that a door can ask for the permit, and the format of its rows.
    pub(crate) fn session(&self, name: &str) -> Result<(String, RowFormat), ReadError> {
        let token = self.open(name)?;
        Ok((token.dataset, token.format))
    }

    /// Rows of one of a session's streams from an offset on, in the order that never changes. Only Arrow resumes by
    /// rows: other formats are files, whose bytes cannot begin in the middle.
    pub(crate) async fn read_rows(
        &self,
        permit: &ReadPermit,
        session: &str,
        RowsFrom { stream, offset }: RowsFrom,
    ) -> Result<Chunks, ReadError> {
        let token = self.open(session)?;
        if stream >= token.streams {
            return Err(ReadError::StreamUnknown { stream, streams: token.streams });
        }
        if token.reader != permit.reader() || token.dataset != permit.dataset() {
            return Err(ReadError::SessionOfOther);
        }
        if offset > 0 && token.format != RowFormat::Arrow {
            return Err(ReadError::OffsetUnsupported);
        }
        let view = self.view(permit, token.as_of()).await?;
        let hidden = token.columns.iter().find(|c| !c.starts_with('_') && !view.columns.contains(*c));
        if let Some(column) = hidden {
            return Err(ReadError::ColumnNotPermitted(column.clone()));
        }
        if view.publisher != token.publisher {
            return Err(ReadError::SessionOfOther);
        }
        let run = (token.streams > 1).then_some((stream, token.streams));
        let (columns, filter) = (token.columns, token.filter);
        let scan = Scan { columns, filter, offset, run, ..Scan::default() };
        let held = vec![Arc::clone(&view.snapshot)];
        let rows = self.engine.scan(view, scan).await?;
        Ok(chunks_of(self.engine.encode(rows, token.format, offset)?, held))
    }

    /// One SELECT over the datasets of the permits, code lists and `organisations`.
    pub(crate) async fn query(
        &self,
        permits: Vec<ReadPermit>,
        sql: &str,
        states: impl Into<States>,
        format: RowFormat,
    ) -> Result<Answer, ReadError> {
        let states = states.into();
        states.check(&permits, &self.lists)?;
        let asked = Asked { sql: sql.to_owned(), parameters: None };
        self.ask(permits, &asked, |dataset| states.of(dataset), format).await
    }

    /// Tables that a statement names, and the worker that says so unless it is known.
    async fn tables_of(&self, sql: &str) -> Result<(Arc<[String]>, Option<Begun>), ReadError> {
        if let Some(known) = self.kept.tables_of(sql) {
            return Ok((known, None));
        }
        let mut begun = self.statements.begin(sql).await?;
        let named: Arc<[String]> = std::mem::take(&mut begun.names).into();
        self.kept.keep_tables(sql, &named);
        Ok((named, Some(begun)))
    }

    fn open(&self, session: &str) -> Result<SessionToken, ReadError> {
        let token = session.strip_prefix(NAME_PREFIX).ok_or(ReadError::SessionUnknown)?;
        self.seal.open(PURPOSE, token).map_err(|_| ReadError::SessionUnknown)
    }

    /// A dataset as the permit shows it.
    async fn view(&self, permit: &ReadPermit, as_of: AsOf) -> Result<TableView, ReadError> {
        let dataset = permit.dataset();
        let unknown = || ReadError::DatasetUnknown(dataset.to_owned());
        let pattern = self.patterns.iter().find(|p| p.id == dataset).ok_or_else(unknown)?;
        Ok(TableView {
            pattern: Arc::clone(pattern),
            snapshot: self.snapshot(dataset, as_of).await?,
            columns: permit.columns().clone(),
            publisher: permit.publisher().map(str::to_owned),
        })
    }

    /// A state of a dataset.
    async fn snapshot(&self, dataset: &str, as_of: AsOf) -> Result<Arc<Snapshot>, ReadError> {
        let (snapshots, wanted) = (Arc::clone(&self.snapshots), dataset.to_owned());
        let snapshot = match as_of {
            AsOf::Latest => snapshots.as_of(&wanted, as_of),
            // An old state may have to be made again from the log.
            _ => store::blocking(move || snapshots.as_of(&wanted, as_of)).await,
        };
        snapshot?.ok_or_else(|| ReadError::DatasetUnknown(dataset.to_owned()))
    }

    fn version_ref(&self, view: &TableView) -> VersionRef {
        VersionRef {
            dataset: view.pattern.id.clone(),
            version: view.snapshot.dataset_version,
            committed_at: view.snapshot.committed_at,
            coverage: coverage::of(view, &self.lists),
        }
    }
}

/// `held`: the states that the rows are of, whose files stay while the stream lives.
fn chunks_of(chunks: BoxStream<'static, Result<RowChunk, QueryError>>, held: Vec<Arc<Snapshot>>) -> Chunks {
    let held = move |chunk: Result<RowChunk, _>| {
        let _states = &held;
        chunk.map_err(ReadError::from)
    };
    chunks.map(held).boxed()
}

/// `rb28s_v1` is a major of `rb28s`.
fn is_major_of(table: &str, dataset: &str) -> bool {
    table
        .strip_prefix(dataset)
        .and_then(|rest| rest.strip_prefix("_v"))
        .is_some_and(|major| !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
