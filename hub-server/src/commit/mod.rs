//! The commit: queue → group → put → projection. One committer per dataset; the put of log version
//! v+1 is the one moment at which a submission becomes visible.
//!
//! `plan` decides what a job does to the `state`, which is a pure function of the log. `committer` and
//! `group` form groups, `prepare` and `rewrite` make the files that a correction leaves, `put` goes
//! through the compare-and-swap, `put/open` fills the `open_version` that `closing` asks for, `maintain` has logs kept short and small files compacted and merged,
//! `projector` follows with the catalogue, `recover` replays all of it at start, `damaged` stands for a
//! dataset whose log does not replay, `verify` looks at a folder that no server uses.

mod closing;
mod committer;
mod compact;
mod context;
mod damaged;
mod dataset;
mod entry;
mod erase;
mod error;
mod files;
mod group;
mod held;
mod maintain;
mod merge;
mod open_version;
mod plan;
mod prepare;
mod projector;
mod put;
mod queue;
mod receipt;
mod recover;
mod rewrite;
mod standing;
mod state;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use hub_datasets::check::standing::SliceFacts;
use tokio::sync::Semaphore;

use crate::catalog::{Catalog, SubmissionRecord};
use crate::clock::{Clock, Ids};
use crate::config::history::{History, Reach};
use crate::store::file::FileLayout;
use crate::store::index::DataFile;
use crate::store::spool::Arriving;
use crate::store::table::LogLimits;
use crate::store::{AsOf, ChangesBound, ChangesSince, Cursor, Made, Snapshot, Store, StoreError, Table};
use damaged::Opened;
use dataset::{Dataset, Parts, Shape};
use plan::Decision;
use queue::{Claims, Item};

pub(crate) use erase::{EraseError, EraseOrder, Erased, erase};
pub(crate) use error::CommitError;
pub(crate) use held::Held;
pub(crate) use state::Current;
pub(crate) use verify::verify;

/// All datasets' committers.
#[derive(Debug)]
pub(crate) struct Commits {
    /// In the order of the patterns: the newest major of a pattern before its older ones.
    datasets: Vec<Opened>,
    clock: Arc<dyn Clock>,
    claims: Arc<Claims>,
}

/// A checked submission that is ready to become visible.
#[derive(Debug)]
pub(crate) struct CommitJob {
    pub(crate) id: String,
    /// From [`Commits::reserve_seq`].
    pub(crate) seq: i64,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) publisher: String,
    /// Its name, for the receipt; empty when nobody knows it.
    pub(crate) publisher_name: String,
    /// As sent, and as partition.
    pub(crate) period: String,
    pub(crate) partition: String,
    /// No slice of it may stand in two periods that have a day in common.
    pub(crate) excludes: bool,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) rows: u64,
    /// Slices that it sends, ascending; `[""]` when the pattern has no slices; empty: nothing to report.
    pub(crate) slices: Vec<String>,
    /// What is known of each.
    pub(crate) slice_facts: Vec<SliceFacts>,
    pub(crate) pattern: String,
    pub(crate) bundle_sha256: String,
    pub(crate) nothing_to_report: bool,
    /// The submission that it takes back: what is current of it is dropped.
    pub(crate) withdraws: Option<String>,
    pub(crate) created_at: i64,
    /// JSON of the report.
    pub(crate) report: String,
    pub(crate) payload: JobRows,
    /// The bytes that were sent, while they are not known to be durable: the commit waits for them.
    pub(crate) arriving: Option<Arriving>,
    /// The revision that the sender saw (Some(0): none); None: whatever is current.
    pub(crate) parent_revision: Option<u64>,
    pub(crate) replace_all: bool,
    pub(crate) confirm_deletions: bool,
}

impl CommitJob {
    /// (publisher, what of it): jobs of one lane are decided one after the other.
    pub(crate) fn lane(&self) -> (String, String) {
        let partition = if self.excludes { "" } else { self.partition.as_str() };
        (self.publisher.clone(), partition.to_owned())
    }
}

