//! Query: one SELECT, answered as a stream.

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};
use tonic::Streaming;

use crate::client::Client;
use crate::error::ClientError;
use crate::pull::AsOf;
use crate::retry::{Trouble, cause_of, trouble};

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
    client: Client,
    stream: Streaming<v1::QueryRowsResponse>,
    first: Option<v1::QueryRowsResponse>,
    versions: Vec<v1::DatasetVersionRef>,
    rows: u64,
    complete: bool,
}

impl Client {
    /// Asks the hub. Until the first bytes come the call is repeated while there is no connection.
    pub async fn query(&self, request: &QueryRequest) -> Result<Answer, ClientError> {
        use v1::query_rows_request::AsOf as Wire;
        let wire = v1::QueryRowsRequest {
            sql: request.sql.clone(),
            format: request.format.into(),
            as_of: request.as_of.clone().map(|as_of| match as_of {
                AsOf::Version(version) => Wire::Version(version),
                AsOf::Time(time) => Wire::Time(time),
            }),
        };
        let mut patience = self.patience();
        loop {
            let begun = async {
                let mut stream = self.reads().query_rows(wire.clone()).await?.into_inner();
                let first = stream.message().await?;
                Ok::<_, tonic::Status>((stream, first))
            };
            match begun.await {
                Ok((stream, Some(mut first))) => {
                    let versions = std::mem::take(&mut first.versions);
                    let client = self.clone();
                    return Ok(Answer {
                        client,
                        stream,
                        first: Some(first),
                        versions,
                        rows: 0,
                        complete: false,
                    });
                }
                Ok((_, None)) => return Err(self.incomplete("it is empty")),
                Err(status) => patience.after(status).await?,
            }
        }
    }
}

impl Answer {
    /// The dataset versions that the answer stands on, with their coverage.
    pub fn versions(&self) -> &[v1::DatasetVersionRef] {
        &self.versions
    }

    /// Rows received up to now.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next bytes; none when the answer is whole. A statement is not resumed: what was cut is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let message = match self.first.take() {
                Some(first) => Some(first),
                None => self.stream.message().await.map_err(|status| self.cut(status))?,
            };
            let Some(message) = message else {
                let cut = || self.client.incomplete(format!("it ended after {} rows", self.rows));
                return if self.complete { Ok(None) } else { Err(cut()) };
            };
            self.rows = message.rows;
            self.complete |= message.complete;
            if !message.data.is_empty() {
                return Ok(Some(message.data));
            }
        }
    }

    fn cut(&self, status: tonic::Status) -> ClientError {
        if trouble(&status) == Trouble::Cut {
            return self.client.incomplete(format!(
                "it was cut after {} rows ({})",
                self.rows,
                cause_of(&status)
            ));
        }
        status.into()
    }
}
