//! Erasure of a committed submission, on the folder of a stopped server. First files without its rows are
//! written, then the log says that it is erased, then its bytes go, part after part. One that was cut off
//! before the log says so left nothing; one that was cut off later is ended by the same command.

pub(crate) mod steps;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hub_datasets::Pattern;
use hub_proto::Reason;
use tokio::sync::Semaphore;

use super::CommitError;
use super::dataset::{Parts, Quiet, Shape};
use super::projector::record;
use super::put::GroupEnd;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::{Clock, RandomIds};
use crate::config::history::History;
use crate::config::limits::ERASE_REASON_BYTES;
use crate::fault;
use crate::store::log::SubmissionEntry;
use crate::store::spool::Forgotten;
use crate::store::table::{Erased as Tombstone, Holding, LogLimits, Place, Removed};
use crate::store::{Store, StoreError, blocking};
use steps::{Words, clear, entomb, needs_stand_in};

/// What an operator orders.
#[derive(Debug, Clone)]
pub(crate) struct EraseOrder {
    /// Id of the submission.
    pub(crate) id: String,
    /// Why, and who says so; both are kept for ever.
    pub(crate) reason: String,
    pub(crate) by: String,
    /// Only tells what would go.
    pub(crate) dry_run: bool,
}

/// What an erasure removed, or would remove.
#[derive(Debug, Default)]
pub(crate) struct Erased {
    pub(crate) dataset: String,
    pub(crate) table: String,
    pub(crate) publisher: String,
    pub(crate) period: String,
    /// Of the submission.
    pub(crate) rows: u64,
    /// When it was erased; None: it is not.
    pub(crate) at: Option<DateTime<Utc>>,
    /// An earlier command erased it; this one looked for what that left.
    pub(crate) before: bool,
    /// First and last dataset version that answer `ERASED`.
    pub(crate) versions: Option<(u64, u64)>,
    pub(crate) data: Removed,
    /// Data files that were written without its rows.
    pub(crate) rewritten: u64,
    /// Log versions and packs that were written without its values.
    pub(crate) log: u64,
    pub(crate) checkpoints: u64,
    pub(crate) evidence: Removed,
    pub(crate) spool: Forgotten,
    /// Another submission was sent with the same bytes, which stay for it.
    pub(crate) same_bytes: Option<String>,
}

