//! The way into a committer: room is bounded by jobs and by bytes, and one request id is in the
//! hands of one job at a time.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::files::Files;
use super::receipt::Checked;
use super::{CommitError, CommitJob, Committed, JobRows, open_version};
use crate::config::limits::{COMMIT_QUEUE_BYTES, COMMIT_QUEUE_JOBS};

pub(crate) type Answer = Result<Committed, CommitError>;

/// A job on its way, from the queue to its answer.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) job: CommitJob,
    /// What the receipt says of the report.
    pub(crate) checked: Checked,
    /// The rows of a job that may share an open version, as the journal takes them.
    pub(crate) rows: Option<Vec<u8>>,
    answer: oneshot::Sender<Answer>,
    _room: Held,
    _claim: Claim,
}

impl Item {
    /// A job and where its answer comes. What can be made of the job alone is made here, by the thread that
    /// brings it: the committer has one for all of a dataset.
    pub(crate) fn new(
        job: CommitJob,
        files: &Files,
        room: Held,
        claim: Claim,
    ) -> Result<(Self, oneshot::Receiver<Answer>), CommitError> {
        let (answer, answered) = oneshot::channel();
        let checked = Checked::of(&job.report);
        let rows = rows_ahead(&job, files)?;
        Ok((Self { job, checked, rows, answer, _room: room, _claim: claim }, answered))
    }
    /// Answers the sender; one who went away misses it, and asks again with the same request id.
    pub(crate) fn answer(self, answer: Answer) {
        let _sender_may_be_gone = self.answer.send(answer);
    }
}

fn rows_ahead(job: &CommitJob, files: &Files) -> Result<Option<Vec<u8>>, CommitError> {
    let Some(batches) = open_version::light(job) else { return Ok(None) };
    let rows = open_version::as_arrow(batches, &files.layout().schema);
    let wrong = |error: ArrowError| CommitError::Rows {
        dataset: files.table().name().to_owned(),
        message: error.to_string(),
    };
    rows.map(Some).map_err(wrong)
}

/// Room that a job holds until its answer.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "held for its drop")] [OwnedSemaphorePermit; 2]);

/// Room for the waiting jobs of one dataset.
#[derive(Debug)]
pub(crate) struct Room {
    dataset: String,
    jobs: Arc<Semaphore>,
    jobs_max: usize,
    kibibytes: Arc<Semaphore>,
    kibibytes_max: u32,
}

impl Room {
    pub(crate) fn new(dataset: &str, jobs: usize, bytes: u64) -> Self {
        let kibibytes_max = u32::try_from(bytes / 1024).unwrap_or(u32::MAX >> 4).clamp(1, u32::MAX >> 4);
        Self {
            dataset: dataset.to_owned(),
            jobs: Arc::new(Semaphore::new(jobs)),
            jobs_max: jobs,
            kibibytes: Arc::new(Semaphore::new(kibibytes_max as usize)),
            kibibytes_max,
        }
    }
    pub(crate) fn of(dataset: &str) -> Self {
        Self::new(dataset, COMMIT_QUEUE_JOBS, COMMIT_QUEUE_BYTES)
    }
    /// Takes room for a job, or says at once that there is none. A job that is larger than all the
    /// room gets in when nothing else waits.
    pub(crate) fn take(&self, job: &CommitJob) -> Result<Held, CommitError> {
        let busy = |limit: String| CommitError::Busy { dataset: self.dataset.clone(), limit };
        let jobs = Arc::clone(&self.jobs).try_acquire_owned();
        let jobs = jobs.map_err(|_| busy(format!("{} submissions", self.jobs_max)))?;
        let kibibytes = u32::try_from(bytes_of(job) / 1024).unwrap_or(u32::MAX).min(self.kibibytes_max);
        let bytes = Arc::clone(&self.kibibytes).try_acquire_many_owned(kibibytes);
        let bytes = bytes.map_err(|_| busy(format!("{} MiB", self.kibibytes_max / 1024)))?;
        Ok(Held([jobs, bytes]))
    }
}

fn bytes_of(job: &CommitJob) -> u64 {
    let rows: usize = match &job.payload {
        JobRows::Batches(batches) => batches.iter().map(|b| b.get_array_memory_size()).sum(),
        JobRows::Files(_) | JobRows::None => 0,
    };
    // The journal takes about as many bytes of the rows.
    let copies = if open_version::light(job).is_some() { 2 } else { 1 };
    (rows * copies + job.report.len()) as u64
}

/// Request ids that are in the hands of a job, over all datasets.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    taken: Mutex<HashSet<(String, String)>>,
    freed: Notify,
}

/// A request id in the hands of one job; freed when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Arc<Claims>,
    request: Option<(String, String)>,
}

impl Claims {
    /// Waits until no other job has this request id. An empty one stands for none.
    pub(crate) async fn claim(self: &Arc<Self>, caller: &str, request_id: &str) -> Claim {
        let claims = Arc::clone(self);
        if request_id.is_empty() {
            return Claim { claims, request: None };
        }
        let request = (caller.to_owned(), request_id.to_owned());
        loop {
            let mut freed = pin!(self.freed.notified());
            // Enabled before the look, so that a release in between is not missed.
            freed.as_mut().enable();
            if self.lock().insert(request.clone()) {
                return Claim { claims, request: Some(request) };
            }
            freed.await;
        }
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(String, String)>> {
        // Every change is one call, so a poisoned set is whole.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(request) = &self.request {
            self.claims.lock().remove(request);
            self.claims.freed.notify_waiters();
        }
    }
}
