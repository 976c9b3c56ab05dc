//! Pages of dataset versions, from the history's lines and the commits that made them.

use std::collections::HashMap;

use super::{Snapshot, Table, VersionInfo};
use crate::store::StoreError;
use crate::store::log::Entry;

impl Table {
    /// Dataset versions newest first, from `before` (exclusive) on, at most `limit`; with the rows and
    /// submissions of all publishers, or of one. Blocking: commits that are not recent are read again.
    pub(crate) fn versions(
        &self,
        publisher: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<VersionInfo>, StoreError> {
        let page = self.history().page(before, limit);
        let (Some((_, newest)), Some((_, oldest))) = (page.first(), page.last()) else {
            return Ok(Vec::new());
        };
        let mut own = match publisher {
            Some(publisher) => {
                let before = self.listed(oldest.log_version - 1)?;
                Some(OwnRows::of(publisher, &before))
            }
            None => None,
        };
        let mut lines = page.iter().rev().peekable();
        let mut infos = Vec::with_capacity(page.len());
        self.each_entry(oldest.log_version, newest.log_version, |log_version, entry| {
            if let Some(own) = &mut own {
                own.apply(entry);
            }
            // A compaction makes no dataset version.
            let Some((version, line)) = lines.next_if(|(_, line)| line.log_version == log_version) else {
                return;
            };
            let submissions = entry.info.submissions.iter();
            let visible = submissions.filter(|e| publisher.is_none_or(|publisher| e.publisher == publisher));
            infos.push(VersionInfo {
                version: *version,
                committed_at: line.committed_at(),
                rows: own.as_ref().map_or(line.rows, |own| own.rows),
                submissions: visible.map(|e| e.id.clone()).collect(),
            });
        })?;
        infos.reverse();
        Ok(infos)
    }

    /// Calls with each entry from one log version to another, in order.
    fn each_entry(&self, first: u64, last: u64, mut call: impl FnMut(u64, &Entry)) -> Result<(), StoreError> {
        let recent = self.history().steps(first, last);
        let mut reader = self.log.reader();
        for version in first..recent.first().map_or(last + 1, |step| step.log_version) {
            let entry = reader.entry(version)?.ok_or_else(|| self.log.gone(version))?;
            call(version, &entry);
        }
        recent.iter().for_each(|step| call(step.log_version, &step.entry));
        Ok(())
    }
}

/// Rows of one publisher, commit after commit.
struct OwnRows<'a> {
    publisher: &'a str,
    /// Live files that hold some of them.
    live: HashMap<String, u64>,
    rows: u64,
}

impl<'a> OwnRows<'a> {
    fn of(publisher: &'a str, state: &Snapshot) -> Self {
        let own = state.files.iter().map(|file| (file.path.clone(), file.rows_of(publisher)));
        let live: HashMap<String, u64> = own.filter(|(_, rows)| *rows > 0).collect();
        Self { publisher, rows: live.values().sum(), live }
    }

    fn apply(&mut self, entry: &Entry) {
        for remove in &entry.removes {
            self.rows -= self.live.remove(&remove.path).unwrap_or(0);
        }
        for file in &entry.adds {
            let own = file.rows_of(self.publisher);
            if own > 0 {
                self.live.insert(file.path.clone(), own);
                self.rows += own;
            }
        }
    }
}
