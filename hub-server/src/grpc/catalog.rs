//! `CatalogService`.

use hub_proto::v1::catalog_service_server::CatalogService;
use hub_proto::v1::{
    GetDatasetRequest, GetDatasetResponse, GetOrganisationRequest, GetOrganisationResponse,
    GetPatternRequest, GetPatternResponse, ListCodeListsRequest, ListCodeListsResponse,
    ListDatasetVersionsRequest, ListDatasetVersionsResponse, ListDatasetsRequest, ListDatasetsResponse,
    ListOrganisationsRequest, ListOrganisationsResponse, ListPatternsRequest, ListPatternsResponse,
};
use tonic::{Request, Response, Status};

use super::{Door, answer};

/// The service's methods; the desk says what each means.
#[derive(Debug, Clone)]
pub(super) struct CatalogDoor(pub(super) Door);

#[tonic::async_trait]
impl CatalogService for CatalogDoor {
    async fn list_patterns(
        &self,
        request: Request<ListPatternsRequest>,
    ) -> Result<Response<ListPatternsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_patterns(&caller, &request))
    }

    async fn get_pattern(
        &self,
        request: Request<GetPatternRequest>,
    ) -> Result<Response<GetPatternResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.whole_pattern(&caller, &request))
    }

    async fn list_code_lists(
        &self,
        request: Request<ListCodeListsRequest>,
    ) -> Result<Response<ListCodeListsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_code_lists(&caller, &request))
    }

    async fn list_organisations(
        &self,
        request: Request<ListOrganisationsRequest>,
    ) -> Result<Response<ListOrganisationsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_organisations(&caller, request).await)
    }

    async fn get_organisation(
        &self,
        request: Request<GetOrganisationRequest>,
    ) -> Result<Response<GetOrganisationResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.organisation(&caller, &request))
    }

    async fn list_datasets(
        &self,
        request: Request<ListDatasetsRequest>,
    ) -> Result<Response<ListDatasetsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_datasets(&caller, request).await)
    }

    async fn get_dataset(
        &self,
        request: Request<GetDatasetRequest>,
    ) -> Result<Response<GetDatasetResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.dataset(&caller, request).await)
    }

    async fn list_dataset_versions(
        &self,
        request: Request<ListDatasetVersionsRequest>,
    ) -> Result<Response<ListDatasetVersionsResponse>, Status> {
        let (caller, request) = self.0.taken(request)?;
        answer(self.0.list_dataset_versions(&caller, request).await)
    }
}
