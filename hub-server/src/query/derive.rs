//! The columns that follow from `_seq`: which submission and revision a row came with, and when.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning, PlanProperties,
};
use futures::StreamExt as _;

use super::source::{Origin, Source};
use super::visible::Derived;

/// One column of the output.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    /// Index in the input.
    Input(usize),
    /// Computed from the input's `_seq`.
    Derived(Derived),
}

/// Lays out the asked columns: some as they are, some computed from `_seq`.
#[derive(Debug)]
pub(super) struct DeriveExec {
    input: Arc<dyn ExecutionPlan>,
    columns: Arc<Columns>,
    properties: Arc<PlanProperties>,
}

/// How a batch of the input becomes one of the output.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) schema: SchemaRef,
    pub(super) outputs: Vec<Output>,
    /// Index of `_seq` in the input, when a derived column is asked for.
    pub(super) seq: Option<usize>,
    /// Whom to ask what rows came with.
    pub(super) source: Arc<dyn Source>,
}

impl DeriveExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, columns: Arc<Columns>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&columns.schema)),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Self { input, columns, properties }
    }
}

impl Columns {
    pub(super) async fn apply(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let runs = match self.seq {
            Some(seq) => self.runs(batch.column(seq)).await?,
            None => Vec::new(),
        };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            columns.push(match output {
                Output::Input(index) => Arc::clone(batch.column(*index)),
                Output::Derived(derived) => derive(&runs, *derived, batch.num_rows()),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    /// Rows of one submission lie together, so each is looked up once per run, and asked for once per batch.
    async fn runs(&self, column: &ArrayRef) -> Result<Vec<(Arc<Origin>, usize)>> {
        let Some(seqs) = column.as_any().downcast_ref::<Int64Array>() else {
            return internal_err!("`_seq` does not hold integers");
        };
        if seqs.null_count() > 0 {
            return internal_err!("`_seq` has an empty value");
        }
        let mut runs: Vec<(i64, usize)> = Vec::new();
        for seq in seqs.values() {
            match runs.last_mut() {
                Some((last, rows)) if last == seq => *rows += 1,
                _ => runs.push((*seq, 1)),
            }
        }
        let mut wanted: Vec<i64> = runs.iter().map(|(seq, _)| *seq).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = if wanted.is_empty() { Vec::new() } else { self.source.origins(wanted).await? };
        let found: HashMap<i64, Arc<Origin>> = found.into_iter().map(|o| (o.seq, Arc::new(o))).collect();
        let run = |(seq, rows)| match found.get(&seq) {
            Some(origin) => Ok((Arc::clone(origin), rows)),
            None => internal_err!("no submission has `_seq` {seq}"),
        };
        runs.into_iter().map(run).collect()
    }
}

fn derive(runs: &[(Arc<Origin>, usize)], derived: Derived, rows: usize) -> ArrayRef {
    match derived {
        Derived::Submission => {
            let mut builder = StringBuilder::with_capacity(rows, rows * 40);
            for (origin, rows) in runs {
                builder.append_value_n(&origin.submission, *rows);
            }
            Arc::new(builder.finish())
        }
        Derived::Revision => {
            let mut builder = Int64Builder::with_capacity(rows);
            for (origin, rows) in runs {
                builder.append_value_n(i64::try_from(origin.revision).unwrap_or(i64::MAX), *rows);
            }
            Arc::new(builder.finish())
        }
        Derived::CommittedAt => {
            let mut builder = TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC");
            for (origin, rows) in runs {
                builder.append_value_n(origin.committed_at, *rows);
            }
            Arc::new(builder.finish())
        }
    }
}

impl DisplayAs for DeriveExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeriveExec")
    }
}

impl ExecutionPlan for DeriveExec {
    fn name(&self) -> &'static str {
        "DeriveExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    /// Rows keep their order, but columns move and no order is declared above: a sort that were pushed
    /// below this node would be lost.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(input, Arc::clone(&self.columns)))),
            _ => internal_err!("DeriveExec has one input"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let columns = Arc::clone(&self.columns);
        let rows = self.input.execute(partition, context)?.then(move |batch| {
            let columns = Arc::clone(&columns);
            async move { columns.apply(batch?).await }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    /// The row count passes (it is unknown above a barrier); statistics of columns do not.
    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let rows = inputs.first().map_or(Precision::Absent, |s| s.num_rows);
        Ok(Arc::new(Statistics { num_rows: rows, ..Statistics::new_unknown(&self.schema()) }))
    }
}
