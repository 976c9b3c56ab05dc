//! `QueryRows`, and what stands behind its answers.

use hub_proto::v1::{
    ListRevisionsBehindRequest, ListRevisionsBehindResponse, QueryRowsRequest, QueryRowsResponse,
};
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
    let mut first = Some((found.versions, found.permalink));
    Ok(answers(found.rows, move |chunk| {
        let (versions, permalink) = first.take().unwrap_or_default();
        QueryRowsResponse {
            data: chunk.data,
            rows: chunk.rows,
            complete: chunk.complete,
            versions,
            permalink,
        }
    }))
}

pub(super) async fn revisions(
    door: &Door,
    request: Request<ListRevisionsBehindRequest>,
) -> Result<ListRevisionsBehindResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    door.list_revisions_behind(&caller, request.into_inner()).await
}
