//! What goes on at once in a dataset, in all orders: one course of a schedule, and what must hold after it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::erasure::erased;
use super::harness::{House, Push, blocking, commit, oracle, orders};
use crate::commit::compact::{Compacted, Stop};
use crate::commit::merge::merge;
use crate::commit::prepare::{Prepared, prepare};
use crate::commit::put::{GroupEnd, Putter};
use crate::commit::queue::Answer;
use crate::store::disk::sim::SimDisk;
use crate::store::index::DataFile;

/// Each takes its steps in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Prepared, then committed.
    Correction(usize),
    /// Committed.
    Append(usize),
    /// Made, then put.
    Compaction,
    /// A checkpoint, and all log versions before it into the archive.
    Keeping,
    /// Of all that may go while all states are promised.
    Vacuum,
    /// Of the submission with this `_seq`.
    Erasure(i64),
}

impl Work {
    fn steps(self) -> u8 {
        if matches!(self, Self::Correction(_) | Self::Compaction) { 2 } else { 1 }
    }
}

/// All orders of the steps of the works, each as the works' numbers. Steps of equal works are told apart by
/// nothing.
pub(super) fn schedules(works: &[Work]) -> BTreeSet<Vec<usize>> {
    let first = |at: usize| works.iter().position(|work| *work == works[at]).unwrap();
    let all = orders(works.iter().map(|work| work.steps()).collect());
    all.into_iter().map(|order| order.into_iter().map(first).collect()).collect()
}

/// A dataset on its way through a schedule.
pub(super) struct Course<'a> {
    pub(super) house: House,
    putter: Putter,
    later: &'a [Push],
    prepared: Vec<(usize, Option<Prepared>)>,
    compacted: Option<Compacted>,
    answers: Vec<oneshot::Receiver<Answer>>,
    /// Files that vacuums removed.
    pub(super) vacuumed: u64,
}

impl<'a> Course<'a> {
    pub(super) async fn new(sliced: bool, later: &'a [Push]) -> Self {
        let house = House::open(&SimDisk::new(), sliced).await.unwrap();
        let putter = house.putter();
        let (prepared, answers) = (Vec::new(), Vec::new());
        Self { house, putter, later, prepared, compacted: None, answers, vacuumed: 0 }
    }

    /// Commits pushes together.
    pub(super) async fn commit(&mut self, pushes: &[Push]) {
        let mut items = Vec::new();
        for push in pushes {
            let (item, answer) = self.house.item(push).await;
            items.push(item);
            self.answers.push(answer);
        }
        commit(&self.house, &mut self.putter, items, None);
    }

    pub(super) async fn step(&mut self, work: Work) {
        match work {
            Work::Append(at) => self.commit(&self.later[at..=at]).await,
            Work::Correction(at) => match self.prepared.iter().position(|(of, _)| *of == at) {
                None => {
                    let (item, answer) = self.house.item(&self.later[at]).await;
                    self.answers.push(answer);
                    let prepared = blocking(|| prepare(&self.house.context, vec![item]));
                    self.prepared.push((at, prepared));
                }
                Some(place) => {
                    let prepared = self.prepared.swap_remove(place).1;
                    commit(&self.house, &mut self.putter, Vec::new(), prepared);
                }
            },
            Work::Compaction => match self.compacted.take() {
                None => self.compacted = made(&self.house),
                Some(compacted) => {
                    blocking(|| self.putter.compact(compacted, &mut GroupEnd::default()));
                }
            },
            Work::Keeping => blocking(|| self.house.keep_log()),
            Work::Vacuum => self.vacuumed += blocking(|| self.house.vacuum()),
            Work::Erasure(seq) => {
                blocking(|| erased(&self.house, &mut self.putter, seq)).unwrap();
                self.restart().await;
            }
        }
    }

    /// An erasure is the deed of a process of its own: what was under way is lost.
    async fn restart(&mut self) {
        self.house = House::open(&self.house.disk.killed(), true).await.unwrap();
        self.putter = self.house.putter();
        (self.prepared, self.compacted) = (Vec::new(), None);
    }

    /// All pushes are answered; rows, states and files are what the pushes and the log say, live and replayed.
    pub(super) async fn assert_whole(&mut self, pushes: &[Push], sliced: bool, what: &str) {
        for answer in std::mem::take(&mut self.answers) {
            answer.await.unwrap().unwrap();
        }
        let house = &self.house;
        let log = house.log();
        assert_eq!(house.rows(), oracle(&log, pushes), "{what}");
        let versions = log.iter().filter(|entry| !entry.info.submissions.is_empty()).count() as u64;
        assert_eq!(house.context.files.table().snapshot().dataset_version, versions, "{what}");
        let mentioned = log.iter().map(|entry| entry.adds.len() as u64).sum::<u64>();
        let there = house.data_files().len() as u64;
        assert_eq!(there + self.vacuumed, mentioned, "what lost a race is gone, and no more: {what}");
        let fresh = House::open(&house.disk.killed(), sliced).await.unwrap();
        assert_eq!(*fresh.context.state(), *house.context.state(), "replayed state = state: {what}");
        for version in 0..log.len() {
            let at_the_time = oracle(&log[..=version], pushes);
            for house in [house, &fresh] {
                assert_eq!(house.rows_at(version as u64), at_the_time, "{what}: version {version}");
            }
        }
        assert_eq!(fresh.data_files(), house.data_files(), "{what}");
    }
}

/// All live files as one.
pub(super) fn made(house: &House) -> Option<Compacted> {
    let inputs: Vec<Arc<DataFile>> =
        house.context.files.table().snapshot().files.iter().map(Arc::clone).collect();
    let output = blocking(|| merge(&house.context.files, &inputs, &Stop::default())).unwrap();
    output.map(|output| Compacted { inputs, output: Arc::new(output) })
}
