//! `CreateReadSession`.

use hub_proto::v1::{CreateReadSessionRequest, CreateReadSessionResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn create(
    door: &Door,
    request: Request<CreateReadSessionRequest>,
) -> Result<CreateReadSessionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let session = door.create_session(&caller, request.into_inner()).await?;
    Ok(CreateReadSessionResponse { session: Some(session) })
}
