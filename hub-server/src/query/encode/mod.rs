//! Batches into the bytes of a file format, piece by piece: nothing is ever held whole.

mod arrow_ipc;
mod cut;
mod parquet_rows;
mod text;

use arrow::array::{Array as _, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

use super::stream::{Item, channel, receive};
use super::{Engine, QueryError, RowStream};

/// File formats of rows that leave the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum RowFormat {
    /// Arrow IPC stream.
    Arrow,
    Csv,
    Ndjson,
    Parquet,
}

/// A piece of the file; the last one is `complete` and may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RowChunk {
    pub(crate) data: Bytes,
    /// Rows of the whole answer up to and with this piece, skipped ones included.
    pub(crate) rows: u64,
    pub(crate) complete: bool,
}

/// A piece is cut as soon as it has this many bytes.
pub(super) const PIECE_TARGET: usize = 2 << 20;
/// No piece has more bytes than this; messages of the contract have at most 4 MiB.
pub(super) const PIECE_MAX: usize = 3 << 20;

/// Turns batches into pieces of a file, each with the number of rows that it completes.
#[derive(Debug)]
pub(crate) struct Encoder {
    schema: SchemaRef,
    cutter: cut::Cutter,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Arrow(Box<arrow_ipc::ArrowEncoder>),
    Csv(text::CsvEncoder),
    Ndjson(text::JsonEncoder),
    Parquet(Box<parquet_rows::ParquetEncoder>),
}

/// Bytes and the rows in them.
pub(crate) type Piece = (Bytes, u64);

impl Encoder {
    pub(crate) fn new(format: RowFormat, schema: &SchemaRef) -> Result<Self, QueryError> {
        let schema = plain_schema(schema);
        let inner = match format {
            RowFormat::Arrow => Inner::Arrow(Box::new(arrow_ipc::ArrowEncoder::new(&schema)?)),
            RowFormat::Csv => Inner::Csv(text::CsvEncoder::new(&schema)),
            RowFormat::Ndjson => Inner::Ndjson(text::JsonEncoder::new()),
            RowFormat::Parquet => Inner::Parquet(Box::new(parquet_rows::ParquetEncoder::new(&schema)?)),
        };
        Ok(Self { schema, cutter: cut::Cutter::default(), inner })
    }

    /// What can be sent before the first row: the schema, where the format begins with one.
    pub(crate) fn start(&mut self) -> Result<Vec<Piece>, QueryError> {
        match &mut self.inner {
            Inner::Arrow(encoder) => Ok(vec![(encoder.take(), 0)]),
            Inner::Csv(encoder) => Ok(vec![(encoder.header(&self.schema)?, 0)]),
            Inner::Ndjson(_) | Inner::Parquet(_) => Ok(Vec::new()),
        }
    }

    pub(crate) fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Piece>, QueryError> {
        let batch = plain_batch(&self.schema, batch)?;
        let ready = self.cutter.push(batch)?;
        self.write(ready)
    }

    pub(crate) fn finish(&mut self) -> Result<Vec<Piece>, QueryError> {
        let rest = self.cutter.flush()?;
        let mut pieces = self.write(rest)?;
        match &mut self.inner {
            Inner::Arrow(encoder) => pieces.push((encoder.finish()?, 0)),
            Inner::Csv(_) | Inner::Ndjson(_) => {}
            Inner::Parquet(encoder) => pieces.extend(encoder.finish()?),
        }
        Ok(pieces)
    }

    fn write(&mut self, batches: Vec<RecordBatch>) -> Result<Vec<Piece>, QueryError> {
        let mut pieces = Vec::new();
        for batch in batches {
            match &mut self.inner {
                Inner::Arrow(encoder) => pieces.push(encoder.encode(&batch)?),
                Inner::Csv(encoder) => pieces.extend(split(encoder.encode(&batch)?)),
                Inner::Ndjson(encoder) => pieces.extend(split(encoder.encode(&batch)?)),
                Inner::Parquet(encoder) => pieces.extend(encoder.encode(&batch)?),
            }
        }
        Ok(pieces)
    }
}

/// Cuts bytes that may be cut anywhere; the rows count once the last of them is out.
fn split((mut data, rows): Piece) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while data.len() > PIECE_MAX {
        pieces.push((data.split_to(PIECE_TARGET), 0));
    }
    pieces.push((data, rows));
    pieces
}

/// A schema as the first message of an Arrow stream.
pub(super) fn schema_message(schema: &SchemaRef) -> Result<Bytes, QueryError> {
    let first = Encoder::new(RowFormat::Arrow, schema)?.start()?.into_iter().next();
    Ok(first.map(|(message, _)| message).unwrap_or_default())
}

/// The schema that leaves: no types that only this engine's kin reads (views, big offsets).
pub(super) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| Field::new(f.name(), plain_type(f.data_type()), f.is_nullable()))
        .collect();
    Arc::new(Schema::new(fields))
}

pub(super) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => plain_type(values),
        other => other.clone(),
    }
}

fn plain_batch(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
    let columns: Result<Vec<ArrayRef>, _> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => cast(column, field.data_type()),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    columns
        .and_then(|columns| RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options))
        .map_err(|e| QueryError::internal(&e))
}

impl Engine {
    /// Encodes rows on the engine's threads. `skipped`: rows that the reader already has; they count
    /// in `rows`, so that the last number received is the next offset.
    pub(crate) fn encode(
        &self,
        rows: RowStream,
        format: RowFormat,
        skipped: u64,
    ) -> Result<BoxStream<'static, Result<RowChunk, QueryError>>, QueryError> {
        let encoder = Encoder::new(format, &rows.schema)?;
        let (sender, receiver) = channel();
        let task = self.handle()?.spawn(async move {
            let item = match run(encoder, rows, skipped, &sender).await {
                Ok(()) => Item::End,
                Err(Some(error)) => Item::Failed(error),
                Err(None) => return,
            };
            // A failed send means that nobody listens any more.
            let _ = sender.send(item).await;
        });
        Ok(receive(receiver, AbortOnDropHandle::new(task)))
    }
}

/// `Err(None)`: the receiver is gone.
async fn run(
    mut encoder: Encoder,
    mut rows: RowStream,
    mut count: u64,
    sender: &tokio::sync::mpsc::Sender<Item<RowChunk>>,
) -> Result<(), Option<QueryError>> {
    let mut pieces = encoder.start()?;
    loop {
        for (data, rows) in pieces.drain(..) {
            count += rows;
            sender
                .send(Item::One(RowChunk { data, rows: count, complete: false }))
                .await
                .map_err(|_| None)?;
        }
        match rows.batches.next().await {
            Some(batch) => pieces = encoder.encode(&batch?)?,
            None => break,
        }
    }
    let mut last = RowChunk { data: Bytes::new(), rows: count, complete: true };
    for (data, rows) in encoder.finish()? {
        let before = std::mem::replace(
            &mut last,
            RowChunk { data, rows: last_rows(&mut count, rows), complete: true },
        );
        if !before.data.is_empty() {
            sender.send(Item::One(RowChunk { complete: false, ..before })).await.map_err(|_| None)?;
        }
    }
    sender.send(Item::One(last)).await.map_err(|_| None)
}

fn last_rows(count: &mut u64, rows: u64) -> u64 {
    *count += rows;
    *count
}

/// Bytes that a column's rows take, which for a slice is less than what its buffers hold.
pub(super) fn column_bytes(column: &ArrayRef) -> usize {
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
}
