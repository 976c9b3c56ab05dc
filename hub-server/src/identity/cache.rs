//! Verified credentials for a short, bounded time, so that a push does not wait for the catalogue.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Principal;

#[derive(Debug)]
pub(super) struct Cache {
    ttl: Duration,
    entries: usize,
    known: Mutex<HashMap<[u8; 32], Entry>>,
}

#[derive(Debug)]
struct Entry {
    principal: Principal,
    since: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl Entry {
    /// A clock that was set back ends the entry too.
    fn holds(&self, now: DateTime<Utc>, ttl: Duration) -> bool {
        let fresh = (now - self.since).to_std().is_ok_and(|age| age < ttl);
        fresh && self.expires_at.is_none_or(|at| now < at)
    }
}

impl Cache {
    pub(super) fn new(ttl: Duration, entries: usize) -> Self {
        Self { ttl, entries, known: Mutex::default() }
    }

    pub(super) fn get(&self, hash: &[u8; 32], now: DateTime<Utc>) -> Option<Principal> {
        self.lock().get(hash).filter(|entry| entry.holds(now, self.ttl)).map(|entry| entry.principal.clone())
    }

    pub(super) fn put(
        &self,
        hash: [u8; 32],
        principal: Principal,
        now: DateTime<Utc>,
        expires_at: Option<DateTime<Utc>>,
    ) {
        let mut known = self.lock();
        if known.len() >= self.entries {
            known.retain(|_, entry| entry.holds(now, self.ttl));
        }
        // More callers than entries within the time: begin anew rather than grow.
        if known.len() >= self.entries {
            known.clear();
        }
        known.insert(hash, Entry { principal, since: now, expires_at });
    }

    /// An entry is written whole, so that a thread which died with the lock left none half made.
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
