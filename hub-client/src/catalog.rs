//! Looking things up: patterns, datasets, organisations.

use std::pin::Pin;

use futures::stream::{self, Stream, TryStreamExt as _};

use hub_proto::v1;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::names;

/// A list that is fetched page by page while it is read.
pub type Listing<T> = Pin<Box<dyn Stream<Item = Result<T, ClientError>> + Send>>;

/// Page tokens end with an empty one; `None` stands for "no more pages".
pub(crate) fn paged<T, F>(fetch: impl Fn(String) -> F + Send + 'static) -> Listing<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, String), ClientError>> + Send + 'static,
{
    let pages = stream::try_unfold(Some(String::new()), move |token| {
        let page = token.map(&fetch);
        async move {
            let Some(page) = page else { return Ok(None) };
            let (items, next) = page.await?;
            let next = Some(next).filter(|token| !token.is_empty());
            Ok::<_, ClientError>(Some((stream::iter(items.into_iter().map(Ok)), next)))
        }
    });
    Box::pin(pages.try_flatten())
}

macro_rules! listing {
    ($client:expr, $method:ident, $https:ident, $items:ident, $request:expr) => {{
        let client = $client.clone();
        let request = $request;
        paged(move |page_token| {
            let client = client.clone();
            let mut request = request.clone();
            request.page_token = page_token;
            async move {
                let page = by_either!(client, call!(client, $method, request), |https| {
                    https.$https(request).await
                });
                page.map(|page| (page.$items, page.next_page_token))
            }
        })
    }};
}

/// A call over gRPC.
macro_rules! call {
    ($client:expr, $method:ident, $request:expr) => {
        $client
            .repeating(|| {
                let (mut service, request) = ($client.catalog(), $request.clone());
                async move { service.$method(request).await }
            })
            .await
    };
}

impl Client {
    /// All patterns.
    pub fn patterns(&self) -> Listing<v1::Pattern> {
        listing!(self, list_patterns, patterns, patterns, v1::ListPatternsRequest::default())
    }

    /// All datasets that the caller may see.
    pub fn datasets(&self) -> Listing<v1::Dataset> {
        listing!(self, list_datasets, datasets, datasets, v1::ListDatasetsRequest::default())
    }

    /// Organisations whose name or id contains `filter`; all when it is empty.
    pub fn organisations(&self, filter: &str) -> Listing<v1::Organisation> {
        let request = v1::ListOrganisationsRequest { filter: filter.to_owned(), ..Default::default() };
        listing!(self, list_organisations, organisations, organisations, request)
    }

    /// Versions of a dataset, newest first.
    pub fn dataset_versions(&self, dataset: &str) -> Listing<v1::DatasetVersion> {
        let request =
            v1::ListDatasetVersionsRequest { parent: names::dataset(dataset), ..Default::default() };
        listing!(self, list_dataset_versions, dataset_versions, versions, request)
    }

    /// One pattern with its Table Schema.
    pub async fn pattern(&self, pattern: &str) -> Result<v1::GetPatternResponse, ClientError> {
        let request = v1::GetPatternRequest { name: names::pattern(pattern) };
        by_either!(self, call!(self, get_pattern, request), |https| https.pattern(&request).await)
    }

    /// One dataset.
    pub async fn dataset(&self, dataset: &str) -> Result<v1::Dataset, ClientError> {
        let request = v1::GetDatasetRequest { name: names::dataset(dataset) };
        by_either!(self, self.dataset_by_grpc(&request).await, |https| https.dataset(&request).await)
    }

    async fn dataset_by_grpc(&self, request: &v1::GetDatasetRequest) -> Result<v1::Dataset, ClientError> {
        let answer = call!(self, get_dataset, request)?;
        answer.dataset.ok_or_else(|| self.incomplete("it holds no dataset"))
    }

    /// One organisation.
    pub async fn organisation(&self, organisation: &str) -> Result<v1::Organisation, ClientError> {
        let request = v1::GetOrganisationRequest { name: names::organisation(organisation) };
        by_either!(self, self.organisation_by_grpc(&request).await, |https| {
            https.organisation(&request).await
        })
    }

    async fn organisation_by_grpc(
        &self,
        request: &v1::GetOrganisationRequest,
    ) -> Result<v1::Organisation, ClientError> {
        let answer = call!(self, get_organisation, request)?;
        answer.organisation.ok_or_else(|| self.incomplete("it holds no organisation"))
    }
}
