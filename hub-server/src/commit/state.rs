//! The replayed state of one dataset: what is current, what was ever committed, and which live file
//! holds which submission. It is a pure function of the log; a commit and a replay go the same way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hub_datasets::Period;
use hub_datasets::check::standing::SliceFacts;

use super::CommitJob;
use super::held::Revision;
use crate::store::index::DataFile;
use crate::store::log::{Entry, Erasure, SubmissionEntry};

/// The current revision of (publisher, partition).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Current {
    pub(crate) revision: u64,
    /// Submission that made this revision.
    pub(crate) submission: String,
    /// Slice → (`_seq`, submission id, SHA-256 of its payload).
    pub(crate) slices: BTreeMap<String, CurrentSlice>,
}

impl Current {
    /// True when no slice is current from the submission that made the revision.
    fn made_by_nothing(&self) -> bool {
        !self.slices.values().any(|slice| slice.submission == self.submission)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CurrentSlice {
    pub(crate) seq: i64,
    pub(crate) submission: String,
    pub(crate) sha256: String,
    /// Its rows, and the largest version that it ever named since it stands. None: the log does not tell.
    pub(crate) facts: Option<SliceFacts>,
}

/// What is remembered of each committed submission; the rest is read from its commit when asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) id: String,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) publisher: String,
    pub(crate) period: String,
    pub(crate) media_type: String,
    pub(crate) pattern: String,
    pub(crate) sha256: String,
    pub(crate) nothing_to_report: bool,
    pub(crate) withdraws: Option<Box<str>>,
    pub(crate) revision: u64,
    pub(crate) log_version: u64,
}

/// A commit with submissions, as the log tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommitFacts<'a> {
    pub(crate) log_version: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) submissions: &'a [SubmissionEntry],
    pub(crate) erasure: Option<&'a Erasure>,
}

impl<'a> CommitFacts<'a> {
    pub(crate) fn of(log_version: u64, entry: &'a Entry) -> Self {
        let info = &entry.info;
        let erasure = info.erasure.as_deref();
        Self { log_version, committed_at: info.committed_at, submissions: &info.submissions, erasure }
    }
}

/// State of one dataset at one log version.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct State {
    log_version: u64,
    committed_at: Option<DateTime<Utc>>,
    largest_seq: i64,
    /// Publisher → partition → current revision.
    current: HashMap<String, BTreeMap<String, Arc<Current>>>,
    /// Number of current slices of each `_seq` that still has some.
    live_slices: HashMap<i64, usize>,
    /// Live files by the `_seq`s that own rows of them.
    homes: HashMap<i64, Vec<Arc<DataFile>>>,
    by_id: HashMap<String, Arc<Recorded>>,
    /// Caller → request id → submission.
    by_request: HashMap<String, HashMap<String, Arc<Recorded>>>,
    /// The last submission of some bytes, by the beginning of their SHA-256.
    by_bytes: HashMap<u64, Arc<Recorded>>,
    /// By the id of a submission the last one before it whose bytes begin alike.
    same_bytes_before: HashMap<String, Arc<Recorded>>,
    /// Ids of erased submissions.
    erased: HashSet<String>,
    /// Ids of submissions that were taken back.
    withdrawn: HashSet<String>,
}

