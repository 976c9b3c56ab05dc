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
    let (versions, mut warnings, mut first) = (found.versions, found.warnings, true);
    let mut permalink = found.permalink;
    Ok(answers(found.rows, move |chunk| {
        // The first message names the versions, also when there are no rows, and the answer ends with them.
        let told = std::mem::take(&mut first) || chunk.complete;
        QueryRowsResponse {
            data: chunk.data,
            rows: chunk.rows,
            complete: chunk.complete,
            versions: if told { versions.clone() } else { Vec::new() },
            permalink: std::mem::take(&mut permalink),
            warnings: if chunk.complete { std::mem::take(&mut warnings) } else { Vec::new() },
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
