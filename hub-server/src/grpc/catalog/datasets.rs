//! Datasets and their versions, as far as the caller may read them.

use std::sync::Arc;

use hub_datasets::Pattern;
use hub_proto::convert::time_to_wire;
use hub_proto::name::{self, Collection};
use hub_proto::v1::{
    self, GetDatasetRequest, GetDatasetResponse, ListDatasetVersionsRequest, ListDatasetVersionsResponse,
    ListDatasetsRequest, ListDatasetsResponse,
};
use tonic::Request;

use crate::commit::Promise;
use crate::desk::Page;
use crate::error::HubError;
use crate::grpc::Door;
use crate::permit::ReadPermit;
use crate::store::table::VersionInfo;
use crate::store::{self, Table};

pub(super) async fn list(
    door: &Door,
    request: Request<ListDatasetsRequest>,
) -> Result<ListDatasetsResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let request = request.into_inner();
    let asked = (request.page_size, request.page_token.as_str());
    let page = Page::open(&door.rooms.seal, "ListDatasetsRequest", &[&caller.organisation], asked)?;
    let mut readable = door.readable(&caller)?;
    // Nothing is known of a damaged one: `GetDataset` says why, the others are listed.
    readable.retain(|(pattern, _)| door.rooms.commits.whole(&pattern.id).is_ok());
    let mut all = Vec::with_capacity(readable.len());
    for (pattern, permit) in &readable {
        all.push(dataset(door, pattern, permit).await?);
    }
    let (datasets, next_page_token) = page.of(all, |dataset| dataset.name.clone(), |dataset| dataset)?;
    Ok(ListDatasetsResponse { datasets, next_page_token })
}

pub(super) async fn get(
    door: &Door,
    request: Request<GetDatasetRequest>,
) -> Result<GetDatasetResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let pattern = door.pattern(Collection::Datasets, &request.get_ref().name)?;
    let permit = door.rooms.identity.read(&caller, &pattern)?;
    Ok(GetDatasetResponse { dataset: Some(dataset(door, &pattern, &permit).await?) })
}

pub(super) async fn versions(
    door: &Door,
    request: Request<ListDatasetVersionsRequest>,
) -> Result<ListDatasetVersionsResponse, HubError> {
    let caller = door.caller(request.metadata())?;
    let request = request.into_inner();
    let pattern = door.pattern(Collection::Datasets, &request.parent)?;
    let permit = door.rooms.identity.read(&caller, &pattern)?;
    let asked = (request.page_size, request.page_token.as_str());
    let chosen = [pattern.id.as_str(), permit.publisher().unwrap_or_default()];
    let page = Page::<u64>::open(&door.rooms.seal, "ListDatasetVersionsRequest", &chosen, asked)?;
    let limit = usize::try_from(page.fetch()).unwrap_or(usize::MAX);
    let (table, publisher, before) =
        (table(door, &pattern).await?, permit.publisher().map(str::to_owned), page.after);
    let fetched = store::blocking(move || table.versions(publisher.as_deref(), before, limit)).await?;
    let to_wire = |info| version(&pattern.id, info);
    let (versions, next_page_token) = page.close(fetched, |info| info.version, to_wire)?;
    Ok(ListDatasetVersionsResponse { versions, next_page_token })
}

/// The table of a pattern, with all that was acknowledged.
async fn table(door: &Door, pattern: &Pattern) -> Result<Arc<Table>, HubError> {
    door.rooms.commits.whole(&pattern.id)?;
    door.rooms.commits.readable(&pattern.id).await?;
    door.rooms.commits.table(&pattern.id).ok_or_else(|| lacking(pattern))
}

fn lacking(pattern: &Pattern) -> HubError {
    HubError::fault(format!("pattern {} has no table", pattern.reference()))
}

/// A dataset with what the permit lets its holder count: all rows, or only own ones.
async fn dataset(door: &Door, pattern: &Pattern, permit: &ReadPermit) -> Result<v1::Dataset, HubError> {
    let snapshot = table(door, pattern).await?.snapshot();
    let Promise { reach, oldest } =
        door.rooms.commits.promise(&pattern.id).ok_or_else(|| lacking(pattern))?;
    let files = &snapshot.files;
    let (rows, publishers) = match permit.publisher() {
        Some(own) => {
            let rows = files.owned(own).map(|owner| owner.rows).sum();
            (rows, usize::from(rows > 0))
        }
        None => (files.rows(), files.extent().publishers),
    };
    Ok(v1::Dataset {
        name: Collection::Datasets.name(&pattern.id),
        pattern: Collection::Patterns.name(&pattern.id),
        latest_version: snapshot.dataset_version,
        update_time: snapshot.committed_at.map(time_to_wire),
        rows,
        publishers: u64::try_from(publishers).unwrap_or(u64::MAX),
        open: pattern.is_open(),
        history: reach.to_string(),
        oldest_version: oldest.map_or(0, |(version, _)| version),
        oldest_time: oldest.map(|(_, time)| time_to_wire(time)),
    })
}

fn version(dataset: &str, info: VersionInfo) -> v1::DatasetVersion {
    v1::DatasetVersion {
        name: name::dataset_version(dataset, info.version),
        version: info.version,
        commit_time: Some(time_to_wire(info.committed_at)),
        rows: info.rows,
        submissions: info.submissions.iter().map(|id| Collection::Submissions.name(id)).collect(),
    }
}
