//! What differs between two states of a report.

use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::https::Asked;
use crate::names;
use crate::streamed::Streamed;

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
pub struct Changes(Streamed<v1::DiffRevisionsResponse>);

impl Client {
    /// Holds two states of a report beside each other. Until the first bytes come the call is repeated while there is
    /// no connection.
    pub async fn diff(&self, request: &DiffRequest) -> Result<Changes, ClientError> {
        by_either!(self, self.diff_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::changes(request), request.format, &mut https.patience()).await?;
            Ok(Changes(Streamed::over_https(self, rows)))
        })
    }

    async fn diff_by_grpc(&self, request: &DiffRequest) -> Result<Changes, ClientError> {
        let wire = v1::DiffRevisionsRequest {
            from: request.from.as_deref().map(names::submission).unwrap_or_default(),
            to: names::submission(&request.to),
            format: request.format.into(),
            replace_all: request.replace_all,
        };
        let begun = Streamed::begin(self, || {
            let (mut service, wire) = (self.submissions(), wire.clone());
            async move { service.diff_revisions(wire).await }
        });
        begun.await.map(Changes)
    }
}

impl Changes {
    /// How many rows differ; known once all bytes have come, and not over the HTTP door.
    pub fn counts(&self) -> Option<v1::RevisionChanges> {
        self.0.last().map(|last| last.changes.unwrap_or_default())
    }

    /// The next bytes; none when the answer is whole. What was cut is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.0.next().await
    }
}
