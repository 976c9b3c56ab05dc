//! How far back a dataset can be asked for.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hub_proto::Reason;

use super::harness::{TestClock, TestIds, push, shape};
use crate::catalog::Catalog;
use crate::clock::Clock as _;
use crate::commit::dataset::Parts;
use crate::commit::{Commits, Promise};
use crate::config;
use crate::config::history::{History, Reach};
use crate::store::disk::sim::SimDisk;
use crate::store::table::LogLimits;
use crate::store::{AsOf, Store, StoreError};

/// Behind the time at which the table is made, which is the machine's.
const BEGIN: i64 = 4_000_000_000_000_000;
const DAY: i64 = 86_400_000_000;

struct Kept {
    commits: Arc<Commits>,
    clock: Arc<TestClock>,
    /// Times of the dataset versions.
    times: Vec<DateTime<Utc>>,
    _folder: tempfile::TempDir,
}

fn history(toml: &str) -> History {
    let nothing = |_: &str| None;
    config::Config::load(None, &format!("data_dir = 'd'\n{toml}").parse().unwrap(), &nothing).unwrap().history
}

/// A dataset with a version each ten days, asked for an hour after the last.
async fn kept(history: History) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Arc::new(Catalog::open(&folder.path().join("catalogue")).await.unwrap());
    let store = Store::open(Arc::new(SimDisk::new()), PathBuf::from("/hub")).await.unwrap();
    let clock = Arc::new(TestClock(AtomicI64::new(BEGIN)));
    let parts = Parts {
        store,
        catalog,
        clock: Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
        ids: Arc::new(TestIds),
        maintenance: Arc::new(tokio::sync::Semaphore::new(1)),
        log: LogLimits::default(),
        open_version: std::time::Duration::ZERO,
        history,
    };
    let commits = Commits::open_as(parts, [shape(true)]).await.unwrap();
    assert_eq!(commits.promise("rb28s").unwrap().oldest, None);
    let mut times = Vec::new();
    for seq in 1..=5 {
        clock.0.store(BEGIN + seq * 10 * DAY, Ordering::SeqCst);
        let job = push(seq, "a", &[("u1", 1)]).job(&commits.dataset("rb28s").unwrap().context().files);
        times.push(commits.commit("rb28s", job).await.unwrap().committed_at);
    }
    clock.0.fetch_add(DAY / 24, Ordering::SeqCst);
    Kept { commits, clock, times, _folder: folder }
}

impl Kept {
    fn ask(&self, as_of: AsOf) -> Result<u64, StoreError> {
        self.commits.as_of("rb28s", as_of).map(|state| state.unwrap().dataset_version)
    }
    fn expired(&self, as_of: AsOf, says: &str) {
        let error = self.ask(as_of).unwrap_err();
        assert_eq!(error.reason(), Reason::HistoryExpired, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_all_states_are_promised() {
    let kept = kept(History::default()).await;
    let promise = Promise { reach: Reach::All, oldest: Some((1, kept.times[0])) };
    assert_eq!(kept.commits.promise("rb28s"), Some(promise));
    assert_eq!(kept.ask(AsOf::Version(0)).unwrap(), 0);
    assert_eq!(kept.ask(AsOf::Time(kept.times[0])).unwrap(), 1);
    kept.clock.0.fetch_add(10_000 * DAY, Ordering::SeqCst);
    assert_eq!(kept.commits.promise("rb28s"), Some(promise));
    assert_eq!(kept.ask(AsOf::Version(1)).unwrap(), 1);
    let unknown = kept.ask(AsOf::Time(kept.times[0] - TimeDelta::days(1))).unwrap_err();
    assert_eq!(unknown.reason(), Reason::VersionUnknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_reach_the_oldest_state_is_named() {
    let kept = kept(history("history.datasets = 'rb28s=25'")).await;
    let now = kept.clock.now();
    let second = format!("version 2 of {}", kept.times[1].to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let oldest = Some((2, kept.times[1]));
    assert_eq!(kept.commits.promise("rb28s"), Some(Promise { reach: Reach::Days(25), oldest }));
    kept.expired(AsOf::Version(0), &second);
    kept.expired(AsOf::Version(1), &second);
    kept.expired(AsOf::Time(kept.times[1] - TimeDelta::microseconds(1)), &second);
    kept.expired(AsOf::Time(kept.times[0] - TimeDelta::days(3)), &second);
    assert_eq!(kept.ask(AsOf::Version(2)).unwrap(), 2);
    assert_eq!(kept.ask(AsOf::Time(kept.times[1])).unwrap(), 2);
    assert_eq!(
        kept.ask(AsOf::Time(now - TimeDelta::days(25))).unwrap(),
        2,
        "current on the first promised day"
    );
    assert_eq!(kept.ask(AsOf::Version(6)).unwrap_err().reason(), Reason::VersionUnknown);

    // However long nothing comes, the newest state is there.
    kept.clock.0.fetch_add(1_000 * DAY, Ordering::SeqCst);
    assert_eq!(kept.commits.promise("rb28s").unwrap().oldest, Some((5, kept.times[4])));
    kept.expired(AsOf::Version(4), "version 5");
    assert_eq!(kept.ask(AsOf::Latest).unwrap(), 5);
    assert_eq!(kept.ask(AsOf::Version(5)).unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reach_that_is_longer_than_the_history_takes_nothing() {
    let kept = kept(history("history.reach = '60'")).await;
    assert_eq!(kept.commits.promise("rb28s").unwrap().oldest, Some((1, kept.times[0])));
    assert_eq!(kept.ask(AsOf::Version(0)).unwrap(), 0);
    assert_eq!(kept.ask(AsOf::Version(1)).unwrap(), 1);
}
