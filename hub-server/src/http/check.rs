//! `POST /api/v1/patterns/{pattern}/check`: the check of a payload, for anyone. The body is the payload; nothing of it is kept.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use hub_proto::json::Checked;
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Hasty, Parameters, Path, media_type};
use super::plain::plain;
use super::report::for_people;
use crate::error::HubError;
use crate::intake::NewCheck;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    period: Option<String>,
    publisher: Option<String>,
}

pub(super) async fn check(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    Parameters(Of { period, publisher }): Parameters<Of>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HubError> {
    let asked = NewCheck { pattern, period, publisher, media_type: media_type(&headers) };
    let mut begun = door.desk.begin_check(asked)?;
    let mut body = Hasty::new(plain(&headers, body)?);
    while let Some(data) = body.next().await? {
        begun.data(data).await?;
    }
    let report = door.desk.checked(begun).await?;
    let mut response = match for_people(&report, &headers) {
        Some(response) => response,
        None => {
            let verdict = if report.blocks() { "REFUSED" } else { "ACCEPTED" };
            Json(Checked { verdict: verdict.to_owned(), report: Some(report) }).into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
