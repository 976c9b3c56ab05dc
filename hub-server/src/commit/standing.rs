//! What stands already of what a payload sends.

use std::sync::Arc;

use hub_datasets::check::standing::SliceFacts;

use super::Commits;
use super::state::Recorded;

/// A slice that is replaced: its name, as it stands, as it is sent.
pub(crate) type Replaced<'a> = (&'a str, SliceFacts, SliceFacts);

impl Commits {
    /// The current slices of (publisher, partition) that would have fewer rows than now, or another version than the
    /// largest so far.
    pub(crate) fn replaced<'a>(
        &self,
        dataset: &str,
        publisher: &str,
        partition: &str,
        sent: impl Iterator<Item = (&'a str, SliceFacts)>,
    ) -> Vec<Replaced<'a>> {
        let Some(current) = self.current(dataset, publisher, partition) else { return Vec::new() };
        let beside = |(slice, sent): (&'a str, SliceFacts)| {
            let stands = current.slices.get(slice)?.facts?;
            let tells = stands.rows > sent.rows || stands.version != sent.version;
            tells.then_some((slice, stands, sent))
        };
        sent.filter_map(beside).collect()
    }

    /// The id of the submission of which all these slices are current, if it brought these bytes. `sha256`: in hex.
    pub(crate) fn submission_of(
        &self,
        (dataset, publisher, partition): (&str, &str, &str),
        slices: &[String],
        sha256: &str,
    ) -> Option<String> {
        let current = self.current(dataset, publisher, partition)?;
        let made = |slice: &String| current.slices.get(slice).filter(|held| held.sha256 == sha256);
        let first = &made(slices.first()?)?.submission;
        let is_of_it = |slice| made(slice).is_some_and(|held| held.submission == *first);
        slices.iter().all(is_of_it).then(|| first.clone())
    }

    /// The last submission to a dataset that brought these bytes and was not taken back. `sha256`: in hex.
    pub(crate) fn same_bytes(&self, dataset: &str, sha256: &str) -> Option<Arc<Recorded>> {
        self.dataset(dataset)?.context().state().by_bytes(sha256).cloned()
    }
}
