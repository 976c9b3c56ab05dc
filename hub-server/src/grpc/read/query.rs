//! `QueryRows`.

use hub_proto::v1::{QueryRowsRequest, QueryRowsResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn query(
    door: &Door,
    request: Request<QueryRowsRequest>,
) -> Result<Answers<QueryRowsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let found = door.query_rows(&caller, request.into_inner()).await?;
    // The first message names the versions, also when there are no rows.
    let mut versions = Some(found.versions);
    Ok(answers(found.rows, move |chunk| QueryRowsResponse {
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
        versions: versions.take().unwrap_or_default(),
    }))
}
