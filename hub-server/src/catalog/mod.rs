//! The catalogue: organisations, credentials and refusals (primary), submissions (a projection of
//! the log that can be lost and made again). The only room that names sqlx.
//!
//! One connection writes (`BEGIN IMMEDIATE`, WAL, `synchronous=FULL`: a commit is durable when it
//! returns), several read. The statements keep to what SQLite and PostgreSQL share.

mod credentials;
mod known;
mod organisations;
mod row;
mod submissions;
mod types;

#[cfg(test)]
mod tests;

use std::path::Path;

use hub_proto::Reason;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, Transaction};

pub(crate) use types::{Credential, Identifier, Organisation, SubmissionFilter, SubmissionRecord};

use crate::config::limits;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The catalogue's database. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub(crate) struct Catalog {
    writer: SqlitePool,
    readers: SqlitePool,
    known: known::Known,
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
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(limits::CATALOG_BUSY_TIMEOUT)
            .connect_with(options.clone().create_if_missing(true))
            .await
            .map_err(failed("be opened"))?;
        MIGRATIONS.run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(limits::CATALOG_READERS)
            .acquire_timeout(limits::CATALOG_BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(failed("be opened"))?;
        Ok(Self { writer, readers, known: known::Known::default() })
    }

    /// Waits for running statements and closes the files.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn begin(&self, deed: &'static str) -> Result<Transaction<'static, Sqlite>, CatalogError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed(deed))
    }
}
