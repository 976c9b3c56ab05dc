//! The engine: scans and, in a worker, statements run on its own threads, each within its limits.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::DFParserBuilder;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::limits::STACK_BYTES;
use super::session::{Purpose, Session};
use super::source::Here;
use super::table::{HubTable, projection_of};
use super::{QueryError, QueryLimits, RowStream, Scan, TableView, Warning, allow, guard, session, stream};
use crate::store::Objects;

/// Runs scans and statements. Cheap to share; dropping it stops what still runs.
pub(crate) struct Engine {
    threads: Threads,
    pub(super) environment: session::Environment,
    pub(super) limits: QueryLimits,
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

/// What a scan would read.
#[derive(Debug)]
pub(crate) struct Checked {
    /// Names of its columns, in order.
    pub(crate) columns: Vec<String>,
    /// Visible rows of its files before the filter.
    pub(crate) rows: u64,
    /// Files that hold some.
    pub(crate) files: usize,
}

/// A plan that runs, on its way to the caller.
pub(super) struct Started {
    pub(super) schema: SchemaRef,
    pub(super) datasets: Vec<String>,
    pub(super) estimated_rows: u64,
    /// Traps of a statement.
    pub(super) warnings: Vec<Warning>,
}

impl Engine {
    /// `spill`: a folder of its own for rows that memory has no room for.
    pub(crate) fn new(objects: &Arc<Objects>, spill: &Path, limits: QueryLimits) -> Result<Self, QueryError> {
        empty_folder(spill)
            .map_err(|e| QueryError::internal(&format!("cannot empty {}: {e}", spill.display())))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(limits.partitions.max(1))
            .max_blocking_threads(limits.readers.max(1))
            .thread_stack_size(STACK_BYTES)
            .thread_name("hub-query")
            .enable_time()
            .build()
            .map_err(|e| QueryError::internal(&e))?;
        let environment = session::environment(objects, spill, &limits)?;
        Ok(Self { threads: Threads(Some(runtime)), environment, limits })
    }

    /// The engine's threads, for work on rows that is not planning (encoding).
    pub(super) fn handle(&self) -> Result<&tokio::runtime::Handle, QueryError> {
        self.threads.0.as_ref().map(tokio::runtime::Runtime::handle).ok_or(QueryError::Busy)
    }

    /// One table's rows with columns and filter: files in the order of the index, rows in the order
    /// of the file, so that a cut stream goes on at an offset.
    pub(crate) async fn scan(&self, view: TableView, scan: Scan) -> Result<RowStream, QueryError> {
        let session = session::session(&self.environment, Purpose::Scan)?;
        let limits = self.limits.clone();
        self.start(None, move || plan_scan(session, view, scan, limits)).await
    }

    /// Checks a scan as [`Engine::scan`] would, without reading.
    pub(crate) async fn check(&self, view: TableView, scan: Scan) -> Result<Checked, QueryError> {
        let files = Here::new(view.clone(), true).number();
        let session = session::session(&self.environment, Purpose::Scan)?;
        let task = self.handle()?.spawn(plan_scan(session, view, scan, self.limits.clone()));
        let planned = AbortOnDropHandle::new(task).await.map_err(|e| QueryError::internal(&e))??;
        let columns = planned.plan.schema().fields().iter().map(|f| f.name().clone()).collect();
        Ok(Checked { columns, rows: planned.head.estimated_rows, files })
    }

    /// Parts of a table that can be scanned apart, each as places of files in the order of the index, with about
    /// equal rows: at most `most` of them, none of fewer rows than `rows`, unless it is the only one.
    pub(crate) fn parts(&self, view: TableView, most: usize, rows: u64) -> Vec<Range<usize>> {
        Here::new(view, true).parts(most, rows)
    }

    /// Plans and runs on the engine's threads; returns once the plan stands.
    pub(super) async fn start<F, P>(&self, cap: Option<u64>, plan: F) -> Result<RowStream, QueryError>
    where
        F: FnOnce() -> P + Send + 'static,
        P: Future<Output = Result<Planned, QueryError>> + Send + 'static,
    {
        let (sender, receiver) = stream::channel();
        let (started, ready) = oneshot::channel();
        let task = self.handle()?.spawn(async move {
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
        let head = ready.await.map_err(|_| QueryError::internal(&"planning ended without a result"))??;
        Ok(RowStream {
            schema: head.schema,
            datasets: head.datasets,
            estimated_rows: head.estimated_rows,
            warnings: head.warnings,
            batches: stream::receive(receiver, task),
        })
    }
}

/// A physical plan with what it runs in.
pub(super) struct Planned {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) task: Arc<TaskContext>,
    pub(super) head: Started,
}

async fn plan_scan(
    session: Session,
    view: TableView,
    scan: Scan,
    limits: QueryLimits,
) -> Result<Planned, QueryError> {
    let name = view.pattern.id.clone();
    let mut here = Here::new(view, true);
    if let Some(files) = scan.files {
        here.keep(files);
    }
    if let Some(run) = scan.run {
        here.keep_run(run);
    }
    let visible = Arc::clone(here.visible());
    let head = Started {
        schema: Arc::new(Schema::empty()),
        datasets: vec![visible.dataset.clone()],
        estimated_rows: visible.rows,
        warnings: Vec::new(),
    };
    let offset = if scan.filter.is_none() { here.skip_rows(scan.offset) } else { scan.offset };
    let table: Arc<dyn TableProvider> = Arc::new(HubTable::new(visible, Arc::new(here), true));
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
    if !scan.order.is_empty() {
        builder = builder
            .sort(scan.order.iter().map(|column| datafusion::prelude::ident(column).sort(true, true)))?;
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
