//! The bytes of a submission, had back from the hub into a file.

use std::io;
use std::path::Path;

use bytes::Bytes;
use hub_proto::v1;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tonic::{Status, Streaming};

use crate::client::{Client, by_either};
use crate::error::{ClientError, Deed};
use crate::names;
use crate::push::{Digest, Progress};
use crate::retry::Patience;
use crate::temporary::Temporary;

/// Messages that wait between network and disk.
const MESSAGES_AHEAD: usize = 4;

/// What a payload is, as the hub tells before the first byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Client {
    /// Has the bytes back that a submission was sent with, into a file. It appears under its name only when all bytes
    /// came and their SHA-256 is the one that the hub tells; a cut line goes on where it stopped.
    pub async fn payload_to_file(
        &self,
        submission: &str,
        file: &Path,
        progress: Option<Progress>,
    ) -> Result<Digest, ClientError> {
        let (name, progress) = (names::submission(submission), progress.as_ref());
        let (head, taken) = by_either!(self, self.payload_by_grpc(&name, file, progress).await, |https| {
            let writer = Writer::start(file);
            let mut taker = Taker { data: &writer.data, progress };
            let head = https.payload(&name, &mut taker).await;
            head.map(|head| (head, writer))
        })?;
        let Writer { data, task } = taken;
        drop(data);
        let failed = |source| ClientError::file(Deed::Write, file, source);
        let (temporary, sha256) = flat(task.await).map_err(failed)?;
        if sha256 != head.sha256 {
            let told = head.sha256;
            return Err(
                self.incomplete(format!("bytes with SHA-256 {sha256} came where the hub tells {told}"))
            );
        }
        let target = file.to_owned();
        flat(spawn_blocking(move || temporary.settle(&target)).await).map_err(failed)?;
        Ok(Digest { size: head.size, sha256 })
    }

    async fn payload_by_grpc(
        &self,
        name: &str,
        file: &Path,
        progress: Option<&Progress>,
    ) -> Result<(Head, Writer), ClientError> {
        let mut reading = Reading {
            client: self,
            name: name.to_owned(),
            stream: None,
            head: None,
            offset: 0,
            patience: self.patience(),
        };
        let writer = Writer::start(file);
        let mut taker = Taker { data: &writer.data, progress };
        while let Some(data) = reading.next().await? {
            let size = reading.head.as_ref().map_or(0, |head| head.size);
            taker.take(data, reading.offset, size).await;
        }
        Ok((reading.head.unwrap_or_default(), writer))
    }
}

/// Takes bytes as they come.
pub(crate) struct Taker<'a> {
    data: &'a mpsc::Sender<Bytes>,
    progress: Option<&'a Progress>,
}

impl Taker<'_> {
    /// `offset`: bytes that came, of `size`. What the disk does not take is told by it at the end.
    pub(crate) async fn take(&mut self, data: Bytes, offset: u64, size: u64) {
        // A writer that ended says why.
        let _ = self.data.send(data).await;
        if let Some(progress) = self.progress {
            progress(offset, size);
        }
    }
}

/// A payload on its way in.
struct Reading<'a> {
    client: &'a Client,
    name: String,
    stream: Option<Streaming<v1::ReadPayloadResponse>>,
    head: Option<Head>,
    /// Bytes that came.
    offset: u64,
    patience: Patience,
}

impl Reading<'_> {
    /// The next bytes; none when all came.
    async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            if self.head.as_ref().is_some_and(|head| head.size == self.offset) {
                return Ok(None);
            }
            match self.message().await {
                Ok(Some(message)) => return self.take(message).map(Some),
                // Ended before all came: as good as cut.
                Ok(None) => self.patience.after_cut("the stream ended early".to_owned()).await?,
                Err(status) => self.patience.after(status).await?,
            }
            self.stream = None;
        }
    }

    async fn message(&mut self) -> Result<Option<v1::ReadPayloadResponse>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = v1::ReadPayloadRequest { name: self.name.clone(), offset: self.offset };
                let mut stream = self.client.submissions().read_payload(request).await?.into_inner();
                let Some(first) = stream.message().await? else { return Ok(None) };
                let head = Head { size: first.size_bytes, sha256: first.sha256.clone() };
                if self.head.get_or_insert_with(|| head.clone()) != &head {
                    return Err(Status::data_loss("the hub tells of another payload than before the cut"));
                }
                self.stream = Some(stream);
                return Ok(Some(first));
            }
        };
        stream.message().await
    }

    fn take(&mut self, message: v1::ReadPayloadResponse) -> Result<Bytes, ClientError> {
        let size = self.head.as_ref().map_or(0, |head| head.size);
        let length = message.data.len() as u64;
        if message.offset != self.offset || length > size - self.offset {
            let (at, offset) = (self.offset, message.offset);
            return Err(self
                .client
                .incomplete(format!("bytes from {offset} on came where those from {at} on were due")));
        }
        if length > 0 {
            self.patience.progressed();
        }
        self.offset += length;
        Ok(message.data)
    }
}

struct Writer {
    data: mpsc::Sender<Bytes>,
    task: JoinHandle<io::Result<(Temporary, String)>>,
}

impl Writer {
    fn start(file: &Path) -> Self {
        let (data, mut receiver) = mpsc::channel::<Bytes>(MESSAGES_AHEAD);
        let file = file.to_owned();
        let write = move || {
            let (mut temporary, mut hash) = (Temporary::beside(&file)?, Sha256::new());
            while let Some(data) = receiver.blocking_recv() {
                hash.update(&data);
                temporary.write(&data)?;
            }
            let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok((temporary, sha256))
        };
        Self { data, task: spawn_blocking(write) }
    }
}

fn flat<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    done.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
