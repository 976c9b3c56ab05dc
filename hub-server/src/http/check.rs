//! `POST /api/v1/patterns/{pattern}/check`: the check of a payload, for anyone. The body is the payload; nothing of it is kept.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse as _, Response};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, header};
use hub_datasets::Report;
use hub_datasets::report::{Language, render, render_page};
use hub_proto::Reason;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout, timeout_at};

use super::HttpDoor;
use crate::config::limits::{HTTP_BODY_SILENCE, HTTP_BODY_TIMEOUT, OPEN_CHECK_TIMEOUT};
use crate::error::HubError;
use crate::intake::{NewCheck, OpenCheck};

/// What programs send that were told no media type: `curl --data-binary`, forms, pipes.
const SAYS_NOTHING: [&str; 3] =
    ["application/x-www-form-urlencoded", "application/octet-stream", "multipart/form-data"];

/// The page brings its style, and nothing else is let in.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    period: Option<String>,
    publisher: Option<String>,
}

#[derive(Debug, Serialize)]
struct Checked<'a> {
    /// `ACCEPTED` or `REFUSED`, as a push would be by this report alone.
    verdict: &'static str,
    report: &'a Report,
}

pub(super) async fn check(
    State(door): State<HttpDoor>,
    Path(pattern): Path<String>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HubError> {
    let Query(Parameters { period, publisher }) = parameters.map_err(|fault| {
        HubError::new(Reason::RequestInvalid, format!("parameters are `period` and `publisher`: {fault}"))
    })?;
    let asked = NewCheck { pattern, period, publisher, media_type: declared(&headers) };
    let begun = door.intake.begin_check(&door.identity.anyone_checks(), asked)?;
    let begun = received(begun, body).await?;
    let report = timeout(OPEN_CHECK_TIMEOUT, begun.report()).await;
    let report = report.map_err(|_| HubError::new(Reason::Busy, "the hub took too long; try again"))??;
    let mut response = answer(&report, &headers);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn declared(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = said.split(';').next().unwrap_or_default().trim();
    (!SAYS_NOTHING.iter().any(|nothing| essence.eq_ignore_ascii_case(nothing))).then(|| said.to_owned())
}

async fn received(mut begun: OpenCheck, body: Body) -> Result<OpenCheck, HubError> {
    let silent = || {
        let message = format!(
            "the body did not come in time (limits: {HTTP_BODY_SILENCE:?} of silence, {HTTP_BODY_TIMEOUT:?} in all)"
        );
        HubError::new(Reason::RequestInvalid, message)
    };
    let end = Instant::now() + HTTP_BODY_TIMEOUT;
    let mut body = body.into_data_stream();
    loop {
        let until = end.min(Instant::now() + HTTP_BODY_SILENCE);
        match timeout_at(until, body.next()).await.map_err(|_| silent())? {
            Some(Ok(data)) => begun.data(data).await?,
            Some(Err(error)) => {
                return Err(HubError::new(Reason::RequestInvalid, format!("the body broke off: {error}")));
            }
            None => return Ok(begun),
        }
    }
}

/// JSON for programs; for people who ask for it text or a page, in Polish unless they ask for English.
fn answer(report: &Report, headers: &HeaderMap) -> Response {
    let asks = |name, begins: &str| {
        let said = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        said.is_some_and(|said| said.trim_start().to_ascii_lowercase().starts_with(begins))
    };
    let language = if asks(header::ACCEPT_LANGUAGE, "en") { Language::English } else { Language::Polish };
    if asks(header::ACCEPT, "text/plain") {
        return render(report, language).into_response();
    }
    if asks(header::ACCEPT, "text/html") {
        let policy = [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)];
        return (policy, Html(render_page(report, "", language))).into_response();
    }
    let verdict = if report.blocks() { "REFUSED" } else { "ACCEPTED" };
    Json(Checked { verdict, report }).into_response()
}
