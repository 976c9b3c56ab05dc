//! The rows of a statement, as they come from its worker. Nothing is read that nobody takes: what waits is in the socket,
//! and the worker behind it.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::lease::Lease;
use super::line::{Kind, parsed, unexpected};
use super::served::Served;
use super::wire::{self, Head};
use super::{QueryError, Warning};
use crate::config::limits::QUERY_ANSWER_BYTES;
use crate::query::RowChunk;

/// A statement that runs. Dropping it ends the statement.
pub(crate) struct Rows {
    pub(super) head: Head,
    /// Pieces of the answer in its format.
    pub(crate) chunks: BoxStream<'static, Result<RowChunk, QueryError>>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A worker at a statement, with what it asks for.
pub(super) struct Talk {
    lease: Lease,
    served: Served,
    bytes: u64,
}

impl Rows {
    /// Datasets that the plan scans, so that the answer names their versions.
    pub(crate) fn datasets(&self) -> &[String] {
        &self.head.datasets
    }

    /// Traps of the statement.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.head.warnings
    }

    /// Waits until the plan stands.
    pub(super) async fn begin(lease: Lease, served: Served) -> Result<Self, QueryError> {
        let (head, talk) = Talk::begin(lease, served).await?;
        let chunks = stream::unfold(Some(talk), |talk| async move {
            let mut talk = talk?;
            match talk.chunk().await {
                Ok(chunk) if chunk.complete => {
                    talk.end();
                    Some((Ok(chunk), None))
                }
                Ok(chunk) => Some((Ok(chunk), Some(talk))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Self { head, chunks: chunks.boxed() })
    }
}

impl Talk {
    /// Waits until the plan stands.
    pub(super) async fn begin(lease: Lease, served: Served) -> Result<(Head, Self), QueryError> {
        let mut talk = Self { lease, served, bytes: 0 };
        let head = match talk.next().await? {
            (Kind::Head, head) => parsed::<Head>(&head).map_err(|error| talk.lease.died(&error))?,
            _ => return Err(talk.lease.died(&unexpected())),
        };
        Ok((head, talk))
    }

    /// What the worker says next for the caller; its questions are answered.
    async fn next(&mut self) -> Result<(Kind, Bytes), QueryError> {
        loop {
            match self.lease.next().await? {
                (Kind::Question, question) => {
                    let question = parsed(&question).map_err(|error| self.lease.died(&error))?;
                    let answer = self.served.answer(question).await;
                    let put = self.lease.line()?.put_json(Kind::Answer, &answer);
                    put.map_err(|error| QueryError::internal(&error))?;
                }
                (Kind::Failed, error) => return Err(self.lease.failed(&error)),
                frame => return Ok(frame),
            }
        }
    }

    /// The next piece.
    pub(super) async fn chunk(&mut self) -> Result<RowChunk, QueryError> {
        let chunk = match self.next().await? {
            (Kind::Rows, body) => wire::rows_of(body).map_err(|error| self.lease.died(&error))?,
            _ => return Err(self.lease.died(&unexpected())),
        };
        self.bytes += chunk.data.len() as u64;
        if self.bytes > QUERY_ANSWER_BYTES {
            return Err(QueryError::Limit(format!(
                "the answer has more than {} GiB; aggregate, filter, or pull the dataset",
                QUERY_ANSWER_BYTES >> 30
            )));
        }
        Ok(chunk)
    }

    /// After the last piece: the worker is free for another statement.
    pub(super) fn end(self) -> Served {
        self.lease.end();
        self.served
    }
}
