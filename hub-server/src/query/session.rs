//! The limited session: what a statement finds around it. One per statement.

use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, ObjectNamePart, TableFactor, Visit, Visitor};
use std::ops::ControlFlow;

use super::allow::{AGGREGATE, SCALAR, WINDOW};
use super::limits::{BATCH_ROWS, FOOTER_CACHE_BYTES};
use super::table::OBJECTS;
use super::yielding::Yielding;
use super::{QueryError, QueryLimits};
use crate::store::Objects;

/// The functions that statements may call, chosen once.
#[derive(Debug, Clone)]
pub(super) struct Functions {
    scalar: Vec<Arc<ScalarUDF>>,
    aggregate: Vec<Arc<AggregateUDF>>,
    window: Vec<Arc<WindowUDF>>,
}

impl Functions {
    pub(super) fn allowed() -> Self {
        let mut scalar = SessionStateDefaults::default_scalar_functions();
        scalar.retain(|f| SCALAR.contains(&f.name()));
        let mut aggregate = SessionStateDefaults::default_aggregate_functions();
        aggregate.retain(|f| AGGREGATE.contains(&f.name()));
        let mut window = SessionStateDefaults::default_window_functions();
        window.retain(|f| WINDOW.contains(&f.name()));
        Self { scalar, aggregate, window }
    }
}

/// What all statements share.
pub(super) struct Environment {
    runtime: RuntimeEnv,
    objects: Arc<Objects>,
}

/// The environment of all statements: footers cached, spill files below `spill`, and the data files, which
/// a scan reaches by their entries and nothing reaches by a path.
pub(super) fn environment(
    objects: Arc<Objects>,
    spill: &Path,
    limits: &QueryLimits,
) -> Result<Environment, QueryError> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.to_path_buf()]))
        .with_max_temp_directory_size(limits.spill_bytes);
    let environment = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
        .build()?;
    // The engine's own registry opens the machine's files; a statement must not reach them.
    environment.deregister_object_store(ListingTableUrl::parse("file:///")?.as_ref())?;
    environment.register_object_store(ListingTableUrl::parse(OBJECTS)?.as_ref(), Objects::nothing());
    Ok(Environment { runtime: environment, objects })
}

/// A session with the given tables and nothing else. `ordered`: one partition, so that rows keep the
/// order of the files.
pub(super) fn session(
    environment: &Environment,
    functions: &Functions,
    limits: &QueryLimits,
    ordered: bool,
) -> SessionContext {
    let partitions = if ordered { 1 } else { limits.partitions };
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_default_catalog_and_schema("hub", "data")
        .with_round_robin_repartition(!ordered)
        .with_repartition_file_scans(!ordered)
        .with_repartition_file_min_size(1 << 20)
        .with_extension(Arc::clone(&environment.objects));
    let options = config.options_mut();
    options.execution.enable_recursive_ctes = false;
    options.execution.parquet.pushdown_filters = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.sql_parser.parse_float_as_decimal = true;
    // Each statement has a pool of its own; the rest of the environment is shared.
    let pool = Arc::new(FairSpillPool::new(limits.statement_bytes()));
    let environment = RuntimeEnv { memory_pool: pool, ..environment.runtime.clone() };
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::new(environment))
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(functions.scalar.clone())
        .with_aggregate_functions(functions.aggregate.clone())
        .with_window_functions(functions.window.clone())
        .with_physical_optimizer_rule(Arc::new(Yielding))
        .build();
    SessionContext::new_with_state(state)
}

/// A table by name.
pub(super) type Named = (String, Arc<dyn TableProvider>);

/// Refuses what the statement names and the session lacks, before it is planned.
pub(super) fn check_names(
    state: &SessionState,
    statement: &Statement,
    tables: &[String],
) -> Result<(), QueryError> {
    if let Statement::Statement(inner) = statement {
        check_syntax(state, &**inner)?;
    }
    for reference in state.resolve_table_references(statement)? {
        let TableReference::Bare { table } = &reference else {
            return Err(QueryError::NotAllowed(format!(
                "`{reference}` is not allowed; name a table without a schema"
            )));
        };
        if !tables.iter().any(|t| t == &**table) {
            let there = tables.iter().map(String::as_str);
            return Err(QueryError::invalid(format!(
                "table `{table}` is unknown{}",
                super::error::suggestion(table, there)
            )));
        }
    }
    Ok(())
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
