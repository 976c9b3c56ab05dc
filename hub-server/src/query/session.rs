//! The limited session: what a statement finds around it. One per statement; what all have alike is made once.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider as _, CatalogProviderList as _, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{SessionStateDefaults, TaskContext};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, ObjectNamePart, TableFactor, Visit, Visitor};

use super::allow::{AGGREGATE, WINDOW, is_scalar};
use super::limits::BATCH_ROWS;
use super::statement::Running;
use super::table::OBJECTS;
use super::yielding::Yielding;
use super::{QueryError, QueryLimits};
use crate::store::Objects;

/// Where the tables of a statement are, which it need not say.
pub(crate) const CATALOG: &str = "hub";
pub(crate) const SCHEMA: &str = "data";

/// What all statements share.
pub(super) struct Environment {
    runtime: RuntimeEnv,
    /// Sessions without tables.
    statements: SessionState,
    one_of_many: SessionState,
    scans: SessionState,
    memory_bytes: usize,
}

/// The environment of all statements: footers cached, spill files below `spill`, and the data files, which
/// a scan reaches by their entries and nothing reaches by a path.
pub(super) fn environment(
    objects: &Arc<Objects>,
    spill: &Path,
    limits: &QueryLimits,
) -> Result<Environment, QueryError> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.to_path_buf()]))
        .with_max_temp_directory_size(limits.spill_bytes);
    let runtime = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(limits.footer_bytes)
        .build()?;
    // The engine's own registry opens the machine's files; a statement must not reach them.
    runtime.deregister_object_store(ListingTableUrl::parse("file:///")?.as_ref())?;
    runtime.register_object_store(ListingTableUrl::parse(OBJECTS)?.as_ref(), Objects::nothing());
    let shared = Arc::new(runtime.clone());
    Ok(Environment {
        statements: state(&shared, config(objects, limits.partitions, false)),
        one_of_many: state(&shared, config(objects, 1, false)),
        scans: state(&shared, config(objects, 1, true)),
        runtime,
        memory_bytes: limits.statement_bytes(),
    })
}

/// `ordered`: rows keep the order of the files.
fn config(objects: &Arc<Objects>, partitions: usize, ordered: bool) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_round_robin_repartition(!ordered)
        .with_repartition_file_scans(!ordered)
        .with_repartition_file_min_size(1 << 20)
        .with_extension(Arc::clone(objects));
    let options = config.options_mut();
    options.execution.enable_recursive_ctes = false;
    options.execution.parquet.pushdown_filters = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.parse_float_as_decimal = true;
    config
}

/// A session with the functions that statements may call, and nothing else.
fn state(runtime: &Arc<RuntimeEnv>, config: SessionConfig) -> SessionState {
    let mut scalar = SessionStateDefaults::default_scalar_functions();
    scalar.retain(|f| is_scalar(f.name()));
    let mut aggregate = SessionStateDefaults::default_aggregate_functions();
    aggregate.retain(|f| AGGREGATE.contains(&f.name()));
    let mut window = SessionStateDefaults::default_window_functions();
    window.retain(|f| WINDOW.contains(&f.name()));
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(scalar)
        .with_aggregate_functions(aggregate)
        .with_window_functions(window)
        .with_physical_optimizer_rule(Arc::new(Yielding))
        .build()
}

/// The session of one statement or scan.
pub(super) struct Session {
    pub(super) state: SessionState,
    tables: Arc<MemorySchemaProvider>,
    memory: Arc<dyn MemoryPool>,
    runtime: RuntimeEnv,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A statement that has the engine's threads for itself.
    Statement,
    /// A statement beside others that keep all threads busy: it is worked on in one partition, because to cut and
    /// join its work would cost time and give none.
    OneOfMany,
    /// A scan whose rows keep the order of the files, in one partition.
    Scan,
}

/// A session without tables.
pub(super) fn session(environment: &Environment, purpose: Purpose) -> Result<Session, QueryError> {
    let mut state = match purpose {
        Purpose::Statement => environment.statements.clone(),
        Purpose::OneOfMany => environment.one_of_many.clone(),
        Purpose::Scan => environment.scans.clone(),
    };
    state.mark_start_execution();
    let tables = Arc::new(MemorySchemaProvider::new());
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::clone(&tables) as Arc<dyn SchemaProvider>)?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    state.register_catalog_list(Arc::new(catalogs));
    // Each statement has a pool of its own; the rest of the environment is shared.
    let memory: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(environment.memory_bytes));
    Ok(Session { state, tables, memory, runtime: environment.runtime.clone() })
}

impl Session {
    /// Has all that works in this session hold something.
    pub(super) fn hold(&mut self, held: Arc<Running>) {
        self.state.config_mut().set_extension(held);
    }

    pub(super) fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), QueryError> {
        self.tables.register_table(name.to_owned(), table)?;
        Ok(())
    }

    /// What a plan runs in. Its functions stand in the plan itself.
    pub(super) fn task(&self) -> Arc<TaskContext> {
        let runtime = RuntimeEnv { memory_pool: Arc::clone(&self.memory), ..self.runtime.clone() };
        Arc::new(TaskContext::new(
            None,
            self.state.session_id().to_owned(),
            self.state.config().clone(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::new(runtime),
        ))
    }
}

/// Refuses what the statement names and the session lacks, before it is planned.
pub(super) fn check_names(
    state: &SessionState,
    statement: &Statement,
    tables: &[String],
) -> Result<(), QueryError> {
    if let Statement::Statement(inner) = statement {
        check_syntax(state, &**inner)?;
    }
    for reference in references(statement)? {
        // Other names of places there are not, and those of these are known to all.
        let known = reference.catalog().is_none_or(|name| name == CATALOG)
            && reference.schema().is_none_or(|name| name == SCHEMA);
        if !known {
            return Err(QueryError::NotAllowed(format!(
                "`{reference}` is not allowed; all tables are in `{CATALOG}.{SCHEMA}`, and are named without it too"
            )));
        }
        let table = reference.table();
        if !tables.iter().any(|t| t == table) {
            let there = tables.iter().map(String::as_str);
            return Err(QueryError::invalid(format!(
                "table `{table}` is unknown{}",
                super::error::suggestion(table, there)
            )));
        }
    }
    Ok(())
}

/// Tables that a statement names.
pub(super) fn references(statement: &Statement) -> Result<Vec<TableReference>, QueryError> {
    Ok(resolve_table_references(statement, true)?.0)
}

/// Refuses functions and kinds of relations that are not on the list.
pub(super) fn check_syntax(state: &SessionState, syntax: &impl Visit) -> Result<(), QueryError> {
    match syntax.visit(&mut Syntax { state }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Syntax<'a> {
    state: &'a SessionState,
}

impl Visitor for Syntax<'_> {
    type Break = QueryError;

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        match factor {
            TableFactor::Table { args: None, .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break(QueryError::NotAllowed("table functions are not allowed".to_owned())),
        }
    }

    fn pre_visit_expr(&mut self, expr: &SqlExpr) -> ControlFlow<QueryError> {
        let SqlExpr::Function(call) = expr else {
            return ControlFlow::Continue(());
        };
        let known = match call.name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => {
                let name = name.value.to_lowercase();
                self.state.scalar_functions().contains_key(&name)
                    || self.state.aggregate_functions().contains_key(&name)
                    || self.state.window_functions().contains_key(&name)
            }
            _ => false,
        };
        if known {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(QueryError::NotAllowed(format!("function `{}` is not allowed", call.name)))
    }
}
