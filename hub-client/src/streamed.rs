//! An answer of rows while it comes, by either door. It is not resumed: what was cut is an error.

use bytes::Bytes;
use hub_proto::v1;
use tonic::{Response, Status, Streaming};

use crate::client::Client;
use crate::error::ClientError;
use crate::https::{Fault, Rows};
use crate::retry::{Trouble, cause_of, trouble};

/// A message of such an answer.
pub(crate) trait Piece {
    /// Takes its bytes out.
    fn take_data(&mut self) -> Bytes;
    /// Rows up to here.
    fn rows(&self) -> u64;
    /// Whether the answer is whole with it.
    fn is_last(&self) -> bool;
}

macro_rules! pieces {
    ($($message:ident),+) => {$(
        impl Piece for v1::$message {
            fn take_data(&mut self) -> Bytes {
                std::mem::take(&mut self.data)
            }
            fn rows(&self) -> u64 {
                self.rows
            }
            fn is_last(&self) -> bool {
                self.complete
            }
        }
    )+};
}

pieces!(QueryRowsResponse, DiffRevisionsResponse);

/// An answer whose first bytes have come.
#[derive(Debug)]
pub(crate) struct Streamed<M> {
    client: Client,
    source: Source<M>,
    rows: u64,
    last: Option<M>,
}

/// The way on which it comes.
#[derive(Debug)]
enum Source<M> {
    Grpc { stream: Box<Streaming<M>>, first: Option<M> },
    Https(Box<Rows>),
}

impl<M: Piece> Streamed<M> {
    /// Over gRPC. Until the first message comes the call is repeated while there is no connection.
    pub(crate) async fn begin<F>(client: &Client, mut call: impl FnMut() -> F) -> Result<Self, ClientError>
    where
        F: Future<Output = Result<Response<Streaming<M>>, Status>>,
    {
        let mut patience = client.patience();
        loop {
            let begun = async {
                let mut stream = call().await?.into_inner();
                let first = stream.message().await?;
                Ok::<_, Status>((stream, first))
            };
            match begun.await {
                Ok((stream, first @ Some(_))) => {
                    let source = Source::Grpc { stream: Box::new(stream), first };
                    return Ok(Self { client: client.clone(), source, rows: 0, last: None });
                }
                Ok((_, None)) => return Err(client.incomplete("it is empty")),
                Err(status) => patience.after(status).await?,
            }
        }
    }

    /// Over the HTTP door.
    pub(crate) fn over_https(client: &Client, rows: Rows) -> Self {
        Self { client: client.clone(), source: Source::Https(Box::new(rows)), rows: 0, last: None }
    }

    /// The first message, before it is taken; none over the HTTP door.
    pub(crate) fn first(&mut self) -> Option<&mut M> {
        match &mut self.source {
            Source::Grpc { first, .. } => first.as_mut(),
            Source::Https(_) => None,
        }
    }

    /// The last message without its bytes, once the answer is whole; none over the HTTP door.
    pub(crate) fn last(&self) -> Option<&M> {
        self.last.as_ref()
    }

    /// Rows up to now.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The next bytes; none when the answer is whole.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
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
            let Some(mut message) = message.map_err(|status| self.cut(status))? else {
                let cut = || self.client.incomplete(format!("it ended after {} rows", self.rows));
                return self.last.as_ref().map(|_| None).ok_or_else(cut);
            };
            self.rows = message.rows();
            let data = message.take_data();
            if message.is_last() {
                self.last = Some(message);
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    fn broke_off(&self, fault: Fault) -> ClientError {
        match fault {
            Fault::Refused(refusal) | Fault::Busy(refusal) => ClientError::Refused(refusal),
            Fault::Cut(cause) | Fault::Certificate(cause) => self.cut_by(&cause),
        }
    }

    fn cut(&self, status: Status) -> ClientError {
        if trouble(&status) == Trouble::Cut { self.cut_by(&cause_of(&status)) } else { status.into() }
    }

    fn cut_by(&self, cause: &str) -> ClientError {
        self.client.incomplete(format!("it was cut after {} rows ({cause})", self.rows))
    }
}
