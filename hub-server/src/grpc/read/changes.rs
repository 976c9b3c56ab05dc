//! `ListChanges`.

use hub_proto::v1::{ListChangesRequest, ListChangesResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, Sum, answers};

pub(super) async fn list(
    door: &Door,
    request: Request<ListChangesRequest>,
) -> Result<Answers<ListChangesResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let found = door.list_changes(&caller, request.into_inner()).await?;
    // The first message says what the page covers, also when there are no rows.
    let mut page = Some(found.page);
    let mut sum = Sum::default();
    Ok(answers(found.rows, move |chunk| ListChangesResponse {
        sha256: sum.with(&chunk.data),
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
        page: page.take(),
    }))
}
