//! Answers whose rows are under way, so that who asked for one may stop it by another call. There is an entry for each
//! running answer and no longer, so there are never more than places for reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<String, Entry>>>);

/// All running answers to one description.
#[derive(Debug)]
struct Entry {
    stop: CancellationToken,
    answers: usize,
}

/// One running answer.
#[derive(Debug)]
pub(super) struct Run {
    running: Running,
    id: String,
    stop: CancellationToken,
}

impl Running {
    pub(super) fn begin(&self, id: String) -> Run {
        let mut entries = self.lock();
        let entry =
            entries.entry(id.clone()).or_insert_with(|| Entry { stop: CancellationToken::new(), answers: 0 });
        entry.answers += 1;
        Run { running: self.clone(), id, stop: entry.stop.clone() }
    }

    /// Stops the answers to a description; false when none runs.
    pub(super) fn stop(&self, id: &str) -> bool {
        self.lock().get(id).inspect(|entry| entry.stop.cancel()).is_some()
    }

    /// An entry is changed in one step, so that a thread which died with the lock left it whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Ends when the answer is to stop.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut entries = self.running.lock();
        let Some(entry) = entries.get_mut(&self.id) else { return };
        entry.answers -= 1;
        if entry.answers == 0 {
            entries.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_answers_to_one_description_stop_and_are_forgotten() {
        let running = Running::default();
        let begin = |id: &str| running.begin(id.to_owned());
        let (first, second, third) = (begin("one"), begin("one"), begin("other"));
        drop(first);
        assert!(running.stop("one"));
        second.stopped().await;
        drop(second);
        assert!(!running.stop("one"), "it has ended");
        drop(third);
        assert!(running.lock().is_empty());
    }
}
