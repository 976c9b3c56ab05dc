//! What a reader sees of a table: its visible columns, and where each comes from. Of what is hidden nothing is in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use hub_datasets::Pattern;

use super::TableView;
use super::encode::plain_schema;
use super::lineage::Lineage;
use super::views::{self, Codes, View};
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
pub(super) enum Place {
    /// Index among the columns that are read from files.
    File(usize),
    Derived(Derived),
}

/// A table as a reader sees it, without its files.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    pub(super) dataset: String,
    /// Names of the table in a statement.
    pub(super) names: Vec<String>,
    /// Folder of the table below the root.
    pub(super) folder: String,
    /// Columns that may be read from files, as the table has them: visible ones, and those of the hub.
    pub(super) files: SchemaRef,
    /// Columns that are shown, in order.
    pub(super) schema: SchemaRef,
    pub(super) places: Vec<Place>,
    /// Only this publisher's rows; None: all.
    pub(super) publisher: Option<String>,
    /// Some files hold rows that the reader must not see.
    pub(super) mixed: bool,
    /// Visible rows of the permitted files. Hidden rows that share a file with them are not counted, so that
    /// neither the number nor a limit that is met tells of them.
    pub(super) rows: u64,
    /// What may be added in it.
    pub(super) lineage: Lineage,
    /// Its codes.
    pub(super) codes: Codes,
}

impl Visible {
    /// The pattern's visible columns in their order, then the hub's. `_seq` and `_period` never show.
    pub(super) fn of(view: &TableView) -> Self {
        let columns: BTreeSet<&str> =
            view.columns.iter().map(String::as_str).chain([PERIOD_END, PUBLISHER, SEQ]).collect();
        let stored = &view.snapshot.schema;
        let kept = stored.fields().iter().filter(|field| columns.contains(field.name().as_str()));
        let files = Schema::new(kept.map(Arc::clone).collect::<Vec<_>>());
        let named = view.pattern.columns.iter().map(|c| c.name.as_str()).filter(|n| columns.contains(n));
        let shown: Vec<usize> =
            named.chain([PERIOD_END, PUBLISHER]).filter_map(|name| files.index_of(name).ok()).collect();
        let (rows, mixed) = match &view.publisher {
            None => (view.snapshot.files.rows(), false),
            Some(publisher) => {
                view.snapshot.files.owned(publisher).fold((0, false), |(rows, mixed), owner| {
                    // Behind the rows of a partial file lie those of others, which its footer counts.
                    (rows + owner.rows, mixed | owner.mixed)
                })
            }
        };
        let (schema, places) = shown_columns(&files, &shown);
        Self {
            dataset: view.snapshot.dataset.clone(),
            names: table_names(&view.pattern),
            folder: view.snapshot.folder.clone(),
            files: Arc::new(files),
            schema,
            places,
            publisher: view.publisher.clone(),
            mixed,
            rows,
            lineage: Lineage::of(&view.pattern, |name| columns.contains(name)),
            codes: Codes::of(&view.pattern),
        }
    }

    /// The views of it that its reader may name.
    pub(super) fn views(&self, is_named: impl Fn(&str) -> bool) -> Vec<View> {
        let name = self.names.first().map(String::as_str).unwrap_or_default();
        views::views(name, &self.schema, &self.codes, self.publisher.is_none(), is_named)
    }

    /// True when the column lies in the files.
    pub(super) fn is_stored(&self, name: &str) -> bool {
        self.schema.index_of(name).is_ok_and(|i| matches!(self.places[i], Place::File(_)))
    }

    /// Indexes of the shown columns that lie in files.
    pub(super) fn shown(&self) -> Vec<usize> {
        let stored = |place: &Place| match place {
            Place::File(index) => Some(*index),
            Place::Derived(_) => None,
        };
        self.places.iter().filter_map(stored).collect()
    }
}

/// Names of a dataset's table in statements. Both mean the newest major until a pattern has a second one.
pub(crate) fn table_names(pattern: &Pattern) -> Vec<String> {
    vec![pattern.id.clone(), format!("{}_v{}", pattern.id, pattern.version.major)]
}

/// The columns that a reader sees, as they leave the hub.
pub(crate) fn shown_schema(view: &TableView) -> SchemaRef {
    plain_schema(&Visible::of(view).schema)
}

/// The views of a table with their columns, as they leave the hub.
pub(crate) fn view_schemas(view: &TableView, lists: &[(String, SchemaRef)]) -> Vec<(String, SchemaRef)> {
    let is_named =
        |list: &str| lists.iter().any(|(name, schema)| name == list && schema.index_of("nazwa").is_ok());
    let views = Visible::of(view).views(is_named).into_iter();
    views.map(|view| (view.name, plain_schema(&view.schema))).collect()
}

/// Columns of files by their indexes, then those that follow from `_seq`.
pub(super) fn shown_columns(files: &Schema, shown: &[usize]) -> (SchemaRef, Vec<Place>) {
    let stored = shown.iter().filter_map(|index| Some((*index, files.fields().get(*index)?)));
    let (mut places, mut fields): (Vec<Place>, Vec<Arc<Field>>) =
        stored.map(|(index, field)| (Place::File(index), Arc::clone(field))).unzip();
    for (name, derived) in [
        ("_submission", Derived::Submission),
        ("_revision", Derived::Revision),
        ("_committed_at", Derived::CommittedAt),
    ] {
        fields.push(Arc::new(Field::new(name, derived.data_type(), false)));
        places.push(Place::Derived(derived));
    }
    (Arc::new(Schema::new(fields)), places)
}
