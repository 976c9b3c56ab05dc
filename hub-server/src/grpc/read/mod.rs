//! `ReadService`.

mod changes;
mod query;
mod rows;
mod session;
mod watch;

use hub_proto::v1::read_service_server::ReadService;
use hub_proto::v1::{
    CreateReadSessionRequest, CreateReadSessionResponse, ListChangesRequest, ListChangesResponse,
    ListRevisionsBehindRequest, ListRevisionsBehindResponse, QueryRowsRequest, QueryRowsResponse,
    ReadRowsRequest, ReadRowsResponse, WatchDatasetsRequest, WatchDatasetsResponse,
};
use tonic::{Request, Response, Status};

use super::answers::Answers;
use super::{Door, answer};

/// The service's methods, each in a file of its own.
#[derive(Debug, Clone)]
pub(super) struct ReadDoor(pub(super) Door);

#[tonic::async_trait]
impl ReadService for ReadDoor {
    type ReadRowsStream = Answers<ReadRowsResponse>;
    type QueryRowsStream = Answers<QueryRowsResponse>;
    type WatchDatasetsStream = Answers<WatchDatasetsResponse>;
    type ListChangesStream = Answers<ListChangesResponse>;

    async fn create_read_session(
        &self,
        request: Request<CreateReadSessionRequest>,
    ) -> Result<Response<CreateReadSessionResponse>, Status> {
        answer(session::create(&self.0, request).await)
    }

    async fn read_rows(
        &self,
        request: Request<ReadRowsRequest>,
    ) -> Result<Response<Self::ReadRowsStream>, Status> {
        answer(rows::read(&self.0, request).await)
    }

    async fn query_rows(
        &self,
        request: Request<QueryRowsRequest>,
    ) -> Result<Response<Self::QueryRowsStream>, Status> {
        answer(query::query(&self.0, request).await)
    }

    async fn list_revisions_behind(
        &self,
        request: Request<ListRevisionsBehindRequest>,
    ) -> Result<Response<ListRevisionsBehindResponse>, Status> {
        answer(query::revisions(&self.0, request).await)
    }

    async fn list_changes(
        &self,
        request: Request<ListChangesRequest>,
    ) -> Result<Response<Self::ListChangesStream>, Status> {
        answer(changes::list(&self.0, request).await)
    }

    async fn watch_datasets(
        &self,
        request: Request<WatchDatasetsRequest>,
    ) -> Result<Response<Self::WatchDatasetsStream>, Status> {
        answer(watch::watch(&self.0, request).await)
    }
}
