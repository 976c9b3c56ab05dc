//! Declared row rules. Without the feature `check` they are only listed as not evaluated.

use arrow::datatypes::SchemaRef;

use crate::Period;
use crate::pattern::PatternError;
use crate::period::Frequency;

use super::{Checker, Context, Part};

#[cfg(feature = "check")]
mod common;
#[cfg(feature = "check")]
mod comparison;
#[cfg(feature = "check")]
pub(super) mod expression;
#[cfg(feature = "check")]
mod run;
#[cfg(feature = "check")]
mod sum;

/// The rules that apply in the period, ready to run.
#[derive(Debug)]
pub(super) struct Rules {
    #[cfg(feature = "check")]
    runner: run::Runner,
}

/// Whether a rule for the ends of some frequencies applies; None when that needs a period that is unknown.
pub(super) fn applies(when: &[Frequency], period: Option<&Period>) -> Option<bool> {
    if when.is_empty() {
        return Some(true);
    }
    period.map(|period| when.iter().any(|frequency| period.ends_a(*frequency)))
}

impl Rules {
    pub(super) fn compile(
        context: &Context,
        schema: &SchemaRef,
        not_evaluated: &mut Vec<String>,
    ) -> Result<Self, PatternError> {
        #[cfg(feature = "check")]
        let mut applying = Vec::new();
        for (index, rule) in context.pattern.rules.iter().enumerate() {
            match applies(&rule.when, context.period.as_ref()) {
                Some(false) => continue,
                None => not_evaluated.push(rule.id.clone()),
                #[cfg(feature = "check")]
                Some(true) => applying.push((index, rule)),
                #[cfg(not(feature = "check"))]
                Some(true) => {
                    let _ = index;
                    not_evaluated.push(rule.id.clone());
                }
            }
        }
        #[cfg(not(feature = "check"))]
        let _ = schema;
        Ok(Self {
            #[cfg(feature = "check")]
            runner: run::Runner::new(&context.pattern, &applying, schema)?,
        })
    }
}

impl Checker {
    #[cfg(feature = "check")]
    pub(super) fn check_rules(&self, part: &mut Part) {
        self.rules.runner.run(self, part);
    }

    #[cfg(not(feature = "check"))]
    pub(super) fn check_rules(&self, part: &mut Part) {
        let _ = part.rows;
    }
}
