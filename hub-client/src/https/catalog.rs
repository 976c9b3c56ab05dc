//! What there is, over the HTTP door.

use hub_proto::{json, v1};
use serde::de::DeserializeOwned;

use super::{Asked, Https, address, segment};
use crate::error::ClientError;

impl Https {
    pub(crate) async fn patterns(
        &self,
        request: v1::ListPatternsRequest,
    ) -> Result<v1::ListPatternsResponse, ClientError> {
        let page = self.listed::<json::Patterns>("patterns", &request.page_token, "").await?;
        Ok(page.into())
    }

    pub(crate) async fn pattern(
        &self,
        request: &v1::GetPatternRequest,
    ) -> Result<v1::GetPatternResponse, ClientError> {
        Ok(self.got::<json::WholePattern>("patterns", &request.name).await?.into())
    }

    pub(crate) async fn datasets(
        &self,
        request: v1::ListDatasetsRequest,
    ) -> Result<v1::ListDatasetsResponse, ClientError> {
        let page = self.listed::<json::Datasets>("datasets", &request.page_token, "").await?;
        page.try_into().map_err(|error| self.unread(&error))
    }

    pub(crate) async fn dataset(&self, request: &v1::GetDatasetRequest) -> Result<v1::Dataset, ClientError> {
        let dataset = self.got::<json::Dataset>("datasets", &request.name).await?;
        dataset.try_into().map_err(|error| self.unread(&error))
    }

    pub(crate) async fn dataset_versions(
        &self,
        request: v1::ListDatasetVersionsRequest,
    ) -> Result<v1::ListDatasetVersionsResponse, ClientError> {
        let path = format!("datasets/{}/versions", segment(&request.parent));
        let page = self.listed::<json::CommittedVersions>(&path, &request.page_token, "").await?;
        page.try_into().map_err(|error| self.unread(&error))
    }

    pub(crate) async fn organisations(
        &self,
        request: v1::ListOrganisationsRequest,
    ) -> Result<v1::ListOrganisationsResponse, ClientError> {
        let (token, filter) = (&request.page_token, &request.filter);
        Ok(self.listed::<json::Organisations>("organisations", token, filter).await?.into())
    }

    pub(crate) async fn organisation(
        &self,
        request: &v1::GetOrganisationRequest,
    ) -> Result<v1::Organisation, ClientError> {
        Ok(self.got::<json::Organisation>("organisations", &request.name).await?.into())
    }

    async fn listed<T: DeserializeOwned>(
        &self,
        path: &str,
        page_token: &str,
        filter: &str,
    ) -> Result<T, ClientError> {
        let parameters = [("filter", filter), ("page_token", page_token)];
        let asked = Asked::get(address(&format!("/api/v1/{path}"), &parameters));
        self.read(&self.ask(&asked).await?)
    }

    async fn got<T: DeserializeOwned>(&self, collection: &str, name: &str) -> Result<T, ClientError> {
        let asked = Asked::get(format!("/api/v1/{collection}/{}", segment(name)));
        self.read(&self.ask(&asked).await?)
    }
}
