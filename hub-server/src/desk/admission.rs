//! How many calls of a class run at once in the whole process, and how many of them for one
//! organisation. What does not fit is told to come back rather than queued, so that a burst cannot pile
//! up memory, and no caller can take all places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hub_proto::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::limits;
use crate::error::HubError;

/// A call's place in its class, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_class: OwnedSemaphorePermit,
    _of_organisation: Share,
}

/// Places of each class.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    pushes: Class,
    reads: Class,
    watches: Class,
}

#[derive(Debug, Clone)]
struct Class {
    places: Arc<Semaphore>,
    size: usize,
    what: &'static str,
    held: Held,
}

/// Places that each organisation holds.
#[derive(Debug, Clone, Default)]
struct Held(Arc<Mutex<HashMap<String, usize>>>);

/// One of the places that an organisation may hold.
#[derive(Debug)]
struct Share {
    held: Held,
    organisation: String,
}

impl Admission {
    pub(crate) fn new() -> Self {
        Self::with(limits::PUSHES, limits::READS)
    }

    pub(crate) fn with(pushes: usize, reads: usize) -> Self {
        let class =
            |size, what| Class { places: Arc::new(Semaphore::new(size)), size, what, held: Held::default() };
        Self {
            pushes: class(pushes, "pushes"),
            reads: class(reads, "reads"),
            watches: class(limits::WATCHES, "watches"),
        }
    }

    pub(crate) fn push(&self, organisation: &str) -> Result<Place, HubError> {
        self.pushes.enter(organisation)
    }

    pub(crate) fn watch(&self, organisation: &str) -> Result<Place, HubError> {
        self.watches.enter(organisation)
    }

    pub(crate) fn read(&self, organisation: &str) -> Result<Place, HubError> {
        self.reads.enter(organisation)
    }
}

impl Class {
    fn enter(&self, organisation: &str) -> Result<Place, HubError> {
        let busy = |size: usize, whose: &str| {
            let what = self.what;
            let message =
                format!("{size} {what}{whose} are running, which is the most; try again in a moment");
            HubError::new(Reason::Busy, message)
        };
        let share = self.size.div_ceil(limits::ORGANISATIONS_TO_FILL);
        let of_organisation =
            self.held.take(organisation, share).ok_or_else(|| busy(share, " of your organisation"))?;
        let of_class = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy(self.size, ""))?;
        Ok(Place { _of_class: of_class, _of_organisation: of_organisation })
    }
}

impl Held {
    /// One more place for an organisation, unless it has `most`.
    fn take(&self, organisation: &str, most: usize) -> Option<Share> {
        let mut held = self.lock();
        let places = held.entry(organisation.to_owned()).or_default();
        if *places >= most {
            return None;
        }
        *places += 1;
        Some(Share { held: self.clone(), organisation: organisation.to_owned() })
    }

    /// A count is changed in one step, so that a thread which died with the lock left it whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        if let Some(places) = held.get_mut(&self.organisation) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                held.remove(&self.organisation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_proto::status::retry_after;

    use super::*;

    #[test]
    fn a_full_class_says_when_to_come_back_and_leaves_the_other_alone() {
        let admission = Admission::with(1, 1);
        let place = admission.push("a").unwrap();
        let error = admission.push("b").unwrap_err();
        assert_eq!(error.reason(), Reason::Busy);
        assert!(retry_after(&error.into_refusal().into()).is_some());
        assert!(admission.read("b").is_ok());
        drop(place);
        assert!(admission.push("b").is_ok());
    }

    #[test]
    fn one_organisation_cannot_take_all_places() {
        let admission = Admission::with(1, 8);
        let places = [admission.read("a").unwrap(), admission.read("a").unwrap()];
        let refused = admission.read("a").unwrap_err();
        assert_eq!(refused.reason(), Reason::Busy);
        let message = refused.into_refusal().message;
        assert!(message.starts_with("2 reads of your organisation are running"), "{message}");
        assert!(admission.read("b").is_ok());
        drop(places);
        assert!(admission.read("a").is_ok());
        assert!(admission.reads.held.lock().is_empty(), "who holds no place is forgotten");
    }
}
