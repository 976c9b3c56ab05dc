//! What operators do: organisations and keys, stopping, TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hub_client::v1::RowFormat;
use hub_client::{Part, PullRequest};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

use crate::harness::{
    KUTNO, Output, PERIOD, Server, get, kutno_sample, run, server_binary, synthetic, wait_for,
};

/// Runs an offline command on a folder.
fn offline(root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(server_binary());
    run(command.args(args).arg("--data-dir").arg(root))
}

fn write_profile(root: &Path, name: &str, endpoint: &str, key: &str, more: &str) {
    let folder = root.join("dev");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!("endpoint = \"{endpoint}\"\ntoken = \"{key}\"\n{more}");
    std::fs::write(folder.join(format!("{name}.toml")), text).expect("a profile");
}

#[test]
fn organisations_and_keys_are_kept_while_the_server_is_stopped() {
    let mut server = Server::start();
    let root = server.root().to_owned();
    offline(&root, &["org", "list"]).expect(1).says("a hub-server runs on");
    assert!(server.stop().success());

    offline(&root, &["org", "add", "nik", "--name", "Najwyższa Izba Kontroli", "--kind", "ministry"])
        .expect(0);
    offline(&root, &["org", "add", "nik", "--name", "Other", "--kind", "ministry"])
        .expect(1)
        .says("is there already");
    let listed = offline(&root, &["org", "list", "--filter", "nik"]).expect(0).stdout;
    assert!(listed.contains("nik\tministry\tNajwyższa Izba Kontroli"), "{listed}");
    let shown = offline(&root, &["org", "show", KUTNO]).expect(0).stdout;
    assert!(shown.contains("terc6\t100201"), "{shown}");
    offline(&root, &["org", "show", "gmina-999999"]).expect(1).says("there is no organisation");

    let order = ["credential", "create", "--organisation", "nik", "--scope", "read", "--label", "audit"];
    let created = offline(&root, &order).expect(0);
    let key = created.stdout.trim().to_owned();
    assert!(key.starts_with("hub_") && key.len() == 47, "{key}");
    assert!(!created.stderr.contains(&key), "{}", created.stderr);
    let listed = offline(&root, &["credential", "list", "--organisation", "nik"]).expect(0).stdout;
    assert!(listed.contains("audit") && !listed.contains(&key), "{listed}");
    let id = listed.split('\t').next().expect("an id").to_owned();

    server.restart();
    write_profile(&root, "nik", &format!("http://{}", server.grpc), &key, "");
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(server.cell("nik", "SELECT count(*) FROM rb28s"), "293");
    let pushed = server.push("nik", &kutno_sample(), "rb28s", PERIOD, &[]);
    pushed.expect(5).says("SCOPE_MISSING");
    let first_log = server.log();
    assert!(server.stop().success());

    offline(&root, &["credential", "revoke", &id]).expect(0);
    offline(&root, &["credential", "revoke", &id]).expect(1).says("no such key that still holds");
    server.restart();
    server.hub("nik", &["query", "SELECT 1"]).expect(5).says("CREDENTIAL_INVALID");
    assert!(server.stop().success());
    for said in [&first_log, &server.log()] {
        assert!(!said.contains(&key) && !said.contains(&key[4..]), "a key is in the log");
    }
    assert_key_is_nowhere(&root, &key);
}

/// Only a hash of the key is kept; the profile that the test wrote is its own.
fn assert_key_is_nowhere(root: &Path, key: &str) {
    for entry in std::fs::read_dir(root).expect("the data folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!found, "{} holds a key", path.display());
        }
    }
}

#[test]
fn a_dev_hub_that_serves_has_its_profiles() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let http = free_address();
    let mut command = Command::new(server_binary());
    command.arg("dev").arg("--data-dir").arg(folder.path());
    command.args(["--grpc-addr", "127.0.0.1:0", "--http-addr", &http.to_string()]);
    let mut hub = command.stderr(Stdio::null()).spawn().expect("the server's binary");
    let serves = || {
        TcpStream::connect(http).ok()?;
        (get(http, "/healthz").status == 200).then(|| folder.path().join("dev/publisher.toml").is_file())
    };
    let found = wait_for(Duration::from_secs(90), serves);
    hub.kill().expect("a child of ours");
    hub.wait().expect("a child of ours");
    assert_eq!(found, Some(true), "the profile is there at the first 200");
}

