//! What changed in a dataset behind a cursor.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use hub_proto::convert::time_to_wire;
use hub_proto::name::Collection;
use hub_proto::v1;

use super::convert::{format_from_wire, version_ref_of};
use crate::desk::{Answers, Desk, answers};
use crate::error::HubError;
use crate::identity::Principal;
use crate::notices::{Notices, Took};
use crate::permit::ReadPermit;
use crate::query::RowChunk;
use crate::read::{Chunks, ReadError, SinceRequest};
use crate::store::{Revised, RevisedBy};

/// A page of changes: what it covers, and its rows.
pub(crate) struct Changed {
    pub(crate) page: v1::ChangesPage,
    pub(crate) last: v1::DatasetVersionRef,
    pub(crate) rows: Answers<RowChunk>,
}

impl Desk {
    /// A page of what changed behind a cursor.
    pub(crate) async fn list_changes(
        &self,
        caller: &Principal,
        request: v1::ListChangesRequest,
    ) -> Result<Changed, HubError> {
        let place = self.admission.read(&caller.organisation)?;
        let pattern = self.pattern(Collection::Datasets, &request.dataset)?;
        let permit = self.rooms.identity.read(caller, &pattern)?;
        let asked = SinceRequest {
            cursor: request.cursor,
            columns: request.columns,
            filter: (!request.filter.trim().is_empty()).then_some(request.filter),
            format: format_from_wire("ListChangesRequest", request.format)?,
            values_only: request.values_only,
        };
        let filter = asked.filter.clone().unwrap_or_default();
        let found = self.rooms.reads.changes_since(&permit, asked).await?;
        let took = Took {
            columns: found.columns.clone(),
            filter,
            since: Some(found.since_version),
            cursor: found.cursor.clone(),
        };
        let page = v1::ChangesPage {
            since_version: found.since_version,
            last_version: found.cursor.version,
            next_cursor: found.cursor.to_string(),
            more: found.more,
            revisions: found.revisions.into_iter().map(revision_change).collect(),
        };
        let last = version_ref_of(&pattern.id, page.last_version, found.committed_at);
        let rows = answers(noted(found.chunks, Arc::clone(&self.rooms.notices), (permit, took)), place);
        Ok(Changed { page, last, rows })
    }
}

/// A page that was taken whole brings what its reader has forward: that is noted before its last piece leaves.
fn noted(
    chunks: Chunks,
    notices: Arc<Notices>,
    (permit, took): (ReadPermit, Took),
) -> BoxStream<'static, Result<RowChunk, HubError>> {
    let noted = Arc::new((notices, permit, took));
    let each = move |chunk: Result<RowChunk, ReadError>| {
        let noted = Arc::clone(&noted);
        async move {
            let (chunk, (notices, permit, took)) = (chunk?, noted.as_ref());
            if chunk.complete {
                notices.took(permit, took).await?;
            }
            Ok(chunk)
        }
    };
    chunks.then(each).boxed()
}

pub(super) fn revision_change(revised: Revised) -> v1::RevisionChange {
    use v1::RevisionChangeKind as Kind;
    let kind = match revised.by {
        RevisedBy::Addition => Kind::Added,
        RevisedBy::Correction => Kind::Corrected,
        RevisedBy::Withdrawal => Kind::Withdrawn,
        RevisedBy::Erasure => Kind::Erased,
    };
    v1::RevisionChange {
        kind: kind.into(),
        submission: Collection::Submissions.name(&revised.submission),
        publisher: Collection::Organisations.name(&revised.publisher),
        period: revised.period,
        revision: revised.revision,
        dataset_version: revised.version,
        commit_time: Some(time_to_wire(revised.committed_at)),
        withdraws: revised.withdraws.map(|id| Collection::Submissions.name(&id)).unwrap_or_default(),
    }
}
