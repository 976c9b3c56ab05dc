//! `ReadRows`.

use hub_proto::v1::{ReadRowsRequest, ReadRowsResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, Sum, answers};

pub(super) async fn read(
    door: &Door,
    request: Request<ReadRowsRequest>,
) -> Result<Answers<ReadRowsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let rows = door.read_rows(&caller, request.into_inner()).await?;
    let mut sum = Sum::default();
    Ok(answers(rows, move |chunk| ReadRowsResponse {
        sha256: sum.with(&chunk.data),
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
    }))
}
