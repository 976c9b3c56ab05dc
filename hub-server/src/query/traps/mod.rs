//! Looks through a statement for traps: sums of what is not to be added. Each aggregate is traced back to the columns
//! of tables that it adds, and to what filters, joins and groups say of their periods and of how often a row is there.
//! What cannot be traced is not warned of (decision 0091).

mod book;
mod domain;
mod facts;
mod filters;
mod judge;
mod means;
mod relation;
mod say;
mod values;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::record_batch::RecordBatch;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use super::limits::WARNINGS_MAX;
use super::lineage::Lineage;
use book::{Book, Kind};
use relation::{Relation, Term};

pub(crate) use say::{Said, Warning};

/// The tables of a statement by their names.
#[derive(Debug, Default)]
pub(super) struct Tables<'a>(BTreeMap<String, Kind<'a>>);

impl<'a> Tables<'a> {
    pub(super) fn dataset(&mut self, name: &str, dataset: &'a str, lineage: &'a Lineage) {
        self.0.insert(name.to_owned(), Kind::Dataset(dataset, lineage));
    }

    pub(super) fn list(&mut self, name: &str, rows: &'a RecordBatch) {
        self.0.entry(name.to_owned()).or_insert(Kind::Reference(rows));
    }
}

/// The traps of a plan, in the order in which they are met.
pub(super) fn find(plan: &LogicalPlan, tables: &Tables<'_>, state: &SessionState) -> Vec<Warning> {
    let mut walker = Walker {
        book: Book::new(state),
        tables: &tables.0,
        walked: HashMap::new(),
        means: Vec::new(),
        found: Vec::new(),
    };
    walker.rows_of(plan);
    walker.found.truncate(WARNINGS_MAX);
    walker.found
}

struct Walker<'a> {
    book: Book<'a>,
    tables: &'a BTreeMap<String, Kind<'a>>,
    /// What is known of the rows of plans, by their places in memory.
    walked: HashMap<usize, Relation>,
    /// Sums that are means in the projection above, from the outermost in.
    means: Vec<BTreeSet<String>>,
    found: Vec<Warning>,
}

impl Walker<'_> {
    /// The amounts that a column of a table is.
    fn amounts(&self, of: facts::Use, column: &str, row: facts::Attr) -> Option<Vec<Term>> {
        let Some(lineage) = self.book.lineage(of) else { return Some(Vec::new()) };
        let added = lineage.added(column)?;
        let measure = relation::Measure { of, column: column.to_owned(), added, row };
        Some(vec![Term { measure, facts: facts::Facts::default() }])
    }
}
