//! `CreateSubmission`.

use hub_proto::v1::{CreateSubmissionRequest, CreateSubmissionResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn create(
    door: &Door,
    request: Request<CreateSubmissionRequest>,
) -> Result<CreateSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let submission = door.create_submission(&caller, request.into_inner()).await?;
    Ok(CreateSubmissionResponse { submission: Some(submission) })
}
