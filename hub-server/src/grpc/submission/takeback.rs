//! `WithdrawSubmission` and `RevertSubmission`.

use hub_proto::v1::{
    RevertSubmissionRequest, RevertSubmissionResponse, WithdrawSubmissionRequest, WithdrawSubmissionResponse,
};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn withdraw(
    door: &Door,
    request: Request<WithdrawSubmissionRequest>,
) -> Result<WithdrawSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    door.withdraw_submission(&caller, request.into_inner()).await
}

pub(super) async fn revert(
    door: &Door,
    request: Request<RevertSubmissionRequest>,
) -> Result<RevertSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let verdict = door.revert_submission(&caller, request.into_inner()).await?;
    Ok(RevertSubmissionResponse {
        submission: verdict.submission,
        report: verdict.report,
        receipt: verdict.receipt,
        unchanged: verdict.unchanged,
    })
}
