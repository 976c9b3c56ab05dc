//! `/api/v1/subscriptions`: news that is sent to an address.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Json, Parameters, Path};
use super::caller::Caller;
use crate::error::HubError;

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    page_size: i32,
    page_token: String,
}

pub(super) async fn create(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Json(new): Json<json::NewSubscription>,
) -> Result<(StatusCode, Answer<json::Subscribed>), HubError> {
    let made = door.desk.create_subscription(&caller, new.try_into()?).await?;
    Ok((StatusCode::CREATED, Answer(made.into())))
}

pub(super) async fn list(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Page { page_size, page_token }): Parameters<Page>,
) -> Result<Answer<json::Subscriptions>, HubError> {
    let request = v1::ListSubscriptionsRequest { page_size, page_token };
    Ok(Answer(door.desk.list_subscriptions(&caller, request).await?.into()))
}

pub(super) async fn delete(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, HubError> {
    let request = v1::DeleteSubscriptionRequest { name: Collection::Subscriptions.name(&id) };
    door.desk.delete_subscription(&caller, request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn redeliver(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Answer<json::Redelivery>, HubError> {
    let request = v1::RedeliverDeadLettersRequest { name: Collection::Subscriptions.name(&id) };
    let again = door.desk.redeliver_dead_letters(&caller, request).await?;
    Ok(Answer(json::Redelivery { count: again.count }))
}
