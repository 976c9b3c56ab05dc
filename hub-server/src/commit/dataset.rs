//! One dataset: its table, its committer and its projector.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::datatypes::{Field, Schema};
use hub_datasets::Pattern;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

#[cfg(test)]
use super::Committed;
use super::closing::{Asking, closing};
use super::committer::Committer;
use super::context::Context;
use super::files::Files;
use super::maintain::{Maintenance, Retention};
use super::open_version::OpenVersion;
use super::plan::{self, Decision};
use super::projector::{Projection, Projector, record};
use super::put::{GroupEnd, Putter};
use super::queue::{Held, Item, Room};
use super::receipt::sha256_hex;
use super::recover::catch_up;
#[cfg(test)]
use super::state::Recorded;
use super::{Answered, CommitError, CommitJob, JobRows};
use crate::catalog::{Catalog, SubmissionRecord};
use crate::clock::{Clock, Ids};
use crate::config::history::{History, Reach};
use crate::config::limits::{COMMIT_QUEUE_JOBS, PROJECTION_QUEUE};
use crate::store::journal::{Ahead, AheadRecord};
use crate::store::table::{LogLimits, TableSpec};
use crate::store::{Store, StoreError, blocking};

/// What all datasets are opened with.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    /// One place: datasets are maintained one after the other.
    pub(crate) maintenance: Arc<Semaphore>,
    pub(crate) log: LogLimits,
    /// How long a dataset version stays open for small submissions; zero: not at all.
    pub(crate) open_version: Duration,
    pub(crate) history: History,
}

/// What the commit must know of a pattern.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) pattern: String,
    pub(crate) major: u32,
    pub(crate) key: Vec<String>,
    pub(crate) slice: Option<String>,
    pub(crate) table: TableSpec,
}

