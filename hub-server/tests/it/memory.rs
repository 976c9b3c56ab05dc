//! What the server holds in memory: idle, and while a large payload passes through it.

use std::io::{BufWriter, Write as _};

use crate::harness::{Server, campaign, lasting, synthetic};

/// Idle, a debug build included: it differs from a release build in code pages that are file-backed.
const IDLE_MAX: u64 = 128 << 20;
/// What a payload of any length may add.
const GROWTH_MAX: u64 = 256 << 20;
/// `HUB_SOAK_PAYLOAD_MIB` sends more.
const PAYLOAD_MIB: u64 = 100;
const PERIOD: &str = "2023-Q4";

/// A line of `/proc/PID/status` in bytes.
fn status(server: &Server, name: &str) -> u64 {
    let text =
        std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the process's status");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a line of the status");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    kib << 10
}

/// The most that the server has ever held, in bytes.
pub(crate) fn peak(server: &Server) -> u64 {
    status(server, "VmHWM:")
}

#[test]
fn a_payload_of_any_length_passes_through_bounded_memory() {
    let payload = usize::try_from(campaign("HUB_SOAK_PAYLOAD_MIB", PAYLOAD_MIB) << 20).expect("a length");
    let server = Server::start();
    let idle = status(&server, "VmRSS:");
    assert!(idle < IDLE_MAX, "idle: {idle} bytes");
    // Rows as they come from an office, then the amount of them that 100 MB need.
    let bytes_a_row = synthetic("rb28s", "100201", PERIOD, 20_000, 5).len() / 20_000;
    let rows = payload / bytes_a_row + 20_000;
    let file = server.file("large.csv", b"");
    let mut out = BufWriter::new(std::fs::File::create(&file).expect("a file"));
    write_synthetic(rows as u64, &mut out);
    out.flush().expect("a file");
    let length = std::fs::metadata(&file).expect("the file").len();
    assert!(length >= payload as u64, "{length} bytes");

    let before = peak(&server);
    let verdict = server.accepted("publisher", &file, "rb28s", PERIOD, &[]);
    let grown = peak(&server).saturating_sub(before.min(idle));
    assert_eq!(verdict["submission"]["rows"], rows);
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), rows.to_string());
    println!(
        "soak: a push of {} MB: the server holds {} MiB idle and grows by {} MiB (debug build)",
        length / 1_000_000,
        idle >> 20,
        grown >> 20
    );
    assert!(grown < GROWTH_MAX, "grown by {grown} bytes");
    assert_eq!(lasting(server.root()), Vec::<std::path::PathBuf>::new());
}

/// Streamed, so that the test itself holds no payload.
fn write_synthetic(rows: u64, out: &mut dyn std::io::Write) {
    let lists = hub_datasets::CodeLists::embedded().expect("code lists");
    let patterns = hub_datasets::Patterns::embedded().expect("patterns");
    let pattern = patterns.get("rb28s").expect("rb28s");
    let period = PERIOD.parse().expect("a period");
    hub_datasets::synthetic::csv(&pattern, &lists, "100201", &period, rows, 5, out).expect("rows");
}
