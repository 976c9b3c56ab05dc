//! Filling and closing the open version: small submissions that only add rows are acknowledged by one
//! sync of their record, and share file and log version with those that come soon after.

use std::sync::Arc;

use tokio::time::Instant;

use super::encoding::{Encoding, encode};
use super::{GroupEnd, PutEnd, Putter, Unknown, apart};
use crate::commit::CommitError;
use crate::commit::entry::submission_entry;
use crate::commit::files::Encoded;
use crate::commit::group::Group;
use crate::commit::open_version::{Joining, OpenVersion, rows_of};
use crate::commit::plan::{Decision, Refusal, decide};
use crate::commit::queue::Item;
use crate::commit::receipt::Stamp;
use crate::commit::state::CommitFacts;
use crate::fault;
use crate::store::journal::{AheadRecord, PutFault};
use crate::store::log::Entry;
use crate::store::{Snapshot, StoreError};

impl Putter {
    /// Takes jobs into the open version; gives back those that need a log version of their own. Blocking.
    pub(super) fn fill(&mut self, items: Vec<Item>, end: &mut GroupEnd) -> Vec<Item> {
        if self.window.is_zero() {
            return items;
        }
        let (group, rest) = self.light(items);
        let rows: usize = group.jobs().map(|(item, _)| item.job.rows as usize).sum();
        if group.jobs().next().is_none() || rows > self.bound {
            return group.apart().0.into_iter().chain(rest).collect();
        }
        let held = self.context.open().filling().map_or(0, |open| open.count);
        if held + rows > self.bound
            && let Err(error) = self.begin_next(end)
        {
            self.refuse_group(group, &error);
            return rest;
        }
        self.join(group, end);
        rest
    }

    /// The jobs that only add rows, and those that do more. What the state does not let in is settled.
    fn light(&self, items: Vec<Item>) -> (Group, Vec<Item>) {
        let (mut group, mut rest) = (Group::default(), Vec::new());
        let state = self.context.state();
        for item in items {
            let joins = item.rows.is_some() && !self.context.is_open_for(&item.job);
            match decide(&state, &item.job) {
                Decision::Accepted(accepted) if joins && accepted.superseded.is_empty() => {
                    group.direct.push((item, accepted));
                }
                // What a deletion would drop is counted in files.
                Decision::Accepted(_) | Decision::Refused(Refusal::DeletionUnconfirmed { .. }) => {
                    rest.push(item)
                }
                other => self.context.settle(item, other),
            }
        }
        (group, rest)
    }

    fn join(&mut self, mut group: Group, end: &mut GroupEnd) {
        group.hurry();
        let joining = match self.joining(&group) {
            Ok(joining) => joining,
            Err(error) => return self.refuse_group(group, &error),
        };
        let head = joining.head();
        let lost = group.take_lost();
        if !lost.is_empty() {
            self.refuse_lost(lost);
            end.back.extend(group.apart().0);
            return;
        }
        let appended = match head {
            Ok(head) => {
                let rows: Vec<&[u8]> = group.jobs().filter_map(|(item, _)| item.rows.as_deref()).collect();
                self.ahead.append(&head, &rows)
            }
            Err(message) => {
                let file = self.context.name().to_owned();
                Err(PutFault::NotDone(StoreError::Encode { file, message }))
            }
        };
        match appended {
            Ok(()) => {
                let first = self.take_ahead(joining);
                fault::point("ahead.taken");
                if let Some(open) = self.context.open().filling() {
                    group.acknowledge(&open.info, &open.info.submissions[first..]);
                }
            }
            Err(PutFault::NotDone(error)) => {
                let error = self.context.files.store_error(error);
                self.refuse_group(group, &error);
            }
            Err(PutFault::Unknown(error)) => {
                let table = self.context.name();
                tracing::error!(%table, %error, "the outcome of a record ahead of the log is unknown");
                group.answer_all(&self.outcome_unknown());
            }
        }
    }

    fn joining(&self, group: &Group) -> Result<Joining, CommitError> {
        let filling = self.context.open().filling().map(|open| open.info.bare());
        let mut info = match filling {
            Some(info) => info,
            None => self.info("WRITE", self.after_open(|snapshot| snapshot.dataset_version)),
        };
        let (dataset, dataset_version) = (self.context.name(), info.dataset_version);
        let stamp = Stamp { hub: &self.hub, dataset, dataset_version, committed_at: info.committed_at };
        let submissions = group.jobs().map(|(item, accepted)| submission_entry(stamp, item, accepted));
        let rows = |message: String| CommitError::Rows { dataset: dataset.to_owned(), message };
        info.submissions = submissions.collect::<Result<_, _>>().map_err(|error| rows(error.to_string()))?;
        Ok(Joining { info, rows: group.jobs().map(|(item, _)| rows_of(item)).collect() })
    }

