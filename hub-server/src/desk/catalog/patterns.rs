//! Patterns and code lists.

use std::sync::Arc;

use hub_datasets::Pattern;
use hub_datasets::pattern::Version;
use hub_proto::name::Collection;
use hub_proto::v1::{
    GetPatternRequest, GetPatternResponse, ListCodeListsRequest, ListCodeListsResponse, ListPatternsRequest,
    ListPatternsResponse,
};

use crate::desk::{Desk, Page};
use crate::error::HubError;
use crate::identity::Principal;

impl Desk {
    /// Patterns, a page of them; every caller may see all.
    pub(crate) fn list_patterns(
        &self,
        _caller: &Principal,
        request: &ListPatternsRequest,
    ) -> Result<ListPatternsResponse, HubError> {
        let asked = (request.page_size, request.page_token.as_str());
        let page = Page::open(&self.rooms.seal, "ListPatternsRequest", &[], asked)?;
        let key = |pattern: &&Arc<Pattern>| {
            let Version { major, minor, patch } = pattern.version;
            (pattern.id.clone(), major, minor, patch)
        };
        let mut all: Vec<_> = self.rooms.patterns.iter().collect();
        all.sort_by_key(key);
        let (patterns, next_page_token) = page.of(all, key, |pattern| pattern.as_ref().into())?;
        Ok(ListPatternsResponse { patterns, next_page_token })
    }

    /// One pattern with its Table Schema.
    pub(crate) fn whole_pattern(
        &self,
        _caller: &Principal,
        request: &GetPatternRequest,
    ) -> Result<GetPatternResponse, HubError> {
        let pattern = self.pattern(Collection::Patterns, &request.name)?;
        Ok(GetPatternResponse {
            pattern: Some(pattern.as_ref().into()),
            table_schema: pattern.table_schema.clone(),
        })
    }

    /// Code lists, a page of them.
    pub(crate) fn list_code_lists(
        &self,
        _caller: &Principal,
        request: &ListCodeListsRequest,
    ) -> Result<ListCodeListsResponse, HubError> {
        let asked = (request.page_size, request.page_token.as_str());
        let page = Page::open(&self.rooms.seal, "ListCodeListsRequest", &[], asked)?;
        let mut all: Vec<_> = self.rooms.lists.iter().collect();
        all.sort_by_key(|list| &list.id);
        let (code_lists, next_page_token) =
            page.of(all, |list| list.id.clone(), |list| list.as_ref().into())?;
        Ok(ListCodeListsResponse { code_lists, next_page_token })
    }
}
