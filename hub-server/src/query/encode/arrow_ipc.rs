//! Arrow IPC stream: the schema message, then one message per batch.

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;

use super::super::QueryError;
use super::{Piece, column_bytes};

/// About so many bytes of a message frame each column, and the batch.
const FRAME_BYTES: usize = 512;

pub(super) struct ArrowEncoder {
    writer: StreamWriter<Vec<u8>>,
}

impl std::fmt::Debug for ArrowEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArrowEncoder")
    }
}

impl ArrowEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, QueryError> {
        let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|e| QueryError::internal(&e))?;
        Ok(Self { writer })
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(self.writer.get_mut()).into()
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch) -> Result<Piece, QueryError> {
        // A message that grows is copied again and again.
        let columns: usize = batch.columns().iter().map(|column| column_bytes(column) + FRAME_BYTES).sum();
        self.writer.get_mut().reserve(FRAME_BYTES + columns);
        self.writer.write(batch).map_err(|e| QueryError::internal(&e))?;
        Ok((self.take(), batch.num_rows() as u64))
    }

    pub(super) fn finish(&mut self) -> Result<Bytes, QueryError> {
        self.writer.finish().map_err(|e| QueryError::internal(&e))?;
        Ok(self.take())
    }
}
