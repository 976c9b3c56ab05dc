//! Data files of a table, live or staged, by their path.

use std::io;
use std::sync::Arc;

#[cfg(test)]
use parquet::arrow::arrow_reader::RowSelection;

use super::Table;
use super::log_files::LOG;
use crate::store::StoreError;
use crate::store::checked::CheckedFile;
use crate::store::index::DataFile;
#[cfg(test)]
use crate::store::part;

impl Table {
    /// Opens a data file for reading. Blocking.
    pub(crate) fn open_data(&self, file: &Arc<DataFile>) -> Result<CheckedFile, StoreError> {
        CheckedFile::open(self.disk.as_ref(), self.folder.join(&file.path), file)
    }

    /// The rows of a partial file that its state means. Blocking.
    #[cfg(test)]
    pub(crate) fn part(&self, file: &Arc<DataFile>) -> Result<RowSelection, StoreError> {
        part::selection(self.disk.as_ref(), self.folder.join(&file.path), file)
    }

    /// Makes all log versions that are there durable: a process that was killed may have named the last
    /// one without syncing its folder. Blocking.
    pub(crate) fn sync_log(&self) -> Result<(), StoreError> {
        let folder = self.folder.join(LOG);
        self.disk.sync_dir(&folder).map_err(|error| StoreError::io("sync", &folder, error))
    }

    /// Removes a staged data file that no log version names. Blocking.
    pub(crate) fn remove_staged(&self, file: &DataFile) -> Result<(), StoreError> {
        let path = self.folder.join(&file.path);
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &path, error))
            }
            _ => Ok(()),
        }
    }
}
