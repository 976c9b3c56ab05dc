//! Batches of a good size: small ones are gathered, big ones are cut by rows.

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use super::super::QueryError;
use super::{PIECE_MAX, PIECE_TARGET, column_bytes};

/// Small batches wait here until they are worth a message.
const GATHER: usize = 1 << 20;
/// Room for the frame of a message around its rows.
const FRAME: usize = 256 << 10;

#[derive(Debug, Default)]
pub(super) struct Cutter {
    waiting: Vec<RecordBatch>,
    bytes: usize,
}

impl Cutter {
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>, QueryError> {
        let bytes = size(&batch);
        let mut ready = Vec::new();
        if self.bytes + bytes > PIECE_TARGET {
            ready.extend(self.flush()?);
        }
        if bytes > PIECE_TARGET {
            cut(batch, bytes, &mut ready)?;
            return Ok(ready);
        }
        self.bytes += bytes;
        self.waiting.push(batch);
        if self.bytes >= GATHER {
            ready.extend(self.flush()?);
        }
        Ok(ready)
    }

    pub(super) fn flush(&mut self) -> Result<Vec<RecordBatch>, QueryError> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        match waiting.as_slice() {
            [] => Ok(Vec::new()),
            [_] => Ok(waiting),
            [first, ..] => {
                let whole =
                    concat_batches(&first.schema(), &waiting).map_err(|e| QueryError::internal(&e))?;
                Ok(vec![whole])
            }
        }
    }
}

/// Cuts into even runs of rows; where rows differ much in length, a run is halved until it fits.
fn cut(batch: RecordBatch, bytes: usize, ready: &mut Vec<RecordBatch>) -> Result<(), QueryError> {
    let rows = batch.num_rows();
    if bytes <= PIECE_MAX - FRAME {
        ready.push(batch);
        return Ok(());
    }
    if rows <= 1 {
        return Err(QueryError::Limit(format!(
            "one row has {bytes} bytes; at most {} are sent",
            PIECE_MAX - FRAME
        )));
    }
    let runs = bytes.div_ceil(PIECE_TARGET).clamp(2, rows);
    let run = rows.div_ceil(runs);
    let mut from = 0;
    while from < rows {
        let part = batch.slice(from, run.min(rows - from));
        let bytes = size(&part);
        cut(part, bytes, ready)?;
        from += run;
    }
    Ok(())
}

fn size(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(column_bytes).sum()
}
