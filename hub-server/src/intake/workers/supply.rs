//! Where the checked pieces of a payload come from: threads of the hub, or a worker.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_datasets::MediaType;
use hub_datasets::check::{Checked, Checker, Piece, Pieces, ReadAt, Stop};
use hub_datasets::report::Findings;

use super::super::IntakeError;
use super::super::job::Job;
use super::wire::{self, Kind, PROTOCOL, WireJob, WirePublisher};
use super::{Lease, Workers};
use crate::config::limits::WORKER_READ_BYTES;

/// The next part of a payload.
pub(in crate::intake) enum Supplied {
    /// To be checked by a thread of the hub.
    Piece(Piece),
    /// Checked by a worker.
    Checked(Box<Checked>),
}

/// What ends a reading early.
#[derive(Debug)]
pub(in crate::intake) enum Halt {
    /// The payload's own fault: findings that block.
    Findings(Box<Findings>),
    /// The worker ended, fell silent, or said what no worker says.
    Died(String),
    Fault(IntakeError),
}

impl From<IntakeError> for Halt {
    fn from(error: IntakeError) -> Self {
        Self::Fault(error)
    }
}

fn unreadable(error: &io::Error) -> Halt {
    Halt::Fault(IntakeError::internal(format!("the spooled payload cannot be read: {error}")))
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Findings(findings) => Self::Findings(findings),
            Stop::Io(error) => unreadable(&error),
        }
    }
}

/// The parts of one payload, in order.
pub(in crate::intake) enum Supply<'a> {
    Here(Box<Pieces<'a>>),
    Apart(Box<Apart<'a>>),
}

impl<'a> Supply<'a> {
    /// Begins to read a job's payload. CSV is read here: its reader allocates nothing that a payload claims.
    pub(in crate::intake) fn begin(job: &'a Job) -> Result<Self, Halt> {
        let payload = job.payload.open(job.store.spool())?;
        match &job.workers {
            Some(workers) if job.media != MediaType::Csv => {
                Ok(Self::Apart(Box::new(Apart::begin(job, workers, payload)?)))
            }
            _ => Ok(Self::Here(Box::new(job.checker.pieces(job.media, payload, job.pieces())))),
        }
    }

    pub(in crate::intake) fn is_apart(&self) -> bool {
        matches!(self, Self::Apart(_))
    }

    /// The next part; None at the end. After an error there is nothing more.
    pub(in crate::intake) fn next_part(&mut self) -> Result<Option<Supplied>, Halt> {
        match self {
            Self::Here(pieces) => Ok(pieces.next_piece()?.map(Supplied::Piece)),
            Self::Apart(apart) => Ok(apart.next_part()?.map(Supplied::Checked)),
        }
    }

    /// Findings about the payload as a whole that stand before its first row.
    pub(in crate::intake) fn early(&mut self) -> Findings {
        match self {
            Self::Here(pieces) => pieces.early(),
            Self::Apart(apart) => std::mem::take(&mut apart.early),
        }
    }
}

/// A payload that a worker reads.
pub(in crate::intake) struct Apart<'a> {
    checker: &'a Checker,
    payload: Arc<dyn ReadAt>,
    lease: Lease,
    silence: Duration,
    early: Findings,
    /// Bytes of the payload on their way to the worker.
    passing: Vec<u8>,
}

impl<'a> Apart<'a> {
    fn begin(job: &'a Job, workers: &Arc<Workers>, payload: Arc<dyn ReadAt>) -> Result<Self, Halt> {
        let bytes = payload.bytes().map_err(|error| unreadable(&error))?;
        let wire = serde_json::to_vec(&wire_job(job, workers, bytes)).map_err(internal)?;
        let lease = workers.lease().map_err(|error| {
            Halt::Fault(IntakeError::internal(format!("no worker can be started: {error}")))
        })?;
        let silence = workers.config.silence;
        let (early, passing) = (Findings::default(), Vec::new());
        let apart = Self { checker: &job.checker, payload, lease, silence, early, passing };
        apart.socket()?.set_write_timeout(Some(silence)).map_err(internal)?;
        apart.say(Kind::Job, &wire)?;
        Ok(apart)
    }

