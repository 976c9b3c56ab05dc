//! Consumers as the room of notices asks for them: what they may read, and how what they took differs.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hub_datasets::{Pattern, Period};

use crate::catalog::{Pull, RowCounts};
use crate::identity::Identity;
use crate::notices::{Consumers, Held};
use crate::permit::ReadPermit;
use crate::read::{Reads, Taken};

#[derive(Debug)]
pub(super) struct Readers {
    pub(super) identity: Arc<Identity>,
    pub(super) reads: Arc<Reads>,
    pub(super) patterns: Vec<Arc<Pattern>>,
}

impl Consumers for Readers {
    fn permit(&self, organisation: &str, dataset: &str) -> Option<ReadPermit> {
        let pattern = self.patterns.iter().find(|pattern| pattern.id == dataset)?;
        self.identity.reader(organisation, pattern)
    }

    fn held_beside<'a>(
        &'a self,
        permit: &'a ReadPermit,
        pull: &'a Pull,
        report: (&'a str, &'a Period),
        version: u64,
    ) -> BoxFuture<'a, Result<Held, String>> {
        let taken =
            Taken { version: pull.version, columns: pull.columns.clone(), filter: pull.filter.clone() };
        async move {
            match self.reads.diverged(permit, &taken, report, version).await {
                Ok(None) => Ok(Held::NotTaken),
                Ok(Some(diverged)) => {
                    let counts = RowCounts {
                        inserted: diverged.counts.inserted,
                        deleted: diverged.counts.deleted,
                        updated: diverged.counts.updated,
                    };
                    Ok(Held::Taken { revision: diverged.revision, counts })
                }
                Err(error) if error.reason().is_transient() => Err(error.to_string()),
                // A state that is beyond the history, erased or damaged; a filter over a column that is hidden now.
                Err(error) => {
                    tracing::debug!(dataset = pull.dataset, %error, "what was taken cannot be held beside what there is");
                    Ok(Held::Unknown)
                }
            }
        }
        .boxed()
    }
}
