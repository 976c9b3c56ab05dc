//! `/api/v1/notices`: that what was pulled was corrected.

use axum::Json as Answer;
use axum::extract::State;
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Json, Parameters, Path};
use super::caller::Caller;
use crate::error::HubError;

/// Which notices, and which page of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    all: bool,
    page_size: i32,
    page_token: String,
}

pub(super) async fn list(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Page { all, page_size, page_token }): Parameters<Page>,
) -> Result<Answer<json::Notices>, HubError> {
    let request = v1::ListNoticesRequest { page_size, page_token, all };
    Ok(Answer(door.desk.list_notices(&caller, request).await?.into()))
}

pub(super) async fn acknowledge(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Json(said): Json<json::Acknowledgement>,
) -> Result<Answer<json::Notice>, HubError> {
    let name = Collection::Notices.name(&id);
    let request = v1::AcknowledgeNoticeRequest { name, pinned: said.pinned, note: said.note };
    let answer = door.desk.acknowledge_notice(&caller, request).await?;
    Ok(Answer(answer.notice.unwrap_or_default().into()))
}
