//! The open version: the dataset version that is being filled. Its submissions are acknowledged and
//! durable ahead of the log; readers see none of them before it is closed, which makes its file and its
//! log version.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::queue::Item;
use super::rewrite::conformed;
use super::{CommitJob, JobRows};
use crate::store::journal::AheadRecord;
use crate::store::log::{CommitInfo, SubmissionEntry};

/// Batches of a publisher, partition by partition.
type Rows = BTreeMap<String, BTreeMap<String, Vec<RecordBatch>>>;

#[derive(Debug)]
pub(crate) struct OpenVersion {
    /// The log version that will hold it.
    pub(crate) log_version: u64,
    pub(crate) info: CommitInfo,
    pub(crate) rows: Rows,
    /// Rows in all.
    pub(crate) count: usize,
    /// Submissions of which nothing is current any more.
    pub(crate) superseded: Vec<String>,
    /// When it is closed although nobody asks.
    pub(crate) due: Instant,
}

/// What a record ahead of the log says beside the rows.
#[derive(Debug, Serialize, Deserialize)]
struct Head<'a> {
    commit: &'a str,
    epoch: &'a str,
    operation: &'a str,
    /// Microseconds since 1970, UTC.
    committed_at: i64,
    dataset_version: u64,
    submissions: Cow<'a, [SubmissionEntry]>,
}

/// A group of submissions on its way into the open version.
#[derive(Debug)]
pub(crate) struct Joining {
    /// The commit that they become a part of, with them alone.
    pub(crate) info: CommitInfo,
    /// Of each submission, in their order.
    pub(crate) rows: Vec<Vec<RecordBatch>>,
}

impl OpenVersion {
    pub(crate) fn new(log_version: u64, info: &CommitInfo, due: Instant) -> Self {
        Self { log_version, info: info.bare(), rows: Rows::new(), count: 0, superseded: Vec::new(), due }
    }

    pub(crate) fn take(&mut self, joining: Joining) {
        for (submission, batches) in joining.info.submissions.into_iter().zip(joining.rows) {
            self.count += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            let publishers = self.rows.entry(submission.partition.clone()).or_default();
            publishers.entry(submission.publisher.clone()).or_default().extend(batches);
            self.info.submissions.push(submission);
        }
    }

    /// Whether it holds a submission of this publisher for this partition.
    pub(crate) fn holds(&self, publisher: &str, partition: &str) -> bool {
        self.rows.get(partition).is_some_and(|publishers| publishers.contains_key(publisher))
    }
    pub(crate) fn submission(&self, id: &str) -> Option<&SubmissionEntry> {
        self.info.submissions.iter().find(|submission| submission.id == id)
    }
}

/// Whether the rows of a job are few and in memory; only such jobs share an open version.
pub(crate) fn is_light(item: &Item) -> bool {
    matches!(&item.job, CommitJob { payload: JobRows::Batches(_), nothing_to_report: false, .. })
}

impl Joining {
    /// The two parts of the record. `schema` is that of the rows.
    pub(crate) fn record(&self, schema: &SchemaRef) -> Result<AheadRecord, String> {
        let info = &self.info;
        let head = Head {
            commit: &info.commit,
            epoch: &info.epoch,
            operation: &info.operation,
            committed_at: info.committed_at.timestamp_micros(),
            dataset_version: info.dataset_version,
            submissions: Cow::Borrowed(&info.submissions),
        };
        let head = serde_json::to_vec(&head).map_err(|error| error.to_string())?;
        let rows = self.rows_as_arrow(schema).map_err(|error| error.to_string())?;
        Ok(AheadRecord { head, rows })
    }

    fn rows_as_arrow(&self, schema: &SchemaRef) -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
        self.rows.iter().flatten().try_for_each(|batch| writer.write(batch))?;
        writer.into_inner()
    }

    /// A record back, its rows with the columns of `schema`.
    pub(crate) fn parse(record: &AheadRecord, schema: &SchemaRef) -> Result<Self, String> {
        let head: Head<'_> = serde_json::from_slice(&record.head).map_err(|error| error.to_string())?;
        let committed_at =
            DateTime::from_timestamp_micros(head.committed_at).ok_or("committed_at is no time")?;
        let info = CommitInfo {
            commit: head.commit.to_owned(),
            epoch: head.epoch.to_owned(),
            operation: head.operation.to_owned(),
            committed_at,
            dataset_version: head.dataset_version,
            submissions: head.submissions.into_owned(),
            erasure: None,
        };
        let rows = Self::rows_of(&info.submissions, &record.rows, schema)?;
        Ok(Self { info, rows })
    }

    /// Deals the batches out: each submission takes as many rows as it has.
    fn rows_of(
        submissions: &[SubmissionEntry],
        rows: &[u8],
        schema: &SchemaRef,
    ) -> Result<Vec<Vec<RecordBatch>>, String> {
        let read = StreamReader::try_new(Cursor::new(rows), None);
        let mut batches = read.map_err(|error| error.to_string())?;
        let mut next = || -> Result<RecordBatch, String> {
            let batch = batches.next().ok_or("rows are missing")?;
            batch.and_then(|batch| conformed(&batch, schema)).map_err(|error| error.to_string())
        };
        let mut dealt = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let (mut own, mut left) = (Vec::new(), submission.rows);
            while left > 0 {
                let batch = next()?;
                let more = left.checked_sub(batch.num_rows() as u64);
                left = more.ok_or_else(|| format!("a batch holds rows behind those of {}", submission.id))?;
                own.push(batch);
            }
            dealt.push(own);
        }
        Ok(dealt)
    }
}

/// The rows of a job that [`is_light`].
pub(crate) fn rows_of(item: &Item) -> Vec<RecordBatch> {
    match &item.job.payload {
        // Batches without rows would be lost on the way, and bring nothing.
        JobRows::Batches(batches) => batches.iter().filter(|batch| batch.num_rows() > 0).cloned().collect(),
        JobRows::Files(_) | JobRows::None => Vec::new(),
    }
}

/// Batches as an encoder takes them: of one partition, ordered by publisher.
pub(crate) fn partitions(rows: &Rows) -> impl Iterator<Item = (&String, Vec<&RecordBatch>)> {
    rows.iter().map(|(partition, publishers)| (partition, publishers.values().flatten().collect()))
}