impl State {
    pub(crate) fn log_version(&self) -> u64 {
        self.log_version
    }
    pub(crate) fn committed_at(&self) -> Option<DateTime<Utc>> {
        self.committed_at
    }
    pub(crate) fn largest_seq(&self) -> i64 {
        self.largest_seq
    }
    pub(crate) fn current(&self, publisher: &str, partition: &str) -> Option<&Arc<Current>> {
        self.current.get(publisher)?.get(partition)
    }
    /// What made the current revision of (publisher, partition), if it has slices.
    pub(crate) fn revision(&self, publisher: &str, partition: &str) -> Option<Revision> {
        let current = self.current(publisher, partition).filter(|current| !current.slices.is_empty())?;
        let period = self.by_id(&current.submission)?.period.clone();
        Some(Revision { submission: current.submission.clone(), period })
    }
    /// All current revisions that have slices: publisher, partition, what made them.
    pub(crate) fn revisions(&self) -> Vec<(String, String, Revision)> {
        let all = self.current.iter().flat_map(|(publisher, partitions)| {
            partitions.iter().map(move |(partition, current)| (publisher, partition, current))
        });
        let all = all.filter(|(.., current)| !current.slices.is_empty());
        let made = |(publisher, partition, current): (&String, &String, &Arc<Current>)| {
            let period = self.by_id(&current.submission)?.period.clone();
            let revision = Revision { submission: current.submission.clone(), period };
            Some((publisher.clone(), partition.clone(), revision))
        };
        all.filter_map(made).collect()
    }
    /// A period that has a day in common with the job's and in which slices of the job stand, and those slices.
    pub(crate) fn overlapping(&self, job: &CommitJob) -> Option<(String, Vec<String>)> {
        let period: Period = job.period.parse().ok()?;
        // Labels of a year's periods begin with it.
        let (first, last) = (period.first_day().format("%Y"), period.last_day().format("%Y~"));
        let years = (Bound::Included(first.to_string()), Bound::Excluded(last.to_string()));
        let partitions = self.current.get(&job.publisher)?.range(years);
        let others = partitions.filter(|(partition, _)| **partition != job.partition);
        let mut overlapping = others.filter(|(partition, _)| {
            let other = partition.parse::<Period>();
            other.is_ok_and(|other| {
                other.first_day() <= period.last_day() && period.first_day() <= other.last_day()
            })
        });
        overlapping.find_map(|(partition, current)| {
            let stands = job.slices.iter().filter(|slice| current.slices.contains_key(*slice));
            let slices: Vec<String> = stands.cloned().collect();
            (!slices.is_empty()).then(|| (partition.clone(), slices))
        })
    }
    /// The last partition of a publisher before another, from `first` on, that has slices.
    pub(crate) fn before(&self, publisher: &str, partition: &str, first: &str) -> Option<String> {
        let partitions = self.current.get(publisher)?;
        let range = (Bound::Included(first), Bound::Excluded(partition));
        let mut found = partitions.range::<str, _>(range).rev().filter(|(_, of)| !of.slices.is_empty());
        found.next().map(|(partition, _)| partition.clone())
    }
    /// The first partition of a publisher behind another, up to `last`, that has slices.
    pub(crate) fn after(&self, publisher: &str, partition: &str, last: &str) -> Option<String> {
        let partitions = self.current.get(publisher)?;
        let range = (Bound::Excluded(partition), Bound::Included(last));
        let mut found = partitions.range::<str, _>(range).filter(|(_, of)| !of.slices.is_empty());
        found.next().map(|(partition, _)| partition.clone())
    }
    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Recorded>> {
        self.by_id.get(id)
    }
    pub(crate) fn by_request(&self, caller: &str, request_id: &str) -> Option<&Arc<Recorded>> {
        self.by_request.get(caller)?.get(request_id)
    }
    /// The last submission that brought these bytes and is neither erased nor taken back. `sha256`: in hex.
    pub(crate) fn by_bytes(&self, sha256: &str) -> Option<&Arc<Recorded>> {
        let last = self.by_bytes.get(&beginning(sha256)?);
        let mut all = std::iter::successors(last, |found| self.same_bytes_before.get(&found.id));
        let is_gone = |id: &String| self.erased.contains(id) || self.withdrawn.contains(id);
        all.find(|found| found.sha256 == sha256 && !is_gone(&found.id))
    }
    pub(crate) fn is_erased(&self, id: &str) -> bool {
        self.erased.contains(id)
    }
    /// Number of slices for which a submission is the current one.
    pub(crate) fn live_slices(&self, seq: i64) -> usize {
        self.live_slices.get(&seq).copied().unwrap_or(0)
    }
    /// Live files that hold rows of a submission.
    pub(crate) fn homes(&self, seq: i64) -> &[Arc<DataFile>] {
        self.homes.get(&seq).map_or(&[], Vec::as_slice)
    }

