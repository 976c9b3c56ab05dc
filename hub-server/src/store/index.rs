//! `FileIndex`: the live files of a dataset version, with their statistics. Immutable and cheap to
//! derive: a commit shares all full segments with the index before it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;

use super::blocks::Blocks;

#[cfg(test)]
mod tests;

/// One Parquet file that the log added.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataFile {
    /// Path below the table's folder, `d/<uuid>.parquet`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// SHA-256 (hex) of the file.
    pub(crate) sha256: String,
    /// Sums of its blocks, which reads are compared with.
    pub(crate) blocks: Blocks,
    /// Value of `_period`.
    pub(crate) partition: String,
    /// Submissions that own rows of it, by `_seq`, ascending.
    pub(crate) seqs: Vec<i64>,
    /// Publishers that own rows of it, ascending.
    pub(crate) publishers: Vec<String>,
    /// Rows of each publisher, in the same order; empty in files of an early hub, which did not count.
    pub(crate) publisher_rows: Vec<u64>,
    /// Exact smallest and largest value and null count of the columns that have statistics.
    pub(crate) stats: BTreeMap<String, ColumnStats>,
    /// True in a state of the past that finds rows in a file which came later and holds others too: only
    /// those of `seqs` are meant.
    pub(crate) partial: bool,
}

impl DataFile {
    /// This file as the home of rows that were in earlier files: of all its rows, or of those alone.
    pub(crate) fn for_rows_of(self: &Arc<Self>, earlier: &[Arc<Self>]) -> Arc<Self> {
        let rows = earlier.iter().map(|file| file.rows).sum();
        if rows == self.rows {
            return Arc::clone(self);
        }
        let mut seqs: Vec<i64> = earlier.iter().flat_map(|file| file.seqs.iter().copied()).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for file in earlier {
            for publisher in &file.publishers {
                *counts.entry(publisher).or_default() += file.rows_of(publisher);
            }
        }
        let counted = counts.values().sum::<u64>() == rows;
        Arc::new(Self {
            rows,
            seqs,
            publishers: counts.keys().map(|publisher| (*publisher).to_owned()).collect(),
            publisher_rows: if counted { counts.into_values().collect() } else { Vec::new() },
            // The bounds are those of all rows.
            stats: BTreeMap::new(),
            partial: true,
            ..self.as_ref().clone()
        })
    }

    /// Rows that a publisher owns; 0 when it shares the file and nobody counted. The number never tells of
    /// rows of others.
    pub(crate) fn rows_of(&self, publisher: &str) -> u64 {
        match self.publishers.binary_search_by(|known| known.as_str().cmp(publisher)) {
            Ok(_) if self.publishers.len() == 1 => self.rows,
            Ok(at) => self.publisher_rows.get(at).copied().unwrap_or(0),
            Err(_) => 0,
        }
    }
}

/// Bounds of one column in one file. Bounds are exact or absent, never rounded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnStats {
    /// One-element arrays of the column's type; None: unknown (all null, or too long).
    pub(crate) min: Option<ArrayRef>,
    pub(crate) max: Option<ArrayRef>,
    pub(crate) nulls: u64,
}

/// Files of a segment at most.
const SEGMENT_FILES: usize = 1_024;

/// A shared run of files, with the hash of each path so that a removed file is found without
/// comparing strings.
#[derive(Debug, Clone, Default)]
struct Segment {
    files: Vec<Arc<DataFile>>,
    hashes: Vec<u64>,
}

impl Segment {
    fn find(&self, hash: u64, path: &str) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = self.hashes[from..].iter().position(|h| *h == hash) {
            if self.files[from + at].path == path {
                return Some(from + at);
            }
            from += at + 1;
        }
        None
    }
    fn push(&mut self, file: Arc<DataFile>) {
        self.hashes.push(path_hash(&file.path));
        self.files.push(file);
    }
    fn take(&mut self, at: usize) -> Arc<DataFile> {
        self.hashes.remove(at);
        self.files.remove(at)
    }
}

/// Stands for a path where many are remembered.
pub(crate) fn path_hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// Live files of one dataset version, in stable order (order of commit).
#[derive(Debug, Clone, Default)]
pub(crate) struct FileIndex {
    /// Shared runs of at most 1,024 files.
    segments: Vec<Arc<Segment>>,
    files: usize,
    rows: u64,
}

impl FileIndex {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.segments.iter().flat_map(|s| s.files.iter())
    }
    pub(crate) fn len(&self) -> usize {
        self.files
    }
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
    /// The live file of a path.
    pub(crate) fn get(&self, path: &str) -> Option<&Arc<DataFile>> {
        let hash = path_hash(path);
        self.segments.iter().find_map(|s| s.find(hash, path).map(|at| &s.files[at]))
    }
    /// The index after a commit; `Err` holds the path of a remove that names no live file, or of an add
    /// that is live already. Untouched segments are shared.
    pub(crate) fn with<'a>(
        &self,
        removes: impl IntoIterator<Item = &'a str>,
        adds: impl IntoIterator<Item = Arc<DataFile>>,
    ) -> Result<Self, String> {
        let mut next = self.clone();
        for path in removes {
            next.remove(path)?;
        }
        for file in adds {
            next.add(file)?;
        }
        Ok(next)
    }

    fn remove(&mut self, path: &str) -> Result<(), String> {
        let hash = path_hash(path);
        let found = self.segments.iter().enumerate().find_map(|(n, s)| s.find(hash, path).map(|at| (n, at)));
        let (number, at) = found.ok_or_else(|| path.to_owned())?;
        let gone = Arc::make_mut(&mut self.segments[number]).take(at);
        if self.segments[number].files.is_empty() {
            self.segments.remove(number);
        }
        self.files -= 1;
        self.rows -= gone.rows;
        Ok(())
    }

    fn add(&mut self, file: Arc<DataFile>) -> Result<(), String> {
        if self.get(&file.path).is_some() {
            return Err(file.path.clone());
        }
        self.files += 1;
        self.rows += file.rows;
        match self.segments.last_mut() {
            Some(last) if last.files.len() < SEGMENT_FILES => Arc::make_mut(last).push(file),
            _ => {
                let mut segment = Segment::default();
                segment.push(file);
                self.segments.push(Arc::new(segment));
            }
        }
        Ok(())
    }
}