    fn next_part(&mut self) -> Result<Option<Box<Checked>>, Halt> {
        loop {
            let until = Instant::now() + self.silence;
            let frame = wire::read(&mut Patient { socket: self.socket()?, until }).map_err(|e| died(&e))?;
            match frame {
                Some((Kind::Read, place)) => self.serve(&place)?,
                Some((Kind::Checked, part)) => {
                    let part = self.checker.passed(&part).map_err(|damage| Halt::Died(damage.to_string()))?;
                    return Ok(Some(Box::new(part)));
                }
                Some((Kind::Early, findings)) => self.early = parsed(&findings)?,
                Some((Kind::Stopped, findings)) => {
                    self.lease.is_free = true;
                    return Err(Halt::Findings(Box::new(parsed(&findings)?)));
                }
                Some((Kind::End, _)) => {
                    self.lease.is_free = true;
                    return Ok(None);
                }
                Some((Kind::Unfit, why)) => {
                    self.lease.is_free = true;
                    return Err(internal(format!("a worker is unfit: {}", String::from_utf8_lossy(&why))));
                }
                Some((Kind::Job | Kind::Bytes, _)) => return Err(Halt::Died("it spoke out of turn".into())),
                None => return Err(Halt::Died("it ended".into())),
            }
        }
    }

    /// Gives the worker bytes that it asks for. For those that are still on their way it waits without end, as
    /// the hub itself does.
    fn serve(&mut self, place: &[u8]) -> Result<(), Halt> {
        let (offset, length) = wire::placed(place).ok_or_else(|| Halt::Died("it asks for nothing".into()))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(WORKER_READ_BYTES);
        if self.passing.len() < length {
            self.passing.resize(length, 0);
        }
        let read = self.payload.read_at(offset, &mut self.passing[..length]);
        self.say(Kind::Bytes, &self.passing[..read.map_err(|error| unreadable(&error))?])
    }

    fn say(&self, kind: Kind, body: &[u8]) -> Result<(), Halt> {
        wire::write(&mut self.socket()?, kind, body).map_err(|error| died(&error))
    }

    fn socket(&self) -> Result<&UnixStream, Halt> {
        let worker = self.lease.worker.as_ref();
        worker.map(|worker| &worker.socket).ok_or_else(|| Halt::Died("it was given back".into()))
    }
}

fn wire_job(job: &Job, workers: &Workers, bytes: u64) -> WireJob {
    let context = job.checker.context();
    let pieces = job.pieces();
    WireJob {
        protocol: PROTOCOL,
        pattern: context.pattern.reference(),
        bundle_sha256: context.pattern.bundle_sha256.clone(),
        files: workers.files(&context.pattern),
        period: context.period.as_ref().map(|period| period.label().to_owned()),
        publisher: context.publisher.as_ref().map(|publisher| WirePublisher {
            id: publisher.id.clone(),
            terc6: publisher.terc6.clone(),
            regon: publisher.regon.clone(),
        }),
        media_type: job.checker.settings().on(job.media),
        bytes,
        chunk_bytes: pieces.chunk_bytes,
        record_bytes: pieces.record_bytes,
        block_bytes: pieces.block_bytes,
        rows: pieces.rows,
        threads: job.threads(),
    }
}

fn parsed(findings: &[u8]) -> Result<Findings, Halt> {
    serde_json::from_slice(findings).map_err(|error| Halt::Died(error.to_string()))
}

fn internal(error: impl std::fmt::Display) -> Halt {
    Halt::Fault(IntakeError::internal(error.to_string()))
}

fn died(error: &io::Error) -> Halt {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Halt::Died("it said nothing for too long".into())
        }
        _ => Halt::Died(error.to_string()),
    }
}

/// A socket that is read until a moment, however slowly its bytes come.
struct Patient<'a> {
    socket: &'a UnixStream,
    until: Instant,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        self.socket.read(buffer)
    }
}