impl Shape {
    pub(crate) fn of(pattern: &Pattern) -> Self {
        Self {
            pattern: pattern.id.clone(),
            major: pattern.version.major,
            key: pattern.key.clone(),
            slice: pattern.slice.clone(),
            table: TableSpec::of(pattern),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Dataset {
    pattern: String,
    major: u32,
    reach: Reach,
    context: Arc<Context>,
    next_seq: AtomicI64,
    room: Room,
    /// None once the dataset is closed.
    queue: Mutex<Option<mpsc::Sender<Item>>>,
    projection: Projection,
    asking: Asking,
    /// Committer, then projector.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A dataset that is caught up, and to which nothing is committed yet.
#[derive(Debug)]
pub(crate) struct Quiet {
    pub(crate) context: Arc<Context>,
    pub(crate) putter: Putter,
    pub(crate) projector: Projector,
    projection: Projection,
}

impl Quiet {
    pub(crate) async fn open(parts: &Parts, shape: &Shape) -> Result<Self, CommitError> {
        let store = &parts.store;
        let fault = |error: StoreError| CommitError::store(&shape.table.name, error);
        let table = store.open_table_as(shape.table.clone()).await.map_err(fault)?;
        let name = table.name().to_owned();
        let applied = parts.catalog.applied_version(&name).await;
        let applied = applied
            .map_err(|source| CommitError::Catalog { dataset: name.clone(), source: Arc::new(source) })?;
        let (projector, projection) =
            Projector::new(Arc::clone(&parts.catalog), &name, applied.unwrap_or_default());
        let files = Files::new(Arc::clone(store), table, shape);
        let (files, state) = catch_up(files, &projector, applied).await?;
        // The secret stays in the folder; what is shown of it only tells one hub from another.
        let hub = sha256_hex(&store.secret("hub-id").map_err(fault)?)[..HUB_ID_CHARS].to_owned();
        let context = Arc::new(Context::new(files, state));
        let (ahead, left) = ahead(store, &context).await?;
        let putter = Putter::new(
            Arc::clone(&context),
            Arc::clone(&parts.clock),
            Arc::clone(&parts.ids),
            hub,
            store.epoch().to_owned(),
            (ahead, parts.open_version),
        );
        let putter = recover(putter, left, &projector).await?;
        Ok(Self { context, putter, projector, projection })
    }
}

impl Dataset {
    pub(crate) async fn open(parts: &Parts, shape: Shape) -> Result<Self, CommitError> {
        let Quiet { context, putter, projector, projection } = Quiet::open(parts, &shape).await?;
        let (queue, queued) = mpsc::channel(COMMIT_QUEUE_JOBS);
        let (commits, committed) = mpsc::channel(PROJECTION_QUEUE);
        let reach = parts.history.of(&shape.pattern);
        let retention = Retention { reach, removed: parts.history.removed() };
        let (clock, place) = (Arc::clone(&parts.clock), Arc::clone(&parts.maintenance));
        let maintenance = Maintenance::new(clock, place, parts.log, retention);
        // Also above what was taken up just now.
        let next_seq = AtomicI64::new(context.state().largest_seq() + 1);
        let (asking, closing) = closing();
        let committer = Committer::new(Arc::clone(&context), queued, commits, maintenance, closing);
        let tasks = vec![tokio::spawn(committer.run(putter)), tokio::spawn(projector.run(committed))];
        Ok(Self {
            reach,
            pattern: shape.pattern,
            major: shape.major,
            room: Room::of(context.name()),
            context,
            next_seq,
            queue: Mutex::new(Some(queue)),
            projection,
            asking,
            tasks: Mutex::new(tasks),
        })
    }

    /// (pattern id, major)
    pub(crate) fn major(&self) -> (&str, u32) {
        (&self.pattern, self.major)
    }
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }
    pub(crate) fn reserve_seq(&self) -> i64 {
        self.next_seq.fetch_add(1, Ordering::Relaxed)
    }
    pub(crate) fn take_room(&self, job: &CommitJob) -> Result<Held, CommitError> {
        self.room.take(job)
    }
    pub(crate) fn outcome_unknown(&self) -> CommitError {
        CommitError::OutcomeUnknown { dataset: self.context.name().to_owned() }
    }

    /// Gives a job to the committer, or back when the dataset is closed.
    pub(crate) fn enqueue(&self, item: Item) -> Result<(), Box<Item>> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return Err(Box::new(item)) };
        // Room was taken for the item and the queue is as long as the room, so it is closed if it fails.
        queue.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Full(item) | mpsc::error::TrySendError::Closed(item) => Box::new(item),
        })
    }

    /// Refuses what would make a file that no reader understands.
    pub(crate) fn check_rows(&self, job: &CommitJob) -> Result<(), CommitError> {
        let wrong = |message: String| CommitError::Rows { dataset: self.context.name().to_owned(), message };
        let rows: u64 = match &job.payload {
            JobRows::Batches(batches) => {
                let schema = &self.context.files.layout().schema;
                if let Some(other) = batches.iter().find(|batch| !same_columns(&batch.schema(), schema)) {
                    return Err(wrong(format!("schema {} instead of {schema}", other.schema())));
                }
                batches.iter().map(|batch| batch.num_rows() as u64).sum()
            }
            JobRows::Files(files) => {
                if let Some(other) = files.iter().find(|file| *file.partition != *job.partition) {
                    return Err(wrong(format!("{} is of {}", other.path, other.partition)));
                }
                files.iter().map(|file| file.rows).sum()
            }
            JobRows::None => 0,
        };
        if rows == job.rows { Ok(()) } else { Err(wrong(format!("{rows} rows instead of {}", job.rows))) }
    }

    /// Removes what a job brought that does not get into the queue.
    pub(crate) async fn turn_away(&self, job: CommitJob, error: CommitError) -> CommitError {
        if let JobRows::Files(_) = &job.payload {
            let context = Arc::clone(&self.context);
            let removed = tokio::task::spawn_blocking(move || context.discard_rows(&job.payload)).await;
            // Staged files that stay are swept at the next start.
            drop(removed);
        }
        error
    }

    /// What this dataset knows of a job's request id.
    pub(crate) fn known(&self, job: &CommitJob) -> Option<Decision> {
        let state = self.context.state();
        Some(plan::repeated(&state, state.by_request(&job.caller, &job.request_id)?, job))
    }
    #[cfg(test)]
    pub(crate) fn by_request(&self, caller: &str, request_id: &str) -> Option<Committed> {
        let recorded = self.context.state().by_request(caller, request_id).map(Arc::clone)?;
        self.read_back(&recorded)
    }
    pub(crate) fn answered(&self, caller: &str, request_id: &str) -> Option<Answered> {
        let state = self.context.state();
        let earlier = state.by_request(caller, request_id)?;
        Some(Answered {
            sha256: earlier.sha256.clone(),
            pattern: plan::pattern_id(&earlier.pattern).to_owned(),
            publisher: earlier.publisher.clone(),
            period: earlier.period.clone(),
            is_erased: state.is_erased(&earlier.id),
        })
    }
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.context.state().by_id(id).is_some()
    }
    #[cfg(test)]
    pub(crate) fn by_id(&self, id: &str) -> Option<Committed> {
        let recorded = self.context.state().by_id(id).map(Arc::clone)?;
        self.read_back(&recorded)
    }
    #[cfg(test)]
    fn read_back(&self, recorded: &Recorded) -> Option<Committed> {
        let committed = self.context.committed(recorded);
        committed.inspect_err(|error| tracing::error!(%error, "a committed submission cannot be read")).ok()
    }

    /// Waits until the catalogue shows what is committed now, or fails to take it.
    pub(crate) async fn caught_up(&self) {
        let committed = self.context.state().log_version();
        // Why it cannot be read the committer has said, which tries again.
        if self.readable().await.is_ok() {
            self.projection.reaches(committed).await;
        }
    }
    /// The submissions that are acknowledged and in no log yet. Waits until the catalogue shows all others that were
    /// acknowledged before the call, or fails to take them; nothing is closed for it.
    pub(crate) async fn ahead(&self) -> Vec<SubmissionRecord> {
        let (ahead, in_log) = {
            let open = self.context.open();
            let of = |open: &OpenVersion| -> Vec<SubmissionRecord> {
                open.info.submissions.iter().map(|submission| record(submission, &open.info)).collect()
            };
            let records = open.iter().flat_map(of).collect();
            (records, open.first().map(|open| open.log_version.saturating_sub(1)))
        };
        let in_log = in_log.unwrap_or_else(|| self.context.state().log_version());
        self.projection.reaches(in_log).await;
        ahead
    }
    /// Waits until all that was acknowledged before the call can be read.
    pub(crate) async fn readable(&self) -> Result<(), CommitError> {
        let acknowledged = self.context.state().log_version();
        if self.context.files.table().snapshot().log_version >= acknowledged {
            return Ok(());
        }
        self.asking.reaches(acknowledged).await
    }
    pub(crate) fn close_queue(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
    /// Waits for committer and projector, once the queue is closed.
    pub(crate) async fn end(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(table = %self.context.name(), %error, "a task of the commit was cut off");
            }
        }
    }
}

