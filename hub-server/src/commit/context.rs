//! What the parts of one dataset's committer share.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::DroppedSlice;
use super::files::Files;
use super::open_version::{OpenVersion, OpenVersions};
use super::plan::{Decision, Refusal, Superseded};
use super::queue::{Answer, Item};
use super::state::{Recorded, State};
use super::{CommitError, CommitJob, Committed, JobRows, rewrite};
use crate::store::Snapshot;
use crate::store::index::DataFile;
use crate::store::log::{CommitInfo, SubmissionEntry};

/// Looks at a commit that is being taken up, which takes no time unless the committer was cut off in it.
const HELD_TRIES: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) files: Files,
    state: RwLock<State>,
    open: RwLock<OpenVersions>,
}

impl Context {
    pub(crate) fn new(files: Files, state: State) -> Self {
        Self { files, state: RwLock::new(state), open: RwLock::default() }
    }
    /// Name of the table, `rb28s_v1`.
    pub(crate) fn name(&self) -> &str {
        self.files.table().name()
    }
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        // Only the committer changes the state, and it ends when it panics.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// The state, with a hold on the files that it names: no vacuum takes one of them meanwhile. Blocking.
    pub(crate) fn held(&self) -> (Arc<Snapshot>, RwLockReadGuard<'_, State>) {
        for _ in 0..HELD_TRIES {
            let (snapshot, state) = (self.files.table().snapshot(), self.state());
            // Open versions bring files, and take none away.
            if snapshot.log_version + self.open().len() as u64 == state.log_version() {
                return (snapshot, state);
            }
            // A commit is just being taken up.
            drop(state);
            std::thread::yield_now();
        }
        (self.files.table().snapshot(), self.state())
    }
    pub(crate) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The versions that are in no log yet.
    pub(crate) fn open(&self) -> RwLockReadGuard<'_, OpenVersions> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn open_mut(&self) -> RwLockWriteGuard<'_, OpenVersions> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
    /// Whether an open version holds a submission that a job may stand against.
    pub(crate) fn is_open_for(&self, job: &CommitJob) -> bool {
        self.open().holds(&job.publisher, (!job.excludes).then_some(&job.partition))
    }
    /// Takes the open version out that this commit closed.
    pub(crate) fn take_open(&self, commit: &str) -> Option<OpenVersion> {
        self.open_mut().take(commit)
    }

    /// Reads back what a submission was answered. Blocking.
    pub(crate) fn committed(&self, recorded: &Recorded) -> Result<Committed, CommitError> {
        let found =
            self.open().submission(&recorded.id).map(|(submission, info)| committed(submission, info));
        if let Some(committed) = found {
            return Ok(committed);
        }
        let version = recorded.log_version;
        let entry = self.files.table().read(version).map_err(|error| self.files.store_error(error))?;
        let foreign = |message: String| CommitError::LogForeign { dataset: self.name().to_owned(), message };
        let entry = entry.ok_or_else(|| foreign(format!("version {version} is gone")))?;
        let found = entry.info.submissions.iter().find(|submission| submission.id == recorded.id);
        let found = found.ok_or_else(|| foreign(format!("version {version} lacks {}", recorded.id)))?;
        Ok(committed(found, &entry.info))
    }

    /// Answers a job that the state does not let in, and removes the files that it brought. The
    /// answer may need the disk, so it is made beside the committer.
    pub(crate) fn settle(self: &Arc<Self>, item: Item, decision: Decision) {
        let context = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            context.discard_rows(&item.job.payload);
            let answer = context.answer(&item, decision);
            item.answer(answer);
        });
    }

    /// Refuses a job, and removes the files that it brought. Blocking.
    pub(crate) fn refuse(&self, item: Item, error: CommitError) {
        self.discard_rows(&item.job.payload);
        item.answer(Err(error));
    }

    /// Refuses a job that came after the end.
    pub(crate) fn settle_closed(self: &Arc<Self>, item: Item) {
        let context = Arc::clone(self);
        tokio::task::spawn_blocking(move || context.refuse(item, CommitError::Closed));
    }

    fn answer(&self, item: &Item, decision: Decision) -> Answer {
        match decision {
            Decision::Repeated(earlier) => self.committed(&earlier),
            Decision::Unchanged(earlier) => {
                self.committed(&earlier).map(|committed| Committed { unchanged: true, ..committed })
            }
            Decision::Refused(refusal) => Err(self.refusal(&item.job, refusal)),
            // The committer settles only what it does not take; an accepted job goes into a group.
            Decision::Accepted(_) => Err(CommitError::OutcomeUnknown { dataset: self.name().to_owned() }),
        }
    }

    /// A refusal by the state as its sender hears it. Blocking: rows that would go are counted.
    pub(crate) fn refusal(&self, job: &CommitJob, refusal: Refusal) -> CommitError {
        let (publisher, period) = (job.publisher.clone(), job.period.clone());
        match refusal {
            Refusal::Empty => CommitError::Empty,
            Refusal::Overlaps { other, slices } => {
                CommitError::PeriodOverlaps { publisher, period, other, slices }
            }
            Refusal::NotCurrent { submission } => CommitError::NotCurrent { submission },
            Refusal::RequestIdReused { submission } => {
                CommitError::RequestIdReused { request_id: job.request_id.clone(), submission }
            }
            Refusal::Erased { submission } => CommitError::Erased { submission },
            Refusal::RevisionMoved { seen, current } => {
                CommitError::RevisionMoved { publisher, period, seen, current }
            }
            Refusal::DeletionUnconfirmed { drops, shrinks } => match self.count_drops(drops) {
                Ok(drops) => CommitError::DeletionUnconfirmed { publisher, period, drops, shrinks },
                Err(error) => error,
            },
        }
    }

    fn count_drops(&self, drops: Vec<(i64, String)>) -> Result<Vec<DroppedSlice>, CommitError> {
        let count = |(seq, slice): (i64, String)| {
            let only = Superseded::from([(seq, [slice.clone()].into())]);
            // Held, so that no vacuum takes a home that leaves meanwhile.
            let (_held, homes) = {
                let (held, state) = self.held();
                (held, state.homes(seq).to_vec())
            };
            let rows = homes.iter().map(|home| rewrite::count(&self.files, home, &only));
            Ok(DroppedSlice { slice, rows: rows.sum::<Result<u64, CommitError>>()? })
        };
        drops.into_iter().map(count).collect()
    }

    /// Removes staged files. Blocking.
    pub(crate) fn discard(&self, staged: &[Arc<DataFile>]) {
        staged.iter().for_each(|file| self.files.discard(file));
    }
    /// Removes the files that a job brought and that no commit took.
    pub(crate) fn discard_rows(&self, rows: &JobRows) {
        if let JobRows::Files(files) = rows {
            files.iter().for_each(|file| self.files.discard(file));
        }
    }
}

/// The answer to a submission of a commit.
pub(crate) fn committed(submission: &SubmissionEntry, info: &CommitInfo) -> Committed {
    Committed {
        id: submission.id.clone(),
        revision: submission.revision,
        dataset_version: info.dataset_version,
        rows: submission.rows,
        committed_at: info.committed_at,
        carried: submission.carried.clone(),
        dropped: submission.dropped.clone(),
        receipt: submission.receipt.clone(),
        report: submission.report.clone(),
        unchanged: false,
    }
}
