//! `/api/v1/submissions/{id}/payload`: bytes at the durable offset, and how far they came.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};
use hub_proto::{Reason, Refusal};

use super::HttpDoor;
use super::asked::{Path, pieces};
use super::caller::Caller;
use super::plain::plain;
use super::submissions::name;
use crate::error::HubError;

/// Header of the durable offset, as tus has it.
pub(super) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// Header of the length of the whole.
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");

pub(super) async fn offset(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, HubError> {
    let submission = door.desk.submission(&caller, &name(&id)).await?;
    let headers = [
        (UPLOAD_OFFSET, submission.durable_offset.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let length = (submission.size_bytes > 0).then(|| [(UPLOAD_LENGTH, submission.size_bytes.to_string())]);
    Ok((headers, length.map(|length| length.into_response()).unwrap_or_default()).into_response())
}

pub(super) async fn append(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HubError> {
    let from = from(&headers)?;
    let body = plain(&headers, body)?;
    let uploading = door.desk.uploading(&caller)?;
    let durable = door.desk.submission(&caller, &name(&id)).await?.durable_offset;
    // What is here already is skipped, as over gRPC.
    if durable < from {
        let message = format!("the bytes begin at {from}, and {durable} are here; go on there");
        return Err(HubError::new(Reason::OffsetStale, message).fact("durable_offset", durable));
    }
    let durable = uploading.take(id, pieces(body, from)).await?;
    Ok((StatusCode::NO_CONTENT, [(UPLOAD_OFFSET, durable.to_string())]).into_response())
}

fn from(headers: &HeaderMap) -> Result<u64, HubError> {
    let said = headers.get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    said.ok_or_else(|| {
        let message = "header Upload-Offset: write the offset at which the bytes begin, 0 for the first";
        Refusal::new(Reason::RequestInvalid, message)
            .field("Upload-Offset", "it is missing or no number")
            .into()
    })
}
