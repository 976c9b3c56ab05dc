//! Sorted files into one: rows in the order of publisher and key, taken in runs as long as they go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hub_datasets::check::keys::{KeyOrder, OwnedRow, Rows};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::CommitError;
use super::compact::Stop;
use super::files::{Files, Output};
use super::rewrite::{conformed, open};
use crate::store::index::DataFile;

/// Merges live files of one period; None when it was stopped. Blocking; a file is read batch by batch.
pub(crate) fn merge(
    files: &Files,
    inputs: &[Arc<DataFile>],
    stop: &Stop,
) -> Result<Option<DataFile>, CommitError> {
    let Some(first) = inputs.first() else { return Ok(None) };
    let order = files.sort_order()?;
    let mut output = files.output()?;
    match fill(files, inputs, &order, stop, &mut output) {
        Ok(true) => output.finish(&first.partition).map(Some),
        Ok(false) => {
            output.discard();
            Ok(None)
        }
        Err(error) => {
            output.discard();
            Err(error)
        }
    }
}

/// False when it was stopped.
fn fill(
    files: &Files,
    inputs: &[Arc<DataFile>],
    order: &KeyOrder,
    stop: &Stop,
    output: &mut Output<'_>,
) -> Result<bool, CommitError> {
    let mut cursors = Vec::with_capacity(inputs.len());
    let mut heap = BinaryHeap::with_capacity(inputs.len());
    for input in inputs {
        if let Some(cursor) = Cursor::open(files, input, order)? {
            heap.push(Reverse((cursor.key(), cursors.len())));
            cursors.push(cursor);
        }
    }
    while let Some(Reverse((_, number))) = heap.pop() {
        if stop.is_stopped() {
            return Ok(false);
        }
        let cursor = &mut cursors[number];
        let next = heap.peek().map(|Reverse((key, other))| (key, *other));
        output.push(cursor.run(next.map(|(key, other)| (key, number < other))))?;
        if cursor.refill(files, order)? {
            heap.push(Reverse((cursor.key(), number)));
        }
    }
    Ok(true)
}

/// A place in a file.
struct Cursor<'a> {
    file: &'a Arc<DataFile>,
    batches: ParquetRecordBatchReader,
    batch: RecordBatch,
    keys: Rows,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// None when the file holds no row.
    fn open(files: &Files, file: &'a Arc<DataFile>, order: &KeyOrder) -> Result<Option<Self>, CommitError> {
        let mut batches = open(files, file, None)?;
        let next = next_batch(files, file, &mut batches, order)?;
        Ok(next.map(|(batch, keys)| Self { file, batches, batch, keys, at: 0 }))
    }

    fn key(&self) -> OwnedRow {
        self.keys.row(self.at).owned()
    }

    /// The rows that come before another cursor's; of equal keys those of the earlier file go first.
    fn run(&mut self, other: Option<(&OwnedRow, bool)>) -> RecordBatch {
        let rows = self.batch.num_rows();
        let end = match other {
            None => rows,
            Some((other, first)) => {
                let goes = |at: usize| {
                    let key = self.keys.row(at);
                    if first { key <= other.row() } else { key < other.row() }
                };
                // The first row goes in any case: its cursor was the smallest.
                let (mut from, mut to) = (self.at + 1, rows);
                while from < to {
                    let middle = from.midpoint(to);
                    if goes(middle) { from = middle + 1 } else { to = middle }
                }
                from
            }
        };
        let run = self.batch.slice(self.at, end - self.at);
        self.at = end;
        run
    }

    /// Goes to the file's next batch when this one is through; false at the end of the file.
    fn refill(&mut self, files: &Files, order: &KeyOrder) -> Result<bool, CommitError> {
        if self.at < self.batch.num_rows() {
            return Ok(true);
        }
        let Some((batch, keys)) = next_batch(files, self.file, &mut self.batches, order)? else {
            return Ok(false);
        };
        (self.batch, self.keys, self.at) = (batch, keys, 0);
        Ok(true)
    }
}

fn next_batch(
    files: &Files,
    file: &Arc<DataFile>,
    batches: &mut ParquetRecordBatchReader,
    order: &KeyOrder,
) -> Result<Option<(RecordBatch, Rows)>, CommitError> {
    let unreadable = |error: ArrowError| files.unreadable(file, &error);
    for batch in batches {
        let batch = batch.and_then(|batch| conformed(&batch, &files.layout().schema)).map_err(unreadable)?;
        if batch.num_rows() > 0 {
            let keys = order.rows(&batch).map_err(unreadable)?;
            return Ok(Some((batch, keys)));
        }
    }
    Ok(None)
}
