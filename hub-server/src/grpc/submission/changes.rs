//! `DiffRevisions`.

use hub_proto::v1::{DiffRevisionsRequest, DiffRevisionsResponse};
use tonic::Request;

use crate::desk::Differences;
use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn diff(
    door: &Door,
    request: Request<DiffRevisionsRequest>,
) -> Result<Answers<DiffRevisionsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let (rows, counts) = door.diff_revisions(&caller, request.into_inner()).await?.apart();
    Ok(answers(rows, move |chunk| DiffRevisionsResponse {
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
        changes: chunk.complete.then(|| Differences::counted(&counts)),
    }))
}
