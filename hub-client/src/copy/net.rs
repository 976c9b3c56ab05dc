//! Changes of rows put together: how often each row comes in or goes, whatever happened in between.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray};
use arrow::buffer::Buffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use bytes::Bytes;
use hub_datasets::diff::{AFTER, BEFORE, DELETE, ERASE, INSERT};
use sha2::{Digest as _, Sha256};

/// Columns of changes before those of the rows: what happened, and the dataset version.
pub(super) const OWN_COLUMNS: usize = 2;
const SUBMISSION: &str = "_submission";
/// About so many bytes take a row's place besides its own.
const PLACE_BYTES: usize = 48;

/// Batches out of an Arrow stream that comes in pieces; a stream without rows gives an empty one.
#[derive(Default)]
pub(super) struct Decoder {
    inner: StreamDecoder,
    begun: bool,
}

impl Decoder {
    pub(super) fn decode(&mut self, data: Bytes, batches: &mut Vec<RecordBatch>) -> Result<(), ArrowError> {
        let mut rest = Buffer::from(data);
        while !rest.is_empty() {
            if let Some(batch) = self.inner.decode(&mut rest)? {
                batches.push(batch);
            }
            if let (false, Some(schema)) = (self.begun, self.inner.schema()) {
                self.begun = true;
                batches.insert(0, RecordBatch::new_empty(schema));
            }
        }
        Ok(())
    }
}

/// A sum over rows that is the same in whatever order they come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum(u128);

impl Sum {
    pub(super) fn add(&mut self, row: &[u8]) {
        let digest: [u8; 32] = Sha256::digest(row).into();
        let half = digest.first_chunk::<16>().copied().unwrap_or_default();
        self.0 = self.0.wrapping_add(u128::from_le_bytes(half));
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A converter of rows to bytes that are the same for the same values, and back.
pub(super) fn converter(schema: &Schema) -> Result<RowConverter, ArrowError> {
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
    RowConverter::new(fields.collect())
}

/// What happened to rows, put together.
pub(super) struct Net {
    schema: SchemaRef,
    converter: RowConverter,
    /// How often each row comes in, or goes if below 0; in the order of its bytes.
    rows: BTreeMap<Box<[u8]>, i64>,
    bytes: usize,
    erased: HashSet<String>,
}

impl Net {
    /// Of rows with the schema of a copy.
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let (schema, converter) = (Arc::clone(schema), converter(schema)?);
        Ok(Self { schema, converter, rows: BTreeMap::new(), bytes: 0, erased: HashSet::new() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.erased.is_empty()
    }

    /// About so many bytes are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes up changes in the order in which they come; an error if their columns are not the copy's.
    pub(super) fn add(&mut self, changes: &RecordBatch) -> Result<(), ArrowError> {
        let schema = changes.schema();
        let own = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
        let theirs = schema.fields().iter().skip(OWN_COLUMNS).map(own);
        if !theirs.eq(self.schema.fields().iter().map(own)) {
            return Err(ArrowError::SchemaError("the changes have other columns than the copy".to_owned()));
        }
        let unfit = || ArrowError::SchemaError("the changes do not say what happened".to_owned());
        let kinds =
            changes.columns().first().and_then(|kinds| kinds.as_string_opt::<i32>()).ok_or_else(unfit)?;
        let submissions = changes.column_by_name(SUBMISSION).and_then(|column| column.as_string_opt::<i32>());
        let rows =
            self.converter.convert_columns(changes.columns().get(OWN_COLUMNS..).unwrap_or_default())?;
        for (at, row) in rows.iter().enumerate() {
            match kinds.value(at) {
                INSERT | AFTER => self.count(row.as_ref(), 1),
                DELETE | BEFORE => self.count(row.as_ref(), -1),
                ERASE => {
                    let submission = submissions.filter(|column| column.is_valid(at)).ok_or_else(unfit)?;
                    self.erased.insert(submission.value(at).to_owned());
                }
                _ => return Err(unfit()),
            }
        }
        Ok(())
    }

    fn count(&mut self, row: &[u8], by: i64) {
        let place = row.len() + PLACE_BYTES;
        match self.rows.get_mut(row) {
            None => {
                self.rows.insert(row.into(), by);
                self.bytes += place;
            }
            Some(count) => {
                *count += by;
                if *count == 0 {
                    self.rows.remove(row);
                    self.bytes = self.bytes.saturating_sub(place);
                }
            }
        }
    }

    /// The rows of a batch that stay, and adds all of them to a sum.
    pub(super) fn staying(&mut self, batch: &RecordBatch, sum: &mut Sum) -> Result<RecordBatch, ArrowError> {
        let rows = self.converter.convert_columns(batch.columns())?;
        let erased = self.erased_of(batch);
        let mut stays = Vec::with_capacity(batch.num_rows());
        for (at, row) in rows.iter().enumerate() {
            sum.add(row.as_ref());
            let goes = match self.rows.get_mut(row.as_ref()) {
                Some(count) if *count < 0 => {
                    *count += 1;
                    true
                }
                _ => false,
            };
            stays.push(!goes && !erased.get(at).copied().unwrap_or_default());
        }
        filter_record_batch(batch, &BooleanArray::from(stays))
    }

    /// Which rows of a batch are of erased submissions; nothing if none is.
    fn erased_of(&self, batch: &RecordBatch) -> Vec<bool> {
        let submissions = batch.column_by_name(SUBMISSION).and_then(|column| column.as_string_opt::<i32>());
        match submissions {
            Some(submissions) if !self.erased.is_empty() => {
                submissions.iter().map(|id| id.is_some_and(|id| self.erased.contains(id))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The rows that come in, once all that stay were asked for. None: some were to go that were not there.
    pub(super) fn coming(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let (coming, missed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.rows)
            .into_iter()
            .filter(|(_, count)| *count != 0)
            .partition(|(_, n)| *n > 0);
        let missed = self.batch(missed.iter().map(|(row, _)| row.as_ref()))?;
        // A row that was to go before its submission was erased may be gone by that.
        let erased = self.erased_of(&missed);
        if !(0..missed.num_rows()).all(|at| erased.get(at).copied().unwrap_or_default()) {
            return Ok(None);
        }
        let times = |count: i64| usize::try_from(count).unwrap_or_default();
        let all = coming.iter().flat_map(|(row, n)| std::iter::repeat_n(row.as_ref(), times(*n)));
        let batch = self.batch(all)?;
        let erased = self.erased_of(&batch);
        let stays: BooleanArray =
            (0..batch.num_rows()).map(|at| Some(!erased.get(at).copied().unwrap_or_default())).collect();
        filter_record_batch(&batch, &stays).map(Some)
    }

    fn batch<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<RecordBatch, ArrowError> {
        let parser = self.converter.parser();
        let columns: Vec<ArrayRef> = self.converter.convert_rows(rows.map(|row| parser.parse(row)))?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
