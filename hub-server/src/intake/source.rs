//! A payload as a sequence of pieces that can be decoded apart from each other.

use std::io::Read;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use hub_datasets::check::{ArrowStream, Checked, Checker, HeaderPlan, Stop};
use hub_datasets::csv::{Chunk, Cutter};
use hub_datasets::report::Findings;

use super::worker::MediaType;
use crate::config::limits::ARROW_PIECE_ROWS;

/// A piece of a payload.
pub(super) enum Piece {
    Csv(Arc<HeaderPlan>, Chunk),
    Rows { batch: RecordBatch, first_row: u64 },
}

impl Piece {
    /// Decodes and checks the piece; pure work for any thread.
    pub(super) fn check(self, checker: &Checker) -> Checked {
        match self {
            Piece::Csv(plan, chunk) => checker.csv(&plan, &chunk),
            Piece::Rows { batch, first_row } => checker.batch(&batch, first_row),
        }
    }
}

/// Pieces of a payload, in order.
pub(super) enum Source<'a> {
    Csv(Box<CsvSource<'a>>),
    Arrow(ArrowSource<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn new(
        checker: &'a Checker,
        media: MediaType,
        payload: Box<dyn Read + Send>,
        limits: SourceLimits,
    ) -> Self {
        match media {
            MediaType::Csv => Self::Csv(Box::new(CsvSource {
                checker,
                payload,
                block_bytes: limits.block_bytes,
                cutter: Cutter::new(limits.chunk_bytes, limits.record_bytes),
                ended: false,
                plan: None,
                ready: Vec::new(),
                early: Findings::default(),
            })),
            MediaType::ArrowStream => {
                Self::Arrow(ArrowSource { stream: checker.arrow(payload), rest: None, rows: 0 })
            }
        }
    }

    /// The next piece; None at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Stop> {
        match self {
            Self::Csv(csv) => csv.next(),
            Self::Arrow(arrow) => arrow.next(),
        }
    }

    /// Findings about the payload as a whole that stand before its first row.
    pub(super) fn early(&mut self) -> Findings {
        match self {
            Self::Csv(csv) => std::mem::take(&mut csv.early),
            Self::Arrow(_) => Findings::default(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SourceLimits {
    pub(super) chunk_bytes: usize,
    pub(super) record_bytes: usize,
    /// Bytes of one read.
    pub(super) block_bytes: usize,
}

/// An Arrow payload: batches as they come, cut where they are large.
pub(super) struct ArrowSource<'a> {
    stream: ArrowStream<'a, Box<dyn Read + Send>>,
    /// Rows of the last batch that are not passed on yet.
    rest: Option<RecordBatch>,
    rows: u64,
}

impl ArrowSource<'_> {
    fn next(&mut self) -> Result<Option<Piece>, Stop> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.stream.next_batch()? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let taken = batch.num_rows().min(ARROW_PIECE_ROWS);
        if taken < batch.num_rows() {
            self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
        }
        let first_row = self.rows + 1;
        self.rows += taken as u64;
        Ok(Some(Piece::Rows { batch: batch.slice(0, taken), first_row }))
    }
}

/// A CSV payload: header first, then chunks of whole records.
pub(super) struct CsvSource<'a> {
    checker: &'a Checker,
    payload: Box<dyn Read + Send>,
    block_bytes: usize,
    cutter: Cutter,
    ended: bool,
    plan: Option<Arc<HeaderPlan>>,
    /// Whole chunks, the last one first.
    ready: Vec<Chunk>,
    early: Findings,
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
            let block = read_block(&mut self.payload, self.block_bytes)?;
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

    /// Matches the header with the pattern as soon as it is there.
    fn match_header(&mut self) -> Result<(), Stop> {
        let Some(header) = self.cutter.header().filter(|_| self.plan.is_none()) else { return Ok(()) };
        let (plan, findings) = self.checker.header(header)?;
        self.early.merge(findings);
        self.plan = Some(Arc::new(plan));
        Ok(())
    }
}

/// Up to `length` bytes; empty at the end.
fn read_block(payload: &mut Box<dyn Read + Send>, length: usize) -> std::io::Result<Bytes> {
    let mut block = Vec::with_capacity(length);
    Read::by_ref(payload).take(length as u64).read_to_end(&mut block)?;
    Ok(block.into())
}
