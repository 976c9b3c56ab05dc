//! Bounds of statements. Each is shown in the error that it causes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::limits::{QUERY_WORKER_FOOTER_BYTES, QUERY_WORKER_READERS, QUERY_WORKER_ROOM_BYTES};

/// Bounds of one statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QueryLimits {
    /// Memory that the operators of all statements may hold; each has an equal part.
    pub(crate) memory_bytes: usize,
    /// Spill files of all statements together.
    pub(crate) spill_bytes: u64,
    /// From the call to the last row.
    pub(crate) deadline: Duration,
    /// Rows of an answer.
    pub(crate) rows: u64,
    pub(crate) sql_bytes: usize,
    /// Open parentheses at once.
    pub(crate) sql_depth: usize,
    /// Partitions that one statement is worked on in, and threads of the engine.
    pub(crate) partitions: usize,
    /// Statements at work at once.
    pub(crate) slots: usize,
    /// Visible rows that the chosen files may hold when a statement has window functions, whose memory
    /// the engine does not account for.
    pub(crate) window_rows: u64,
    /// Footers and page indexes of data files that are kept.
    pub(crate) footer_bytes: usize,
    /// Threads that read files beside those of the engine.
    pub(crate) readers: usize,
}

impl QueryLimits {
    /// Memory that one statement may hold: with all places taken, the whole is not exceeded.
    pub(super) fn statement_bytes(&self) -> usize {
        self.memory_bytes / self.slots.max(1)
    }

    /// Limits of a process that runs one statement at a time.
    pub(super) fn of_worker(&self) -> Self {
        Self {
            memory_bytes: self.statement_bytes(),
            spill_bytes: self.spill_bytes / self.slots.max(1) as u64,
            slots: 1,
            footer_bytes: QUERY_WORKER_FOOTER_BYTES,
            readers: QUERY_WORKER_READERS,
            ..self.clone()
        }
    }

    /// Memory of such a process. Its stacks count whole, though they are hardly used.
    pub(crate) fn worker_bytes(&self) -> u64 {
        let worker = self.of_worker();
        let stacks = (worker.partitions + worker.readers) * STACK_BYTES;
        (worker.memory_bytes + worker.footer_bytes + stacks) as u64 + QUERY_WORKER_ROOM_BYTES
    }
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            spill_bytes: 2 << 30,
            deadline: Duration::from_secs(60),
            rows: 10_000_000,
            sql_bytes: 32 << 10,
            sql_depth: 32,
            partitions: 2,
            slots: 4,
            window_rows: 2_000_000,
            footer_bytes: 128 << 20,
            readers: 512,
        }
    }
}

/// Data files up to this length, one block, are read whole …
pub(super) const SMALL_FILE_BYTES: u64 = 256 << 10;
/// … if they have few rows: those of a long file may repeat so often that it is short …
pub(super) const SMALL_FILE_ROWS: u64 = 16_384;
/// … and so many of them at once at most, beside the engine's threads.
pub(super) const SMALL_FILES_AT_ONCE: usize = 16;
/// Entries of files that a scan holds at once for each of its partitions.
pub(super) const FILES_AT_ONCE: usize = 1_024;
/// Comparisons by which files are chosen; a statement with more of them reads all files.
pub(super) const BOUNDS_MAX: usize = 256;
/// Warnings that an answer carries; a statement has few sums, and a header of HTTP is short.
pub(super) const WARNINGS_MAX: usize = 5;
/// Rows of a batch inside the engine.
pub(super) const BATCH_ROWS: usize = 8_192;
/// Batches that wait between the engine and the encoder, and chunks between encoder and door.
pub(super) const QUEUE: usize = 2;
/// Stack of the engine's threads: plans are walked recursively.
pub(super) const STACK_BYTES: usize = 64 << 20;
