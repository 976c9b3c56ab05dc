//! The spool: payload bytes and the durable state of unfinished submissions.
//!
//! Payloads up to 1 MiB share append-only segments with one group fdatasync; larger ones have a file.
//! Segments hold records; what the records of a submission say, in order, is its durable state. Kept
//! small payloads stay where they are, kept large ones become files named by their SHA-256.

mod book;
mod erase;
mod inner;
mod original;
mod payload;
mod reader;
mod record;
mod recover;
mod scan;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, Shared};
use hub_datasets::report::Explanation;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::disk::{Disk, ReadAt};
use crate::config::limits::SPOOL_SEGMENT_BYTES;
use crate::fault;
use inner::Inner;

pub(crate) use erase::{Forgotten, forget};
pub(crate) use original::Original;
pub(crate) use verify::{Payloads, payloads};

/// The durable header of an unfinished submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SpoolHeader {
    pub(crate) id: String,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) publisher: String,
    pub(crate) pattern: String,
    pub(crate) period: String,
    pub(crate) media_type: String,
    pub(crate) declared_size: Option<u64>,
    pub(crate) declared_sha256: Option<String>,
    pub(crate) nothing_to_report: bool,
    /// Microseconds since 1970, UTC.
    pub(crate) created_at: i64,
    /// Set once CommitSubmission is durable: a restarted server finishes it.
    pub(crate) commit: Option<CommitOrder>,
    /// An order was taken back: the sender must say more.
    #[serde(default)]
    pub(crate) waits: bool,
}

/// What the sender asked for when committing; durable before the check begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommitOrder {
    pub(crate) parent_revision: Option<u64>,
    pub(crate) replace_all: bool,
    pub(crate) confirm_deletions: bool,
    pub(crate) strict: bool,
    /// What the sender says to rules.
    #[serde(default)]
    pub(crate) explanations: Vec<Explanation>,
    /// The revision that was current when the order was given; a restarted hub finishes the order only
    /// while it still is.
    #[serde(default)]
    pub(crate) seen_revision: Option<u64>,
    /// The order was answered with an error and is void; the submission waits for another.
    #[serde(default)]
    pub(crate) recalled: bool,
    /// Length and SHA-256 (hex) of the whole payload.
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Payloads and durable states of submissions that have no verdict yet, and the kept bytes of the others.
///
/// Each deed runs as a task of its own: a caller that goes away (a cut connection) does not stop it half
/// way, so that memory and disk always say the same.
#[derive(Debug)]
pub(crate) struct Spool {
    inner: Arc<Inner>,
}

/// A payload on its way to the disk; clones wait for the same. It is synced with others, when somebody
/// asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Arriving {
    put: Shared<BoxFuture<'static, Result<(), Arc<StoreError>>>>,
    spool: Arc<Inner>,
}

impl Arriving {
    /// Whether the payload and its order are durable, or never will be.
    pub(crate) fn is_over(&self) -> bool {
        // Asked, not only looked at: nobody else may have taken the answer that is there.
        self.put.clone().now_or_never().is_some()
    }

    /// Has the spool sync all that was handed to it so far, this payload and others.
    pub(crate) async fn hurry(&self) {
        if !self.is_over() {
            self.spool.writer.hurry().await;
        }
    }

    /// Waits until the payload and its order are durable, which they become when somebody is in a hurry.
    pub(crate) async fn arrived(&self) -> Result<(), Arc<StoreError>> {
        self.put.clone().await
    }

    /// Has the payload and its order made durable, and waits for it.
    pub(crate) async fn wait(&self) -> Result<(), Arc<StoreError>> {
        self.hurry().await;
        self.arrived().await
    }
}

