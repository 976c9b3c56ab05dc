//! `/datasets/{d}/versions/{v}/extract.{parquet,csv}`, and `latest`, which leads there.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hub_proto::Reason;

use super::HttpDoor;
use super::asked::Path;
use super::download::{self, Offer};
use crate::error::HubError;
use crate::extract::{ExtractFile, ExtractFormat};

pub(super) async fn latest(
    State(door): State<HttpDoor>,
    Path((dataset, file)): Path<(String, String)>,
) -> Result<Response, HubError> {
    let (pattern, _permit) = door.open(&dataset)?;
    let format = format_of(&file)?;
    let Some(version) = door.extracts.latest(&pattern.id) else {
        return Err(HubError::new(Reason::Unavailable, "the first extract is not ready yet; try again"));
    };
    let mut response = StatusCode::FOUND.into_response();
    let place = HeaderValue::from_str(&address(&pattern.id, version, format))
        .map_err(|_| HubError::fault(format!("dataset {} has no address", pattern.id)))?;
    response.headers_mut().insert(header::LOCATION, place);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

pub(super) async fn version(
    State(door): State<HttpDoor>,
    Path((dataset, version, file)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let (pattern, permit) = door.open(&dataset)?;
    let format = format_of(&file)?;
    let version =
        version.parse().map_err(|_| HubError::new(Reason::VersionUnknown, "a version is a number"))?;
    let found = door.extracts.file(&permit, &pattern.id, version, format)?;
    download::answer(&method, &headers, &offer(&pattern.id, version, format, &found)).await
}

/// Where an extract lies.
pub(super) fn address(dataset: &str, version: u64, format: ExtractFormat) -> String {
    format!("/datasets/{dataset}/versions/{version}/{}", format.file_name())
}

/// Where the newest extract is always found.
pub(super) fn latest_address(dataset: &str, format: ExtractFormat) -> String {
    format!("/datasets/{dataset}/latest/{}", format.file_name())
}

fn format_of(file: &str) -> Result<ExtractFormat, HubError> {
    ExtractFormat::ALL
        .into_iter()
        .find(|format| format.file_name() == file)
        .ok_or_else(|| HubError::new(Reason::RouteUnknown, "an extract is extract.parquet or extract.csv"))
}

fn offer<'a>(dataset: &str, version: u64, format: ExtractFormat, file: &'a ExtractFile) -> Offer<'a> {
    let (media_type, extension) = match format {
        ExtractFormat::Parquet => ("application/vnd.apache.parquet", "parquet"),
        ExtractFormat::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    Offer {
        path: &file.path,
        bytes: file.len,
        etag: format!("\"{}\"", file.etag),
        modified: file.modified,
        media_type,
        file_name: format!("{dataset}-v{version}.{extension}"),
    }
}
