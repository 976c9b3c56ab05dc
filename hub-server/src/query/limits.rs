//! Bounds of statements. Each is shown in the error that it causes.

use std::time::Duration;

/// Bounds of one statement.
#[derive(Debug, Clone)]
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
}

impl QueryLimits {
    /// Memory that one statement may hold: with all places taken, the whole is not exceeded.
    pub(super) fn statement_bytes(&self) -> usize {
        self.memory_bytes / self.slots.max(1)
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
        }
    }
}

/// Footers and page indexes of data files, shared by all statements.
pub(super) const FOOTER_CACHE_BYTES: usize = 128 << 20;
/// Data files up to this length, one block, are read whole …
pub(super) const SMALL_FILE_BYTES: u64 = 256 << 10;
/// … if they have few rows: those of a long file may repeat so often that it is short …
pub(super) const SMALL_FILE_ROWS: u64 = 16_384;
/// … and so many of them at once at most, beside the engine's threads.
pub(super) const SMALL_FILES_AT_ONCE: usize = 16;
/// Rows of a batch inside the engine.
pub(super) const BATCH_ROWS: usize = 8_192;
/// Batches that wait between the engine and the encoder, and chunks between encoder and door.
pub(super) const QUEUE: usize = 2;
/// Stack of the engine's threads: plans are walked recursively.
pub(super) const STACK_BYTES: usize = 64 << 20;
