//! A checked part as bytes, on its way from one process to another: the findings, then the rows as an Arrow
//! stream. Who reads it believes it no more than a stream from outside: the rows must have exactly the pattern's
//! schema, and each value is validated.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::{ArrowStream, Columns, Stop};
use crate::check::{Checked, Checker};
use crate::report::Findings;

/// Longest body of a message; rows that were widened may outgrow the stream they came with.
const BODY_MAX: usize = 256 << 20;
/// About so many bytes of a message frame each column, and the part.
const FRAME_BYTES: usize = 512;
/// Name of the column that holds the lines.
const LINE: &str = "_line";

/// A checked part that does not come back as it was sent.
#[derive(Debug, thiserror::Error)]
#[error("a checked part is damaged: {0}")]
pub struct Damaged(String);

impl From<ArrowError> for Damaged {
    fn from(error: ArrowError) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Damaged {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl Checked {
    /// The part as bytes, for [`Checker::passed`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Damaged> {
        let head = serde_json::to_vec(&(self.rows, &self.findings))?;
        let schema = with_line(&self.batch.schema());
        let mut columns = self.batch.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from(self.lines.clone())));
        // All at once: a stream that grows is copied again and again.
        let size =
            |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default() + FRAME_BYTES;
        let rows_bytes: usize = columns.iter().map(size).sum();
        let mut bytes = Vec::with_capacity(size_of::<u64>() + head.len() + rows_bytes + FRAME_BYTES);
        bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&head);
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let mut writer = StreamWriter::try_new(bytes, &schema)?;
        writer.write(&rows)?;
        Ok(writer.into_inner()?)
    }
}

impl Checker {
    /// A part that another checker of the same pattern has checked.
    pub fn passed(&self, bytes: &[u8]) -> Result<Checked, Damaged> {
        let damaged = |what: &str| Damaged(what.to_owned());
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| damaged("it is too short"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (head, stream) = rest.split_at_checked(length).ok_or_else(|| damaged("it is too short"))?;
        let (rows, findings): (u64, Findings) = serde_json::from_slice(head)?;
        let mut stream = ArrowStream {
            checker: self,
            input: stream,
            columns: Columns::Exactly(with_line(&self.schema())),
            body_max: BODY_MAX,
            schema: None,
            messages: 0,
        };
        let batch = match stream.next_batch() {
            Ok(batch) => batch.ok_or_else(|| damaged("it holds no rows"))?,
            Err(Stop::Io(error)) => return Err(Damaged(error.to_string())),
            Err(Stop::Findings(_)) => {
                return Err(damaged("its rows are not a stream of the pattern's schema"));
            }
        };
        let (lines, columns) = batch.columns().split_last().ok_or_else(|| damaged("it has no lines"))?;
        let lines = lines.as_primitive::<UInt64Type>().values().to_vec();
        let batch = RecordBatch::try_new(self.schema(), columns.to_vec())?;
        Ok(Checked { batch, lines, findings, rows })
    }
}

/// The schema with the lines as a last column.
fn with_line(schema: &Schema) -> Arc<Schema> {
    let line = Arc::new(Field::new(LINE, DataType::UInt64, true));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain([line]).collect::<Vec<_>>()))
}
