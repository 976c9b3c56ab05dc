//! Sends a file from disk: whole or one range of it, without holding more than a piece in memory.

use std::io::SeekFrom;
use std::path::Path;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hub_proto::Reason;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::range::{self, Part};
use crate::config::limits;
use crate::error::HubError;

/// A file as it is offered for download.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: u64,
    /// With its quotes.
    pub(super) etag: String,
    pub(super) modified: DateTime<Utc>,
    pub(super) media_type: &'static str,
    /// Name under which browsers save it.
    pub(super) file_name: String,
}

/// Answers GET or HEAD for the offer as the request's conditions and range ask.
pub(super) async fn answer(
    method: &Method,
    asked: &HeaderMap,
    offer: &Offer<'_>,
) -> Result<Response, HubError> {
    let text = |name: HeaderName| asked.get(name).and_then(|v| v.to_str().ok());
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    put(headers, header::ETAG, &offer.etag)?;
    put(headers, header::LAST_MODIFIED, &offer.modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string())?;
    // A dataset version never changes.
    put(headers, header::CACHE_CONTROL, "public, max-age=3600, must-revalidate")?;
    put(headers, header::ACCEPT_RANGES, "bytes")?;
    if range::is_known(text(header::IF_NONE_MATCH), &offer.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    // A range is defined for GET only.
    let range = text(header::RANGE).filter(|_| method == Method::GET);
    let part = range::part(range, text(header::IF_RANGE), &offer.etag, offer.bytes);
    let (status, from, length) = match part {
        Part::Whole => (StatusCode::OK, 0, offer.bytes),
        Part::Bytes(first, last) => {
            put(headers, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{}", offer.bytes))?;
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1)
        }
        Part::Unsatisfiable => return beyond(offer.bytes),
    };
    put(headers, header::CONTENT_TYPE, offer.media_type)?;
    put(headers, header::CONTENT_LENGTH, &length.to_string())?;
    put(headers, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{}\"", offer.file_name))?;
    if method == Method::GET && length > 0 {
        *response.body_mut() = body(offer.path, from, length).await?;
    }
    *response.status_mut() = status;
    Ok(response)
}

/// Of a range that lies behind the end.
fn beyond(bytes: u64) -> Result<Response, HubError> {
    let message = format!("header Range: the file has {bytes} bytes, and none of these");
    let mut response = HubError::new(Reason::RangeInvalid, message).into_response();
    put(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{bytes}"))?;
    Ok(response)
}

async fn body(path: &Path, from: u64, length: u64) -> Result<Body, HubError> {
    let fault =
        |error: std::io::Error| HubError::fault(format!("cannot read extract {}: {error}", path.display()));
    let mut file = tokio::fs::File::open(path).await.map_err(fault)?;
    file.seek(SeekFrom::Start(from)).await.map_err(fault)?;
    Ok(Body::from_stream(ReaderStream::with_capacity(file.take(length), limits::DOWNLOAD_PIECE_BYTES)))
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), HubError> {
    let value =
        HeaderValue::from_str(value).map_err(|_| HubError::fault(format!("{name} would be `{value}`")))?;
    headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests;
