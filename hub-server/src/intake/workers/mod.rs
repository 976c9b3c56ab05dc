//! Processes that decode untrusted bytes apart from the hub. A payload that brings its process down, or keeps it
//! silent for too long, costs that process and no other: the hub starts another, and refuses a payload that does
//! it twice.

mod inside;
mod supply;
#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hub_datasets::Pattern;

use crate::config::limits::WORKERS_KEPT;
pub(crate) use inside::work;
pub(super) use supply::{Halt, Supplied, Supply};

/// Becomes a worker (`$0` is the program) with `$1` KiB of memory. What it holds is somebody's data, so it leaves
/// no image of itself behind. The shell sets the limits, so that they hold before the program begins.
const START: &str = r#"ulimit -c 0 && ulimit -d "$1" && exec "$0" worker"#;
/// The allocator takes memory as it is used: the limit counts what a process may write to, not what it reserves.
const ALLOCATOR: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");

/// What workers are started with.
#[derive(Debug, Clone)]
pub(crate) struct WorkersConfig {
    /// The program; it must be the one that runs.
    pub(crate) program: PathBuf,
    /// Memory of one worker.
    pub(crate) memory_bytes: u64,
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
    child: Child,
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
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Some(worker);
            }
        }
    }

    fn spawn(&self) -> io::Result<Worker> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", START]).arg(&self.config.program);
        command.arg((self.config.memory_bytes >> 10).to_string());
        // Nothing of the hub's environment goes with it.
        command.env_clear().env(ALLOCATOR.0, ALLOCATOR.1);
        #[cfg(debug_assertions)]
        command.envs(crate::config::fault_order().map(|order| ("HUB_FAULT", order)));
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir("/").spawn()?;
        Ok(Worker { child, socket })
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

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself; what counts is that it is gone, and leaves no entry behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
