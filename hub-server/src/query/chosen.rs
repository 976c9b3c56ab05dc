//! Files of an index that a scan may read. Segments of which all files are meant are not looked into.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::store::index::{DataFile, FileIndex, Merged, Segment};

/// Files by their places in the segments of an index, in its order.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    parts: Vec<Part>,
}

/// Files of one segment, at least one.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) segment: Arc<Segment>,
    /// Positions, ascending; None: all.
    pub(super) files: Option<UInt32Array>,
}

impl Part {
    fn all(segment: &Arc<Segment>) -> Self {
        Self { segment: Arc::clone(segment), files: None }
    }

    pub(super) fn len(&self) -> usize {
        self.files.as_ref().map_or(self.segment.files().len(), |files| files.values().len())
    }

    /// Position in the segment of the file at a place among those meant.
    fn position(&self, at: usize) -> usize {
        self.files.as_ref().map_or(at, |files| files.value(at) as usize)
    }

    fn files(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        let files = self.segment.files();
        (0..self.len()).filter_map(move |at| files.get(self.position(at)))
    }

    /// Those files of the part that are kept; None: no file is.
    pub(super) fn kept(self, keep: impl Iterator<Item = bool>) -> Option<Self> {
        let positions = (0..self.len()).zip(keep).filter(|(_, keep)| *keep).map(|(at, _)| self.position(at));
        let kept: Vec<u32> = positions.filter_map(|at| u32::try_from(at).ok()).collect();
        match kept.len() {
            0 => None,
            n if n == self.len() => Some(self),
            _ => Some(Self { files: Some(kept.into()), ..self }),
        }
    }

    fn rows(&self) -> u64 {
        let rows = self.segment.rows().values();
        (0..self.len()).filter_map(|at| rows.get(self.position(at))).sum()
    }

    fn merged(&self, column: &str, kind: &DataType) -> Result<Merged, ArrowError> {
        match &self.files {
            None => Ok(self.segment.column(column, kind).merged.clone()),
            Some(files) => self.segment.merged(column, kind, files),
        }
    }
}

impl Chosen {
    pub(super) fn all(index: &FileIndex) -> Self {
        Self { parts: index.segments().iter().map(Part::all).collect() }
    }

    /// Files that hold rows of a publisher.
    pub(super) fn of_publisher(index: &FileIndex, publisher: &str) -> Self {
        let part = |segment: &Arc<Segment>| {
            let files = segment.owner(publisher)?.files.to_vec();
            Some(Part { segment: Arc::clone(segment), files: Some(files.into()) })
        };
        Self { parts: index.segments().iter().filter_map(part).collect() }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.parts.iter().flat_map(Part::files)
    }

    /// So many files from a place on.
    pub(super) fn run(&self, mut from: usize, at_most: usize) -> Vec<Arc<DataFile>> {
        let mut run = Vec::new();
        for part in &self.parts {
            run.extend(part.files().skip(from).take(at_most - run.len()).map(Arc::clone));
            from = from.saturating_sub(part.len());
            if run.len() == at_most {
                break;
            }
        }
        run
    }

    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().map(Part::rows).sum()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn of(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// Leaves out leading files that lie whole before a row, and says how many rows remain to skip.
    pub(super) fn skip_rows(&mut self, mut rows: u64) -> u64 {
        let mut parts = std::mem::take(&mut self.parts).into_iter();
        for part in parts.by_ref() {
            let all = part.rows();
            if all <= rows {
                rows -= all;
                continue;
            }
            let mut begun = false;
            let keep: Vec<bool> = part
                .files()
                .map(|file| {
                    begun |= file.rows > rows;
                    rows -= if begun { 0 } else { file.rows };
                    begun
                })
                .collect();
            self.parts.extend(part.kept(keep.into_iter()));
            break;
        }
        self.parts.extend(parts);
        rows
    }

    /// Leaves out all files but those at some places.
    pub(super) fn keep(&mut self, places: &Range<usize>) {
        let mut at = 0;
        let parts = std::mem::take(&mut self.parts).into_iter();
        self.parts = parts
            .filter_map(|part| {
                let keep: Vec<bool> = (at..at + part.len()).map(|place| places.contains(&place)).collect();
                at += part.len();
                part.kept(keep.into_iter())
            })
            .collect();
    }

    /// The files of one of several runs that follow each other and weigh about the same.
    pub(super) fn run_of(self, (at, of): (u32, u32), weight: impl Fn(&DataFile) -> u64) -> Self {
        let all: u64 = self.files().map(|file| weight(file)).sum();
        let mut before = 0;
        let mut runs = Self::default();
        for part in self.parts {
            let keep: Vec<bool> = part
                .files()
                .map(|file| {
                    // A file is of the run in which its middle lies.
                    let weight = weight(file);
                    let middle = 2 * u128::from(before) + u128::from(weight);
                    let run = middle * u128::from(of) / (2 * u128::from(all.max(1)));
                    before += weight;
                    run == u128::from(at)
                })
                .collect();
            runs.parts.extend(part.kept(keep.into_iter()));
        }
        runs
    }

    /// Those for which `first` holds, and the others.
    pub(super) fn split(self, first: impl Fn(&DataFile) -> bool) -> (Self, Self) {
        let (mut yes, mut no) = (Self::default(), Self::default());
        for part in self.parts {
            let holds: Vec<bool> = part.files().map(|file| first(file)).collect();
            yes.parts.extend(part.clone().kept(holds.iter().copied()));
            no.parts.extend(part.kept(holds.iter().map(|holds| !holds)));
        }
        (yes, no)
    }

    /// Bounds of a column, for each segment over those of its files that are meant.
    pub(super) fn merged(&self, column: &str, kind: &DataType) -> Result<Vec<Merged>, ArrowError> {
        self.parts.iter().map(|part| part.merged(column, kind)).collect()
    }
}
