//! `NoticeService`.

use hub_proto::v1::notice_service_server::NoticeService;
use hub_proto::v1::{
    AcknowledgeNoticeRequest, AcknowledgeNoticeResponse, CreateSubscriptionRequest,
    CreateSubscriptionResponse, DeleteSubscriptionRequest, DeleteSubscriptionResponse, ListNoticesRequest,
    ListNoticesResponse, ListSubscriptionsRequest, ListSubscriptionsResponse, RedeliverDeadLettersRequest,
    RedeliverDeadLettersResponse,
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

    async fn create_subscription(
        &self,
        request: Request<CreateSubscriptionRequest>,
    ) -> Result<Response<CreateSubscriptionResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.create_subscription(&caller, request).await)
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_subscriptions(&caller, request).await)
    }

    async fn delete_subscription(
        &self,
        request: Request<DeleteSubscriptionRequest>,
    ) -> Result<Response<DeleteSubscriptionResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.delete_subscription(&caller, request).await)
    }

    async fn redeliver_dead_letters(
        &self,
        request: Request<RedeliverDeadLettersRequest>,
    ) -> Result<Response<RedeliverDeadLettersResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.redeliver_dead_letters(&caller, request).await)
    }
}
