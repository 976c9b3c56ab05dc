//! Corrections of shared files are prepared beside the committer: their rewrites are ready, and
//! durable, when their jobs enter a group. At the put it is checked again that they still fit.

use std::sync::Arc;

use super::CommitError;
use super::context::Context;
use super::plan::{Decision, Superseded, decide, touched};
use super::queue::Item;
use super::rewrite::{Rewrite, rewrite};
use super::state::State;
use crate::store::index::DataFile;

/// Corrections with the files that they leave.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) items: Vec<Item>,
    /// Rows that the corrections take out.
    pub(crate) superseded: Superseded,
    /// Live files that leave, and what comes in their place.
    pub(crate) removed: Vec<Arc<DataFile>>,
    pub(crate) added: Vec<Arc<DataFile>>,
    /// Live files that the corrections leave as they are.
    pub(crate) kept: Vec<Arc<DataFile>>,
}

impl Prepared {
    /// True while the corrections supersede the same rows of the same live files.
    pub(crate) fn fits(&self, state: &State, superseded: &Superseded, slice_column: Option<&str>) -> bool {
        if self.superseded != *superseded {
            return false;
        }
        let now = touched(state, superseded, slice_column);
        let mut now: Vec<&str> = now.whole.iter().chain(&now.shared).map(|file| file.path.as_str()).collect();
        let mut then: Vec<&str> =
            self.removed.iter().chain(&self.kept).map(|file| file.path.as_str()).collect();
        now.sort_unstable();
        then.sort_unstable();
        now == then
    }
    /// Removes the rewritten files and gives the jobs back.
    pub(crate) fn dissolve(self, context: &Context) -> Vec<Item> {
        self.added.iter().for_each(|file| context.files.discard(file));
        self.items
    }
}

/// Rewrites the shared files of corrections of different keys, all of them together. What the state
/// does not let in is settled; after an error all are refused with it. Blocking.
pub(crate) fn prepare(context: &Arc<Context>, items: Vec<Item>) -> Option<Prepared> {
    let mut prepared = Prepared {
        items: Vec::new(),
        superseded: Superseded::new(),
        removed: Vec::new(),
        added: Vec::new(),
        kept: Vec::new(),
    };
    // Held while the files are read.
    let (_held, touched) = {
        let (held, state) = context.held();
        for item in items {
            match decide(&state, &item.job) {
                Decision::Accepted(accepted) => {
                    add(&mut prepared.superseded, accepted.superseded);
                    prepared.items.push(item);
                }
                other => context.settle(item, other),
            }
        }
        (held, touched(&state, &prepared.superseded, context.files.slice_column()))
    };
    prepared.removed = touched.whole;
    for file in &touched.shared {
        match rewrite(&context.files, file, &prepared.superseded) {
            Ok(Rewrite::Kept) => prepared.kept.push(Arc::clone(file)),
            Ok(Rewrite::Emptied) => prepared.removed.push(Arc::clone(file)),
            Ok(Rewrite::Replaced(by)) => {
                prepared.removed.push(Arc::clone(file));
                prepared.added.push(by);
            }
            Err(error) => {
                refuse_all(context, prepared, &error);
                return None;
            }
        }
    }
    (!prepared.items.is_empty()).then_some(prepared)
}

fn refuse_all(context: &Context, prepared: Prepared, error: &CommitError) {
    for item in prepared.dissolve(context) {
        context.refuse(item, error.clone());
    }
}

/// Adds rows to the superseded ones.
pub(crate) fn add(superseded: &mut Superseded, more: impl IntoIterator<Item = (i64, String)>) {
    for (seq, slice) in more {
        superseded.entry(seq).or_default().insert(slice);
    }
}
