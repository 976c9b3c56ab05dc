//! Homes: where a state of the past finds the rows of files that merges took away.
//!
//! A merge writes the rows of its inputs into one file and changes none of them. So a state that read an input
//! can read the same rows from the output, by their `_seq`, as long as no two inputs of the merge share a
//! submission; inputs that do are never removed. An output that was merged again leads on to the next one. One
//! that a correction took away stays on the disk, because states before the correction read it.
//!
//! A file that held rows of an erased submission is gone whatever a vacuum did. The rows of others that states of
//! the past read in it are in what came of it, or in the file that the erasure put in its place.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Snapshot, Table};
use crate::store::StoreError;
use crate::store::index::{DataFile, FileIndex, path_hash};
use crate::store::log::{Entry, OPTIMIZE};
use crate::store::table::LogReader;

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
    /// Hash of the path of a file that an erasure removed.
    erased: HashMap<u64, Gone>,
}

/// A file that an erasure removed.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// Log version of the erasure.
    by: u64,
    /// Hash of the path of the file that stands in for it.
    to: Option<u64>,
}

/// The entry that names a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    /// As the output of a merge.
    Merge(u64),
    /// As the file that stands in for an erased one, by the hash of that one's path.
    Erasure(u64, u64),
}

/// Where the rows of a file are.
#[derive(Debug, Clone, Copy)]
struct Home {
    named: Named,
    /// Log version of the newest erasure on the way; 0: there is none.
    erased: u64,
}

impl Homes {
    /// Notes an entry that follows a state.
    pub(crate) fn push(&mut self, log_version: u64, entry: &Entry, before: &Snapshot) {
        if let Some(erasure) = &entry.info.erasure {
            for path in &erasure.files {
                let stand_in = erasure.stand_ins.iter().find(|stand_in| stand_in.of == *path);
                let to = stand_in.map(|stand_in| path_hash(&stand_in.file.path));
                self.erased.entry(path_hash(path)).or_insert(Gone { by: log_version, to });
            }
        }
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

    fn has_erased(&self) -> bool {
        !self.erased.is_empty()
    }

    /// Log version of the erasure that removed a file.
    pub(super) fn erased(&self, path: &str) -> Option<u64> {
        self.erased.get(&path_hash(path)).map(|gone| gone.by)
    }

    /// Where the rows of a file are when inputs of merges up to a log version are gone; None: in itself.
    fn home(&self, path: &str, until: u64) -> Option<Home> {
        let (mut at, mut home): (u64, Option<Home>) = (path_hash(path), None);
        loop {
            let gone = self.erased.get(&at);
            let merge = self.merge_of(at).filter(|merge| merge.log_version <= until || gone.is_some());
            let (named, next) = match (merge, gone) {
                (Some(merge), _) => (Named::Merge(merge.log_version), merge.output),
                (None, Some(Gone { by, to: Some(to) })) => (Named::Erasure(*by, at), *to),
                _ => return home,
            };
            let erased = home.map_or(0, |home| home.erased).max(gone.map_or(0, |gone| gone.by));
            home = Some(Home { named, erased });
            at = next;
        }
    }

    fn merge_of(&self, hash: u64) -> Option<&Merge> {
        self.merges.get(usize::try_from(*self.into.get(&hash)?).ok()?)
    }
}

impl Table {
    /// The files in which a state finds its rows when all inputs of merges up to a log version are gone, in
    /// the order of the state, and the log version of the newest erasure that moved some. None: its own. Blocking.
    pub(super) fn homes_of(
        &self,
        state: &Snapshot,
        until: u64,
    ) -> Result<Option<(FileIndex, u64)>, StoreError> {
        let found: Vec<Option<Home>> = {
            let history = self.history();
            if state.log_version >= until && !history.homes().has_erased() {
                return Ok(None);
            }
            state.files.iter().map(|file| history.homes().home(&file.path, until)).collect()
        };
        if found.iter().all(Option::is_none) {
            return Ok(None);
        }
        let erased = found.iter().flatten().map(|home| home.erased).max().unwrap_or_default();
        let mut reader = self.log.reader();
        let mut known: HashMap<Named, Arc<DataFile>> = HashMap::new();
        // Homes in the order of the first file that each stands for.
        let mut homes: Vec<(Arc<DataFile>, Vec<Arc<DataFile>>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (file, found) in state.files.iter().zip(found) {
            let home = match found {
                None => Arc::clone(file),
                Some(Home { named, .. }) => match known.get(&named) {
                    Some(home) => Arc::clone(home),
                    None => {
                        let home = self.named(&mut reader, named)?;
                        known.insert(named, Arc::clone(&home));
                        home
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
        index.map(|index| Some((index, erased))).map_err(|path| self.twice(state, &path))
    }

    /// The file that an entry names as a home.
    fn named(&self, reader: &mut LogReader<'_>, named: Named) -> Result<Arc<DataFile>, StoreError> {
        let (Named::Merge(version) | Named::Erasure(version, _)) = named;
        let entry = reader.entry(version)?.ok_or_else(|| self.log.gone(version))?;
        let file = match named {
            Named::Merge(_) => entry.adds.first(),
            Named::Erasure(_, of) => entry.info.erasure.as_ref().and_then(|erasure| {
                let of = erasure.stand_ins.iter().find(|stand_in| path_hash(&stand_in.of) == of);
                of.map(|stand_in| &stand_in.file)
            }),
        };
        file.map(Arc::clone).ok_or_else(|| self.log.gone(version))
    }

    /// The file with the rows of the output of a merge that are not erased; None: all of them are. Blocking.
    pub(super) fn left_of(
        &self,
        reader: &mut LogReader<'_>,
        output: &Arc<DataFile>,
    ) -> Result<Option<Arc<DataFile>>, StoreError> {
        let (home, erased) = {
            let history = self.history();
            (history.homes().home(&output.path, 0), history.homes().erased(&output.path).is_some())
        };
        match home {
            Some(home) => self.named(reader, home.named).map(Some),
            None => Ok((!erased).then(|| Arc::clone(output))),
        }
    }

    /// The files that stand in for one which left the table at a log version. Blocking.
    pub(super) fn stand_ins(
        &self,
        reader: &mut LogReader<'_>,
        path: &str,
        left: u64,
    ) -> Result<Vec<Arc<DataFile>>, StoreError> {
        let (mut files, mut path) = (Vec::new(), path.to_owned());
        loop {
            let gone = self.history().homes().erased.get(&path_hash(&path)).copied();
            let Some(Gone { by, to: Some(_) }) = gone else { return Ok(files) };
            let entry = reader.entry(by)?.ok_or_else(|| self.log.gone(by))?;
            let erasure = entry.info.erasure.as_ref().ok_or_else(|| self.log.gone(by))?;
            let of = erasure.stand_ins.iter().find(|stand_in| stand_in.of == path);
            let stand_in = of.ok_or_else(|| self.log.gone(by))?;
            if stand_in.left == Some(left) {
                files.push(Arc::clone(&stand_in.file));
            }
            path.clone_from(&stand_in.file.path);
        }
    }

    pub(super) fn twice(&self, state: &Snapshot, path: &str) -> StoreError {
        StoreError::LogCorrupt {
            file: self.log.log_file(state.log_version).display().to_string(),
            line: 1,
            message: format!("its rows are in {path} twice"),
        }
    }
}
