//! `/api/v1/submissions`: opened, committed, looked at.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use hub_datasets::receipt::{Signed, page, with_signature};
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Json, Parameters, Path};
use super::caller::Caller;
use super::report::{self as shown, for_people};
use crate::error::HubError;

/// Which submissions, and which page of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    pattern: String,
    publisher: String,
    period: String,
    page_size: i32,
    page_token: String,
}

/// The name of the submission in an address.
pub(super) fn name(id: &str) -> String {
    Collection::Submissions.name(id)
}

fn some(collection: Collection, id: &str) -> String {
    if id.is_empty() { String::new() } else { collection.name(id) }
}

pub(super) async fn create(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Json(new): Json<json::NewSubmission>,
) -> Result<Response, HubError> {
    let submission: json::Submission = door.desk.create_submission(&caller, new.into()).await?.into();
    let place = format!("{}/api/v1/submissions/{}", door.public_url, submission.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], axum::Json(submission)).into_response())
}

pub(super) async fn list(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(page): Parameters<Page>,
) -> Result<axum::Json<json::Submissions>, HubError> {
    let request = v1::ListSubmissionsRequest {
        page_size: page.page_size,
        page_token: page.page_token,
        pattern: some(Collection::Patterns, &page.pattern),
        publisher: some(Collection::Organisations, &page.publisher),
        period: page.period,
    };
    Ok(axum::Json(door.desk.list_submissions(&caller, request).await?.into()))
}

pub(super) async fn get(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<json::Submission>, HubError> {
    Ok(axum::Json(door.desk.submission(&caller, &name(&id)).await?.into()))
}

pub(super) async fn abandon(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<json::Submission>, HubError> {
    Ok(axum::Json(door.desk.abandon(&caller, &name(&id)).await?.into()))
}

pub(super) async fn commit(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Json(options): Json<json::CommitOptions>,
) -> Result<axum::Json<json::Verdict>, HubError> {
    let request = v1::CommitSubmissionRequest { submission: name(&id), options: Some(options.into()) };
    Ok(axum::Json(door.desk.commit_submission(&caller, request).await?.try_into()?))
}

pub(super) async fn withdraw(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Json(withdrawal): Json<json::Withdrawal>,
) -> Result<axum::Json<json::Verdict>, HubError> {
    let request = v1::WithdrawSubmissionRequest {
        name: name(&id),
        request_id: withdrawal.request_id,
        confirm_deletions: withdrawal.confirm_deletions,
        parent_revision: withdrawal.parent_revision,
    };
    let done = door.desk.withdraw_submission(&caller, request).await?;
    let verdict = v1::CommitSubmissionResponse {
        submission: done.submission,
        receipt: done.receipt,
        ..Default::default()
    };
    Ok(axum::Json(verdict.try_into()?))
}

pub(super) async fn revert(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Json(again): Json<json::Reversion>,
) -> Result<axum::Json<json::Verdict>, HubError> {
    let request = v1::RevertSubmissionRequest {
        name: name(&id),
        request_id: again.request_id,
        options: again.options.map(Into::into),
    };
    Ok(axum::Json(door.desk.revert_submission(&caller, request).await?.try_into()?))
}

pub(super) async fn report(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let report = door.desk.report(&caller, &name(&id)).await?;
    Ok(for_people(&report, &headers).unwrap_or_else(|| axum::Json(report).into_response()))
}

pub(super) async fn receipt(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HubError> {
    let receipt = door.desk.receipt(&caller, &name(&id)).await?;
    let unreadable = |error: &dyn std::error::Error| HubError::fault(format!("receipt of {id}: {error}"));
    let filed = with_signature(&receipt.canonical_json, &receipt.signature).map_err(|e| unreadable(&e))?;
    if shown::is_for_page(&headers) {
        let signed = Signed::read(&filed).map_err(|e| unreadable(&e))?;
        return Ok(shown::page(page(&signed)));
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], filed).into_response())
}
