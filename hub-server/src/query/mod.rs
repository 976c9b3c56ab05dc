//! SQL or a scan, bounded: plan → batches. The only room that names DataFusion.
//!
//! Scans are planned here: they run on the engine's own threads, and batches come back through a bounded channel, so
//! that neither planning nor computing holds up the doors. A statement of a caller runs apart, in a query worker
//! ([`Statements`]): the same engine in a process of its own, which asks for the files of each scan. Dropping rows
//! cancels their work.

mod allow;
mod apart;
mod bounds;
mod chosen;
mod derive;
pub(crate) mod encode;
mod engine;
mod error;
mod files;
mod guard;
mod limits;
mod lineage;
mod parameters;
mod policy;
mod prune;
mod session;
mod small;
mod source;
mod statement;
mod stream;
mod table;
mod traps;
mod views;
mod visible;
mod yielding;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;

use crate::store::Snapshot;
use hub_datasets::Pattern;

pub(crate) use allow::FUNCTIONS;
#[cfg(test)]
pub(crate) use apart::Rows;
pub(crate) use apart::{Asking, Begun, Description, Statements, work};
pub(crate) use encode::{RowChunk, RowFormat};
pub(crate) use engine::{Checked, Engine};
pub(crate) use error::QueryError;
pub(crate) use limits::QueryLimits;
pub(crate) use session::{CATALOG, SCHEMA};
pub(crate) use statement::list_schemas;
pub(crate) use traps::{Said, Warning};
pub(crate) use views::{is_view_of, names_organisations};
pub(crate) use visible::{shown_schema, table_names, view_schemas};

/// A table as one reader sees it at one dataset version.
#[derive(Debug, Clone)]
pub(crate) struct TableView {
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// Visible columns of the pattern.
    pub(crate) columns: BTreeSet<String>,
    /// Only this publisher's rows; None: all.
    pub(crate) publisher: Option<String>,
}

/// Rows on their way out.
pub(crate) struct RowStream {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    /// Datasets that the plan scans (SQL), so that the answer names their versions.
    pub(crate) datasets: Vec<String>,
    /// Visible rows that the chosen files hold, an upper bound.
    pub(crate) estimated_rows: u64,
    /// Traps of a statement.
    pub(crate) warnings: Vec<Warning>,
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("schema", &self.schema)
            .field("datasets", &self.datasets)
            .field("estimated_rows", &self.estimated_rows)
            .finish_non_exhaustive()
    }
}

/// One table's rows with columns and filter, in stable order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    /// Empty: all visible.
    pub(crate) columns: Vec<String>,
    pub(crate) filter: Option<String>,
    /// Columns by which rows are sorted, ascending, nulls first, text by its bytes; empty: their stable order.
    pub(crate) order: Vec<String>,
    /// Rows to skip.
    pub(crate) offset: u64,
    /// Only files at these places in the order of the index; None: all.
    pub(crate) files: Option<Range<usize>>,
    /// Which of how many runs of files; None: all of them.
    pub(crate) run: Option<(u32, u32)>,
}

#[cfg(test)]
pub(crate) mod tests;
