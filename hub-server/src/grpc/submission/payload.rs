//! `ReadPayload`.

use hub_proto::v1::{ReadPayloadRequest, ReadPayloadResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn read(
    door: &Door,
    request: Request<ReadPayloadRequest>,
) -> Result<Answers<ReadPayloadResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let request = request.into_inner();
    let payload = door.payload(&caller, &request.name, request.offset).await?;
    let mut head = Some((payload.size, payload.sha256, payload.media_type));
    Ok(answers(payload.pieces, move |piece| {
        // What is told once is told first.
        let (size_bytes, sha256, media_type) = head.take().unwrap_or_default();
        ReadPayloadResponse { size_bytes, sha256, media_type, offset: piece.offset, data: piece.data }
    }))
}
