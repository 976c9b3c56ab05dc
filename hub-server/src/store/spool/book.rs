//! Which segment is still needed by whom.
//!
//! A segment goes when all submissions with records in it have ended without being kept, and none of
//! them has records in an earlier segment: else the record that says "ended" would be gone before the
//! records that it ends.

use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Debug, Default)]
pub(super) struct Book {
    segments: HashMap<u64, Segment>,
    submissions: HashMap<String, Entry>,
}

#[derive(Debug, Default)]
struct Segment {
    submissions: HashSet<String>,
    /// Submissions that have not ended, or are kept.
    needed: usize,
}

#[derive(Debug, Default)]
struct Entry {
    segments: BTreeSet<u64>,
    ended: bool,
}

impl Book {
    /// A submission has a record in a segment.
    pub(super) fn note(&mut self, id: &str, segment: u64) {
        let entry = self.submissions.entry(id.to_owned()).or_default();
        if entry.segments.insert(segment) {
            let book = self.segments.entry(segment).or_default();
            book.submissions.insert(id.to_owned());
            if !entry.ended {
                book.needed += 1;
            }
        }
    }

    /// A segment exists, even if nobody has a record in it.
    pub(super) fn add(&mut self, segment: u64) {
        self.segments.entry(segment).or_default();
    }

    /// A segment holds bytes that cannot be read: nobody knows who needs it, so it stays.
    pub(super) fn hold(&mut self, segment: u64) {
        self.segments.entry(segment).or_default().needed += 1;
    }

    /// A submission has ended and its bytes here are not kept.
    pub(super) fn end(&mut self, id: &str) {
        let Some(entry) = self.submissions.get_mut(id).filter(|e| !e.ended) else { return };
        entry.ended = true;
        for segment in &entry.segments {
            if let Some(book) = self.segments.get_mut(segment) {
                book.needed -= 1;
            }
        }
    }

    /// Takes out the segments that nobody needs, except the one that is being written; in the order in
    /// which they may be removed.
    pub(super) fn reclaim(&mut self, current: Option<u64>) -> Vec<u64> {
        let mut gone = Vec::new();
        loop {
            let free = |(number, segment): (&u64, &Segment)| {
                let first = |id: &String| {
                    self.submissions.get(id).is_none_or(|e| e.segments.first().is_none_or(|f| f == number))
                };
                let is_free =
                    Some(*number) != current && segment.needed == 0 && segment.submissions.iter().all(first);
                is_free.then_some(*number)
            };
            let Some(number) = self.segments.iter().filter_map(free).min() else { return gone };
            gone.push(number);
            let Some(segment) = self.segments.remove(&number) else { return gone };
            for id in segment.submissions {
                if let Some(entry) = self.submissions.get_mut(&id) {
                    entry.segments.remove(&number);
                    if entry.segments.is_empty() {
                        self.submissions.remove(&id);
                    }
                }
            }
        }
    }

    /// Number of the newest segment.
    pub(super) fn newest(&self) -> Option<u64> {
        self.segments.keys().max().copied()
    }
}
