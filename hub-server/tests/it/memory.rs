//! What the server holds in memory: idle, and while a large payload passes through it.

use std::io::{BufWriter, Write as _};

use crate::harness::{Server, campaign, lasting, synthetic};

/// Idle, a debug build included: it differs from a release build in code pages that are file-backed.
const IDLE_MAX: u64 = 128 << 20;
/// What a payload of any length may add.
const GROWTH_MAX: u64 = 256 << 20;
const PAYLOAD_MIB: u64 = 100;

/// What is sent: a pattern, and who pushes it for which period.
struct Load {
    pattern: &'static str,
    profile: &'static str,
    terc6: &'static str,
    period: &'static str,
}

/// Many slices, as the report of a whole country would have.
const SLICED: Load = Load { pattern: "rb28s", profile: "publisher", terc6: "100201", period: "2023-Q4" };
/// No slices: its length has no bound but the payload's.
const PLAIN: Load =
    Load { pattern: "jakosc_powietrza", profile: "publisher2", terc6: "026401", period: "2017-M02" };

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
fn a_payload_of_many_slices_passes_through_bounded_memory() {
    passes_through(&SLICED, PAYLOAD_MIB);
}

/// `HUB_SOAK_PAYLOAD_MIB` sends more.
#[test]
fn a_payload_of_any_length_passes_through_bounded_memory() {
    passes_through(&PLAIN, campaign("HUB_SOAK_PAYLOAD_MIB", PAYLOAD_MIB));
}

fn passes_through(load: &Load, mebibytes: u64) {
    let payload = usize::try_from(mebibytes << 20).expect("a length");
    let server = Server::start();
    let idle = status(&server, "VmRSS:");
    assert!(idle < IDLE_MAX, "idle: {idle} bytes");
    // Rows as they come from an office, then the amount of them that the length needs.
    let bytes_a_row = synthetic(load.pattern, load.terc6, load.period, 20_000, 5).len() / 20_000;
    let rows = payload / bytes_a_row + 20_000;
    let file = server.file("large.csv", b"");
    let mut out = BufWriter::new(std::fs::File::create(&file).expect("a file"));
    write_synthetic(load, rows as u64, &mut out);
    out.flush().expect("a file");
    let length = std::fs::metadata(&file).expect("the file").len();
    assert!(length >= payload as u64, "{length} bytes");

    let before = peak(&server);
    let verdict = server.accepted(load.profile, &file, load.pattern, load.period, &[]);
    let grown = peak(&server).saturating_sub(before.min(idle));
    assert_eq!(verdict["submission"]["rows"], rows);
    let count = format!("SELECT count(*) FROM {}", load.pattern);
    assert_eq!(server.cell("ministry", &count), rows.to_string());
    println!(
        "soak: a push of {} MB of {}: the server holds {} MiB idle and grows by {} MiB (debug build)",
        length / 1_000_000,
        load.pattern,
        idle >> 20,
        grown >> 20
    );
    assert!(grown < GROWTH_MAX, "grown by {grown} bytes");
    assert_eq!(lasting(server.root()), Vec::<std::path::PathBuf>::new());
}

/// Streamed, so that the test itself holds no payload.
fn write_synthetic(load: &Load, rows: u64, out: &mut dyn std::io::Write) {
    let lists = hub_datasets::CodeLists::embedded().expect("code lists");
    let patterns = hub_datasets::Patterns::embedded().expect("patterns");
    let pattern = patterns.get(load.pattern).expect("the pattern");
    let period = load.period.parse().expect("a period");
    hub_datasets::synthetic::csv(&pattern, &lists, load.terc6, &period, rows, 5, out).expect("rows");
}
