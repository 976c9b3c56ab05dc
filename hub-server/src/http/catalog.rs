//! `/api/v1/patterns`, `/api/v1/datasets`, `/api/v1/organisations`: what there is, for who has a key.

use axum::Json;
use axum::extract::State;
use hub_proto::name::Collection;
use hub_proto::{json, v1};
use serde::Deserialize;

use super::HttpDoor;
use super::asked::{Parameters, Path};
use super::caller::Caller;
use crate::error::HubError;

/// Which page.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    page_size: i32,
    page_token: String,
}

/// Which organisations, and which page of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Named {
    filter: String,
    page_size: i32,
    page_token: String,
}

pub(super) async fn patterns(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Page { page_size, page_token }): Parameters<Page>,
) -> Result<Json<json::Patterns>, HubError> {
    let request = v1::ListPatternsRequest { page_size, page_token };
    Ok(Json(door.desk.list_patterns(&caller, &request)?.into()))
}

pub(super) async fn pattern(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<json::WholePattern>, HubError> {
    let request = v1::GetPatternRequest { name: Collection::Patterns.name(&id) };
    Ok(Json(door.desk.whole_pattern(&caller, &request)?.into()))
}

pub(super) async fn datasets(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Page { page_size, page_token }): Parameters<Page>,
) -> Result<Json<json::Datasets>, HubError> {
    let request = v1::ListDatasetsRequest { page_size, page_token };
    Ok(Json(door.desk.list_datasets(&caller, request).await?.into()))
}

pub(super) async fn dataset(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<json::Dataset>, HubError> {
    let request = v1::GetDatasetRequest { name: Collection::Datasets.name(&id) };
    Ok(Json(door.desk.dataset(&caller, request).await?.dataset.unwrap_or_default().into()))
}

pub(super) async fn versions(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Parameters(Page { page_size, page_token }): Parameters<Page>,
) -> Result<Json<json::CommittedVersions>, HubError> {
    let parent = Collection::Datasets.name(&id);
    let request = v1::ListDatasetVersionsRequest { parent, page_size, page_token };
    Ok(Json(door.desk.list_dataset_versions(&caller, request).await?.into()))
}

pub(super) async fn organisations(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Parameters(Named { filter, page_size, page_token }): Parameters<Named>,
) -> Result<Json<json::Organisations>, HubError> {
    let request = v1::ListOrganisationsRequest { page_size, page_token, filter };
    Ok(Json(door.desk.list_organisations(&caller, request).await?.into()))
}

pub(super) async fn organisation(
    State(door): State<HttpDoor>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<json::Organisation>, HubError> {
    let request = v1::GetOrganisationRequest { name: Collection::Organisations.name(&id) };
    Ok(Json(door.desk.organisation(&caller, &request)?.organisation.unwrap_or_default().into()))
}
