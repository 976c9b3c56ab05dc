//! The parts of an erasure that go to the disk, in their order.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::commit::CommitError;
use crate::commit::context::Context;
use crate::commit::put::{GroupEnd, Putter};
use crate::commit::rewrite::without;
use crate::fault;
use crate::store::log::{Erasure, Scrub, StandIn, SubmissionEntry};
use crate::store::spool::Forgotten;
use crate::store::table::{Chained, Erased as Tombstone, Held, Holding, Place, Removed};
use crate::store::{Store, StoreError, Table};

/// Does a file need one in its place, with the rows of others?
pub(crate) fn needs_stand_in(held: &Held) -> bool {
    matches!(held.place, Place::Live | Place::Home(_)) && held.file.seqs.len() > 1
}

/// What an erasure is ordered with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) reason: &'a str,
    pub(crate) by: &'a str,
}

/// Writes the files that stand in for those of a submission, then its tombstone. After an error the next start
/// sweeps what the log does not name. Blocking.
pub(crate) fn entomb(
    context: &Context,
    putter: &mut Putter,
    (of, words): (&SubmissionEntry, Words<'_>),
    holding: &Holding,
    end: &mut GroupEnd,
) -> Result<(), CommitError> {
    let mut stand_ins = Vec::new();
    for held in holding.files.iter().filter(|held| needs_stand_in(held)) {
        let left = match held.place {
            Place::Home(left) => Some(left),
            Place::Live | Place::Spare | Place::Gone => None,
        };
        let file = without(&context.files, &held.file, of.seq)?;
        stand_ins.push(StandIn { of: held.file.path.clone(), left, file });
    }
    fault::point("erase.staged");
    let erasure = Erasure {
        submission: of.id.clone(),
        seq: of.seq,
        publisher: of.publisher.clone(),
        partition: of.partition.clone(),
        reason: words.reason.to_owned(),
        by: words.by.to_owned(),
        held: holding.held,
        files: holding.files.iter().map(|held| held.file.path.clone()).collect(),
        stand_ins,
    };
    let live = holding.files.iter().filter(|held| held.place == Place::Live);
    let live: Vec<_> = live.map(|held| Arc::clone(&held.file)).collect();
    putter.erase(erasure, &live, end)
}

/// What left the folder.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) data: Removed,
    /// Files of the log that were written anew.
    pub(crate) log: u64,
    pub(crate) checkpoints: u64,
    pub(crate) evidence: Removed,
    pub(crate) spool: Forgotten,
    /// Submissions of the same publisher and partition, as the log has them now.
    pub(crate) chain: Vec<Chained>,
}

/// Removes the bytes of a submission that has its tombstone; done again it does no harm. Blocking.
pub(crate) fn clear(
    (table, store): (&Table, &Store),
    of: &SubmissionEntry,
    tombstone: &Tombstone,
    is_shared: bool,
    now: DateTime<Utc>,
) -> Result<Cleared, StoreError> {
    let erasure = &tombstone.erasure;
    // A record of the journal would bring a file back at the next start.
    table.settle()?;
    let data = table.remove_erased(erasure)?;
    let snapshot = table.snapshot();
    let is_erased = |id: &str| snapshot.erased.iter().any(|one| one.erasure.submission == id);
    let chain = table.chain(&erasure.publisher, &erasure.partition)?;
    let scrub = Scrub::new(erasure, chain.iter().map(|one| &one.submission), is_erased);
    let log = table.scrub(&scrub)?;
    let checkpoints = table.renew_checkpoints(tombstone.log_version, now)?;
    let (evidence, spool) = store.forget_payload(&of.id, &of.sha256, is_shared)?;
    let chain = table.chain(&erasure.publisher, &erasure.partition)?;
    Ok(Cleared { data, log, checkpoints, evidence, spool, chain })
}