/// Rows of a job: physical schema, sorted by key.
#[derive(Debug)]
pub(crate) enum JobRows {
    /// Small: the committer writes them into the group's file.
    Batches(Vec<RecordBatch>),
    /// Big: already encoded to files of their own. The commit removes those that it does not take.
    Files(Vec<DataFile>),
    None,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Committed {
    pub(crate) id: String,
    pub(crate) revision: u64,
    pub(crate) dataset_version: u64,
    pub(crate) rows: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) carried: Vec<String>,
    pub(crate) dropped: Vec<String>,
    /// Canonical JSON.
    pub(crate) receipt: String,
    pub(crate) report: String,
    /// Every slice was current from the same bytes: this is the earlier submission.
    pub(crate) unchanged: bool,
}

/// How far back a dataset can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) reach: Reach,
    /// The oldest dataset version that can be asked for, and when it was committed; None: there is none yet.
    pub(crate) oldest: Option<(u64, DateTime<Utc>)>,
}

/// The content that a request id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) sha256: String,
    /// Pattern id.
    pub(crate) pattern: String,
    pub(crate) publisher: String,
    pub(crate) period: String,
    /// Its rows and bytes are gone for good.
    pub(crate) is_erased: bool,
}

/// What a commit would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Foreseen {
    pub(crate) revision: u64,
    pub(crate) carried: Vec<String>,
    pub(crate) dropped: Vec<String>,
    /// Nothing: every slice is current from the same bytes, or the request was answered before.
    pub(crate) unchanged: bool,
}

impl Commits {
    /// Opens a committer per pattern, replays logs, catches the projection up. A dataset whose log is
    /// damaged stays closed.
    pub(crate) async fn open(
        store: Arc<Store>,
        catalog: Arc<Catalog>,
        patterns: &[Arc<hub_datasets::Pattern>],
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        (log, open_version): (LogLimits, Duration),
        history: &History,
    ) -> Result<Arc<Self>, CommitError> {
        let shapes = patterns.iter().map(|pattern| Shape::of(pattern));
        let maintenance = Arc::new(Semaphore::new(1));
        let history = history.clone();
        let parts = Parts { store, catalog, clock, ids, maintenance, log, open_version, history };
        Self::open_as(parts, shapes).await
    }

    async fn open_as(
        parts: Parts,
        shapes: impl IntoIterator<Item = Shape>,
    ) -> Result<Arc<Self>, CommitError> {
        let mut datasets: Vec<Opened> = Vec::new();
        for shape in shapes {
            let major = (shape.pattern.as_str(), shape.major);
            if !datasets.iter().any(|dataset| dataset.major() == major) {
                let opened = Dataset::open(&parts, shape.clone()).await;
                datasets.push(Opened::of(shape, opened)?);
            }
        }
        Ok(Arc::new(Self { datasets, clock: parts.clock, claims: Arc::default() }))
    }

