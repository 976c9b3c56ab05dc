//! Receipts and original bytes from the outside: signed by the hub, verified without it, by our client and by others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{
    Output, PERIOD, Server, files_below, get, invalid_samples, kutno_sample, run, server_binary, synthetic,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify_receipt.py");

fn offline(root: &Path, args: &[&str]) -> Output {
    run(Command::new(server_binary()).args(args).arg("--data-dir").arg(root))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// The verifier of `docs/`, which knows nothing of the hub but the published keys.
fn outside(keys: &Path, receipts: &[&Path]) -> Output {
    let python = std::env::var_os("HUB_TEST_PYTHON");
    let python = python.expect("HUB_TEST_PYTHON is not set: run `make test`, which installs what it needs");
    run(Command::new(python).arg(SCRIPT).arg(keys).args(receipts))
}

/// What the client says of a receipt, as JSON.
fn told(server: &Server, receipt: &Path, more: &[&str]) -> Value {
    let args = ["--format", "json", "receipt", "verify", text(receipt)];
    server.hub("publisher", &[&args, more].concat()).json()
}

fn written(server: &Server, name: &str) -> PathBuf {
    server.file(name, b"")
}

fn id_of(pushed: &Value) -> String {
    pushed["submission"]["submission"].as_str().expect("an id").to_owned()
}

/// Writes the receipt of a submission as it is given now.
fn receipt(server: &Server, id: &str, name: &str) -> PathBuf {
    let file = written(server, name);
    server.hub("publisher", &["submissions", "receipt", id, "--out", text(&file)]).expect(0);
    file
}

/// Writes the keys as HTTP publishes them.
fn published(server: &Server, name: &str) -> PathBuf {
    let answer = get(server.http, "/.well-known/jwks.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwk-set+json"));
    server.file(name, &answer.body)
}

#[test]
fn a_receipt_is_verified_without_the_hub() {
    let mut server = Server::start();
    let page = written(&server, "upo.html");
    let file = kutno_sample();
    let pushed = server.push("publisher", &file, "rb28s", PERIOD, &["--receipt", text(&page)]).expect(0);
    assert!(pushed.stderr.contains("kept the hub's keys at the first meeting"), "{}", pushed.stderr);
    let pushed = pushed.json();
    let json = receipt(&server, &id_of(&pushed), "upo.json");
    assert_eq!(fs::read_to_string(&json).expect("a receipt").trim_end(), pushed["receipt"]["document"]);
    let jwks = published(&server, "jwks.json");
    let keys = server.hub("", &["--profile", "publisher", "receipt", "keys"]).expect(0);
    assert_eq!(keys.json(), serde_json::from_slice::<Value>(&fs::read(&jwks).expect("keys")).expect("JSON"));
    assert!(server.stop().success());

    let verify = |args: &[&str]| server.hub("publisher", &[&["receipt", "verify"], args].concat());
    let both = verify(&[text(&page), text(&json)]).expect(0).says("profile publisher");
    assert_eq!(both.stdout.matches(": valid\n").count(), 2, "{}", both.stdout);
    let from_file = verify(&[text(&page), "--keys", text(&jwks), "--payload", text(&file)]);
    from_file.expect(0).says("jwks.json").says("Kutno").says("this is the file");
    outside(&jwks, &[&page, &json]).expect(0);

    let one = fs::read_to_string(&json).expect("a receipt");
    let changed = server.file("changed.json", one.replace("\"rows\":293", "\"rows\":294").as_bytes());
    assert_eq!(told(&server, &changed, &[])["fault"], "SIGNATURE_WRONG");
    outside(&jwks, &[&changed]).expect(3).says("changed");
    let shown = fs::read_to_string(&page).expect("a page").replacen("<td>293<", "<td>294<", 1);
    let shown = server.file("shown.html", shown.as_bytes());
    assert_eq!(told(&server, &shown, &[])["fault"], "PAGE_CHANGED");
    let spaced = server.file("spaced.json", one.replacen(':', ": ", 1).as_bytes());
    assert_eq!(told(&server, &spaced, &[])["fault"], "REWRITTEN");
    assert_eq!(told(&server, &file, &[])["fault"], "NOT_A_RECEIPT");
    assert_eq!(told(&server, &json, &["--payload", text(&page)])["fault"], "PAYLOAD_SIZE");
    verify(&[text(&json), text(&changed)]).expect(3).says("NOT VALID");

    let other = Server::start();
    other.accepted("publisher", &file, "rb28s", PERIOD, &[]);
    let foreign = published(&other, "jwks.json");
    assert_eq!(told(&server, &json, &["--keys", text(&foreign)])["fault"], "KEY_UNKNOWN");
    outside(&foreign, &[&json]).expect(3).says("unknown");
    // Wrong usage is told apart from what is not valid.
    server.hub("ministry", &["receipt", "verify", text(&json)]).expect(2).says("knows the keys of no hub");
    verify(&[text(&json), "--keys", text(&json)]).expect(2);
    verify(&[text(&json), text(&page), "--payload", text(&file)]).expect(2);
    verify(&[]).expect(2);
    let polish = run(server
        .hub_command("publisher", &["receipt", "verify", text(&changed)])
        .env("LC_ALL", "pl_PL.UTF-8"));
    polish.expect(3).says("NIEWAŻNE");
}

