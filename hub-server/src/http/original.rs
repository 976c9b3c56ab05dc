//! `GET /api/v1/submissions/{id}/payload`: the bytes back, as they were sent.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use http::header;
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Parameters, Path};
use super::caller::Caller;
use super::submissions::name;
use super::upload::UPLOAD_LENGTH;
use crate::error::HubError;

/// From where on the bytes lack.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rest {
    offset: u64,
}

pub(super) async fn payload(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Parameters(rest): Parameters<Rest>,
) -> Result<Response, HubError> {
    let payload = door.desk.payload(&caller, &name(&id), rest.offset).await?;
    let headers = [
        (header::CONTENT_TYPE, payload.media_type),
        (header::ETAG, format!("\"{}\"", payload.sha256)),
        // A body that ends before is broken off.
        (header::CONTENT_LENGTH, (payload.size - rest.offset).to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (UPLOAD_LENGTH, payload.size.to_string()),
    ];
    let pieces = payload.pieces.map(|piece| {
        let broken = |error: HubError| std::io::Error::other(error.into_refusal().message);
        piece.map(|piece| piece.data).map_err(broken)
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}
