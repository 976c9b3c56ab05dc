//! Declared row rules. Without the feature `check` they are only listed as not evaluated.

use arrow::datatypes::SchemaRef;

use crate::Period;
use crate::pattern::PatternError;
use crate::period::Frequency;

use super::{Checker, Context, Part};

#[cfg(feature = "check")]
pub(super) mod expression;

/// The rules that apply in the period, ready to run.
#[derive(Debug)]
pub(super) struct Rules {
    #[cfg(feature = "check")]
    compiled: Vec<expression::Compiled>,
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
        let mut compiled = Vec::new();
        #[cfg(feature = "check")]
        let planner = expression::Planner::new(schema)
            .map_err(|e| PatternError::new(context.pattern.reference(), e.to_string()))?;
        #[cfg(not(feature = "check"))]
        let _ = schema;
        for (index, rule) in context.pattern.rules.iter().enumerate() {
            match applies(&rule.when, context.period.as_ref()) {
                Some(false) => continue,
                None => not_evaluated.push(rule.id.clone()),
                #[cfg(feature = "check")]
                Some(true) => compiled.push(planner.compile(&context.pattern, index, rule)?),
                #[cfg(not(feature = "check"))]
                Some(true) => {
                    let _ = index;
                    not_evaluated.push(rule.id.clone());
                }
            }
        }
        Ok(Self {
            #[cfg(feature = "check")]
            compiled,
        })
    }
}

impl Checker {
    #[cfg(feature = "check")]
    pub(super) fn check_rules(&self, part: &mut Part) {
        if part.rows == 0 || self.rules.compiled.is_empty() {
            return;
        }
        expression::run(self, &self.rules.compiled, part);
    }

    #[cfg(not(feature = "check"))]
    pub(super) fn check_rules(&self, part: &mut Part) {
        let _ = part.rows;
    }
}
