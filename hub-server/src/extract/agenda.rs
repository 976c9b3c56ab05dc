//! Which dataset's extract is made next, and when: pushes come in trains, and extracts made without a
//! pause would take the machine from them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// A dataset rests this many times as long as its last extract took.
const REST_TIMES: u32 = 10;
/// Longest rest: an extract is never much older than this.
const REST_MAX: Duration = Duration::from_secs(600);
/// An extract waits for this long a quiet after a commit …
const QUIET: Duration = Duration::from_secs(1);
/// … but no longer than this for a train of pushes to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rest after the first failure; it doubles with each that follows, up to the longest.
const REST_FAILED: Duration = Duration::from_secs(15);

/// Datasets whose newest version may lack its extract, and which of them rest.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    stale: BTreeMap<String, Due>,
    resting: BTreeMap<String, Instant>,
    /// Failures in a row.
    failures: BTreeMap<String, u32>,
}

/// When a dataset's commits have waited long enough.
#[derive(Debug)]
struct Due {
    quiet: Instant,
    latest: Instant,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Make(String),
    /// Nothing before this moment, unless another dataset is marked.
    At(Instant),
    Nothing,
}

impl Agenda {
    /// An agenda on which some datasets are due at once.
    pub(super) fn of(stale: impl Iterator<Item = String>, now: Instant) -> Self {
        let due = |dataset| (dataset, Due { quiet: now, latest: now });
        Self { stale: stale.map(due).collect(), ..Self::default() }
    }

    /// Notes that a dataset moved.
    pub(super) fn mark(&mut self, dataset: &str, now: Instant) {
        match self.stale.get_mut(dataset) {
            Some(due) => due.quiet = now + QUIET,
            None => {
                let due = Due { quiet: now + QUIET, latest: now + PATIENCE };
                self.stale.insert(dataset.to_owned(), due);
            }
        }
    }

    /// Ends the rest of a dataset, and its wait.
    #[cfg(test)]
    pub(super) fn wake(&mut self, dataset: &str, now: Instant) {
        self.resting.remove(dataset);
        if let Some(due) = self.stale.get_mut(dataset) {
            due.quiet = now;
        }
    }

    /// Takes out the dataset that has been due for longest, if one is.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.resting.retain(|_, until| *until > now);
        let moment = |(dataset, due): (&String, &Due)| {
            let waits = due.quiet.min(due.latest);
            (self.resting.get(dataset).map_or(waits, |until| waits.max(*until)), dataset.clone())
        };
        match self.stale.iter().map(moment).min() {
            Some((at, dataset)) if at <= now => {
                self.stale.remove(&dataset);
                Next::Make(dataset)
            }
            Some((at, _)) => Next::At(at),
            None => Next::Nothing,
        }
    }

    /// Notes that an extract was made and how long that took.
    pub(super) fn made(&mut self, dataset: &str, now: Instant, took: Duration) {
        self.failures.remove(dataset);
        self.resting.insert(dataset.to_owned(), now + took.saturating_mul(REST_TIMES).min(REST_MAX));
    }

    /// Notes that an extract could not be made: it is tried again after the rest that is returned.
    pub(super) fn failed(&mut self, dataset: &str, now: Instant) -> Duration {
        let failures = self.failures.entry(dataset.to_owned()).or_default();
        let rest = REST_FAILED.saturating_mul(2_u32.saturating_pow(*failures)).min(REST_MAX);
        *failures = failures.saturating_add(1);
        self.mark(dataset, now);
        self.resting.insert(dataset.to_owned(), now + rest);
        rest
    }
}
