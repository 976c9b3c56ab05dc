//! The catalogue's projection of one table's log, compared record by record.

use std::collections::{HashMap, HashSet};

use super::Verification;
use crate::catalog::{Catalog, CatalogError, SubmissionRecord, Tombstone};
use crate::commit::projector::{ERASED, SUPERSEDED, WITHDRAWN, record};
use crate::commit::state::{CommitFacts, State};
use crate::store::log::{Entry, SubmissionEntry};
use crate::store::verify::{Finding, Gone, RESTORE};

/// What helps when only the projection is wrong.
pub(super) const REBUILD: &str =
    "run `hub-server rebuild` and start the server: it is made again from the logs";

pub(super) struct Projection<'a> {
    of: &'a Verification<'a>,
    catalog: Option<&'a Catalog>,
    table: &'a str,
    /// How far the projection has come; None: there is none.
    applied: Option<u64>,
    newest: u64,
    state: State,
    superseded: HashSet<String>,
    /// Those that their publisher took back.
    withdrawn: HashSet<String>,
    /// State of each submission that is shown.
    shown: HashMap<String, String>,
}

impl<'a> Projection<'a> {
    pub(super) fn of(of: &'a Verification<'a>, catalog: Option<&'a Catalog>, table: &'a str) -> Self {
        let applied = catalog.map(|catalog| of.runtime.block_on(catalog.applied_version(table)));
        let mut projection = Self {
            of,
            catalog,
            table,
            applied: None,
            newest: 0,
            state: State::default(),
            superseded: HashSet::new(),
            withdrawn: HashSet::new(),
            shown: HashMap::new(),
        };
        match applied {
            Some(Ok(applied)) => projection.applied = applied,
            Some(Err(error)) => projection.unreadable(&error),
            None => {}
        }
        projection
    }

    /// Compares what a log version says with what is shown of it. `gone`: what later ones erase.
    pub(super) fn take(&mut self, version: u64, entry: &Entry, gone: &Gone) {
        self.newest = version;
        let Some(catalog) = self.catalog.filter(|_| self.applied.is_some_and(|applied| version <= applied))
        else {
            return;
        };
        self.superseded.extend(self.state.apply(CommitFacts::of(version, entry)));
        for submission in &entry.info.submissions {
            self.withdrawn.extend(submission.withdraws.clone());
            match self.of.runtime.block_on(catalog.submission(&submission.id)) {
                Ok(found) => self.compare(version, submission, entry, (found, gone)),
                Err(error) => self.unreadable(&error),
            }
        }
    }

    fn compare(
        &mut self,
        version: u64,
        submission: &SubmissionEntry,
        entry: &Entry,
        (found, gone): (Option<SubmissionRecord>, &Gone),
    ) {
        let id = &submission.id;
        let Some(found) = found else {
            return self.fault(format!("it lacks submission {id}, which log version {version} names"));
        };
        let mut expected = record(submission, &entry.info);
        // Unless the projection has not come so far.
        if let Some(erased) = gone.erased.get(id).filter(|_| found.erased.is_some()) {
            expected.erased = Some(Tombstone { at: erased.at, reason: erased.erasure.reason.clone() });
            // What an unfinished erasure left in the log is told for itself.
            expected.report = String::new();
        }
        let state = found.state.clone();
        if (SubmissionRecord { state: expected.state.clone(), ..found }) != expected {
            self.fault(format!("it shows submission {id} otherwise than log version {version}"));
        }
        self.shown.insert(id.clone(), state);
    }

    /// Compares what is left when all is read, unless the log is damaged and tells too little; gives the
    /// number of submissions that are shown.
    pub(super) fn end(self, intact: bool) -> u64 {
        if intact {
            self.judge();
        }
        self.shown.len() as u64
    }

    fn judge(&self) {
        match self.applied {
            Some(applied) if applied > self.newest => {
                let newest = self.newest;
                self.fault(format!("it has come to log version {applied}, the log ends with {newest}"));
            }
            None if self.catalog.is_some() => {
                let table = self.table;
                let note = format!("the catalogue shows nothing of {table} yet; the next start makes it");
                (self.of.tell)(Finding::Note(note));
            }
            _ => {}
        }
        for (id, state) in &self.shown {
            let expected = match id {
                id if self.state.is_erased(id) => ERASED,
                id if self.withdrawn.contains(id) => WITHDRAWN,
                id if self.superseded.contains(id) => SUPERSEDED,
                _ => "COMMITTED",
            };
            if state != expected {
                self.fault(format!("it shows submission {id} as {state}, by the log it is {expected}"));
            }
        }
    }

    fn fault(&self, message: String) {
        self.of.fault(self.of.file, format!("{}: {message}", self.table), REBUILD);
    }
    fn unreadable(&self, error: &CatalogError) {
        self.of.fault(self.of.file, format!("{}: {error}", self.table), RESTORE);
    }
}
