//! Homes: where a state of the past finds the rows of files that merges took away.
//!
//! A merge writes the rows of its inputs into one file and changes none of them. So a state that read an input
//! can read the same rows from the output, by their `_seq`, as long as no two inputs of the merge share a
//! submission; inputs that do are never removed. An output that was merged again leads on to the next one. One
//! that a correction took away stays on the disk, because states before the correction read it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Snapshot, Table};
use crate::store::StoreError;
use crate::store::index::{DataFile, FileIndex, path_hash};
use crate::store::log::{Entry, OPTIMIZE};

/// One merge: 24 bytes, and 16 for each file that went into it.
#[derive(Debug, Clone, Copy)]
struct Merge {
    log_version: u64,
    /// Microseconds since 1970, UTC.
    merged_at: i64,
    /// Hash of the path of the file that it made.
    output: u64,
}

/// All merges of a table, from its log.
#[derive(Debug, Default)]
pub(crate) struct Homes {
    /// In the order of the log.
    merges: Vec<Merge>,
    /// Hash of the path of a file that went into a merge → number of the merge.
    into: HashMap<u64, u32>,
}

impl Homes {
    /// Notes an entry that follows a state.
    pub(crate) fn push(&mut self, log_version: u64, entry: &Entry, before: &Snapshot) {
        let ([output], true) = (entry.adds.as_slice(), entry.info.operation == OPTIMIZE) else { return };
        let inputs: Vec<&Arc<DataFile>> =
            entry.removes.iter().filter_map(|remove| before.files.get(&remove.path)).collect();
        let Ok(number) = u32::try_from(self.merges.len()) else { return };
        if inputs.iter().map(|input| input.rows).sum::<u64>() != output.rows {
            return;
        }
        let mut owners: HashMap<i64, usize> = HashMap::new();
        inputs.iter().flat_map(|input| &input.seqs).for_each(|seq| *owners.entry(*seq).or_default() += 1);
        for input in inputs {
            if input.seqs.iter().all(|seq| owners.get(seq) == Some(&1)) {
                self.into.entry(path_hash(&input.path)).or_insert(number);
            }
        }
        let (merged_at, output) = (entry.info.committed_at.timestamp_micros(), path_hash(&output.path));
        self.merges.push(Merge { log_version, merged_at, output });
    }

    /// Log version of the merge that a file went into, when its rows can be read from what came of it.
    pub(crate) fn merged(&self, path: &str) -> Option<u64> {
        self.merge_of(path_hash(path)).map(|merge| merge.log_version)
    }

    /// Log versions of the merges behind a log version that came at or before a moment.
    pub(super) fn between(&self, behind: u64, until: DateTime<Utc>) -> Vec<u64> {
        let first = self.merges.partition_point(|merge| merge.log_version <= behind);
        let later = self.merges.iter().skip(first);
        let in_time = later.take_while(|merge| merge.merged_at <= until.timestamp_micros());
        in_time.map(|merge| merge.log_version).collect()
    }

    /// Log version of the last merge that a file's rows went through up to a log version; None: of none.
    fn last_merge(&self, file: &DataFile, until: u64) -> Option<u64> {
        let step = |hash: u64| self.merge_of(hash).filter(|merge| merge.log_version <= until);
        let mut last = step(path_hash(&file.path))?;
        while let Some(next) = step(last.output) {
            last = next;
        }
        Some(last.log_version)
    }

    fn merge_of(&self, hash: u64) -> Option<&Merge> {
        self.merges.get(usize::try_from(*self.into.get(&hash)?).ok()?)
    }
}

impl Table {
    /// The files in which a state finds its rows when all inputs of merges up to a log version are gone, in
    /// the order of the state. None: its own. Blocking.
    pub(super) fn homes_of(&self, state: &Snapshot, until: u64) -> Result<Option<FileIndex>, StoreError> {
        if state.log_version >= until {
            return Ok(None);
        }
        let merges: Vec<Option<u64>> = {
            let history = self.history();
            state.files.iter().map(|file| history.homes().last_merge(file, until)).collect()
        };
        if merges.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut reader = self.log.reader();
        let mut outputs: HashMap<u64, Arc<DataFile>> = HashMap::new();
        // Homes in the order of the first file that each stands for.
        let mut homes: Vec<(Arc<DataFile>, Vec<Arc<DataFile>>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (file, merge) in state.files.iter().zip(merges) {
            let home = match merge {
                None => Arc::clone(file),
                Some(version) => match outputs.get(&version) {
                    Some(output) => Arc::clone(output),
                    None => {
                        let entry = reader.entry(version)?.ok_or_else(|| self.log.gone(version))?;
                        let output = entry.adds.first().ok_or_else(|| self.log.gone(version))?;
                        outputs.insert(version, Arc::clone(output));
                        Arc::clone(output)
                    }
                },
            };
            let place = *places.entry(home.path.clone()).or_insert(homes.len());
            match homes.get_mut(place) {
                Some((_, of)) => of.push(Arc::clone(file)),
                None => homes.push((home, vec![Arc::clone(file)])),
            }
        }
        let files = homes.iter().map(|(home, of)| home.for_rows_of(of));
        let index = FileIndex::default().with([], files);
        index.map(Some).map_err(|path| self.twice(state, &path))
    }

    fn twice(&self, state: &Snapshot, path: &str) -> StoreError {
        StoreError::LogCorrupt {
            file: self.log.log_file(state.log_version).display().to_string(),
            line: 1,
            message: format!("its rows are in {path} twice"),
        }
    }
}
