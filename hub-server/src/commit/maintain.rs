//! When a dataset is maintained: after some commits and now and then, one dataset at a time in the whole
//! hub, beside the committer. First its log is kept short, then files that nobody reads are removed, then others merged.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::CommitError;
use super::compact::{Compacted, Stop, compact};
use super::context::Context;
use crate::clock::Clock;
use crate::config::history::Reach;
use crate::config::limits::{
    COMPACT_AFTER_COMMITS, COMPACT_BACKLOG_COMMITS, COMPACT_QUIET, MAINTENANCE_PAUSE,
};
use crate::store::table::{Keep, LogLimits, Vacuumed};

/// What a compaction made, and how long it took.
type Ended = (Result<Option<Compacted>, CommitError>, Duration);

/// A dataset rests this many times as long as its last compaction took: pushes have the machine.
const REST_TIMES: u32 = 9;

/// Vacuums within the time that files stay which left.
const VACUUMS_IN_REMOVED: i32 = 7;

/// Keeps the log of a dataset short. What fails is tried again with the next maintenance. Blocking.
fn keep_log(context: &Context, limits: LogLimits, now: DateTime<Utc>, stop: &Stop) {
    if let Err(error) = context.files.table().keep_log(limits, now, &|| stop.is_stopped()) {
        let table = context.name();
        tracing::warn!(%table, %error, "the log was not kept short; trying again later");
    }
}

/// Which states a dataset keeps readable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    pub(crate) reach: Reach,
    /// How long files stay that left.
    pub(crate) removed: TimeDelta,
}

/// Removes data files that no promised state reads. What fails is tried again another time. Blocking.
fn vacuum(context: &Context, retention: Retention, now: DateTime<Utc>, stop: &Stop) {
    let table = context.name();
    let keep = Keep {
        since: retention.reach.since(now),
        left_after: now.checked_sub_signed(retention.removed).unwrap_or(DateTime::<Utc>::MIN_UTC),
    };
    match context.files.table().vacuum(keep, &|| stop.is_stopped()) {
        Ok(Vacuumed { files: 0, .. }) => {}
        Ok(Vacuumed { files, bytes }) => {
            tracing::info!(%table, files, bytes, "data files that no promised state reads were removed");
        }
        Err(error) => tracing::warn!(%table, %error, "a vacuum was given up; trying again later"),
    }
}

/// The maintenance of one dataset.
#[derive(Debug)]
pub(crate) struct Maintenance {
    clock: Arc<dyn Clock>,
    log: LogLimits,
    retention: Retention,
    /// When a vacuum was begun last.
    vacuumed: Option<DateTime<Utc>>,
    /// One place for all datasets.
    place: Arc<Semaphore>,
    /// Commits since the files were looked at.
    commits: usize,
    last_commit: Instant,
    /// No compaction begins before.
    rests_until: Instant,
    running: Option<JoinHandle<Ended>>,
    stop: Stop,
    ready: Option<Compacted>,
}

impl Maintenance {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        place: Arc<Semaphore>,
        log: LogLimits,
        retention: Retention,
    ) -> Self {
        let now = Instant::now();
        Self {
            clock,
            log,
            retention,
            vacuumed: None,
            place,
            commits: 0,
            last_commit: now,
            rests_until: now,
            running: None,
            stop: Stop::default(),
            ready: None,
        }
    }

    /// Counts commits. The files are looked at when pushes pause, or when many have come.
    pub(crate) fn committed(&mut self, commits: usize, context: &Arc<Context>) {
        if commits > 0 {
            self.commits += commits;
            self.last_commit = Instant::now();
        }
        if self.commits >= self.bound(COMPACT_BACKLOG_COMMITS, 2) {
            self.start(context);
        }
    }

    /// A number of commits, or fewer where so many checkpoints are due before.
    fn bound(&self, commits: usize, checkpoints: u64) -> usize {
        let due = self.log.checkpoint_versions.saturating_mul(checkpoints);
        usize::try_from(due).unwrap_or(usize::MAX).min(commits)
    }

    fn start(&mut self, context: &Arc<Context>) {
        if self.running.is_some() || self.ready.is_some() || Instant::now() < self.rests_until {
            return;
        }
        self.commits = 0;
        let (context, place, stop) = (Arc::clone(context), Arc::clone(&self.place), self.stop.clone());
        let (now, log, retention) = (self.clock.now(), self.log, self.retention);
        let vacuum_is_due = self.vacuum_is_due(now);
        let calm = self.last_commit.elapsed() >= MAINTENANCE_PAUSE;
        self.running = Some(tokio::spawn(async move {
            let Ok(_place) = place.acquire_owned().await else { return (Ok(None), Duration::ZERO) };
            let begun = Instant::now();
            let work = move || {
                keep_log(&context, log, now, &stop);
                if vacuum_is_due {
                    vacuum(&context, retention, now, &stop);
                }
                compact(&context, now.date_naive(), calm, &stop)
            };
            let made = tokio::task::spawn_blocking(work).await;
            let made = made.unwrap_or_else(|error| {
                tracing::error!(%error, "a compaction was cut off");
                Ok(None)
            });
            (made, begun.elapsed())
        }));
    }

    /// Each vacuum may end read sessions of earlier states, so there are few within the time that files stay.
    fn vacuum_is_due(&mut self, now: DateTime<Utc>) -> bool {
        let rest = self.retention.removed / VACUUMS_IN_REMOVED;
        let is_due = self.vacuumed.is_none_or(|last| now - last >= rest);
        if is_due {
            self.vacuumed = Some(now);
        }
        is_due
    }

    /// Waits until a compaction is ready. While none runs it begins one from time to time.
    pub(crate) async fn ready(&mut self, context: &Arc<Context>) {
        if self.ready.is_some() {
            // It waits for a correction, whose end wakes the committer.
            return std::future::pending().await;
        }
        if self.running.is_none() {
            match self.commits >= self.bound(COMPACT_AFTER_COMMITS, 1) {
                true => {
                    tokio::time::sleep_until(self.rests_until.max(self.last_commit + COMPACT_QUIET)).await
                }
                false => tokio::time::sleep(MAINTENANCE_PAUSE).await,
            }
            self.start(context);
        }
        self.end_running(context).await;
    }

    /// Takes up a compaction that has ended, without waiting.
    pub(crate) async fn look(&mut self, context: &Arc<Context>) {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.end_running(context).await;
        }
    }

    async fn end_running(&mut self, context: &Arc<Context>) {
        let Some(running) = self.running.as_mut() else { return };
        let made = running.await;
        self.running = None;
        let table = context.name();
        if let Ok((_, took)) = &made {
            self.rests_until = Instant::now() + took.saturating_mul(REST_TIMES);
        }
        match made {
            Ok((Ok(compacted), _)) => self.ready = compacted,
            Ok((Err(error), _)) => tracing::warn!(%table, %error, "a compaction was given up"),
            Err(error) => tracing::error!(%table, %error, "a compaction was cut off"),
        }
    }

    /// The compaction that is ready; the next one begins when it is in the log.
    pub(crate) fn take(&mut self) -> Option<Compacted> {
        let ready = self.ready.take();
        if ready.is_some() {
            // There may be more to do at once.
            self.commits = COMPACT_AFTER_COMMITS;
        }
        ready
    }

    /// Nobody waits any more.
    pub(crate) fn stop(&self) {
        self.stop.stop();
    }
}
