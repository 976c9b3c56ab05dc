//! A statement of a caller: parsed, planned and run, in a worker alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::datasource::ViewTable;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
pub(super) use datafusion::sql::parser::Statement as Parsed;
use futures::StreamExt as _;
use hub_datasets::CodeLists;
use hub_datasets::codelist::territory;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::encode::plain_schema;
use super::engine::{Planned, Started};
use super::session::{Purpose, Session};
use super::table::HubTable;
use super::{Engine, QueryError, QueryLimits, RowStream, Warning, allow, guard, parameters, session, traps};
use crate::fault;

/// A SELECT with all that it may see.
pub(super) struct Statement {
    pub(super) sql: String,
    /// The text as it was parsed, if it was.
    pub(super) parsed: Option<Parsed>,
    /// Values of its parameters, an Arrow stream of one row.
    pub(super) parameters: Option<Bytes>,
    pub(super) tables: Vec<Arc<HubTable>>,
    /// Names of tables that the statement does not name; one of them may be what was meant.
    pub(super) others: Vec<String>,
    /// Code lists, and the table that came with the statement.
    pub(super) lists: Arc<[List]>,
    pub(super) with: Option<List>,
    /// True beside others that keep all threads busy.
    pub(super) one_of_many: bool,
    pub(super) running: Arc<Running>,
}

/// Held by whatever works on a statement. When the last holder lets go, the statement has ended.
#[derive(Debug)]
pub(super) struct Running {
    _ended: oneshot::Sender<()>,
}

impl Running {
    /// With what is woken at the end.
    pub(super) fn new() -> (Arc<Self>, oneshot::Receiver<()>) {
        let (ended, end) = oneshot::channel();
        (Arc::new(Self { _ended: ended }), end)
    }
}

impl Engine {
    /// The rows of a SELECT; code lists are tables too.
    pub(super) async fn sql(&self, statement: Statement) -> Result<RowStream, QueryError> {
        let purpose = if statement.one_of_many { Purpose::OneOfMany } else { Purpose::Statement };
        let mut session = session::session(&self.environment, purpose)?;
        let running = Arc::clone(&statement.running);
        session.hold(Arc::clone(&running));
        let limits = self.limits.clone();
        let mut rows = self.start(Some(limits.rows), move || statement.plan(session, limits)).await?;
        // Who encodes the rows works on the statement too.
        let passing = move |_: &_| {
            let _held = &running;
            fault::point("statement.batch");
        };
        rows.batches = rows.batches.inspect(passing).boxed();
        Ok(rows)
    }

    /// What a SELECT would give, without running it. Parameters need not be bound.
    pub(super) async fn describe(&self, statement: Statement) -> Result<Outline, QueryError> {
        let mut session = session::session(&self.environment, Purpose::Statement)?;
        session.hold(Arc::clone(&statement.running));
        let limits = self.limits.clone();
        let task = self.handle()?.spawn(async move { statement.outline(session, limits).await });
        AbortOnDropHandle::new(task).await.map_err(|e| QueryError::internal(&e))?
    }

    /// A statement parsed, and the tables that it names. Its text may be hostile, so that it is parsed on the
    /// engine's threads too.
    pub(super) async fn parse(&self, sql: &str) -> Result<(Parsed, Vec<String>), QueryError> {
        let (sql, limits) = (sql.to_owned(), self.limits.clone());
        let task = self.handle()?.spawn(async move {
            let parsed = guard::parse_query(&sql, &limits)?;
            let names = session::references(&parsed)?.iter().map(|r| r.table().to_owned()).collect();
            Ok((parsed, names))
        });
        AbortOnDropHandle::new(task).await.map_err(|e| QueryError::internal(&e))?
    }
}

