//! `SubmissionService`.

mod changes;
mod commit;
mod create;
mod list;
mod payload;
mod push;
mod show;
mod stream;
mod takeback;
mod upload;
mod validate;

use hub_proto::v1::submission_service_server::SubmissionService;
use hub_proto::v1::{
    AbandonSubmissionRequest, AbandonSubmissionResponse, CommitSubmissionRequest, CommitSubmissionResponse,
    CreateSubmissionRequest, CreateSubmissionResponse, DiffRevisionsRequest, DiffRevisionsResponse,
    GetReceiptKeysRequest, GetReceiptKeysResponse, GetReceiptRequest, GetReceiptResponse, GetReportRequest,
    GetReportResponse, GetSubmissionRequest, GetSubmissionResponse, ListSubmissionsRequest,
    ListSubmissionsResponse, PushSubmissionRequest, PushSubmissionResponse, ReadPayloadRequest,
    ReadPayloadResponse, RevertSubmissionRequest, RevertSubmissionResponse, UploadPayloadRequest,
    UploadPayloadResponse, ValidatePayloadRequest, ValidatePayloadResponse, WithdrawSubmissionRequest,
    WithdrawSubmissionResponse,
};
use tonic::{Request, Response, Status, Streaming};

use super::answers::Answers;
use super::{Door, answer};
use crate::desk::convert;

/// The service's methods, each in the file of its group.
#[derive(Debug, Clone)]
pub(super) struct Submissions(pub(super) Door);

#[tonic::async_trait]
impl SubmissionService for Submissions {
    async fn create_submission(
        &self,
        request: Request<CreateSubmissionRequest>,
    ) -> Result<Response<CreateSubmissionResponse>, Status> {
        answer(create::create(&self.0, request).await)
    }

    async fn upload_payload(
        &self,
        request: Request<Streaming<UploadPayloadRequest>>,
    ) -> Result<Response<UploadPayloadResponse>, Status> {
        answer(upload::upload(&self.0, request).await)
    }

    async fn commit_submission(
        &self,
        request: Request<CommitSubmissionRequest>,
    ) -> Result<Response<CommitSubmissionResponse>, Status> {
        answer(commit::commit(&self.0, request).await)
    }

    async fn push_submission(
        &self,
        request: Request<Streaming<PushSubmissionRequest>>,
    ) -> Result<Response<PushSubmissionResponse>, Status> {
        answer(push::push(&self.0, request).await)
    }

    async fn validate_payload(
        &self,
        request: Request<Streaming<ValidatePayloadRequest>>,
    ) -> Result<Response<ValidatePayloadResponse>, Status> {
        answer(validate::validate(&self.0, request).await)
    }

    async fn get_submission(
        &self,
        request: Request<GetSubmissionRequest>,
    ) -> Result<Response<GetSubmissionResponse>, Status> {
        answer(show::get(&self.0, request).await)
    }

    async fn list_submissions(
        &self,
        request: Request<ListSubmissionsRequest>,
    ) -> Result<Response<ListSubmissionsResponse>, Status> {
        answer(list::list(&self.0, request).await)
    }

    async fn abandon_submission(
        &self,
        request: Request<AbandonSubmissionRequest>,
    ) -> Result<Response<AbandonSubmissionResponse>, Status> {
        answer(show::abandon(&self.0, request).await)
    }

    async fn withdraw_submission(
        &self,
        request: Request<WithdrawSubmissionRequest>,
    ) -> Result<Response<WithdrawSubmissionResponse>, Status> {
        answer(takeback::withdraw(&self.0, request).await)
    }

    async fn revert_submission(
        &self,
        request: Request<RevertSubmissionRequest>,
    ) -> Result<Response<RevertSubmissionResponse>, Status> {
        answer(takeback::revert(&self.0, request).await)
    }

    type DiffRevisionsStream = Answers<DiffRevisionsResponse>;

    async fn diff_revisions(
        &self,
        request: Request<DiffRevisionsRequest>,
    ) -> Result<Response<Self::DiffRevisionsStream>, Status> {
        answer(changes::diff(&self.0, request).await)
    }

    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportResponse>, Status> {
        answer(show::report(&self.0, request).await)
    }

    async fn get_receipt(
        &self,
        request: Request<GetReceiptRequest>,
    ) -> Result<Response<GetReceiptResponse>, Status> {
        answer(show::receipt(&self.0, request).await)
    }

    async fn get_receipt_keys(
        &self,
        _request: Request<GetReceiptKeysRequest>,
    ) -> Result<Response<GetReceiptKeysResponse>, Status> {
        Ok(Response::new(show::receipt_keys(&self.0)))
    }

    type ReadPayloadStream = Answers<ReadPayloadResponse>;

    async fn read_payload(
        &self,
        request: Request<ReadPayloadRequest>,
    ) -> Result<Response<Self::ReadPayloadStream>, Status> {
        answer(payload::read(&self.0, request).await)
    }
}
