//! The jobs of one group, decided together: which go, what their commit takes out and brings.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::context::{Context, committed};
use super::files::Encoded;
use super::plan::{Accepted, Decision, Superseded, decide, touched};
use super::prepare::{Prepared, add};
use super::queue::Item;
use super::{CommitError, JobRows};
use crate::store::StoreError;
use crate::store::index::DataFile;
use crate::store::log::{CommitInfo, SubmissionEntry};

/// Jobs that the state lets in, and what their commit takes out and brings.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) direct: Vec<(Item, Accepted)>,
    pub(crate) corrections: Vec<(Item, Accepted)>,
    /// Rewritten files of the corrections; its jobs stand in `corrections`.
    pub(crate) prepared: Option<Prepared>,
    pub(crate) removes: Vec<Arc<DataFile>>,
}

impl Group {
    /// Decides all jobs anew; settles or gives back what cannot go now.
    pub(crate) fn form(
        context: &Arc<Context>,
        direct: Vec<Item>,
        prepared: Option<Prepared>,
        back: &mut Vec<Item>,
    ) -> Self {
        let state = context.state();
        let slice_column = context.files.slice_column();
        let mut group = Self::default();
        for item in direct {
            match decide(&state, &item.job) {
                Decision::Accepted(accepted) => {
                    let mut own = Superseded::new();
                    add(&mut own, accepted.superseded.iter().cloned());
                    let touched = touched(&state, &own, slice_column);
                    if touched.shared.is_empty() {
                        group.removes.extend(touched.whole);
                        group.direct.push((item, accepted));
                    } else {
                        back.push(item);
                    }
                }
                other => context.settle(item, other),
            }
        }
        let Some(mut prepared) = prepared else { return group };
        let mut superseded = Superseded::new();
        for item in prepared.items.drain(..) {
            match decide(&state, &item.job) {
                Decision::Accepted(next) => {
                    add(&mut superseded, next.superseded.iter().cloned());
                    group.corrections.push((item, next));
                }
                other => context.settle(item, other),
            }
        }
        if prepared.fits(&state, &superseded, slice_column) {
            group.removes.extend(prepared.removed.iter().map(Arc::clone));
            group.prepared = Some(prepared);
        } else {
            back.extend(group.corrections.drain(..).map(|(item, _)| item));
            prepared.dissolve(context);
        }
        group
    }

    /// Has the bytes that were sent made durable, without waiting for it.
    pub(crate) fn hurry(&self) {
        // The spool syncs all that it has, so that one asks for all.
        let mut arriving = self.jobs().filter_map(|(item, _)| item.job.arriving.as_ref());
        if let Some(arriving) = arriving.find(|arriving| !arriving.is_over()) {
            Handle::current().block_on(arriving.hurry());
        }
    }

    /// One file per partition with the rows of the small jobs, ordered by publisher. Meanwhile the bytes
    /// that were sent become durable.
    pub(crate) fn encode_rows(&self, context: &Context) -> Result<Vec<Encoded>, CommitError> {
        self.hurry();
        let mut small: BTreeMap<&str, BTreeMap<&str, &[_]>> = BTreeMap::new();
        for (item, _) in self.jobs() {
            if let JobRows::Batches(batches) = &item.job.payload {
                small.entry(&item.job.partition).or_default().insert(&item.job.publisher, batches);
            }
        }
        let mut encoded: Vec<Encoded> = Vec::with_capacity(small.len());
        for (partition, publishers) in small {
            let batches: Vec<_> = publishers.into_values().flatten().collect();
            match context.files.encode(partition, &batches) {
                Ok(file) => encoded.push(file),
                Err(error) => {
                    encoded.iter().for_each(|file| context.files.discard(file.file()));
                    return Err(error);
                }
            }
        }
        Ok(encoded)
    }

    /// Waits until the bytes of all jobs, which are in a [`hurry`](Self::hurry), are durable; takes out the jobs
    /// whose bytes are not, with the error.
    pub(crate) fn take_lost(&mut self) -> Vec<(Item, Arc<StoreError>)> {
        let mut lost = Vec::new();
        let runtime = Handle::current();
        for jobs in [&mut self.direct, &mut self.corrections] {
            for (item, accepted) in std::mem::take(jobs) {
                let arrived =
                    item.job.arriving.as_ref().map_or(Ok(()), |bytes| runtime.block_on(bytes.arrived()));
                match arrived {
                    Ok(()) => jobs.push((item, accepted)),
                    Err(error) => lost.push((item, error)),
                }
            }
        }
        lost
    }

    /// Jobs in the order in which they stand in the commit.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &(Item, Accepted)> {
        self.direct.iter().chain(&self.corrections)
    }
    /// The jobs as they came: those that needed no preparation, and the prepared ones.
    pub(crate) fn apart(self) -> (Vec<Item>, Option<Prepared>) {
        let items = |planned: Vec<(Item, Accepted)>| planned.into_iter().map(|(item, _)| item).collect();
        let corrections = items(self.corrections);
        (items(self.direct), self.prepared.map(|prepared| Prepared { items: corrections, ..prepared }))
    }

    /// Answers without touching files: they may be in the log.
    pub(crate) fn answer_all(self, error: &CommitError) {
        let jobs = self.direct.into_iter().chain(self.corrections);
        jobs.for_each(|(item, _)| item.answer(Err(error.clone())));
    }
    /// Answers that all is done. The submissions stand in the order of the jobs.
    pub(crate) fn acknowledge(self, info: &CommitInfo, submissions: &[SubmissionEntry]) {
        let jobs = self.direct.into_iter().chain(self.corrections);
        for ((item, _), submission) in jobs.zip(submissions) {
            item.answer(Ok(committed(submission, info)));
        }
    }
}
