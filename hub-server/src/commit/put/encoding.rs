//! A full version becomes a file beside the committer, which fills the next one meanwhile.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::commit::CommitError;
use crate::commit::context::Context;
use crate::commit::files::Encoded;
use crate::commit::open_version::{OpenVersion, Rows, partitions};

/// Threads that encode what nobody waits for.
const BESIDE: usize = 1;

#[derive(Debug)]
pub(super) struct Encoding {
    /// Of the version.
    commit: String,
    files: JoinHandle<Result<Vec<Encoded>, CommitError>>,
}

impl Encoding {
    pub(super) fn begin(context: &Arc<Context>, version: &OpenVersion) -> Self {
        let (context, rows) = (Arc::clone(context), version.rows.clone());
        let files = tokio::task::spawn_blocking(move || encode(&context, &rows, Some(BESIDE)));
        Self { commit: version.info.commit.clone(), files }
    }

    pub(super) fn is_of(&self, commit: &str) -> bool {
        self.commit == commit
    }

    /// The files; None when the work was cut off. Blocking.
    pub(super) fn end(self) -> Option<Result<Vec<Encoded>, CommitError>> {
        Handle::current().block_on(self.files).ok()
    }
}

/// One file for each partition. `threads`: as many as there are for who waits. Blocking.
pub(super) fn encode(
    context: &Context,
    rows: &Rows,
    threads: Option<usize>,
) -> Result<Vec<Encoded>, CommitError> {
    let mut encoded: Vec<Encoded> = Vec::new();
    for (partition, batches) in partitions(rows) {
        if batches.is_empty() {
            continue;
        }
        let file = match threads {
            Some(threads) => context.files.encode_on(threads, partition, &batches),
            None => context.files.encode(partition, &batches),
        };
        match file {
            Ok(file) => encoded.push(file),
            Err(error) => {
                encoded.iter().for_each(|file| context.files.discard(file.file()));
                return Err(error);
            }
        }
    }
    Ok(encoded)
}
