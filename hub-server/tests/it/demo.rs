//! `hub-server demo`: the whole story, which leaves nothing.

use std::process::Command;

use crate::harness::{run, server_binary};

#[test]
fn the_demo_tells_the_story_and_cleans_up() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(server_binary());
    command.arg("demo").env("TMPDIR", temporary.path());
    let output = run(&mut command).expect(0);
    let told = &output.stdout;
    for part in [
        "REAL: Kutno sends its whole Rb-28S package of 2022-Q4, and the hub refuses it",
        "001070630",
        "REAL: the clashing school taken out, Rb-28S and Rb-27S are accepted",
        "sent again: unchanged, the same receipt",
        "REAL: one air quality station of Wrocław",
        "SYNTHETIC: 48 more municipalities",
        "A correction: one school of Kutno",
        "carried over unchanged: 5 slices",
        "spending by voivodeship",
        "coverage",
        "(expected: register)",
        "edukacja.parquet: ",
        "GET /datasets/jakosc_powietrza/latest/extract.parquet",
        "GET /datasets/jakosc_powietrza/latest/extract.csv",
        "Done: pushed once, queried, pulled and downloaded.",
    ] {
        assert!(told.contains(part), "`{part}` is not told:\n{told}\n{}", output.stderr);
    }
    // The refusal lists every repeated key; the correction touches one school of six.
    assert!(
        told.lines().filter(|line| line.contains('│') && line.contains("001070630")).count() >= 33,
        "{told}"
    );
    assert_eq!(told.lines().filter(|line| line.ends_with(" equal")).count(), 5, "{told}");
    assert_eq!(told.lines().filter(|line| line.ends_with(" corrected")).count(), 1, "{told}");
    let last = told.lines().last().unwrap_or_default();
    let seconds = last.strip_prefix("The demo took ").and_then(|rest| rest.strip_suffix(" s."));
    let seconds = seconds.and_then(|seconds| seconds.parse::<f64>().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0.0), "the last line tells the time: {last}");
    let left: Vec<_> = std::fs::read_dir(temporary.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_does_not_touch_a_folder_that_holds_something() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("mine.txt"), "mine").expect("a file");
    let mut command = Command::new(server_binary());
    command.arg("demo").arg("--data-dir").arg(folder.path());
    run(&mut command).expect(1).says("is not empty");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("an entry")).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_kept_demo_can_be_looked_at() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = temporary.path().join("hub");
    let mut command = Command::new(server_binary());
    command.args(["demo", "--data-dir", folder.to_str().expect("a path"), "--keep"]);
    run(&mut command).expect(0).says("The data folder stays");
    let server = crate::harness::Server::on(&folder);
    assert_eq!(
        server.cell("ministry", "SELECT count(*) FROM rb28s WHERE _publisher = 'gmina-100201'"),
        "293"
    );
    let publishers: u64 =
        server.cell("ministry", "SELECT count(DISTINCT _publisher) FROM rb28s").parse().expect("a number");
    assert!(publishers >= 40, "{publishers}");
}
