//! Pull: the rows of a dataset at one version, to a stream or to a file.

mod count;
mod detour;
mod file;
mod ipc;

use std::io::Cursor;

use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use hub_proto::v1::{self, RowFormat};
use sha2::{Digest as _, Sha256};
use tonic::Streaming;

use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::https::Https;
use crate::names;
use crate::retry::{Patience, Trouble, cause_of, trouble};

pub(crate) use count::Counter;
use detour::Detour;
pub use file::{Pulled, RowsProgress};

/// A state of the past.
#[derive(Debug, Clone, PartialEq)]
pub enum AsOf {
    /// A dataset version.
    Version(u64),
    /// The newest version committed at or before this moment.
    Time(prost_types::Timestamp),
}

/// A text that is no state of the past.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a dataset version nor a moment; write 7, 2026-01-31 or 2026-01-31T12:00:00Z")]
pub struct AsOfError(pub String);

impl std::str::FromStr for AsOf {
    type Err = AsOfError;

    /// A number is a dataset version; else a moment as RFC 3339, or a day, which means its end in UTC.
    fn from_str(text: &str) -> Result<Self, AsOfError> {
        if let Ok(version) = text.parse() {
            return Ok(Self::Version(version));
        }
        let day = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
        let moment = if day { format!("{text}T23:59:59.999999999Z") } else { text.to_owned() };
        moment.parse().map(Self::Time).map_err(|_| AsOfError(text.to_owned()))
    }
}

/// Which rows to pull.
#[derive(Debug, Clone)]
pub struct PullRequest {
    /// As `rb28s`.
    pub dataset: String,
    /// Empty: all that the caller may see.
    pub columns: Vec<String>,
    /// SQL row expression, as `dzial = '801'`; none: all rows.
    pub filter: Option<String>,
    /// None: the newest version.
    pub as_of: Option<AsOf>,
    /// Format of the bytes.
    pub format: RowFormat,
}

/// An open pull, pinned to one dataset version.
#[derive(Debug)]
pub struct Pull {
    client: Client,
    session: v1::ReadSession,
    /// Which of the session's streams.
    number: u32,
    stream: Option<Streaming<v1::ReadRowsResponse>>,
    /// Of the bytes that came by it.
    sum: Sha256,
    /// Where HTTP/2 is blocked.
    detour: Option<Detour>,
    patience: Patience,
    counter: count::Counter,
    /// Rows received, and the number that the hub has told.
    rows: u64,
    complete: bool,
    /// A resumed Arrow stream repeats its schema.
    schema_seen: bool,
}

/// What comes next from a pull.
#[derive(Debug)]
pub enum Part {
    /// The next bytes of the file.
    Data(Bytes),
    /// The line was cut in a format that cannot be resumed: throw away what came so far.
    Restart,
}

impl Client {
    /// Pins a dataset version and gets ready to read.
    pub async fn pull(&self, request: &PullRequest) -> Result<Pull, ClientError> {
        by_either!(self, self.pull_by_grpc(request).await, |https| {
            Detour::begin(self, Https::clone(&https), request).await
        })
    }

    async fn pull_by_grpc(&self, request: &PullRequest) -> Result<Pull, ClientError> {
        let session = self.read_session(request, 1).await?;
        Ok(self.stream_of(session, 0))
    }

    /// Pins a dataset version for several streams that may be read beside each other, at most so many: their rows, one
    /// stream behind the other, are the rows of [`Client::pull`]. By gRPC alone.
    pub async fn pull_streams(&self, request: &PullRequest, most: u32) -> Result<Vec<Pull>, ClientError> {
        let session = self.read_session(request, most).await?;
        Ok((0..session.streams.max(1)).map(|number| self.stream_of(session.clone(), number)).collect())
    }

    async fn read_session(
        &self,
        request: &PullRequest,
        streams: u32,
    ) -> Result<v1::ReadSession, ClientError> {
        use v1::create_read_session_request::AsOf as Wire;
        let create = v1::CreateReadSessionRequest {
            dataset: names::dataset(&request.dataset),
            columns: request.columns.clone(),
            filter: request.filter.clone().unwrap_or_default(),
            as_of: request.as_of.clone().map(|as_of| match as_of {
                AsOf::Version(version) => Wire::Version(version),
                AsOf::Time(time) => Wire::Time(time),
            }),
            format: request.format.into(),
            max_streams: streams,
        };
        let answer = self
            .repeating(|| {
                let (mut service, create) = (self.reads(), create.clone());
                async move { service.create_read_session(create).await }
            })
            .await?;
        answer.session.ok_or_else(|| self.incomplete("it holds no read session"))
    }

    fn stream_of(&self, session: v1::ReadSession, number: u32) -> Pull {
        Pull {
            client: self.clone(),
            counter: count::Counter::new(session.format()),
            session,
            number,
            stream: None,
            sum: Sha256::new(),
            detour: None,
            patience: self.patience(),
            rows: 0,
            complete: false,
            schema_seen: false,
        }
    }
}

