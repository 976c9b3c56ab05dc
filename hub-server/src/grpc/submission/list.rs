//! `ListSubmissions`.

use hub_proto::v1::{ListSubmissionsRequest, ListSubmissionsResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn list(
    door: &Door,
    request: Request<ListSubmissionsRequest>,
) -> Result<ListSubmissionsResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    door.list_submissions(&caller, request.into_inner()).await
}
