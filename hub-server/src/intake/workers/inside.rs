//! The worker's own side: a process that decodes and checks, with bounded memory, no environment, no file and
//! no place to go. It ends when the hub closes the socket.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hub_datasets::check::{Checked, Checker, Piece, PieceLimits, Pieces, Publisher, ReadAt, Stop};
use hub_datasets::report::Findings;
use hub_datasets::{CodeLists, MediaType, Patterns, Period, Settings};

use super::super::checkers::Checkers;
use super::super::pipeline::PIECES_AHEAD;
use super::super::pool::{InOrder, Pool};
use super::wire::{self, Kind, PROTOCOL, WireJob};
use crate::config::limits::WORKER_READ_BYTES;
use crate::fault;

/// Does the jobs that come over standard input, which is a socket, until it is closed.
pub(crate) fn work() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let line = Arc::new(Line(Mutex::new(socket)));
    let mut desk = Desk::new()?;
    loop {
        let frame = wire::read(&mut *line.lock())?;
        match frame {
            Some((Kind::Job, job)) => desk.run(&serde_json::from_slice(&job)?, &line)?,
            Some(_) => return Err(invalid("a job was expected")),
            None => return Ok(()),
        }
    }
}

fn invalid(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// The socket to the hub.
#[derive(Debug)]
struct Line(Mutex<UnixStream>);

impl Line {
    fn lock(&self) -> MutexGuard<'_, UnixStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, kind: Kind, body: &[u8]) -> io::Result<()> {
        wire::write(&mut *self.lock(), kind, body)
    }

    fn say_findings(&self, kind: Kind, findings: &Findings) -> io::Result<()> {
        self.say(kind, &serde_json::to_vec(findings)?)
    }
}

/// The payload, which the hub holds.
#[derive(Debug)]
struct Remote {
    line: Arc<Line>,
    bytes: u64,
}

impl ReadAt for Remote {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || offset >= self.bytes {
            return Ok(0);
        }
        let wanted = buffer.len().min(WORKER_READ_BYTES);
        let mut line = self.line.lock();
        wire::write(&mut *line, Kind::Read, &wire::place(offset, wanted as u64))?;
        wire::read_bytes(&mut *line, &mut buffer[..wanted])
    }
}

/// What a worker keeps from job to job.
struct Desk {
    patterns: Patterns,
    lists: Arc<CodeLists>,
    checkers: Checkers,
}

impl Desk {
    fn new() -> io::Result<Self> {
        let lists = CodeLists::embedded().map_err(invalid)?;
        let patterns = Patterns::embedded().map_err(invalid)?;
        Ok(Self { patterns, lists: Arc::new(lists), checkers: Checkers::default() })
    }

    fn run(&mut self, job: &WireJob, line: &Arc<Line>) -> io::Result<()> {
        let (checker, media) = match self.prepare(job) {
            Ok(prepared) => prepared,
            Err(unfit) => return line.say(Kind::Unfit, unfit.to_string().as_bytes()),
        };
        let payload = Arc::new(Remote { line: Arc::clone(line), bytes: job.bytes });
        let WireJob { chunk_bytes, record_bytes, block_bytes, rows, .. } = *job;
        let limits = PieceLimits { chunk_bytes, record_bytes, block_bytes, rows };
        let mut pieces = checker.pieces(media, payload, limits);
        let stopped = thread::scope(|scope| {
            let checker = &checker;
            let mut pool =
                Pool::start(scope, job.threads, job.threads * 2, move |(number, piece): (u64, Piece)| {
                    (number, piece.check(checker))
                });
            through(&mut pieces, &mut pool, line)
        })?;
        line.say_findings(Kind::Early, &pieces.early())?;
        match stopped {
            Some(findings) => line.say_findings(Kind::Stopped, &findings),
            None => line.say(Kind::End, &[]),
        }
    }

    fn prepare(&mut self, job: &WireJob) -> io::Result<(Checker, MediaType)> {
        if job.protocol != PROTOCOL {
            return Err(invalid("the hub is of another version"));
        }
        let media = MediaType::named(&job.media_type).ok_or_else(|| invalid("an unknown media type"))?;
        Ok((self.checker(job)?.with(Settings::of_media_type(&job.media_type)), media))
    }

    fn checker(&mut self, job: &WireJob) -> io::Result<Checker> {
        let find = |patterns: &Patterns| {
            patterns.iter().find(|pattern| pattern.bundle_sha256 == job.bundle_sha256).map(Arc::clone)
        };
        if find(&self.patterns).is_none() {
            let files = job.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
            self.patterns = self.patterns.clone().with_files(files, &self.lists).map_err(invalid)?;
        }
        let unknown = || invalid(format!("the pattern {} is not the hub's", job.pattern));
        let pattern = find(&self.patterns).ok_or_else(unknown)?;
        let period = job.period.as_deref().map(str::parse::<Period>).transpose().map_err(invalid)?;
        let publisher = job.publisher.as_ref().map(|wire::WirePublisher { id, terc6, regon }| Publisher {
            id: id.clone(),
            terc6: terc6.clone(),
            regon: regon.clone(),
        });
        self.checkers.get(&pattern, period.as_ref(), &self.lists, publisher).map_err(invalid)
    }
}

type Checks<'scope> = Pool<'scope, (u64, Piece), (u64, Checked)>;

/// Sends the checked pieces in order; gives the findings that stopped the reading, if some did.
fn through(pieces: &mut Pieces<'_>, pool: &mut Checks<'_>, line: &Line) -> io::Result<Option<Findings>> {
    let (mut submitted, mut open, mut stopped) = (0, true, None);
    let mut checked = InOrder::new();
    loop {
        // A slow piece must not let the later ones pile up behind it.
        while open && pool.has_place() && submitted - checked.taken() < PIECES_AHEAD {
            match pieces.next_piece() {
                Ok(Some(piece)) => {
                    pool.submit((submitted, piece));
                    submitted += 1;
                }
                Ok(None) => open = false,
                Err(Stop::Findings(findings)) => (open, stopped) = (false, Some(*findings)),
                Err(Stop::Io(error)) => return Err(error),
            }
        }
        let Some((number, part)) = pool.next() else { return Ok(stopped) };
        checked.put(number, part);
        while let Some(part) = checked.take() {
            fault::point("worker.piece");
            line.say(Kind::Checked, &part.to_bytes().map_err(invalid)?)?;
        }
    }
}