/// What is acknowledged of a dataset ahead of its log.
async fn ahead(store: &Arc<Store>, context: &Arc<Context>) -> Result<(Ahead, Vec<AheadRecord>), CommitError> {
    let (of, table) = (Arc::clone(store), Arc::clone(context.files.table()));
    let opened = blocking(move || of.ahead(&table)).await;
    opened.map_err(|error| CommitError::store(context.name(), error))
}

/// Takes what an earlier run acknowledged into log and catalogue.
async fn recover(
    mut putter: Putter,
    left: Vec<AheadRecord>,
    projector: &Projector,
) -> Result<Putter, CommitError> {
    if left.is_empty() {
        return Ok(putter);
    }
    let dataset = projector.table().to_owned();
    let lost = CommitError::OutcomeUnknown { dataset: dataset.clone() };
    let recovered = tokio::task::spawn_blocking(move || {
        let mut end = GroupEnd::default();
        putter.recover(&left, &mut end).map(|()| (putter, end))
    });
    let (putter, end) = recovered.await.map_err(|_| lost)??;
    let applied = projector.apply(&end.projected).await;
    applied.map_err(|source| CommitError::Catalog { dataset, source: Arc::new(source) })?;
    Ok(putter)
}

/// Whether columns have the same names and types; what may be empty was checked before.
fn same_columns(a: &Schema, b: &Schema) -> bool {
    let column = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    a.fields().iter().map(column).eq(b.fields().iter().map(column))
}

/// Characters of the hub's id in receipts.
const HUB_ID_CHARS: usize = 16;
