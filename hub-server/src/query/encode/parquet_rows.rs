//! Parquet, streamed: row groups leave as they are full; only the footer waits for the end.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::super::QueryError;
use super::{Piece, split};

/// Rows of a row group, as in the hub's own files.
const ROW_GROUP_ROWS: usize = 131_072;
/// A row group is also closed at this many encoded bytes, so that wide rows do not pile up.
const ROW_GROUP_BYTES: usize = 32 << 20;

#[derive(Debug)]
pub(super) struct ParquetEncoder {
    writer: Option<ArrowWriter<Sink>>,
    sink: Sink,
    /// Rows that were taken but are not all out yet.
    rows: u64,
}

/// Where the writer writes; emptied after each call, so it holds at most a row group.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl ParquetEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, QueryError> {
        let sink = Sink::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(unsupported)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer =
            ArrowWriter::try_new(sink.clone(), Arc::clone(schema), Some(properties)).map_err(unsupported)?;
        Ok(Self { writer: Some(writer), sink, rows: 0 })
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Piece>, QueryError> {
        let Some(writer) = &mut self.writer else {
            return Err(QueryError::internal(&"rows after the end of a Parquet file"));
        };
        writer.write(batch).map_err(unsupported)?;
        if writer.in_progress_size() > ROW_GROUP_BYTES {
            writer.flush().map_err(unsupported)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(self.out())
    }

    pub(super) fn finish(&mut self) -> Result<Vec<Piece>, QueryError> {
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(unsupported)?;
        }
        Ok(self.out())
    }

    fn out(&mut self) -> Vec<Piece> {
        let data = self.sink.take();
        match data.is_empty() {
            true => Vec::new(),
            false => split((data, std::mem::take(&mut self.rows))),
        }
    }
}

fn unsupported(error: ParquetError) -> QueryError {
    match error {
        ParquetError::NYI(m) | ParquetError::ArrowError(m) => {
            QueryError::invalid(format!("Parquet cannot hold a column of the answer; cast it: {m}"))
        }
        other => QueryError::internal(&other),
    }
}
