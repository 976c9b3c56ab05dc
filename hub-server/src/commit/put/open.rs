//! Filling and closing the open version: small submissions that only add rows are acknowledged by one
//! sync of their record, and share file and log version with those that come soon after.

use std::sync::Arc;

use tokio::time::Instant;

use super::{GroupEnd, PutEnd, Putter, Unknown, apart};
use crate::commit::CommitError;
use crate::commit::entry::submission_entry;
use crate::commit::files::Encoded;
use crate::commit::group::Group;
use crate::commit::open_version::{Joining, OpenVersion, is_light, partitions, rows_of};
use crate::commit::plan::{Decision, Refusal, decide};
use crate::commit::queue::Item;
use crate::commit::receipt::Stamp;
use crate::commit::state::CommitFacts;
use crate::config::limits::OPEN_VERSION_ROWS;
use crate::fault;
use crate::store::StoreError;
use crate::store::journal::{AheadRecord, PutFault};
use crate::store::log::{CommitInfo, Entry};

impl Putter {
    /// Takes jobs into the open version; gives back those that need a log version of their own. Blocking.
    pub(super) fn fill(&mut self, items: Vec<Item>, end: &mut GroupEnd) -> Vec<Item> {
        if self.window.is_zero() {
            return items;
        }
        let (group, rest) = self.light(items);
        let rows: usize = group.jobs().map(|(item, _)| item.job.rows as usize).sum();
        if group.jobs().next().is_none() || rows > OPEN_VERSION_ROWS {
            return group.apart().0.into_iter().chain(rest).collect();
        }
        let held = self.context.open().as_ref().map_or(0, |open| open.count);
        if held + rows > OPEN_VERSION_ROWS
            && let Err(error) = self.close(end)
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
            let joins =
                is_light(&item) && !self.context.is_open_for(&item.job.publisher, &item.job.partition);
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
        let record = joining.record(&self.context.files.layout().schema);
        let lost = group.take_lost();
        if !lost.is_empty() {
            self.refuse_lost(lost);
            end.back.extend(group.apart().0);
            return;
        }
        let appended = match record {
            Ok(AheadRecord { head, rows }) => self.ahead.append(&head, &rows),
            Err(message) => {
                let file = self.context.name().to_owned();
                Err(PutFault::NotDone(StoreError::Encode { file, message }))
            }
        };
        match appended {
            Ok(()) => {
                let info = self.take_ahead(joining);
                fault::point("ahead.taken");
                group.acknowledge(&info);
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
        let mut info = match self.context.open().as_ref() {
            Some(open) => open.info.bare(),
            None => self.info("WRITE", self.context.files.table().snapshot().dataset_version + 1),
        };
        let (dataset, dataset_version) = (self.context.name(), info.dataset_version);
        let stamp = Stamp { hub: &self.hub, dataset, dataset_version, committed_at: info.committed_at };
        let submissions = group.jobs().map(|(item, accepted)| submission_entry(stamp, &item.job, accepted));
        let rows = |message: String| CommitError::Rows { dataset: dataset.to_owned(), message };
        info.submissions = submissions.collect::<Result<_, _>>().map_err(|error| rows(error.to_string()))?;
        Ok(Joining { info, rows: group.jobs().map(|(item, _)| rows_of(item)).collect() })
    }

    /// Takes a durable record into state and open version. Gives the commit with the submissions of the record.
    fn take_ahead(&self, joining: Joining) -> CommitInfo {
        let log_version = self.context.files.table().snapshot().log_version + 1;
        let info = joining.info.clone();
        let (committed_at, submissions) = (info.committed_at, info.submissions.as_slice());
        let facts = CommitFacts { log_version, committed_at, submissions, erasure: None };
        let superseded = self.context.state_mut().apply(facts);
        let mut open = self.context.open_mut();
        let due = Instant::now() + self.window;
        let open = open.get_or_insert_with(|| OpenVersion::new(log_version, &info, due));
        open.superseded.extend(superseded);
        open.take(joining);
        info
    }

    /// Makes the open version readable: encodes its rows and puts its log version. Nothing else is put
    /// before. Blocking.
    pub(crate) fn close(&mut self, end: &mut GroupEnd) -> Result<(), CommitError> {
        self.find_out(end)?;
        self.ahead.cut().map_err(|error| self.context.files.store_error(error))?;
        let Some((log_version, info)) = self.context.open().as_ref().map(|o| (o.log_version, o.info.clone()))
        else {
            return Ok(());
        };
        let (held, staged) = apart(self.encode_open()?);
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

    fn encode_open(&self) -> Result<Vec<Encoded>, CommitError> {
        let open = self.context.open();
        let Some(open) = open.as_ref() else { return Ok(Vec::new()) };
        let mut encoded: Vec<Encoded> = Vec::new();
        for (partition, batches) in partitions(&open.rows) {
            if batches.is_empty() {
                continue;
            }
            match self.context.files.encode(partition, &batches) {
                Ok(file) => encoded.push(file),
                Err(error) => {
                    encoded.iter().for_each(|file| self.context.files.discard(file.file()));
                    return Err(error);
                }
            }
        }
        Ok(encoded)
    }

    /// Takes up what an earlier run acknowledged and did not close. Blocking.
    pub(crate) fn recover(&mut self, records: &[AheadRecord], end: &mut GroupEnd) -> Result<(), CommitError> {
        let schema = Arc::clone(&self.context.files.layout().schema);
        for record in records {
            let corrupt = |message: String| {
                let file = format!("journal/{}.ahead", self.context.name());
                self.context.files.store_error(StoreError::Corrupt { file, message })
            };
            let joining = Joining::parse(record, &schema).map_err(corrupt)?;
            let known = |id: &str| self.context.state().by_id(id).is_some();
            if joining.info.submissions.iter().all(|submission| known(&submission.id)) {
                continue;
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
