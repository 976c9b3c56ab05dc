//! Open extracts: one Parquet and one CSV per dataset version, written once in the background,
//! served many times.
//!
//! Only the newest version is made, after a moment of quiet, and a dataset rests after each extract, so a
//! burst of commits makes few extracts; one that could not be made leaves nothing and is tried again after a rest. A version
//! becomes visible by one rename of its folder; what a crash left half-made is removed at the next
//! start, and made anew.

mod agenda;
mod error;
mod make;
mod shelf;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use hub_datasets::Pattern;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::permit::{ReadPermit, Rows};
use crate::query::{Engine, RowFormat, TableView};
use crate::store::Snapshot;

use agenda::{Agenda, Next};
pub(crate) use error::ExtractError;
use shelf::Shelf;

/// Versions of a dataset that stay on disk.
const VERSIONS_KEPT: usize = 3;

/// Formats in which an extract is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExtractFormat {
    Parquet,
    Csv,
}

impl ExtractFormat {
    pub(crate) const ALL: [Self; 2] = [Self::Parquet, Self::Csv];

    /// `extract.parquet`, `extract.csv`: the name on disk and in addresses.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Parquet => "extract.parquet",
            Self::Csv => "extract.csv",
        }
    }

    fn rows(self) -> RowFormat {
        match self {
            Self::Parquet => RowFormat::Parquet,
            Self::Csv => RowFormat::Csv,
        }
    }
}

/// A finished file that a door may serve, whole or in ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExtractFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    /// SHA-256 of the file in hex; without quotes.
    pub(crate) etag: String,
    /// When the dataset version was committed.
    pub(crate) modified: DateTime<Utc>,
}

/// A dataset of which there are extracts.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) pattern: Arc<Pattern>,
    /// Its newest state, which the extracts follow; None: it is damaged, and the finished ones stay.
    pub(crate) newest: Option<watch::Receiver<Arc<Snapshot>>>,
}

/// Removes the extracts of versions that held an erased submission, from the first to the last, on the folder of a
/// stopped server; gives the bytes of their files. Blocking.
pub(crate) fn forget(root: &Path, dataset: &str, versions: (u64, u64)) -> Result<u64, ExtractError> {
    shelf::forget(root, dataset, versions)
}

#[derive(Debug)]
pub(crate) struct Extracts {
    shared: Arc<Shared>,
    _workers: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    shelf: Shelf,
    engine: Arc<Engine>,
    /// Only datasets that are open as a whole.
    sources: Vec<Source>,
    agenda: Mutex<Agenda>,
    wake: Notify,
    /// Moves whenever a version became visible or could not be made.
    done: watch::Sender<u64>,
}

impl Extracts {
    /// Takes up what is on disk below `<root>/extracts` and begins to make what lacks. Datasets that
    /// are not open are left out, whoever names them.
    pub(crate) async fn open(
        root: PathBuf,
        engine: Arc<Engine>,
        sources: Vec<Source>,
    ) -> Result<Self, ExtractError> {
        let shelf = make::blocking(move || Shelf::open(root.join("extracts"))).await?;
        let sources: Vec<Source> = sources.into_iter().filter(|s| s.pattern.is_open()).collect();
        let agenda = Agenda::of(sources.iter().map(|s| s.pattern.id.clone()), Instant::now());
        let shared = Arc::new(Shared {
            shelf,
            engine,
            sources,
            agenda: Mutex::new(agenda),
            wake: Notify::new(),
            done: watch::Sender::new(0),
        });
        let mut workers = vec![AbortOnDropHandle::new(tokio::spawn(work(Arc::clone(&shared))))];
        for source in &shared.sources {
            if let Some(newest) = &source.newest {
                let follows = follow(Arc::clone(&shared), source.pattern.id.clone(), newest.clone());
                workers.push(AbortOnDropHandle::new(tokio::spawn(follows)));
            }
        }
        shared.wake.notify_one();
        Ok(Self { shared, _workers: workers })
    }

    /// The newest dataset version that has an extract.
    pub(crate) fn latest(&self, dataset: &str) -> Option<u64> {
        self.shared.shelf.latest(dataset)
    }

