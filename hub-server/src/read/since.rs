//! What changed in a dataset behind a cursor: page by page, each of whole dataset versions, with the rows as they were
//! and as they are. Only files that left or came with a commit are read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use hub_datasets::Pattern;
use hub_datasets::diff::{Beside, CHANGE_TYPE, DELETE, Differ, ERASE, INSERT};

use super::changes::Comparing;
use super::{Chunks, ReadError, Reads, chunks_of};
use crate::config::limits::{CHANGES_REVISIONS, CHANGES_ROWS, CHANGES_VERSIONS};
use crate::permit::ReadPermit;
use crate::query::{Engine, QueryError, RowFormat, RowStream, Scan, TableView};
use crate::store::{self, AsOf, Changed, ChangesBound, ChangesSince, Cursor, Revised, Snapshot, revised};

/// Column with the dataset version that made a change.
const DATASET_VERSION: &str = "_dataset_version";
const SUBMISSION: &str = "_submission";
const PUBLISHER: &str = "_publisher";
/// Columns of the hub that always go along: those that tell whose rows they are, and those that tell by which submission.
const OWN: [&str; 2] = ["_period_end", PUBLISHER];
const SENT: [&str; 3] = [SUBMISSION, "_revision", "_committed_at"];

const BOUND: ChangesBound =
    ChangesBound { versions: CHANGES_VERSIONS, rows: CHANGES_ROWS, submissions: CHANGES_REVISIONS };

/// Which changes are asked for.
#[derive(Debug, Clone)]
pub(crate) struct SinceRequest {
    /// As it was given; empty: from the first version on.
    pub(crate) cursor: String,
    /// Of the pattern; empty: all visible ones.
    pub(crate) columns: Vec<String>,
    pub(crate) filter: Option<String>,
    pub(crate) format: RowFormat,
    /// Rows that were only sent again are left out.
    pub(crate) values_only: bool,
}

/// A page of changes.
pub(crate) struct SincePage {
    pub(crate) since_version: u64,
    /// Where the page ends.
    pub(crate) cursor: Cursor,
    /// Names of its columns, the change's own left out.
    pub(crate) columns: Vec<String>,
    /// When the last version of it was committed; None: nothing changed.
    pub(crate) committed_at: Option<DateTime<Utc>>,
    pub(crate) more: bool,
    pub(crate) revisions: Vec<Revised>,
    pub(crate) chunks: Chunks,
}

impl Reads {
    /// A page of what changed behind a cursor.
    pub(crate) async fn changes_since(
        &self,
        permit: &ReadPermit,
        request: SinceRequest,
    ) -> Result<SincePage, ReadError> {
        let since: Cursor = request.cursor.parse().map_err(|_| ReadError::CursorUnreadable)?;
        self.snapshots.readable(permit.dataset()).await?;
        let view = self.view(permit, AsOf::Latest).await?;
        let shape = self.shape(&view, &request).await?;
        let ChangesSince { changes, cursor, more } = self.changes_of(permit.dataset(), since.clone()).await?;
        let revisions = changes.iter().flat_map(|change| revised(&change.made, permit.publisher()));
        let revisions = revisions.take(CHANGES_REVISIONS).collect();
        let parts = changes.iter().flat_map(|change| change.before.iter().chain(&change.after));
        let held: Vec<Arc<Snapshot>> = parts.map(Arc::clone).collect();
        let committed_at = changes.last().map(|change| change.made.committed_at);
        let columns = shape.beside.columns.clone();
        let (schema, datasets) = (Arc::clone(&shape.schema), vec![view.pattern.id.clone()]);
        let of = Of { engine: Arc::clone(&self.engine), view, shape };
        let each = stream::iter(changes).then(move |change| of.clone().rows(change));
        let batches = each.try_flatten().boxed();
        let rows = RowStream { schema, batches, datasets, estimated_rows: 0, warnings: Vec::new() };
        let chunks = chunks_of(self.engine.encode(rows, request.format, 0)?, held);
        let since_version = since.version;
        Ok(SincePage { since_version, cursor, columns, committed_at, more, revisions, chunks })
    }

