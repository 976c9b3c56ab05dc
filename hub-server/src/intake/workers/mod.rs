//! Processes that decode untrusted bytes apart from the hub. A payload that brings its process down, or keeps it
//! silent for too long, costs that process and no other: the hub starts another, and refuses a payload that does
//! it twice.

mod inside;
mod supply;
#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hub_datasets::Pattern;

use crate::config::limits::WORKERS_KEPT;
use crate::process::{Process, Program};
pub(crate) use inside::work;
pub(super) use supply::{Halt, Supplied, Supply};

/// What workers are started with.
#[derive(Debug, Clone)]
pub(crate) struct WorkersConfig {
    pub(crate) program: Program,
    /// Time in which a worker must say something.
    pub(crate) silence: Duration,
    /// Files of the patterns that are not embedded, by path.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// Workers that wait for a job, and how more are started.
#[derive(Debug)]
pub(crate) struct Workers {
    config: WorkersConfig,
    idle: Mutex<Vec<Worker>>,
}

/// One process; it is ended with this.
#[derive(Debug)]
struct Worker {
    process: Process,
    socket: UnixStream,
}

/// A worker at a job. It goes back to the others when the job came to its end, and is ended otherwise.
#[derive(Debug)]
pub(super) struct Lease {
    workers: Arc<Workers>,
    worker: Option<Worker>,
    /// True once the worker waits for another job.
    is_free: bool,
}

impl Workers {
    /// Starts the workers that are kept.
    pub(crate) fn start(config: WorkersConfig) -> io::Result<Arc<Self>> {
        let workers = Arc::new(Self { config, idle: Mutex::default() });
        for _ in 0..WORKERS_KEPT {
            let worker = workers.spawn()?;
            workers.idle().push(worker);
        }
        Ok(workers)
    }

    /// A worker for one job, started when none is idle.
    fn lease(self: &Arc<Self>) -> io::Result<Lease> {
        let worker = match self.living() {
            Some(worker) => worker,
            None => self.spawn()?,
        };
        Ok(Lease { workers: Arc::clone(self), worker: Some(worker), is_free: false })
    }

    /// An idle worker; those that ended meanwhile, as the kernel may have it when memory is short, are let go.
    fn living(&self) -> Option<Worker> {
        loop {
            let mut worker = self.idle().pop()?;
            if worker.process.lives() {
                return Some(worker);
            }
        }
    }

    fn spawn(&self) -> io::Result<Worker> {
        let (process, socket) = self.config.program.start()?;
        Ok(Worker { process, socket })
    }

    /// The files of a pattern that is not embedded.
    fn files(&self, pattern: &Pattern) -> Vec<(String, String)> {
        let folder = format!("{}/", pattern.reference());
        let own = self.config.files.iter().filter(|(path, _)| path.starts_with(&folder));
        own.map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned())).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        let mut next = Some(worker);
        if !self.is_free {
            next = None;
            match self.workers.spawn() {
                Ok(fresh) => next = Some(fresh),
                Err(error) => {
                    tracing::warn!(%error, "no worker could be started in the place of one that ended")
                }
            }
        }
        let mut idle = self.workers.idle();
        if idle.len() < WORKERS_KEPT {
            idle.extend(next);
        }
    }
}
