//! The engine: statements and scans run on its own threads, each within its limits.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use hub_datasets::CodeLists;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::limits::STACK_BYTES;
use super::session::{Named, Purpose, Session};
use super::table::{HubTable, projection_of};
use super::{QueryError, QueryLimits, RowStream, Scan, TableView, allow, guard, session, stream};
use crate::store::Store;

/// Runs statements. Cheap to share; dropping it stops what still runs.
pub(crate) struct Engine {
    threads: Threads,
    environment: session::Environment,
    limits: QueryLimits,
    slots: Arc<Semaphore>,
    /// Code lists as tables.
    lists: Arc<[Named]>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// A runtime of its own, because planning needs big stacks and computing must not hold up the doors.
struct Threads(Option<tokio::runtime::Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting is not possible here: the last owner may itself run on a runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a killed server left in the spill folder is of no use to anyone.
fn empty_folder(folder: &Path) -> std::io::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)
}

/// A plan that runs, on its way to the caller.
struct Started {
    schema: SchemaRef,
    datasets: Vec<String>,
    estimated_rows: u64,
}

impl Engine {
    pub(crate) fn new(store: &Store, lists: Arc<CodeLists>, limits: QueryLimits) -> Result<Self, QueryError> {
        let spill = store.root().join("tmp").join("query");
        empty_folder(&spill)
            .map_err(|e| QueryError::internal(&format!("cannot empty {}: {e}", spill.display())))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(limits.partitions.max(1))
            .thread_stack_size(STACK_BYTES)
            .thread_name("hub-query")
            .enable_time()
            .build()
            .map_err(|e| QueryError::internal(&e))?;
        Ok(Self {
            threads: Threads(Some(runtime)),
            environment: session::environment(&store.objects(), &spill, &limits)?,
            slots: Arc::new(Semaphore::new(limits.slots)),
            lists: list_tables(&lists)?.into(),
            limits,
        })
    }

    /// The engine's threads, for work on rows that is not planning (encoding).
    pub(super) fn handle(&self) -> Result<&tokio::runtime::Handle, QueryError> {
        self.threads.0.as_ref().map(tokio::runtime::Runtime::handle).ok_or(QueryError::Busy)
    }

