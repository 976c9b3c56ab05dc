//! The open version: the dataset version that is being filled. Its submissions are acknowledged and
//! durable ahead of the log; readers see none of them before it is closed, which makes its file and its
//! log version. While a full one is encoded the next is filled already.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
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
use crate::config::limits::{OPEN_VERSION_ROWS, SPOOL_SMALL_BYTES};
use crate::store::journal::AheadRecord;
use crate::store::log::{CommitInfo, SubmissionEntry};

/// Batches of a publisher, partition by partition.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, Vec<RecordBatch>>>;

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
    /// It takes no more submissions.
    pub(crate) full: bool,
}

/// Versions that are in no log yet, in their order; the last one takes submissions, unless it is full.
#[derive(Debug, Default)]
pub(crate) struct OpenVersions(VecDeque<OpenVersion>);

impl OpenVersions {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The one that is closed next.
    pub(crate) fn first(&self) -> Option<&OpenVersion> {
        self.0.front()
    }
    /// All, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &OpenVersion> {
        self.0.iter()
    }
    /// The one that takes submissions.
    pub(crate) fn filling(&self) -> Option<&OpenVersion> {
        self.0.back().filter(|open| !open.full)
    }
    pub(crate) fn filling_mut(&mut self) -> Option<&mut OpenVersion> {
        self.0.back_mut().filter(|open| !open.full)
    }
    /// The one that takes submissions, begun when there is none.
    pub(crate) fn fill(&mut self, begin: impl FnOnce() -> OpenVersion) -> &mut OpenVersion {
        if self.filling().is_none() {
            self.0.push_back(begin());
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
    /// Takes out the one that a commit closed, if it is the next.
    pub(crate) fn take(&mut self, commit: &str) -> Option<OpenVersion> {
        self.0.pop_front_if(|open| open.info.commit == commit)
    }
    /// Whether one of them holds a submission of this publisher for this partition, or for any.
    pub(crate) fn holds(&self, publisher: &str, partition: Option<&String>) -> bool {
        self.0.iter().any(|open| open.holds(publisher, partition))
    }
    /// A submission and its commit.
    pub(crate) fn submission(&self, id: &str) -> Option<(&SubmissionEntry, &CommitInfo)> {
        self.0.iter().find_map(|open| Some((open.submission(id)?, &open.info)))
    }
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

/// Rows as a record has them: an Arrow stream.
pub(crate) fn as_arrow(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<u8>, ArrowError> {
    let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    let mut writer = StreamWriter::try_new(Vec::with_capacity(bytes + STREAM_BYTES), schema)?;
    batches.iter().filter(|batch| batch.num_rows() > 0).try_for_each(|batch| writer.write(batch))?;
    writer.into_inner()
}

/// About so many bytes of a stream are not rows.
const STREAM_BYTES: usize = 4 << 10;

impl OpenVersion {
    pub(crate) fn new(log_version: u64, info: &CommitInfo, due: Instant) -> Self {
        let (rows, superseded) = (Rows::new(), Vec::new());
        Self { log_version, info: info.bare(), rows, count: 0, superseded, due, full: false }
    }

    pub(crate) fn take(&mut self, joining: Joining) {
        for (submission, batches) in joining.info.submissions.into_iter().zip(joining.rows) {
            self.count += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            let publishers = self.rows.entry(submission.partition.clone()).or_default();
            publishers.entry(submission.publisher.clone()).or_default().extend(batches);
            self.info.submissions.push(submission);
        }
    }

    fn holds(&self, publisher: &str, partition: Option<&String>) -> bool {
        match partition {
            Some(partition) => self.rows.get(partition).is_some_and(|of| of.contains_key(publisher)),
            None => self.rows.values().any(|of| of.contains_key(publisher)),
        }
    }
    fn submission(&self, id: &str) -> Option<&SubmissionEntry> {
        self.info.submissions.iter().find(|submission| submission.id == id)
    }
}

/// The rows of a job that may share an open version: few, and of a small payload.
pub(crate) fn light(job: &CommitJob) -> Option<&[RecordBatch]> {
    let few = job.rows <= OPEN_VERSION_ROWS as u64 && job.size <= SPOOL_SMALL_BYTES;
    match &job.payload {
        JobRows::Batches(batches) if few && !job.nothing_to_report => Some(batches),
        _ => None,
    }
}

impl Joining {
    /// The head of the record; behind it stand the rows of each submission.
    pub(crate) fn head(&self) -> Result<Vec<u8>, String> {
        let info = &self.info;
        let head = Head {
            commit: &info.commit,
            epoch: &info.epoch,
            operation: &info.operation,
            committed_at: info.committed_at.timestamp_micros(),
            dataset_version: info.dataset_version,
            submissions: Cow::Borrowed(&info.submissions),
        };
        serde_json::to_vec(&head).map_err(|error| error.to_string())
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
        if record.rows.len() != info.submissions.len() {
            return Err(format!("{} submissions with rows of {}", info.submissions.len(), record.rows.len()));
        }
        let each = info.submissions.iter().zip(&record.rows);
        let rows = each.map(|(submission, rows)| Self::batches(submission, rows, schema));
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Self { info, rows })
    }

    fn batches(
        submission: &SubmissionEntry,
        rows: &[u8],
        schema: &SchemaRef,
    ) -> Result<Vec<RecordBatch>, String> {
        let read = || -> Result<Vec<RecordBatch>, ArrowError> {
            StreamReader::try_new(Cursor::new(rows), None)?.map(|batch| conformed(&batch?, schema)).collect()
        };
        let batches = read().map_err(|error| error.to_string())?;
        let found: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        match found == submission.rows {
            true => Ok(batches),
            false => Err(format!("{found} rows of {}, which has {}", submission.id, submission.rows)),
        }
    }
}

/// The rows of a job that is [`light`].
pub(crate) fn rows_of(item: &Item) -> Vec<RecordBatch> {
    // Batches without rows would be lost on the way, and bring nothing.
    let rows = light(&item.job).unwrap_or_default().iter().filter(|batch| batch.num_rows() > 0);
    rows.cloned().collect()
}

/// Batches as an encoder takes them: of one partition, ordered by publisher.
pub(crate) fn partitions(rows: &Rows) -> impl Iterator<Item = (&String, Vec<&RecordBatch>)> {
    rows.iter().map(|(partition, publishers)| (partition, publishers.values().flatten().collect()))
}
