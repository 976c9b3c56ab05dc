//! Dataset versions as they come.

use futures::StreamExt as _;
use hub_proto::name::Collection;
use hub_proto::v1;

use super::changes::revision_change;
use super::convert::version_ref_of;
use crate::desk::{Answers, Desk, answers};
use crate::error::HubError;
use crate::identity::Principal;
use crate::listen::stopping;
use crate::read::Watched;

impl Desk {
    /// Versions of datasets behind a cursor, then those that come.
    pub(crate) async fn watch_datasets(
        &self,
        caller: &Principal,
        request: v1::WatchDatasetsRequest,
    ) -> Result<Answers<v1::WatchDatasetsResponse>, HubError> {
        let place = self.admission.watch(&caller.organisation)?;
        let mut permits = Vec::new();
        for name in &request.datasets {
            let pattern = self.pattern(Collection::Datasets, name)?;
            permits.push(self.rooms.identity.read(caller, &pattern)?);
        }
        if permits.is_empty() {
            permits.extend(self.readable(caller)?.into_iter().map(|(_, permit)| permit));
        }
        let watch = self.rooms.reads.watch(&permits, &request.cursor).await?;
        // A watcher would hold up the end of a server, and goes on with the next one.
        let watch = watch.take_until(stopping(self.rooms.phase.clone())).boxed();
        Ok(answers(watch, place).map(|told| told.map(message)).boxed())
    }
}

fn message(told: Watched) -> v1::WatchDatasetsResponse {
    let Watched { version, cursor } = told;
    let Some(made) = version else {
        return v1::WatchDatasetsResponse { version: None, revisions: Vec::new(), cursor };
    };
    let version = version_ref_of(&made.dataset, made.version, Some(made.committed_at));
    let revisions = made.revisions.into_iter().map(revision_change).collect();
    v1::WatchDatasetsResponse { version: Some(version), revisions, cursor }
}
