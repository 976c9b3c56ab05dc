//! Reads short files whole. The engine's own scan opens a file in steps of which each is cheap for a long
//! file and together dearer than all rows of a short one; and after many small pushes most files are short.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{FieldRef, Fields, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::stream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::Type;

use super::limits::{BATCH_ROWS, SMALL_FILE_BYTES, SMALL_FILE_ROWS, SMALL_FILES_AT_ONCE};
use super::source::{Files, List};
use crate::store::Objects;
use crate::store::index::DataFile;

/// True when a file is better read whole, and may be.
pub(super) fn is_small(file: &DataFile) -> bool {
    !file.partial && file.bytes <= SMALL_FILE_BYTES && file.rows <= SMALL_FILE_ROWS
}

/// Scans short files, in order within each partition.
#[derive(Debug)]
pub(super) struct SmallFilesExec {
    objects: Arc<Objects>,
    folder: Arc<str>,
    list: Arc<dyn List>,
    /// Places of the files of each partition.
    groups: Vec<Range<usize>>,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
}

impl SmallFilesExec {
    /// `schema`: the columns to read, as the table has them; `statistics` are those of all files.
    pub(super) fn new(
        objects: Arc<Objects>,
        folder: &str,
        files: &Files,
        partitions: usize,
        schema: SchemaRef,
        statistics: Statistics,
    ) -> Self {
        let all = files.known.files;
        let each = all.div_ceil(partitions.max(1)).max(1);
        let groups: Vec<Range<usize>> =
            (0..all).step_by(each).map(|from| from..all.min(from + each)).collect();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        let list = Arc::clone(&files.list);
        Self { objects, folder: folder.into(), list, groups, statistics: Arc::new(statistics), properties }
    }
}

impl DisplayAs for SmallFilesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmallFilesExec")
    }
}

impl ExecutionPlan for SmallFilesExec {
    fn name(&self) -> &'static str {
        "SmallFilesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("SmallFilesExec has no input"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("SmallFilesExec has no input"),
        }
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(group) = self.groups.get(partition) else {
            return internal_err!("SmallFilesExec has no partition {partition}");
        };
        let schema = self.schema();
        let run = Run {
            objects: Arc::clone(&self.objects),
            folder: Arc::clone(&self.folder),
            left: group.clone(),
            page: Vec::new().into_iter(),
            schema: Arc::clone(&schema),
            layout: None,
        };
        let list = Arc::clone(&self.list);
        let rows = stream::try_unfold((run, list), |(mut run, list)| async move {
            if run.page.as_slice().is_empty() {
                if run.left.is_empty() {
                    return Ok(None);
                }
                let mut page = list.page(run.left.start).await?;
                page.truncate(run.left.len());
                if page.is_empty() {
                    return internal_err!("files of a scan are missing");
                }
                run.left.start += page.len();
                run.page = page.into_iter();
            }
            let read = tokio::task::spawn_blocking(move || run.advance());
            let (rows, run) = read.await.map_err(|lost| DataFusionError::External(lost.into()))??;
            Ok(Some((rows, (run, list))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    /// Of a single partition nothing is known.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match args.partition() {
            Some(_) if self.groups.len() > 1 => Ok(Arc::new(Statistics::new_unknown(&self.schema()))),
            _ => Ok(Arc::clone(&self.statistics)),
        }
    }
}

/// A partition on its way through its files.
struct Run {
    objects: Arc<Objects>,
    folder: Arc<str>,
    /// Places of the files that are not in the page.
    left: Range<usize>,
    page: std::vec::IntoIter<Arc<DataFile>>,
    schema: SchemaRef,
    layout: Option<Layout>,
}

/// How the wanted columns lie in files of one Parquet schema: the hub's files of a table mostly have the same.
struct Layout {
    parquet: Arc<Type>,
    levels: FieldLevels,
}

impl Run {
    /// The rows of the next few files. Blocking.
    fn advance(mut self) -> Result<(RecordBatch, Self)> {
        let mut batches = Vec::new();
        let mut rows = 0;
        for _ in 0..SMALL_FILES_AT_ONCE {
            let Some(file) = self.page.next() else { break };
            rows += self.read(&file, &mut batches)?;
            if rows >= BATCH_ROWS {
                break;
            }
        }
        Ok((concat_batches(&self.schema, &batches)?, self))
    }

    fn read(&mut self, file: &Arc<DataFile>, batches: &mut Vec<RecordBatch>) -> Result<usize> {
        let location = format!("{}/{}", self.folder, file.path);
        let failed = |error| DataFusionError::External(Box::new(error));
        let bytes = self.objects.whole(&location, file).map_err(failed)?;
        let parquet: Arc<dyn FileReader> = Arc::new(SerializedFileReader::new(bytes)?);
        let levels = self.levels(parquet.as_ref())?;
        let reader = ParquetRecordBatchReader::try_new_with_row_groups(levels, &parquet, BATCH_ROWS, None)?;
        let mut rows = 0;
        for batch in reader {
            let batch = as_wanted(&self.schema, &batch?)?;
            rows += batch.num_rows();
            batches.push(batch);
        }
        Ok(rows)
    }

    fn levels(&mut self, file: &dyn FileReader) -> Result<&FieldLevels, ParquetError> {
        let parquet = file.metadata().file_metadata().schema_descr();
        let layout = match self.layout.take() {
            Some(known) if *known.parquet == *parquet.root_schema() => known,
            _ => {
                let wanted = self.schema.fields();
                let names = wanted.iter().map(|field| field.name().as_str());
                let mask = ProjectionMask::columns(parquet, names);
                let levels = parquet_to_arrow_field_levels(parquet, mask, None)?;
                Layout { parquet: parquet.root_schema_ptr(), levels }
            }
        };
        Ok(&self.layout.insert(layout).levels)
    }
}

/// The batch with the wanted columns in their order and types. A column that is younger than the file is empty.
pub(super) fn as_wanted(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let fields: &Fields = schema.fields();
    let column = |field: &FieldRef| -> Result<ArrayRef> {
        Ok(match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => cast(column, field.data_type())?,
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
    };
    let columns = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
