//! Verdicts of trials. Nothing else stays of a trial, and these for a while: where a line breaks off before a long check
//! has ended, its sender asks for the verdict again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::types::Verdict;
use crate::config::limits::{TRIED_FOR, TRIED_KEPT};
use crate::store::spool::SpoolHeader;

#[derive(Debug)]
struct Kept {
    until: Instant,
    publisher: String,
    verdict: Verdict,
}

/// The newest verdicts of trials, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Tried(Mutex<VecDeque<Kept>>);

impl Tried {
    pub(super) fn keep(&self, header: &SpoolHeader, verdict: &Verdict) {
        let (publisher, verdict) = (header.publisher.clone(), verdict.clone());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() >= TRIED_KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept { until: Instant::now() + TRIED_FOR, publisher, verdict });
    }

    /// The verdict on a submission of this publisher.
    pub(super) fn of(&self, publisher: &str, id: &str) -> Option<Verdict> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|one| one.until > now);
        let is_meant = |one: &&Kept| one.publisher == publisher && one.verdict.submission.id == id;
        kept.iter().find(is_meant).map(|one| one.verdict.clone())
    }
}
