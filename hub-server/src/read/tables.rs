//! Tables that a statement may name, as a reader sees them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use hub_datasets::Pattern;

use super::{ReadError, Reads, organisations};
use crate::permit::ReadPermit;
use crate::query::{list_schemas, shown_schema, table_names, view_schemas};
use crate::store::AsOf;

/// A table that a statement may name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableInfo {
    pub(crate) name: String,
    pub(crate) schema: SchemaRef,
    /// Columns that tell its rows apart; none where the reader does not see them all.
    pub(crate) key: Vec<String>,
}

impl Reads {
    /// The tables of these permits with their views, code lists and `organisations`, by name. A dataset that cannot be read just now
    /// is left out.
    pub(crate) async fn tables(&self, permits: &[ReadPermit]) -> Result<Vec<TableInfo>, ReadError> {
        let mut tables = Vec::new();
        let lists = list_schemas(&self.lists)?;
        for permit in permits {
            let Ok(view) = self.view(permit, AsOf::Latest).await else { continue };
            let schema = shown_schema(&view);
            let key = key(&view.pattern, &schema);
            let table = |name| TableInfo { name, schema: Arc::clone(&schema), key: key.clone() };
            tables.extend(table_names(&view.pattern).into_iter().map(table));
            for (name, schema) in view_schemas(&view, &lists) {
                tables.push(TableInfo { name, schema, key: Vec::new() });
            }
        }
        for (name, schema) in
            lists.into_iter().chain([(organisations::TABLE.to_owned(), organisations::schema())])
        {
            tables.push(TableInfo { name, schema, key: Vec::new() });
        }
        // A dataset's own name wins over a list's.
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        tables.dedup_by(|later, first| later.name == first.name);
        Ok(tables)
    }
}

/// A report has each key once, and a publisher has one report of a period. Periods of several lengths may end on one
/// day, unless they are one period.
fn key(pattern: &Pattern, seen: &SchemaRef) -> Vec<String> {
    let period = &pattern.period;
    if pattern.key.is_empty() || !(period.cumulative || period.frequencies.len() == 1) {
        return Vec::new();
    }
    let mut key = vec!["_publisher".to_owned(), "_period_end".to_owned()];
    key.extend(pattern.key.iter().cloned());
    if key.iter().all(|column| seen.index_of(column).is_ok()) { key } else { Vec::new() }
}
