//! One group's way into the log: decide, write rows, put by compare-and-swap, swap, acknowledge.
//!
//! An error of the put does not say that the commit failed. The store reads the version and looks for
//! our commit id; only when nobody has the version did the commit not happen. While even that cannot
//! be read the commit is kept, and every later group first finds out what became of it.

mod encoding;
mod erase;
mod open;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::CommitError;
use super::JobRows;
use super::compact::Compacted;
use super::context::Context;
use super::entry::submission_entry;
use super::files::Encoded;
use super::group::Group;
use super::prepare::Prepared;
use super::projector::Projected;
use super::queue::Item;
use super::receipt::Stamp;
use super::state::CommitFacts;
use crate::clock::{Clock, Ids};
use crate::config::limits::OPEN_VERSION_ROWS;
use crate::fault;
use crate::store::StoreError;
use crate::store::file::HeldFile;
use crate::store::index::DataFile;
use crate::store::journal::Ahead;
use crate::store::log::{CommitInfo, Entry, OPTIMIZE, Remove};
use crate::store::table::Put;
use encoding::Encoding;

/// Lost races of one group, before its jobs go back to the queue.
const RACES_MAX: usize = 32;

/// What a group left behind.
#[derive(Debug, Default)]
pub(crate) struct GroupEnd {
    /// Jobs that wait for the next group.
    pub(crate) back: Vec<Item>,
    /// Commits for the projection, ours and those of others, in order.
    pub(crate) projected: Vec<Projected>,
}

impl GroupEnd {
    fn project(&mut self, log_version: u64, entry: Entry, superseded: Vec<String>) {
        self.projected.push(Projected { log_version, entry, superseded });
    }
}

/// A put of which nobody knows whether it happened.
#[derive(Debug)]
struct Unknown {
    log_version: u64,
    entry: Entry,
    held: Vec<HeldFile>,
    /// Files that go when another has the version.
    staged: Vec<Arc<DataFile>>,
}

enum PutEnd {
    Done,
    Taken(Box<Entry>),
    /// Nobody has the version: nothing happened.
    Failed(StoreError),
    Unknown,
}

/// Files that the put brings to the disk, and all of them.
fn apart(encoded: Vec<Encoded>) -> (Vec<HeldFile>, Vec<Arc<DataFile>>) {
    let written = encoded.iter().map(|file| Arc::clone(file.file())).collect();
    let held = encoded.into_iter().filter_map(|file| match file {
        Encoded::Held(held) => Some(held),
        Encoded::OnDisk(_) => None,
    });
    (held.collect(), written)
}

/// Puts the groups of one table, one after the other.
#[derive(Debug)]
pub(crate) struct Putter {
    context: Arc<Context>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    /// Opaque id of the hub, for receipts.
    hub: String,
    epoch: String,
    ahead: Ahead,
    /// How long a version stays open for submissions; zero: each group has its own.
    window: Duration,
    /// Rows of an open version at most.
    bound: usize,
    /// A full version on its way into a file.
    encoding: Option<Encoding>,
    unknown: Option<Unknown>,
}

impl Putter {
    pub(crate) fn new(
        context: Arc<Context>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        hub: String,
        epoch: String,
        (ahead, window): (Ahead, Duration),
    ) -> Self {
        let bound = OPEN_VERSION_ROWS;
        Self { context, clock, ids, hub, epoch, ahead, window, bound, encoding: None, unknown: None }
    }

    /// The same with another bound of open versions.
    #[cfg(test)]
    pub(crate) fn bounded(self, rows: usize) -> Self {
        Self { bound: rows, ..self }
    }

    /// Commits jobs of different keys together. Blocking.
    pub(crate) fn commit(&mut self, direct: Vec<Item>, prepared: Option<Prepared>) -> GroupEnd {
        let mut end = GroupEnd::default();
        let (mut direct, mut prepared) = (direct, prepared);
        let ready = self.find_out(&mut end).and_then(|()| {
            direct = self.fill(std::mem::take(&mut direct), &mut end);
            if direct.is_empty() && prepared.is_none() { Ok(()) } else { self.close(&mut end) }
        });
        if let Err(error) = ready {
            self.refuse_all(direct, prepared, &error);
            return end;
        }
        for _ in 0..RACES_MAX {
            let group = Group::form(&self.context, direct, prepared, &mut end.back);
            if group.jobs().next().is_none() {
                return end;
            }
            match self.attempt(group, &mut end) {
                None => return end,
                Some(again) => (direct, prepared) = again,
            }
        }
        end.back.extend(direct);
        end.back.extend(prepared.into_iter().flat_map(|prepared| prepared.dissolve(&self.context)));
        end
    }

