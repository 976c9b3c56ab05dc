//! What each push asks for, held in memory. The folder's lock makes this process the only writer, and
//! organisations and credentials are some thousands, so all of them are here.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use super::{Credential, Organisation};

#[derive(Debug, Default)]
pub(super) struct Known {
    inner: RwLock<Inner>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Inner {
    organisations: HashMap<String, Organisation>,
    /// By the hash of the key.
    credentials: HashMap<[u8; 32], Credential>,
    /// Hashes of (caller, request id) of what ended without a commit: eight bytes each, for there may
    /// be many, and a wrong one only costs a look at the table.
    ended: HashSet<u64>,
}

impl Known {
    pub(super) fn organisation(&self, id: &str) -> Option<Organisation> {
        self.read().organisations.get(id).cloned()
    }
    pub(super) fn put_organisation(&self, organisation: &Organisation) {
        self.write().organisations.insert(organisation.id.clone(), organisation.clone());
    }

    pub(super) fn credential(&self, hash: &[u8; 32]) -> Option<Credential> {
        self.read().credentials.get(hash).cloned()
    }
    /// Those of an organisation.
    pub(super) fn credentials_of(&self, organisation: &str) -> Vec<Credential> {
        let inner = self.read();
        inner.credentials.values().filter(|one| one.organisation == organisation).cloned().collect()
    }
    pub(super) fn put_credential(&self, credential: &Credential) {
        self.write().credentials.insert(credential.hash, credential.clone());
    }
    pub(super) fn revoke_credential(&self, id: &str, at: DateTime<Utc>) {
        let mut inner = self.write();
        if let Some(credential) = inner.credentials.values_mut().find(|credential| credential.id == id) {
            credential.revoked_at.get_or_insert(at);
        }
    }

    /// False when nothing ended under this request id.
    pub(super) fn may_have_ended(&self, caller: &str, request_id: &str) -> bool {
        self.read().ended.contains(&self.hasher.hash_one((caller, request_id)))
    }
    pub(super) fn put_ended(&self, caller: &str, request_id: &str) {
        self.write().ended.insert(self.hasher.hash_one((caller, request_id)));
    }

    /// Each change is one insertion, so that a thread which died with the lock left none half made.
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}
