//! Permits. Their fields are private and their constructors belong to `identity`, so holding one
//! proves that the question was asked and answered.

use std::collections::BTreeSet;

/// Leave to push one pattern for one publisher.
#[derive(Debug, Clone)]
pub(crate) struct PushPermit {
    caller: String,
    publisher: String,
    pattern: String,
}

impl PushPermit {
    pub(in crate::identity) fn new(caller: String, publisher: String, pattern: String) -> Self {
        Self { caller, publisher, pattern }
    }
    /// Organisation that calls; request ids are scoped to it.
    pub(crate) fn caller(&self) -> &str {
        &self.caller
    }
    pub(crate) fn publisher(&self) -> &str {
        &self.publisher
    }
    /// Id of the pattern, `rb28s`.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }
}

/// Leave to have a payload checked that nothing is kept of.
#[derive(Debug, Clone)]
pub(crate) struct CheckPermit(());

impl CheckPermit {
    pub(in crate::identity) fn new() -> Self {
        Self(())
    }
}

/// Leave to see and steer the submissions of one organisation.
#[derive(Debug, Clone)]
pub(crate) struct SubmissionsPermit {
    publisher: String,
}

impl SubmissionsPermit {
    pub(in crate::identity) fn new(publisher: String) -> Self {
        Self { publisher }
    }
    pub(crate) fn publisher(&self) -> &str {
        &self.publisher
    }
}

/// Leave to have back the bytes that one organisation sent.
#[derive(Debug, Clone)]
pub(crate) struct PayloadPermit {
    publisher: String,
}

impl PayloadPermit {
    pub(in crate::identity) fn new(publisher: String) -> Self {
        Self { publisher }
    }
    pub(crate) fn publisher(&self) -> &str {
        &self.publisher
    }
}

/// Which rows of a dataset a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    All,
    /// Those of one publisher.
    Of(String),
}

/// Leave to read a dataset: its visible columns and rows.
#[derive(Debug, Clone)]
pub(crate) struct ReadPermit {
    /// Organisation that reads; `open` for anyone.
    reader: String,
    dataset: String,
    columns: BTreeSet<String>,
    rows: Rows,
}

impl ReadPermit {
    pub(in crate::identity) fn new(
        reader: String,
        dataset: String,
        columns: BTreeSet<String>,
        rows: Rows,
    ) -> Self {
        Self { reader, dataset, columns, rows }
    }
    pub(crate) fn reader(&self) -> &str {
        &self.reader
    }
    pub(crate) fn dataset(&self) -> &str {
        &self.dataset
    }
    /// Visible columns of the pattern; the hub's `_…` columns are always visible.
    pub(crate) fn columns(&self) -> &BTreeSet<String> {
        &self.columns
    }
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }
    /// The one publisher whose rows are visible; None: those of all are.
    pub(crate) fn publisher(&self) -> Option<&str> {
        match &self.rows {
            Rows::All => None,
            Rows::Of(publisher) => Some(publisher),
        }
    }
}

/// Leave to be told of corrections of what an organisation took, and to say to that.
#[derive(Debug, Clone)]
pub(crate) struct NoticesPermit {
    reader: String,
    datasets: Vec<String>,
}

impl NoticesPermit {
    pub(in crate::identity) fn new(reader: String, datasets: Vec<String>) -> Self {
        Self { reader, datasets }
    }
    pub(crate) fn reader(&self) -> &str {
        &self.reader
    }
    /// Datasets of which it may be told.
    pub(crate) fn datasets(&self) -> &[String] {
        &self.datasets
    }
}

/// Leave to have news of datasets sent to an address, and to look after that.
#[derive(Debug, Clone)]
pub(crate) struct SubscriptionsPermit {
    organisation: String,
    named: Vec<String>,
    datasets: Vec<String>,
}

impl SubscriptionsPermit {
    pub(in crate::identity) fn new(organisation: String, named: Vec<String>, datasets: Vec<String>) -> Self {
        Self { organisation, named, datasets }
    }
    pub(crate) fn organisation(&self) -> &str {
        &self.organisation
    }
    /// Datasets that were asked for, ascending; none: all that may be read.
    pub(crate) fn named(&self) -> &[String] {
        &self.named
    }
    /// Those that are meant by that now.
    pub(crate) fn datasets(&self) -> &[String] {
        &self.datasets
    }
}

/// Permits for the tests of the rooms further down, which have no identity at hand.
#[cfg(test)]
pub(crate) mod for_tests {
    use super::{PayloadPermit, PushPermit, ReadPermit, Rows, SubmissionsPermit};

    pub(crate) fn push(publisher: &str, pattern: &str) -> PushPermit {
        PushPermit::new(publisher.to_owned(), publisher.to_owned(), pattern.to_owned())
    }

    pub(crate) fn submissions(publisher: &str) -> SubmissionsPermit {
        SubmissionsPermit::new(publisher.to_owned())
    }

    pub(crate) fn payloads(publisher: &str) -> PayloadPermit {
        PayloadPermit::new(publisher.to_owned())
    }

    pub(crate) fn read(reader: &str, dataset: &str, columns: &[&str], rows: Rows) -> ReadPermit {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        ReadPermit::new(reader.to_owned(), dataset.to_owned(), columns, rows)
    }
}
