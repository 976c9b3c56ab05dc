//! `QueryRows`.

use hub_proto::v1::query_rows_request::AsOf as Asked;
use hub_proto::v1::{QueryRowsRequest, QueryRowsResponse};
use tonic::Request;

use super::convert;
use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

const MESSAGE: &str = "QueryRowsRequest";

pub(super) async fn query(
    door: &Door,
    request: Request<QueryRowsRequest>,
) -> Result<Answers<QueryRowsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let place = door.admission.read(&caller.organisation)?;
    let request = request.into_inner();
    let as_of = match &request.as_of {
        Some(Asked::Version(version)) => convert::as_of(MESSAGE, Some(*version), None)?,
        Some(Asked::Time(time)) => convert::as_of(MESSAGE, None, Some(time))?,
        None => convert::as_of(MESSAGE, None, None)?,
    };
    let format = convert::format_from_wire(MESSAGE, request.format)?;
    let permits = door.readable(&caller)?.into_iter().map(|(_, permit)| permit).collect();
    let answer = door.rooms.reads.query(permits, &request.sql, as_of, format).await?;
    // The first message names the versions, also when there are no rows.
    let mut versions: Option<Vec<_>> = Some(answer.versions.into_iter().map(convert::version_ref).collect());
    Ok(answers(answer.chunks, place, move |chunk| QueryRowsResponse {
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
        versions: versions.take().unwrap_or_default(),
    }))
}