/// An address of loopback that nobody listens on.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_to_stop_ends_within_the_grace_also_with_an_open_pull() {
    let mut server = Server::start_with(&[("HUB_SHUTDOWN_GRACE_SECONDS", "2")]);
    let file = server.file("big.csv", &synthetic("rb28s", "100201", "2023-Q4", 150_000, 1));
    server.accepted("publisher", &file, "rb28s", "2023-Q4", &[]);
    let client = server.client("ministry");
    let request = PullRequest {
        dataset: "rb28s".to_owned(),
        columns: Vec::new(),
        filter: None,
        as_of: None,
        format: RowFormat::Csv,
    };
    // More than the windows of a connection hold, so that the hub waits for this reader.
    let mut pull = client.pull(&request).await.expect("a session");
    assert!(matches!(pull.next().await.expect("rows"), Some(Part::Data(_))));
    server.terminate();
    let ended = server
        .finished(Duration::from_secs(20))
        .unwrap_or_else(|| panic!("it still runs:\n{}", server.log()));
    assert!(ended.success(), "{ended:?}\n{}", server.log());
    assert!(server.log().contains("the hub is closed"), "{}", server.log());
    drop(pull);
    server.restart();
    assert_eq!(server.cell("ministry", "SELECT count(*) FROM rb28s"), "150000");
}

#[test]
fn a_signal_to_stop_does_not_wait_for_a_long_check() {
    let stalled = [
        ("HUB_SHUTDOWN_GRACE_SECONDS", "1"),
        ("HUB_FAULT", "check.after:1:stall"),
        // The check holds one thread; the others serve.
        ("TOKIO_WORKER_THREADS", "4"),
    ];
    let mut server = Server::start_with(&stalled);
    let file = kutno_sample();
    let order = ["push", file.to_str().expect("a plain path"), "--pattern", "rb28s", "--period", PERIOD];
    let mut push = server.hub_command("publisher", &order).spawn().expect("the client's binary");
    let stalls = || server.log().contains("a thread stalls here").then_some(());
    wait_for(Duration::from_secs(60), stalls).unwrap_or_else(|| panic!("no check:\n{}", server.log()));
    server.terminate();
    // The promise is six seconds; the rest is for a slow machine.
    let ended = server.finished(Duration::from_secs(20));
    let ended = ended.unwrap_or_else(|| panic!("it still runs:\n{}", server.log()));
    assert!(ended.success(), "{ended:?}\n{}", server.log());
    push.kill().expect("a child of ours");
    push.wait().expect("a child of ours");
    server.restart();
    let finished = || (server.cell("ministry", "SELECT count(*) FROM rb28s") == "293").then_some(());
    wait_for(Duration::from_secs(60), finished).expect("the order was durable");
}

#[test]
fn the_log_tells_the_end_of_each_call() {
    let settings = [("HUB_LOG_LEVEL", "info,hub_server=debug"), ("HUB_LOG_FORMAT", "json")];
    let mut server = Server::start_with(&settings);
    let sent = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let id = sent["submission"]["submission"].as_str().expect("an id");
    let other = ["--publisher", "gmina-026401"];
    server.push("publisher", &kutno_sample(), "rb28s", PERIOD, &other).expect(5);
    server.cell("ministry", "SELECT count(*) FROM rb28s");
    assert_eq!(get(server.http, "/nothing").status, 404);
    assert!(server.stop().success());
    let log = server.log();
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ends: Vec<Value> = events.filter(|event| event["span"]["name"] == "call").collect();
    let told = |level: &str, method: &str, field: &str, value: &str| {
        let found = ends.iter().any(|event| {
            event["level"] == level
                && event["span"]["method"].as_str().is_some_and(|known| known.ends_with(method))
                && (event[field] == value || event["span"][field] == value)
        });
        assert!(found, "{level} {method} {field}={value} is not told:\n{log}");
    };
    told("INFO", "/PushSubmission", "submission", id);
    told("INFO", "/PushSubmission", "organisation", KUTNO);
    told("INFO", "/PushSubmission", "reason", "PUBLISHER_NOT_PERMITTED");
    told("DEBUG", "/QueryRows", "organisation", "mf");
    told("DEBUG", "GET /nothing", "reason", "ROUTE_UNKNOWN");
    for profile in ["publisher", "ministry"] {
        assert!(!log.contains(&server.key(profile)), "a key is in the log");
    }
}

