//! What can be read of a hub, compared with what its publishers were told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::script::{Publisher, Slice, State};
use crate::harness::{Server, grosze, lasting};

/// All that a ministry sees of all slices, at one dataset version.
const SLICES: &str = "SELECT _publisher, okres, jednostka_regon, count(*), \
    count(DISTINCT rozdzial || paragraf || p4), sum(plan), sum(wykonanie), min(_revision), max(_revision) \
    FROM rb28s GROUP BY 1, 2, 3";

/// What is there by publisher.
pub(super) fn read(server: &Server) -> BTreeMap<String, State> {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    for row in server.rows("ministry", SLICES) {
        let cells: Vec<&str> = row.split(',').collect();
        let count = |at: usize| cells[at].parse::<u64>().expect("a count");
        assert_eq!(count(7), count(8), "one slice shows two revisions: {row}");
        let slice = Slice {
            rows: count(3),
            keys: count(4),
            plan: grosze(cells[5]),
            executed: grosze(cells[6]),
            revision: count(7),
        };
        let state = states.entry(cells[0].to_owned()).or_default();
        state.insert((cells[1].to_owned(), cells[2].to_owned()), slice);
    }
    states
}

/// Fails unless the publisher's slices are those after one of these numbers of steps.
pub(super) fn assert_state(seen: Option<&State>, publisher: &Publisher, taken: &[usize], at: &str) {
    let nothing = State::new();
    let seen = seen.unwrap_or(&nothing);
    let wanted: Vec<State> = taken.iter().map(|taken| publisher.state_after(*taken)).collect();
    if wanted.contains(seen) {
        return;
    }
    let nearest = &wanted[0];
    let differing = nearest.iter().filter(|(slice, figures)| seen.get(slice) != Some(figures));
    let wrong: Vec<_> = differing.map(|(slice, figures)| (slice, figures, seen.get(slice))).take(5).collect();
    let foreign: Vec<_> = seen.iter().filter(|(slice, _)| !nearest.contains_key(slice)).take(5).collect();
    panic!(
        "{at}: {} has not what {taken:?} steps leave: {} slices instead of {}; wanted and seen: {wrong:#?}; unexpected: {foreign:#?}",
        publisher.organisation,
        seen.len(),
        nearest.len()
    );
}

/// Fails unless the history tells each step once: revisions dense, nothing open.
pub(super) fn assert_history(server: &Server, publisher: &Publisher) {
    let args = ["--format", "json", "submissions", "list"];
    let listed = server.hub(publisher.profile, &args).expect(0).stdout;
    let mut revisions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in listed.lines() {
        let one: Value = serde_json::from_str(line).expect("a submission");
        match one["state"].as_str() {
            Some("COMMITTED" | "SUPERSEDED") => {
                let period = one["period"].as_str().expect("a period").to_owned();
                revisions.entry(period).or_default().push(one["revision"].as_u64().expect("a revision"));
            }
            // A try whose bytes came again in another submission; it holds no rows.
            Some("REFUSED" | "ABANDONED") => {}
            _ => panic!("{} has its verdict and is still listed as open: {one}", publisher.organisation),
        }
    }
    let mut expected: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for at in 0..publisher.steps.len() {
        if let Some(revision) = publisher.revision_of(at) {
            expected.entry(publisher.steps[at].period.to_owned()).or_default().push(revision);
        }
    }
    revisions.values_mut().for_each(|revisions| revisions.sort_unstable());
    assert_eq!(revisions, expected, "{}\n{listed}", publisher.organisation);
}

/// Fails when a payload is still open or a data file lies where no log entry names it.
pub(super) fn assert_nothing_left(server: &Server, at: &str) {
    assert_eq!(lasting(server.root()), Vec::<PathBuf>::new(), "{at}");
}
