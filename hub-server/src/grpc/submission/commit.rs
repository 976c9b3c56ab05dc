//! `CommitSubmission`.

use std::sync::Arc;

use hub_proto::v1::{CommitSubmissionRequest, CommitSubmissionResponse};
use tonic::Request;
use tracing::Instrument as _;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn commit(
    door: &Door,
    request: Request<CommitSubmissionRequest>,
) -> Result<CommitSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let place = door.admission.push(&caller.organisation)?;
    let permit = door.rooms.identity.submissions(&caller)?;
    let request = request.into_inner();
    let id = convert::submission_id(&request.submission)?.to_owned();
    let options = convert::commit_options(request.options)?;
    let intake = Arc::clone(&door.rooms.intake);
    let verdict = to_the_end(async move {
        let _place = place;
        intake.commit(&permit, &id, options).await
    });
    Ok(convert::verdict(verdict.await?))
}

/// Runs work in a task of its own: a caller that leaves does not stop it half-way.
pub(super) async fn to_the_end<T: Send + 'static, E: Into<HubError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, HubError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(HubError::fault(format!("the task of a call ended: {error}"))),
    }
}
