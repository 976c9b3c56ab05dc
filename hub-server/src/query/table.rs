//! `HubTable`: one table as one reader sees it. The policy lives here, in the plan, never in
//! rewritten SQL: hidden columns are not in the schema, hidden files are not in the scan, and hidden
//! rows that share a file with visible ones stay below a barrier.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNode as _;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use super::QueryError;
use super::bounds::Bounds;
use super::derive::{Columns, DeriveExec, Output};
use super::files::{Parts, Readers, parts, scanned};
use super::policy::PolicyExec;
use super::small::SmallFilesExec;
use super::source::{Choice, Source};
use super::visible::{PUBLISHER, Place, SEQ, Visible};
use crate::store::Objects;
use crate::store::index::DataFile;

/// Address under which the engine looks for data files; it finds nothing there but by their entries.
pub(super) const OBJECTS: &str = "hub://data";

#[derive(Debug)]
pub(super) struct HubTable {
    visible: Arc<Visible>,
    source: Arc<dyn Source>,
    /// Rows come in the order of the index, in one partition.
    ordered: bool,
}

impl HubTable {
    pub(super) fn new(visible: Arc<Visible>, source: Arc<dyn Source>, ordered: bool) -> Self {
        Self { visible, source, ordered }
    }

    pub(super) fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Indexes in the files' schema that the scan reads: the asked columns, and what nodes above need.
    fn layout(&self, projection: &[usize]) -> Result<(Vec<usize>, Option<usize>, Columns)> {
        let physical = &self.visible.files;
        let mut read: Vec<usize> = Vec::new();
        let mut position = |index: usize| {
            read.iter().position(|i| *i == index).unwrap_or_else(|| {
                read.push(index);
                read.len() - 1
            })
        };
        let mut outputs = Vec::with_capacity(projection.len());
        let mut seq = None;
        for column in projection {
            outputs.push(match self.visible.places[*column] {
                Place::File(index) => Output::Input(position(index)),
                Place::Derived(derived) => {
                    seq = Some(position(physical.index_of(SEQ)?));
                    Output::Derived(derived)
                }
            });
        }
        let publisher = match self.visible.mixed {
            true => Some(position(physical.index_of(PUBLISHER)?)),
            false => None,
        };
        let schema: SchemaRef = Arc::new(self.visible.schema.project(projection)?);
        let source = Arc::clone(&self.source);
        Ok((read, publisher, Columns { schema, outputs, seq, source }))
    }

    fn parquet(
        &self,
        state: &dyn Session,
        objects: Arc<Objects>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
    ) -> ParquetSource {
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(Arc::clone(&self.visible.files))
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(Arc::new(Readers { objects, footers }));
        // The predicate skips row groups and pages by statistics; rows are filtered above.
        match predicate {
            Some(predicate) => source.with_predicate(predicate),
            None => source,
        }
    }

    /// The conjunction of pushed filters over the files' schema.
    fn predicate(&self, state: &dyn Session, filters: &[Expr]) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let schema = DFSchema::try_from(Arc::clone(&self.visible.files))?;
        let filters: Vec<Arc<dyn PhysicalExpr>> =
            filters.iter().map(|f| state.create_physical_expr(f.clone(), &schema)).collect::<Result<_>>()?;
        Ok(conjunction_opt(filters))
    }

    fn groups(&self, files: &[Arc<DataFile>], parts: &Parts, partitions: usize) -> Vec<FileGroup> {
        let folder = &self.visible.folder;
        let group = FileGroup::new(files.iter().map(|file| scanned(folder, file, parts)).collect());
        if self.ordered { vec![group] } else { group.split_files(partitions.max(1)) }
    }

    /// A scan of the columns at the indexes `read` of the chosen files.
    async fn files(
        &self,
        state: &dyn Session,
        read: &[usize],
        files: Choice,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let objects = objects(state)?;
        let partitions = if self.ordered { 1 } else { state.config().target_partitions() };
        let Visible { files: schema, folder, mixed, .. } = self.visible.as_ref();
        let Choice { small, long } = files;
        let mut scans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !small.is_empty() {
            let statistics = small.statistics(schema, *mixed)?.project(Some(&read));
            let (objects, schema) = (Arc::clone(&objects), Arc::new(schema.project(read)?));
            let scan = SmallFilesExec::new(objects, folder, &small, partitions, schema, statistics);
            scans.push(Arc::new(scan));
        }
        if !long.is_empty() {
            let files = long.all(0..long.known.files).await?;
            let parts = parts(Arc::clone(&objects), folder, files.iter()).await?;
            let source = self.parquet(state, objects, self.predicate(state, filters)?);
            let url = ListingTableUrl::parse(OBJECTS)?.object_store();
            let config = FileScanConfigBuilder::new(url, Arc::new(source))
                .with_projection_indices(Some(read.to_vec()))?
                .with_file_groups(self.groups(&files, &parts, partitions))
                .with_statistics(long.statistics(schema, *mixed)?)
                .with_preserve_order(self.ordered)
                .with_limit(limit)
                .build();
            scans.push(DataSourceExec::from_data_source(config));
        }
        UnionExec::try_new(scans)
    }
}

