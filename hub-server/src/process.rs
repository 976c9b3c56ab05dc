//! Processes that do risky work apart from the hub: the same program under a hidden command, with a limit on its
//! memory, an empty environment, no file and one socket, which is its standard input. It ends when the hub does,
//! for then the socket is closed.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

/// Becomes a worker (`$0` is the program) under the command `$2` with `$1` KiB of memory. What it holds is somebody's
/// data, so it leaves no image of itself behind. A signal that means the hub does not mean the worker, which is needed
/// until the hub has ended. The shell sets all this, so that it holds before the program begins.
const START: &str = r#"trap '' INT TERM && ulimit -c 0 && ulimit -d "$1" && exec "$0" "$2""#;
/// The allocator takes memory as it is used: the limit counts what a process may write to, not what it reserves.
const ALLOCATOR: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");
/// SIGKILL: somebody ended the process, its work did not.
const KILLED: i32 = 9;

/// What worker processes of one kind are started with.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program; it must be the one that runs.
    pub(crate) path: PathBuf,
    /// The hidden command.
    pub(crate) command: &'static str,
    /// Memory of one process.
    pub(crate) memory_bytes: u64,
}

/// A process; it is ended with this.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Program {
    /// Starts a process and gives the hub's end of its socket.
    pub(crate) fn start(&self) -> io::Result<(Process, UnixStream)> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", START]).arg(&self.path);
        command.arg((self.memory_bytes >> 10).to_string()).arg(self.command);
        // Nothing of the hub's environment goes with it.
        command.env_clear().env(ALLOCATOR.0, ALLOCATOR.1);
        #[cfg(debug_assertions)]
        command.envs(crate::config::fault_order().map(|order| ("HUB_FAULT", order)));
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir("/").spawn()?;
        Ok((Process(child), socket))
    }
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// True while it runs, as far as one can tell.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// How a process ended that has closed its socket; None: nobody can tell. One that still is about to end is
    /// ended, which changes nothing of how it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let _ = self.0.kill();
        self.0.wait().ok()
    }
}

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Somebody outside: an operator, or a machine short of memory.
    Killed,
    /// Its work: memory or stack ran out.
    Broke,
    /// It ended by itself.
    Itself,
}

pub(crate) fn end(status: ExitStatus) -> End {
    match status.signal() {
        Some(KILLED) => End::Killed,
        Some(_) => End::Broke,
        None => End::Itself,
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; what counts is that it is gone, and leaves no entry behind.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
