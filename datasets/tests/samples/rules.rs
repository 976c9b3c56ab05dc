//! Rules and the samples that break them.

use std::collections::BTreeSet;

use hub_datasets::Patterns;
use hub_datasets::report::Report;

use super::samples;

#[test]
fn every_rule_has_a_sample_that_breaks_it() {
    let mut unbroken = Vec::new();
    for pattern in Patterns::embedded().unwrap().iter() {
        let mut broken = BTreeSet::new();
        for path in ["valid", "invalid"].into_iter().flat_map(|kind| samples(pattern, kind)) {
            let text = std::fs::read_to_string(path.with_extension("report.json")).unwrap();
            let report: Report = serde_json::from_str(&text).unwrap();
            broken.extend(report.counts.into_iter().map(|count| count.rule).filter(|rule| !rule.is_empty()));
        }
        let rules = pattern.rules.iter().map(|rule| &rule.id);
        let rules = rules.chain(pattern.compares.iter().map(|compare| &compare.id));
        let rules = rules.filter(|id| !broken.contains(*id));
        unbroken.extend(rules.map(|id| format!("{} {id}", pattern.reference())));
    }
    assert!(unbroken.is_empty(), "no sample breaks: {}", unbroken.join(", "));
}
