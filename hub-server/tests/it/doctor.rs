//! `hub doctor` names the first fault between here and the hub, one sentence for each.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls_pki_types::PrivateKeyDer;

use crate::harness::{Line, Output, Server, canned, run, server_binary};

/// A server, and a profile that has one fault.
fn doctor(server: &Server, text: &str, fault: &str, code: i32, says: &str) -> Output {
    std::fs::write(server.root().join("dev/ill.toml"), text).expect("a profile");
    let told = server.hub("ill", &["--format", "json", "doctor"]).expect(code);
    assert_eq!(told.json()["fault"], fault, "{}", told.stdout);
    let sentence = server.hub("ill", &["doctor"]).expect(code);
    assert_eq!(sentence.stdout.lines().count(), 1, "{}", sentence.stdout);
    assert_eq!(sentence.stderr, "");
    sentence.says(says)
}

fn healthy(server: &Server) -> String {
    let key = server.key("publisher");
    format!(
        "endpoint = \"http://{}\"\nhttp_endpoint = \"http://{}\"\ntoken = \"{key}\"\n",
        server.grpc, server.http
    )
}

fn at(server: &Server, address: SocketAddr) -> String {
    healthy(server).replace(&server.grpc.to_string(), &address.to_string())
}

#[test]
fn all_is_well() {
    let server = Server::start();
    doctor(&server, &healthy(&server), "", 0, "All is well");
    let mut polish = server.hub_command("ill", &["doctor"]);
    let told = run(polish.env("LC_ALL", "pl_PL.UTF-8")).expect(0).stdout;
    assert!(told.starts_with("Wszystko w porządku"), "{told}");
}

#[test]
fn a_name_that_leads_nowhere() {
    let server = Server::start();
    let ca = server.file("ca.pem", made(&["hub.invalid"], None).0.as_bytes());
    let text =
        format!("endpoint = \"https://hub.invalid:50051\"\nca = \"{}\"\ntoken = \"x\"\n", ca.display());
    doctor(&server, &text, "NAME", 4, "hub.invalid leads to no computer");
}

#[test]
fn nobody_at_the_address() {
    let server = Server::start();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let nobody = at(&server, closed).replace(&server.http.to_string(), &closed.to_string());
    doctor(&server, &nobody, "NOT_REACHED", 4, "Nobody answers");
    // A firewall that shuts the one port alone.
    doctor(&server, &at(&server, closed), "HTTP2", 4, "work all the same");
}

#[test]
fn a_proxy_that_answers_itself() {
    let server = Server::start();
    let page = "<h1>Log in</h1>";
    let proxy = canned(format!(
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    ));
    let text = at(&server, proxy).replace(&server.http.to_string(), &proxy.to_string());
    doctor(&server, &text, "PROXY", 4, "407");
    // The same where encryption is expected.
    let ca = server.file("ca.pem", made(&["localhost"], None).0.as_bytes());
    let text = format!(
        "endpoint = \"https://localhost:{}\"\nca = \"{}\"\ntoken = \"x\"\n",
        proxy.port(),
        ca.display()
    );
    doctor(&server, &text, "PROXY", 4, "not the hub answers");
}

#[test]
fn http2_is_blocked() {
    let server = Server::start();
    let line = Line::of_http1(server.http, u64::MAX);
    doctor(&server, &at(&server, line.address), "HTTP2", 4, "pushes, pulls and queries work all the same");
    let shut = at(&server, line.address).replace(&format!("http://{}", server.http), "http://127.0.0.1:9");
    doctor(&server, &shut, "HTTP2", 4, "at http://127.0.0.1:9 no hub answers");
}

#[test]
fn a_certificate_that_nobody_trusts_or_that_has_expired() {
    let server = Server::start();
    let (pem, key) = made(&["localhost"], None);
    let other = server.file("other.pem", made(&["localhost"], None).0.as_bytes());
    let profile = |address: SocketAddr, ca: &Path| {
        format!(
            "endpoint = \"https://localhost:{}\"\nca = \"{}\"\ntoken = \"x\"\n",
            address.port(),
            ca.display()
        )
    };
    let address = over_tls(&pem, &key);
    doctor(&server, &profile(address, &other), "CERTIFICATE", 4, "cannot be trusted");
    let (pem, key) = made(&["localhost"], Some((2020, 2021)));
    let ca = server.file("own.pem", pem.as_bytes());
    let address = over_tls(&pem, &key);
    doctor(&server, &profile(address, &ca), "CERTIFICATE_TIME", 4, "has expired");
}

#[test]
fn a_clock_that_is_off() {
    let server = Server::start();
    for (day, says) in
        [("Sun, 06 Nov 1994 08:49:37 GMT", "ahead of"), ("Thu, 06 Nov 2194 08:49:37 GMT", "behind")]
    {
        let body = "{\"status\":\"serving\"}";
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nDate: {day}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let text = healthy(&server).replace(&server.http.to_string(), &canned(answer).to_string());
        doctor(&server, &text, "CLOCK", 1, says);
    }
}

#[test]
fn a_key_that_lacks_is_wrong_or_was_revoked() {
    let mut server = Server::start();
    let text = healthy(&server);
    let without: String =
        text.lines().filter(|line| !line.starts_with("token")).map(|line| format!("{line}\n")).collect();
    doctor(&server, &without, "KEY", 5, "has no key");
    let wrong = text.replace(&server.key("publisher"), &format!("hub_{}", "a".repeat(43)));
    doctor(&server, &wrong, "KEY", 5, "does not know it");
    assert!(server.stop().success());
    let offline =
        |args: &[&str]| run(Command::new(server_binary()).args(args).arg("--data-dir").arg(server.root()));
    let listed = offline(&["credential", "list", "--organisation", "gmina-100201"]).expect(0).stdout;
    offline(&["credential", "revoke", listed.split('\t').next().expect("an id")]).expect(0);
    server.restart();
    doctor(&server, &text, "KEY", 5, "it was revoked at");
}

/// A certificate that signs itself and its key, in PEM; for years of the past, if any are given.
fn made(names: &[&str], years: Option<(i32, i32)>) -> (String, Vec<u8>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).expect("names");
    if let Some((from, to)) = years {
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
    }
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.pem(), key.serialize_der())
}

/// Somebody who shows this certificate and says nothing.
fn over_tls(pem: &str, key: &[u8]) -> SocketAddr {
    use rustls_pki_types::pem::PemObject as _;
    let certificate =
        rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.to_vec()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
            let _refused = session.complete_io(&mut stream);
        }
    });
    address
}

#[test]
fn another_door_than_the_hubs_is_not_well() {
    let server = Server::start();
    // The HTTP port speaks HTTP/2 too, and knows no call.
    doctor(&server, &at(&server, server.http), "PROXY", 4, "not the hub answers");
}
