//! The check of a large payload begins while its bytes still come, so that a fast line and the check
//! share the time. Nothing depends on it: a check that was not begun, or broke off with the line, is
//! made again once all bytes are there.
//!
//! Who had the rows of a submission held beside what is current asks next what a commit would say of it: the check that
//! brought the rows says that too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hub_datasets::MediaType;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::follow::Follow;
use super::job::Outcome;
use super::payload::PayloadBytes;
use super::{Intake, IntakeError};
use crate::config::limits::{EARLY_CHECK_BYTES, EARLY_CHECKS, LOOKED_AT_KEPT};
use crate::store::spool::SpoolHeader;

/// Checks that were begun early, by submission.
#[derive(Debug)]
pub(super) struct Early {
    begun: Mutex<HashMap<String, Begun>>,
    /// What the checks found whose rows went to a comparison, and of how many bytes, by submission.
    looked_at: Mutex<HashMap<String, (u64, Outcome)>>,
    /// Slow lines may hold these places for long, so they are apart from those of the usual checks.
    places: Arc<Semaphore>,
}

/// A check that reads along.
#[derive(Debug)]
pub(super) struct Begun {
    follow: Arc<Follow>,
    /// The number that its rows carry.
    pub(super) seq: i64,
    pub(super) outcome: JoinHandle<Result<Outcome, IntakeError>>,
}

impl Default for Early {
    fn default() -> Self {
        let (begun, looked_at) = (Mutex::default(), Mutex::default());
        Self { begun, looked_at, places: Arc::new(Semaphore::new(EARLY_CHECKS)) }
    }
}

impl Early {
    /// Tells the check of a submission how far its bytes have come; false when there is none.
    fn advance(&self, id: &str, received: u64) -> bool {
        let begun = self.begun();
        begun.get(id).inspect(|begun| begun.follow.advance(received)).is_some()
    }

    /// The check of a payload that is whole.
    pub(super) fn take(&self, id: &str) -> Option<Begun> {
        self.begun().remove(id)
    }

    /// Keeps what a check found of a payload of so many bytes, without its rows, for the verdict that is asked for next.
    pub(super) fn looked_at(&self, id: &str, size: u64, outcome: Outcome) {
        let mut looked_at = self.looked();
        if looked_at.len() < LOOKED_AT_KEPT {
            looked_at.insert(id.to_owned(), (size, outcome));
        }
    }

    /// What was found of a payload, if it is still as long.
    fn found(&self, id: &str, size: u64) -> Option<Outcome> {
        self.looked().remove(id).filter(|(of, _)| *of == size).map(|(_, outcome)| outcome)
    }

    fn looked(&self) -> MutexGuard<'_, HashMap<String, (u64, Outcome)>> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_begun(&self, id: &str) -> bool {
        self.begun().contains_key(id)
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<String, Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intake {
    /// Bytes of a submission are in the spool up to this offset: a check that reads along goes on, and
    /// one begins when the payload is large and there is a place.
    pub(super) fn read_along(self: &Arc<Self>, header: &SpoolHeader, received: u64) {
        let Some(size) = header.declared_size.filter(|size| *size > EARLY_CHECK_BYTES) else { return };
        if received < EARLY_CHECK_BYTES || self.early.advance(&header.id, received) || received == size {
            return;
        }
        // Where reading begins only when all bytes are there, there is nothing to read along.
        let media = MediaType::named(&header.media_type);
        if media.is_none_or(MediaType::is_read_whole) {
            return;
        }
        let Ok(place) = Arc::clone(&self.early.places).try_acquire_owned() else { return };
        let Ok((pattern, period)) = self.pattern_and_period(header) else { return };
        let follow = Follow::new(size);
        follow.advance(received);
        let seq = self.parts.commits.reserve_seq(&pattern.id);
        let payload = PayloadBytes::Coming(header.id.clone(), Arc::clone(&follow));
        let (intake, header) = (Arc::clone(self), header.clone());
        let id = header.id.clone();
        let outcome = tokio::spawn(async move {
            let _place = place;
            intake.check(&header, &pattern, &period, payload, seq, false).await
        });
        self.early.begun().insert(id, Begun { follow, seq, outcome });
    }

    /// No more bytes come from this stream: a check that waits for some ends.
    pub(super) fn stop_reading_along(&self, header: &SpoolHeader, received: u64) {
        if header.declared_size != Some(received) {
            self.drop_early(header);
        }
    }

    /// What the check found whose rows went to a comparison, for a verdict without rows.
    pub(super) fn looked_at(&self, header: &SpoolHeader, size: u64) -> Option<Outcome> {
        self.early.found(&header.id, size)
    }

    /// Ends a check that was begun early and removes what it wrote.
    pub(super) fn drop_early(&self, header: &SpoolHeader) {
        self.early.looked().remove(&header.id);
        let Some(begun) = self.early.take(&header.id) else { return };
        begun.follow.break_off();
        let table = self.parts.commits.table(&header.pattern);
        tokio::spawn(async move {
            if let (Ok(Ok(outcome)), Some(table)) = (begun.outcome.await, table) {
                super::examine::discard(&table, outcome.rows);
            }
        });
    }
}
