//! Who asks for an open version to be closed, and who hears that it was: readers on one side, the committer
//! on the other.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::CommitError;

/// After a failure a version stays open so long before the next try.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct Progress {
    log_version: u64,
    /// Why the version after it cannot be closed; it is tried again.
    failed: Option<CommitError>,
}

/// The readers' side.
#[derive(Debug)]
pub(crate) struct Asking {
    wanted: watch::Sender<u64>,
    progress: watch::Receiver<Progress>,
}

/// The committer's side.
#[derive(Debug)]
pub(crate) struct Closing {
    wanted: watch::Receiver<u64>,
    progress: watch::Sender<Progress>,
    /// No try before.
    rests_until: Instant,
}

pub(crate) fn closing() -> (Asking, Closing) {
    let (asked, wanted) = watch::channel(0);
    let (told, progress) = watch::channel(Progress { log_version: 0, failed: None });
    (Asking { wanted: asked, progress }, Closing { wanted, progress: told, rests_until: Instant::now() })
}

impl Asking {
    /// Waits until a log version is there for readers, or cannot be made.
    pub(crate) async fn reaches(&self, log_version: u64) -> Result<(), CommitError> {
        self.wanted.send_if_modified(|wanted| {
            let is_newer = *wanted < log_version;
            *wanted = log_version.max(*wanted);
            is_newer
        });
        let mut progress = self.progress.clone();
        let there = |progress: &Progress| progress.log_version >= log_version || progress.failed.is_some();
        match progress.wait_for(there).await {
            Ok(seen) if seen.log_version >= log_version => Ok(()),
            Ok(seen) => seen.failed.clone().map_or(Ok(()), Err),
            Err(_) => Err(CommitError::Closed),
        }
    }
}

impl Closing {
    /// Whether a version is to be closed now that is `due` at some moment.
    pub(crate) fn is_now(&mut self, log_version: u64, due: Instant) -> bool {
        let now = Instant::now();
        let asked = *self.wanted.borrow_and_update() >= log_version;
        now >= self.rests_until && (asked || now >= due)
    }

    /// Waits until an open version may be due, or somebody asks.
    pub(crate) async fn wait(&mut self, due: Instant) {
        let rests = self.rests_until > Instant::now();
        let asked = async {
            // Nobody is left who could ask.
            if rests || self.wanted.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(due.max(self.rests_until)) => {}
            () = asked => {}
        }
    }

    /// Takes up what became of a try.
    pub(crate) fn tried(&mut self, result: Result<(), CommitError>) {
        let failed = result.err();
        if failed.is_some() {
            self.rests_until = Instant::now() + PAUSE;
        }
        self.progress.send_modify(|progress| progress.failed = failed);
    }

    /// Tells what readers see; a version may be closed for other reasons than that somebody asked.
    pub(crate) fn reached(&self, log_version: u64) {
        self.progress.send_if_modified(|progress| {
            let moved = progress.log_version < log_version;
            if moved {
                *progress = Progress { log_version, failed: None };
            }
            moved
        });
    }
}
