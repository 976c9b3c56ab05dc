//! Which dataset's extract is made next, and when: pushes come in trains, and extracts made without a
//! pause would take the machine from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// A dataset rests this many times as long as its last extract took.
const REST_TIMES: u32 = 10;
/// Longest rest: an extract is never much older than this.
const REST_MAX: Duration = Duration::from_secs(600);
/// Rest after the first failure; it doubles with each that follows, up to the longest.
const REST_FAILED: Duration = Duration::from_secs(15);

/// Datasets whose newest version may lack its extract, and which of them rest.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    stale: BTreeSet<String>,
    resting: BTreeMap<String, Instant>,
    /// Failures in a row.
    failures: BTreeMap<String, u32>,
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
    pub(super) fn of(stale: impl Iterator<Item = String>) -> Self {
        Self { stale: stale.collect(), ..Self::default() }
    }

    pub(super) fn mark(&mut self, dataset: &str) {
        self.stale.insert(dataset.to_owned());
    }

    #[cfg(test)]
    pub(super) fn wake(&mut self, dataset: &str) {
        self.resting.remove(dataset);
    }

    /// Takes out the first dataset that does not rest. The first extract of a dataset, and one after
    /// quiet, come at once.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.resting.retain(|_, until| *until > now);
        let ready = self.stale.iter().find(|dataset| !self.resting.contains_key(*dataset)).cloned();
        if let Some(dataset) = ready {
            self.stale.remove(&dataset);
            return Next::Make(dataset);
        }
        let soonest = self.stale.iter().filter_map(|dataset| self.resting.get(dataset)).min();
        soonest.map_or(Next::Nothing, |until| Next::At(*until))
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
        self.mark(dataset);
        self.resting.insert(dataset.to_owned(), now + rest);
        rest
    }
}