    /// Where a dataset version stands.
    pub(super) async fn cursor_at(&self, dataset: &str, version: u64) -> Result<Cursor, ReadError> {
        let (snapshots, wanted) = (Arc::clone(&self.snapshots), dataset.to_owned());
        let cursor = store::blocking(move || snapshots.cursor(&wanted, version)).await?;
        cursor.ok_or_else(|| ReadError::DatasetUnknown(dataset.to_owned()))
    }

    async fn changes_of(&self, dataset: &str, since: Cursor) -> Result<ChangesSince, ReadError> {
        let (snapshots, wanted) = (Arc::clone(&self.snapshots), dataset.to_owned());
        let found = store::blocking(move || snapshots.changes(&wanted, &since, BOUND)).await?;
        found.ok_or_else(|| ReadError::DatasetUnknown(dataset.to_owned()))
    }

    /// What the rows of changes look like; refuses at once what could not be read.
    async fn shape(&self, view: &TableView, request: &SinceRequest) -> Result<Shape, ReadError> {
        let (columns, key) = (columns_of(view, &request.columns), key_of(view));
        let nothing = TableView { snapshot: Arc::new(view.snapshot.bare()), ..view.clone() };
        let filter = request.filter.clone();
        let scan = Scan { columns: columns.clone(), filter: filter.clone(), ..Scan::default() };
        let rows = self.engine.scan(nothing, scan).await?;
        let own = [(CHANGE_TYPE, DataType::Utf8), (DATASET_VERSION, DataType::Int64)];
        let own = own.map(|(name, kind)| Arc::new(Field::new(name, kind, false)));
        // Of a row that says what was erased nothing else is known.
        let fields =
            rows.schema.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        let schema = Arc::new(Schema::new(own.into_iter().chain(fields).collect::<Vec<_>>()));
        let by_values = |name: &&String| !request.values_only || !SENT.contains(&name.as_str());
        let content = columns.iter().filter(by_values).cloned().collect();
        let key = if key.is_empty() { columns.clone() } else { key };
        Ok(Shape { schema, beside: Beside { columns, key, content }, filter })
    }
}

/// Columns of changes: those asked for, those by which a row is found again, and the hub's.
fn columns_of(view: &TableView, asked: &[String]) -> Vec<String> {
    let pattern = view.pattern.columns.iter().map(|column| &column.name);
    let mut columns: Vec<String> = match asked {
        [] => pattern.filter(|name| view.columns.contains(*name)).cloned().collect(),
        asked => asked.to_vec(),
    };
    // In the order in which a read session has them.
    let key = key_of(view).into_iter().filter(|name| !OWN.contains(&name.as_str()));
    let own = OWN.iter().chain(&SENT).map(|name| (*name).to_owned());
    for name in key.chain(own) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}

/// By which columns rows of a dataset are found again; none: a part of the key is hidden, or there is no key.
fn key_of(view: &TableView) -> Vec<String> {
    let pattern: &Pattern = &view.pattern;
    let label = (!pattern.period.cumulative).then(|| "okres".to_owned());
    let label = label.filter(|name| pattern.columns.iter().any(|column| column.name == *name));
    let key: Vec<String> = label.into_iter().chain(pattern.key.iter().cloned()).collect();
    match pattern.key.is_empty() || key.iter().any(|name| !view.columns.contains(name)) {
        true => Vec::new(),
        false => OWN.iter().rev().map(|name| (*name).to_owned()).chain(key).collect(),
    }
}

/// What rows of changes look like.
#[derive(Debug, Clone)]
struct Shape {
    schema: SchemaRef,
    beside: Beside,
    filter: Option<String>,
}

type Batches = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// What the changes are of.
#[derive(Debug, Clone)]
struct Of {
    engine: Arc<Engine>,
    view: TableView,
    shape: Shape,
}

