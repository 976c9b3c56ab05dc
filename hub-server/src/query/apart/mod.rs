//! Statements run apart, in query workers: whatever a statement does, the process that everyone is connected to lives.
//! A worker runs one statement at a time, so that one which ends its process harms no other; there are as many as
//! statements may run at once, started when they are first needed and kept.

mod asked;
mod inside;
mod lease;
mod line;
mod rows;
mod served;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::source::Here;
use super::{QueryError, QueryLimits, RowFormat, TableView, Warning};
use crate::config::limits::QUERY_WORKER_PATIENCE;
use crate::process::{Process, Program};
use crate::store::Store;
pub(crate) use inside::work;
use lease::Lease;
use line::{Kind, Line, parsed};
pub(crate) use rows::Rows;
use rows::Talk;
use served::Served;
use wire::{Head, Job, PROTOCOL, Setup};

/// Runs statements in workers.
#[derive(Debug)]
pub(crate) struct Statements {
    place: Place,
    limits: QueryLimits,
    /// The data folder, absolute.
    root: PathBuf,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Worker>>,
    /// Workers whose statements are about to end, or that are being replaced …
    ending: AtomicUsize,
    /// … and word of each that is free.
    freed: Notify,
    started: AtomicU64,
}

/// Where workers run.
#[derive(Debug)]
enum Place {
    Process(Program),
    /// In this process, where a test has no program to start.
    #[cfg(test)]
    Task,
}

/// One worker; its process is ended with this.
#[derive(Debug)]
struct Worker {
    process: Option<Process>,
    line: Line,
    spill: PathBuf,
}

/// A statement that a worker has parsed, and waits to run.
#[derive(Debug)]
pub(crate) struct Begun {
    lease: Lease,
    /// Tables that it names.
    pub(crate) names: Vec<String>,
}

/// A statement as a caller sends it.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) sql: &'a str,
    /// Values of its parameters: an Arrow stream of one row, as base64.
    pub(crate) parameters: Option<&'a str>,
    pub(crate) format: RowFormat,
    /// Tables that it names.
    pub(crate) views: Vec<TableView>,
    /// Names of tables that it does not name; one of them may be what was meant.
    pub(crate) others: Vec<String>,
    /// A table that comes with it, by name.
    pub(crate) with: Option<(&'a str, RecordBatch)>,
}

/// What a statement would give.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    /// Schema of its rows, as the first message of an Arrow stream.
    pub(crate) schema: Bytes,
    /// What may be bound to its parameters, likewise; no field: it has none.
    pub(crate) parameters: Bytes,
    /// Parameters to which no value was bound.
    pub(crate) unbound: usize,
    /// Datasets that it scans.
    pub(crate) datasets: Vec<String>,
    /// Columns, when it reads those of one table and does nothing else.
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) warnings: Vec<Warning>,
}

impl Statements {
    /// Starts the first worker. `program`: the file of this program.
    pub(crate) async fn start(program: PathBuf, store: &Store, limits: QueryLimits) -> io::Result<Arc<Self>> {
        let memory_bytes = limits.worker_bytes();
        let place = Place::Process(Program { path: program, command: "query-worker", memory_bytes });
        let statements = Arc::new(Self::with(place, store, limits)?);
        let first = statements.ready().await?;
        statements.idle().push(first);
        Ok(statements)
    }

    /// Workers inside this process.
    #[cfg(test)]
    pub(crate) fn inside(store: &Store, limits: QueryLimits) -> Arc<Self> {
        Arc::new(Self::with(Place::Task, store, limits).unwrap())
    }

    fn with(place: Place, store: &Store, limits: QueryLimits) -> io::Result<Self> {
        Ok(Self {
            place,
            root: store.root().canonicalize()?,
            slots: Arc::new(Semaphore::new(limits.slots)),
            limits,
            idle: Mutex::default(),
            ending: AtomicUsize::new(0),
            freed: Notify::new(),
            started: AtomicU64::new(0),
        })
    }

    /// Has a worker say which tables a statement names, for choosing their versions before it runs.
    pub(crate) async fn begin(self: &Arc<Self>, sql: &str) -> Result<Begun, QueryError> {
        let mut lease = self.lease().await?;
        lease.ask(Kind::Names, &[sql.as_bytes()])?;
        let names = match lease.next().await? {
            (Kind::Named, names) => parsed(&names).map_err(|error| lease.died(&error))?,
            (Kind::Failed, error) => return Err(lease.failed(&error)),
            _ => return Err(lease.died(&line::unexpected())),
        };
        lease.done().await?;
        Ok(Begun { lease, names })
    }

    /// Runs a SELECT, by the worker that has begun it if one has; returns once its plan stands.
    pub(crate) async fn run(
        self: &Arc<Self>,
        begun: Option<Begun>,
        asking: Asking<'_>,
    ) -> Result<Rows, QueryError> {
        let (lease, served) = self.start_statement(begun, asking, false).await?;
        Rows::begin(lease, served).await
    }

    /// Plans a SELECT, and says for each of its tables, in their order, which submissions (by `_seq`) may have rows in
    /// the answer: never too few.
    pub(crate) async fn behind(
        self: &Arc<Self>,
        begun: Option<Begun>,
        asking: Asking<'_>,
    ) -> Result<Vec<BTreeSet<i64>>, QueryError> {
        let (lease, served) = self.start_statement(begun, asking, true).await?;
        let (_, mut talk) = Talk::begin(lease, served).await?;
        while !talk.chunk().await?.complete {}
        talk.end().behind().await
    }

