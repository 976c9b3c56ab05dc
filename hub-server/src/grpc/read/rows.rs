//! `ReadRows`.

use hub_proto::name::Collection;
use hub_proto::v1::{ReadRowsRequest, ReadRowsResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn read(
    door: &Door,
    request: Request<ReadRowsRequest>,
) -> Result<Answers<ReadRowsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let place = door.admission.read(&caller.organisation)?;
    let request = request.into_inner();
    Collection::ReadSessions.id(&request.session)?;
    let dataset = Collection::Datasets.name(&door.rooms.reads.dataset_of(&request.session)?);
    let pattern = door.pattern(Collection::Datasets, &dataset)?;
    let permit = door.rooms.identity.read(&caller, &pattern)?;
    let chunks = door.rooms.reads.read_rows(&permit, &request.session, request.offset).await?;
    Ok(answers(chunks, place, |chunk| ReadRowsResponse {
        data: chunk.data,
        rows: chunk.rows,
        complete: chunk.complete,
    }))
}
