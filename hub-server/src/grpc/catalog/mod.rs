//! `CatalogService`.

mod datasets;
mod organisations;
mod patterns;

use hub_proto::v1::catalog_service_server::CatalogService;
use hub_proto::v1::{
    GetDatasetRequest, GetDatasetResponse, GetOrganisationRequest, GetOrganisationResponse,
    GetPatternRequest, GetPatternResponse, ListCodeListsRequest, ListCodeListsResponse,
    ListDatasetVersionsRequest, ListDatasetVersionsResponse, ListDatasetsRequest, ListDatasetsResponse,
    ListOrganisationsRequest, ListOrganisationsResponse, ListPatternsRequest, ListPatternsResponse,
};
use tonic::{Request, Response, Status};

use super::{Door, answer};

/// The service's methods, each in the file of its group.
#[derive(Debug, Clone)]
pub(super) struct CatalogDoor(pub(super) Door);

#[tonic::async_trait]
impl CatalogService for CatalogDoor {
    async fn list_patterns(
        &self,
        request: Request<ListPatternsRequest>,
    ) -> Result<Response<ListPatternsResponse>, Status> {
        answer(patterns::list(&self.0, request).await)
    }

    async fn get_pattern(
        &self,
        request: Request<GetPatternRequest>,
    ) -> Result<Response<GetPatternResponse>, Status> {
        answer(patterns::get(&self.0, request).await)
    }

    async fn list_code_lists(
        &self,
        request: Request<ListCodeListsRequest>,
    ) -> Result<Response<ListCodeListsResponse>, Status> {
        answer(patterns::code_lists(&self.0, request).await)
    }

    async fn list_organisations(
        &self,
        request: Request<ListOrganisationsRequest>,
    ) -> Result<Response<ListOrganisationsResponse>, Status> {
        answer(organisations::list(&self.0, request).await)
    }

    async fn get_organisation(
        &self,
        request: Request<GetOrganisationRequest>,
    ) -> Result<Response<GetOrganisationResponse>, Status> {
        answer(organisations::get(&self.0, request).await)
    }

    async fn list_datasets(
        &self,
        request: Request<ListDatasetsRequest>,
    ) -> Result<Response<ListDatasetsResponse>, Status> {
        answer(datasets::list(&self.0, request).await)
    }

    async fn get_dataset(
        &self,
        request: Request<GetDatasetRequest>,
    ) -> Result<Response<GetDatasetResponse>, Status> {
        answer(datasets::get(&self.0, request).await)
    }

    async fn list_dataset_versions(
        &self,
        request: Request<ListDatasetVersionsRequest>,
    ) -> Result<Response<ListDatasetVersionsResponse>, Status> {
        answer(datasets::versions(&self.0, request).await)
    }
}
