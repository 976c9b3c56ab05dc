//! The committer of one dataset. What waits while a put runs is the next group, without a window of
//! time; corrections of shared files are prepared beside it and join a group when they are ready. Between
//! groups it closes the open version when a reader asks or its time has come.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::CommitError;
use super::closing::Closing;
use super::context::Context;
use super::maintain::Maintenance;
use super::plan::{Decision, Superseded, decide, touched};
use super::prepare::{self, Prepared};
use super::projector::Projected;
use super::put::{GroupEnd, Putter};
use super::queue::Item;

/// The lane of a job.
type Keys = HashSet<(String, String)>;

#[derive(Debug)]
pub(crate) struct Committer {
    context: Arc<Context>,
    queue: mpsc::Receiver<Item>,
    projection: mpsc::Sender<Projected>,
    waiting: VecDeque<Item>,
    preparing: Option<JoinHandle<Option<Prepared>>>,
    ready: Option<Prepared>,
    /// Keys of the corrections that are being prepared, or are ready.
    prepared_keys: Keys,
    maintenance: Maintenance,
    closing: Closing,
    /// Jobs may still come.
    takes: bool,
}

/// Jobs that can go now: at most one per key.
#[derive(Debug, Default)]
struct Sorted {
    direct: Vec<Item>,
    corrections: Vec<Item>,
}

impl Committer {
    pub(crate) fn new(
        context: Arc<Context>,
        queue: mpsc::Receiver<Item>,
        projection: mpsc::Sender<Projected>,
        maintenance: Maintenance,
        closing: Closing,
    ) -> Self {
        Self {
            context,
            queue,
            projection,
            waiting: VecDeque::new(),
            preparing: None,
            ready: None,
            prepared_keys: Keys::new(),
            maintenance,
            closing,
            takes: true,
        }
    }

    /// Runs until the queue is closed and all jobs are answered.
    pub(crate) async fn run(mut self, mut putter: Putter) {
        loop {
            self.receive_waiting().await;
            let sorted = self.sort();
            self.prepare(sorted.corrections);
            let (direct, prepared) = (sorted.direct, self.ready.take());
            // While a correction is prepared its files stay as they are, so that it is not made anew.
            let compacted = match self.preparing {
                None => self.maintenance.take(),
                Some(_) => None,
            };
            let closes = self.closes();
            if direct.is_empty() && prepared.is_none() && compacted.is_none() && !closes {
                if !self.wait().await {
                    self.maintenance.stop();
                    return self.end(putter).await;
                }
                continue;
            }
            let was_prepared = prepared.is_some();
            let group = tokio::task::spawn_blocking(move || {
                let mut end = putter.commit(direct, prepared);
                let closed = closes.then(|| putter.close(&mut end));
                if let Some(compacted) = compacted {
                    putter.compact(compacted, &mut end);
                }
                (putter, end, closed)
            });
            match group.await {
                Ok((back, end, closed)) => {
                    putter = back;
                    if let Some(closed) = closed {
                        self.end_closing(closed);
                    }
                    self.closing.reached(self.context.files.table().snapshot().log_version);
                    if was_prepared {
                        self.prepared_keys.clear();
                    }
                    self.end_group(end).await;
                }
                Err(error) => {
                    let table = self.context.name();
                    tracing::error!(%table, %error, "the committer was cut off; restart the hub");
                    return;
                }
            }
        }
    }

