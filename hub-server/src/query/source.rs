//! Where the files of a table come from: the index of a snapshot in the process that has it, or a question to that
//! process. Files are told in pages, so that a plan over very many holds few of them.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DataFusionError, Result, ScalarValue, Statistics};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::TableView;
use super::bounds::Bounds;
use super::chosen::Chosen;
use super::limits::FILES_AT_ONCE;
use super::prune::prune;
use super::small::is_small;
use super::visible::Visible;
use crate::store::index::{Bound, DataFile, Merged};

/// The files of one table, and what their rows came with.
pub(super) trait Source: Debug + Send + Sync {
    /// Files that may hold a row within the bounds, and statistics of the columns at the indexes `read`.
    fn choose(&self, read: Vec<usize>, bounds: Bounds) -> BoxFuture<'_, Result<Choice>>;
    /// What rows with these numbers (`_seq`) came with; one that the reader must not see is left out.
    fn origins(&self, seqs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Origin>>>;
}

/// What the hub's columns show of a submission.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) seq: i64,
    pub(super) submission: String,
    pub(super) revision: u64,
    /// Microseconds since 1970-01-01, UTC.
    pub(super) committed_at: i64,
}

/// Files of a scan: short ones, which are read whole, and long ones.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) small: Files,
    pub(super) long: Files,
}

/// Some files, in the order of the index.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) known: Known,
    pub(super) list: Arc<dyn List>,
}

/// What is known of several files together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) files: usize,
    pub(super) rows: u64,
    /// Indexes of columns with their bounds; none where rows lie among hidden ones.
    pub(super) columns: Vec<(usize, Merged)>,
}

/// The entries of files, by their places.
pub(super) trait List: Debug + Send + Sync {
    /// Files from a place on, at least one and at most a page; none at the end.
    fn page(&self, from: usize) -> BoxFuture<'_, Result<Vec<Arc<DataFile>>>>;
}

impl Files {
    pub(super) fn is_empty(&self) -> bool {
        self.known.files == 0
    }

    /// The files of a range, read page by page.
    pub(super) async fn all(&self, range: Range<usize>) -> Result<Vec<Arc<DataFile>>> {
        let mut files: Vec<Arc<DataFile>> = Vec::new();
        while range.start + files.len() < range.end {
            let page = self.list.page(range.start + files.len()).await?;
            if page.is_empty() {
                return Err(DataFusionError::Internal("files of a scan are missing".to_owned()));
            }
            files.extend(page);
        }
        files.truncate(range.len());
        Ok(files)
    }

    /// Statistics for a plan: exact, as the index is.
    pub(super) fn statistics(&self, schema: &Schema, mixed: bool) -> Result<Statistics> {
        let mut statistics = Statistics::new_unknown(schema);
        if mixed {
            return Ok(statistics);
        }
        statistics.num_rows = usize::try_from(self.known.rows).map_or(Precision::Absent, Precision::Exact);
        for (index, merged) in &self.known.columns {
            let column = statistics.column_statistics.get_mut(*index).zip(schema.fields().get(*index));
            let Some((column, field)) = column else { continue };
            *column = column_statistics(field, merged)?;
        }
        Ok(statistics)
    }
}

fn column_statistics(field: &arrow::datatypes::Field, merged: &Merged) -> Result<ColumnStatistics> {
    let scalar = |bound: &Option<Bound>| -> Result<Precision<ScalarValue>> {
        let Some(bound) = bound else { return Ok(Precision::Absent) };
        let array = Bound::array(field.data_type(), std::iter::once(Some(bound)));
        Ok(Precision::Exact(ScalarValue::try_from_array(&array, 0)?))
    };
    let mut known = ColumnStatistics::new_unknown();
    let nulls = merged.nulls.and_then(|nulls| usize::try_from(nulls).ok());
    known.null_count = nulls.map_or(Precision::Absent, Precision::Exact);
    known.min_value = scalar(&merged.min)?;
    known.max_value = scalar(&merged.max)?;
    Ok(known)
}

/// Files of a snapshot that this process has.
#[derive(Debug, Clone)]
pub(super) struct Here {
    view: TableView,
    visible: Arc<Visible>,
    files: Chosen,
    /// Rows come in the order of the index.
    ordered: bool,
}

impl Here {
    pub(super) fn new(view: TableView, ordered: bool) -> Self {
        let visible = Arc::new(Visible::of(&view));
        let index = &view.snapshot.files;
        let files = match &view.publisher {
            None => Chosen::all(index),
            Some(publisher) => Chosen::of_publisher(index, publisher),
        };
        Self { view, visible, files, ordered }
    }

    pub(super) fn visible(&self) -> &Arc<Visible> {
        &self.visible
    }

    /// True when to look through the files takes no time that somebody would notice.
    pub(super) fn is_short(&self) -> bool {
        self.view.snapshot.files.len() <= FILES_AT_ONCE
    }

