//! Files of which the hub knows: a worker asks for those of a scan, and keeps their entries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::common::{DataFusionError, Result};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::super::bounds::Bounds;
use super::super::source::{self, Choice, List, Origin, Source};
use super::line::parsed;
use super::wire::{Answer, Chosen, File, Question};
use crate::config::limits::QUERY_WORKER_FILES;
use crate::store::index::DataFile;

/// A question on its way to the hub.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) answer: oneshot::Sender<Bytes>,
}

pub(super) type Asker = mpsc::Sender<Asked>;

/// Entries of files by their paths, as they were told. A file whose blocks were compared need not be compared again.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<HashMap<String, Arc<DataFile>>>);

impl Files {
    /// The entries of files: those that are here already, when they are the same.
    fn take(&self, told: Vec<File>) -> Result<Vec<Arc<DataFile>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + told.len() > QUERY_WORKER_FILES {
            known.clear();
        }
        let entry = |file: File| {
            let entry = file.entry().map_err(|error| internal(&error))?;
            if let Some(same) = known.get(&entry.path).filter(|known| ***known == entry) {
                return Ok(Arc::clone(same));
            }
            let entry = Arc::new(entry);
            known.insert(entry.path.clone(), Arc::clone(&entry));
            Ok(entry)
        };
        told.into_iter().map(entry).collect()
    }
}

fn internal(error: &dyn std::fmt::Display) -> DataFusionError {
    DataFusionError::Internal(format!("the hub's answer about files: {error}"))
}

/// A table whose files the hub knows.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    /// Number of the table in the job.
    table: usize,
    asker: Asker,
    files: Arc<Files>,
}

impl Remote {
    pub(super) fn new(table: usize, asker: Asker, files: Arc<Files>) -> Self {
        Self { table, asker, files }
    }

    async fn ask(&self, question: Question) -> Result<Answer> {
        let gone = || internal(&"nobody wants it any more");
        let (sender, receiver) = oneshot::channel();
        self.asker.send(Asked { question, answer: sender }).await.map_err(|_| gone())?;
        let answer = receiver.await.map_err(|_| gone())?;
        match parsed(&answer).map_err(|error| internal(&error))? {
            Answer::Failed(error) => Err(DataFusionError::External(Box::new(error))),
            answer => Ok(answer),
        }
    }

    fn listed(&self, choice: usize, long: bool, told: Chosen) -> Result<source::Files> {
        let first = self.files.take(told.first)?;
        let list = Listed { of: self.clone(), choice, long, first };
        Ok(source::Files { known: told.known, list: Arc::new(list) })
    }
}

fn other() -> DataFusionError {
    internal(&"it answers another question")
}

impl Source for Remote {
    fn choose(&self, read: Vec<usize>, bounds: Bounds) -> BoxFuture<'_, Result<Choice>> {
        async move {
            match self.ask(Question::Choose { table: self.table, read, bounds }).await? {
                Answer::Chosen { choice, small, long } => Ok(Choice {
                    small: self.listed(choice, false, small)?,
                    long: self.listed(choice, true, long)?,
                }),
                _ => Err(other()),
            }
        }
        .boxed()
    }

    fn origins(&self, seqs: Vec<i64>) -> BoxFuture<'_, Result<Vec<Origin>>> {
        async move {
            match self.ask(Question::Origins { table: self.table, seqs }).await? {
                Answer::Origins(origins) => Ok(origins),
                _ => Err(other()),
            }
        }
        .boxed()
    }
}

/// Chosen files; their entries are asked for unless they were told at once.
#[derive(Debug)]
struct Listed {
    of: Remote,
    choice: usize,
    long: bool,
    first: Vec<Arc<DataFile>>,
}

impl List for Listed {
    fn page(&self, from: usize) -> BoxFuture<'_, Result<Vec<Arc<DataFile>>>> {
        async move {
            if let Some(told) = self.first.get(from..).filter(|told| !told.is_empty()) {
                return Ok(told.to_vec());
            }
            let question = Question::Page { choice: self.choice, long: self.long, from };
            match self.of.ask(question).await? {
                Answer::Page(files) => self.of.files.take(files),
                _ => Err(other()),
            }
        }
        .boxed()
    }
}
