//! Compiled checks, kept from payload to payload: compiling a pattern's code lists and rules takes longer
//! than checking a small report.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hub_datasets::check::{Checker, Context, Publisher};
use hub_datasets::{CodeLists, Pattern, Period};
use hub_proto::Reason;

use super::IntakeError;
use crate::config::limits::CHECKERS_KEPT;

/// The checkers of the (pattern, period) pairs that were asked for lately, the newest last.
#[derive(Debug, Default)]
pub(super) struct Checkers {
    kept: Mutex<VecDeque<Checker>>,
}

impl Checkers {
    /// The checker of a pattern and period for a publisher, compiled when it is not at hand. Blocking
    /// for some milliseconds then.
    pub(super) fn get(
        &self,
        pattern: &Arc<Pattern>,
        period: Option<&Period>,
        lists: &Arc<CodeLists>,
        publisher: Option<Publisher>,
    ) -> Result<Checker, IntakeError> {
        if let Some(known) = self.known(pattern, period) {
            return Ok(known.of(publisher));
        }
        let compiled = Checker::new(Context {
            pattern: Arc::clone(pattern),
            lists: Arc::clone(lists),
            period: period.cloned(),
            publisher: None,
        })
        .map_err(|error| IntakeError::new(Reason::Internal, error.to_string()))?;
        let own = compiled.of(publisher);
        let mut kept = self.kept();
        if kept.len() >= CHECKERS_KEPT {
            kept.pop_front();
        }
        kept.push_back(compiled);
        Ok(own)
    }

    fn known(&self, pattern: &Pattern, period: Option<&Period>) -> Option<Checker> {
        let mut kept = self.kept();
        let same = |checker: &Checker| {
            let context = checker.context();
            context.pattern.bundle_sha256 == pattern.bundle_sha256 && context.period.as_ref() == period
        };
        let at = kept.iter().position(same)?;
        let checker = kept.remove(at)?;
        kept.push_back(checker.clone());
        Some(checker)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Checker>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
