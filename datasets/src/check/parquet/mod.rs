//! Parquet files from outside, decoded without trusting them.
//!
//! Footer and page headers are walked by our own code before the library sees them, and every length in them is
//! compared with the bytes that are there: the library allocates what a header claims, and goes down a nested
//! schema without end. What then goes to it is a flat table with the pattern's columns, in encodings whose
//! memory is bounded by the bytes of their pages, one row group after the other, in batches of bounded bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaDataReader;

use super::stream::Stop;
use super::{Checker, ReadAt};
use place::Place;

mod footer;
mod pages;
mod place;
mod thrift;

/// Reads record batches of an untrusted Parquet file; `Checker::parquet` begins one.
pub(super) struct ParquetRows<'a> {
    checker: &'a Checker,
    payload: Arc<dyn ReadAt>,
    open: Option<Open>,
}

/// A file whose footer was read.
struct Open {
    place: Place,
    metadata: ArrowReaderMetadata,
    /// Row groups that were begun.
    groups: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows of the open row group that are still to come.
    left: u64,
    /// Unpacked bytes that the row groups so far claim.
    unpacked: u64,
}

impl std::fmt::Debug for ParquetRows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetRows").field("payload", &self.payload).finish_non_exhaustive()
    }
}

impl Checker {
    /// Reads a Parquet file, its footer first.
    pub(super) fn parquet(&self, payload: Arc<dyn ReadAt>) -> ParquetRows<'_> {
        ParquetRows { checker: self, payload, open: None }
    }
}

/// Runs the library: an error of it, or a panic, is the file's fault.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its bytes do not fit its description".into()),
    }
}

impl ParquetRows<'_> {
    /// The next batch, for [`Checker::batch`]; None at the end. After an error there is nothing more.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, Stop> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let batch = open.next_batch();
        let broken = open.place.broken();
        self.open = Some(open);
        match (batch, broken) {
            (Ok(batch), None) => Ok(batch),
            (_, Some(error)) => Err(error.into()),
            (Err(fault), None) => Err(self.fault(&fault)),
        }
    }

    fn fault(&self, fault: &str) -> Stop {
        self.checker.malformed(&format!("the Parquet file: {fault}")).into()
    }

    fn begin(&self) -> Result<Open, Stop> {
        let place = Place::new(Arc::clone(&self.payload))?;
        let metadata = metadata(&place);
        if let Some(error) = place.broken() {
            return Err(error.into());
        }
        let metadata = metadata.map_err(|fault| self.fault(&fault))?;
        self.checker.fits(metadata.schema())?;
        Ok(Open { place, metadata, groups: 0, reader: None, left: 0, unpacked: 0 })
    }
}

/// Reads what the footer says, and checks all that can be checked without a page.
fn metadata(place: &Place) -> Result<ArrowReaderMetadata, String> {
    let length = place.length();
    let tail_at = length.checked_sub(footer::TAIL).ok_or("it is too short")?;
    let tail = place.read(tail_at, footer::TAIL as usize)?;
    let tail = tail.try_into().map_err(|_| "it is too short")?;
    let footer_length = footer::place(tail, length)?;
    let data_end = tail_at - footer_length;
    let bytes = place.read(data_end, footer_length as usize)?;
    footer::walk(&bytes)?;
    let metadata = guarded(|| ParquetMetaDataReader::decode_metadata(&bytes))?;
    footer::check(&metadata, data_end)?;
    // A schema of Arrow's own, if the file holds one, is not looked at.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(|| ArrowReaderMetadata::try_new(Arc::new(metadata), options))?;
    flat(metadata.schema())?;
    Ok(metadata)
}

/// Refuses types that no pattern uses, also of columns that are set aside.
fn flat(schema: &Schema) -> Result<(), String> {
    for field in schema.fields() {
        match field.data_type() {
            DataType::Utf8
            | DataType::Boolean
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Date32
            | DataType::Timestamp(..) => {}
            integer if integer.is_integer() => {}
            _ => return Err(format!("column `{}` has a type that no pattern uses", field.name())),
        }
    }
    Ok(())
}

impl Open {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, String> {
        loop {
            let number = self.groups;
            let fault = |fault: String| format!("row group {number}: {fault}");
            if let Some(reader) = &mut self.reader {
                let batch = guarded(|| Ok(reader.next().transpose()?)).map_err(fault)?;
                if let Some(batch) = batch {
                    let rows = batch.num_rows() as u64;
                    self.left = self.left.checked_sub(rows).ok_or_else(|| fault("too many rows".into()))?;
                    return Ok(Some(batch));
                }
                if self.left > 0 {
                    return Err(fault(format!("{} of its rows are not there", self.left)));
                }
                self.reader = None;
            }
            if self.groups == self.metadata.metadata().num_row_groups() {
                return Ok(None);
            }
            self.groups += 1;
            self.begin_group().map_err(|fault| format!("row group {}: {fault}", self.groups))?;
        }
    }

    fn begin_group(&mut self) -> Result<(), String> {
        let group = self.groups - 1;
        let claims = pages::walk(self.metadata.metadata().row_group(group), &self.place)?;
        self.unpacked = self.unpacked.saturating_add(claims.unpacked);
        let most = pages::unpacked_max(self.place.length());
        if self.unpacked > most {
            return Err(format!("its pages unpack to {} bytes; at most {most} are accepted", self.unpacked));
        }
        self.left = u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0);
        let (place, metadata) = (self.place.clone(), self.metadata.clone());
        let reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(place, metadata)
                .with_row_groups(vec![group])
                .with_batch_size(claims.batch_rows)
                .build()
        })?;
        self.reader = Some(reader);
        Ok(())
    }
}
