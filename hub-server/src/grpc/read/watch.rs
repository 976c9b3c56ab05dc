//! `WatchDatasets`.

use hub_proto::v1::{WatchDatasetsRequest, WatchDatasetsResponse};
use tonic::Request;

use crate::error::HubError;
use crate::grpc::Door;
use crate::grpc::answers::{Answers, answers};

pub(super) async fn watch(
    door: &Door,
    request: Request<WatchDatasetsRequest>,
) -> Result<Answers<WatchDatasetsResponse>, HubError> {
    let caller = door.caller(request.metadata())?;
    Ok(answers(door.watch_datasets(&caller, request.into_inner()).await?, |told| told))
}