impl Of {
    /// The changes of one version.
    async fn rows(self, change: Changed) -> Result<Batches, QueryError> {
        let version =
            i64::try_from(change.made.cursor.version).map_err(|error| QueryError::internal(&error))?;
        let schema = Arc::clone(&self.shape.schema);
        let told = move |kind: Option<&'static str>, batch: &RecordBatch| {
            told(&schema, version, kind, batch).map_err(|error| QueryError::internal(&error))
        };
        if let Some(erasure) = &change.made.erasure {
            let seen = self.view.publisher.as_ref().is_none_or(|own| *own == erasure.publisher);
            let row =
                seen.then(|| erased(&self.shape.schema, version, &erasure.submission, &erasure.publisher));
            let row = row.transpose().map_err(|error| QueryError::internal(&error))?;
            return Ok(stream::iter(row.map(Ok)).boxed());
        }
        let has_both = change.before.is_some() && change.after.is_some();
        let before = self.side(change.before, has_both).await?;
        let after = self.side(change.after, has_both).await?;
        let (before, after) = match (before, after) {
            (None, None) => return Ok(stream::empty().boxed()),
            (None, Some(after)) => {
                return Ok(after.batches.map(move |batch| told(Some(INSERT), &batch?)).boxed());
            }
            (Some(before), None) => {
                return Ok(before.batches.map(move |batch| told(Some(DELETE), &batch?)).boxed());
            }
            (Some(before), Some(after)) => (before, after),
        };
        let differ = Differ::of(self.shape.beside.clone(), &after.schema);
        let differ = differ.map_err(|error| QueryError::internal(&error))?;
        let counts = Arc::default();
        let comparing =
            Comparing { differ, slice: None, before: before.batches, after: after.batches, counts };
        let changes = stream::try_unfold(comparing, Comparing::next);
        Ok(changes.map(move |batch| told(None, &batch?)).boxed())
    }

    /// The rows of the files of a side; None: the reader sees none of them.
    async fn side(
        &self,
        part: Option<Arc<Snapshot>>,
        ordered: bool,
    ) -> Result<Option<RowStream>, QueryError> {
        let seen = |part: &Arc<Snapshot>| match &self.view.publisher {
            Some(own) => part.files.owned(own).next().is_some(),
            None => true,
        };
        let Some(snapshot) = part.filter(seen) else { return Ok(None) };
        let view = TableView { snapshot, ..self.view.clone() };
        let Beside { columns, key, .. } = &self.shape.beside;
        let order = if ordered { key.clone() } else { Vec::new() };
        let scan =
            Scan { columns: columns.clone(), filter: self.shape.filter.clone(), order, ..Scan::default() };
        self.engine.scan(view, scan).await.map(Some)
    }
}

/// Rows with what happened to them; the kind stands in the first column already, if it is None.
fn told(
    schema: &SchemaRef,
    version: i64,
    kind: Option<&'static str>,
    batch: &RecordBatch,
) -> Result<RecordBatch, ArrowError> {
    let (rows, mut columns) = (batch.num_rows(), batch.columns().to_vec());
    let kinds: ArrayRef = match kind {
        Some(kind) => Arc::new(StringArray::from(vec![kind; rows])),
        None => columns.remove(0),
    };
    let versions: ArrayRef = Arc::new(Int64Array::from(vec![version; rows]));
    RecordBatch::try_new(Arc::clone(schema), [kinds, versions].into_iter().chain(columns).collect())
}

/// The row that says that a submission was erased.
fn erased(
    schema: &SchemaRef,
    version: i64,
    submission: &str,
    publisher: &str,
) -> Result<RecordBatch, ArrowError> {
    let column = |field: &Arc<Field>| -> ArrayRef {
        match field.name().as_str() {
            CHANGE_TYPE => Arc::new(StringArray::from(vec![ERASE])),
            DATASET_VERSION => Arc::new(Int64Array::from(vec![version])),
            SUBMISSION => Arc::new(StringArray::from(vec![submission])),
            PUBLISHER => Arc::new(StringArray::from(vec![publisher])),
            _ => new_null_array(field.data_type(), 1),
        }
    };
    RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_is_a_row_of_its_own() {
        let field = |name: &str, kind| Field::new(name, kind, true);
        let schema = Arc::new(Schema::new(vec![
            field(CHANGE_TYPE, DataType::Utf8),
            field(DATASET_VERSION, DataType::Int64),
            field("plan", DataType::Decimal128(12, 2)),
            field(PUBLISHER, DataType::Utf8),
            field(SUBMISSION, DataType::Utf8),
        ]));
        let row = erased(&schema, 7, "s", "gmina-100201").unwrap();
        let cells = crate::query::tests::fixture::text(&[row]);
        assert_eq!(cells, ["erase|7||gmina-100201|s"]);
    }
}
