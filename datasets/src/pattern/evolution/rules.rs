//! Rules, code lists and comparisons beside those of the version before.

use std::collections::BTreeMap;

use super::{Change, Found, Step};
use crate::pattern::{Pattern, Text};
use crate::report::Severity;

/// A condition of any kind: what decides it, what a breach does, and what people read.
struct Condition<'a> {
    severity: Severity,
    decides: String,
    texts: Vec<&'a Text>,
}

pub(super) fn compare(old: &Pattern, new: &Pattern, found: &mut Found) {
    let (old, new) = (conditions(old), conditions(new));
    for (place, before) in &old {
        match new.get(place) {
            None => found.add(Step::Minor, Change::RuleDropped, place, "it is not asked for any more"),
            Some(now) => condition(place, before, now, found),
        }
    }
    for (place, now) in new.iter().filter(|(place, _)| !old.contains_key(*place)) {
        let message = format!("it did not hold before ({:?})", now.severity);
        found.add(step_of(now.severity), Change::RuleAdded, place, message);
    }
}

/// A finding that does not stop a push refuses nothing that was accepted.
fn step_of(severity: Severity) -> Step {
    match severity {
        Severity::Block | Severity::MustExplain => Step::Major,
        Severity::Warn | Severity::Info => Step::Minor,
    }
}

fn condition(place: &str, old: &Condition<'_>, new: &Condition<'_>, found: &mut Found) {
    if old.decides != new.decides {
        // Which of two expressions is the harder one no machine tells.
        let message = format!("it was {} and is {}", old.decides, new.decides);
        found.add(step_of(new.severity), Change::RuleChanged, place, message);
    }
    let message = || format!("a breach was {:?} and is {:?}", old.severity, new.severity);
    if new.severity > old.severity {
        found.add(step_of(new.severity), Change::SeverityRaised, place, message());
    }
    if new.severity < old.severity {
        found.add(Step::Minor, Change::SeverityLowered, place, message());
    }
    if old.texts != new.texts {
        found.add(Step::Patch, Change::TextChanged, place, "message or hint are worded otherwise");
    }
}

fn conditions(pattern: &Pattern) -> BTreeMap<String, Condition<'_>> {
    let references = pattern.references.iter().map(|of| {
        let decides = format!("{}({})", of.list, of.list_columns.join(", "));
        let place = format!("references: {} in {decides}", of.columns.join(", "));
        (place, Condition { severity: of.severity, decides, texts: Vec::new() })
    });
    let rules = pattern.rules.iter().map(|of| {
        let decides = format!("`{}`{}", of.expression, when(&of.when));
        let texts = vec![&of.message, &of.hint];
        (format!("rules: {}", of.id), Condition { severity: of.severity, decides, texts })
    });
    let compares = pattern.compares.iter().map(|of| {
        let decides = format!(
            "`{}` with {:?} by {:?}, {:?} beside {:?}{}",
            of.expression,
            of.with,
            of.by,
            of.this,
            of.other,
            when(&of.when)
        );
        let texts = vec![&of.message, &of.hint];
        (format!("compares: {}", of.id), Condition { severity: of.severity, decides, texts })
    });
    references.chain(rules).chain(compares).collect()
}

fn when(when: &[crate::period::Frequency]) -> String {
    match when {
        [] => String::new(),
        when => format!(" at the end of {}", when.iter().map(|one| one.letter()).collect::<String>()),
    }
}
