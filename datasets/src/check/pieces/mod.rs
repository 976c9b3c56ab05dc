//! A payload as a sequence of pieces that can be decoded and checked apart from each other: what a laptop
//! and the hub have in common, whatever the format.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::documents::DocumentRows;
use super::parquet::ParquetRows;
use super::sheets::{self, SheetText, spreadsheetml};
use super::stream::{ArrowStream, Stop};
use super::{Checked, Checker, HeaderPlan, KeyPlan};
use crate::MediaType;
use crate::csv::Chunk;
use crate::ndjson::LineCutter;
use crate::pattern::DocumentForm;
use crate::report::Findings;

mod blocks;
mod head;
mod text;

use blocks::Plain;
pub(super) use blocks::{Blocks, Office};
use head::HeadCutter;
pub(super) use head::{HEAD_BYTES, HEAD_RECORDS};
use text::TextPieces;

/// The bytes of a payload, at any place of it.
pub trait ReadAt: Send + Sync + std::fmt::Debug {
    /// How many there are.
    fn bytes(&self) -> io::Result<u64>;
    /// Reads up to `buffer.len()` bytes from `offset` on; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for bytes::Bytes {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let length = buffer.len().min(self.len() - from);
        buffer[..length].copy_from_slice(&self[from..from + length]);
        Ok(length)
    }
}

/// Bounds of the pieces.
#[derive(Debug, Clone, Copy)]
pub struct PieceLimits {
    /// Bytes of a text payload's piece.
    pub chunk_bytes: usize,
    /// Longest record of a CSV, longest line of an NDJSON, in bytes.
    pub record_bytes: usize,
    /// Bytes of one read of a payload that is read from its first byte on.
    pub block_bytes: usize,
    /// Rows of a piece of a columnar payload.
    pub rows: usize,
}

/// A piece of a payload.
#[derive(Debug)]
pub enum Piece {
    /// Records of a CSV, or rows of a sheet.
    Csv(Arc<HeaderPlan>, Chunk),
    /// Lines of an NDJSON.
    Ndjson(Arc<KeyPlan>, Chunk),
    /// Rows of a columnar format; the number of the first, from 1.
    Rows(RecordBatch, u64),
}

impl Piece {
    /// Decodes and checks the piece; pure work for any thread.
    pub fn check(self, checker: &Checker) -> Checked {
        match self {
            Self::Csv(plan, chunk) => checker.csv(&plan, &chunk),
            Self::Ndjson(plan, chunk) => checker.ndjson(&plan, &chunk),
            Self::Rows(batch, first_row) => checker.batch(&batch, first_row),
        }
    }
}

/// Pieces of a payload, in order; [`Checker::pieces`] begins them.
#[derive(Debug)]
pub struct Pieces<'a>(Format<'a>);

