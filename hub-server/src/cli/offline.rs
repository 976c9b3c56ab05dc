//! The data folder of a stopped server: its lock is held as long as the command works.

use std::sync::Arc;

use super::Failure;
use super::settings::Folder;
use crate::catalog::Catalog;
use crate::store::disk::LocalDisk;
use crate::store::{Store, StoreError};

/// Says what to do when a server has the folder.
pub(super) fn in_use(error: StoreError) -> Failure {
    match error {
        StoreError::Locked { root } => Failure::Refused(format!(
            "a hub-server runs on {root}; stop it, run this command, and start it again"
        )),
        error => error.into(),
    }
}

#[derive(Debug)]
pub(super) struct Offline {
    /// Holds the lock.
    pub(super) store: Arc<Store>,
    pub(super) catalog: Arc<Catalog>,
}

impl Offline {
    pub(super) async fn open(folder: &Folder) -> Result<Self, Failure> {
        let config = folder.config()?;
        let store = Store::open(Arc::new(LocalDisk), config.data_dir.clone()).await.map_err(in_use)?;
        let catalog = Arc::new(Catalog::open(&config.catalog_path()).await?);
        Ok(Self { store, catalog })
    }

    pub(super) async fn close(self) {
        self.catalog.close().await;
    }
}
