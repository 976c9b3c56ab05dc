//! A file as pieces that can be decoded apart from each other.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use hub_client::MediaType;
use hub_datasets::check::{ArrowStream, Checked, Checker, HeaderPlan, Stop};
use hub_datasets::csv::{Chunk, Cutter};
use hub_datasets::report::Findings;

/// Bytes of a chunk that one thread decodes.
const CHUNK_BYTES: usize = 1 << 20;
/// Longest record of a CSV, the hub's own limit.
const RECORD_BYTES: usize = 1 << 20;
/// Bytes of one read.
const READ_BYTES: usize = 1 << 20;

pub(super) enum Piece {
    Csv(Arc<HeaderPlan>, Chunk),
    Rows { batch: RecordBatch, first_row: u64 },
}

impl Piece {
    pub(super) fn check(self, checker: &Checker) -> Checked {
        match self {
            Self::Csv(plan, chunk) => checker.csv(&plan, &chunk),
            Self::Rows { batch, first_row } => checker.batch(&batch, first_row),
        }
    }
}

pub(super) enum Source<'a> {
    Csv(Box<CsvSource<'a>>),
    Arrow(ArrowSource<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn open(file: File, media_type: MediaType, checker: &'a Checker) -> Self {
        match media_type {
            MediaType::Csv => Self::Csv(Box::new(CsvSource {
                checker,
                file,
                cutter: Cutter::new(CHUNK_BYTES, RECORD_BYTES),
                ended: false,
                plan: None,
                ready: Vec::new(),
                early: Findings::default(),
                bytes_read: 0,
            })),
            MediaType::ArrowStream => {
                Self::Arrow(ArrowSource { stream: checker.arrow(BufReader::new(file)), rows: 0 })
            }
        }
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Stop> {
        match self {
            Self::Csv(csv) => csv.next(),
            Self::Arrow(arrow) => arrow.next(),
        }
    }

    /// Findings about the file as a whole that stand before its first row.
    pub(super) fn early(&mut self) -> Findings {
        match self {
            Self::Csv(csv) => std::mem::take(&mut csv.early),
            Self::Arrow(_) => Findings::default(),
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        match self {
            Self::Csv(csv) => csv.bytes_read,
            Self::Arrow(_) => 0,
        }
    }
}

/// A CSV file: header first, then chunks of whole records.
pub(super) struct CsvSource<'a> {
    checker: &'a Checker,
    file: File,
    cutter: Cutter,
    ended: bool,
    plan: Option<Arc<HeaderPlan>>,
    /// Whole chunks, the last one first.
    ready: Vec<Chunk>,
    early: Findings,
    bytes_read: u64,
}

impl CsvSource<'_> {
    fn next(&mut self) -> Result<Option<Piece>, Stop> {
        loop {
            if let (Some(plan), Some(chunk)) = (&self.plan, self.ready.pop()) {
                return Ok(Some(Piece::Csv(Arc::clone(plan), chunk)));
            }
            if self.ended {
                return Ok(None);
            }
            let block = self.read()?;
            self.ended = block.is_empty();
            let cut = match self.ended {
                true => self.cutter.finish().map(|last| last.into_iter().collect()),
                false => self.cutter.push(block),
            };
            self.ready = cut.map_err(|fault| self.checker.unreadable(&fault))?;
            self.ready.reverse();
            self.match_header()?;
        }
    }

    fn read(&mut self) -> io::Result<Bytes> {
        let mut block = Vec::with_capacity(READ_BYTES);
        (&mut self.file).take(READ_BYTES as u64).read_to_end(&mut block)?;
        self.bytes_read += block.len() as u64;
        Ok(block.into())
    }

    /// Matches the header with the pattern as soon as it is there.
    fn match_header(&mut self) -> Result<(), Stop> {
        let Some(header) = self.cutter.header().filter(|_| self.plan.is_none()) else { return Ok(()) };
        let (plan, findings) = self.checker.header(header)?;
        self.early.merge(findings);
        self.plan = Some(Arc::new(plan));
        Ok(())
    }
}

/// An Arrow IPC stream, batch by batch.
pub(super) struct ArrowSource<'a> {
    stream: ArrowStream<'a, BufReader<File>>,
    rows: u64,
}

impl ArrowSource<'_> {
    fn next(&mut self) -> Result<Option<Piece>, Stop> {
        let Some(batch) = self.stream.next_batch()? else { return Ok(None) };
        let first_row = self.rows + 1;
        self.rows += batch.num_rows() as u64;
        Ok(Some(Piece::Rows { batch, first_row }))
    }
}