    /// One SELECT over the views; code lists and `organisations` are tables too.
    pub(crate) async fn sql(
        &self,
        views: Vec<TableView>,
        organisations: RecordBatch,
        sql: &str,
    ) -> Result<RowStream, QueryError> {
        let deadline = Instant::now() + self.limits.deadline;
        let slot = tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned()).await;
        let slot = match slot {
            Ok(Ok(slot)) => slot,
            _ => return Err(QueryError::Busy),
        };
        let session = session::session(&self.environment, self.purpose())?;
        let organisations = ("organisations".to_owned(), memory_table(organisations)?);
        let (lists, sql, limits) = (Arc::clone(&self.lists), sql.to_owned(), self.limits.clone());
        let statement = Statement { session, views, lists, organisations, sql, limits };
        self.start(Some((slot, deadline)), Some(self.limits.rows), move || statement.plan()).await
    }

    /// Of a statement that has just taken its place.
    fn purpose(&self) -> Purpose {
        match self.slots.available_permits() {
            0 if self.limits.slots > 1 => Purpose::OneOfMany,
            _ => Purpose::Statement,
        }
    }

    /// One table's rows with columns and filter: files in the order of the index, rows in the order
    /// of the file, so that a cut stream goes on at an offset.
    pub(crate) async fn scan(&self, view: TableView, scan: Scan) -> Result<RowStream, QueryError> {
        let session = session::session(&self.environment, Purpose::Scan)?;
        let limits = self.limits.clone();
        self.start(None, None, move || plan_scan(session, view, scan, limits)).await
    }

    /// Checks a scan as [`Engine::scan`] would, without reading: names of its columns and the rows
    /// that its files hold.
    pub(crate) async fn check(&self, view: TableView, scan: Scan) -> Result<(Vec<String>, u64), QueryError> {
        let session = session::session(&self.environment, Purpose::Scan)?;
        let task = self.handle()?.spawn(plan_scan(session, view, scan, self.limits.clone()));
        let planned = AbortOnDropHandle::new(task).await.map_err(|e| QueryError::internal(&e))??;
        let columns = planned.plan.schema().fields().iter().map(|f| f.name().clone()).collect();
        Ok((columns, planned.head.estimated_rows))
    }

    /// Tables that a statement names, for choosing their versions before it runs. Its text may be hostile,
    /// so that it is parsed on the engine's threads too.
    pub(crate) async fn tables_of(&self, sql: &str) -> Result<Vec<String>, QueryError> {
        let (sql, limits) = (sql.to_owned(), self.limits.clone());
        let task = self.handle()?.spawn(async move { named_tables(&sql, &limits) });
        AbortOnDropHandle::new(task).await.map_err(|e| QueryError::internal(&e))?
    }

    /// Plans and runs on the engine's threads; returns once the plan stands.
    async fn start<F, P>(
        &self,
        bounds: Option<(OwnedSemaphorePermit, Instant)>,
        cap: Option<u64>,
        plan: F,
    ) -> Result<RowStream, QueryError>
    where
        F: FnOnce() -> P + Send + 'static,
        P: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        let (sender, receiver) = stream::channel();
        let (started, ready) = oneshot::channel();
        let deadline = bounds.as_ref().map(|(_, at)| (*at, stream::too_long(&self.limits)));
        let task = self.handle()?.spawn(async move {
            // The slot is held until the last row is taken or nobody wants them any more.
            let _slot = bounds;
            let rows = match plan().await {
                Ok(planned) => match execute_stream(planned.plan, planned.task) {
                    Ok(rows) => {
                        // The caller may have gone; the send of the first batch will tell.
                        let _ = started.send(Ok(Started { schema: rows.schema(), ..planned.head }));
                        rows
                    }
                    Err(error) => return drop(started.send(Err(error.into()))),
                },
                Err(error) => return drop(started.send(Err(error))),
            };
            stream::pump(rows, sender, cap).await;
        });
        let task = AbortOnDropHandle::new(task);
        let answer = match &deadline {
            Some((at, error)) => match tokio::time::timeout_at(*at, ready).await {
                Ok(answer) => answer,
                Err(_) => return Err(error.clone()),
            },
            None => ready.await,
        };
        let head = answer.map_err(|_| QueryError::internal(&"planning ended without a result"))??;
        Ok(RowStream {
            schema: head.schema,
            datasets: head.datasets,
            estimated_rows: head.estimated_rows,
            batches: stream::receive(receiver, task, deadline),
        })
    }
}

/// A physical plan with what it runs in.
struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    head: Started,
}

/// A SELECT with all that it may see.
struct Statement {
    session: Session,
    views: Vec<TableView>,
    lists: Arc<[Named]>,
    organisations: Named,
    sql: String,
    limits: QueryLimits,
}

/// A table of a dataset under the names that it has.
type Own = (Vec<String>, Arc<HubTable>);

impl Statement {
    /// Refuses names that are not there, and makes tables of those that the statement names.
    fn tables(&mut self, parsed: &Parsed) -> Result<Vec<Own>, QueryError> {
        let named = session::references(parsed)?;
        let is_named = |name: &str| named.iter().any(|reference| reference.table() == name);
        let (mut names, mut own_tables) = (Vec::new(), Vec::new());
        for view in std::mem::take(&mut self.views) {
            // Both names mean the newest major until a pattern has a second one.
            let pattern = &view.pattern;
            let own = vec![pattern.id.clone(), format!("{}_v{}", pattern.id, pattern.version.major)];
            names.extend(own.iter().cloned());
            if own.iter().any(|name| is_named(name)) {
                let table = Arc::new(HubTable::new(view, false));
                for name in &own {
                    self.session.register(name, Arc::clone(&table) as Arc<dyn TableProvider>)?;
                }
                own_tables.push((own, table));
            }
        }
        for (name, table) in self.lists.iter().chain([&self.organisations]) {
            // A dataset's own name wins over a list's.
            if !names.contains(name) {
                names.push(name.clone());
                if is_named(name) {
                    self.session.register(name, Arc::clone(table))?;
                }
            }
        }
        session::check_names(&self.session.state, parsed, &names)?;
        Ok(own_tables)
    }