#[derive(Debug)]
enum Format<'a> {
    Csv(Box<TextPieces<'a, Office<'a>, HeadCutter<'a>>>),
    Sheet(Box<TextPieces<'a, SheetText<'a>, HeadCutter<'a>>>),
    Ndjson(Box<TextPieces<'a, Plain, LineCutter>>),
    Document(Box<TextPieces<'a, DocumentRows<'a>, LineCutter>>),
    Arrow(Rows<ArrowStream<'a, BufReader<InOrder>>>),
    Parquet(Rows<Box<ParquetRows<'a>>>),
}

impl Checker {
    /// Reads a payload of a format from its first byte.
    pub fn pieces(&self, media: MediaType, payload: Arc<dyn ReadAt>, limits: PieceLimits) -> Pieces<'_> {
        let PieceLimits { chunk_bytes, record_bytes, block_bytes, rows } = limits;
        Pieces(match media {
            MediaType::Csv => {
                let cutter = HeadCutter::new(self, chunk_bytes, record_bytes, None);
                let blocks = Office::new(self, payload, block_bytes);
                Format::Csv(Box::new(TextPieces::new(self, blocks, cutter)))
            }
            MediaType::Xlsx | MediaType::Xls | MediaType::Ods => {
                self.sheet(payload, chunk_bytes, record_bytes)
            }
            MediaType::Xml if is_workbook(payload.as_ref()) => self.sheet(payload, chunk_bytes, record_bytes),
            MediaType::Ndjson => {
                let cutter = LineCutter::new(chunk_bytes, record_bytes);
                let blocks = Plain { payload: InOrder::new(payload), block_bytes };
                Format::Ndjson(Box::new(TextPieces::new(self, blocks, cutter)))
            }
            MediaType::Xml | MediaType::Json => {
                let cutter = LineCutter::new(chunk_bytes, record_bytes);
                let form = if media == MediaType::Json { DocumentForm::Json } else { DocumentForm::Xml };
                let rows = DocumentRows::new(self, form, payload);
                Format::Document(Box::new(TextPieces::new(self, rows, cutter)))
            }
            MediaType::ArrowStream => {
                let payload = BufReader::with_capacity(block_bytes, InOrder::new(payload));
                Format::Arrow(Rows::new(self.arrow(payload), rows))
            }
            MediaType::Parquet => Format::Parquet(Rows::new(Box::new(self.parquet(payload)), rows)),
        })
    }
}

impl Checker {
    fn sheet(&self, payload: Arc<dyn ReadAt>, chunk_bytes: usize, record_bytes: usize) -> Format<'_> {
        let cutter = HeadCutter::new(self, chunk_bytes, record_bytes, Some(sheets::SEPARATOR));
        let blocks = SheetText::new(self, payload);
        Format::Sheet(Box::new(TextPieces::new(self, blocks, cutter)))
    }
}

/// True for an XML that is a workbook. One that cannot be read says so when its rows are.
pub(super) fn is_workbook(payload: &dyn ReadAt) -> bool {
    let mut first = [0; spreadsheetml::HEAD_BYTES];
    let mut filled = 0;
    while filled < first.len() {
        match payload.read_at(filled as u64, &mut first[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => filled += read,
        }
    }
    spreadsheetml::begins(&first[..filled])
}

impl Pieces<'_> {
    /// The next piece; None at the end. After an error there is nothing more.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Stop> {
        match &mut self.0 {
            Format::Csv(text) => text.next_piece(),
            Format::Sheet(text) => text.next_piece(),
            Format::Ndjson(text) => text.next_piece(),
            Format::Document(text) => text.next_piece(),
            Format::Arrow(rows) => rows.next_piece(),
            Format::Parquet(rows) => rows.next_piece(),
        }
    }

    /// Findings about the payload as a whole that stand before its first row.
    pub fn early(&mut self) -> Findings {
        match &mut self.0 {
            Format::Csv(text) => text.early(),
            Format::Sheet(text) => text.early(),
            Format::Ndjson(text) => text.early(),
            Format::Document(text) => text.early(),
            Format::Arrow(_) | Format::Parquet(_) => Findings::default(),
        }
    }
}

/// A decoder that gives batches.
trait Batches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Stop>;
}

impl<R: Read> Batches for ArrowStream<'_, R> {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Stop> {
        self.next_batch()
    }
}

impl Batches for Box<ParquetRows<'_>> {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Stop> {
        self.as_mut().next_batch()
    }
}

/// Bytes of a piece of a columnar payload.
const ROWS_BYTES: usize = 4 << 20;

/// Batches as they come, cut where they are large.
#[derive(Debug)]
struct Rows<B> {
    batches: B,
    /// Rows of a piece at most.
    most: usize,
    /// Rows of the last batch that are not passed on yet, and how many of them go at once.
    rest: Option<(RecordBatch, usize)>,
    rows: u64,
}

impl<B: Batches> Rows<B> {
    fn new(batches: B, most: usize) -> Self {
        Self { batches, most: most.max(1), rest: None, rows: 0 }
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, Stop> {
        let (batch, most) = match self.rest.take() {
            Some(rest) => rest,
            None => match self.batches.next_batch()? {
                Some(batch) => {
                    let average = batch.get_array_memory_size() / batch.num_rows().max(1);
                    let most = (ROWS_BYTES / average.max(1)).clamp(1, self.most);
                    (batch, most)
                }
                None => return Ok(None),
            },
        };
        let taken = batch.num_rows().min(most);
        if taken < batch.num_rows() {
            self.rest = Some((batch.slice(taken, batch.num_rows() - taken), most));
        }
        let first_row = self.rows + 1;
        self.rows += taken as u64;
        Ok(Some(Piece::Rows(batch.slice(0, taken), first_row)))
    }
}

/// A payload from its first byte to its last.
#[derive(Debug)]
pub(super) struct InOrder {
    payload: Arc<dyn ReadAt>,
    at: u64,
}

impl InOrder {
    pub(super) fn new(payload: Arc<dyn ReadAt>) -> Self {
        Self { payload, at: 0 }
    }
}

impl Read for InOrder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.payload.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}
