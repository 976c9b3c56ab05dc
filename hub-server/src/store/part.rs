//! The rows of a file that a state of the past means, when later merges put others beside them.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};

use super::StoreError;
use super::checked::CheckedFile;
use super::disk::Disk;
use super::file::DataChunks;
use super::index::DataFile;

/// Selects the rows of the submissions that a partial file stands for, over all its row groups. Blocking: reads
/// the column that tells.
pub(super) fn selection(
    disk: &dyn Disk,
    path: PathBuf,
    file: &Arc<DataFile>,
) -> Result<RowSelection, StoreError> {
    let selection = RowSelection::from(runs(disk, &path, file)?);
    if selection.row_count() as u64 != file.rows {
        let (found, wanted) = (selection.row_count(), file.rows);
        let told = format!("it holds {found} rows of an earlier state instead of {wanted}");
        return Err(StoreError::rotten(&path, told));
    }
    Ok(selection)
}

/// Rows of a file's submissions. Blocking, as [`selection`].
pub(super) fn rows(disk: &dyn Disk, path: PathBuf, file: &Arc<DataFile>) -> Result<u64, StoreError> {
    Ok(RowSelection::from(runs(disk, &path, file)?).row_count() as u64)
}

/// Runs of rows that are meant, and of others.
fn runs(disk: &dyn Disk, path: &Path, file: &Arc<DataFile>) -> Result<Vec<RowSelector>, StoreError> {
    let corrupt = |error: &dyn Display| StoreError::rotten(path, error.to_string());
    let data = DataChunks::from(CheckedFile::open(disk, path.to_owned(), file)?);
    let builder = ParquetRecordBatchReaderBuilder::try_new(data).map_err(|e| corrupt(&e))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_seq"]);
    let meant: BTreeSet<i64> = file.seqs.iter().copied().collect();
    let mut runs: Vec<RowSelector> = Vec::new();
    for batch in builder.with_projection(mask).build().map_err(|e| corrupt(&e))? {
        let batch = batch.map_err(|e| corrupt(&e))?;
        let seqs = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
        let seqs = seqs.ok_or_else(|| corrupt(&"its column _seq does not hold integers"))?;
        for seq in seqs.values() {
            let skip = !meant.contains(seq);
            match runs.last_mut() {
                Some(run) if run.skip == skip => run.row_count += 1,
                _ => runs.push(RowSelector { row_count: 1, skip }),
            }
        }
    }
    Ok(runs)
}
