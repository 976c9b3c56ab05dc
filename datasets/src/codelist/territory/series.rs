//! Units that go on as one: what changed its name or type keeps its code, and units between which land went are one
//! series, so that its sums are the same on each day's map.

use std::collections::{BTreeMap, BTreeSet};

use super::Register;
use super::changes::Change;

/// The code of the unit that stands for each series, by the codes of its units. Units that are alone are not in it.
pub(super) fn series(registers: &[Register], announced: &[Change]) -> BTreeMap<String, String> {
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for change in announced.iter().filter(|change| change.moves()) {
        let mut group = BTreeSet::from([change.old_code(), change.new_code()]);
        groups.retain(|other| {
            let apart = group.is_disjoint(other);
            if !apart {
                group.extend(other);
            }
            apart
        });
        groups.push(group);
    }
    let mut series = BTreeMap::new();
    for group in groups {
        // A unit that is there on each day stands for all.
        let always = |code: &&&str| registers.iter().all(|register| register.unit(code).is_some());
        let Some(head) = group.iter().find(always).or_else(|| group.first()).copied() else { continue };
        series.extend(group.into_iter().map(|code| (code.to_owned(), head.to_owned())));
    }
    series
}
