//! Bytes on disk: spool, evidence, journal, Delta logs, Parquet files, behind one `Disk` port. The only room
//! that names object_store.
//!
//! ```text
//! <root>/lock  format.json  keys/  patterns/  spool/  evidence/  journal/  tables/<pattern>_v<major>/{_delta_log,d}
//! ```

pub(crate) mod blocks;
pub(crate) mod checked;
pub(crate) mod disk;
mod error;
pub(crate) mod file;
mod folder;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod object;
mod part;
mod receipt_keys;
mod registry;
pub(crate) mod spool;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
#[cfg(test)]
use hub_datasets::Pattern;
use hub_datasets::receipt::KeySet;

use crate::clock::{Clock, SystemClock};
use crate::sign::Signer;
pub(crate) use disk::Disk;
pub(crate) use error::StoreError;
pub(crate) use object::{Objects, OneFile};
pub(crate) use receipt_keys::Rotation;
pub(crate) use registry::Registered;
pub(crate) use table::{
    AsOf, Changed, ChangesBound, ChangesSince, Cursor, Made, Revised, RevisedBy, SeqInfo, Snapshot, Table,
    revised,
};

/// The data folder, locked and of a known format.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    epoch: String,
    spool: spool::Spool,
    journal: Arc<journal::Journal>,
    objects: Arc<object::Objects>,
    /// Held as long as the store lives.
    _lock: Box<dyn disk::DiskLock>,
}

impl Store {
    /// Locks the folder, checks its format version (an older server refuses a newer folder), creates
    /// what lacks, replays the journal, recovers the spool.
    pub(crate) async fn open(disk: Arc<dyn Disk>, root: PathBuf) -> Result<Arc<Self>, StoreError> {
        blocking(move || {
            let lock = folder::lock(disk.as_ref(), &root)?;
            let format = folder::open(disk.as_ref(), &root, SystemClock.now())?;
            let journal = Arc::new(journal::Journal::open(&disk, &root)?);
            let spool = spool::Spool::open(&disk, &root)?;
            let objects = Arc::new(object::Objects::new(Arc::clone(&disk), root.clone()));
            Ok(Arc::new(Self { disk, root, epoch: format.epoch, spool, journal, objects, _lock: lock }))
        })
        .await
    }
    /// Changes when the folder is restored from a backup, so that a dataset version is never reused.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
    pub(crate) fn spool(&self) -> &spool::Spool {
        &self.spool
    }
    /// Opens the table of a pattern's major (version 0 of the log is written when it is new), replays
    /// its log and removes staged files that no log names.
    #[cfg(test)]
    pub(crate) async fn open_table(&self, pattern: &Pattern) -> Result<Arc<Table>, StoreError> {
        self.open_table_as(table::TableSpec::of(pattern)).await
    }
    pub(crate) async fn open_table_as(&self, spec: table::TableSpec) -> Result<Arc<Table>, StoreError> {
        let (disk, journal) = (Arc::clone(&self.disk), Arc::clone(&self.journal));
        let (root, epoch) = (self.root.clone(), self.epoch.clone());
        let open =
            move || Table::open(&disk, &journal, &root, &spec, &epoch, SystemClock.now()).map(Arc::new);
        blocking(open).await
    }
    /// What is acknowledged of a table ahead of its log. Blocking.
    pub(crate) fn ahead(
        &self,
        table: &Table,
    ) -> Result<(journal::Ahead, Vec<journal::AheadRecord>), StoreError> {
        self.journal.ahead(table.name())
    }
    /// A new data file of a table. Blocking.
    pub(crate) fn data_file(
        &self,
        table: &Table,
        layout: &Arc<file::FileLayout>,
    ) -> Result<file::DataFileWriter, StoreError> {
        file::DataFileWriter::new(Arc::clone(&self.disk), &table.data_folder(), layout)
    }
    /// A new data file of few rows, which its commit brings to the disk.
    pub(crate) fn held_file(
        &self,
        table: &Table,
        layout: &Arc<file::FileLayout>,
    ) -> Result<file::DataFileWriter, StoreError> {
        file::DataFileWriter::held(&table.data_folder(), layout)
    }
    /// Removes the bytes that a submission was sent with, unless others were sent with the same; the spool is used
    /// by nobody. Blocking.
    pub(crate) fn forget_payload(
        &self,
        id: &str,
        sha256: &str,
        is_shared: bool,
    ) -> Result<(table::Removed, spool::Forgotten), StoreError> {
        let mut removed = table::Removed::default();
        let folder = self.root.join("evidence").join(sha256.get(..2).unwrap_or(sha256));
        let path = folder.join(sha256);
        if let (false, Ok(info)) = (is_shared, self.disk.info(&path)) {
            let gone = self.disk.remove(&path).and_then(|()| self.disk.sync_dir(&folder));
            gone.map_err(|e| StoreError::io("remove", &path, e))?;
            removed = table::Removed { files: 1, bytes: info.bytes };
        }
        crate::fault::point("erase.evidence.after");
        Ok((removed, spool::forget(self.disk.as_ref(), &self.root, id)?))
    }
    /// Data files as scans read them.
    pub(crate) fn objects(&self) -> Arc<Objects> {
        Arc::clone(&self.objects)
    }
    /// A persistent 32-byte secret of the folder by name (made on first use, mode 0600).
    pub(crate) fn secret(&self, name: &str) -> Result<[u8; 32], StoreError> {
        folder::secret(self.disk.as_ref(), &self.root, name)
    }
    /// Who signs receipts; the first call of a folder draws the key. Blocking.
    pub(crate) fn signer(&self, now: DateTime<Utc>) -> Result<Signer, StoreError> {
        receipt_keys::open(self.disk.as_ref(), &self.root, now)
    }
    /// Registers a pattern under `rb28s-1.1.0`; it is durable when this returns. Blocking.
    pub(crate) fn register_pattern(&self, name: &str, packed: &[u8]) -> Result<(), StoreError> {
        registry::register(self.disk.as_ref(), &self.root, name, packed)
    }
    /// All patterns that were registered. Blocking.
    pub(crate) fn registered_patterns(&self) -> Result<Vec<Registered>, StoreError> {
        registry::all(self.disk.as_ref(), &self.root)
    }
    /// The public keys of receipts, the newest first; none before the first start. Blocking.
    pub(crate) fn receipt_keys(&self) -> Result<KeySet, StoreError> {
        Ok(receipt_keys::published(self.disk.as_ref(), &self.root)?.unwrap_or_default())
    }
    /// Draws another key for receipts; gives all public ones. Blocking.
    pub(crate) fn rotate_receipt_key(&self, order: Rotation) -> Result<KeySet, StoreError> {
        receipt_keys::rotate(self.disk.as_ref(), &self.root, order)
    }
}

/// Runs what blocks beside the async runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(lost) => Err(StoreError::TaskLost(lost.to_string())),
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _written = write!(out, "{byte:02x}");
        out
    })
}
