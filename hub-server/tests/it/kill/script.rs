//! What the publishers of the campaign send, and what each step must leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use hub_client::{Payload, PushOptions, PushRequest, SMALL_PAYLOAD_MAX};
use hub_datasets::{CodeLists, Patterns};

use crate::harness::grosze;

const PATTERN: &str = "rb28s";
/// Rows of a payload that is too large for one stream; its last unit is cut short, so small ones leave it alone.
const LARGE_ROWS: u64 = 20_000;
/// Rows that hold the first units whole.
const SMALL_ROWS: u64 = 700;
const PLAN: usize = 6;
const EXECUTED: usize = 8;

const YEAR: &str = "2022-Q4";
const NEXT: &str = "2023-Q4";

/// What a step sends; ranges count a publisher's units, which are the slices.
#[derive(Debug, Clone)]
enum Sends {
    /// Rows of these units in one stream.
    Units(Range<usize>),
    /// All units: over 1 MiB, uploaded in steps.
    All,
    /// As `Units` or `All` with one amount in words: the report blocks it.
    Wrong(Range<usize>),
    WrongAll,
    /// Nothing to report: drops what is there.
    Nothing,
}

/// Who pushes: the profile, the organisation, its unit of the register, and the steps in order.
type Part = (&'static str, &'static str, &'static str, &'static [(&'static str, Sends)]);

/// Three publishers whose steps meet in every order. Each ends in a correction of what it sent before.
const PARTS: [Part; 3] = [
    (
        "publisher",
        "gmina-100201",
        "100201",
        &[
            (YEAR, Sends::Units(0..6)),
            (YEAR, Sends::Units(2..3)),
            (YEAR, Sends::Wrong(1..3)),
            (NEXT, Sends::All),
            (NEXT, Sends::Units(5..7)),
            (YEAR, Sends::Units(2..8)),
        ],
    ),
    (
        "publisher2",
        "gmina-026401",
        "026401",
        &[
            (YEAR, Sends::All),
            (YEAR, Sends::Units(0..1)),
            (NEXT, Sends::Units(3..5)),
            (NEXT, Sends::WrongAll),
            (YEAR, Sends::All),
        ],
    ),
    (
        "publisher3",
        "gmina-020101",
        "020101",
        &[
            (YEAR, Sends::Units(0..3)),
            (YEAR, Sends::Units(1..2)),
            (NEXT, Sends::Units(0..4)),
            (NEXT, Sends::Nothing),
            (YEAR, Sends::Wrong(0..1)),
            (NEXT, Sends::Units(1..3)),
            (YEAR, Sends::Units(0..2)),
        ],
    ),
];

/// What can be read of one slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) rows: u64,
    /// Different keys among the rows; fewer than rows would mean that a row is there twice.
    pub(super) keys: u64,
    pub(super) plan: i64,
    pub(super) executed: i64,
    pub(super) revision: u64,
}

/// What can be read of one publisher, by (period, slice).
pub(super) type State = BTreeMap<(String, String), Slice>;

#[derive(Debug)]
pub(super) struct Step {
    pub(super) period: &'static str,
    payload: Payload,
    /// The report blocks it.
    pub(super) refused: bool,
    /// Rows by slice; the revision is filled in when the step is taken.
    slices: BTreeMap<String, Slice>,
}

impl Step {
    pub(super) fn request(&self, request_id: &str) -> PushRequest {
        let options = PushOptions { confirm_deletions: self.is_nothing(), ..PushOptions::default() };
        let request = PushRequest::csv(PATTERN, self.period, self.payload.clone());
        PushRequest { request_id: Some(request_id.to_owned()), options, ..request }
    }

    fn is_nothing(&self) -> bool {
        matches!(self.payload, Payload::NothingToReport)
    }
}

#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) profile: &'static str,
    pub(super) organisation: &'static str,
    pub(super) steps: Vec<Step>,
}

impl Publisher {
    /// What must be there when the first `taken` steps have their verdict and no other was taken.
    pub(super) fn state_after(&self, taken: usize) -> State {
        let mut state = State::new();
        let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
        for step in self.steps[..taken].iter().filter(|step| !step.refused) {
            let revision = revisions.entry(step.period).or_default();
            *revision += 1;
            if step.is_nothing() {
                state.retain(|(period, _), _| period != step.period);
            }
            for (name, slice) in &step.slices {
                let slice = Slice { revision: *revision, ..slice.clone() };
                state.insert((step.period.to_owned(), name.clone()), slice);
            }
        }
        state
    }

    /// The number that a step gets in its chain; none for a refused one.
    pub(super) fn revision_of(&self, step: usize) -> Option<u64> {
        let period = self.steps[step].period;
        let earlier = self.steps[..=step].iter().filter(|step| !step.refused && step.period == period);
        (!self.steps[step].refused).then(|| earlier.count() as u64)
    }
}

pub(super) fn publishers() -> Vec<Publisher> {
    let rows = Rows {
        patterns: Patterns::embedded().expect("patterns"),
        lists: CodeLists::embedded().expect("code lists"),
    };
    let part = |(profile, organisation, terc6, steps): Part| {
        let steps =
            steps.iter().zip(1..).map(|((period, sends), seed)| rows.step(terc6, period, sends, seed));
        Publisher { profile, organisation, steps: steps.collect() }
    };
    PARTS.into_iter().map(part).collect()
}

struct Rows {
    patterns: Patterns,
    lists: CodeLists,
}

impl Rows {
    fn step(&self, terc6: &str, period: &'static str, sends: &Sends, seed: u64) -> Step {
        let (refused, rows, units) = match sends {
            Sends::Units(units) => (false, SMALL_ROWS, units.clone()),
            Sends::Wrong(units) => (true, SMALL_ROWS, units.clone()),
            Sends::All => (false, LARGE_ROWS, 0..usize::MAX),
            Sends::WrongAll => (true, LARGE_ROWS, 0..usize::MAX),
            Sends::Nothing => {
                let (payload, slices) = (Payload::NothingToReport, BTreeMap::new());
                return Step { period, payload, refused: false, slices };
            }
        };
        let text = self.text(terc6, period, rows, seed);
        let (header, lines) = text.split_once('\n').expect("a header");
        let mut payload = format!("{header}\n");
        let mut slices = BTreeMap::new();
        for (regon, lines) in by_unit(lines).into_iter().take(units.end).skip(units.start) {
            slices.insert(regon.to_owned(), figures(&lines));
            lines.iter().for_each(|line| payload.extend([*line, "\n"]));
        }
        assert!(!slices.is_empty());
        if refused {
            let last = payload.trim_end().rfind('\n').expect("a row");
            let mut cells: Vec<&str> = payload[last + 1..].split(',').collect();
            cells[PLAN] = "sto";
            payload = format!("{}\n{}", &payload[..last], cells.join(","));
        }
        assert_eq!(payload.len() as u64 > SMALL_PAYLOAD_MAX, rows == LARGE_ROWS, "{} bytes", payload.len());
        Step { period, payload: Payload::Bytes(Bytes::from(payload)), refused, slices }
    }

    fn text(&self, terc6: &str, period: &str, rows: u64, seed: u64) -> String {
        let pattern = self.patterns.get(PATTERN).expect("a pattern");
        let period = period.parse().expect("a period");
        let mut bytes = Vec::new();
        hub_datasets::synthetic::csv(&pattern, &self.lists, terc6, &period, rows, seed, &mut bytes)
            .expect("synthetic rows");
        String::from_utf8(bytes).expect("text")
    }
}

/// Lines by unit, in the order of the file.
fn by_unit(lines: &str) -> Vec<(&str, Vec<&str>)> {
    let mut units: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines.lines() {
        let (regon, _) = line.split_once(',').expect("cells");
        match units.last_mut().filter(|(last, _)| *last == regon) {
            Some((_, lines)) => lines.push(line),
            None => units.push((regon, vec![line])),
        }
    }
    units
}

fn figures(lines: &[&str]) -> Slice {
    let cells: Vec<Vec<&str>> = lines.iter().map(|line| line.split(',').collect()).collect();
    let keys: BTreeSet<_> = cells.iter().map(|cells| (cells[2], cells[4], cells[5])).collect();
    let sum = |column: usize| cells.iter().map(|cells| grosze(cells[column])).sum();
    let (rows, keys) = (lines.len() as u64, keys.len() as u64);
    Slice { rows, keys, plan: sum(PLAN), executed: sum(EXECUTED), revision: 0 }
}