    /// Why nothing can be committed to a dataset, or read from it, although the hub keeps it.
    pub(crate) fn whole(&self, dataset: &str) -> Result<(), StoreError> {
        self.opened(dataset).map_or(Ok(()), |opened| opened.whole().map(drop))
    }
    /// The table of a dataset, by pattern (`rb28s`: its newest major) or by table name (`rb28s_v1`). None:
    /// the hub keeps no such dataset, or it is damaged.
    pub(crate) fn table(&self, dataset: &str) -> Option<Arc<Table>> {
        Some(Arc::clone(self.dataset(dataset)?.context().files.table()))
    }
    /// A state of a dataset, within its reach. None: the hub keeps no such dataset. Blocking, but for the latest.
    pub(crate) fn as_of(&self, dataset: &str, as_of: AsOf) -> Result<Option<Arc<Snapshot>>, StoreError> {
        self.whole(dataset)?;
        let Some(dataset) = self.dataset(dataset) else { return Ok(None) };
        let since = dataset.reach().since(self.clock.now());
        dataset.context().files.table().promised(as_of, since).map(Some)
    }
    /// Where a dataset version stands in the order of commits. None: the hub keeps no such dataset. Blocking.
    pub(crate) fn cursor(&self, dataset: &str, version: u64) -> Result<Option<Cursor>, StoreError> {
        self.whole(dataset)?;
        self.table(dataset).map(|table| table.cursor(version)).transpose()
    }
    /// What dataset versions behind a cursor changed, within the reach of the dataset. Blocking.
    pub(crate) fn changes(
        &self,
        dataset: &str,
        since: &Cursor,
        bound: ChangesBound,
    ) -> Result<Option<ChangesSince>, StoreError> {
        self.whole(dataset)?;
        let Some(dataset) = self.dataset(dataset) else { return Ok(None) };
        let promised = dataset.reach().since(self.clock.now());
        dataset.context().files.table().changes(since, promised, bound).map(Some)
    }
    /// What made the dataset versions behind a cursor, at most so many. Blocking.
    pub(crate) fn made(
        &self,
        dataset: &str,
        since: &Cursor,
        most: usize,
    ) -> Result<Option<Vec<Made>>, StoreError> {
        self.whole(dataset)?;
        self.table(dataset).map(|table| table.made_since(since, most)).transpose()
    }
    /// What a dataset promises of its history.
    pub(crate) fn promise(&self, dataset: &str) -> Option<Promise> {
        let dataset = self.dataset(dataset)?;
        let reach = dataset.reach();
        let oldest = dataset.context().files.table().oldest(reach.since(self.clock.now()));
        Some(Promise { reach, oldest })
    }
    /// How data files of a dataset are laid out.
    pub(crate) fn layout(&self, dataset: &str) -> Option<Arc<FileLayout>> {
        Some(Arc::clone(self.dataset(dataset)?.context().files.layout()))
    }
    /// A `_seq` that no other submission of the dataset has or will have; 0 when there is no such
    /// dataset, whose commit is refused anyway.
    pub(crate) fn reserve_seq(&self, dataset: &str) -> i64 {
        self.dataset(dataset).map_or(0, Dataset::reserve_seq)
    }
    /// The current revision of (publisher, partition).
    pub(crate) fn current(&self, dataset: &str, publisher: &str, partition: &str) -> Option<Arc<Current>> {
        self.dataset(dataset)?.context().state().current(publisher, partition).cloned()
    }

