//! Shared files without their superseded rows. Prepared beside the committer, row group by row
//! group, so that a correction of a big file stalls nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, StringArray, new_null_array};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::CommitError;
use super::files::{Files, Output};
use super::plan::Superseded;
use crate::store::index::DataFile;

/// What is left of a live file without the superseded rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rewrite {
    /// No row of it is superseded.
    Kept,
    /// No row of it stays.
    Emptied,
    Replaced(Arc<DataFile>),
}

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// Writes a file again without its superseded rows. Blocking.
pub(crate) fn rewrite(
    files: &Files,
    file: &Arc<DataFile>,
    superseded: &Superseded,
) -> Result<Rewrite, CommitError> {
    let gone = count(files, file, superseded)?;
    if gone == 0 {
        return Ok(Rewrite::Kept);
    }
    if gone == file.rows {
        return Ok(Rewrite::Emptied);
    }
    let mut output = files.output()?;
    match copy_remaining(files, file, superseded, &mut output) {
        Ok(()) => Ok(Rewrite::Replaced(Arc::new(output.finish(&file.partition)?))),
        Err(error) => {
            output.discard();
            Err(error)
        }
    }
}

/// Writes a file again without the rows of a submission; others have rows in it too. Blocking.
pub(crate) fn without(files: &Files, file: &Arc<DataFile>, seq: i64) -> Result<Arc<DataFile>, CommitError> {
    let mut output = files.output()?;
    match copy_others(files, file, seq, &mut output) {
        Ok(()) => output.finish(&file.partition).map(Arc::new),
        Err(error) => {
            output.discard();
            Err(error)
        }
    }
}

fn copy_others(
    files: &Files,
    file: &Arc<DataFile>,
    seq: i64,
    output: &mut Output<'_>,
) -> Result<(), CommitError> {
    let unreadable = |error: ArrowError| files.unreadable(file, &error);
    for batch in open(files, file, None)? {
        let batch = batch.map_err(unreadable)?;
        let seqs = batch.column_by_name("_seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let seqs = seqs.ok_or_else(|| files.unreadable(file, &"column _seq does not hold integers"))?;
        let others: BooleanArray = seqs.values().iter().map(|other| Some(*other != seq)).collect();
        let kept = filter_record_batch(&batch, &others).map_err(unreadable)?;
        output.push(conformed(&kept, &files.layout().schema).map_err(unreadable)?)?;
    }
    Ok(())
}

/// Number of superseded rows in a file; reads the two columns that tell. Blocking.
pub(crate) fn count(
    files: &Files,
    file: &Arc<DataFile>,
    superseded: &Superseded,
) -> Result<u64, CommitError> {
    let owner = [Some("_seq"), files.slice_column()].into_iter().flatten();
    let mut gone = 0;
    for batch in open(files, file, Some(&owner.collect::<Vec<_>>()))? {
        let batch = batch.map_err(|error| files.unreadable(file, &error))?;
        let kept = remaining(files, &batch, superseded).map_err(|error| files.unreadable(file, &error))?;
        gone += (kept.len() - kept.true_count()) as u64;
    }
    Ok(gone)
}

fn copy_remaining(
    files: &Files,
    file: &Arc<DataFile>,
    superseded: &Superseded,
    output: &mut Output<'_>,
) -> Result<(), CommitError> {
    for batch in open(files, file, None)? {
        let batch = batch.map_err(|error| files.unreadable(file, &error))?;
        let kept = remaining(files, &batch, superseded)
            .and_then(|kept| filter_record_batch(&batch, &kept))
            .and_then(|kept| conformed(&kept, &files.layout().schema))
            .map_err(|error| files.unreadable(file, &error))?;
        output.push(kept)?;
    }
    Ok(())
}

/// A batch with the columns that the table has now; those that the file is too old for are empty.
pub(crate) fn conformed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    };
    RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())
}

/// Opens the rows of a file that a state of the past means.
#[cfg(test)]
pub(crate) fn open_part(
    files: &Files,
    file: &Arc<DataFile>,
) -> Result<ParquetRecordBatchReader, CommitError> {
    if !file.partial {
        return open(files, file, None);
    }
    let unreadable = |error: parquet::errors::ParquetError| files.unreadable(file, &error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(files.open(file)?).map_err(unreadable)?;
    let part = files.table().part(file).map_err(|error| files.store_error(error))?;
    builder.with_row_selection(part).build().map_err(unreadable)
}

/// Opens a data file for reading in row order, some columns of it or all.
pub(crate) fn open(
    files: &Files,
    file: &Arc<DataFile>,
    columns: Option<&[&str]>,
) -> Result<ParquetRecordBatchReader, CommitError> {
    let unreadable = |error: parquet::errors::ParquetError| files.unreadable(file, &error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(files.open(file)?).map_err(unreadable)?;
    let mask = match columns {
        Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(unreadable)
}

/// True for each row that is not superseded.
pub(crate) fn remaining(
    files: &Files,
    batch: &RecordBatch,
    superseded: &Superseded,
) -> Result<BooleanArray, ArrowError> {
    let column = |name: &str| {
        let missing = || ArrowError::SchemaError(format!("column {name} lacks"));
        batch.column_by_name(name).ok_or_else(missing)
    };
    let seqs: &Int64Array = column("_seq")?
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| ArrowError::SchemaError("column _seq does not hold integers".to_owned()))?;
    let Some(slice_column) = files.slice_column() else {
        return Ok(seqs.values().iter().map(|seq| Some(!superseded.contains_key(seq))).collect());
    };
    let slices = cast(column(slice_column)?, &DataType::Utf8)?;
    let slices: &StringArray = slices.as_string();
    let mut owner: (Option<i64>, Option<&BTreeSet<String>>) = (None, None);
    let kept = seqs.values().iter().enumerate().map(|(row, seq)| {
        // Rows of one submission lie together, so the set is looked up once for all of them.
        if owner.0 != Some(*seq) {
            owner = (Some(*seq), superseded.get(seq));
        }
        let slice = if slices.is_null(row) { "" } else { slices.value(row) };
        Some(owner.1.is_none_or(|gone| !gone.contains(slice)))
    });
    Ok(kept.collect())
}
