//! A copy of a dataset that is kept in step with the hub: one Parquet file, in whose footer stands which state it is of.
//! So rows and cursor change together, by one rename, and whatever ends the program leaves the copy as it was or as it is.

mod facts;
mod fresh;
mod net;
mod rewrite;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use hub_proto::Reason;
use hub_proto::v1::{self, RowFormat};
use tokio::task::spawn_blocking;

use crate::client::Client;
use crate::error::{ClientError, Deed};
use crate::pull::{AsOf, PullRequest, RowsProgress};
use crate::since::SinceRequest;
use facts::Facts;
use net::Net;
use rewrite::Rewritten;

/// Bytes of changes that are held at most; a copy that is further behind is pulled anew.
const CHANGES_BYTES_MAX: usize = 256 << 20;
/// Versions without a change of the copy's rows, after which its cursor is moved on all the same.
const VERSIONS_BEHIND_MAX: u64 = 256;

/// Which rows the copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// As `rb28s`.
    pub dataset: String,
    /// Of the pattern; empty: all that the caller may see. Those of the key and the hub's own are there always.
    pub columns: Vec<String>,
    /// SQL row expression; none: all rows.
    pub filter: Option<String>,
}

/// Why a copy was pulled anew instead of being brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anew {
    /// There was none.
    First,
    /// The hub cannot tell what changed since, for this reason.
    Refused(Reason),
    /// More changed than is brought into it by changes.
    TooMuch,
    /// It is not as it was written.
    Damaged,
    /// The columns that the caller may see are other ones now.
    OtherColumns,
}

/// What came of keeping a copy.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The dataset version that it holds.
    pub version: u64,
    /// Where it stands.
    pub cursor: String,
    /// Rows in it.
    pub rows: u64,
    /// Rows that came in.
    pub inserted: u64,
    /// Rows that went.
    pub deleted: u64,
    /// None: it was brought up to date by changes alone.
    pub anew: Option<Anew>,
}

/// Why changes do not bring a copy up to date.
enum Behind {
    Anew(Anew),
    Failed(ClientError),
}

impl From<ClientError> for Behind {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused(refusal) => match refusal.reason {
                Some(reason @ (Reason::HistoryExpired | Reason::CursorUnknown)) => {
                    Self::Anew(Anew::Refused(reason))
                }
                _ => Self::Failed(error),
            },
            _ => Self::Failed(error),
        }
    }
}

