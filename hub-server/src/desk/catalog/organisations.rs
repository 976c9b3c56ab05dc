//! Organisations.

use hub_proto::convert::date_text;
use hub_proto::name::Collection;
use hub_proto::v1::{
    self, GetOrganisationRequest, GetOrganisationResponse, ListOrganisationsRequest,
    ListOrganisationsResponse,
};
use hub_proto::{Reason, Refusal};

use crate::catalog::Organisation;
use crate::desk::{Desk, Page};
use crate::error::HubError;
use crate::identity::Principal;

impl Desk {
    /// Organisations, a page of them; every caller may see all.
    pub(crate) async fn list_organisations(
        &self,
        _caller: &Principal,
        request: ListOrganisationsRequest,
    ) -> Result<ListOrganisationsResponse, HubError> {
        let asked = (request.page_size, request.page_token.as_str());
        let chosen = [request.filter.as_str()];
        let page = Page::<String>::open(&self.rooms.seal, "ListOrganisationsRequest", &chosen, asked)?;
        let after = page.after.clone().unwrap_or_default();
        let fetched = self.rooms.catalog.organisations(&after, &request.filter, page.fetch()).await?;
        let (organisations, next_page_token) =
            page.close(fetched, |organisation| organisation.id.clone(), to_wire)?;
        Ok(ListOrganisationsResponse { organisations, next_page_token })
    }

    /// One organisation.
    pub(crate) fn organisation(
        &self,
        _caller: &Principal,
        request: &GetOrganisationRequest,
    ) -> Result<GetOrganisationResponse, HubError> {
        let name = &request.name;
        let id = Collection::Organisations.id(name)?;
        let found = self.rooms.catalog.organisation(id);
        let organisation = found.ok_or_else(|| {
            let message = format!("the hub has no organisation `{id}`; list them to see which there are");
            Refusal::new(Reason::OrganisationUnknown, message).resource("hub.v1/organisation", name)
        })?;
        Ok(GetOrganisationResponse { organisation: Some(to_wire(organisation)) })
    }
}

fn to_wire(organisation: Organisation) -> v1::Organisation {
    let identifiers = organisation.identifiers.into_iter().map(|identifier| v1::Identifier {
        scheme: identifier.scheme,
        value: identifier.value,
        valid_from: date_text(identifier.valid_from),
        valid_to: date_text(identifier.valid_to),
    });
    v1::Organisation {
        name: Collection::Organisations.name(&organisation.id),
        display_name: organisation.name,
        kind: organisation.kind,
        identifiers: identifiers.collect(),
    }
}
