//! `ReadPayload`.

use hub_proto::v1::{ReadPayloadRequest, ReadPayloadResponse};
use tonic::Request;

use super::convert::submission_id;
use crate::desk;
use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn read(
    door: &Door,
    request: Request<ReadPayloadRequest>,
) -> Result<Answers<ReadPayloadResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    let place = door.admission.read(&caller.organisation)?;
    let permit = door.rooms.identity.payloads(&caller)?;
    let request = request.into_inner();
    let original = door.rooms.intake.original(&permit, submission_id(&request.name)?, request.offset).await?;
    let mut head = Some((original.size, original.sha256, original.media_type));
    Ok(answers(desk::answers(original.pieces, place), move |piece| {
        // What is told once is told first.
        let (size_bytes, sha256, media_type) = head.take().unwrap_or_default();
        ReadPayloadResponse { size_bytes, sha256, media_type, offset: piece.offset, data: piece.data }
    }))
}
