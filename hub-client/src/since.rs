//! What changed in a dataset behind a cursor.

use std::path::Path;

use bytes::Bytes;
use hub_proto::json::ChangesHead;
use hub_proto::v1::{self, RowFormat};
use sha2::{Digest as _, Sha256};
use tonic::Streaming;

use crate::client::{Client, by_either};
use crate::error::{ClientError, Deed};
use crate::https::{Asked, Fault, Rows};
use crate::names;
use crate::retry::{Trouble, cause_of, trouble};
use crate::temporary::Temporary;

/// Which changes.
#[derive(Debug, Clone)]
pub struct SinceRequest {
    /// As `rb28s`.
    pub dataset: String,
    /// Where the page before ended, or where a read session stands; empty: before the first version.
    pub cursor: String,
    /// Of the pattern; empty: all that the caller may see. Those of the key and the hub's own come always.
    pub columns: Vec<String>,
    /// SQL row expression over a row as it was, and as it is; none: all rows.
    pub filter: Option<String>,
    /// Rows that were sent again with the same values are left out.
    pub values_only: bool,
    /// Format of the bytes.
    pub format: RowFormat,
}

/// A page of changes while it comes: whole dataset versions in the order of their commits. Its rows begin with
/// `_change_type` and `_dataset_version`.
#[derive(Debug)]
pub struct SincePage {
    client: Client,
    page: v1::ChangesPage,
    source: Source,
    sum: Sha256,
    rows: u64,
    is_whole: bool,
}

/// The way on which it comes.
#[derive(Debug)]
enum Source {
    Grpc { stream: Box<Streaming<v1::ListChangesResponse>>, first: Option<v1::ListChangesResponse> },
    Https(Box<Rows>),
}

impl Client {
    /// The page of changes behind a cursor. Until the first bytes come the call is repeated while there is no connection;
    /// a page that is cut later is an error, and is asked for again by the same cursor.
    pub async fn changes_since(&self, request: &SinceRequest) -> Result<SincePage, ClientError> {
        by_either!(self, self.since_by_grpc(request).await, |https| {
            let rows = https.rows(&Asked::since(request), request.format, &mut https.patience()).await?;
            let page =
                rows.page().ok_or_else(|| self.incomplete("it does not say what its changes cover"))?;
            let ChangesHead { since_version, last_version, next_cursor, more } = page.clone();
            let revisions = Vec::new();
            let page = v1::ChangesPage { since_version, last_version, next_cursor, more, revisions };
            Ok(self.page_of(page, Source::Https(Box::new(rows))))
        })
    }

    async fn since_by_grpc(&self, request: &SinceRequest) -> Result<SincePage, ClientError> {
        let wire = v1::ListChangesRequest {
            dataset: names::dataset(&request.dataset),
            cursor: request.cursor.clone(),
            columns: request.columns.clone(),
            filter: request.filter.clone().unwrap_or_default(),
            format: request.format.into(),
            values_only: request.values_only,
        };
        let mut patience = self.patience();
        loop {
            let begun = async {
                let mut stream = self.reads().list_changes(wire.clone()).await?.into_inner();
                let first = stream.message().await?;
                Ok::<_, tonic::Status>((stream, first))
            };
            match begun.await {
                Ok((stream, Some(mut first))) => {
                    let page = first.page.take();
                    let page =
                        page.ok_or_else(|| self.incomplete("it does not say what its changes cover"))?;
                    let (stream, first) = (Box::new(stream), Some(first));
                    return Ok(self.page_of(page, Source::Grpc { stream, first }));
                }
                Ok((_, None)) => return Err(self.incomplete("it is empty")),
                Err(status) => patience.after(status).await?,
            }
        }
    }

    fn page_of(&self, page: v1::ChangesPage, source: Source) -> SincePage {
        SincePage { client: self.clone(), page, source, sum: Sha256::new(), rows: 0, is_whole: false }
    }
}

impl SincePage {
    /// What it covers, and where it goes on once all bytes have come. Over the HTTP door it names no revisions.
    pub fn page(&self) -> &v1::ChangesPage {
        &self.page
    }

    /// Rows that came.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next bytes; none when the page is whole and as the hub sent it. What was cut is an error.
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
                return self.is_whole.then_some(None).ok_or_else(cut);
            };
            self.sum.update(&message.data);
            if self.sum.clone().finalize().as_slice() != message.sha256 {
                return Err(self.client.incomplete("its bytes are not those that the hub sent"));
            }
            (self.rows, self.is_whole) = (message.rows, message.complete);
            if !message.data.is_empty() {
                return Ok(Some(message.data));
            }
        }
    }

    fn broke_off(&self, fault: Fault) -> ClientError {
        match fault {
            Fault::Refused(refusal) | Fault::Busy(refusal) => ClientError::Refused(refusal),
            Fault::Cut(cause) | Fault::Certificate(cause) => self.cut_by(&cause),
        }
    }

    fn cut(&self, status: tonic::Status) -> ClientError {
        match trouble(&status) {
            Trouble::Cut => self.cut_by(&cause_of(&status)),
            _ => status.into(),
        }
    }

    fn cut_by(&self, cause: &str) -> ClientError {
        self.client.incomplete(format!("it was cut after {} rows ({cause})", self.rows))
    }
}

/// A page of changes in a file.
#[derive(Debug, Clone)]
pub struct ChangesFile {
    /// What it covers, and where it goes on.
    pub page: v1::ChangesPage,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
}

impl Client {
    /// Writes the page of changes behind a cursor into a file, which appears under its name only when it is whole.
    pub async fn changes_to_file(
        &self,
        request: &SinceRequest,
        path: &Path,
    ) -> Result<ChangesFile, ClientError> {
        let failed = |source| ClientError::file(Deed::Write, path, source);
        let mut patience = self.patience();
        loop {
            let mut temporary = Temporary::beside(path).map_err(failed)?;
            let came = async {
                let mut page = self.changes_since(request).await?;
                while let Some(data) = page.next().await? {
                    temporary.write(&data).map_err(failed)?;
                }
                Ok((page.page().clone(), page.rows()))
            };
            match came.await {
                Ok((page, rows)) => {
                    let bytes = temporary.length().map_err(failed)?;
                    temporary.settle(path).map_err(failed)?;
                    return Ok(ChangesFile { page, rows, bytes });
                }
                Err(ClientError::Incomplete { message, .. }) => patience.after_cut(message).await?,
                Err(error) => return Err(error),
            }
        }
    }
}
