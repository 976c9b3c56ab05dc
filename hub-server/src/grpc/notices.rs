//! `NoticeService`.

use hub_proto::v1::notice_service_server::NoticeService;
use hub_proto::v1::{
    AcknowledgeNoticeRequest, AcknowledgeNoticeResponse, ListNoticesRequest, ListNoticesResponse,
};
use tonic::{Request, Response, Status};

use super::{Door, answer};

/// The service's methods; the desk says what each means.
#[derive(Debug, Clone)]
pub(super) struct NoticeDoor(pub(super) Door);

#[tonic::async_trait]
impl NoticeService for NoticeDoor {
    async fn list_notices(
        &self,
        request: Request<ListNoticesRequest>,
    ) -> Result<Response<ListNoticesResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_notices(&caller, request).await)
    }

    async fn acknowledge_notice(
        &self,
        request: Request<AcknowledgeNoticeRequest>,
    ) -> Result<Response<AcknowledgeNoticeResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.acknowledge_notice(&caller, request).await)
    }
}
