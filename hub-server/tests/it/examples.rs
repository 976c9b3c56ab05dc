//! The programs of `docs/examples` push a file, go on after a cut, and print the report.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Line, PERIOD, Server, invalid_samples, kutno_sample, run, synthetic};

/// Longest program, in lines.
const LINES: usize = 60;
const ROWS: u64 = 60_000;

fn example(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name);
    let lines = std::fs::read_to_string(&path).expect("a program").lines().count();
    assert!(lines <= LINES, "{name} has {lines} lines, at most {LINES}");
    path
}

/// Runs a program for a long file over a line that is cut, for the sample, and for one with a fault.
fn pushes(server: &Server, to: SocketAddr, command: impl Fn(SocketAddr) -> Command) {
    let data = synthetic("rb28s", "100201", "2023-Q4", ROWS, 5);
    assert!(data.len() > 3 << 20);
    let file = server.file("long.csv", &data);
    // Some programs send each piece over a connection of its own; a piece has a mebibyte.
    let line = Line::cut_once(to, 700 << 10);
    let mut program = command(line.address);
    let said =
        run(program.arg("rb28s").arg("2023-Q4").arg(&file).env("HUB_KEY", server.key("publisher"))).expect(0);
    assert!(said.stdout.contains("COMMITTED"), "{}", said.stdout);
    assert!(line.was_cut(), "{} bytes passed", line.passed());
    assert!(line.passed() < data.len() as u64 * 3 / 2, "it began anew: {} of {}", line.passed(), data.len());
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), ROWS.to_string());
    assert!(!file.with_extension("csv.request_id").exists(), "the request id is kept until the verdict");

    let faulty = server.file("faulty.csv", &std::fs::read(&invalid_samples("rb28s")[0]).expect("a sample"));
    let sample = server.file("kutno.csv", &std::fs::read(kutno_sample()).expect("a sample"));
    for (file, says) in [(sample, "COMMITTED"), (faulty, "REFUSED")] {
        let mut program = command(to);
        let said = run(program.arg("rb28s").arg(PERIOD).arg(&file).env("HUB_KEY", server.key("publisher")))
            .expect(0);
        assert!(said.stdout.contains(says), "{}", said.stdout);
        assert!(said.stdout.lines().count() > 1 || says == "COMMITTED", "no report: {}", said.stdout);
    }
    let mut program = command(to);
    let sample = server.root().join("dev/input/kutno.csv");
    let refused = run(program.arg("rb28s").arg(PERIOD).arg(sample).env("HUB_KEY", "hub_wrong"));
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("CREDENTIAL_INVALID") || said.contains("UNAUTHENTICATED"), "{said}");
}

#[test]
fn python_over_grpc_from_the_contract_alone() {
    let server = Server::start();
    let python = std::env::var_os("HUB_TEST_PYTHON");
    let python = python.expect("HUB_TEST_PYTHON is not set: run `make test`, which installs what it needs");
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    pushes(&server, server.grpc, |address| {
        let mut command = Command::new(&python);
        command.arg(example("push.py")).arg(address.to_string()).arg(&contract);
        command
    });
}

#[test]
fn java_over_https_with_the_jdk_alone() {
    let server = Server::start();
    pushes(&server, server.http, |address| {
        let mut command = Command::new("java");
        command.arg(example("Push.java")).arg(format!("http://{address}"));
        command
    });
}

#[test]
fn php_over_https() {
    let server = Server::start();
    pushes(&server, server.http, |address| {
        let mut command = Command::new("php");
        command.arg(example("push.php")).arg(format!("http://{address}"));
        command
    });
}