    /// Puts a compaction into the log, unless one of its files is not live any more. Blocking.
    pub(crate) fn compact(&mut self, compacted: Compacted, end: &mut GroupEnd) {
        let output = [compacted.output];
        if let Err(error) = self.close(end) {
            let table = self.context.name();
            tracing::warn!(%table, %error, "a compaction is given up, for the open version cannot be closed");
            self.context.discard(&output);
            return;
        }
        let snapshot = self.context.files.table().snapshot();
        if !compacted.inputs.iter().all(|file| snapshot.files.get(&file.path).is_some()) {
            self.context.discard(&output);
            return;
        }
        let (log_version, info) = (snapshot.log_version + 1, self.info(OPTIMIZE, snapshot.dataset_version));
        let removes = compacted.inputs.iter().map(|file| Remove::from(file.as_ref())).collect();
        let entry = Entry { info, definition: None, removes, adds: output.to_vec() };
        let taken_up = match self.put(log_version, &entry, &[]) {
            PutEnd::Done => self.project(log_version, entry, end),
            PutEnd::Taken(rival) => {
                self.context.discard(&output);
                self.project(log_version, *rival, end)
            }
            PutEnd::Failed(error) => {
                self.context.discard(&output);
                Err(self.context.files.store_error(error))
            }
            PutEnd::Unknown => {
                let staged = output.to_vec();
                self.unknown = Some(Unknown { log_version, entry, held: Vec::new(), staged });
                Err(self.outcome_unknown())
            }
        };
        if let Err(error) = taken_up {
            let table = self.context.name();
            tracing::warn!(%table, log_version, %error, "a compaction did not get into the log");
        }
    }

    /// One attempt of a put. Gives the jobs back when another took the version.
    fn attempt(&mut self, mut group: Group, end: &mut GroupEnd) -> Option<(Vec<Item>, Option<Prepared>)> {
        let (held, written) = match group.encode_rows(&self.context) {
            Ok(encoded) => apart(encoded),
            Err(error) => {
                self.refuse_group(group, &error);
                return None;
            }
        };
        fault::point("commit.file.after");
        let lost = group.take_lost();
        if !lost.is_empty() {
            self.context.discard(&written);
            self.refuse_lost(lost);
            return Some(group.apart());
        }
        let (log_version, entry) = match self.entry(&group, &written) {
            Ok(made) => made,
            Err(error) => {
                self.context.discard(&written);
                self.refuse_group(group, &error);
                return None;
            }
        };
        fault::point("commit.put.before");
        let put = self.put(log_version, &entry, &held);
        fault::point("commit.put.after");
        match put {
            PutEnd::Done => match self.take_up(log_version, &entry) {
                Ok(superseded) => {
                    fault::point("commit.swap.after");
                    group.acknowledge(&entry.info, &entry.info.submissions);
                    end.project(log_version, entry, superseded);
                }
                Err(error) => {
                    let staged = entry.adds.clone();
                    self.unknown = Some(Unknown { log_version, entry, held, staged });
                    group.answer_all(&error);
                }
            },
            PutEnd::Taken(rival) => {
                self.context.discard(&written);
                let (direct, prepared) = group.apart();
                if let Err(error) = self.project(log_version, *rival, end) {
                    self.refuse_all(direct, prepared, &error);
                    return None;
                }
                return Some((direct, prepared));
            }
            PutEnd::Failed(error) => {
                self.context.discard(&written);
                let error = self.context.files.store_error(error);
                self.refuse_group(group, &error);
            }
            PutEnd::Unknown => {
                let staged = entry.adds.clone();
                self.unknown = Some(Unknown { log_version, entry, held, staged });
                group.answer_all(&self.outcome_unknown());
            }
        }
        None
    }

