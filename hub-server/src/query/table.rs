//! `HubTable`: one table as one reader sees it. The policy lives here, in the plan, never in
//! rewritten SQL: hidden columns are not in the schema, hidden files are not in the scan, and hidden
//! rows that share a file with visible ones stay below a barrier.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::common::{ColumnStatistics, DFSchema, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use super::chosen::Chosen;
use super::derive::{Columns, DeriveExec, Output};
use super::files::{Parts, Readers, parts, scanned};
use super::policy::PolicyExec;
use super::prune::prune;
use super::small::{SmallFilesExec, is_small};
use super::visible::{PUBLISHER, SEQ, Source, Visible};
use super::{QueryError, TableView};
use crate::store::Objects;
use crate::store::index::Bound;

/// Address under which the engine looks for data files; it finds nothing there but by their entries.
pub(super) const OBJECTS: &str = "hub://data";

#[derive(Debug)]
pub(super) struct HubTable {
    view: TableView,
    visible: Visible,
    files: Chosen,
    /// Visible rows of the permitted files.
    rows: u64,
    /// Some files hold rows that the reader must not see.
    mixed: bool,
    /// Rows come in the order of the index, in one partition.
    ordered: bool,
}

impl HubTable {
    pub(super) fn new(view: TableView, ordered: bool) -> Self {
        let visible = Visible::of(&view);
        let index = &view.snapshot.files;
        let (files, rows, mixed) = match &view.publisher {
            None => (Chosen::all(index), index.rows(), false),
            Some(publisher) => {
                let (rows, mixed) = index.owned(publisher).fold((0, false), |(rows, mixed), owner| {
                    // Behind the rows of a partial file lie those of others, which its footer counts.
                    (rows + owner.rows, mixed | owner.mixed)
                });
                (Chosen::of_publisher(index, publisher), rows, mixed)
            }
        };
        Self { view, visible, files, rows, mixed, ordered }
    }

    /// Leaves out leading files that lie whole before a row, and says how many rows remain to skip.
    /// Only for scans without a filter; with a barrier nothing is known of rows.
    pub(super) fn skip_rows(&mut self, rows: u64) -> u64 {
        if self.mixed { rows } else { self.files.skip_rows(rows) }
    }

    pub(super) fn dataset(&self) -> &str {
        &self.view.snapshot.dataset
    }

    /// Visible rows of the permitted files. Hidden rows that share a file with them are not counted, so that
    /// neither the number nor a limit that is met tells of them.
    pub(super) fn estimated_rows(&self) -> u64 {
        self.rows
    }

