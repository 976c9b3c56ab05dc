//! Code lists: versioned lists of allowed values, each also a queryable table.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;

use crate::pattern::{PatternError, Text};

mod derive;
mod load;
mod table;
pub mod territory;
#[cfg(test)]
mod tests;

/// One list with all its versions.
#[derive(Debug, Clone)]
pub struct CodeList {
    /// Table name: `terc`, `dzialy`, `rozdzialy`, `paragrafy_dochodow`, `paragrafy_wydatkow`, `grupy_wydatkow`.
    pub id: String,
    /// What the list holds, for people.
    pub title: Text,
    /// Who issues it, or where it was taken from.
    pub source: String,
    /// SHA-256 (hex) of the files that the list was read from; part of a pattern's bundle.
    pub sha256: String,
    /// Versions by first day of validity, oldest first. The oldest also serves days before it.
    pub versions: Vec<CodeListVersion>,
}

/// What a list held from one day on.
#[derive(Debug, Clone)]
pub struct CodeListVersion {
    /// First day of validity; it ends where the next version begins.
    pub valid_from: NaiveDate,
    /// All columns as Utf8; an empty cell is null.
    pub table: RecordBatch,
}

impl CodeList {
    /// The version valid on a day.
    ///
    /// # Panics
    /// Never for lists that were loaded: a list without versions is refused then.
    pub fn as_of(&self, day: NaiveDate) -> &CodeListVersion {
        let later = self.versions.partition_point(|v| v.valid_from <= day);
        &self.versions[later.saturating_sub(1)]
    }

    /// True when every version has a column.
    pub fn has_column(&self, name: &str) -> bool {
        self.versions.iter().all(|v| v.table.column_by_name(name).is_some())
    }
}

/// All lists that a program knows.
#[derive(Debug, Clone, Default)]
pub struct CodeLists {
    lists: Vec<Arc<CodeList>>,
}

impl CodeLists {
    /// The lists that are embedded in the program.
    pub fn embedded() -> Result<Self, PatternError> {
        Self::from_files(crate::pattern::embedded_files(&load::EMBEDDED))
    }

    /// Lists from (path, bytes) pairs of `<id>/list.yaml` and `<id>/<first day>.csv`, as `datasets/codelists` holds them.
    pub fn from_files<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, PatternError> {
        Ok(Self { lists: load::lists(files)?.into_iter().map(Arc::new).collect() })
    }

    /// The list of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<CodeList>> {
        self.lists.iter().find(|l| l.id == id)
    }

    /// All lists, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CodeList>> {
        self.lists.iter()
    }
}
