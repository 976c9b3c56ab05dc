//! A run of files that the indexes of many versions share, with what is known of all of them together. That is
//! found out when somebody asks, once for each run: a commit changes one run, and the others stay as they are.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Bound, DataFile, PERIOD_END, PUBLISHER, shared};

/// Files of a segment at most.
pub(super) const SEGMENT_FILES: usize = 1_024;

/// At most 1,024 files, with the hash of each path so that a removed file is found without comparing strings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Segment {
    files: Vec<Arc<DataFile>>,
    hashes: Vec<u64>,
    known: Known,
}

/// Stands for a path where many are remembered.
pub(crate) fn path_hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// What was found out of the files of a segment.
#[derive(Debug, Default)]
struct Known {
    rows: OnceLock<UInt64Array>,
    owners: OnceLock<Owners>,
    last_day: OnceLock<Option<NaiveDate>>,
    /// Of the columns that predicates and answers have named so far.
    columns: Mutex<Vec<KnownColumn>>,
}

/// A column of a type, with its bounds.
type KnownColumn = (Arc<str>, DataType, Arc<ColumnBounds>);

/// A segment is copied in order to be changed, and of the changed one nothing is known.
impl Clone for Known {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[derive(Debug)]
struct Owners {
    /// By name, ascending.
    by_name: Box<[Owner]>,
    /// Number of owners of each file.
    of_file: Box<[u32]>,
}

/// A publisher with what it owns in a segment.
#[derive(Debug)]
pub(crate) struct Owner {
    name: Arc<str>,
    /// Positions of the files that hold rows of it, ascending.
    pub(crate) files: Box<[u32]>,
    /// Its rows in them, as [`DataFile::rows_of`] counts.
    pub(crate) rows: u64,
    /// True when some of the files hold rows of others, or may.
    pub(crate) mixed: bool,
}

impl Owner {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Bounds of one column: an element for each file, null where it is unknown.
#[derive(Debug)]
pub(crate) struct ColumnBounds {
    pub(crate) min: ArrayRef,
    pub(crate) max: ArrayRef,
    pub(crate) nulls: UInt64Array,
    /// Of all files together.
    pub(crate) merged: Merged,
}

/// Bounds of one column over several files; None: unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Merged {
    pub(crate) min: Option<Bound>,
    pub(crate) max: Option<Bound>,
    pub(crate) nulls: Option<u64>,
}

impl Merged {
    /// Bounds over all that several have bounds of.
    pub(crate) fn all(parts: Vec<Self>) -> Self {
        let smallest = |a: Bound, b: Bound| if b < a { b } else { a };
        let largest = |a: Bound, b: Bound| if b > a { b } else { a };
        let nulls = parts.iter().map(|part| part.nulls).sum();
        let (min, max): (Vec<Option<Bound>>, Vec<Option<Bound>>) =
            parts.into_iter().map(|part| (part.min, part.max)).unzip();
        let min: Option<Vec<Bound>> = min.into_iter().collect();
        let max: Option<Vec<Bound>> = max.into_iter().collect();
        Self {
            min: min.and_then(|bounds| bounds.into_iter().reduce(smallest)),
            max: max.and_then(|bounds| bounds.into_iter().reduce(largest)),
            nulls,
        }
    }

    fn of(min: &ArrayRef, max: &ArrayRef, nulls: &UInt64Array, rows: &UInt64Array) -> Self {
        // A file without a value has no bounds and changes none.
        let told = |bounds: &ArrayRef| {
            let empty = |at| nulls.is_valid(at) && nulls.value(at) == rows.value(at);
            bounds.null_count() == 0 || (0..bounds.len()).all(|at| bounds.is_valid(at) || empty(at))
        };
        Self {
            min: told(min).then(|| Bound::smallest(min)).flatten(),
            max: told(max).then(|| Bound::largest(max)).flatten(),
            nulls: (nulls.null_count() == 0).then(|| nulls.values().iter().sum()),
        }
    }
}

impl Segment {
    pub(crate) fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }
    /// Rows of each file.
    pub(crate) fn rows(&self) -> &UInt64Array {
        self.known.rows.get_or_init(|| UInt64Array::from_iter_values(self.files.iter().map(|f| f.rows)))
    }
    /// Publishers that own rows of the files, by name.
    pub(crate) fn owners(&self) -> &[Owner] {
        &self.known_owners().by_name
    }
    /// What a publisher owns.
    pub(crate) fn owner(&self, publisher: &str) -> Option<&Owner> {
        let owners = self.owners();
        owners.binary_search_by(|owner| owner.name.as_ref().cmp(publisher)).ok().and_then(|at| owners.get(at))
    }
    /// Number of publishers that own rows of each file.
    pub(crate) fn owners_of_files(&self) -> &[u32] {
        &self.known_owners().of_file
    }
    /// Last day of the newest period.
    pub(super) fn last_day(&self) -> Option<NaiveDate> {
        *self.known.last_day.get_or_init(|| {
            let mut partitions: Vec<&str> = self.files.iter().map(|f| f.partition.as_ref()).collect();
            partitions.sort_unstable();
            partitions.dedup();
            partitions.into_iter().filter_map(last_day).max()
        })
    }

