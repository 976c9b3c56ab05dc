//! What a reader sees of a table: its visible columns, and where each comes from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::TableView;
pub(super) use crate::store::index::{PERIOD_END, PUBLISHER};

pub(super) const SEQ: &str = "_seq";

/// A column that is shown but not stored: it follows from `_seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Derived {
    Submission,
    Revision,
    CommittedAt,
}

impl Derived {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Submission => DataType::Utf8,
            Self::Revision => DataType::Int64,
            Self::CommittedAt => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// Where a visible column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Index in the schema of the files.
    File(usize),
    Derived(Derived),
}

/// The visible columns of a view, in order.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    pub(super) schema: SchemaRef,
    pub(super) sources: Vec<Source>,
}

impl Visible {
    /// The pattern's visible columns in their order, then the hub's. `_seq` and `_period` never show.
    pub(super) fn of(view: &TableView) -> Self {
        let files = &view.snapshot.schema;
        let mut fields = Vec::new();
        let mut sources = Vec::new();
        let named =
            view.pattern.columns.iter().map(|c| c.name.as_str()).filter(|n| view.columns.contains(*n));
        for name in named.chain([PERIOD_END, PUBLISHER]) {
            if let Ok(index) = files.index_of(name) {
                fields.push(Arc::clone(&files.fields()[index]));
                sources.push(Source::File(index));
            }
        }
        for (name, derived) in [
            ("_submission", Derived::Submission),
            ("_revision", Derived::Revision),
            ("_committed_at", Derived::CommittedAt),
        ] {
            fields.push(Arc::new(Field::new(name, derived.data_type(), false)));
            sources.push(Source::Derived(derived));
        }
        Self { schema: Arc::new(Schema::new(fields)), sources }
    }

    /// True when the column lies in the files.
    pub(super) fn is_stored(&self, name: &str) -> bool {
        self.schema.index_of(name).is_ok_and(|i| matches!(self.sources[i], Source::File(_)))
    }
}
