//! Payloads that bring down who decodes them: they cost a worker, and the hub goes on.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::bad_input::assert_nothing_left;
use crate::harness::{PERIOD, Server, children, kept_payload, kutno_sample};

/// What the bombs together may add to the hub's own memory.
const GROWTH_MAX: u64 = 64 << 20;

fn honest(server: &Server, extension: &str) -> PathBuf {
    server.file(&format!("honest.{extension}"), &kept_payload(&format!("honest.{extension}")))
}

/// A trial push of a payload; gives its verdict.
fn trial(server: &Server, file: &std::path::Path, code: i32) -> Value {
    server.push("publisher", file, "rb28s", PERIOD, &["--dry-run"]).expect(code).json()
}

#[track_caller]
fn assert_unreadable(verdict: &Value, said: &str) {
    assert_eq!(verdict["submission"]["reason"], "PAYLOAD_UNREADABLE", "{verdict}");
    let message = verdict["report"]["violations"][0]["message_en"].as_str().expect("a message");
    assert!(message.contains(said), "{message}");
}

/// Process ids of the workers that a server has started.
fn workers(server: &Server) -> Vec<u32> {
    children(server.pid(), "worker")
}

#[test]
fn a_payload_that_kills_its_worker_twice_is_refused_and_others_are_taken() {
    let server = Server::start_with(&[("HUB_FAULT", "worker.piece:1")]);
    for extension in ["parquet", "ndjson", "arrow"] {
        let file = honest(&server, extension);
        let verdict = server.push("publisher", &file, "rb28s", PERIOD, &[]).expect(3).json();
        assert_unreadable(&verdict, "broke off twice");
    }
    assert_nothing_left(&server);
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(workers(&server).len(), 2, "those that died were replaced");
}

#[test]
fn one_death_of_a_worker_is_not_the_payloads_fault() {
    // Each worker dies at its second piece: the second push meets one that has one behind it.
    let server = Server::start_with(&[("HUB_FAULT", "worker.piece:2")]);
    for extension in ["parquet", "ndjson", "arrow"] {
        let file = honest(&server, extension);
        let verdict = trial(&server, &file, 0);
        assert_eq!(verdict["submission"]["rows"], 2, "{verdict}");
    }
}

#[test]
fn a_worker_that_falls_silent_is_ended() {
    let variables = [("HUB_FAULT", "worker.piece:1:stall"), ("HUB_LIMITS_WORKER_SECONDS", "1")];
    let server = Server::start_with(&variables);
    assert_unreadable(&trial(&server, &honest(&server, "parquet"), 3), "broke off twice");
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
}

#[test]
fn workers_inherit_nothing_and_one_that_was_killed_is_replaced() {
    let server = Server::start_with(&[("A_SECRET", "of the hub")]);
    let started = workers(&server);
    assert_eq!(started.len(), 2);
    for pid in &started {
        let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).expect("its environment");
        let names: Vec<&str> =
            environment.split('\0').filter_map(|line| Some(line.split_once('=')?.0)).collect();
        // Some shells leave a word of their own.
        let known = ["MIMALLOC_ARENA_EAGER_COMMIT", "PWD", "OLDPWD", "SHLVL", "_"];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        let status = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        assert!(status.expect("kill").success());
    }
    let verdict = trial(&server, &honest(&server, "parquet"), 0);
    assert_eq!(verdict["submission"]["rows"], 2);
    assert!(workers(&server).iter().all(|pid| !started.contains(pid)));
}

/// A Parquet file of one column of `rows` texts, each of `length` equal letters, not packed into a dictionary.
fn long_texts(columns: &[&'static str], rows: usize, length: usize, page: usize) -> Vec<u8> {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|_| "8".repeat(length))));
    let batch = columns.iter().map(|name| (*name, Arc::clone(&texts), true));
    let batch = RecordBatch::try_from_iter_with_nullable(batch).expect("a table");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_data_page_size_limit(page)
        .set_write_batch_size(16)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.into_inner().expect("a file")
}

const TEXTS: [&str; 5] = ["jednostka_regon", "dzial", "rozdzial", "paragraf", "p4"];

#[test]
fn a_worker_that_outgrows_its_memory_ends_alone() {
    // Three pages of 48 MiB are open at once.
    let bomb = long_texts(&TEXTS[..], 1_024, 48 << 10, 48 << 20);
    let small = Server::start_with(&[("HUB_LIMITS_WORKER_MEMORY_MIB", "192")]);
    assert_unreadable(&trial(&small, &small.file("bomb.parquet", &bomb), 3), "broke off twice");
    let verdict = trial(&small, &honest(&small, "parquet"), 0);
    assert_eq!(verdict["submission"]["rows"], 2);
}

#[test]
fn bombs_are_refused_and_the_hub_stays_small() {
    let server = Server::start();
    for extension in ["parquet", "ndjson", "arrow"] {
        trial(&server, &honest(&server, extension), 0);
    }
    let before = crate::memory::peak(&server);
    let line = |start: &str, middle: &str, times: usize| [start, &middle.repeat(times)].concat().into_bytes();
    let bombs: [(&str, Vec<u8>); 6] = [
        ("unpacks-to-400-mib.parquet", long_texts(&TEXTS[..1], 6_400, 64 << 10, 1 << 20)),
        ("unpacks-to-200-mib.parquet", long_texts(&TEXTS, 640, 64 << 10, 1 << 20)),
        ("deep.ndjson", line("", "[", 1_000_000)),
        ("deep-in-a-value.ndjson", line("{\"dzial\":", "{\"a\":", 150_000)),
        ("one-line.ndjson", line("{\"dzial\":\"", "8", 40 << 20)),
        ("many-keys.ndjson", line("{", "\"dzial\":801,", 60_000)),
    ];
    for (name, bytes) in bombs {
        let verdict = trial(&server, &server.file(name, &bytes), 3);
        assert_eq!(verdict["submission"]["state"], "REFUSED", "{name}: {verdict}");
    }
    let grown = crate::memory::peak(&server).saturating_sub(before);
    println!("soak: bombs of six kinds are refused; the server grows by {} MiB", grown >> 20);
    assert!(grown < GROWTH_MAX, "grown by {grown} bytes");
    assert_nothing_left(&server);
}
