//! Read sessions: a pinned dataset version, whose rows are read in streams and from an offset on.

use axum::extract::{Path, State};
use axum::response::Response;
use http::Version;
use hub_proto::name::Collection;
use hub_proto::{TypeConversionError, json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Json, Parameters};
use super::caller::Caller;
use super::read::{AsOf, Head, answer, as_of, format, format_of, tells_the_end};
use crate::error::HubError;

pub(super) async fn create(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(dataset): Path<String>,
    Json(asked): Json<json::NewReadSession>,
) -> Result<axum::Json<json::ReadSession>, HubError> {
    use v1::create_read_session_request::AsOf as Wire;
    // Whoever goes on where a cut left it needs the one format that can.
    let written = if asked.format.is_empty() { "arrow" } else { asked.format.as_str() };
    let request = v1::CreateReadSessionRequest {
        dataset: Collection::Datasets.name(&dataset),
        columns: asked.columns,
        filter: asked.r#where,
        format: format(written)?.rows.into(),
        as_of: as_of(&asked.as_of)?.map(|as_of| match as_of {
            AsOf::Version(version) => Wire::Version(version),
            AsOf::Time(time) => Wire::Time(time),
        }),
        max_streams: u32::try_from(asked.max_streams).unwrap_or(u32::MAX),
    };
    let session = door.desk.create_session(&caller, request).await?;
    Ok(axum::Json(session.into()))
}

/// Which rows of a session.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Part {
    stream: u64,
    offset: u64,
}

pub(super) async fn rows(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Path(session): Path<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    let name = Collection::ReadSessions.name(&session);
    let format = format_of(door.desk.format_of_session(&name)?);
    let unfit = |_| TypeConversionError::invalid("request", "stream", "there are never so many streams");
    let stream = u32::try_from(part.stream).map_err(unfit)?;
    let request = v1::ReadRowsRequest { session: name, offset: part.offset, stream };
    answer(door.desk.read_rows(&caller, request).await?, format, Head::default()).await
}
