//! Query: one SELECT, answered as a stream.

use bytes::Bytes;
use hub_proto::Permalink;
use hub_proto::v1::{self, RowFormat};

use crate::catalog::{Listing, paged};
use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::https::Asked;
use crate::pull::AsOf;
use crate::streamed::Streamed;

/// One statement.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    /// One SELECT.
    pub sql: String,
    /// Format of the bytes.
    pub format: RowFormat,
    /// None: the newest versions.
    pub as_of: Option<AsOf>,
    /// States of tables one by one, as a permalink has them: `rb28s@7`. What is not named is read at `as_of`.
    pub at: Vec<String>,
}

impl QueryRequest {
    /// The statement of a permalink, in the states that it names; None: the address is no permalink.
    pub fn of_permalink(address: &str, format: RowFormat) -> Option<Self> {
        let Permalink { sql, at } = Permalink::read(address)?;
        Some(Self { sql, format, as_of: None, at })
    }
}

/// The answer to a statement while it comes.
#[derive(Debug)]
pub struct Answer {
    streamed: Streamed<v1::QueryRowsResponse>,
    versions: Vec<v1::DatasetVersionRef>,
    permalink: String,
    /// Over HTTPS they come first.
    warnings: Vec<v1::Warning>,
}

impl Client {
    /// Asks the hub. Until the first bytes come the call is repeated while there is no connection.
    pub async fn query(&self, request: &QueryRequest) -> Result<Answer, ClientError> {
        by_either!(self, self.query_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::query(request), request.format, &mut https.patience()).await?;
            let versions = rows.versions().map_err(|error| self.incomplete(error.to_string()))?;
            let (permalink, warnings) = (rows.permalink().to_owned(), rows.warnings());
            Ok(Answer { streamed: Streamed::over_https(self, rows), versions, permalink, warnings })
        })
    }

    async fn query_by_grpc(&self, request: &QueryRequest) -> Result<Answer, ClientError> {
        use v1::query_rows_request::AsOf as Wire;
        let wire = v1::QueryRowsRequest {
            sql: request.sql.clone(),
            format: request.format.into(),
            as_of: request.as_of.clone().map(|as_of| match as_of {
                AsOf::Version(version) => Wire::Version(version),
                AsOf::Time(time) => Wire::Time(time),
            }),
            at: request.at.clone(),
        };
        let begun = Streamed::begin(self, || {
            let (mut service, wire) = (self.reads(), wire.clone());
            async move { service.query_rows(wire).await }
        });
        let mut streamed = begun.await?;
        let first = streamed.first();
        let told =
            first.map(|first| (std::mem::take(&mut first.versions), std::mem::take(&mut first.permalink)));
        let (versions, permalink) = told.unwrap_or_default();
        Ok(Answer { streamed, versions, permalink, warnings: Vec::new() })
    }

    /// The revisions that the rows of a statement may come from, page by page. `at`: as in [`QueryRequest`].
    pub fn revisions_behind(&self, sql: &str, at: &[String]) -> Listing<v1::RevisionBehind> {
        let (sql, at) = (sql.to_owned(), at.to_vec());
        let request = v1::ListRevisionsBehindRequest { sql, at, ..Default::default() };
        let client = self.clone();
        paged(move |page_token| {
            let (client, request) = (client.clone(), request.clone());
            async move { client.revisions_page(v1::ListRevisionsBehindRequest { page_token, ..request }).await }
        })
    }

    async fn revisions_page(
        &self,
        request: v1::ListRevisionsBehindRequest,
    ) -> Result<(Vec<v1::RevisionBehind>, String), ClientError> {
        let by_grpc = || {
            let (mut service, request) = (self.reads(), request.clone());
            async move { service.list_revisions_behind(request).await }
        };
        let page = by_either!(self, self.repeating(by_grpc).await, |https| {
            https.revisions_behind(&request).await
        });
        page.map(|page| (page.revisions, page.next_page_token))
    }
}

impl Answer {
    /// The dataset versions that the answer stands on, with their coverage.
    pub fn versions(&self) -> &[v1::DatasetVersionRef] {
        &self.versions
    }

    /// An address that gives the same rows again; None: the answer has none.
    pub fn permalink(&self) -> Option<&str> {
        Some(self.permalink.as_str()).filter(|link| !link.is_empty())
    }

    /// Traps of the statement, as far as the hub sees them; known once the answer is whole.
    pub fn warnings(&self) -> &[v1::Warning] {
        self.streamed.last().map_or(&self.warnings, |last| &last.warnings)
    }

    /// Rows received up to now.
    pub fn rows(&self) -> u64 {
        self.streamed.rows()
    }

    /// The next bytes; none when the answer is whole. A statement is not resumed: what was cut is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.streamed.next().await
    }
}