impl Spool {
    /// Opens the spool of a data folder and takes up what an earlier run left. Blocking.
    pub(super) fn open(disk: &Arc<dyn Disk>, root: &Path) -> Result<Self, StoreError> {
        Self::open_with(disk, root, SPOOL_SEGMENT_BYTES)
    }
    /// As `open`, with another length of segments.
    fn open_with(disk: &Arc<dyn Disk>, root: &Path, segment_bytes: u64) -> Result<Self, StoreError> {
        Ok(Self { inner: Arc::new(Inner::open(disk, root, segment_bytes)?) })
    }
    /// Opens a submission; durable when it returns. The same header again is no error. (Small one-shot
    /// pushes use `put_whole` instead.)
    pub(crate) async fn create(&self, header: SpoolHeader) -> Result<(), StoreError> {
        fault::point("spool.create.before");
        let created = self.run(move |spool| async move { spool.create(header).await }).await;
        fault::point("spool.create.after");
        created
    }
    /// Appends at the durable offset; `offset` below it may repeat known bytes (they are skipped), above it is refused.
    /// Returns the new offset, durable.
    #[cfg(test)]
    pub(crate) async fn append(&self, id: &str, offset: u64, data: Bytes) -> Result<u64, StoreError> {
        let id = id.to_owned();
        self.run(move |spool| async move { spool.append(&id, offset, data).await }).await
    }
    /// Appends without waiting for durability (within one upload stream); `sync` makes all so far durable.
    /// Returns the received offset, of which at most 4 MiB are not durable.
    pub(crate) async fn append_lazily(&self, id: &str, offset: u64, data: Bytes) -> Result<u64, StoreError> {
        let id = id.to_owned();
        let appended =
            self.run(move |spool| async move { spool.append_lazily(&id, offset, data).await }).await;
        fault::point("spool.append.after");
        appended
    }
    /// Makes all received bytes durable; returns the durable offset.
    pub(crate) async fn sync(&self, id: &str) -> Result<u64, StoreError> {
        let id = id.to_owned();
        let synced = self.run(move |spool| async move { spool.sync(&id).await }).await;
        fault::point("spool.sync.after");
        synced
    }
    /// A whole payload of at most 1 MiB with its order, in one record of the shared segment. It is durable
    /// when [`Arriving`] says so; the caller may do other things until then.
    pub(crate) async fn put_whole(&self, header: SpoolHeader, data: Bytes) -> Result<Arriving, StoreError> {
        let written = self.inner.put_whole(header, data).await?;
        let put = async move {
            let put = written.await;
            fault::point("spool.whole.after");
            put.map_err(Arc::new)
        };
        Ok(Arriving { put: put.boxed().shared(), spool: Arc::clone(&self.inner) })
    }
    /// Makes all received bytes and the order durable; from here the hub finishes by itself.
    pub(crate) async fn order(&self, id: &str, order: CommitOrder) -> Result<(), StoreError> {
        let id = id.to_owned();
        let ordered = self.run(move |spool| async move { spool.order(&id, order).await }).await;
        fault::point("spool.order.after");
        ordered
    }
    pub(crate) fn header(&self, id: &str) -> Option<SpoolHeader> {
        self.inner.header(id)
    }
    /// The durable offset.
    pub(crate) fn offset(&self, id: &str) -> Option<u64> {
        self.inner.offset(id)
    }
    /// Unfinished submissions, also after a restart; oldest first.
    pub(crate) fn unfinished(&self) -> Vec<SpoolHeader> {
        self.inner.unfinished()
    }
    /// A blocking reader of the bytes received so far.
    pub(crate) fn reader(&self, id: &str) -> Result<Box<dyn Read + Send>, StoreError> {
        self.inner.reader(id)
    }
    /// The file of a large payload, which may still grow. Blocking.
    pub(crate) fn file(&self, id: &str) -> Result<Box<dyn ReadAt>, StoreError> {
        self.inner.file(id)
    }
    /// The bytes that a committed submission was sent with, compared with what the log says of them. Blocking, as
    /// long as it takes to read them.
    pub(crate) fn original(&self, id: &str, size: u64, sha256: &str) -> Result<Original, StoreError> {
        let look = || {
            let pieces = self.inner.sent(id, sha256)?;
            Original::compared(self.inner.disk.as_ref(), pieces, (id, size, sha256))
        };
        match look() {
            // It was on its way out of the spool, and is where it belongs now.
            Err(error) if original::moved(&error) => look(),
            found => found,
        }
    }
    /// A blocking reader of the kept bytes of an ended submission, whose SHA-256 the log names.
    #[cfg(test)]
    pub(crate) fn evidence(&self, id: &str, sha256: &str) -> Result<Box<dyn Read + Send>, StoreError> {
        let pieces = self.inner.sent(id, sha256)?;
        Ok(Box::new(reader::PieceReader::new(Arc::clone(&self.inner.disk), pieces)))
    }
    /// Ends a submission: its header is gone; with `keep` its bytes become evidence (named by SHA-256),
    /// without they are removed. After a power loss a kept small one may be back, ordered as it was.
    pub(crate) async fn end(&self, id: &str, keep: bool) -> Result<(), StoreError> {
        let id = id.to_owned();
        fault::point("spool.end.before");
        let ended = self.run(move |spool| async move { spool.end(&id, keep).await }).await;
        fault::point("spool.end.after");
        ended
    }

    /// Ids of the kept small submissions.
    pub(crate) fn kept(&self) -> Vec<String> {
        self.inner.kept()
    }
    /// Opens kept small submissions of earlier runs again that are wanted, with the order that they had. Gives
    /// their ids.
    pub(crate) async fn reopen(
        &self,
        lost: HashSet<String>,
        wanted: impl Fn(&SpoolHeader) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        self.inner.reopen(lost, wanted).await
    }

    async fn run<T, F, Fut>(&self, deed: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Inner>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let lost = |e: tokio::task::JoinError| StoreError::TaskLost(e.to_string());
        tokio::spawn(deed(Arc::clone(&self.inner))).await.map_err(lost)?
    }
}
