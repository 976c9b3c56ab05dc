//! The revisions behind an answer: who reported what its rows may come from.

use super::statements::Seen;
use std::collections::HashSet;

use super::states::{States, TableState};
use super::{Asked, ReadError, Reads, VersionRef, organisations};
use crate::permit::ReadPermit;
use crate::query::{Asking, RowFormat, TableView};
use crate::store::SeqInfo;

/// What stands behind an answer.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) versions: Vec<VersionRef>,
    /// The same as states, after those that were asked for.
    pub(crate) states: Vec<TableState>,
    /// By dataset, publisher, period and number.
    pub(crate) revisions: Vec<Revision>,
}

/// A submission of a dataset that may have rows in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revision {
    pub(crate) dataset: String,
    pub(crate) submission: SeqInfo,
}

impl Revision {
    /// By what revisions are in order.
    pub(crate) fn key(&self) -> (String, String, String, u64) {
        let SeqInfo { publisher, partition, revision, .. } = &self.submission;
        (self.dataset.clone(), publisher.clone(), partition.clone(), *revision)
    }
}

impl Reads {
    /// The revisions from which a statement's rows may come: those of the data files that it would read, as far as the
    /// permits show them, and as far as its filters on the publisher let them. Never too few.
    pub(crate) async fn behind(
        &self,
        permits: &[ReadPermit],
        sql: &str,
        states: States,
    ) -> Result<Behind, ReadError> {
        states.check(permits, &self.lists)?;
        let asked = Asked { sql: sql.to_owned(), parameters: None };
        let mut seen = self.seen(permits, &asked.sql, |dataset| states.of(dataset)).await?;
        let with = self.with(&mut seen).await?;
        let Seen { begun, views, others, .. } = seen;
        let asking = Asking {
            sql: &asked.sql,
            parameters: None,
            format: RowFormat::Arrow,
            views: views.clone(),
            others,
            with: with.map(|batch| (organisations::TABLE, batch)),
        };
        let behind = self.statements.behind(begun, asking).await?;
        let (mut versions, mut revisions) = (Vec::new(), Vec::new());
        for (view, seqs) in views.iter().zip(behind) {
            versions.push(self.version_ref(view));
            revisions.extend(seqs.into_iter().filter_map(|seq| revision(view, seq)));
        }
        revisions.sort_by_cached_key(Revision::key);
        let mut named = states.named;
        named.extend(versions.iter().map(TableState::of_dataset));
        // Those that were asked for stand there twice.
        let mut known = HashSet::new();
        named.retain(|state| known.insert(state.to_string()));
        Ok(Behind { versions, states: named, revisions })
    }
}

fn revision(view: &TableView, seq: i64) -> Option<Revision> {
    let submission = view.snapshot.submissions.get(seq)?;
    Some(Revision { dataset: view.pattern.id.clone(), submission: submission.clone() })
}
