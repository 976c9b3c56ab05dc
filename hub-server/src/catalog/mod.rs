//! The catalogue: organisations, credentials, refusals, pulls, notices and subscriptions (primary), submissions (a projection of
//! the log that can be lost and made again). The only room that names sqlx.
//!
//! One connection writes primary data (`BEGIN IMMEDIATE`, WAL, `synchronous=FULL`: a commit is durable
//! when it returns), one the projection (`synchronous=NORMAL`: after a power loss its last commits are
//! taken from the log again), several read; what each push asks for is held in memory. The statements keep to what SQLite and PostgreSQL share.

mod comparisons;
mod credentials;
mod erase;
mod known;
mod notices;
mod organisations;
mod pulls;
mod row;
mod submissions;
mod subscriptions;
mod types;
mod verify;

#[cfg(test)]
mod tests;

use std::path::Path;

use hub_proto::Reason;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, Transaction};

pub(crate) use comparisons::{MadeBy, RevisionKey};
pub(crate) use notices::{Notice, NoticeFilter, Put, RowCounts};
pub(crate) use pulls::Pull;
pub(crate) use subscriptions::{Delivery, Failed, Subscription};
pub(crate) use types::{
    Credential, Ends, Identifier, Organisation, SubmissionFilter, SubmissionRecord, Tombstone,
};

use crate::config::limits;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The catalogue's database. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub(crate) struct Catalog {
    writer: SqlitePool,
    projection: SqlitePool,
    readers: SqlitePool,
    known: known::Known,
    /// Writes of primary data take turns, so that memory and tables say the same.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    #[error("the catalogue cannot {deed}: {source}")]
    Database { deed: &'static str, source: sqlx::Error },
    #[error(
        "the catalogue cannot be brought to this server's form: {0}; use the hub-server that wrote it, or a newer one"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the catalogue holds a value that it never writes ({what}); restore it from a backup")]
    Corrupt { what: String },
    #[error("there is no organisation `{0}`; add it with `hub-server org add`")]
    OrganisationUnknown(String),
}

impl CatalogError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Database { source, .. } => database_reason(source),
            Self::Migration(_) => Reason::Internal,
            Self::Corrupt { .. } => Reason::StorageCorrupt,
            Self::OrganisationUnknown(_) => Reason::PublisherUnknown,
        }
    }
}

/// SQLite's primary result code is the low byte of the extended one.
fn database_reason(error: &sqlx::Error) -> Reason {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    match (code.map(|code| code & 0xff), error) {
        // SQLITE_FULL
        (Some(13), _) => Reason::StorageFull,
        // SQLITE_CORRUPT, SQLITE_NOTADB
        (Some(11 | 26), _) => Reason::StorageCorrupt,
        // SQLITE_BUSY, SQLITE_LOCKED
        (Some(5 | 6), _) | (None, sqlx::Error::PoolTimedOut) => Reason::Busy,
        _ => Reason::Internal,
    }
}

/// Names the deed in an error of the database.
fn failed(deed: &'static str) -> impl FnOnce(sqlx::Error) -> CatalogError {
    move |source| CatalogError::Database { deed, source }
}

impl Catalog {
    /// Opens (and migrates) the SQLite catalogue at a path. The lock of the data folder must be held:
    /// SQLite's own migration lock is none.
    pub(crate) async fn open(path: &Path) -> Result<Self, CatalogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(limits::CATALOG_BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        let writer = connect(1, options.clone().create_if_missing(true)).await?;
        MIGRATIONS.run(&writer).await?;
        let projection = connect(1, options.clone().synchronous(SqliteSynchronous::Normal)).await?;
        let readers = connect(limits::CATALOG_READERS, options.pragma("query_only", "ON")).await?;
        let known = known::Known::default();
        let catalog = Self { writer, projection, readers, known, turn: tokio::sync::Mutex::default() };
        catalog.remember().await?;
        Ok(catalog)
    }

    async fn remember(&self) -> Result<(), CatalogError> {
        self.all_organisations().await?.iter().for_each(|one| self.known.put_organisation(one));
        self.all_credentials().await?.iter().for_each(|one| self.known.put_credential(one));
        self.remember_ended().await
    }

    /// Waits for running statements and closes the files.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.projection.close().await;
        self.writer.close().await;
    }
}

async fn connect(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, CatalogError> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(limits::CATALOG_BUSY_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(failed("be opened"))
}

async fn begin(pool: &SqlitePool, deed: &'static str) -> Result<Transaction<'static, Sqlite>, CatalogError> {
    pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(deed))
}
