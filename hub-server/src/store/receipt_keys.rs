//! The keys of receipts in `<root>/keys/`: the secret of the one in force, `receipt-<id>`, and all public ones,
//! `receipts.json`.
//!
//! The list says which secret is in force, and changes in one rename. A secret is durable before the list names it, and
//! goes after the list has named another, so that a cut anywhere leaves one that is in force and at most one too many.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use hub_datasets::receipt::{KeySet, PublicKey, Validity, canonical};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::disk::{self, Disk};
use super::{StoreError, folder, hex};
use crate::sign::{SecretKey, SignError, Signer};

/// Before the id in the names of secrets.
const SECRET: &str = "receipt-";

/// What an operator says of the key that leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub(crate) now: DateTime<Utc>,
    /// The newest commit, which may be later than a clock that was set back.
    pub(crate) newest_commit: Option<DateTime<Utc>>,
    /// Others may have the secret: nothing that it signed is to be believed.
    pub(crate) compromised: bool,
}

/// The key in force and all that ever were; the first start draws one. Blocking.
pub(super) fn open(disk: &dyn Disk, root: &Path, now: DateTime<Utc>) -> Result<Signer, StoreError> {
    let place = Place { disk, keys: root.join("keys") };
    let published = match place.list()? {
        Some(published) => published,
        None => place.begin(now)?,
    };
    let key =
        in_force(&published).ok_or_else(|| place.corrupt(&place.list_path(), "names no key in force"))?;
    let path = place.secret_path(&key.id);
    let secret = folder::read_secret(disk, &path)?.ok_or_else(|| {
        place.corrupt(
            &path,
            "lacks, and it signs receipts (`hub-server receipt-key rotate` draws another if it is lost)",
        )
    })?;
    let secret = SecretKey::of(&secret).map_err(|error| place.unusable(&path, error))?;
    if secret.public().ok() != Some(key.bytes) {
        return Err(place.corrupt(&path, "is not the secret of the key that its name says"));
    }
    let key = key.clone();
    place.sweep(&key.id)?;
    Ok(Signer::new(secret, key, published))
}

/// All public keys; None: none was made yet. Blocking.
pub(super) fn published(disk: &dyn Disk, root: &Path) -> Result<Option<KeySet>, StoreError> {
    Place { disk, keys: root.join("keys") }.list()
}

/// Draws a key that takes the place of the one in force, whose secret goes for good. Blocking.
pub(super) fn rotate(disk: &dyn Disk, root: &Path, order: Rotation) -> Result<KeySet, StoreError> {
    let place = Place { disk, keys: root.join("keys") };
    let mut published = place.list()?.unwrap_or_default();
    let now = order.now.timestamp();
    let mut from = now;
    if let Some(leaving) = published.keys.iter_mut().find(|key| key.validity.until.is_none()) {
        // Times go on though the clock was set back: a receipt that was issued stays within its key's time.
        from = now.max(leaving.validity.from);
        let newest = order.newest_commit.map_or(from, |commit| commit.timestamp());
        leaving.validity.until = Some(from.max(newest));
        leaving.validity.revoked = order.compromised.then_some(from);
    }
    let key = place.draw(from)?;
    published.keys.insert(0, key.clone());
    place.publish(&published)?;
    place.sweep(&key.id)?;
    Ok(published)
}

fn in_force(published: &KeySet) -> Option<&PublicKey> {
    published.keys.iter().find(|key| key.validity.until.is_none())
}

struct Place<'d> {
    disk: &'d dyn Disk,
    keys: PathBuf,
}