    /// Bounds of a column of a type.
    pub(crate) fn column(&self, name: &str, kind: &DataType) -> Arc<ColumnBounds> {
        let mut columns = self.known.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = columns.iter().find(|(known, of, _)| known.as_ref() == name && of == kind);
        if let Some((_, _, bounds)) = known {
            return Arc::clone(bounds);
        }
        let bounds = Arc::new(self.bounds(name, kind));
        columns.push((shared(name), kind.clone(), Arc::clone(&bounds)));
        bounds
    }

    /// Bounds of a column over some of the files.
    pub(crate) fn merged(
        &self,
        name: &str,
        kind: &DataType,
        files: &UInt32Array,
    ) -> Result<Merged, ArrowError> {
        let column = self.column(name, kind);
        let (min, max) = (take(&column.min, files, None)?, take(&column.max, files, None)?);
        let (nulls, rows) = (take(&column.nulls, files, None)?, take(self.rows(), files, None)?);
        Ok(Merged::of(&min, &max, nulls.as_primitive(), rows.as_primitive()))
    }

    fn bounds(&self, name: &str, kind: &DataType) -> ColumnBounds {
        let stats = || self.files.iter().map(|file| file.stats.get(name));
        let lacks = |file: &DataFile| file.stats.get(name).is_none_or(|s| s.min.is_none() || s.max.is_none());
        // The hub's own columns follow from what the index has anyway.
        let ends = |file: &Arc<DataFile>| match name {
            PERIOD_END if lacks(file) => (period_end(file), period_end(file)),
            PUBLISHER if lacks(file) => (text(file.publishers.first()), text(file.publishers.last())),
            _ => (None, None),
        };
        let (lowest, highest): (Vec<_>, Vec<_>) = self.files.iter().map(ends).unzip();
        let min = stats().zip(&lowest).map(|(s, other)| s.and_then(|s| s.min.as_ref()).or(other.as_ref()));
        let min = Bound::array(kind, min);
        let max = stats().zip(&highest).map(|(s, other)| s.and_then(|s| s.max.as_ref()).or(other.as_ref()));
        let max = Bound::array(kind, max);
        let nulls: UInt64Array = stats().map(|stats| stats.map(|s| s.nulls)).collect();
        let merged = Merged::of(&min, &max, &nulls, self.rows());
        ColumnBounds { min, max, nulls, merged }
    }

    fn known_owners(&self) -> &Owners {
        self.known.owners.get_or_init(|| {
            let mut owned: BTreeMap<&Arc<str>, (Vec<u32>, u64, bool)> = BTreeMap::new();
            for (at, file) in (0..).zip(&self.files) {
                for publisher in &file.publishers {
                    let (files, rows, mixed) = owned.entry(publisher).or_default();
                    files.push(at);
                    *rows += file.rows_of(publisher);
                    *mixed |= file.partial || file.publishers.len() > 1;
                }
            }
            let owner = |(name, (files, rows, mixed)): (&Arc<str>, (Vec<u32>, u64, bool))| Owner {
                name: Arc::clone(name),
                files: files.into(),
                rows,
                mixed,
            };
            let number = |file: &Arc<DataFile>| u32::try_from(file.publishers.len()).unwrap_or(u32::MAX);
            Owners {
                by_name: owned.into_iter().map(owner).collect(),
                of_file: self.files.iter().map(number).collect(),
            }
        })
    }

    pub(super) fn find(&self, hash: u64, path: &str) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = self.hashes[from..].iter().position(|h| *h == hash) {
            if self.files[from + at].path == path {
                return Some(from + at);
            }
            from += at + 1;
        }
        None
    }
    pub(super) fn push(&mut self, file: Arc<DataFile>) {
        self.known = Known::default();
        self.hashes.push(path_hash(&file.path));
        self.files.push(file);
    }
    pub(super) fn take(&mut self, at: usize) -> Arc<DataFile> {
        self.known = Known::default();
        self.hashes.remove(at);
        self.files.remove(at)
    }
}

/// Last day of a partition, whose name is either that day or a period's label.
fn last_day(partition: &str) -> Option<NaiveDate> {
    NaiveDate::from_str(partition)
        .ok()
        .or_else(|| hub_datasets::Period::from_str(partition).ok().map(|p| p.last_day()))
}

fn text(text: Option<&Arc<str>>) -> Option<Bound> {
    text.map(|text| Bound::Text(text.as_ref().into()))
}

fn period_end(file: &Arc<DataFile>) -> Option<Bound> {
    let day = last_day(&file.partition)?;
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok().map(Bound::Date)
}
