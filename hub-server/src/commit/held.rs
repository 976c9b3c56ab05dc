//! The rows that are current of one publisher and partition, for who compares with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::compute::{filter_record_batch, not};
use arrow::record_batch::RecordBatch;

use super::context::Context;
use super::plan::Superseded;
use super::state::{Current, State};
use super::{CommitError, Commits, rewrite};
use crate::store::Snapshot;
use crate::store::index::DataFile;

/// Rows of a revision. As long as it lives no vacuum takes their files.
#[derive(Debug)]
pub(crate) struct Held {
    context: Arc<Context>,
    current: Arc<Current>,
    period: String,
    files: Vec<Arc<DataFile>>,
    _snapshot: Arc<Snapshot>,
}

/// Looks at a revision; each waits for the open version that the look before met.
const TRIES: usize = 16;

enum Look {
    Found(Held),
    Nothing,
    Open,
}

fn look(context: &Arc<Context>, publisher: &str, partition: &str) -> Look {
    let there = |state: &State| {
        state.current(publisher, partition).filter(|current| !current.slices.is_empty()).cloned()
    };
    let (snapshot, state) = context.held();
    let Some(current) = there(&state) else { return Look::Nothing };
    let mut files: BTreeMap<&str, &Arc<DataFile>> = BTreeMap::new();
    for slice in current.slices.values() {
        let homes = state.homes(slice.seq);
        if homes.is_empty() {
            return Look::Open;
        }
        files.extend(homes.iter().map(|file| (file.path.as_str(), file)));
    }
    let files = files.into_values().map(Arc::clone).collect();
    let Some(period) = state.by_id(&current.submission).map(|made| made.period.clone()) else {
        return Look::Nothing;
    };
    drop(state);
    Look::Found(Held { context: Arc::clone(context), current, period, files, _snapshot: snapshot })
}

/// What made a current revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) submission: String,
    /// As it was sent for.
    pub(crate) period: String,
}

impl Commits {
    /// The current rows of (publisher, partition) of a dataset. None: it has none, or the hub keeps no such dataset.
    pub(crate) async fn held(
        &self,
        dataset: &str,
        publisher: &str,
        partition: &str,
    ) -> Result<Option<Held>, CommitError> {
        let Some(dataset) = self.dataset(dataset) else { return Ok(None) };
        if dataset.context().state().revision(publisher, partition).is_none() {
            return Ok(None);
        }
        for _ in 0..TRIES {
            let context = Arc::clone(dataset.context());
            let (publisher, partition) = (publisher.to_owned(), partition.to_owned());
            let looked = tokio::task::spawn_blocking(move || look(&context, &publisher, &partition)).await;
            match looked.map_err(|_| dataset.outcome_unknown())? {
                Look::Found(held) => return Ok(Some(held)),
                Look::Nothing => return Ok(None),
                // Some rows are in an open version, and in no file yet.
                Look::Open => dataset.readable().await?,
            }
        }
        Err(dataset.outcome_unknown())
    }

    /// The rows of a file that no log names yet, in its order.
    pub(crate) fn staged(
        &self,
        dataset: &str,
        file: &DataFile,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, CommitError>> + use<>, CommitError> {
        let context = Arc::clone(self.known(dataset)?.context());
        let file = Arc::new(file.clone());
        let rows = rewrite::open(&context.files, &file, None)?;
        Ok(rows.map(move |batch| batch.map_err(|error| context.files.unreadable(&file, &error))))
    }

    /// What made the current revision of (publisher, partition), if it has rows.
    pub(crate) fn revision(&self, dataset: &str, publisher: &str, partition: &str) -> Option<Revision> {
        self.dataset(dataset)?.context().state().revision(publisher, partition)
    }

    /// All current revisions of a dataset that have rows: publisher, partition, what made them.
    pub(crate) fn revisions(&self, dataset: &str) -> Vec<(String, String, Revision)> {
        self.dataset(dataset).map(|dataset| dataset.context().state().revisions()).unwrap_or_default()
    }

    /// The last partition of a publisher before another, from `first` on, that has rows.
    pub(crate) fn partition_before(
        &self,
        dataset: &str,
        publisher: &str,
        partition: &str,
        first: &str,
    ) -> Option<String> {
        self.dataset(dataset)?.context().state().before(publisher, partition, first)
    }

    /// The first partition of a publisher behind another, up to `last`, that has rows.
    pub(crate) fn partition_after(
        &self,
        dataset: &str,
        publisher: &str,
        partition: &str,
        last: &str,
    ) -> Option<String> {
        self.dataset(dataset)?.context().state().after(publisher, partition, last)
    }
}

impl Held {
    /// The submission that made the revision.
    pub(crate) fn submission(&self) -> &str {
        &self.current.submission
    }
    /// As the submission was sent for.
    pub(crate) fn period(&self) -> &str {
        &self.period
    }
    /// Its slices, ascending.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &str> {
        self.current.slices.keys().map(String::as_str)
    }

    /// Reads some columns of the rows of some slices, in no order. Blocking.
    pub(crate) fn read(
        &self,
        columns: &[&str],
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&RecordBatch),
    ) -> Result<(), CommitError> {
        let mut rows = Superseded::new();
        for (slice, held) in self.current.slices.iter().filter(|(slice, _)| wanted(slice)) {
            rows.entry(held.seq).or_default().insert(slice.clone());
        }
        let files = &self.context.files;
        let owner = [Some("_seq"), files.slice_column()].into_iter().flatten();
        let mut read: Vec<&str> = columns.iter().copied().chain(owner).collect();
        read.sort_unstable();
        read.dedup();
        for file in self.files.iter().filter(|file| file.seqs.iter().any(|seq| rows.contains_key(seq))) {
            for batch in rewrite::open(files, file, Some(&read))? {
                let batch = batch.map_err(|error| files.unreadable(file, &error))?;
                let others = rewrite::remaining(files, &batch, &rows);
                let own = others.and_then(|others| filter_record_batch(&batch, &not(&others)?));
                let own = own.map_err(|error| files.unreadable(file, &error))?;
                if own.num_rows() > 0 {
                    take(&own);
                }
            }
        }
        Ok(())
    }
}
