//! One copy of each text that many files have alike: names of columns, periods, publishers.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Texts that are held before those are looked for which nobody has any more.
const FIRST_SWEEP: usize = 4_096;

struct Texts {
    held: HashSet<Arc<str>>,
    sweep_at: usize,
}

static TEXTS: LazyLock<Mutex<Texts>> =
    LazyLock::new(|| Mutex::new(Texts { held: HashSet::new(), sweep_at: FIRST_SWEEP }));

/// The copy of a text that all have who ask for it. Texts that nobody has go when there are twice as many as
/// were in use.
pub(crate) fn shared(text: &str) -> Arc<str> {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = texts.held.get(text) {
        return Arc::clone(held);
    }
    if texts.held.len() >= texts.sweep_at {
        texts.held.retain(|text| Arc::strong_count(text) > 1);
        texts.sweep_at = FIRST_SWEEP.max(2 * texts.held.len());
    }
    let text: Arc<str> = text.into();
    texts.held.insert(Arc::clone(&text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_there_once_and_goes_with_its_last_user() {
        let one = shared("a text of this test alone");
        assert!(Arc::ptr_eq(&one, &shared("a text of this test alone")));
        drop(one);
        for n in 0..4 * FIRST_SWEEP {
            shared(&format!("another of this test {n}"));
        }
        assert!(TEXTS.lock().unwrap().held.len() <= 2 * FIRST_SWEEP);
    }
}
