//! `UploadPayload`: bytes from the durable offset on.

use futures::stream::try_unfold;
use hub_proto::TypeConversionError;
use hub_proto::name::Collection;
use hub_proto::v1::{UploadPayloadRequest, UploadPayloadResponse};
use tonic::{Request, Streaming};

use super::{convert, stream};
use crate::error::HubError;
use crate::grpc::Door;

const MESSAGE: &str = "UploadPayloadRequest";

pub(super) async fn upload(
    door: &Door,
    request: Request<Streaming<UploadPayloadRequest>>,
) -> Result<UploadPayloadResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let uploading = door.uploading(&caller)?;
    let mut messages = request.into_inner();
    let first = stream::next(&mut messages).await?;
    let first = first.ok_or_else(|| TypeConversionError::missing(MESSAGE, "submission"))?;
    let id = convert::submission_id(&first.submission)?.to_owned();
    let of = id.clone();
    let pieces = try_unfold((Some(first), messages, of), |(first, mut messages, of)| async move {
        let next = match first {
            Some(first) => Some(first),
            None => stream::next(&mut messages).await?,
        };
        let Some(message) = next else { return Ok(None) };
        is_of(&message, &of)?;
        let data = match message.zstd.is_empty() {
            true => message.data,
            false if message.data.is_empty() => stream::unpacked(&message.zstd)?,
            false => return Err(twice()),
        };
        stream::bounded(&data)?;
        Ok(Some(((message.offset, data), (None, messages, of))))
    });
    Ok(UploadPayloadResponse { durable_offset: uploading.take(id, pieces).await? })
}

fn twice() -> HubError {
    TypeConversionError::invalid(MESSAGE, "zstd", "bytes come in `data` or packed in `zstd`, not in both")
        .into()
}

fn is_of(message: &UploadPayloadRequest, id: &str) -> Result<(), HubError> {
    if message.submission.is_empty() || Collection::Submissions.id(&message.submission)? == id {
        return Ok(());
    }
    Err(TypeConversionError::invalid(MESSAGE, "submission", "one stream uploads one submission").into())
}