impl Client {
    /// Makes a copy, or brings one up to date: afterwards it holds the rows of a pull of the version that is told. Only
    /// what changed is asked for. One program at a time keeps a copy.
    pub async fn keep_copy(
        &self,
        request: &CopyRequest,
        path: &Path,
        progress: Option<RowsProgress>,
    ) -> Result<Copied, ClientError> {
        let failed = |source| ClientError::file(Deed::Write, path, source);
        let _alone = lock(path).map_err(failed)?;
        let facts = match facts::read(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.fresh_copy(request, path, Anew::First, progress).await;
            }
            Err(source) => return Err(ClientError::file(Deed::Read, path, source)),
        };
        if facts.request() != *request {
            let told = "it is a copy of other rows; name another file, or remove it";
            return Err(failed(io::Error::other(told)));
        }
        match self.follow(request, path, facts).await {
            Ok(copied) => Ok(copied),
            Err(Behind::Anew(why)) => self.fresh_copy(request, path, why, progress).await,
            Err(Behind::Failed(error)) => Err(error),
        }
    }

    async fn follow(&self, request: &CopyRequest, path: &Path, facts: Facts) -> Result<Copied, Behind> {
        let mut net = Net::new(&facts.schema).map_err(|_| Behind::Anew(Anew::OtherColumns))?;
        let mut cursor = facts.cursor.clone();
        let version = loop {
            let (page, batches) = self.whole_page(request, &cursor).await?;
            for batch in &batches {
                net.add(batch).map_err(|_| Behind::Anew(Anew::OtherColumns))?;
            }
            if net.bytes() > CHANGES_BYTES_MAX {
                return Err(Behind::Anew(Anew::TooMuch));
            }
            cursor = page.next_cursor;
            if !page.more {
                break page.last_version;
            }
        };
        let (rows, is_near) = (facts.rows, version < facts.version + VERSIONS_BEHIND_MAX);
        if net.is_empty() && is_near {
            return Ok(Copied { version, cursor, rows, inserted: 0, deleted: 0, anew: None });
        }
        let next = facts.moved_to(version, cursor.clone());
        let target = path.to_owned();
        let rewritten = blocking(path, move || rewrite::rewrite(&target, &facts, next, net)).await?;
        match rewritten {
            Some(Rewritten { rows, inserted, deleted }) => {
                Ok(Copied { version, cursor, rows, inserted, deleted, anew: None })
            }
            None => Err(Behind::Anew(Anew::Damaged)),
        }
    }

    /// A page of changes, whole; one that is cut is asked for again.
    async fn whole_page(
        &self,
        request: &CopyRequest,
        cursor: &str,
    ) -> Result<(v1::ChangesPage, Vec<RecordBatch>), Behind> {
        let asked = SinceRequest {
            dataset: request.dataset.clone(),
            cursor: cursor.to_owned(),
            columns: request.columns.clone(),
            filter: request.filter.clone(),
            values_only: false,
            format: RowFormat::Arrow,
        };
        let mut patience = self.patience();
        loop {
            let came = async {
                let mut page = self.changes_since(&asked).await?;
                let (mut decoder, mut batches, mut bytes) = (net::Decoder::default(), Vec::new(), 0);
                while let Some(data) = page.next().await? {
                    bytes += data.len();
                    if bytes > CHANGES_BYTES_MAX {
                        return Ok(None);
                    }
                    decoder.decode(data, &mut batches).map_err(|error| self.incomplete(error.to_string()))?;
                }
                Ok(Some((page.page().clone(), batches)))
            };
            match came.await {
                Ok(Some(came)) => return Ok(came),
                Ok(None) => return Err(Behind::Anew(Anew::TooMuch)),
                Err(ClientError::Incomplete { message, .. }) => patience.after_cut(message).await?,
                Err(error) => return Err(Behind::from(error)),
            }
        }
    }

    async fn fresh_copy(
        &self,
        request: &CopyRequest,
        path: &Path,
        why: Anew,
        progress: Option<RowsProgress>,
    ) -> Result<Copied, ClientError> {
        let mut asked = PullRequest {
            dataset: request.dataset.clone(),
            columns: request.columns.clone(),
            filter: request.filter.clone(),
            as_of: None,
            format: RowFormat::Arrow,
        };
        if !request.columns.is_empty() {
            let (version, columns) = self.columns_of_changes(&asked).await?;
            (asked.as_of, asked.columns) = (Some(AsOf::Version(version)), columns);
        }
        let mut pull = self.pull(&asked).await?;
        let version = pull.session().version.as_ref().map(|version| version.version).unwrap_or_default();
        let cursor = pull.session().cursor.clone();
        if cursor.is_empty() {
            return Err(self.incomplete("the hub does not say where its changes go on; it is an earlier one"));
        }
        let facts = Facts::of(request, version, cursor.clone());
        let rows = fresh::write(&mut pull, path, facts, progress).await?;
        Ok(Copied { version, cursor, rows, inserted: rows, deleted: 0, anew: Some(why) })
    }

    /// The newest version, and the columns in which its changes come.
    async fn columns_of_changes(&self, asked: &PullRequest) -> Result<(u64, Vec<String>), ClientError> {
        let session = self.pull(asked).await?.session().clone();
        let request = CopyRequest {
            dataset: asked.dataset.clone(),
            columns: asked.columns.clone(),
            filter: asked.filter.clone(),
        };
        let (_, batches) = match self.whole_page(&request, &session.cursor).await {
            Ok(page) => page,
            Err(Behind::Failed(error)) => return Err(error),
            Err(Behind::Anew(_)) => return Err(self.incomplete("the dataset changes faster than it is read")),
        };
        let schema = batches.first().map(|batch| batch.schema());
        let schema = schema.ok_or_else(|| self.incomplete("its changes have no columns"))?;
        let names = schema.fields().iter().skip(net::OWN_COLUMNS).map(|field| field.name().clone()).collect();
        Ok((session.version.map(|version| version.version).unwrap_or_default(), names))
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ClientError> {
    let done = spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    done.map_err(|source| ClientError::file(Deed::Write, path, source))
}

/// Held while a program keeps the copy.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(beside(path, "lock")?)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(io::Error::other("another program keeps this copy now"))
        }
    }
}

/// A hidden file beside a copy.
fn beside(path: &Path, end: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no file name"))?;
    Ok(path.with_file_name(format!(".{}.{end}", name.to_string_lossy())))
}

#[cfg(test)]
mod tests;
