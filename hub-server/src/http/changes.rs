//! What changed in a dataset behind a cursor, a page at a time.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Version};
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::Parameters;
use super::caller::Caller;
use super::read::{Head, answer, columns, format, tells_the_end};
use crate::error::HubError;

/// What a page of changes covers, as JSON.
const PAGE: HeaderName = HeaderName::from_static("hub-changes");

/// Which changes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Since {
    since: String,
    columns: String,
    r#where: String,
    values_only: bool,
    format: String,
}

pub(super) async fn list(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    Path(dataset): Path<String>,
    Parameters(asked): Parameters<Since>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    let format = format(&asked.format)?;
    let request = v1::ListChangesRequest {
        dataset: Collection::Datasets.name(&dataset),
        cursor: asked.since,
        columns: columns(&asked.columns),
        filter: asked.r#where,
        format: format.rows.into(),
        values_only: asked.values_only,
    };
    let found = door.desk.list_changes(&caller, request).await?;
    let page = json::ChangesHead {
        since_version: found.page.since_version,
        last_version: found.page.last_version,
        next_cursor: found.page.next_cursor,
        more: found.page.more,
    };
    let page = serde_json::to_string(&page).map_err(|error| HubError::fault(error.to_string()))?;
    let page = HeaderValue::try_from(page).map_err(|error| HubError::fault(error.to_string()))?;
    let head = Head { versions: vec![found.last], ..Head::default() };
    let mut answer = answer(found.rows, format, head).await?;
    answer.headers_mut().insert(PAGE, page);
    Ok(answer)
}
