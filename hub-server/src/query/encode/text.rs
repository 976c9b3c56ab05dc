//! CSV and NDJSON.
//!
//! A CSV file is opened in spreadsheets, which take a text cell that begins with `=`, `+`, `-`, `@`, TAB
//! or CR for a formula. Such cells get a leading apostrophe. Numbers and dates stay as they are; machines that
//! want the raw text take another format. Decision 0030 weighs it.

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, Writer, WriterBuilder as JsonBuilder};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::sync::Arc;

use super::super::QueryError;
use super::Piece;

#[derive(Debug)]
pub(super) struct CsvEncoder {
    /// Names of columns may come from the statement, so they are guarded as well.
    schema: SchemaRef,
}

impl CsvEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|f| {
                let name = guarded(f.name()).unwrap_or_else(|| f.name().clone());
                Field::new(name, f.data_type().clone(), f.is_nullable())
            })
            .collect();
        Self { schema: Arc::new(Schema::new(fields)) }
    }

    pub(super) fn header(&self, _: &SchemaRef) -> Result<bytes::Bytes, QueryError> {
        self.write(&RecordBatch::new_empty(Arc::clone(&self.schema)), true).map(Into::into)
    }

    pub(super) fn encode(&self, batch: &RecordBatch) -> Result<Piece, QueryError> {
        let columns = batch.columns().iter().map(guard_column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let safe = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| QueryError::internal(&e))?;
        Ok((self.write(&safe, false)?.into(), batch.num_rows() as u64))
    }

    fn write(&self, batch: &RecordBatch, header: bool) -> Result<Vec<u8>, QueryError> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_header(header).build(&mut bytes);
        writer.write(batch).map_err(unsupported)?;
        drop(writer);
        Ok(bytes)
    }
}

/// True when a spreadsheet would take the text for a formula.
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0'])
}

fn guarded(text: &str) -> Option<String> {
    is_formula(text).then(|| format!("'{text}"))
}

fn guard_column(column: &ArrayRef) -> ArrayRef {
    if column.data_type() != &DataType::Utf8 {
        return Arc::clone(column);
    }
    let texts = column.as_string::<i32>();
    if !texts.iter().flatten().any(is_formula) {
        return Arc::clone(column);
    }
    let safe: StringArray = texts
        .iter()
        .map(|text| text.map(|t| guarded(t).map_or(std::borrow::Cow::Borrowed(t), std::borrow::Cow::Owned)))
        .collect();
    Arc::new(safe)
}

#[derive(Debug)]
pub(super) struct JsonEncoder {}

impl JsonEncoder {
    pub(super) fn new() -> Self {
        Self {}
    }

    pub(super) fn encode(&self, batch: &RecordBatch) -> Result<Piece, QueryError> {
        let mut bytes = Vec::new();
        let mut writer: Writer<_, LineDelimited> =
            JsonBuilder::new().with_explicit_nulls(true).build(&mut bytes);
        writer.write(batch).map_err(unsupported)?;
        writer.finish().map_err(unsupported)?;
        drop(writer);
        Ok((bytes.into(), batch.num_rows() as u64))
    }
}

/// A type that the format has no form for is the statement's fault, and can be cast.
fn unsupported(error: ArrowError) -> QueryError {
    match error {
        ArrowError::CsvError(m)
        | ArrowError::JsonError(m)
        | ArrowError::InvalidArgumentError(m)
        | ArrowError::NotYetImplemented(m) => {
            QueryError::invalid(format!("the format cannot hold a column of the answer; cast it: {m}"))
        }
        other => QueryError::internal(&other),
    }
}