    /// Leaves out leading files that lie whole before a row, and says how many rows remain to skip.
    /// Only for scans without a filter; with a barrier nothing is known of rows.
    pub(super) fn skip_rows(&mut self, rows: u64) -> u64 {
        if self.visible.mixed { rows } else { self.files.skip_rows(rows) }
    }

    /// Leaves out all files but those at some places.
    pub(super) fn keep(&mut self, places: Range<usize>) {
        self.files.keep(&places);
    }

    /// As [`super::Engine::parts`]. Where rows lie among hidden ones there is one part, so that neither number nor
    /// size of parts tells of them.
    pub(super) fn parts(&self, most: usize, rows: u64) -> Vec<Range<usize>> {
        let each = (self.visible.rows / most.max(1) as u64).max(rows).max(1);
        let (mut parts, mut from, mut held, mut at) = (Vec::new(), 0, 0, 0);
        for file in self.files.files().filter(|_| !self.visible.mixed) {
            held += file.rows;
            at += 1;
            if held >= each && parts.len() + 1 < most {
                parts.push(from..at);
                (from, held) = (at, 0);
            }
        }
        match parts.last_mut() {
            // What is left is too little for a part of its own.
            Some(last) if held < rows => last.end = usize::MAX,
            _ => parts.push(from..usize::MAX),
        }
        parts
    }

    /// Keeps one of several runs of files; by what the reader may know of them.
    pub(super) fn keep_run(&mut self, run: (u32, u32)) {
        let publisher = self.visible.publisher.as_deref();
        let weight = |file: &DataFile| publisher.map_or(file.rows, |own| file.rows_of(own)).max(1);
        self.files = std::mem::take(&mut self.files).run_of(run, weight);
    }

    /// Files that may be read.
    pub(super) fn number(&self) -> usize {
        self.files.files().count()
    }

    /// As [`Source::choose`], at once.
    pub(super) fn pick(&self, read: &[usize], bounds: &Bounds) -> Result<Choice> {
        let files = match bounds.predicate(&self.visible.files)? {
            Some(predicate) => prune(self.files.clone(), &predicate, &self.visible.files),
            None => self.files.clone(),
        };
        // Rows that have an order have that of all files, so one scan reads them.
        let apart = !self.ordered || files.files().all(|file| is_small(file));
        let (small, long) = if apart { files.split(is_small) } else { (Chosen::default(), files) };
        Ok(Choice { small: self.known(small, read)?, long: self.known(long, read)? })
    }

    fn known(&self, files: Chosen, read: &[usize]) -> Result<Files> {
        let mut columns = Vec::new();
        let told = if self.visible.mixed { &[] } else { read };
        for index in told {
            let Some(field) = self.visible.files.fields().get(*index) else { continue };
            columns.push((*index, Merged::all(files.merged(field.name(), field.data_type())?)));
        }
        let known = Known { files: files.files().count(), rows: files.rows(), columns };
        Ok(Files { known, list: Arc::new(files) })
    }

    /// Numbers of submissions that may have rows within the bounds in these files, of those that the reader may see.
    pub(super) fn seqs_in(&self, files: &[Arc<DataFile>], bounds: &Bounds) -> BTreeSet<i64> {
        let publisher = self.visible.publisher.as_deref();
        let submissions = &self.view.snapshot.submissions;
        let may_see = |owner: &str| publisher.is_none_or(|own| own == owner) && bounds.allow(owner);
        let seqs = files.iter().flat_map(|file| &file.seqs).copied();
        seqs.filter(|seq| submissions.get(*seq).is_some_and(|info| may_see(&info.publisher))).collect()
    }

    /// As [`Source::origins`], at once.
    pub(super) fn find(&self, seqs: &[i64]) -> Vec<Origin> {
        let publisher = self.visible.publisher.as_deref();
        let submissions = &self.view.snapshot.submissions;
        let found = seqs.iter().filter_map(|seq| Some((*seq, submissions.get(*seq)?)));
        let own = found.filter(|(_, info)| publisher.is_none_or(|own| own == info.publisher));
        own.map(|(seq, info)| Origin {
            seq,
            submission: info.submission.clone(),
            revision: info.revision,
            committed_at: info.committed_at.timestamp_micros(),
        })
        .collect()
    }
}

impl Source for Here {
    fn choose(&self, read: Vec<usize>, bounds: Bounds) -> BoxFuture<'_, Result<Choice>> {
        futures::future::ready(self.pick(&read, &bounds)).boxed()
    }

    fn origins(&self, seqs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Origin>>> {
        futures::future::ready(Ok(self.find(&seqs))).boxed()
    }
}

impl List for Chosen {
    fn page(&self, from: usize) -> BoxFuture<'_, Result<Vec<Arc<DataFile>>>> {
        futures::future::ready(Ok(self.run(from, FILES_AT_ONCE))).boxed()
    }
}
