//! The kill campaign: the server dies at each of its fault points and at random moments, while three
//! publishers push. Nothing that was acknowledged may be lost, nothing be there twice or by half, and
//! who repeats a request under its id gets the verdict that it was worth.

mod oracle;
mod run;
mod script;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::harness::campaign;
use run::{End, World};

/// Fault points, and at which of its passes the server dies in a run of its own.
type Visits = &'static [(&'static str, &'static [u64])];

/// Large payloads on their way into the spool.
const UPLOAD: Visits = &[
    ("spool.create.before", &[1, 2, 3]),
    ("spool.create.after", &[1, 2, 3]),
    ("spool.append.after", &[1, 2, 4, 5]),
];
const ORDER: Visits = &[
    ("spool.sync.after", &[1, 2, 3]),
    ("spool.order.after", &[1, 2, 3]),
    ("spool.whole.after", &[1, 2, 5, 9]),
];
const CHECK: Visits =
    &[("check.after", &[1, 3, 7, 12]), ("commit.queued", &[1, 3, 6, 10]), ("refusal.after", &[1, 2, 3])];
const AHEAD: Visits = &[
    ("ahead.after", &[1, 2, 3, 4]),
    ("ahead.taken", &[1, 2, 3, 4]),
    ("close.put.before", &[1, 2, 3]),
    ("close.put.after", &[1, 2, 3]),
];
const FILE: Visits = &[
    ("commit.file.after", &[1, 2, 3, 4, 5]),
    ("commit.put.before", &[1, 2, 3, 4, 5]),
    ("journal.after", &[1, 2, 3, 4, 5]),
];
const PUT: Visits = &[("commit.put.after", &[1, 2, 3, 4, 5]), ("commit.swap.after", &[1, 2, 3, 4, 5])];
const PROJECTION: Visits = &[
    ("projection.before", &[1, 2, 3, 4]),
    ("projection.after", &[1, 2, 3, 4]),
    ("extract.rename.before", &[1]),
];
const END: Visits = &[("spool.end.before", &[1, 4, 8, 12]), ("spool.end.after", &[1, 4, 8, 12])];
const CHECKPOINT: Visits =
    &[("checkpoint.file.after", &[1, 2]), ("checkpoint.after", &[1, 2]), ("checkpoint.hint.after", &[1, 2])];
const ARCHIVE: Visits = &[
    ("archive.pack.after", &[1, 2, 3]),
    ("archive.remove.after", &[1, 2, 3, 4]),
    ("archive.after", &[1, 2]),
];
const VACUUM: Visits =
    &[("vacuum.decided.after", &[1, 2]), ("vacuum.remove.after", &[1, 2, 3]), ("vacuum.after", &[1, 2])];
const ALL: [Visits; 11] =
    [UPLOAD, ORDER, CHECK, AHEAD, FILE, PUT, PROJECTION, END, CHECKPOINT, ARCHIVE, VACUUM];

const RUNS_AT_POINTS_MIN: usize = 60;
/// `make soak` kills more often.
const RANDOM_RUNS: u64 = 12;
const SEED: u64 = 20_221_231;

fn visit(visits: Visits) {
    let world = World::new();
    for (point, passes) in visits {
        for pass in *passes {
            world.run(End::At(point, *pass));
        }
    }
    let points: Vec<&str> = visits.iter().map(|(point, _)| *point).collect();
    let runs: usize = visits.iter().map(|(_, passes)| passes.len()).sum();
    println!("soak: {runs} runs ended at {}: nothing lost, doubled or half seen", points.join(", "));
}

#[test]
fn kill_while_a_large_payload_comes() {
    visit(UPLOAD);
}

#[test]
fn kill_around_the_order() {
    visit(ORDER);
}

#[test]
fn kill_around_the_check() {
    visit(CHECK);
}

#[test]
fn kill_around_the_open_version() {
    visit(AHEAD);
}

#[test]
fn kill_before_the_put() {
    visit(FILE);
}

#[test]
fn kill_after_the_put() {
    visit(PUT);
}

#[test]
fn kill_around_projection_and_extract() {
    visit(PROJECTION);
}

#[test]
fn kill_when_a_submission_ends() {
    visit(END);
}

#[test]
fn kill_around_a_checkpoint() {
    visit(CHECKPOINT);
}

#[test]
fn kill_while_log_versions_are_archived() {
    visit(ARCHIVE);
}

#[test]
fn kill_while_files_are_vacuumed() {
    visit(VACUUM);
}

#[test]
fn kill_at_random_moments() {
    let world = World::new();
    let begun = Instant::now();
    world.run(End::After(None));
    let span = begun.elapsed();
    let mut draw = StdRng::seed_from_u64(SEED);
    let runs = campaign("HUB_SOAK_RANDOM_KILLS", RANDOM_RUNS);
    for _ in 0..runs {
        // An undisturbed run pushes in about the first half of its time.
        let delay = span.mul_f64(draw.random_range(0.0..0.5));
        world.run(End::After(Some(delay.max(Duration::from_millis(1)))));
    }
    println!("soak: {runs} runs ended by kill -9 at random moments: nothing lost, doubled or half seen");
}

#[test]
fn kill_visits_every_point() {
    let source = include_str!("../../src/fault.rs");
    let list = source.split_once("POINTS: &[&str] = &[").expect("the list").1;
    let list = list.split_once("];").expect("its end").0;
    let points: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    let visited: BTreeSet<&str> =
        ALL.iter().flat_map(|visits| visits.iter()).map(|(point, _)| *point).collect();
    assert_eq!(points, visited);
    let runs: usize = ALL.iter().flat_map(|visits| visits.iter()).map(|(_, passes)| passes.len()).sum();
    assert!(runs >= RUNS_AT_POINTS_MIN, "{runs} runs");
}
