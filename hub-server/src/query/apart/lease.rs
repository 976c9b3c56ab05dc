//! A worker at a statement. It goes back to the others when the statement has ended, and is ended itself when it does
//! not get that far.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::line::{Kind, Line, parsed, unexpected};
use super::{QueryError, Statements, Worker};
use crate::config::limits::QUERY_END_MARGIN;
use crate::process::{self, End, Process};

#[derive(Debug)]
pub(super) struct Lease {
    statements: Arc<Statements>,
    worker: Option<Worker>,
    /// Held until the statement has ended, which may be later than that anybody waits for it.
    slot: Option<OwnedSemaphorePermit>,
    deadline: Instant,
    state: State,
    runtime: Handle,
}

/// How far the worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has nothing to do.
    Idle,
    Busy,
    /// It has said all but that it is done.
    Ending,
}

impl Lease {
    pub(super) fn new(
        statements: Arc<Statements>,
        worker: Worker,
        slot: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Self {
        let (worker, slot, runtime) = (Some(worker), Some(slot), Handle::current());
        Self { statements, worker, slot, deadline, state: State::Idle, runtime }
    }

    /// Gives the worker something to do, in a frame whose body lies in parts.
    pub(super) fn ask(&mut self, kind: Kind, parts: &[&[u8]]) -> Result<(), QueryError> {
        self.state = State::Busy;
        self.line()?.put_parts(kind, parts).map_err(|error| QueryError::internal(&error))
    }

    pub(super) fn line(&mut self) -> Result<&mut Line, QueryError> {
        let line = self.worker.as_mut().map(|worker| &mut worker.line);
        line.ok_or_else(|| QueryError::internal(&"a worker was given back"))
    }

    /// The next frame from the worker, before the deadline.
    pub(super) async fn next(&mut self) -> Result<(Kind, Bytes), QueryError> {
        let deadline = self.deadline;
        match timeout_at(deadline, self.line()?.read()).await {
            Ok(Ok(Some(frame))) => Ok(frame),
            Ok(Ok(None)) => Err(self.died(&io::ErrorKind::UnexpectedEof.into())),
            Ok(Err(error)) => Err(self.died(&error)),
            Err(_) => Err(too_long(self.statements.limits.deadline)),
        }
    }

    /// Waits until the worker is done.
    pub(super) async fn done(&mut self) -> Result<(), QueryError> {
        match self.next().await? {
            (Kind::Done, _) => self.state = State::Idle,
            _ => return Err(self.died(&unexpected())),
        }
        Ok(())
    }

    /// Says that the worker ends the statement by itself now.
    pub(super) fn end(mut self) {
        self.state = State::Ending;
    }

    /// The error that a worker told. It ends the statement by itself.
    pub(super) fn failed(&mut self, body: &[u8]) -> QueryError {
        self.state = State::Ending;
        parsed(body).unwrap_or_else(|error: io::Error| self.died(&error))
    }

    /// The worker has ended, or says what no worker says. It is let go, and the answer depends on who ended it.
    pub(super) fn died(&mut self, error: &io::Error) -> QueryError {
        let status = self.worker.take().and_then(|mut worker| {
            let process = worker.process.as_mut();
            process.and_then(|process| Some((process.id(), process.ended()?)))
        });
        let Some((pid, status)) = status else { return QueryError::internal(error) };
        tracing::warn!(pid, %status, %error, "a query worker ended in the middle of a statement");
        match process::end(status) {
            // It lived, and was ended for what it said.
            _ if error.kind() == io::ErrorKind::InvalidData => QueryError::internal(error),
            End::Killed => QueryError::Interrupted,
            End::Broke => QueryError::outgrown(self.statements.limits.worker_bytes()),
            End::Itself => QueryError::internal(error),
        }
    }
}

/// The error of a statement that took too long.
fn too_long(deadline: Duration) -> QueryError {
    QueryError::Limit(format!(
        "the statement took longer than {} s; filter or aggregate more, or pull the dataset",
        deadline.as_secs_f64()
    ))
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (statements, slot) = (Arc::clone(&self.statements), self.slot.take());
        let Some(mut worker) = self.worker.take() else {
            statements.ending.fetch_add(1, Ordering::SeqCst);
            self.runtime.spawn(async move {
                statements.replace().await;
                statements.ending.fetch_sub(1, Ordering::SeqCst);
                drop(slot);
            });
            return;
        };
        let state = match self.state {
            // The end mostly comes with what was read last.
            State::Ending if matches!(worker.line.frame(), Ok(Some((Kind::Done, _)))) => State::Idle,
            state => state,
        };
        if state == State::Idle {
            return statements.give_back(worker);
        }
        statements.ending.fetch_add(1, Ordering::SeqCst);
        self.runtime.spawn(async move {
            let ended = timeout(QUERY_END_MARGIN, until_done(&mut worker.line, state)).await;
            match ended {
                Ok(Ok(())) => statements.give_back(worker),
                ended => {
                    let pid = worker.process.as_ref().map(Process::id);
                    let why = match ended {
                        Ok(Err(error)) => error.to_string(),
                        _ => format!("it did not end its statement within {} s", QUERY_END_MARGIN.as_secs()),
                    };
                    tracing::warn!(pid, why, "a query worker is ended");
                    drop(worker);
                    statements.replace().await;
                }
            }
            statements.ending.fetch_sub(1, Ordering::SeqCst);
            drop(slot);
        });
    }
}

/// Waits until the worker has nothing of the statement left.
async fn until_done(line: &mut Line, state: State) -> io::Result<()> {
    if state == State::Busy {
        line.put(Kind::Cancel, &[])?;
    }
    loop {
        match line.read().await? {
            Some((Kind::Done, _)) => return Ok(()),
            // Rows and questions that were under way.
            Some((Kind::Setup | Kind::Names | Kind::Job | Kind::Answer | Kind::Cancel, _)) => {
                return Err(unexpected());
            }
            Some(_) => {}
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Statements {
    /// Starts a worker in the place of one that ended.
    async fn replace(&self) {
        match self.ready().await {
            Ok(worker) => self.give_back(worker),
            Err(error) => {
                tracing::warn!(%error, "no query worker could be started in the place of one that ended");
            }
        }
    }
}
