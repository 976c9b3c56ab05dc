//! Promises of the catalogue.

use hub_proto::Reason;
use hub_proto::v1::{
    GetDatasetRequest, GetOrganisationRequest, GetPatternRequest, ListCodeListsRequest,
    ListOrganisationsRequest, ListPatternsRequest,
};

use crate::check::{Broken, ensure, refused, same, set};
use crate::hub::{Hub, Who};
use crate::payload::{DATASET, PATTERN};

pub(crate) async fn patterns_can_be_listed_and_read(hub: &Hub) -> Result<(), Broken> {
    let mut catalog = hub.catalog(Who::Publisher)?;
    let listed = catalog.list_patterns(ListPatternsRequest::default()).await?.into_inner().patterns;
    let shown = listed.into_iter().find(|p| p.name == PATTERN);
    let listed = set("rb28s in the list", shown)?;
    let got = catalog.get_pattern(GetPatternRequest { name: PATTERN.to_owned() }).await?.into_inner();
    same("the pattern, listed and read", set("pattern", got.pattern)?, listed.clone())?;
    ensure!(!got.table_schema.is_empty(), "the pattern has no table schema");
    ensure!(listed.columns.iter().any(|c| c.name == listed.slice), "the slice is no column");
    let dataset = catalog.get_dataset(GetDatasetRequest { name: DATASET.to_owned() }).await?.into_inner();
    same("the dataset's pattern", set("dataset", dataset.dataset)?.pattern, PATTERN.to_owned())
}

/// Organisations are the longest list that every hub has.
pub(crate) async fn pages_are_stable_and_join_to_the_whole(hub: &Hub) -> Result<(), Broken> {
    let mut catalog = hub.catalog(Who::Publisher)?;
    let (mut names, mut token) = (vec![], String::new());
    for _ in 0..3 {
        let request =
            ListOrganisationsRequest { page_size: 2, page_token: token.clone(), filter: String::new() };
        let page = catalog.list_organisations(request.clone()).await?.into_inner();
        let again = catalog.list_organisations(request).await?.into_inner();
        same("a page asked for twice", &again.organisations, &page.organisations)?;
        ensure!(page.organisations.len() <= 2, "a page of {}, asked for 2", page.organisations.len());
        names.extend(page.organisations.into_iter().map(|o| o.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let request = ListOrganisationsRequest { page_size: 6, ..Default::default() };
    let whole = catalog.list_organisations(request).await?.into_inner().organisations;
    same("three pages of 2 beside one of 6", names, whole.into_iter().map(|o| o.name).collect())
}

pub(crate) async fn a_page_token_is_bound_to_its_request(hub: &Hub) -> Result<(), Broken> {
    let mut catalog = hub.catalog(Who::Publisher)?;
    let first = ListOrganisationsRequest { page_size: 1, ..Default::default() };
    let token = catalog.list_organisations(first).await?.into_inner().next_page_token;
    ensure!(!token.is_empty(), "a hub with two publishers and a ministry has a second page of one");
    let other = ListOrganisationsRequest { page_size: 1, page_token: token.clone(), filter: "a".to_owned() };
    refused(
        "a token with another filter",
        catalog.list_organisations(other).await,
        &[Reason::PageTokenInvalid],
    )?;
    let other = ListCodeListsRequest { page_size: 1, page_token: token.clone() };
    refused("a token of another list", catalog.list_code_lists(other).await, &[Reason::PageTokenInvalid])?;
    let mut forged = token.into_bytes();
    if let Some(byte) = forged.first_mut() {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    let page_token = String::from_utf8_lossy(&forged).into_owned();
    let other = ListOrganisationsRequest { page_size: 1, page_token, ..Default::default() };
    refused("a forged token", catalog.list_organisations(other).await, &[Reason::PageTokenInvalid])?;
    let negative = ListOrganisationsRequest { page_size: -1, ..Default::default() };
    refused("a negative page", catalog.list_organisations(negative).await, &[Reason::RequestInvalid])?;
    Ok(())
}

pub(crate) async fn what_is_unknown_is_not_found(hub: &Hub) -> Result<(), Broken> {
    let mut catalog = hub.catalog(Who::Publisher)?;
    let name = |name: &str| name.to_owned();
    let answer = catalog.get_pattern(GetPatternRequest { name: name("patterns/no-such") }).await;
    refused("an unknown pattern", answer, &[Reason::PatternUnknown])?;
    let answer = catalog.get_dataset(GetDatasetRequest { name: name("datasets/no-such") }).await;
    refused("an unknown dataset", answer, &[Reason::DatasetUnknown])?;
    let answer =
        catalog.get_organisation(GetOrganisationRequest { name: name("organisations/no-such") }).await;
    refused("an unknown organisation", answer, &[Reason::OrganisationUnknown])?;
    Ok(())
}