/// Why nothing was erased, or not all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    #[error(
        "there is no submission `{0}` in this folder; `hub submissions list` shows the ids of a publisher"
    )]
    Unknown(String),
    #[error(
        "submission `{id}` may be in {table}, which cannot be read: {why}; see with `hub-server verify data` and restore it first"
    )]
    Damaged { id: String, table: String, why: String },
    #[error(
        "submission `{0}` has no verdict yet and is in no dataset; start the server, and have it abandoned or wait for its verdict"
    )]
    NoVerdict(String),
    #[error("submission `{id}` ended as {state}: it was never committed, and its bytes were not kept")]
    NotCommitted { id: String, state: String },
    #[error("--reason is kept for ever with the tombstone; write 1 to {ERASE_REASON_BYTES} bytes of text")]
    Reason,
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Erases a submission, or ends an erasure that was cut off.
pub(crate) async fn erase(
    (store, catalog): (Arc<Store>, Arc<Catalog>),
    patterns: &[Arc<Pattern>],
    clock: Arc<dyn Clock>,
    order: EraseOrder,
) -> Result<Erased, EraseError> {
    if order.reason.trim().is_empty() || order.reason.len() > ERASE_REASON_BYTES {
        return Err(EraseError::Reason);
    }
    let parts = Parts {
        store,
        catalog,
        clock,
        ids: Arc::new(RandomIds),
        maintenance: Arc::new(Semaphore::new(1)),
        log: LogLimits::default(),
        open_version: Duration::ZERO,
        history: History::default(),
    };
    let mut damaged = None;
    for shape in patterns.iter().map(|pattern| Shape::of(pattern)) {
        match Quiet::open(&parts, &shape).await {
            Ok(dataset) if dataset.context.state().by_id(&order.id).is_some() => {
                return Deed { parts: &parts, dataset, order }.run().await;
            }
            Ok(_) => {}
            Err(error) if error.reason() == Reason::StorageCorrupt => {
                damaged = Some((shape.table.name, error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(not_committed(&parts, order.id, damaged).await?)
}

async fn not_committed(
    parts: &Parts,
    id: String,
    damaged: Option<(String, String)>,
) -> Result<EraseError, EraseError> {
    if parts.store.spool().header(&id).is_some() {
        return Ok(EraseError::NoVerdict(id));
    }
    let ended = parts.catalog.submission(&id).await?;
    Ok(match (ended, damaged) {
        (Some(ended), None) => EraseError::NotCommitted { id, state: ended.state },
        (_, Some((table, why))) => EraseError::Damaged { id, table, why },
        (None, None) => EraseError::Unknown(id),
    })
}

/// The erasure of a submission of one dataset.
struct Deed<'a> {
    parts: &'a Parts,
    dataset: Quiet,
    order: EraseOrder,
}

impl Deed<'_> {
    async fn run(mut self) -> Result<Erased, EraseError> {
        let submission = self.submission().await?;
        let table = Arc::clone(self.dataset.context.files.table());
        let mut erased = Erased {
            dataset: table.snapshot().dataset.clone(),
            table: table.name().to_owned(),
            publisher: submission.publisher.clone(),
            period: submission.period.clone(),
            rows: submission.rows,
            ..Erased::default()
        };
        if let Some(tombstone) = self.tombstone() {
            erased.before = true;
            self.finish(submission, tombstone, &mut erased).await?;
            return Ok(erased);
        }
        let (of, seq) = (Arc::clone(&table), submission.seq);
        let holding = blocking(move || of.holding(seq)).await?;
        erased.versions = holding.held.map(|held| held.dataset_versions);
        erased.rewritten = holding.files.iter().filter(|held| needs_stand_in(held)).count() as u64;
        if self.order.dry_run {
            for held in holding.files.iter().filter(|held| held.place != Place::Gone) {
                erased.data.files += 1;
                erased.data.bytes += held.file.bytes;
            }
            erased.same_bytes = self.parts.catalog.same_bytes(&submission.id, &submission.sha256).await?;
            return Ok(erased);
        }
        let tombstone = self.entomb(&submission, &holding).await?;
        self.finish(submission, tombstone, &mut erased).await?;
        Ok(erased)
    }

    /// The submission as its commit has it.
    async fn submission(&self) -> Result<SubmissionEntry, EraseError> {
        let (context, id) = (Arc::clone(&self.dataset.context), self.order.id.clone());
        let found = tokio::task::spawn_blocking(move || {
            let version = context.state().by_id(&id).map(|recorded| recorded.log_version);
            let read = version.map(|version| context.files.table().read(version));
            let entry = read.transpose().map_err(|error| context.files.store_error(error))?.flatten();
            let submissions = entry.into_iter().flat_map(|entry| entry.info.submissions);
            Ok::<_, CommitError>(submissions.into_iter().find(|submission| submission.id == id))
        });
        let found = found.await.map_err(|lost| StoreError::TaskLost(lost.to_string()))??;
        found.ok_or_else(|| EraseError::Unknown(self.order.id.clone()))
    }

    /// What the log says of an erasure.
    fn tombstone(&self) -> Option<Tombstone> {
        let snapshot = self.dataset.context.files.table().snapshot();
        let mut erased = snapshot.erased.iter();
        erased.find(|erased| erased.erasure.submission == self.order.id).cloned()
    }

    /// Puts the tombstone.
    async fn entomb(&mut self, of: &SubmissionEntry, holding: &Holding) -> Result<Tombstone, EraseError> {
        let Quiet { context, putter, projector, .. } = &mut self.dataset;
        let words = Words { reason: &self.order.reason, by: &self.order.by };
        let mut end = GroupEnd::default();
        tokio::task::block_in_place(|| entomb(context, putter, (of, words), holding, &mut end))?;
        projector.apply(&end.projected).await?;
        self.tombstone().ok_or_else(|| EraseError::Unknown(self.order.id.clone()))
    }

    /// Removes what is left of the bytes.
    async fn finish(
        &self,
        of: SubmissionEntry,
        tombstone: Tombstone,
        erased: &mut Erased,
    ) -> Result<(), EraseError> {
        erased.at = Some(tombstone.at);
        erased.versions = tombstone.erasure.held.map(|held| held.dataset_versions);
        if self.order.dry_run {
            return Ok(());
        }
        let catalog = &self.parts.catalog;
        erased.same_bytes = catalog.same_bytes(&of.id, &of.sha256).await?;
        let publisher = of.publisher.clone();
        let (table, store) = (Arc::clone(self.dataset.context.files.table()), Arc::clone(&self.parts.store));
        let (is_shared, now) = (erased.same_bytes.is_some(), self.parts.clock.now());
        let cleared = blocking(move || clear((&table, &store), &of, &tombstone, is_shared, now)).await?;
        (erased.data, erased.log, erased.checkpoints) = (cleared.data, cleared.log, cleared.checkpoints);
        (erased.evidence, erased.spool) = (cleared.evidence, cleared.spool);
        let records: Vec<_> = cleared.chain.iter().map(|one| record(&one.submission, &one.of.info)).collect();
        fault::point("erase.catalog.before");
        catalog.rewrite(&records).await?;
        // Sums that others were compared with may come from its rows; the next start makes them again.
        catalog.forget_comparisons(&publisher).await?;
        catalog.clean().await?;
        fault::point("erase.catalog.after");
        Ok(())
    }
}
