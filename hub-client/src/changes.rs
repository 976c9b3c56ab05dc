//! What differs between two states of a report.

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};
use tonic::Streaming;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::https::{Asked, Fault, Rows};
use crate::names;
use crate::retry::{Trouble, cause_of, trouble};

/// Two states of a report.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    /// Submission that made the earlier state; none: the state before the later one.
    pub from: Option<String>,
    /// Submission that made the later state, or would make it.
    pub to: String,
    /// Of a submission without verdict: what it lacks would be dropped.
    pub replace_all: bool,
    /// Format of the bytes.
    pub format: RowFormat,
}

/// Changes while they come: a file whose rows carry `_change_type`.
#[derive(Debug)]
pub struct Changes {
    client: Client,
    source: Source,
    counts: Option<v1::RevisionChanges>,
    rows: u64,
}

/// The way on which they come.
#[derive(Debug)]
enum Source {
    Grpc { stream: Box<Streaming<v1::DiffRevisionsResponse>>, first: Option<v1::DiffRevisionsResponse> },
    Https(Box<Rows>),
}

impl Client {
    /// Holds two states of a report beside each other. Until the first bytes come the call is repeated while there is
    /// no connection.
    pub async fn diff(&self, request: &DiffRequest) -> Result<Changes, ClientError> {
        by_either!(self, self.diff_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::changes(request), request.format, &mut https.patience()).await?;
            let (client, source) = (self.clone(), Source::Https(Box::new(rows)));
            Ok(Changes { client, source, counts: None, rows: 0 })
        })
    }

    async fn diff_by_grpc(&self, request: &DiffRequest) -> Result<Changes, ClientError> {
        let wire = v1::DiffRevisionsRequest {
            from: request.from.as_deref().map(names::submission).unwrap_or_default(),
            to: names::submission(&request.to),
            format: request.format.into(),
            replace_all: request.replace_all,
        };
        let mut patience = self.patience();
        loop {
            let begun = async {
                let mut stream = self.submissions().diff_revisions(wire.clone()).await?.into_inner();
                let first = stream.message().await?;
                Ok::<_, tonic::Status>((stream, first))
            };
            match begun.await {
                Ok((stream, first @ Some(_))) => {
                    let (client, source) = (self.clone(), Source::Grpc { stream: Box::new(stream), first });
                    return Ok(Changes { client, source, counts: None, rows: 0 });
                }
                Ok((_, None)) => return Err(self.incomplete("it is empty")),
                Err(status) => patience.after(status).await?,
            }
        }
    }
}

impl Changes {
    /// How many rows differ; known once all bytes have come, and not over the HTTP door.
    pub fn counts(&self) -> Option<v1::RevisionChanges> {
        self.counts
    }

    /// The next bytes; none when the answer is whole. What was cut is an error.
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
                return self.counts.map(|_| None).ok_or_else(cut);
            };
            self.rows = message.rows;
            if message.complete {
                self.counts = Some(message.changes.unwrap_or_default());
            }
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
            let (rows, cause) = (self.rows, cause_of(&status));
            return self.client.incomplete(format!("it was cut after {rows} rows ({cause})"));
        }
        status.into()
    }
}