fn objects(state: &dyn Session) -> Result<Arc<Objects>> {
    let objects = state.config().get_extension::<Objects>();
    objects.ok_or_else(|| DataFusionError::Internal("a session without files".to_owned()))
}

#[async_trait]
impl TableProvider for HubTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| {
                if self.may_prune(filter) {
                    // The filter stays above as well: it only chooses files, row groups and pages.
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.visible.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let (read, publisher, columns) = self.layout(projection)?;
        let bounds = Bounds::of(filters, &self.visible.files);
        let files = self.source.choose(read.clone(), bounds).await?;
        if files.small.is_empty() && files.long.is_empty() {
            return Ok(Arc::new(EmptyExec::new(columns.schema)));
        }
        let limit = limit.filter(|_| !self.visible.mixed && filters.is_empty());
        let mut plan = self.files(state, &read, files, filters, limit).await?;
        if let (Some(column), Some(name)) = (publisher, &self.visible.publisher) {
            plan = Arc::new(PolicyExec::new(plan, column, name.as_str().into()));
        }
        let as_read = columns.outputs.len() == read.len()
            && columns.outputs.iter().enumerate().all(|(i, o)| matches!(o, Output::Input(j) if *j == i));
        if !as_read {
            plan = Arc::new(DeriveExec::new(plan, Arc::new(columns)));
        }
        Ok(plan)
    }
}

impl HubTable {
    /// May the filter be looked at below the nodes of the view?
    fn may_prune(&self, filter: &Expr) -> bool {
        if filter.column_refs().iter().any(|c| !self.visible.is_stored(&c.name)) {
            return false;
        }
        if self.visible.mixed {
            return self.is_plain_comparison(filter);
        }
        // A subquery is a plan of its own, which statistics cannot answer.
        !filter
            .exists(|e| {
                Ok(matches!(
                    e,
                    Expr::Exists(_)
                        | Expr::InSubquery(_)
                        | Expr::ScalarSubquery(_)
                        | Expr::SetComparison(_)
                        | Expr::OuterReferenceColumn(..)
                ))
            })
            .unwrap_or(true)
    }

    /// `column op literal` of one type: it can neither fail nor take long on a row that is hidden.
    fn is_plain_comparison(&self, filter: &Expr) -> bool {
        let Expr::BinaryExpr(binary) = filter else {
            return false;
        };
        let comparison = matches!(
            binary.op,
            Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        );
        let (column, literal) = match (&*binary.left, &*binary.right) {
            (Expr::Column(column), Expr::Literal(literal, _))
            | (Expr::Literal(literal, _), Expr::Column(column)) => (column, literal),
            _ => return false,
        };
        comparison
            && self
                .visible
                .schema
                .field_with_name(&column.name)
                .is_ok_and(|f| *f.data_type() == literal.data_type())
    }
}

/// Refuses names that the view does not show, with those that it does.
pub(super) fn projection_of(schema: &Schema, columns: &[String]) -> Result<Vec<usize>, QueryError> {
    columns
        .iter()
        .map(|name| {
            schema.index_of(name).map_err(|_| {
                let there = schema.fields().iter().map(|f| f.name().as_str());
                QueryError::invalid(format!(
                    "column `{name}` is unknown{}",
                    super::error::suggestion(name, there)
                ))
            })
        })
        .collect()
}
