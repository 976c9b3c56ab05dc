//! What was used lately, bounded in entries and bytes.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values by key; the one that was not asked for longest goes first.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    entries_max: usize,
    bytes_max: usize,
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    entries: HashMap<Arc<K>, Entry<V>>,
    /// Keys by the moment of their last use.
    uses: BTreeMap<u64, Arc<K>>,
    now: u64,
    counts: Counts,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

/// What there is now, and how often something was there since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) found: u64,
    pub(super) missed: u64,
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(super) fn new(entries_max: usize, bytes_max: usize) -> Self {
        let inner =
            Inner { entries: HashMap::new(), uses: BTreeMap::new(), now: 0, counts: Counts::default() };
        Self { entries_max, bytes_max, inner: Mutex::new(inner) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let Some(entry) = inner.entries.get_mut(key) else {
            inner.counts.missed += 1;
            return None;
        };
        inner.counts.found += 1;
        inner.now += 1;
        if let Some(key) = inner.uses.remove(&entry.used) {
            inner.uses.insert(inner.now, key);
        }
        entry.used = inner.now;
        Some(entry.value.clone())
    }

    /// Keeps a value that takes `bytes` with its key; one that is larger than all room is not kept.
    pub(super) fn put(&self, key: K, value: V, bytes: usize) {
        if bytes > self.bytes_max || self.entries_max == 0 {
            return;
        }
        let mut inner = self.lock();
        inner.remove(&key);
        while inner.counts.bytes + bytes > self.bytes_max || inner.entries.len() >= self.entries_max {
            let Some(oldest) = inner.uses.first_key_value().map(|(_, key)| Arc::clone(key)) else { break };
            inner.remove(&oldest);
        }
        inner.now += 1;
        let (used, key) = (inner.now, Arc::new(key));
        inner.uses.insert(used, Arc::clone(&key));
        inner.entries.insert(key, Entry { value, bytes, used });
        inner.counts.bytes += bytes;
        inner.counts.entries = inner.entries.len();
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Inner<K, V> {
    fn remove(&mut self, key: &K) {
        let Some(gone) = self.entries.remove(key) else { return };
        self.uses.remove(&gone.used);
        self.counts.bytes -= gone.bytes;
        self.counts.entries = self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Recent};

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let recent = Recent::new(2, 100);
        recent.put("a", 1, 10);
        recent.put("b", 2, 10);
        assert_eq!(recent.get(&"a"), Some(1));
        recent.put("c", 3, 10);
        assert_eq!((recent.get(&"a"), recent.get(&"b"), recent.get(&"c")), (Some(1), None, Some(3)));
        assert_eq!(recent.counts(), Counts { found: 3, missed: 1, entries: 2, bytes: 20 });
    }

    #[test]
    fn neither_bytes_nor_entries_pass_their_bound() {
        let recent = Recent::new(8, 100);
        for n in 0..1_000usize {
            recent.put(n % 37, n, n % 61);
            let counts = recent.counts();
            assert!(counts.entries <= 8 && counts.bytes <= 100, "{counts:?}");
            assert_eq!(recent.get(&(n % 37)), Some(n), "the newest is there");
        }
        recent.put(1_000, 0, 101);
        assert_eq!(recent.get(&1_000), None, "larger than all room");
    }

    #[test]
    fn a_value_takes_the_place_of_the_one_before() {
        let recent = Recent::new(8, 100);
        recent.put("a", 1, 60);
        recent.put("a", 2, 70);
        assert_eq!(recent.get(&"a"), Some(2));
        assert_eq!((recent.counts().entries, recent.counts().bytes), (1, 70));
    }
}
