//! Datasets and their versions, as far as the caller may read them.

use std::sync::Arc;

use hub_datasets::Pattern;
use hub_proto::convert::time_to_wire;
use hub_proto::name::{self, Collection};
use hub_proto::v1::{
    self, GetDatasetRequest, GetDatasetResponse, ListDatasetVersionsRequest, ListDatasetVersionsResponse,
    ListDatasetsRequest, ListDatasetsResponse,
};

use crate::commit::Promise;
use crate::desk::{Desk, Page};
use crate::error::HubError;
use crate::identity::Principal;
use crate::permit::ReadPermit;
use crate::store::table::VersionInfo;
use crate::store::{self, Table};

impl Desk {
    /// Datasets that the caller may read, a page of them.
    pub(crate) async fn list_datasets(
        &self,
        caller: &Principal,
        request: ListDatasetsRequest,
    ) -> Result<ListDatasetsResponse, HubError> {
        let asked = (request.page_size, request.page_token.as_str());
        let page = Page::open(&self.rooms.seal, "ListDatasetsRequest", &[&caller.organisation], asked)?;
        let mut readable = self.readable(caller)?;
        // Nothing is known of a damaged one: `GetDataset` says why, the others are listed.
        readable.retain(|(pattern, _)| self.rooms.commits.whole(&pattern.id).is_ok());
        let mut all = Vec::with_capacity(readable.len());
        for (pattern, permit) in &readable {
            all.push(self.dataset_of(pattern, permit).await?);
        }
        let (datasets, next_page_token) = page.of(all, |dataset| dataset.name.clone(), |dataset| dataset)?;
        Ok(ListDatasetsResponse { datasets, next_page_token })
    }

    /// One dataset.
    pub(crate) async fn dataset(
        &self,
        caller: &Principal,
        request: GetDatasetRequest,
    ) -> Result<GetDatasetResponse, HubError> {
        let pattern = self.pattern(Collection::Datasets, &request.name)?;
        let permit = self.rooms.identity.read(caller, &pattern)?;
        Ok(GetDatasetResponse { dataset: Some(self.dataset_of(&pattern, &permit).await?) })
    }

    /// Versions of a dataset, newest first, a page of them.
    pub(crate) async fn list_dataset_versions(
        &self,
        caller: &Principal,
        request: ListDatasetVersionsRequest,
    ) -> Result<ListDatasetVersionsResponse, HubError> {
        let pattern = self.pattern(Collection::Datasets, &request.parent)?;
        let permit = self.rooms.identity.read(caller, &pattern)?;
        let asked = (request.page_size, request.page_token.as_str());
        let chosen = [pattern.id.as_str(), permit.publisher().unwrap_or_default()];
        let page = Page::<u64>::open(&self.rooms.seal, "ListDatasetVersionsRequest", &chosen, asked)?;
        let limit = usize::try_from(page.fetch()).unwrap_or(usize::MAX);
        let (table, publisher, before) =
            (self.table(&pattern).await?, permit.publisher().map(str::to_owned), page.after);
        let fetched = store::blocking(move || table.versions(publisher.as_deref(), before, limit)).await?;
        let to_wire = |info| version(&pattern.id, info);
        let (versions, next_page_token) = page.close(fetched, |info| info.version, to_wire)?;
        Ok(ListDatasetVersionsResponse { versions, next_page_token })
    }

    /// The table of a pattern, with all that was acknowledged.
    async fn table(&self, pattern: &Pattern) -> Result<Arc<Table>, HubError> {
        let commits = &self.rooms.commits;
        commits.whole(&pattern.id)?;
        commits.readable(&pattern.id).await?;
        commits.table(&pattern.id).ok_or_else(|| lacking(pattern))
    }

    /// A dataset with what the permit lets its holder count: all rows, or only own ones.
    async fn dataset_of(&self, pattern: &Pattern, permit: &ReadPermit) -> Result<v1::Dataset, HubError> {
        let snapshot = self.table(pattern).await?.snapshot();
        let Promise { reach, oldest } =
            self.rooms.commits.promise(&pattern.id).ok_or_else(|| lacking(pattern))?;
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
}

fn lacking(pattern: &Pattern) -> HubError {
    HubError::fault(format!("pattern {} has no table", pattern.reference()))
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
