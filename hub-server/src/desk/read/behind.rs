//! The revisions behind an answer.

use hub_proto::convert::time_to_wire;
use hub_proto::name::Collection;
use hub_proto::v1::{ListRevisionsBehindRequest, ListRevisionsBehindResponse, RevisionBehind};

use super::convert::{self, version_ref};
use crate::desk::{Desk, Page};
use crate::error::HubError;
use crate::identity::Principal;
use crate::read::{Revision, States};
use crate::store::AsOf;

/// What a list of revisions stands on, and a place in it.
type Place = (Vec<String>, (String, String, String, u64));

impl Desk {
    /// A page of the revisions that a statement's rows may come from.
    pub(crate) async fn list_revisions_behind(
        &self,
        caller: &Principal,
        request: ListRevisionsBehindRequest,
    ) -> Result<ListRevisionsBehindResponse, HubError> {
        let _place = self.admission.read(&caller.organisation)?;
        let at = request.at.join(",");
        let chosen = [caller.organisation.as_str(), &request.sql, &at];
        let asked = (request.page_size, request.page_token.as_str());
        let page: Page<'_, Place> =
            Page::open(&self.rooms.seal, "ListRevisionsBehindRequest", &chosen, asked)?;
        // Later pages stand on what the first one stood on.
        let named = match &page.after {
            Some((states, _)) => convert::states(states)?,
            None => convert::states(&request.at)?,
        };
        let states = States { as_of: AsOf::Latest, named };
        let permits: Vec<_> = self.readable(caller)?.into_iter().map(|(_, permit)| permit).collect();
        let behind = self.rooms.reads.behind(&permits, &request.sql, states).await?;
        let states: Vec<String> = behind.states.iter().map(ToString::to_string).collect();
        let place = |revision: &Revision| (states.clone(), revision.key());
        let (revisions, next_page_token) = page.of(behind.revisions, place, to_wire)?;
        let versions = behind.versions.into_iter().map(version_ref).collect();
        Ok(ListRevisionsBehindResponse { revisions, next_page_token, versions })
    }
}

fn to_wire(Revision { dataset, submission }: Revision) -> RevisionBehind {
    RevisionBehind {
        dataset: Collection::Datasets.name(&dataset),
        submission: Collection::Submissions.name(&submission.submission),
        publisher: Collection::Organisations.name(&submission.publisher),
        period: submission.partition,
        revision: submission.revision,
        commit_time: Some(time_to_wire(submission.committed_at)),
    }
}
