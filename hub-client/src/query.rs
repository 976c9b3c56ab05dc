//! Query: one SELECT, answered as a stream.

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};

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
}

/// The answer to a statement while it comes.
#[derive(Debug)]
pub struct Answer {
    streamed: Streamed<v1::QueryRowsResponse>,
    versions: Vec<v1::DatasetVersionRef>,
    /// Over HTTPS they come first.
    warnings: Vec<v1::Warning>,
}

impl Client {
    /// Asks the hub. Until the first bytes come the call is repeated while there is no connection.
    pub async fn query(&self, request: &QueryRequest) -> Result<Answer, ClientError> {
        by_either!(self, self.query_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::query(request), request.format, &mut https.patience()).await?;
            let versions = rows.versions().map_err(|error| self.incomplete(error.to_string()))?;
            let warnings = rows.warnings();
            Ok(Answer { streamed: Streamed::over_https(self, rows), versions, warnings })
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
        };
        let begun = Streamed::begin(self, || {
            let (mut service, wire) = (self.reads(), wire.clone());
            async move { service.query_rows(wire).await }
        });
        let mut streamed = begun.await?;
        let versions = streamed.first().map(|first| std::mem::take(&mut first.versions));
        Ok(Answer { streamed, versions: versions.unwrap_or_default(), warnings: Vec::new() })
    }
}

impl Answer {
    /// The dataset versions that the answer stands on, with their coverage.
    pub fn versions(&self) -> &[v1::DatasetVersionRef] {
        &self.versions
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