#[test]
fn receipts_before_and_after_a_rotation_are_valid() {
    let mut server = Server::start();
    let pushed = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let id = id_of(&pushed);
    let first = receipt(&server, &id, "first.json");
    assert_eq!(
        fs::read(&first).expect("a receipt"),
        fs::read(receipt(&server, &id, "again.json")).expect("a receipt")
    );
    assert!(
        !offline(server.root(), &["receipt-key", "rotate"]).stderr.is_empty(),
        "a running hub is not rotated"
    );
    let root = server.root().to_owned();
    assert!(server.stop().success());
    let before = offline(&root, &["receipt-key", "list"]).expect(0).stdout;
    let after = offline(&root, &["receipt-key", "rotate"]).expect(0).stdout;
    assert_eq!((before.lines().count(), after.lines().count()), (1, 2));
    let ids = |list: &str| {
        list.lines().map(|line| line.split('\t').next().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&before)[0], ids(&after)[1]);
    server.restart();

    let second = receipt(&server, &id, "second.json");
    let (one, other) =
        (fs::read_to_string(&first).expect("a receipt"), fs::read_to_string(&second).expect("a receipt"));
    assert!(!one.contains("signed_at"), "{one}");
    // A key is in force from a whole second on; what was committed in that same one needs no word of it.
    let committed = pushed["receipt"]["content"]["committed_at"].as_str().expect("a time");
    let later = after.split('\t').nth(1).expect("a time")[..19] > committed[..19];
    assert_eq!(other.contains("\"signed_at\":\""), later, "{other}");
    let jwks = published(&server, "jwks.json");
    for receipt in [&first, &second] {
        assert_eq!(told(&server, receipt, &["--keys", text(&jwks)])["valid"], true);
        assert_eq!(told(&server, receipt, &[])["valid"], true);
    }
    outside(&jwks, &[&first, &second]).expect(0);
    let page = receipt(&server, &id, "second.html");
    outside(&jwks, &[&page]).expect(0);
    assert_eq!(fs::read_to_string(&page).expect("a page").contains("Podpisano ponownie"), later);

    // The secret may be in other hands: what it signed is not valid, and what the hub signs anew is.
    assert!(server.stop().success());
    offline(&root, &["receipt-key", "rotate", "--compromised"]).expect(0);
    server.restart();
    let third = receipt(&server, &id, "third.html");
    let jwks = published(&server, "jwks.json");
    assert_eq!(told(&server, &first, &[])["valid"], true, "the first key was not the one");
    assert_eq!(told(&server, &second, &[])["fault"], "KEY_REVOKED");
    assert_eq!(told(&server, &third, &[])["valid"], true);
    outside(&jwks, &[&second]).expect(3).says("revoked");
    outside(&jwks, &[&first, &third]).expect(0);
    assert!(server.stop().success());
}

#[test]
fn the_secret_is_private_and_shows_nowhere() {
    let mut server = Server::start_with(&[("HUB_LOG_LEVEL", "trace")]);
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert!(server.stop().success());
    let keys = server.root().join("keys");
    let secrets: Vec<PathBuf> = files_below(&keys)
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("receipt-")))
        .collect();
    let [secret] = secrets.as_slice() else { panic!("one secret: {secrets:?}") };
    assert_eq!(fs::metadata(secret).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&keys).expect("a folder").permissions().mode() & 0o777, 0o700);
    let bytes = fs::read(secret).expect("a secret");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for shown in [hex, format!("{bytes:?}"), String::from_utf8_lossy(&bytes).into_owned()] {
        assert!(!server.log().contains(&shown));
    }
    let held = files_below(server.root()).into_iter().filter(|path| path != secret);
    for path in held {
        let content = fs::read(&path).expect("a file");
        assert!(!content.windows(bytes.len()).any(|part| part == bytes), "{}", path.display());
    }
}

