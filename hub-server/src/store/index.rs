//! `FileIndex`: the live files of a dataset version, with their statistics. Immutable and cheap to
//! derive: a commit shares all full segments with the index before it.

mod bound;
mod segment;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;

use super::blocks::Blocks;
pub(crate) use bound::{Bound, ColumnStats, Decimal, Stats};
use segment::SEGMENT_FILES;
pub(crate) use segment::{ColumnBounds, Merged, Owner, Segment, path_hash};
pub(crate) use shared::shared;

/// Columns of the hub that the index knows also of files without statistics of them.
pub(crate) const PERIOD_END: &str = "_period_end";
pub(crate) const PUBLISHER: &str = "_publisher";

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
    pub(crate) partition: Arc<str>,
    /// Submissions that own rows of it, by `_seq`, ascending.
    pub(crate) seqs: Vec<i64>,
    /// Publishers that own rows of it, ascending.
    pub(crate) publishers: Vec<Arc<str>>,
    /// Rows of each publisher, in the same order; empty in files of an early hub, which did not count.
    pub(crate) publisher_rows: Vec<u64>,
    /// Exact smallest and largest value and null count of the columns that have statistics.
    pub(crate) stats: Stats,
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
            publishers: counts.keys().map(|publisher| shared(publisher)).collect(),
            publisher_rows: if counted { counts.into_values().collect() } else { Vec::new() },
            // The bounds are those of all rows.
            stats: Stats::default(),
            partial: true,
            ..self.as_ref().clone()
        })
    }

    /// Rows that a publisher owns; 0 when it shares the file and nobody counted. The number never tells of
    /// rows of others.
    pub(crate) fn rows_of(&self, publisher: &str) -> u64 {
        match self.publishers.binary_search_by(|known| known.as_ref().cmp(publisher)) {
            Ok(_) if self.publishers.len() == 1 => self.rows,
            Ok(at) => self.publisher_rows.get(at).copied().unwrap_or(0),
            Err(_) => 0,
        }
    }
}

/// Live files of one dataset version, in stable order (order of commit).
#[derive(Debug, Clone, Default)]
pub(crate) struct FileIndex {
    /// Shared runs of at most 1,024 files.
    segments: Vec<Arc<Segment>>,
    files: usize,
    rows: u64,
    /// Found out when somebody asks.
    extent: OnceLock<Extent>,
}

/// Who and what stands behind the files of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Publishers that own rows.
    pub(crate) publishers: usize,
    /// Last day of the newest period.
    pub(crate) last_day: Option<NaiveDate>,
}

impl FileIndex {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.segments.iter().flat_map(|s| s.files())
    }
    /// The shared runs of files, in stable order.
    pub(crate) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }
    /// What a publisher owns, by segments.
    pub(crate) fn owned(&self, publisher: &str) -> impl Iterator<Item = &Owner> {
        self.segments.iter().filter_map(move |segment| segment.owner(publisher))
    }
    /// Who and what stands behind the files; found out once.
    pub(crate) fn extent(&self) -> Extent {
        *self.extent.get_or_init(|| {
            let names = self.segments.iter().flat_map(|s| s.owners()).map(Owner::name);
            let publishers = names.collect::<BTreeSet<&str>>().len();
            Extent { publishers, last_day: self.segments.iter().filter_map(|s| s.last_day()).max() }
        })
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
        self.segments.iter().find_map(|s| s.find(hash, path).and_then(|at| s.files().get(at)))
    }
    /// The index after a commit; `Err` holds the path of a remove that names no live file, or of an add
    /// that is live already. Untouched segments are shared.
    pub(crate) fn with<'a>(
        &self,
        removes: impl IntoIterator<Item = &'a str>,
        adds: impl IntoIterator<Item = Arc<DataFile>>,
    ) -> Result<Self, String> {
        let mut next = Self { extent: OnceLock::new(), ..self.clone() };
        for path in removes {
            next.remove(path)?;
        }
        for file in adds {
            next.add(file)?;
        }
        Ok(next)
    }

    /// An index of files in segments of other lengths.
    #[cfg(test)]
    pub(crate) fn in_segments(files: &[Arc<DataFile>], each: usize) -> Self {
        let segment = |files: &[Arc<DataFile>]| {
            let mut segment = Segment::default();
            files.iter().for_each(|file| segment.push(Arc::clone(file)));
            Arc::new(segment)
        };
        let rows = files.iter().map(|file| file.rows).sum();
        let segments = files.chunks(each).map(segment).collect();
        Self { segments, files: files.len(), rows, extent: OnceLock::new() }
    }

    fn remove(&mut self, path: &str) -> Result<(), String> {
        let hash = path_hash(path);
        let found = self.segments.iter().enumerate().find_map(|(n, s)| s.find(hash, path).map(|at| (n, at)));
        let (number, at) = found.ok_or_else(|| path.to_owned())?;
        let gone = Arc::make_mut(&mut self.segments[number]).take(at);
        if self.segments[number].files().is_empty() {
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
            Some(last) if last.files().len() < SEGMENT_FILES => Arc::make_mut(last).push(file),
            _ => {
                let mut segment = Segment::default();
                segment.push(file);
                self.segments.push(Arc::new(segment));
            }
        }
        Ok(())
    }
}
