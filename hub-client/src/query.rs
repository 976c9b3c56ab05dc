//! Query: one SELECT, answered as a stream.

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};
use tonic::Streaming;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::https::{Asked, Fault, Rows};
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
    source: Source,
    versions: Vec<v1::DatasetVersionRef>,
    rows: u64,
    complete: bool,
}

/// The way on which it comes.
#[derive(Debug)]
enum Source {
    Grpc { stream: Box<Streaming<v1::QueryRowsResponse>>, first: Option<v1::QueryRowsResponse> },
    Https(Box<Rows>),
}

impl Client {
    /// Asks the hub. Until the first bytes come the call is repeated while there is no connection.
    pub async fn query(&self, request: &QueryRequest) -> Result<Answer, ClientError> {
        by_either!(self, self.query_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::query(request), request.format, &mut https.patience()).await?;
            let versions = rows.versions().map_err(|error| self.incomplete(error.to_string()))?;
            let (client, source) = (self.clone(), Source::Https(Box::new(rows)));
            Ok(Answer { client, source, versions, rows: 0, complete: false })
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
                    let source = Source::Grpc { stream: Box::new(stream), first: Some(first) };
                    return Ok(Answer { client, source, versions, rows: 0, complete: false });
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
            let message = match &mut self.source {
                Source::Https(rows) => {
                    let came = rows.next().await;
                    self.rows = rows.counted().unwrap_or_default();
                    return came.map_err(|fault| self.broke_off(fault));
                }
                Source::Grpc { stream, first } => match first.take() {
                    Some(first) => Ok(Some(first)),
                    None => stream.message().await,
                },
            };
            let Some(message) = message.map_err(|status| self.cut(status))? else {
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

    fn broke_off(&self, fault: Fault) -> ClientError {
        match fault {
            Fault::Refused(refusal) | Fault::Busy(refusal) => ClientError::Refused(refusal),
            Fault::Cut(cause) | Fault::Certificate(cause) => {
                self.client.incomplete(format!("it was cut after {} rows ({cause})", self.rows))
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
