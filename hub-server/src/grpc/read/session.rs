//! `CreateReadSession`.

use hub_proto::name::Collection;
use hub_proto::v1::create_read_session_request::AsOf as Asked;
use hub_proto::v1::{CreateReadSessionRequest, CreateReadSessionResponse, ReadSession};
use tonic::Request;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;
use crate::read::SessionRequest;

const MESSAGE: &str = "CreateReadSessionRequest";

pub(super) async fn create(
    door: &Door,
    request: Request<CreateReadSessionRequest>,
) -> Result<CreateReadSessionResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let _place = door.admission.read(&caller.organisation)?;
    let request = request.into_inner();
    let pattern = door.pattern(Collection::Datasets, &request.dataset)?;
    let permit = door.rooms.identity.read(&caller, &pattern)?;
    let as_of = match &request.as_of {
        Some(Asked::Version(version)) => convert::as_of(MESSAGE, Some(*version), None)?,
        Some(Asked::Time(time)) => convert::as_of(MESSAGE, None, Some(time))?,
        None => convert::as_of(MESSAGE, None, None)?,
    };
    let asked = SessionRequest {
        columns: request.columns,
        filter: (!request.filter.trim().is_empty()).then_some(request.filter),
        as_of,
        format: convert::format_from_wire(MESSAGE, request.format)?,
    };
    let session = door.rooms.reads.create_session(&permit, asked).await?;
    let session = ReadSession {
        name: session.name,
        version: Some(convert::version_ref(session.version)),
        columns: session.columns,
        estimated_rows: session.estimated_rows,
        format: convert::format_to_wire(session.format).into(),
    };
    Ok(CreateReadSessionResponse { session: Some(session) })
}