#[test]
fn payloads_come_back_byte_for_byte() {
    let mut server = Server::start();
    let large = server.file("large.csv", &synthetic("rb28s", "100201", "2023-Q4", 60_000, 1));
    assert!(fs::metadata(&large).expect("a file").len() > 2 << 20);
    let sent = [(kutno_sample(), PERIOD), (large, "2023-Q4")].map(|(file, period)| {
        let id = id_of(&server.accepted("publisher", &file, "rb28s", period, &[]));
        (file, id)
    });
    let out = server.file("back.csv", b"older");
    let back = |server: &Server, profile: &str, id: &str| {
        server.hub(profile, &["submissions", "payload", id, "--out", text(&out)])
    };
    for round in 0..2 {
        for (file, id) in &sent {
            back(&server, "publisher", id).expect(0).says("SHA-256");
            assert!(
                fs::read(&out).expect("a file") == fs::read(file).expect("a file"),
                "{id}, round {round}"
            );
        }
        if round == 0 {
            assert!(server.stop().success());
            server.restart();
        }
    }
    fs::write(&out, "older").expect("a file");
    for profile in ["publisher2", "ministry"] {
        back(&server, profile, &sent[0].1).expect(1).says("SUBMISSION_UNKNOWN");
    }
    let invalid = invalid_samples("rb28s").remove(0);
    let refused = server.push("publisher", &invalid, "rb28s", "2022-Q3", &[]).expect(3).json();
    back(&server, "publisher", &id_of(&refused)).expect(1).says("PAYLOAD_NOT_KEPT");

    // One bit of the large one and one of the small one rot.
    assert!(server.stop().success());
    let evidence = files_below(&server.root().join("evidence")).remove(0);
    flip(&evidence, 1 << 20);
    let segments = files_below(&server.root().join("spool"));
    let marker = fs::read(kutno_sample()).expect("a file")[2_000..2_050].to_vec();
    let found = segments.iter().find_map(|path| {
        let bytes = fs::read(path).expect("a segment");
        let at = bytes.windows(marker.len()).position(|part| part == marker)?;
        Some((path.clone(), at))
    });
    let (segment, at) = found.expect("the small payload is in a segment");
    server.restart();
    flip(&segment, at);
    for (_, id) in &sent {
        back(&server, "publisher", id).expect(1).says("STORAGE_CORRUPT");
    }
    assert!(
        server.log().contains(text(&evidence)) && server.log().contains(text(&segment)),
        "{}",
        server.log()
    );
    assert_eq!(fs::read_to_string(&out).expect("a file"), "older", "nothing of it is written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_cut_goes_on_where_it_stopped() {
    let mut server = Server::start();
    // More than the windows of a connection hold, so that the hub has not sent all when it is killed.
    let large = server.file("large.csv", &synthetic("rb28s", "100201", "2023-Q4", 300_000, 1));
    assert!(fs::metadata(&large).expect("a file").len() > 10 << 20);
    let id = id_of(&server.accepted("publisher", &large, "rb28s", "2023-Q4", &[]));
    let out = server.file("back.csv", b"");
    let client = server.client("publisher").retry_for(Duration::from_secs(90));
    let (came, first) = mpsc::channel();
    let (go, waits) = mpsc::channel::<()>();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = {
        let (seen, waits) = (Arc::clone(&seen), Mutex::new(waits));
        Arc::new(move |done: u64, _all: u64| {
            let mut seen = seen.lock().expect("no panic while it is held");
            seen.push(done);
            if seen.len() == 1 {
                came.send(()).expect("the test waits");
                waits.lock().expect("no panic while it is held").recv().expect("the test says so");
            }
        })
    };
    let back = {
        let (id, out) = (id.clone(), out.clone());
        tokio::spawn(async move { client.payload_to_file(&id, &out, Some(progress)).await })
    };
    tokio::task::block_in_place(|| {
        first.recv().expect("bytes come");
        server.kill();
        server.restart();
        go.send(()).expect("the client waits");
    });
    let digest = back.await.expect("no panic").expect("a payload");
    assert_eq!(digest.size, fs::metadata(&large).expect("a file").len());
    assert!(fs::read(&out).expect("a file") == fs::read(&large).expect("a file"));
    let seen = seen.lock().expect("no panic while it is held");
    assert!(seen.is_sorted_by(|a, b| a < b), "no byte comes twice");
}

/// Changes one bit of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file of the hub");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("a file of the hub");
}