impl Place<'_> {
    fn list_path(&self) -> PathBuf {
        self.keys.join("receipts.json")
    }

    fn secret_path(&self, id: &str) -> PathBuf {
        self.keys.join(format!("{SECRET}{id}"))
    }

    /// The first key: one that a start left which was cut, or a new one.
    fn begin(&self, now: DateTime<Utc>) -> Result<KeySet, StoreError> {
        let key = match self.left()? {
            Some(key) => key,
            None => self.draw(now.timestamp())?,
        };
        let published = KeySet { keys: vec![key] };
        self.publish(&published)?;
        Ok(published)
    }

    /// The newest secret that no list names, in force since it was written.
    fn left(&self) -> Result<Option<PublicKey>, StoreError> {
        let mut left: Option<PublicKey> = None;
        for path in self.secrets()? {
            let written = self.disk.info(&path).map_err(|e| StoreError::io("read", &path, e))?.modified;
            let Some(secret) = folder::read_secret(self.disk, &path)? else { continue };
            let public = SecretKey::of(&secret).and_then(|secret| secret.public());
            let public = public.map_err(|error| self.unusable(&path, error))?;
            let validity = Validity { from: written.timestamp(), until: None, revoked: None };
            let newer = left.as_ref().is_none_or(|left| left.validity.from < validity.from);
            if newer {
                left = Some(PublicKey::new(public, validity));
            }
        }
        Ok(left)
    }

    fn draw(&self, from: i64) -> Result<PublicKey, StoreError> {
        let failed = |error: SignError| self.unusable(&self.keys, error);
        let (key, secret) = SecretKey::draw().map_err(failed)?;
        let validity = Validity { from, until: None, revoked: None };
        let key = PublicKey::new(key.public().map_err(failed)?, validity);
        let path = self.secret_path(&key.id);
        let written = folder::write_secret(self.disk, &self.keys, &path, &secret);
        written.map_err(|e| StoreError::io("write", &path, e))?;
        Ok(key)
    }

    /// Removes secrets that are not in force.
    fn sweep(&self, in_force: &str) -> Result<(), StoreError> {
        let keep = self.secret_path(in_force);
        let gone: Vec<PathBuf> = self.secrets()?.into_iter().filter(|path| *path != keep).collect();
        for path in &gone {
            self.disk.remove(path).map_err(|e| StoreError::io("remove", path, e))?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.disk.sync_dir(&self.keys).map_err(|e| StoreError::io("sync", &self.keys, e))
    }

    fn secrets(&self) -> Result<Vec<PathBuf>, StoreError> {
        let entries = self.disk.list(&self.keys).map_err(|e| StoreError::io("list", &self.keys, e))?;
        let names = entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.name);
        Ok(names.filter(|name| name.starts_with(SECRET)).map(|name| self.keys.join(name)).collect())
    }

    fn list(&self) -> Result<Option<KeySet>, StoreError> {
        let path = self.list_path();
        let bytes = match disk::read_all(self.disk, &path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path, error)),
        };
        let text = String::from_utf8_lossy(&bytes);
        let published = KeySet::parse(&text).map_err(|error| self.corrupt(&path, &error.to_string()))?;
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        // A digit of a time that rots would still parse.
        if told["sha256"] != sum(&published).as_str() {
            return Err(
                self.corrupt(&path, "its bytes are not those that were written: their SHA-256 is another")
            );
        }
        Ok(Some(published))
    }

    fn publish(&self, published: &KeySet) -> Result<(), StoreError> {
        let mut value = published.to_json();
        value["sha256"] = Value::from(sum(published));
        let path = self.list_path();
        let written = match published.keys.len() {
            1 => disk::publish(self.disk, &path, value.to_string().as_bytes()),
            _ => disk::supersede(self.disk, &path, value.to_string().as_bytes()),
        };
        written.map_err(|e| StoreError::io("write", &path, e))
    }

    fn corrupt(&self, path: &Path, message: &str) -> StoreError {
        StoreError::Corrupt { file: path.display().to_string(), message: message.to_owned() }
    }

    fn unusable(&self, path: &Path, error: SignError) -> StoreError {
        self.corrupt(path, &error.to_string())
    }
}

fn sum(published: &KeySet) -> String {
    // Times are integers far below what canonical JSON refuses.
    hex(&Sha256::digest(canonical(&published.to_json()).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