impl Statement {
    /// Refuses names that are not there, and gives the session those that the statement names.
    async fn register(
        &self,
        session: &Session,
        parsed: &Parsed,
        limits: &QueryLimits,
    ) -> Result<(), QueryError> {
        let named = session::references(parsed)?;
        let mut wanted: BTreeSet<String> = named.iter().map(|name| name.table().to_owned()).collect();
        let is_named = |list: &str| self.lists.iter().any(|known| known.name == list && known.has_names());
        let mut names = self.others.clone();
        let mut views = Vec::new();
        for table in &self.tables {
            names.extend(table.visible().names.iter().cloned());
            for view in table.visible().views(is_named) {
                names.push(view.name.clone());
                if wanted.contains(&view.name) {
                    wanted.extend(view.tables.iter().chain(table.visible().names.first()).cloned());
                    views.push(view);
                }
            }
        }
        for table in &self.tables {
            for name in table.visible().names.iter().filter(|name| wanted.contains(*name)) {
                session.register(name, Arc::clone(table) as Arc<dyn TableProvider>)?;
            }
        }
        for list in self.lists.iter().chain(&self.with) {
            // A dataset's own name wins over a list's.
            if !names.contains(&list.name) {
                names.push(list.name.clone());
                if wanted.contains(&list.name) {
                    session.register(&list.name, Arc::clone(&list.table))?;
                }
            }
        }
        for view in views {
            let plan = session.state.statement_to_plan(guard::parse_query(&view.sql, limits)?).await?;
            session.register(&view.name, Arc::new(ViewTable::new(plan, Some(view.sql))))?;
        }
        session::check_names(&session.state, parsed, &names)
    }

    /// Parsed, planned, bound and checked.
    async fn checked(&mut self, session: &Session, limits: &QueryLimits) -> Result<Checked, QueryError> {
        let parsed = match self.parsed.take() {
            Some(parsed) => parsed,
            None => guard::parse_query(&self.sql, limits)?,
        };
        self.register(session, &parsed, limits).await?;
        let mut logical = session.state.statement_to_plan(parsed).await?;
        let parameters = parameters::schema(&logical)?;
        if let Some(values) = &self.parameters {
            logical = parameters::bind(logical, &parameters, values)?;
        }
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&logical)
            .map_err(|_| QueryError::NotAllowed("only SELECT is allowed".to_owned()))?;
        let used = allow::check_plan(&logical)?;
        let tables = self.tables.iter().map(|table| table.visible());
        let scanned: Vec<_> =
            tables.filter(|table| table.names.iter().any(|name| used.tables.contains(name))).collect();
        let estimated_rows: u64 = scanned.iter().map(|table| table.rows).sum();
        if used.window && estimated_rows > limits.window_rows {
            return Err(QueryError::Limit(format!(
                "window functions work on tables of at most {} rows; aggregate first",
                limits.window_rows
            )));
        }
        let datasets = scanned.iter().map(|table| table.dataset.clone()).collect();
        let warnings = traps::find(&logical, &self.traced(), &session.state);
        let head = Started { schema: Arc::new(Schema::empty()), datasets, estimated_rows, warnings };
        Ok(Checked { logical, parameters, head })
    }

    /// The tables of the statement, for tracing what it adds.
    fn traced(&self) -> traps::Tables<'_> {
        let mut tables = traps::Tables::default();
        for table in &self.tables {
            let visible = table.visible();
            visible.names.iter().for_each(|name| tables.dataset(name, &visible.dataset, &visible.lineage));
        }
        for list in self.lists.iter().chain(&self.with) {
            tables.list(&list.name, &list.rows);
        }
        tables
    }

    async fn plan(mut self, session: Session, limits: QueryLimits) -> Result<Planned, QueryError> {
        fault::point("statement.plan");
        let Checked { logical, parameters, head } = self.checked(&session, &limits).await?;
        if self.parameters.is_none() && !parameters.fields().is_empty() {
            return Err(QueryError::invalid(format!(
                "the statement has {} parameters, and no values were bound",
                parameters.fields().len()
            )));
        }
        let plan = session.state.create_physical_plan(&logical).await.map_err(QueryError::of_planning)?;
        Ok(Planned { plan, task: session.task(), head })
    }

    async fn outline(mut self, session: Session, limits: QueryLimits) -> Result<Outline, QueryError> {
        let Checked { logical, parameters, head } = self.checked(&session, &limits).await?;
        let unbound = if self.parameters.is_some() { 0 } else { parameters.fields().len() };
        let schema = match unbound {
            // What leaves has the schema of the physical plan, to the last flag.
            0 => {
                let plan = session.state.create_physical_plan(&logical).await;
                plan.map_err(QueryError::of_planning)?.schema()
            }
            _ => Arc::clone(logical.schema().inner()),
        };
        let columns = columns_of_a_table(&logical);
        let Started { datasets, warnings, .. } = head;
        Ok(Outline { schema, parameters, unbound, datasets, columns, warnings })
    }
}

