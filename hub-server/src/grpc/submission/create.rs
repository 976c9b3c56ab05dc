//! `CreateSubmission`.

use hub_proto::name::Collection;
use hub_proto::v1::{CreateSubmissionRequest, CreateSubmissionResponse};
use tonic::Request;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;
use crate::identity::Principal;
use crate::intake::NewSubmission;
use crate::permit::PushPermit;
use crate::telemetry;

pub(super) async fn create(
    door: &Door,
    request: Request<CreateSubmissionRequest>,
) -> Result<CreateSubmissionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let _place = door.admission.push(&caller.organisation)?;
    let (permit, new) = announced(door, &caller, request.into_inner())?;
    let view = door.rooms.intake.create(&permit, new).await?;
    telemetry::of_submission(&view.id);
    Ok(CreateSubmissionResponse { submission: Some(convert::submission(view)) })
}

/// What the sender announces, and the permit for it.
pub(super) fn announced(
    door: &Door,
    caller: &Principal,
    request: CreateSubmissionRequest,
) -> Result<(PushPermit, NewSubmission), HubError> {
    let pattern = door.pattern(Collection::Patterns, &request.pattern)?;
    let publisher = match request.publisher.as_str() {
        "" => None,
        name => Some(Collection::Organisations.id(name)?),
    };
    let permit = door.rooms.identity.push(caller, &pattern, publisher)?;
    Ok((permit, convert::new_submission(request, &pattern.id)?))
}
