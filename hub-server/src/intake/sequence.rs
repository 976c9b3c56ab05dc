//! The key order of rows. A payload that comes in order is compared as it streams; one that does not
//! is read again, sorted in runs that spill to the disk, and merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, UInt64Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use hub_datasets::check::Checker;
use hub_datasets::check::keys::{KeyOrder, Last, OwnedRow, Rows};
use hub_datasets::report::Findings;
use hub_proto::Reason;

use super::IntakeError;
use crate::config::limits::SORT_RUN_BYTES;

/// Rows of a batch that the merge gives.
const MERGED_ROWS: usize = 8_192;

/// Rows came in another order than the key's.
#[derive(Debug)]
pub(super) struct Disorder;

fn key_order(checker: &Checker) -> Result<Option<KeyOrder>, IntakeError> {
    Ok(KeyOrder::new(&checker.schema(), &checker.context().pattern.key)?)
}

/// Compares rows with those before them, piece by piece.
pub(super) struct Sequence<'a> {
    checker: &'a Checker,
    order: Option<KeyOrder>,
    last: Option<Last>,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(checker: &'a Checker) -> Result<Self, IntakeError> {
        Ok(Self { checker, order: key_order(checker)?, last: None })
    }

    /// The repeated keys of a piece that follows those before it.
    pub(super) fn take(
        &mut self,
        batch: &RecordBatch,
        lines: &[u64],
    ) -> Result<Result<Findings, Disorder>, IntakeError> {
        let Some(order) = &self.order else { return Ok(Ok(Findings::default())) };
        let walk = order.walk(batch, lines, self.last.as_ref())?;
        if !walk.sorted {
            return Ok(Err(Disorder));
        }
        let mut findings = Findings::default();
        for repeat in walk.repeats {
            findings.add(self.checker.key_repeated(batch, repeat.row, repeat.line, Some(repeat.first_line)));
        }
        self.last = walk.last;
        Ok(Ok(findings))
    }
}

/// Collects rows in sorted runs; a run that is full goes to a nameless file in the scratch folder.
pub(super) struct Sorter<'a> {
    checker: &'a Checker,
    order: KeyOrder,
    scratch: PathBuf,
    gathered: Vec<RecordBatch>,
    lines: Vec<u64>,
    bytes: usize,
    runs: Vec<Run>,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(checker: &'a Checker, scratch: PathBuf) -> Result<Self, IntakeError> {
        let order = key_order(checker)?
            .ok_or_else(|| IntakeError::new(Reason::Internal, "rows without a key are never sorted"))?;
        Ok(Self {
            checker,
            order,
            scratch,
            gathered: Vec::new(),
            lines: Vec::new(),
            bytes: 0,
            runs: Vec::new(),
        })
    }

    pub(super) fn take(&mut self, batch: RecordBatch, lines: &[u64]) -> Result<(), IntakeError> {
        self.bytes += batch.get_array_memory_size();
        self.gathered.push(batch);
        self.lines.extend_from_slice(lines);
        if self.bytes >= SORT_RUN_BYTES {
            let run = self.sorted()?;
            self.spill(run)?;
        }
        Ok(())
    }

    /// The gathered rows in order, with their lines as a last column.
    fn sorted(&mut self) -> Result<Option<RecordBatch>, IntakeError> {
        let gathered = std::mem::take(&mut self.gathered);
        let lines = std::mem::take(&mut self.lines);
        self.bytes = 0;
        let Some((batch, lines)) = self.order.sort(&gathered, &lines)? else { return Ok(None) };
        Ok(Some(with_lines(&batch, lines)?))
    }

    fn spill(&mut self, run: Option<RecordBatch>) -> Result<(), IntakeError> {
        let Some(run) = run else { return Ok(()) };
        self.runs.push(Run::write(&self.scratch, &run)?);
        Ok(())
    }

    /// All rows in order.
    pub(super) fn merge(mut self) -> Result<Merge<'a>, IntakeError> {
        let last = self.sorted()?;
        let mut cursors = Vec::with_capacity(self.runs.len() + 1);
        for run in self.runs {
            cursors.extend(Cursor::open(run.batches()?, &self.order)?);
        }
        if let Some(batch) = last {
            let batches = (0..batch.num_rows())
                .step_by(MERGED_ROWS)
                .map(move |start| Ok(batch.slice(start, MERGED_ROWS.min(batch.num_rows() - start))));
            cursors.extend(Cursor::open(Box::new(batches), &self.order)?);
        }
        let mut heap = BinaryHeap::with_capacity(cursors.len());
        for (at, cursor) in cursors.iter().enumerate() {
            heap.push(Reverse((cursor.key(), at)));
        }
        let walker = Sequence { checker: self.checker, order: Some(self.order), last: None };
        Ok(Merge { walker, cursors, heap })
    }
}