    /// Takes up the live files of a snapshot.
    pub(crate) fn set_files<'a>(&mut self, files: impl IntoIterator<Item = &'a Arc<DataFile>>) {
        self.homes.clear();
        for file in files {
            self.add_file(file);
        }
    }
    pub(crate) fn add_file(&mut self, file: &Arc<DataFile>) {
        for seq in &file.seqs {
            self.homes.entry(*seq).or_default().push(Arc::clone(file));
        }
    }
    pub(crate) fn remove_file(&mut self, file: &DataFile) {
        for seq in &file.seqs {
            let Some(homes) = self.homes.get_mut(seq) else { continue };
            homes.retain(|home| home.path != file.path);
            if homes.is_empty() {
                self.homes.remove(seq);
            }
        }
    }

    /// Takes up the submissions of a commit, in the order of the commit. Returns the submissions of
    /// which nothing is current any more.
    pub(crate) fn apply(&mut self, commit: CommitFacts<'_>) -> Vec<String> {
        self.log_version = commit.log_version;
        self.committed_at = self.committed_at.max(Some(commit.committed_at));
        let mut superseded = Vec::new();
        for entry in commit.submissions {
            self.apply_entry(entry, commit.log_version, &mut superseded);
        }
        if let Some(erasure) = commit.erasure {
            self.erase(erasure);
        }
        superseded
    }

    fn apply_entry(&mut self, entry: &SubmissionEntry, log_version: u64, superseded: &mut Vec<String>) {
        self.largest_seq = self.largest_seq.max(entry.seq);
        self.remember(entry, log_version);
        let partitions = self.current.entry(entry.publisher.clone()).or_default();
        let before = partitions.remove(&entry.partition).map(Arc::unwrap_or_clone);
        let made_before = before.as_ref().filter(|current| current.made_by_nothing()).cloned();
        let mut slices = before.map(|current| current.slices).unwrap_or_default();
        let mut versions: HashMap<&str, i64> = HashMap::new();
        for slice in entry.slices.iter().chain(&entry.dropped) {
            let Some(old) = slices.remove(slice) else { continue };
            versions.extend(old.facts.and_then(|facts| facts.version).map(|known| (slice.as_str(), known)));
            if let Some(left) = self.live_slices.get_mut(&old.seq) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.live_slices.remove(&old.seq);
                    superseded.push(old.submission);
                }
            }
        }
        // Who brought no slices is current by the revision that it made, until the next one.
        superseded.extend(made_before.map(|current| current.submission));
        for (at, slice) in entry.slices.iter().enumerate() {
            // The largest version stays known, whatever later ones say or leave out.
            let known = versions.get(slice.as_str()).copied();
            let largest = |sent: &SliceFacts| SliceFacts { version: sent.version.max(known), ..*sent };
            let current = CurrentSlice {
                seq: entry.seq,
                submission: entry.id.clone(),
                sha256: entry.sha256.clone(),
                facts: entry.slice_facts.get(at).map(largest),
            };
            slices.insert(slice.clone(), current);
        }
        if !entry.slices.is_empty() {
            self.live_slices.insert(entry.seq, entry.slices.len());
        }
        let current = Current { revision: entry.revision, submission: entry.id.clone(), slices };
        partitions.insert(entry.partition.clone(), Arc::new(current));
    }

    /// Slices that were current from an erased submission have no rows; what they were before stays superseded.
    fn erase(&mut self, erasure: &Erasure) {
        let partitions = self.current.get_mut(&erasure.publisher);
        if let Some(current) = partitions.and_then(|partitions| partitions.get_mut(&erasure.partition)) {
            Arc::make_mut(current).slices.retain(|_, slice| slice.seq != erasure.seq);
        }
        self.live_slices.remove(&erasure.seq);
        self.erased.insert(erasure.submission.clone());
    }

    fn remember(&mut self, entry: &SubmissionEntry, log_version: u64) {
        let recorded = Arc::new(Recorded {
            id: entry.id.clone(),
            caller: entry.caller.clone(),
            request_id: entry.request_id.clone(),
            publisher: entry.publisher.clone(),
            period: entry.period.clone(),
            media_type: entry.media_type.clone(),
            pattern: entry.pattern.clone(),
            sha256: entry.sha256.clone(),
            nothing_to_report: entry.nothing_to_report,
            withdraws: entry.withdraws.as_deref().map(Box::from),
            revision: entry.revision,
            log_version,
        });
        if !entry.request_id.is_empty() {
            let of_caller = self.by_request.entry(entry.caller.clone()).or_default();
            of_caller.entry(entry.request_id.clone()).or_insert_with(|| Arc::clone(&recorded));
        }
        if let Some(bytes) = beginning(&entry.sha256).filter(|_| entry.size > 0)
            && let Some(before) = self.by_bytes.insert(bytes, Arc::clone(&recorded))
        {
            self.same_bytes_before.insert(entry.id.clone(), before);
        }
        self.withdrawn.extend(entry.withdraws.clone());
        self.by_id.insert(entry.id.clone(), recorded);
    }
}

/// The first eight bytes of a sum in hex.
fn beginning(sha256: &str) -> Option<u64> {
    u64::from_str_radix(sha256.get(..16)?, 16).ok()
}
