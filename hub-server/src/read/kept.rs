//! Answers that are kept. The same statement over the same dataset versions, seen alike, has the same answer,
//! so one that is short is given again without planning or reading. Versions and view are part of the
//! key: a commit makes another key, and so does a permit that shows other rows or columns.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;

use super::recent::Recent;
use super::statements::Asked;
use super::{Answer, Chunks, VersionRef};
use crate::config::limits::{
    ANSWER_KEPT_BYTES, ANSWERS_KEPT, ANSWERS_KEPT_BYTES, STATEMENTS_KEPT, STATEMENTS_KEPT_BYTES,
};
use crate::query::{Description, RowChunk, RowFormat, TableView, Warning};

/// Memory of an entry beside its texts and rows.
const ENTRY_BYTES: usize = 512;
/// Of those, what the texts of a warning take.
const WARNING_ENTRIES: usize = 3;

/// All that an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    sql: String,
    parameters: Option<String>,
    format: RowFormat,
    seen: Vec<Seen>,
}

/// A dataset version as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Seen {
    dataset: String,
    version: u64,
    columns: Vec<String>,
    publisher: Option<String>,
}

impl Question {
    /// `views`: the datasets that the statement names.
    pub(super) fn of(asked: &Asked, format: RowFormat, views: &[TableView]) -> Self {
        let seen = |view: &TableView| Seen {
            dataset: view.pattern.id.clone(),
            version: view.snapshot.dataset_version,
            columns: view.columns.iter().cloned().collect(),
            publisher: view.publisher.clone(),
        };
        let Asked { sql, parameters } = asked.clone();
        Self { sql, parameters, format, seen: views.iter().map(seen).collect() }
    }

    fn bytes(&self) -> usize {
        let columns = |seen: &Seen| seen.columns.iter().map(|name| name.len() + 24).sum::<usize>();
        let values = self.parameters.as_ref().map_or(0, String::len);
        self.sql.len() + values + self.seen.iter().map(|seen| ENTRY_BYTES + columns(seen)).sum::<usize>()
    }
}

/// A whole answer.
#[derive(Debug)]
struct Whole {
    versions: Vec<VersionRef>,
    warnings: Vec<Warning>,
    chunks: Vec<RowChunk>,
}

/// Answers, and which tables statements name.
#[derive(Debug)]
pub(super) struct Kept {
    answers: Arc<Recent<Question, Arc<Whole>>>,
    /// Tables by the text of a statement.
    tables: Recent<String, Arc<[String]>>,
    /// What statements would give.
    descriptions: Recent<Question, Arc<Description>>,
}

impl Kept {
    pub(super) fn new() -> Self {
        Self {
            answers: Arc::new(Recent::new(ANSWERS_KEPT, ANSWERS_KEPT_BYTES)),
            tables: Recent::new(STATEMENTS_KEPT, STATEMENTS_KEPT_BYTES),
            descriptions: Recent::new(STATEMENTS_KEPT, STATEMENTS_KEPT_BYTES),
        }
    }

    pub(super) fn tables_of(&self, sql: &str) -> Option<Arc<[String]>> {
        self.tables.get(&sql.to_owned())
    }

    pub(super) fn keep_tables(&self, sql: &str, tables: &Arc<[String]>) {
        let bytes = sql.len() + tables.iter().map(|name| name.len() + 24).sum::<usize>() + ENTRY_BYTES;
        self.tables.put(sql.to_owned(), Arc::clone(tables), bytes);
    }

    pub(super) fn description(&self, question: &Question) -> Option<Arc<Description>> {
        self.descriptions.get(question)
    }

    pub(super) fn keep_description(&self, question: Question, of: Description) -> Arc<Description> {
        let told = ENTRY_BYTES * (1 + WARNING_ENTRIES * of.warnings.len());
        let bytes = question.bytes() + of.schema.len() + of.parameters.len() + told;
        let description = Arc::new(of);
        self.descriptions.put(question, Arc::clone(&description), bytes);
        description
    }

    /// The answer, if it is kept. Says how often that was so.
    pub(super) fn answer(&self, question: &Question) -> Option<(Vec<VersionRef>, Vec<Warning>, Chunks)> {
        let found = self.answers.get(question);
        let counts = self.answers.counts();
        tracing::debug!(
            kept = found.is_some(),
            answers_found = counts.found,
            answers_missed = counts.missed,
            answers_kept = counts.entries,
            answers_bytes = counts.bytes,
            "a statement"
        );
        let whole = found?;
        let (versions, warnings) = (whole.versions.clone(), whole.warnings.clone());
        let chunks = whole.chunks.clone();
        Some((versions, warnings, stream::iter(chunks.into_iter().map(Ok)).boxed()))
    }

    /// The same answer, which is kept once its last piece went by, if it is short.
    pub(super) fn keep(&self, question: Question, answer: Answer) -> Answer {
        let gathered = Gathered {
            answers: Arc::clone(&self.answers),
            question,
            versions: answer.versions.clone(),
            warnings: answer.warnings.clone(),
            chunks: Vec::new(),
            bytes: 0,
        };
        let chunks = answer.chunks;
        let passing = stream::unfold((chunks, Some(gathered)), |(mut chunks, gathered)| async move {
            let item = chunks.next().await?;
            let gathered = match (&item, gathered) {
                (Ok(chunk), Some(gathered)) => gathered.take(chunk),
                _ => None,
            };
            Some((item, (chunks, gathered)))
        });
        Answer { chunks: passing.boxed(), ..answer }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> super::recent::Counts {
        self.answers.counts()
    }
}

/// An answer on its way out, of which a copy is made.
struct Gathered {
    answers: Arc<Recent<Question, Arc<Whole>>>,
    question: Question,
    versions: Vec<VersionRef>,
    warnings: Vec<Warning>,
    chunks: Vec<RowChunk>,
    bytes: usize,
}

impl Gathered {
    /// Takes a piece; None once the answer is too long, or whole and kept.
    fn take(mut self, chunk: &RowChunk) -> Option<Self> {
        self.bytes += chunk.data.len() + size_of::<RowChunk>();
        if self.bytes > ANSWER_KEPT_BYTES {
            return None;
        }
        // A copy, because the piece may lie in a longer buffer.
        let data = Bytes::copy_from_slice(&chunk.data);
        self.chunks.push(RowChunk { data, rows: chunk.rows, complete: chunk.complete });
        if !chunk.complete {
            return Some(self);
        }
        let told = 1 + self.versions.len() + WARNING_ENTRIES * self.warnings.len();
        let bytes = self.bytes + self.question.bytes() + ENTRY_BYTES * told;
        let whole = Whole { versions: self.versions, warnings: self.warnings, chunks: self.chunks };
        self.answers.put(self.question, Arc::new(whole), bytes);
        None
    }
}