    /// A finished file, for a permit that covers the dataset whole.
    pub(crate) fn file(
        &self,
        permit: &ReadPermit,
        dataset: &str,
        version: u64,
        format: ExtractFormat,
    ) -> Result<ExtractFile, ExtractError> {
        let source = self.shared.source(dataset);
        let source = source.ok_or_else(|| ExtractError::DatasetUnknown(dataset.to_owned()))?;
        let covers = permit.dataset() == dataset
            && *permit.rows() == Rows::All
            && source.pattern.columns.iter().all(|c| permit.columns().contains(&c.name));
        if !covers {
            return Err(ExtractError::NotPermitted);
        }
        let newest = source.newest.as_ref().map(|newest| Arc::clone(&newest.borrow()));
        let erased = newest.iter().flat_map(|newest| newest.erased.iter());
        if let Some(erased) = erased.into_iter().find(|erased| erased.was_in_version(version)) {
            let (dataset, day) = (dataset.to_owned(), erased.at.date_naive().to_string());
            return Err(ExtractError::Erased { dataset, version, day });
        }
        self.shared.shelf.file(dataset, version, format).ok_or_else(|| ExtractError::VersionUnknown {
            dataset: dataset.to_owned(),
            version,
            latest: self.latest(dataset),
        })
    }

    /// Marks a dataset as a commit does, and ends its rest.
    #[cfg(test)]
    fn nudge(&self, dataset: &str) {
        self.shared.mark(dataset);
        self.rested(dataset);
    }

    /// Ends the rest of a dataset, as time does.
    #[cfg(test)]
    fn rested(&self, dataset: &str) {
        self.shared.agenda().wake(dataset, Instant::now());
        self.shared.wake.notify_one();
    }

    /// Wakes whenever an extract became visible or failed.
    #[cfg(test)]
    fn progress(&self) -> watch::Receiver<u64> {
        self.shared.done.subscribe()
    }
}

impl Shared {
    fn source(&self, dataset: &str) -> Option<&Source> {
        self.sources.iter().find(|s| s.pattern.id == dataset)
    }

    fn mark(&self, dataset: &str) {
        self.agenda().mark(dataset, Instant::now());
        self.wake.notify_one();
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the extract of a dataset up to date; then the dataset rests.
    async fn turn(&self, dataset: &str) {
        let began = Instant::now();
        match self.refresh(dataset).await {
            Ok(true) => self.agenda().made(dataset, Instant::now(), began.elapsed()),
            Ok(false) => {}
            // The last extract stays meanwhile; pushes and reads go on.
            Err(error) => {
                let rest = self.agenda().failed(dataset, Instant::now());
                tracing::error!(%dataset, %error, ?rest, "the extract could not be made; it is tried again");
            }
        }
        self.done.send_modify(|n| *n += 1);
    }

    /// Makes the newest version of a dataset; false when there is nothing to make.
    async fn refresh(&self, dataset: &str) -> Result<bool, ExtractError> {
        let Some(source) = self.source(dataset) else { return Ok(false) };
        let Some(newest) = &source.newest else { return Ok(false) };
        let snapshot = Arc::clone(&newest.borrow());
        let (version, Some(committed_at)) = (snapshot.dataset_version, snapshot.committed_at) else {
            return Ok(false);
        };
        if self.shelf.latest(dataset) == Some(version) {
            return Ok(false);
        }
        let view = TableView {
            pattern: Arc::clone(&source.pattern),
            snapshot,
            columns: source.pattern.columns.iter().map(|c| c.name.clone()).collect(),
            publisher: None,
        };
        let draft = self.shelf.draft(dataset, version).await?;
        let folder = draft.folder().to_path_buf();
        let made = match make::make(&self.engine, view, &folder).await {
            Ok(files) => self.shelf.publish(draft, committed_at, files).await,
            Err(error) => Err(error),
        };
        if made.is_err() {
            shelf::discard(folder).await;
        }
        made.map(|()| true)
    }
}

/// Makes one extract at a time.
async fn work(shared: Arc<Shared>) {
    loop {
        let next = shared.agenda().next(Instant::now());
        match next {
            Next::Make(dataset) => shared.turn(&dataset).await,
            Next::At(moment) => {
                tokio::select! {
                    () = tokio::time::sleep_until(moment) => {}
                    () = shared.wake.notified() => {}
                }
            }
            Next::Nothing => shared.wake.notified().await,
        }
    }
}

/// Marks a dataset after each commit.
async fn follow(shared: Arc<Shared>, dataset: String, mut newest: watch::Receiver<Arc<Snapshot>>) {
    while newest.changed().await.is_ok() {
        shared.mark(&dataset);
    }
}

#[cfg(test)]
mod tests;
