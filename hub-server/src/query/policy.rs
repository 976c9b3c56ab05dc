//! The barrier: rows of other publishers that lie in the same files never pass it, and nothing that
//! the reader wrote runs below it.
//!
//! It keeps the default answers of [`ExecutionPlan`] where those are closed: filters from above
//! (static or dynamic) are not taken, limits are not pushed through, statistics are unknown.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringArray};
use arrow::compute::filter_record_batch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties,
};
use futures::StreamExt as _;

/// Lets through the rows of one publisher.
#[derive(Debug)]
pub(super) struct PolicyExec {
    input: Arc<dyn ExecutionPlan>,
    /// Index of `_publisher` in the input.
    column: usize,
    publisher: Arc<str>,
    properties: Arc<PlanProperties>,
}

impl PolicyExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, column: usize, publisher: Arc<str>) -> Self {
        // Nothing that the input knows of orders or equalities is promised above the barrier.
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(
                input.output_partitioning().partition_count(),
            ),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Self { input, column, publisher, properties }
    }
}

impl DisplayAs for PolicyExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyExec")
    }
}

impl ExecutionPlan for PolicyExec {
    fn name(&self) -> &'static str {
        "PolicyExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    /// Rows keep their order, but none is declared above, and a sort that were pushed below the barrier
    /// would be lost and work on hidden rows.
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
            (Some(input), true) => Ok(Arc::new(Self::new(input, self.column, Arc::clone(&self.publisher)))),
            _ => internal_err!("PolicyExec has one input"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(
                datafusion::physical_plan::execution_plan::ChildrenPropertiesMode::Recompute,
            ),
        )
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (column, publisher) = (self.column, Arc::clone(&self.publisher));
        let rows = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let Some(names) = batch.column(column).as_any().downcast_ref::<StringArray>() else {
                return internal_err!("`_publisher` is not text");
            };
            let mask: BooleanArray =
                (0..names.len()).map(|i| Some(names.is_valid(i) && names.value(i) == &*publisher)).collect();
            Ok(filter_record_batch(&batch, &mask)?)
        });
        // A batch without a visible row says nothing, also not that it was there.
        let rows = rows.filter(|batch| futures::future::ready(!matches!(batch, Ok(b) if b.num_rows() == 0)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