    async fn end(&self, mut putter: Putter) {
        let table = self.context.name();
        match tokio::task::spawn_blocking(move || putter.end()).await.map_err(|error| error.to_string()) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%table, %error, "the next start empties the journal"),
            Err(error) => tracing::warn!(%table, %error, "the next start empties the journal"),
        }
    }

    /// Whether an open version is to be closed now.
    fn closes(&mut self) -> bool {
        let Some((log_version, due)) = self.context.open().first().map(|open| (open.log_version, open.due))
        else {
            return false;
        };
        let due = if self.takes { due } else { Instant::now() };
        self.closing.is_now(log_version, due)
    }

    fn end_closing(&mut self, closed: Result<(), CommitError>) {
        if let Err(error) = &closed {
            let table = self.context.name();
            tracing::error!(%table, %error, "what was acknowledged cannot be made readable; trying again");
        }
        self.closing.tried(closed);
    }

    async fn end_group(&mut self, end: GroupEnd) {
        // Jobs that come back came before those that wait.
        for item in end.back.into_iter().rev() {
            self.waiting.push_front(item);
        }
        self.maintenance.committed(end.projected.len(), &self.context);
        for commit in end.projected {
            // The projector ends before the committer only when the hub gives up on the catalogue;
            // the next start catches up from the log.
            let _caught_up_later = self.projection.send(commit).await;
        }
    }

    /// Takes what has arrived, without waiting.
    async fn receive_waiting(&mut self) {
        while let Ok(item) = self.queue.try_recv() {
            self.waiting.push_back(item);
        }
        if self.preparing.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(task) = self.preparing.take()
        {
            let done = task.await;
            self.end_preparation(done);
        }
        self.maintenance.look(&self.context).await;
    }

    /// Waits for a job or for a preparation. False when neither can come any more.
    async fn wait(&mut self) -> bool {
        if !self.takes && self.preparing.is_none() {
            return false;
        }
        let preparation = async {
            match self.preparing.as_mut() {
                Some(task) => task.await,
                None => std::future::pending().await,
            }
        };
        let due = self.context.open().first().map(|open| open.due);
        tokio::select! {
            () = self.maintenance.ready(&self.context), if self.takes => {}
            () = self.closing.wait(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            item = self.queue.recv(), if self.takes => match item {
                Some(item) => self.waiting.push_back(item),
                None => self.takes = false,
            },
            done = preparation => {
                self.preparing = None;
                self.end_preparation(done);
            }
        }
        true
    }

    fn end_preparation(&mut self, done: Result<Option<Prepared>, tokio::task::JoinError>) {
        match done {
            Ok(Some(prepared)) => self.ready = Some(prepared),
            Ok(None) => self.prepared_keys.clear(),
            Err(error) => {
                let table = self.context.name();
                tracing::error!(%table, %error, "the preparation of corrections was cut off");
                self.prepared_keys.clear();
            }
        }
    }

    /// Picks the jobs that can go now; the rest waits in its order.
    fn sort(&mut self) -> Sorted {
        let mut sorted = Sorted::default();
        let may_prepare = self.prepared_keys.is_empty();
        let mut taken = self.prepared_keys.clone();
        let state = self.context.state();
        let mut waits = VecDeque::with_capacity(self.waiting.len());
        for item in self.waiting.drain(..) {
            let key = item.job.lane();
            if taken.contains(&key) {
                waits.push_back(item);
                continue;
            }
            if self.context.is_open_for(&item.job) {
                // It is decided once the open version is closed.
                taken.insert(key);
                sorted.direct.push(item);
                continue;
            }
            let accepted = match decide(&state, &item.job) {
                Decision::Accepted(accepted) => accepted,
                other => {
                    self.context.settle(item, other);
                    continue;
                }
            };
            taken.insert(key);
            let mut superseded = Superseded::new();
            prepare::add(&mut superseded, accepted.superseded);
            let touched = touched(&state, &superseded, self.context.files.slice_column());
            match (touched.shared.is_empty(), may_prepare) {
                (true, _) => sorted.direct.push(item),
                (false, true) => sorted.corrections.push(item),
                (false, false) => waits.push_back(item),
            }
        }
        drop(state);
        self.waiting = waits;
        sorted
    }

    /// Begins to prepare corrections; none are being prepared when there are some.
    fn prepare(&mut self, corrections: Vec<Item>) {
        if corrections.is_empty() {
            return;
        }
        self.prepared_keys = corrections.iter().map(|item| item.job.lane()).collect();
        let context = Arc::clone(&self.context);
        self.preparing = Some(tokio::task::spawn_blocking(move || prepare::prepare(&context, corrections)));
    }
}
