//! Dataset versions as they come, as server-sent events.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, Version, header};
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::Parameters;
use super::caller::Caller;
use super::read::{columns as names, tells_the_end};
use crate::error::HubError;

/// Sent by who goes on: the id of the last event that came.
const LAST: &str = "last-event-id";

/// Which datasets, and from where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Of {
    datasets: String,
    since: String,
}

pub(super) async fn watch(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    version: Version,
    headers: HeaderMap,
    Parameters(of): Parameters<Of>,
) -> Result<Response, HubError> {
    tells_the_end(version)?;
    let last = headers.get(LAST).and_then(|last| last.to_str().ok()).map(str::to_owned);
    let request = v1::WatchDatasetsRequest {
        datasets: names(&of.datasets).iter().map(|id| Collection::Datasets.name(id)).collect(),
        cursor: last.unwrap_or(of.since),
    };
    let told = door.desk.watch_datasets(&caller, request).await?;
    let events =
        told.map(|told| told.map(event).map_err(|error| std::io::Error::other(error.into_refusal().message)));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)).into_response())
}

fn event(told: v1::WatchDatasetsResponse) -> Bytes {
    let id = told.cursor.clone();
    let kind = if told.version.is_some() { "version" } else { "alive" };
    let data = serde_json::to_string(&json::WatchEvent::from(told)).unwrap_or_default();
    Bytes::from(format!("id: {id}\nevent: {kind}\ndata: {data}\n\n"))
}
