//! `hub-server receipt-key`.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use clap::Subcommand;
use hub_datasets::receipt::KeySet;

use super::Failure;
use super::offline::Offline;
use crate::clock::{Clock as _, SystemClock};
use crate::store::{Rotation, Store, StoreError, blocking};

#[derive(Debug, Subcommand)]
pub(super) enum Deed {
    /// Lists the public keys, the newest first: id, valid from, valid to, revoked, separated by tabs.
    List,
    /// Draws another key, which signs from the next start on. The old secret is removed, the old public key stays
    /// published, and receipts that it signed stay valid.
    Rotate {
        /// Others may have the old secret: it is published as revoked, and no receipt that it signed is valid any
        /// more. The hub signs each anew when its publisher asks for it again.
        #[arg(long)]
        compromised: bool,
    },
}

pub(super) async fn run(deed: Deed, offline: &Offline, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match deed {
        Deed::List => {
            let keys = with(offline, Store::receipt_keys).await?;
            list(&keys, out)
        }
        Deed::Rotate { compromised } => {
            let newest_commit = offline.catalog.newest_commit().await?;
            let order = Rotation { now: SystemClock.now(), newest_commit, compromised };
            let keys = with(offline, move |store| store.rotate_receipt_key(order)).await?;
            list(&keys, out)?;
            eprintln!("the first of these keys signs receipts from the next start on");
            Ok(())
        }
    }
}

async fn with<T: Send + 'static>(
    offline: &Offline,
    deed: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let store = Arc::clone(&offline.store);
    Ok(blocking(move || deed(&store)).await?)
}

fn list(keys: &KeySet, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let moment = |seconds: Option<i64>| {
        let moment = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        moment.map(|moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    };
    for key in &keys.keys {
        let validity = key.validity;
        let (from, until) = (moment(Some(validity.from)), moment(validity.until));
        writeln!(out, "{}\t{from}\t{until}\t{}", key.id, moment(validity.revoked))?;
    }
    Ok(())
}
