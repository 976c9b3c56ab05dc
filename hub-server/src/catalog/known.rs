//! Organisations that were read and have not changed since. The folder's lock makes this process the
//! only writer, and there are some thousands of them, so all may be remembered.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::Organisation;

#[derive(Debug, Default)]
pub(super) struct Known {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    organisations: HashMap<String, Organisation>,
    /// Counts the writes: what was read before one may not be remembered after it.
    generation: u64,
}

impl Known {
    /// The organisation, or the generation to remember it under once it was read.
    pub(super) fn get(&self, id: &str) -> Result<Organisation, u64> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.organisations.get(id).cloned().ok_or(inner.generation)
    }

    pub(super) fn put(&self, organisation: &Organisation, generation: u64) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if inner.generation == generation {
            inner.organisations.insert(organisation.id.clone(), organisation.clone());
        }
    }

    /// Something was written.
    pub(super) fn forget_all(&self) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.generation += 1;
        inner.organisations.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_write_is_not_remembered() {
        let organisation = |name: &str| Organisation {
            id: "a".into(),
            name: name.into(),
            kind: "other".into(),
            identifiers: Vec::new(),
        };
        let known = Known::default();
        let before = known.get("a").unwrap_err();
        known.forget_all();
        known.put(&organisation("old"), before);
        let after = known.get("a").unwrap_err();
        known.put(&organisation("new"), after);
        assert_eq!(known.get("a").unwrap().name, "new");
        known.forget_all();
        assert!(known.get("a").is_err());
    }
}