    async fn plan(mut self) -> Result<Planned, QueryError> {
        let parsed = guard::parse_query(&self.sql, &self.limits)?;
        let hub_tables = self.tables(&parsed)?;
        let state = &self.session.state;
        let logical = state.statement_to_plan(parsed).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&logical)
            .map_err(|_| QueryError::NotAllowed("only SELECT is allowed".to_owned()))?;
        let used = allow::check_plan(&logical)?;
        let scanned: Vec<&Arc<HubTable>> = hub_tables
            .iter()
            .filter(|(own, _)| own.iter().any(|n| used.tables.contains(n)))
            .map(|(_, t)| t)
            .collect();
        let estimated_rows: u64 = scanned.iter().map(|t| t.estimated_rows()).sum();
        if used.window && estimated_rows > self.limits.window_rows {
            return Err(QueryError::Limit(format!(
                "window functions work on tables of at most {} rows; aggregate first",
                self.limits.window_rows
            )));
        }
        let head = Started {
            schema: Arc::new(Schema::empty()),
            datasets: scanned.iter().map(|t| t.dataset().to_owned()).collect(),
            estimated_rows,
        };
        let plan = state.create_physical_plan(&logical).await.map_err(QueryError::of_planning)?;
        Ok(Planned { plan, task: self.session.task(), head })
    }
}

fn named_tables(sql: &str, limits: &QueryLimits) -> Result<Vec<String>, QueryError> {
    let references = session::references(&guard::parse_query(sql, limits)?)?;
    Ok(references.iter().map(|r| r.table().to_owned()).collect())
}

async fn plan_scan(
    session: Session,
    view: TableView,
    scan: Scan,
    limits: QueryLimits,
) -> Result<Planned, QueryError> {
    let name = view.pattern.id.clone();
    let mut table = HubTable::new(view, true);
    let head = Started {
        schema: Arc::new(Schema::empty()),
        datasets: vec![table.dataset().to_owned()],
        estimated_rows: table.estimated_rows(),
    };
    let offset = if scan.filter.is_none() { table.skip_rows(scan.offset) } else { scan.offset };
    let table: Arc<dyn TableProvider> = Arc::new(table);
    let schema = table.schema();
    let mut builder = LogicalPlanBuilder::scan(name.as_str(), provider_as_source(table), None)?;
    if let Some(filter) = &scan.filter {
        guard::check_size(filter, "the filter", &limits)?;
        let parsed = DFParserBuilder::new(filter.as_str())
            .with_dialect(&GenericDialect {})
            .with_recursion_limit(limits.sql_depth.max(8))
            .build()?
            .parse_into_expr()?;
        if parsed.alias.is_some() {
            return Err(QueryError::Invalid("a filter has no alias".to_owned()));
        }
        session::check_syntax(&session.state, &parsed.expr)?;
        let expr = session.state.create_logical_expr_from_sql_expr(parsed, builder.schema())?;
        allow::check_row_expression(&expr)?;
        builder = builder.filter(expr)?;
    }
    if !scan.columns.is_empty() {
        let indexes = projection_of(&schema, &scan.columns)?;
        let columns: Vec<_> =
            indexes.iter().map(|i| datafusion::prelude::ident(schema.field(*i).name())).collect();
        builder = builder.project(columns)?;
    }
    if offset > 0 {
        let skip =
            usize::try_from(offset).map_err(|_| QueryError::Invalid("the offset is too big".to_owned()))?;
        builder = builder.limit(skip, None)?;
    }
    let logical = builder.build()?;
    let plan = session.state.create_physical_plan(&logical).await.map_err(QueryError::of_planning)?;
    Ok(Planned { plan, task: session.task(), head })
}

fn memory_table(batch: RecordBatch) -> Result<Arc<dyn TableProvider>, QueryError> {
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

/// Each list as a table in its newest version; one of several versions also as `<list>_versions`,
/// each row with the day from which its version is valid.
fn list_tables(lists: &CodeLists) -> Result<Vec<Named>, QueryError> {
    let mut tables = Vec::new();
    for list in lists.iter() {
        let Some(newest) = list.versions.last() else { continue };
        tables.push((list.id.clone(), memory_table(newest.table.clone())?));
        if list.versions.len() > 1 {
            let dated: Result<Vec<RecordBatch>, QueryError> =
                list.versions.iter().map(with_valid_from).collect();
            let dated = dated?;
            if let Some(first) = dated.first() {
                let schema = first.schema();
                // Versions with other columns than the oldest cannot stand in one table.
                let same: Vec<RecordBatch> = dated.iter().filter(|b| b.schema() == schema).cloned().collect();
                let table = MemTable::try_new(schema, vec![same])?;
                tables.push((format!("{}_versions", list.id), Arc::new(table)));
            }
        }
    }
    Ok(tables)
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
