//! Long stories of pushes, corrections, compactions, checkpoints, archives, vacuums and restarts: the rows of now
//! and of each remembered version stay what they were.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::harness::{House, Push, Row, blocking, commit, oracle, push};
use crate::commit::compact::{Compacted, Stop};
use crate::commit::merge::merge;
use crate::commit::put::GroupEnd;
use crate::store::disk::sim::SimDisk;
use crate::store::index::DataFile;
use crate::store::table::LogLimits;
use crate::store::{AsOf, Snapshot};

/// Steps of a story.
const STEPS: i64 = 240;

pub(super) struct Story {
    pub(super) house: House,
    pushes: Vec<Push>,
    /// Log version → the rows after it.
    remembered: BTreeMap<u64, Vec<Row>>,
    /// States that somebody reads.
    held: Vec<(u64, Arc<Snapshot>)>,
    /// Files that vacuums removed.
    pub(super) vacuumed: u64,
    draw: StdRng,
}

impl Story {
    pub(super) async fn new(seed: u64) -> Self {
        let house = House::open(&SimDisk::new(), true).await.unwrap();
        let (remembered, draw) = (BTreeMap::new(), StdRng::seed_from_u64(seed));
        Self { house, pushes: Vec::new(), remembered, held: Vec::new(), vacuumed: 0, draw }
    }

    async fn step(&mut self, seq: i64) {
        match self.draw.random_range(0..24_u8) {
            0..15 => self.push(seq).await,
            15..18 => self.compact(),
            18..20 => self.keep_log(),
            20..22 => self.vacuum(),
            22 => self.hold(),
            _ => self.restart().await,
        }
        if self.draw.random_bool(0.2) {
            let version = self.house.context.state().log_version();
            self.remembered.insert(version, self.house.rows());
        }
    }

    /// A push of one of four publishers: an append at first, then corrections.
    pub(super) async fn push(&mut self, seq: i64) {
        let publisher = ["a", "b", "c", "d"][self.draw.random_range(0..4)];
        let units = ["u1", "u2", "u3"];
        let units = &units[self.draw.random_range(0..2)..self.draw.random_range(2..=3)];
        let units: Vec<(&str, u64)> =
            units.iter().map(|unit| (*unit, self.draw.random_range(1..4))).collect();
        let next = Push { big: self.draw.random_bool(0.2), ..push(seq, publisher, &units) };
        let (item, answer) = self.house.item(&next).await;
        commit(&self.house, &mut self.house.putter(), vec![item], None);
        answer.await.unwrap().unwrap();
        self.pushes.push(next);
    }

    /// Some of the live files become one.
    pub(super) fn compact(&mut self) {
        let files = &self.house.context.files;
        let live: Vec<Arc<DataFile>> = files.table().snapshot().files.iter().map(Arc::clone).collect();
        let inputs: Vec<Arc<DataFile>> = live.into_iter().filter(|_| self.draw.random_bool(0.6)).collect();
        let Some(output) = blocking(|| merge(files, &inputs, &Stop::default())).unwrap() else { return };
        let compacted = Compacted { inputs, output: Arc::new(output) };
        blocking(|| self.house.putter().compact(compacted, &mut GroupEnd::default()));
    }

    pub(super) fn keep_log(&mut self) {
        let (checkpoint_versions, margin_versions) =
            (self.draw.random_range(1..20), self.draw.random_range(0..30));
        let limits = LogLimits { checkpoint_versions, margin_versions };
        let now = chrono::DateTime::UNIX_EPOCH;
        blocking(|| self.house.context.files.table().keep_log(limits, now, &|| false)).unwrap();
    }

    /// Somebody begins to read an earlier state.
    fn hold(&mut self) {
        let Some(version) =
            self.remembered.keys().nth(self.draw.random_range(0..self.remembered.len().max(1)))
        else {
            return;
        };
        let state = self.house.context.files.table().as_of(AsOf::LogVersion(*version)).unwrap();
        self.held.push((*version, state));
    }

    /// Who reads an earlier state goes on reading it, and ends at last.
    fn vacuum(&mut self) {
        self.vacuumed += blocking(|| self.house.vacuum());
        for (version, state) in &self.held {
            assert_eq!(
                self.house.rows_of(state),
                self.remembered[version],
                "version {version} is being read"
            );
        }
        if self.draw.random_bool(0.7) {
            self.held.clear();
        }
    }

    /// The power is cut at rest, or the process killed.
    pub(super) async fn restart(&mut self) {
        let disk = match self.draw.random_bool(0.5) {
            true => self.house.disk.after_power_loss(self.draw.random_range(0..100)),
            false => self.house.disk.killed(),
        };
        self.held.clear();
        self.house = House::open(&disk, true).await.unwrap();
    }

    fn assert_remembered(&self, what: &str) {
        let log = self.house.log();
        assert_eq!(self.house.rows(), oracle(&log, &self.pushes), "{what}");
        for (version, rows) in &self.remembered {
            assert_eq!(self.house.rows_at(*version), *rows, "{what}: version {version}");
            let until = usize::try_from(*version).unwrap();
            assert_eq!(*rows, oracle(&log[..=until], &self.pushes), "{what}: version {version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remembered_states_stay_what_they_were() {
    let (mut archived, mut vacuumed) = (0, 0);
    for seed in 0..4 {
        let mut story = Story::new(seed).await;
        for seq in 1..=STEPS {
            story.step(seq).await;
        }
        story.assert_remembered(&format!("seed {seed}"));
        story.restart().await;
        story.assert_remembered(&format!("seed {seed}, restarted"));
        assert!(story.remembered.len() > 20, "{}", story.remembered.len());
        story.held.clear();
        story.vacuum();
        story.assert_remembered(&format!("seed {seed}, after a vacuum"));
        story.restart().await;
        story.assert_remembered(&format!("seed {seed}, at last"));
        archived += story.house.archived();
        vacuumed += story.vacuumed;
    }
    assert!(vacuumed > 200, "{vacuumed} files are gone");
    assert!(archived > 400, "{archived} log versions are in the archive");
}