    /// Indexes in the files' schema that the scan reads: the asked columns, and what nodes above need.
    fn layout(&self, projection: &[usize]) -> Result<(Vec<usize>, Option<usize>, Columns)> {
        let physical = &self.view.snapshot.schema;
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
            outputs.push(match self.visible.sources[*column] {
                Source::File(index) => Output::Input(position(index)),
                Source::Derived(derived) => {
                    seq = Some(position(physical.index_of(SEQ)?));
                    Output::Derived(derived)
                }
            });
        }
        let publisher = if self.mixed { Some(position(physical.index_of(PUBLISHER)?)) } else { None };
        let schema: SchemaRef = Arc::new(self.visible.schema.project(projection)?);
        let submissions = Arc::clone(&self.view.snapshot.submissions);
        Ok((read, publisher, Columns { schema, outputs, seq, submissions }))
    }

    fn source(
        &self,
        state: &dyn Session,
        objects: Arc<Objects>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
    ) -> ParquetSource {
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let source = ParquetSource::new(Arc::clone(&self.view.snapshot.schema))
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
        let schema = DFSchema::try_from(Arc::clone(&self.view.snapshot.schema))?;
        let filters: Vec<Arc<dyn PhysicalExpr>> =
            filters.iter().map(|f| state.create_physical_expr(f.clone(), &schema)).collect::<Result<_>>()?;
        Ok(conjunction_opt(filters))
    }

    fn groups(&self, files: &Chosen, parts: &Parts, partitions: usize) -> Vec<FileGroup> {
        let folder = &self.view.snapshot.folder;
        let group = FileGroup::new(files.files().map(|file| scanned(folder, file, parts)).collect());
        if self.ordered { vec![group] } else { group.split_files(partitions.max(1)) }
    }

    /// A scan of the columns at the indexes `read` of the chosen files.
    async fn files(
        &self,
        state: &dyn Session,
        read: &[usize],
        files: Chosen,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let objects = objects(state)?;
        let partitions = if self.ordered { 1 } else { state.config().target_partitions() };
        // Rows that have an order have that of all files, so one scan reads them.
        let apart = !self.ordered || files.files().all(|file| is_small(file));
        let (small, long) = if apart { files.split(is_small) } else { (Chosen::default(), files) };
        let mut scans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !small.is_empty() {
            let schema = Arc::new(self.view.snapshot.schema.project(read)?);
            let statistics = self.statistics(&small, read)?.project(Some(&read));
            let (objects, folder) = (Arc::clone(&objects), &self.view.snapshot.folder);
            let small = small.files().map(Arc::clone).collect();
            let scan = SmallFilesExec::new(objects, folder, small, partitions, schema, statistics);
            scans.push(Arc::new(scan));
        }
        if !long.is_empty() {
            let parts = parts(Arc::clone(&objects), &self.view.snapshot.folder, long.files()).await?;
            let source = self.source(state, objects, predicate);
            let url = ListingTableUrl::parse(OBJECTS)?.object_store();
            let config = FileScanConfigBuilder::new(url, Arc::new(source))
                .with_projection_indices(Some(read.to_vec()))?
                .with_file_groups(self.groups(&long, &parts, partitions))
                .with_statistics(self.statistics(&long, read)?)
                .with_preserve_order(self.ordered)
                .with_limit(limit)
                .build();
            scans.push(DataSourceExec::from_data_source(config));
        }
        UnionExec::try_new(scans)
    }

    /// Statistics of the chosen files: exact, as the index is. Only columns that are read have some.
    fn statistics(&self, files: &Chosen, read: &[usize]) -> Result<Statistics> {
        let schema: &Schema = &self.view.snapshot.schema;
        if self.mixed {
            return Ok(Statistics::new_unknown(schema));
        }
        let known = |(index, field): (usize, &arrow::datatypes::FieldRef)| match read.contains(&index) {
            true => column_statistics(field, files),
            false => Ok(ColumnStatistics::new_unknown()),
        };
        Ok(Statistics {
            num_rows: usize::try_from(files.rows()).map_or(Precision::Absent, Precision::Exact),
            total_byte_size: Precision::Absent,
            column_statistics: schema.fields().iter().enumerate().map(known).collect::<Result<_>>()?,
        })
    }
}

fn objects(state: &dyn Session) -> Result<Arc<Objects>> {
    let objects = state.config().get_extension::<Objects>();
    objects.ok_or_else(|| DataFusionError::Internal("a session without files".to_owned()))
}

fn column_statistics(field: &arrow::datatypes::Field, files: &Chosen) -> Result<ColumnStatistics> {
    let merged = files.merged(field.name(), field.data_type())?;
    let nulls: Option<u64> = merged.iter().map(|part| part.nulls).sum();
    let mut known = ColumnStatistics::new_unknown();
    known.null_count =
        nulls.and_then(|nulls| usize::try_from(nulls).ok()).map_or(Precision::Absent, Precision::Exact);
    let smallest = |a: Bound, b: Bound| if b < a { b } else { a };
    let largest = |a: Bound, b: Bound| if b > a { b } else { a };
    let min: Option<Vec<Bound>> = merged.iter().map(|part| part.min.clone()).collect();
    let max: Option<Vec<Bound>> = merged.into_iter().map(|part| part.max).collect();
    let scalar = |bound: Option<Bound>| -> Result<Precision<ScalarValue>> {
        let Some(bound) = bound else { return Ok(Precision::Absent) };
        let array = Bound::array(field.data_type(), std::iter::once(Some(&bound)));
        Ok(Precision::Exact(ScalarValue::try_from_array(&array, 0)?))
    };
    known.min_value = scalar(min.and_then(|bounds| bounds.into_iter().reduce(smallest)))?;
    known.max_value = scalar(max.and_then(|bounds| bounds.into_iter().reduce(largest)))?;
    Ok(known)
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
        let predicate = self.predicate(state, filters)?;
        let files = match &predicate {
            Some(predicate) => prune(self.files.clone(), predicate, &self.view.snapshot.schema),
            None => self.files.clone(),
        };
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(columns.schema)));
        }
        let limit = limit.filter(|_| !self.mixed && filters.is_empty());
        let mut plan = self.files(state, &read, files, predicate, limit).await?;
        if let (Some(column), Some(name)) = (publisher, &self.view.publisher) {
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
        if self.mixed {
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