#[test]
fn links_begin_with_the_public_address_if_there_is_one() {
    let link = "/datasets/jakosc_powietrza/latest/extract.csv";
    for (url, expected) in
        [("", link.to_owned()), ("https://hub.example.pl/", format!("https://hub.example.pl{link}"))]
    {
        let server = Server::start_with(&[("HUB_PUBLIC_URL", url)]);
        let answer: Value = serde_json::from_slice(&get(server.http, "/datasets").body).expect("JSON");
        let open = answer["datasets"].as_array().expect("a list");
        let air = open.iter().find(|dataset| dataset["id"] == "jakosc_powietrza").expect("an open dataset");
        assert_eq!(air["csv"], expected.as_str());
    }
}

#[test]
fn off_loopback_there_is_no_listener_without_tls() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for option in ["--grpc-addr", "--http-addr"] {
        let mut command = Command::new(server_binary());
        command.args(["serve", option, "0.0.0.0:0", "--data-dir"]).arg(folder.path());
        run(&mut command).expect(64).says("is not loopback");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn dev_refuses_a_certificate_before_it_writes_anything() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(server_binary());
    command.args(["dev", "--tls-cert", "c.pem", "--tls-key", "k.pem", "--data-dir"]).arg(folder.path());
    run(&mut command).expect(64).says("without TLS");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn with_a_certificate_both_listeners_speak_tls_only() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("data");
    let (cert, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let made =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("made");
    std::fs::write(&cert, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    offline(&root, &["org", "add", "mf", "--name", "Ministerstwo Finansów", "--kind", "ministry"]).expect(0);
    let created =
        offline(&root, &["credential", "create", "--organisation", "mf", "--scope", "read"]).expect(0);
    let token = created.stdout.trim().to_owned();

    let mut command = Command::new(server_binary());
    command.args([
        "serve",
        "--grpc-addr",
        "127.0.0.1:0",
        "--http-addr",
        "127.0.0.1:0",
        "--log-format",
        "json",
    ]);
    command.arg("--data-dir").arg(&root).arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&key);
    let mut server = Server::launch(&root, &mut command);

    let (secure, plain) =
        (format!("https://localhost:{}", server.grpc.port()), format!("http://{}", server.grpc));
    write_profile(&root, "trusting", &secure, &token, &format!("ca = \"{}\"\n", cert.display()));
    write_profile(&root, "distrusting", &secure, &token, "");
    write_profile(&root, "plain", &plain, &token, "");
    assert_eq!(server.cell("trusting", "SELECT count(*) FROM rb28s"), "0");
    let distrusting = server.hub("distrusting", &["--retry-for", "1", "query", "SELECT 1"]);
    assert!([2, 4].contains(&distrusting.code), "{distrusting:?}");
    assert!(distrusting.stderr.contains("certificate"), "{}", distrusting.stderr);
    server.hub("plain", &["--retry-for", "1", "query", "SELECT 1"]).expect(4).says("hub not reached");
    assert_eq!(health_over_tls(&server, &cert), "HTTP/1.1 200 OK");
    assert!(server.stop().success());
    assert!(!server.log().contains(&token));
}

/// The status line of `/healthz` over TLS.
fn health_over_tls(server: &Server, ca: &Path) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a certificate")).expect("a root");
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut stream = TcpStream::connect(server.http).expect("the HTTP listener");
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = [0_u8; 15];
    tls.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}