    fn entry(&self, group: &Group, written: &[Arc<DataFile>]) -> Result<(u64, Entry), CommitError> {
        let snapshot = self.context.files.table().snapshot();
        let committed_at = self.next_time();
        let dataset_version = snapshot.dataset_version + 1;
        let dataset = self.context.name();
        let stamp = Stamp { hub: &self.hub, dataset, dataset_version, committed_at };
        let submissions = group.jobs().map(|(item, accepted)| submission_entry(stamp, item, accepted));
        let submissions = submissions
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CommitError::Rows { dataset: dataset.to_owned(), message: error.to_string() })?;
        let mut adds = written.to_vec();
        adds.extend(group.prepared.iter().flat_map(|prepared| prepared.added.iter().map(Arc::clone)));
        for (item, _) in group.jobs() {
            if let JobRows::Files(files) = &item.job.payload {
                adds.extend(files.iter().map(|file| Arc::new(file.clone())));
            }
        }
        let info = CommitInfo { committed_at, submissions, ..self.info("WRITE", dataset_version) };
        let removes = group.removes.iter().map(|file| Remove::from(file.as_ref())).collect();
        Ok((snapshot.log_version + 1, Entry { info, definition: None, removes, adds }))
    }

    fn info(&self, operation: &str, dataset_version: u64) -> CommitInfo {
        CommitInfo {
            commit: self.ids.next().to_string(),
            epoch: self.epoch.clone(),
            operation: operation.to_owned(),
            committed_at: self.next_time(),
            dataset_version,
            submissions: Vec::new(),
            erasure: None,
        }
    }

    /// The time of the next commit: the clock's, but later than the last commit of the table.
    fn next_time(&self) -> DateTime<Utc> {
        let now = self.clock.now().timestamp_micros();
        let now = DateTime::from_timestamp_micros(now).unwrap_or_default();
        match self.context.state().committed_at() {
            Some(last) => now.max(last + TimeDelta::microseconds(1)),
            None => now,
        }
    }

    fn put(&self, log_version: u64, entry: &Entry, held: &[HeldFile]) -> PutEnd {
        let table = self.context.files.table();
        let error = match table.put(log_version, entry, held) {
            Ok(Put::Done) => return PutEnd::Done,
            Ok(Put::Taken(rival)) => return PutEnd::Taken(rival),
            Err(error) => return PutEnd::Failed(error),
            Ok(Put::Unknown(error)) => error,
        };
        // It may be there: one more try, which finds it.
        match table.put(log_version, entry, held) {
            Ok(Put::Done) => PutEnd::Done,
            Ok(Put::Taken(rival)) => PutEnd::Taken(rival),
            Err(again) | Ok(Put::Unknown(again)) => {
                let table = self.context.name();
                tracing::error!(%table, log_version, %error, %again, "the outcome of a put is unknown");
                PutEnd::Unknown
            }
        }
    }

    /// Makes an entry that is in the log the newest state, in the table and in the head.
    /// Gives the submissions of which nothing is current any more.
    fn take_up(&mut self, log_version: u64, entry: &Entry) -> Result<Vec<String>, CommitError> {
        if entry.definition.is_some() {
            let message = format!("version {log_version} changes the table's definition; restart the hub");
            return Err(CommitError::LogForeign { dataset: self.context.name().to_owned(), message });
        }
        let files = &self.context.files;
        let before = files.table().snapshot();
        files.table().advance(log_version, entry).map_err(|error| files.store_error(error))?;
        let closed = self.context.take_open(&entry.info.commit);
        if closed.is_some()
            && let Err(error) = self.ahead.taken_up()
        {
            let table = self.context.name();
            tracing::warn!(%table, %error, "records that are in the log stay in the journal; they are known by their submissions");
        }
        let mut state = self.context.state_mut();
        // What was open is in the state already.
        let superseded = match closed {
            Some(open) => open.superseded,
            None => state.apply(CommitFacts::of(log_version, entry)),
        };
        for remove in &entry.removes {
            if let Some(file) = before.files.get(&remove.path) {
                state.remove_file(file);
            }
        }
        entry.adds.iter().for_each(|file| state.add_file(file));
        Ok(superseded)
    }

    /// Takes up an entry that is in the log, and has the projection follow.
    fn project(&mut self, log_version: u64, entry: Entry, end: &mut GroupEnd) -> Result<(), CommitError> {
        let superseded = self.take_up(log_version, &entry)?;
        end.project(log_version, entry, superseded);
        Ok(())
    }

    /// Finds out what became of a put whose outcome is unknown.
    fn find_out(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        let Some(unknown) = self.unknown.take() else { return Ok(()) };
        let at = unknown.log_version;
        match self.put(at, &unknown.entry, &unknown.held) {
            PutEnd::Done => match self.take_up(at, &unknown.entry) {
                Ok(superseded) => {
                    end.project(at, unknown.entry, superseded);
                    Ok(())
                }
                Err(error) => {
                    self.unknown = Some(unknown);
                    Err(error)
                }
            },
            PutEnd::Taken(rival) => {
                self.context.discard(&unknown.staged);
                self.project(at, *rival, end)
            }
            PutEnd::Failed(error) => {
                let table = self.context.name();
                // Its files stay for the sweep of the next start, which may find its record in the journal.
                tracing::warn!(%table, log_version = at, %error, "a put of unknown outcome did not happen");
                Ok(())
            }
            PutEnd::Unknown => {
                self.unknown = Some(unknown);
                Err(self.outcome_unknown())
            }
        }
    }

    fn outcome_unknown(&self) -> CommitError {
        CommitError::OutcomeUnknown { dataset: self.context.name().to_owned() }
    }
    fn refuse_lost(&self, lost: Vec<(Item, Arc<StoreError>)>) {
        for (item, source) in lost {
            let dataset = self.context.name().to_owned();
            self.context.refuse(item, CommitError::Store { dataset, source });
        }
    }
    fn refuse_group(&self, group: Group, error: &CommitError) {
        let (direct, prepared) = group.apart();
        self.refuse_all(direct, prepared, error);
    }
    fn refuse_all(&self, direct: Vec<Item>, prepared: Option<Prepared>, error: &CommitError) {
        let prepared = prepared.into_iter().flat_map(|prepared| prepared.dissolve(&self.context));
        direct.into_iter().chain(prepared).for_each(|item| self.context.refuse(item, error.clone()));
    }
}