impl Client {
    /// Pulls rows into memory, of which at most so many bytes may come. The request's format is Arrow.
    pub async fn pull_rows(
        &self,
        request: &PullRequest,
        most: usize,
    ) -> Result<(v1::ReadSession, Vec<RecordBatch>), ClientError> {
        let mut pull = self.pull(&PullRequest { format: RowFormat::Arrow, ..request.clone() }).await?;
        let mut bytes = Vec::new();
        while let Some(part) = pull.next().await? {
            match part {
                Part::Data(data) if bytes.len() + data.len() > most => {
                    return Err(ClientError::TooManyRows { most_mib: (most >> 20) as u64 });
                }
                Part::Data(data) => bytes.extend_from_slice(&data),
                Part::Restart => bytes.clear(),
            }
        }
        let broken = |error: ArrowError| self.incomplete(error.to_string());
        let rows = StreamReader::try_new(Cursor::new(bytes), None).map_err(broken)?;
        let batches = rows.collect::<Result<_, _>>().map_err(broken)?;
        Ok((pull.session, batches))
    }
}

impl Pull {
    /// The session: dataset version, coverage, columns, estimated rows.
    pub fn session(&self) -> &v1::ReadSession {
        &self.session
    }

    /// Rows received up to now.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next bytes; none when the answer is whole and its rows are counted. After a cut it goes on
    /// by itself: Arrow from the next row, other formats from the start, after one [`Part::Restart`].
    pub async fn next(&mut self) -> Result<Option<Part>, ClientError> {
        if let Some(detour) = &mut self.detour {
            let part = detour.next().await?;
            self.rows = detour.counted().unwrap_or_default();
            return Ok(part);
        }
        loop {
            if self.complete {
                return self.counter.check(self.rows).map(|()| None).map_err(|m| self.client.incomplete(m));
            }
            let message = match self.message().await {
                Ok(message) => message,
                Err(status) => {
                    if let Some(part) = self.cut(Some(status)).await? {
                        return Ok(Some(part));
                    }
                    continue;
                }
            };
            let Some(message) = message.filter(|message| self.is_as_sent(message)) else {
                // Ended without its last message, or with bytes that nobody sent: as good as cut.
                if let Some(part) = self.cut(None).await? {
                    return Ok(Some(part));
                }
                continue;
            };
            if let Some(data) = self.take(message)? {
                return Ok(Some(Part::Data(data)));
            }
        }
    }

    /// Rows received, unless only the whole file tells.
    fn counted(&self) -> Option<u64> {
        match &self.detour {
            Some(detour) => detour.counted(),
            None => Some(self.rows),
        }
    }

    /// Are the bytes of this message, and of all before it, those that the hub sent? An earlier hub does not tell.
    fn is_as_sent(&mut self, message: &v1::ReadRowsResponse) -> bool {
        self.sum.update(&message.data);
        message.sha256.is_empty() || self.sum.clone().finalize().as_slice() == message.sha256
    }

    async fn message(&mut self) -> Result<Option<v1::ReadRowsResponse>, tonic::Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let (session, offset) = (self.session.name.clone(), self.offset());
                let request = v1::ReadRowsRequest { session, offset, stream: self.number };
                self.sum = Sha256::new();
                self.stream.insert(self.client.reads().read_rows(request).await?.into_inner())
            }
        };
        stream.message().await
    }

    fn offset(&self) -> u64 {
        if self.session.format() == RowFormat::Arrow { self.rows } else { 0 }
    }

    fn take(&mut self, message: v1::ReadRowsResponse) -> Result<Option<Bytes>, ClientError> {
        let arrow = self.session.format() == RowFormat::Arrow;
        let data = if arrow && self.schema_seen {
            ipc::without_schema(&message.data).map_err(|m| self.client.incomplete(m))?
        } else {
            message.data
        };
        self.schema_seen |= !data.is_empty();
        self.counter.add(&data).map_err(|m| self.client.incomplete(m))?;
        // Arrow rows are counted here, so that a resume asks for exactly the next one.
        let rows = self.counter.rows().filter(|_| arrow).unwrap_or(message.rows);
        if rows > self.rows {
            self.patience.progressed();
        }
        self.rows = rows;
        if message.complete {
            self.complete = true;
            if arrow && message.rows != self.rows {
                let told = message.rows;
                return Err(self
                    .client
                    .incomplete(format!("{} rows came where the hub sent {told}", self.rows)));
            }
        }
        Ok(Some(data).filter(|data| !data.is_empty()))
    }

    /// Waits before the next try; a format that cannot resume begins anew.
    async fn cut(&mut self, status: Option<tonic::Status>) -> Result<Option<Part>, ClientError> {
        self.stream = None;
        match status {
            Some(status) if trouble(&status) == Trouble::Cut => {
                self.patience.after_cut(cause_of(&status)).await?
            }
            Some(status) => self.patience.after(status).await?,
            None => self.patience.after_cut("the rows ended early, or came damaged".to_owned()).await?,
        }
        if self.session.format() == RowFormat::Arrow || !self.schema_seen {
            return Ok(None);
        }
        self.rows = 0;
        self.schema_seen = false;
        self.counter = count::Counter::new(self.session.format());
        Ok(Some(Part::Restart))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_state_is_a_version_a_day_or_a_moment() {
        assert_eq!("7".parse(), Ok(AsOf::Version(7)));
        let Ok(AsOf::Time(day)) = "2026-01-31".parse() else { panic!("a day") };
        let Ok(AsOf::Time(next)) = "2026-02-01T00:00:00Z".parse() else { panic!("a moment") };
        assert_eq!(day.seconds + 1, next.seconds, "a day means its end");
        assert!("2026-13-01".parse::<AsOf>().is_err());
        assert!("yesterday".parse::<AsOf>().unwrap_err().to_string().contains("write 7"));
    }
}
