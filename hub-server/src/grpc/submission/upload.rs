//! `UploadPayload`: bytes from the durable offset on.

use hub_proto::name::Collection;
use hub_proto::v1::{UploadPayloadRequest, UploadPayloadResponse};
use hub_proto::{Reason, TypeConversionError};
use tonic::{Request, Streaming};

use super::{commit, convert, stream};
use crate::error::HubError;
use crate::grpc::Door;
use crate::permit::SubmissionsPermit;

pub(super) async fn upload(
    door: &Door,
    request: Request<Streaming<UploadPayloadRequest>>,
) -> Result<UploadPayloadResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let place = door.admission.push(&caller.organisation)?;
    let permit = door.rooms.identity.submissions(&caller)?;
    let mut messages = request.into_inner();
    let first = stream::next(&mut messages).await?;
    let first = first.ok_or_else(|| TypeConversionError::missing("UploadPayloadRequest", "submission"))?;
    let id = convert::submission_id(&first.submission)?.to_owned();

    // A sender whose line breaks is gone at once, and its bytes must still become durable.
    let door = door.clone();
    let durable_offset = commit::to_the_end(async move {
        let _place = place;
        store(&door, &permit, &id, first, messages).await
    });
    Ok(UploadPayloadResponse { durable_offset: durable_offset.await? })
}

/// Takes all that comes and makes it durable, also after a cut; gives the durable offset.
async fn store(
    door: &Door,
    permit: &SubmissionsPermit,
    id: &str,
    first: UploadPayloadRequest,
    messages: Streaming<UploadPayloadRequest>,
) -> Result<u64, HubError> {
    let taken = take(door, permit, id, first, messages).await;
    let durable = door.rooms.intake.sync(permit, id).await;
    match taken {
        Ok(()) => Ok(durable?),
        Err(error) if error.reason() == Reason::OffsetStale => match durable {
            Ok(offset) => Err(error.fact("durable_offset", offset)),
            Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}

async fn take(
    door: &Door,
    permit: &SubmissionsPermit,
    id: &str,
    first: UploadPayloadRequest,
    mut messages: Streaming<UploadPayloadRequest>,
) -> Result<(), HubError> {
    let mut next = Some(first);
    while let Some(message) = next {
        if !message.submission.is_empty() && Collection::Submissions.id(&message.submission)? != id {
            let text = "one stream uploads one submission";
            return Err(TypeConversionError::invalid("UploadPayloadRequest", "submission", text).into());
        }
        stream::bounded(&message.data)?;
        if !message.data.is_empty() {
            door.rooms.intake.append(permit, id, message.offset, message.data).await?;
        }
        next = stream::next(&mut messages).await?;
    }
    Ok(())
}