/// A plan that may run.
struct Checked {
    logical: LogicalPlan,
    /// What may be bound to its placeholders.
    parameters: SchemaRef,
    head: Started,
}

/// What a statement would give.
pub(super) struct Outline {
    pub(super) schema: SchemaRef,
    pub(super) parameters: SchemaRef,
    /// Parameters to which no value was bound.
    pub(super) unbound: usize,
    pub(super) datasets: Vec<String>,
    /// Set when it reads columns of one table and does nothing else.
    pub(super) columns: Option<Vec<String>>,
    pub(super) warnings: Vec<Warning>,
}

/// Columns of a plan that is a table with some of its columns.
fn columns_of_a_table(plan: &LogicalPlan) -> Option<Vec<String>> {
    let LogicalPlan::Projection(projection) = plan else { return None };
    let LogicalPlan::TableScan(scan) = projection.input.as_ref() else { return None };
    let column = |expr: &Expr| match expr {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    };
    let plain = scan.filters.is_empty() && scan.fetch.is_none();
    if plain { projection.expr.iter().map(column).collect() } else { None }
}

/// A small table that is there whole.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) rows: RecordBatch,
    pub(super) table: Arc<dyn TableProvider>,
}

impl List {
    pub(super) fn new(name: String, rows: RecordBatch) -> Result<Self, QueryError> {
        let table = Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?);
        Ok(Self { name, rows, table })
    }

    /// Has it names beside its codes?
    fn has_names(&self) -> bool {
        self.rows.column_by_name("nazwa").is_some()
    }
}

/// Each list as a table in its newest version; one of several versions also as `<list>_versions`,
/// each row with the day from which its version is valid; and the tables of units and of what became of them.
pub(super) fn list_tables(lists: &CodeLists) -> Result<Vec<List>, QueryError> {
    let mut tables = Vec::new();
    for (name, rows) in territory::tables(lists).map_err(|e| QueryError::internal(&e))? {
        tables.push(List::new(name, rows)?);
    }
    for list in lists.iter().filter(|list| list.id != territory::CHANGES) {
        let Some(newest) = list.versions.last() else { continue };
        tables.push(List::new(list.id.clone(), newest.table.clone())?);
        if list.versions.len() > 1 {
            let dated: Result<Vec<RecordBatch>, QueryError> =
                list.versions.iter().map(with_valid_from).collect();
            let dated = dated?;
            if let Some(first) = dated.first() {
                let schema = first.schema();
                // Versions with other columns than the oldest cannot stand in one table.
                let same: Vec<&RecordBatch> = dated.iter().filter(|b| b.schema() == schema).collect();
                let rows = concat_batches(&schema, same).map_err(|e| QueryError::internal(&e))?;
                tables.push(List::new(format!("{}_versions", list.id), rows)?);
            }
        }
    }
    Ok(tables)
}

/// The tables of code lists with their columns, by name.
pub(crate) fn list_schemas(lists: &CodeLists) -> Result<Vec<(String, SchemaRef)>, QueryError> {
    let tables = list_tables(lists)?.into_iter();
    Ok(tables.map(|list| (list.name, plain_schema(&list.rows.schema()))).collect())
}

fn with_valid_from(version: &hub_datasets::codelist::CodeListVersion) -> Result<RecordBatch, QueryError> {
    let days = version.valid_from.signed_duration_since(chrono::NaiveDate::default()).num_days();
    let day = i32::try_from(days).map_err(|e| QueryError::internal(&e))?;
    let mut fields: Vec<Arc<Field>> = version.table.schema().fields().iter().map(Arc::clone).collect();
    fields.push(Arc::new(Field::new("valid_from", DataType::Date32, false)));
    let mut columns: Vec<ArrayRef> = version.table.columns().to_vec();
    columns.push(Arc::new(Date32Array::from(vec![day; version.table.num_rows()])));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|e| QueryError::internal(&e))
}
