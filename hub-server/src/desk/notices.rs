//! Notices: listed, and answered.

use hub_proto::convert::time_to_wire;
use hub_proto::name::Collection;
use hub_proto::v1;

use super::{Desk, Page};
use crate::catalog::Notice;
use crate::error::HubError;
use crate::identity::Principal;
use crate::notices::Said;
use crate::permit::NoticesPermit;

impl Desk {
    /// Notices of the caller's organisation about what it may read now, a page of them.
    pub(crate) async fn list_notices(
        &self,
        caller: &Principal,
        request: v1::ListNoticesRequest,
    ) -> Result<v1::ListNoticesResponse, HubError> {
        let permit = self.notices_permit(caller)?;
        let asked = (request.page_size, request.page_token.as_str());
        let chosen = [permit.reader(), if request.all { "all" } else { "open" }];
        let page = Page::<u64>::open(&self.rooms.seal, "ListNoticesRequest", &chosen, asked)?;
        let fetched = self.rooms.notices.list(&permit, request.all, (page.after, page.fetch())).await?;
        let (notices, next_page_token) = page.close(fetched, |notice| notice.number, to_wire)?;
        Ok(v1::ListNoticesResponse { notices, next_page_token })
    }

    /// Says that a notice was seen, or that the earlier figure stays.
    pub(crate) async fn acknowledge_notice(
        &self,
        caller: &Principal,
        request: v1::AcknowledgeNoticeRequest,
    ) -> Result<v1::AcknowledgeNoticeResponse, HubError> {
        let permit = self.notices_permit(caller)?;
        let id = Collection::Notices.id(&request.name)?;
        let said = Said { pinned: request.pinned, note: request.note };
        let notice = self.rooms.notices.say(&permit, id, &said).await?;
        Ok(v1::AcknowledgeNoticeResponse { notice: Some(to_wire(notice)) })
    }

    fn notices_permit(&self, caller: &Principal) -> Result<NoticesPermit, HubError> {
        let readable: Vec<_> = self.readable(caller)?.into_iter().map(|(_, permit)| permit).collect();
        Ok(self.rooms.identity.notices(caller, &readable)?)
    }
}

fn to_wire(notice: Notice) -> v1::Notice {
    let state = v1::NoticeState::from_str_name(&format!("NOTICE_STATE_{}", notice.state));
    let kind = v1::RevisionChangeKind::from_str_name(&format!("REVISION_CHANGE_KIND_{}", notice.kind));
    v1::Notice {
        name: Collection::Notices.name(&notice.id),
        state: state.unwrap_or_default().into(),
        kind: kind.unwrap_or_default().into(),
        dataset: Collection::Datasets.name(&notice.dataset),
        publisher: Collection::Organisations.name(&notice.publisher),
        period: notice.period,
        taken_version: notice.taken_version,
        taken_revision: notice.taken_revision,
        taken_cursor: notice.taken_place,
        dataset_version: notice.version,
        revision: notice.revision,
        submission: Collection::Submissions.name(&notice.submission),
        commit_time: Some(time_to_wire(notice.committed_at)),
        rows: notice.counts.map(|counts| v1::RowCounts {
            added: counts.inserted,
            removed: counts.deleted,
            changed: counts.updated,
        }),
        columns: notice.columns,
        filter: notice.filter,
        note: notice.note,
        create_time: Some(time_to_wire(notice.made_at)),
        settle_time: notice.settled_at.map(time_to_wire),
    }
}