    /// The committed submission of a request id, from the projection's head in memory. Its receipt and
    /// report are read from its commit, one small file.
    #[cfg(test)]
    pub(crate) fn by_request(&self, caller: &str, request_id: &str) -> Option<Committed> {
        self.all().find_map(|dataset| dataset.by_request(caller, request_id))
    }
    /// What was committed under a request id.
    pub(crate) fn answered(&self, caller: &str, request_id: &str) -> Option<Answered> {
        self.all().find_map(|dataset| dataset.answered(caller, request_id))
    }
    /// Is the commit of this submission in a log?
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.all().any(|dataset| dataset.knows(id))
    }
    /// The committed submission of an id, as `by_request`.
    #[cfg(test)]
    pub(crate) fn by_id(&self, id: &str) -> Option<Committed> {
        self.all().find_map(|dataset| dataset.by_id(id))
    }

    /// Queues a job and waits until it is visible and durable, or refused. Data files of a job that is
    /// refused are removed.
    pub(crate) async fn commit(&self, dataset: &str, job: CommitJob) -> Result<Committed, CommitError> {
        let dataset = self.known(dataset)?;
        if let Err(error) = dataset.check_rows(&job) {
            return Err(dataset.turn_away(job, error).await);
        }
        let room = match dataset.take_room(&job) {
            Ok(room) => room,
            Err(error) => return Err(dataset.turn_away(job, error).await),
        };
        let claim = self.claims.claim(&job.caller, &job.request_id).await;
        let (item, answered) = Item::new(job, &dataset.context().files, room, claim)?;
        if let Some((elsewhere, decision)) = self.known_elsewhere(dataset, &item.job) {
            // A pattern's other major answers what it has committed; another pattern refuses.
            elsewhere.context().settle(item, decision);
        } else if let Err(item) = dataset.enqueue(item) {
            dataset.context().settle_closed(*item);
        }
        answered.await.unwrap_or_else(|_| Err(dataset.outcome_unknown()))
    }

    /// What a commit of the job would do now; nothing of it happens.
    pub(crate) async fn foresee(&self, dataset: &str, job: CommitJob) -> Result<Foreseen, CommitError> {
        let dataset = self.known(dataset)?;
        // Rows that a commit would drop are counted in files.
        dataset.readable().await?;
        let decision = match self.known_elsewhere(dataset, &job) {
            Some((_, decision)) => decision,
            None => plan::decide(&dataset.context().state(), &job),
        };
        match decision {
            Decision::Accepted(next) => Ok(Foreseen {
                revision: next.revision,
                carried: next.carried,
                dropped: next.dropped,
                unchanged: false,
            }),
            Decision::Repeated(earlier) | Decision::Unchanged(earlier) => {
                Ok(Foreseen { revision: earlier.revision, unchanged: true, ..Foreseen::default() })
            }
            Decision::Refused(refusal) => {
                let context = Arc::clone(dataset.context());
                let said = tokio::task::spawn_blocking(move || context.refusal(&job, refusal)).await;
                Err(said.unwrap_or_else(|_| dataset.outcome_unknown()))
            }
        }
    }

    /// What another dataset says to the request id of a job.
    fn known_elsewhere(&self, own: &Dataset, job: &CommitJob) -> Option<(&Dataset, Decision)> {
        let others = self.all().filter(|dataset| dataset.major() != own.major());
        let mut said = others.filter_map(|other| Some((other, other.known(job)?)));
        said.next()
    }

    /// The table of an earlier major version of a pattern, if it holds the submission.
    pub(crate) fn earlier_major(&self, pattern: &str, submission: &str) -> Option<&str> {
        let newest = self.dataset(pattern)?.context().name();
        let earlier = self.all().filter(|of| of.major().0 == pattern && of.context().name() != newest);
        let holds = |of: &&Dataset| of.context().state().by_id(submission).is_some();
        earlier.filter(holds).map(|of| of.context().name()).next()
    }

    /// Waits until all of a dataset that was acknowledged before the call can be read.
    pub(crate) async fn readable(&self, dataset: &str) -> Result<(), CommitError> {
        match self.dataset(dataset) {
            Some(dataset) => dataset.readable().await,
            None => Ok(()),
        }
    }

    /// Waits until the catalogue shows all of a dataset that was acknowledged before the call, or fails to take it.
    pub(crate) async fn projected(&self, dataset: &str) {
        if let Some(dataset) = self.dataset(dataset) {
            dataset.caught_up().await;
        }
    }

    /// The submissions of a publisher that are acknowledged and in no log yet, of one dataset or of all; the catalogue
    /// shows the others that were acknowledged before the call, or fails to take them. Nothing is closed for it.
    pub(crate) async fn ahead(&self, dataset: Option<&str>, publisher: &str) -> Vec<SubmissionRecord> {
        let mut ahead = Vec::new();
        for of in self.all().filter(|of| dataset.is_none_or(|name| of.major().0 == name)) {
            ahead.extend(of.ahead().await.into_iter().filter(|record| record.publisher == publisher));
        }
        ahead
    }

    /// Waits until the catalogue shows what became of a submission, if it was committed.
    pub(crate) async fn shown(&self, id: &str) {
        if let Some(dataset) = self.all().find(|dataset| dataset.knows(id)) {
            dataset.caught_up().await;
        }
    }

    /// As [`Commits::projected`], of all datasets.
    pub(crate) async fn caught_up(&self) {
        for dataset in self.all() {
            dataset.caught_up().await;
        }
    }

    /// Waits until the projection holds all that was acknowledged; stops the committers.
    pub(crate) async fn close(&self) {
        for dataset in self.all() {
            dataset.close_queue();
        }
        for dataset in self.all() {
            dataset.end().await;
        }
    }

    /// All datasets that are not damaged.
    fn all(&self) -> impl Iterator<Item = &Dataset> {
        self.datasets.iter().filter_map(|opened| opened.whole().ok())
    }
    fn opened(&self, name: &str) -> Option<&Opened> {
        let by_table = self.datasets.iter().find(|dataset| dataset.name() == name);
        by_table.or_else(|| self.datasets.iter().find(|dataset| dataset.major().0 == name))
    }
    fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.opened(name)?.whole().ok()
    }
    /// The dataset of a commit, or why there is none.
    fn known(&self, name: &str) -> Result<&Dataset, CommitError> {
        let unknown = || CommitError::DatasetUnknown { dataset: name.to_owned() };
        self.opened(name).ok_or_else(unknown)?.whole().map_err(|error| CommitError::store(name, error))
    }
}
