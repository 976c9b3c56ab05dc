//! Patterns and code lists.

use std::sync::Arc;

use hub_datasets::Pattern;
use hub_datasets::pattern::Version;
use hub_proto::name::Collection;
use hub_proto::v1::{
    GetPatternRequest, GetPatternResponse, ListCodeListsRequest, ListCodeListsResponse, ListPatternsRequest,
    ListPatternsResponse,
};
use tonic::Request;

use crate::desk::Page;
use crate::error::HubError;
use crate::grpc::Door;

pub(super) async fn list(
    door: &Door,
    request: Request<ListPatternsRequest>,
) -> Result<ListPatternsResponse, HubError> {
    door.caller(request.metadata())?;
    let request = request.into_inner();
    let asked = (request.page_size, request.page_token.as_str());
    let page = Page::open(&door.rooms.seal, "ListPatternsRequest", &[], asked)?;
    let key = |pattern: &&Arc<Pattern>| {
        let Version { major, minor, patch } = pattern.version;
        (pattern.id.clone(), major, minor, patch)
    };
    let mut all: Vec<_> = door.rooms.patterns.iter().collect();
    all.sort_by_key(key);
    let (patterns, next_page_token) = page.of(all, key, |pattern| pattern.as_ref().into())?;
    Ok(ListPatternsResponse { patterns, next_page_token })
}

pub(super) async fn get(
    door: &Door,
    request: Request<GetPatternRequest>,
) -> Result<GetPatternResponse, HubError> {
    door.caller(request.metadata())?;
    let pattern = door.pattern(Collection::Patterns, &request.get_ref().name)?;
    Ok(GetPatternResponse {
        pattern: Some(pattern.as_ref().into()),
        table_schema: pattern.table_schema.clone(),
    })
}

pub(super) async fn code_lists(
    door: &Door,
    request: Request<ListCodeListsRequest>,
) -> Result<ListCodeListsResponse, HubError> {
    door.caller(request.metadata())?;
    let request = request.into_inner();
    let asked = (request.page_size, request.page_token.as_str());
    let page = Page::open(&door.rooms.seal, "ListCodeListsRequest", &[], asked)?;
    let mut all: Vec<_> = door.rooms.lists.iter().collect();
    all.sort_by_key(|list| &list.id);
    let (code_lists, next_page_token) = page.of(all, |list| list.id.clone(), |list| list.as_ref().into())?;
    Ok(ListCodeListsResponse { code_lists, next_page_token })
}
