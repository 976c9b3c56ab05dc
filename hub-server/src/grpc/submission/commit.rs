//! `CommitSubmission`.

use hub_proto::v1::{CommitSubmissionRequest, CommitSubmissionResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn commit(
    door: &Door,
    request: Request<CommitSubmissionRequest>,
) -> Result<CommitSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    door.commit_submission(&caller, request.into_inner()).await
}
