//! The port between the hub and the decoding of untrusted bytes: a [`Job`] goes in, an [`Outcome`]
//! comes out. CSV and Arrow run behind it in threads of this process; whatever stands behind the
//! port sees a payload, a checker and a place for files, and nothing else of the hub.

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use hub_datasets::Report;
use hub_datasets::check::Checker;
use hub_proto::Reason;

use super::IntakeError;
use super::follow::{Follow, Follower};
use super::physical::HubColumns;
use crate::commit::JobRows;
use crate::config::limits::SPOOL_READ_BYTES;
use crate::store::file::FileLayout;
use crate::store::{Store, Table};

/// Media types that the intake decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    Csv,
    ArrowStream,
}

impl FromStr for MediaType {
    type Err = IntakeError;

    fn from_str(text: &str) -> Result<Self, IntakeError> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        match essence {
            "text/csv" => Ok(Self::Csv),
            "application/vnd.apache.arrow.stream" => Ok(Self::ArrowStream),
            _ => Err(IntakeError::new(
                Reason::MediaTypeUnsupported,
                format!(
                    "field `media_type`: `{text}` is not read here; send text/csv or application/vnd.apache.arrow.stream"
                ),
            )),
        }
    }
}

/// Where a payload's bytes are.
#[derive(Debug, Clone)]
pub(super) enum PayloadBytes {
    Held(Bytes),
    /// In the spool, under the submission's id.
    Spooled(String),
    /// On its way into the spool.
    Coming(String, Arc<Follow>),
}

/// What the check is asked to do.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) checker: Arc<Checker>,
    pub(super) media: MediaType,
    pub(super) payload: PayloadBytes,
    pub(super) hub: HubColumns,
    pub(super) partition: String,
    pub(super) store: Arc<Store>,
    pub(super) table: Arc<Table>,
    pub(super) layout: Arc<FileLayout>,
    /// Folder for sorting runs.
    pub(super) scratch: PathBuf,
    /// False for a trial: nothing is encoded.
    pub(super) encode: bool,
    pub(super) limits: JobLimits,
}

/// Bounds of one job.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobLimits {
    pub(super) threads: usize,
    pub(super) chunk_bytes: usize,
    pub(super) record_bytes: usize,
}

impl Job {
    /// Threads that have something to do: a small payload is one chunk.
    pub(super) fn threads(&self) -> usize {
        match &self.payload {
            PayloadBytes::Held(bytes) => self.limits.threads.min(bytes.len() / self.limits.chunk_bytes + 1),
            PayloadBytes::Spooled(_) | PayloadBytes::Coming(..) => self.limits.threads,
        }
    }

    /// Bytes of one read of the payload.
    pub(super) fn block_bytes(&self) -> usize {
        match &self.payload {
            PayloadBytes::Held(bytes) => bytes.len().clamp(1, SPOOL_READ_BYTES),
            PayloadBytes::Spooled(_) | PayloadBytes::Coming(..) => SPOOL_READ_BYTES,
        }
    }

    /// Opens the payload from its first byte; a job may read it twice.
    pub(super) fn open(&self) -> Result<Box<dyn Read + Send>, IntakeError> {
        match &self.payload {
            PayloadBytes::Held(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            PayloadBytes::Spooled(id) => Ok(self.store.spool().reader(id)?),
            PayloadBytes::Coming(id, follow) => {
                Ok(Box::new(Follower::new(self.store.spool().file(id)?, Arc::clone(follow))))
            }
        }
    }
}

/// What the check found and made.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) report: Report,
    /// Rows ready to commit; `None` when the report blocks or nothing was to be encoded.
    pub(super) rows: JobRows,
    pub(super) row_count: u64,
    pub(super) slices: Vec<String>,
}
