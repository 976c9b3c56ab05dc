//! How many calls of a class run at once in the whole process. What does not fit is told to come
//! back rather than queued, so that a burst cannot pile up memory.

use std::sync::Arc;

use hub_proto::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::limits;
use crate::error::HubError;

/// A call's place in its class, given back when dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// Places of each class.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    pushes: Class,
    reads: Class,
}

#[derive(Debug, Clone)]
struct Class {
    places: Arc<Semaphore>,
    size: usize,
    what: &'static str,
}

impl Admission {
    pub(super) fn new() -> Self {
        Self::with(limits::PUSHES, limits::READS)
    }

    fn with(pushes: usize, reads: usize) -> Self {
        let class = |size, what| Class { places: Arc::new(Semaphore::new(size)), size, what };
        Self { pushes: class(pushes, "pushes"), reads: class(reads, "reads") }
    }

    pub(super) fn push(&self) -> Result<Place, HubError> {
        self.pushes.enter()
    }

    pub(super) fn read(&self) -> Result<Place, HubError> {
        self.reads.enter()
    }
}

impl Class {
    fn enter(&self) -> Result<Place, HubError> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message =
                format!("{} {} are running, which is the most; try again in a moment", self.size, self.what);
            HubError::new(Reason::Busy, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use hub_proto::status::retry_after;

    use super::*;

    #[test]
    fn a_full_class_says_when_to_come_back_and_leaves_the_other_alone() {
        let admission = Admission::with(1, 1);
        let place = admission.push().unwrap();
        let error = admission.push().unwrap_err();
        assert_eq!(error.reason(), Reason::Busy);
        assert!(retry_after(&error.into_refusal().into()).is_some());
        assert!(admission.read().is_ok());
        drop(place);
        assert!(admission.push().is_ok());
    }
}