    /// Says what a SELECT would give. Its parameters need not be bound.
    pub(crate) async fn describe(
        self: &Arc<Self>,
        begun: Option<Begun>,
        asking: Asking<'_>,
    ) -> Result<Description, QueryError> {
        let (lease, served) = self.start_statement(begun, asking, true).await?;
        let mut rows = Rows::begin(lease, served).await?;
        let schema = rows.chunks.next().await.transpose()?.unwrap_or_default().data;
        let Head { datasets, parameters, unbound, columns, warnings } = rows.head;
        let parameters = STANDARD.decode(parameters).map_err(|error| QueryError::internal(&error))?;
        Ok(Description { schema, parameters: parameters.into(), unbound, datasets, columns, warnings })
    }

    async fn start_statement(
        self: &Arc<Self>,
        begun: Option<Begun>,
        asking: Asking<'_>,
        describe: bool,
    ) -> Result<(Lease, Served), QueryError> {
        let mut lease = match begun {
            Some(begun) => begun.lease,
            None => self.lease().await?,
        };
        let tables: Vec<Here> = asking.views.into_iter().map(|view| Here::new(view, false)).collect();
        let (with, stream) = match asking.with {
            Some((name, batch)) => (Some(name.to_owned()), stream_of(&batch)?),
            None => (None, Vec::new()),
        };
        let job = Job {
            sql: asking.sql.to_owned(),
            format: asking.format,
            describe,
            parameters: asking.parameters.map(str::to_owned),
            one_of_many: self.limits.slots > 1 && self.slots.available_permits() == 0,
            tables: tables.iter().map(|table| table.visible().as_ref().into()).collect(),
            others: asking.others,
            with,
        };
        let job = serde_json::to_vec(&job).map_err(|e| QueryError::internal(&e))?;
        let length = u32::try_from(job.len()).unwrap_or(u32::MAX).to_le_bytes();
        lease.ask(Kind::Job, &[&length, &job, &stream])?;
        Ok((lease, Served::new(tables)))
    }

    /// A place for a statement, with a worker to itself. The deadline counts the waiting.
    async fn lease(self: &Arc<Self>) -> Result<Lease, QueryError> {
        let deadline = Instant::now() + self.limits.deadline;
        let slot = tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned()).await;
        let slot = match slot {
            Ok(Ok(slot)) => slot,
            _ => return Err(QueryError::Busy),
        };
        let worker = self
            .worker()
            .await
            .map_err(|error| QueryError::internal(&format!("no query worker can be started: {error}")))?;
        Ok(Lease::new(Arc::clone(self), worker, slot, deadline))
    }

    /// An idle worker, one that is about to be, or else a new one.
    async fn worker(&self) -> io::Result<Worker> {
        let patience = tokio::time::sleep(QUERY_WORKER_PATIENCE);
        tokio::pin!(patience);
        loop {
            if let Some(worker) = self.living() {
                return Ok(worker);
            }
            if self.ending.load(Ordering::SeqCst) == 0 {
                return self.spawn();
            }
            tokio::select! {
                () = self.freed.notified() => {}
                () = &mut patience => return self.spawn(),
            }
        }
    }

    fn give_back(&self, worker: Worker) {
        self.idle().push(worker);
        self.freed.notify_one();
    }

    /// An idle worker, the one that worked last; those that ended meanwhile are let go.
    fn living(&self) -> Option<Worker> {
        loop {
            let mut worker = self.idle().pop()?;
            if worker.process.as_mut().is_none_or(Process::lives) {
                return Some(worker);
            }
        }
    }

    /// A new worker that makes itself ready before a statement comes.
    async fn ready(&self) -> io::Result<Worker> {
        let mut worker = self.spawn()?;
        worker.line.flush().await?;
        Ok(worker)
    }

    fn spawn(&self) -> io::Result<Worker> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let spill = self.root.join("tmp").join(format!("statements-{number}"));
        let (process, socket) = match &self.place {
            Place::Process(program) => {
                let (process, socket) = program.start()?;
                socket.set_nonblocking(true)?;
                (Some(process), UnixStream::from_std(socket)?)
            }
            #[cfg(test)]
            Place::Task => (None, tests::served_inside()?),
        };
        let setup = Setup {
            protocol: PROTOCOL,
            root: self.root.clone(),
            spill: spill.clone(),
            limits: self.limits.of_worker(),
        };
        let mut line = Line::new(socket);
        line.put_json(Kind::Setup, &setup)?;
        Ok(Worker { process, line, spill })
    }

    /// Workers that were started so far.
    #[cfg(test)]
    pub(super) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch as an Arrow stream.
fn stream_of(batch: &RecordBatch) -> Result<Vec<u8>, QueryError> {
    let written = StreamWriter::try_new(Vec::new(), &batch.schema()).and_then(|mut writer| {
        writer.write(batch)?;
        writer.into_inner()
    });
    written.map_err(|error| QueryError::internal(&error))
}

impl Drop for Worker {
    fn drop(&mut self) {
        // What it spilled is of no use to anyone once it has ended.
        drop(self.process.take());
        let _ = std::fs::remove_dir_all(&self.spill);
    }
}
