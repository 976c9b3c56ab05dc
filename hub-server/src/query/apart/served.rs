//! The hub's answers to a worker: which files may hold rows that the statement wants, of those that the permit shows.
//! Nothing else of a dataset is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::QueryError;
use super::super::bounds::Bounds;
use super::super::source::{Choice, Files, Here};
use super::wire::{Answer, Chosen, File, Question};
use crate::config::limits::{QUERY_FILES_TOLD, QUERY_FRAME_BYTES};
use crate::store::index::DataFile;

/// Choices of files that one statement may ask for; it has as many as it names tables.
const CHOICES_MAX: usize = 1_024;
/// Bytes of an entry in a message, beside the sums of its blocks.
const ENTRY_BYTES: usize = 512;
/// Bytes of a number in a message.
const SEQ_BYTES: usize = 21;

/// The tables of one statement, and the files that were chosen for it.
#[derive(Debug)]
pub(super) struct Served {
    tables: Vec<Arc<Here>>,
    choices: Vec<Choice>,
    /// Of each choice the table, and what its rows are within.
    asked: Vec<(usize, Bounds)>,
}

impl Served {
    pub(super) fn new(tables: Vec<Here>) -> Self {
        Self { tables: tables.into_iter().map(Arc::new).collect(), choices: Vec::new(), asked: Vec::new() }
    }

    pub(super) async fn answer(&mut self, question: Question) -> Answer {
        match self.told(question).await {
            Ok(answer) => answer,
            Err(error) => Answer::Failed(error),
        }
    }

    /// For each table the submissions that may have rows in the answer: those of the files that were chosen for it.
    pub(super) async fn behind(&self) -> Result<Vec<BTreeSet<i64>>, QueryError> {
        let mut behind = vec![BTreeSet::new(); self.tables.len()];
        for ((table, bounds), choice) in self.asked.iter().zip(&self.choices) {
            let Some((here, behind)) = self.tables.get(*table).zip(behind.get_mut(*table)) else { continue };
            for files in [&choice.small, &choice.long] {
                behind.extend(here.seqs_in(&files.all(0..files.known.files).await?, bounds));
            }
        }
        Ok(behind)
    }

    async fn told(&mut self, question: Question) -> Result<Answer, QueryError> {
        let unknown = || QueryError::internal(&"a worker asks for what it was not told of");
        match question {
            Question::Choose { table, read, bounds } => {
                let here = self.tables.get(table).ok_or_else(unknown)?;
                if self.choices.len() >= CHOICES_MAX {
                    return Err(QueryError::internal(&"a worker has files chosen without end"));
                }
                let choice = choose(Arc::clone(here), read, bounds.clone()).await?;
                self.asked.push((table, bounds));
                let (small, long) = (chosen(&choice.small).await?, chosen(&choice.long).await?);
                self.choices.push(choice);
                Ok(Answer::Chosen { choice: self.choices.len() - 1, small, long })
            }
            Question::Page { choice, long, from } => {
                let choice = self.choices.get(choice).ok_or_else(unknown)?;
                Ok(Answer::Page(page(if long { &choice.long } else { &choice.small }, from).await?))
            }
            Question::Origins { table, seqs } => {
                let table = self.tables.get(table).ok_or_else(unknown)?;
                Ok(Answer::Origins(table.find(&seqs)))
            }
        }
    }
}

/// Chooses at once among few files, and beside the doors among many.
async fn choose(table: Arc<Here>, read: Vec<usize>, bounds: Bounds) -> Result<Choice, QueryError> {
    if table.is_short() {
        return Ok(table.pick(&read, &bounds)?);
    }
    let chosen = tokio::task::spawn_blocking(move || table.pick(&read, &bounds)).await;
    Ok(chosen.map_err(|lost| QueryError::internal(&lost))??)
}

async fn chosen(files: &Files) -> Result<Chosen, QueryError> {
    let few = (1..=QUERY_FILES_TOLD).contains(&files.known.files);
    let first = if few { page(files, 0).await? } else { Vec::new() };
    Ok(Chosen { known: files.known.clone(), first })
}

/// Entries from a place on, as many as a message holds.
async fn page(files: &Files, from: usize) -> Result<Vec<File>, QueryError> {
    let mut left = QUERY_FRAME_BYTES / 2;
    let mut fits = |file: &&Arc<DataFile>| {
        let seqs = if file.partial { file.seqs.len() * SEQ_BYTES } else { 0 };
        let bytes = ENTRY_BYTES + file.blocks.listed_bytes() + seqs;
        let fits = left == QUERY_FRAME_BYTES / 2 || bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    };
    let page = files.list.page(from).await?;
    Ok(page.iter().take_while(|file| fits(file)).map(File::from).collect())
}