    /// Takes a durable record into state and open version. Gives the place of its first submission there.
    fn take_ahead(&self, joining: Joining) -> usize {
        let filling = self.context.open().filling().map(|open| open.log_version);
        let log_version = filling.unwrap_or_else(|| self.after_open(|snapshot| snapshot.log_version));
        let facts = CommitFacts {
            log_version,
            committed_at: joining.info.committed_at,
            submissions: &joining.info.submissions,
            erasure: None,
        };
        let superseded = self.context.state_mut().apply(facts);
        let mut open = self.context.open_mut();
        let due = Instant::now() + self.window;
        let open = open.fill(|| OpenVersion::new(log_version, &joining.info, due));
        open.superseded.extend(superseded);
        let first = open.info.submissions.len();
        open.take(joining);
        first
    }

    /// A version of a snapshot, counted on behind the versions that are open. Each of them becomes one.
    fn after_open(&self, of: impl FnOnce(&Snapshot) -> u64) -> u64 {
        of(&self.context.files.table().snapshot()) + self.context.open().len() as u64 + 1
    }

    /// The version that is being filled is full: it is encoded beside the next one. Blocking until the one
    /// before it is in the log.
    fn begin_next(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        self.ready_to_close(end)?;
        if self.context.open().first().is_some_and(|open| open.full) {
            self.close_first(end)?;
        }
        if let Some(open) = self.context.open_mut().filling_mut() {
            open.full = true;
            self.encoding = Some(Encoding::begin(&self.context, open));
        }
        Ok(())
    }

    /// Makes all open versions readable: encodes their rows and puts their log versions. Nothing else is put
    /// before. Blocking.
    pub(crate) fn close(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        self.ready_to_close(end)?;
        while !self.context.open().is_empty() {
            self.close_first(end)?;
        }
        Ok(())
    }

    fn ready_to_close(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        self.find_out(end)?;
        self.ahead.cut().map_err(|error| self.context.files.store_error(error))
    }

    /// Puts the first of the open versions into the log. Blocking.
    fn close_first(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        let first = self.context.open().first().map(|open| (open.log_version, open.info.clone()));
        let Some((log_version, info)) = first else { return Ok(()) };
        let (held, staged) = apart(self.encoded(&info.commit)?);
        let entry = Entry { info, definition: None, removes: Vec::new(), adds: staged.clone() };
        fault::point("close.put.before");
        let put = self.put(log_version, &entry, &held);
        fault::point("close.put.after");
        match put {
            PutEnd::Done => match self.take_up(log_version, &entry) {
                Ok(superseded) => {
                    end.project(log_version, entry, superseded);
                    Ok(())
                }
                Err(error) => {
                    self.unknown = Some(Unknown { log_version, entry, held, staged });
                    Err(error)
                }
            },
            PutEnd::Taken(_) => {
                self.context.discard(&staged);
                let message = format!("version {log_version} is another program's; restart the hub");
                Err(CommitError::LogForeign { dataset: self.context.name().to_owned(), message })
            }
            PutEnd::Failed(error) => {
                self.context.discard(&staged);
                Err(self.context.files.store_error(error))
            }
            PutEnd::Unknown => {
                self.unknown = Some(Unknown { log_version, entry, held, staged });
                Err(self.outcome_unknown())
            }
        }
    }

    /// Leaves nothing in the journal that the log has, at an orderly end. Blocking.
    pub(crate) fn end(&mut self) -> Result<(), CommitError> {
        if !self.context.open().is_empty() || self.unknown.is_some() {
            return Ok(());
        }
        self.ahead.clear().map_err(|error| self.context.files.store_error(error))
    }

    /// The files of the first open version. Blocking.
    fn encoded(&mut self, commit: &str) -> Result<Vec<Encoded>, CommitError> {
        let begun = self.encoding.take_if(|encoding| encoding.is_of(commit));
        if let Some(encoded) = begun.and_then(Encoding::end) {
            return encoded;
        }
        let rows = self.context.open().first().map(|open| open.rows.clone());
        encode(&self.context, &rows.unwrap_or_default(), None)
    }

    /// Takes up what an earlier run acknowledged and did not close. Blocking.
    pub(crate) fn recover(&mut self, records: &[AheadRecord], end: &mut GroupEnd) -> Result<(), CommitError> {
        let context = Arc::clone(&self.context);
        let schema = Arc::clone(&context.files.layout().schema);
        for record in records {
            let corrupt = |message: String| {
                let file = format!("journal/{}.ahead", context.name());
                context.files.store_error(StoreError::Corrupt { file, message })
            };
            let joining = Joining::parse(record, &schema).map_err(corrupt)?;
            let known = |id: &str| self.context.state().by_id(id).is_some();
            if joining.info.submissions.iter().all(|submission| known(&submission.id)) {
                continue;
            }
            let is_filling = |open: &OpenVersion| open.info.dataset_version == joining.info.dataset_version;
            if !self.context.open().filling().is_some_and(is_filling) {
                self.close(end)?;
            }
            let next = self.context.files.table().snapshot().dataset_version + 1;
            if joining.info.dataset_version != next {
                let version = joining.info.dataset_version;
                return Err(corrupt(format!(
                    "it holds acknowledged submissions of dataset version {version}, and the log goes on with {next}; \
                     restore the data folder from a backup"
                )));
            }
            tracing::warn!(table = %self.context.name(), submissions = joining.info.submissions.len(), "taken into the log from the journal");
            self.take_ahead(joining);
        }
        self.close(end)?;
        self.ahead.clear().map_err(|error| self.context.files.store_error(error))
    }
}