fn with_lines(batch: &RecordBatch, lines: Vec<u64>) -> Result<RecordBatch, IntakeError> {
    let mut fields = batch.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("_line", DataType::UInt64, false)));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(UInt64Array::from(lines)));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn without_lines(batch: &RecordBatch) -> Result<(RecordBatch, Vec<u64>), IntakeError> {
    let last = batch.num_columns() - 1;
    let lines = batch.column(last).as_primitive::<UInt64Type>().values().to_vec();
    Ok((batch.project(&(0..last).collect::<Vec<_>>())?, lines))
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, arrow::error::ArrowError>>>;

/// A sorted run on the disk, in a file that has no name and is gone with its handle.
struct Run {
    file: File,
}

impl Run {
    fn write(scratch: &std::path::Path, run: &RecordBatch) -> Result<Self, IntakeError> {
        let mut file = tempfile::tempfile_in(scratch).map_err(spill_fault)?;
        let mut writer = StreamWriter::try_new(BufWriter::new(&mut file), &run.schema())?;
        for start in (0..run.num_rows()).step_by(MERGED_ROWS) {
            writer.write(&run.slice(start, MERGED_ROWS.min(run.num_rows() - start)))?;
        }
        writer.finish()?;
        drop(writer);
        file.rewind().map_err(spill_fault)?;
        Ok(Self { file })
    }

    fn batches(self) -> Result<Batches, IntakeError> {
        Ok(Box::new(StreamReader::try_new(BufReader::new(self.file), None)?))
    }
}

fn spill_fault(error: std::io::Error) -> IntakeError {
    let reason = match error.kind() {
        std::io::ErrorKind::StorageFull => Reason::StorageFull,
        _ => Reason::Internal,
    };
    IntakeError::new(reason, format!("sorting the payload needs scratch space, and its disk says: {error}"))
}

/// A place in a run.
struct Cursor {
    batches: Batches,
    batch: RecordBatch,
    keys: Rows,
    at: usize,
}

impl Cursor {
    /// None when the run is empty.
    fn open(mut batches: Batches, order: &KeyOrder) -> Result<Option<Self>, IntakeError> {
        let Some(batch) = batches.next().transpose()? else { return Ok(None) };
        let keys = order.rows(&batch)?;
        Ok(Some(Self { batches, batch, keys, at: 0 }))
    }

    fn key(&self) -> OwnedRow {
        self.keys.row(self.at).owned()
    }

    fn is_at_end_of_batch(&self) -> bool {
        self.at == self.batch.num_rows()
    }

    /// Goes to the next batch of the run; false at its end.
    fn refill(&mut self, order: &KeyOrder) -> Result<bool, IntakeError> {
        let Some(batch) = self.batches.next().transpose()? else { return Ok(false) };
        self.keys = order.rows(&batch)?;
        self.batch = batch;
        self.at = 0;
        Ok(true)
    }
}

/// Rows of all runs in key order; rows of one key in the order of their coming.
pub(super) struct Merge<'a> {
    walker: Sequence<'a>,
    cursors: Vec<Cursor>,
    /// The runs that still hold rows, by their next key and then by their age.
    heap: BinaryHeap<Reverse<(OwnedRow, usize)>>,
}

impl Merge<'_> {
    /// The next rows with the keys that they repeat; None at the end.
    pub(super) fn next_batch(&mut self) -> Result<Option<(RecordBatch, Findings)>, IntakeError> {
        let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(MERGED_ROWS);
        let mut exhausted = None;
        while chosen.len() < MERGED_ROWS {
            let Some(Reverse((_, run))) = self.heap.pop() else { break };
            let cursor = &mut self.cursors[run];
            chosen.push((run, cursor.at));
            cursor.at += 1;
            if cursor.is_at_end_of_batch() {
                // Its rows must leave before the next batch takes their place.
                exhausted = Some(run);
                break;
            }
            self.heap.push(Reverse((cursor.key(), run)));
        }
        if chosen.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self.cursors.iter().map(|cursor| &cursor.batch).collect();
        let (batch, lines) = without_lines(&interleave_record_batch(&batches, &chosen)?)?;
        if let (Some(run), Some(order)) = (exhausted, &self.walker.order)
            && self.cursors[run].refill(order)?
        {
            self.heap.push(Reverse((self.cursors[run].key(), run)));
        }
        let Ok(repeated) = self.walker.take(&batch, &lines)? else {
            return Err(IntakeError::new(Reason::Internal, "merged rows are out of order"));
        };
        Ok(Some((batch, repeated)))
    }
}
