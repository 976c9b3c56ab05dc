//! The port between the hub and the decoding of untrusted bytes: a [`Job`] goes in, an [`Outcome`]
//! comes out. CSV is decoded and checked behind it in threads of this process, all else in a worker of its own
//! (`workers`). What stands behind the port sees a payload, a checker and a place for files, and nothing else of
//! the hub.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hub_datasets::check::standing::SliceFacts;
use hub_datasets::check::{Checker, PieceLimits};
use hub_datasets::{MediaType, Report};

use super::beside::Beside;
use super::payload::PayloadBytes;
use super::physical::HubColumns;
use super::workers::Workers;
use crate::commit::JobRows;
use crate::config::limits::{ARROW_PIECE_ROWS, SPOOL_READ_BYTES};
use crate::store::file::FileLayout;
use crate::store::{Store, Table};

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
    /// What the payload is compared with.
    pub(super) beside: Beside,
    /// Who decodes what is no CSV; None: threads of this process.
    pub(super) workers: Option<Arc<Workers>>,
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
        match self.payload.held() {
            Some(bytes) => self.limits.threads.min(bytes / self.limits.chunk_bytes + 1),
            None => self.limits.threads,
        }
    }

    /// Bounds of the payload's pieces.
    pub(super) fn pieces(&self) -> PieceLimits {
        let held = self.payload.held();
        let block_bytes = held.map_or(SPOOL_READ_BYTES, |bytes| bytes.clamp(1, SPOOL_READ_BYTES));
        let JobLimits { chunk_bytes, record_bytes, .. } = self.limits;
        PieceLimits { chunk_bytes, record_bytes, block_bytes, rows: ARROW_PIECE_ROWS }
    }
}

/// What the check found and made.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) report: Report,
    /// Rows ready to commit; `None` when the report blocks or nothing was to be encoded.
    pub(super) rows: JobRows,
    pub(super) row_count: u64,
    /// Slices that it sends, ascending, and what is known of each.
    pub(super) slices: Vec<String>,
    pub(super) slice_facts: Vec<SliceFacts>,
    /// What it was compared with, by name and submission.
    pub(super) against: BTreeMap<String, String>,
    /// Rows of the revision before were compared with it.
    pub(super) carries: bool,
}

impl Outcome {
    /// Of a payload that brings no rows, or none that may be kept.
    pub(super) fn without_rows(report: Report) -> Self {
        Self {
            report,
            rows: JobRows::None,
            row_count: 0,
            slices: Vec::new(),
            slice_facts: Vec::new(),
            against: BTreeMap::new(),
            carries: false,
        }
    }
}
