//! News that is sent to an address: signed, in order, without a gap, whoever dies meanwhile.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::harness::{Server, keyed, kutno_sample, server_binary, synthetic, wait_for};
use crate::http_door::value;

const PATIENCE: Duration = Duration::from_secs(90);
/// Each push is a version of its own; what fails is tried three times, at once.
const SETTINGS: [(&str, &str); 3] =
    [("HUB_LIMITS_OPEN_VERSION_MS", "0"), ("HUB_WEBHOOKS_TRIES", "3"), ("HUB_WEBHOOKS_RETRY_SECONDS", "0")];

/// What came, in the order in which it came.
#[derive(Debug, Clone)]
struct Came {
    id: String,
    at: String,
    signature: String,
    body: String,
    /// What was answered.
    status: u16,
}

impl Came {
    fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// As the Standard Webhooks specification says, in other code than the hub's.
    fn verify(&self, secret: &str) {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key");
        mac.update(format!("{}.{}.{}", self.id, self.at, self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.signature, expected);
        assert!(self.at.parse::<i64>().expect("seconds") > 1_700_000_000);
    }
}

/// A receiver on this machine.
#[derive(Debug)]
struct Receiver {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Came>>>,
    /// What is answered.
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        let (came, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(200)));
        let (all, answers) = (Arc::clone(&came), Arc::clone(&status));
        std::thread::spawn(move || {
            for line in listener.incoming().map_while(Result::ok) {
                let status = *answers.lock().expect("no panic while it is held");
                if let Some(one) = take(&line, status) {
                    all.lock().expect("no panic while it is held").push(one);
                    answer(&line, status);
                }
            }
        });
        Self { address, came, status }
    }

    fn url(&self) -> String {
        format!("http://{}/hub?x=1", self.address)
    }

    fn answers(&self, status: u16) {
        *self.status.lock().expect("no panic while it is held") = status;
    }

    fn all(&self) -> Vec<Came> {
        self.came.lock().expect("no panic while it is held").clone()
    }

    /// Waits until as many came that were taken.
    fn taken(&self, number: usize) -> Vec<Came> {
        let taken = || self.all().into_iter().filter(|came| came.status == 200).collect::<Vec<_>>();
        wait_for(PATIENCE, || Some(taken()).filter(|taken| taken.len() >= number))
            .unwrap_or_else(|| panic!("no {number} deliveries: {:?}", self.all()))
    }
}

fn take(line: &TcpStream, status: u16) -> Option<Came> {
    let mut reader = BufReader::new(line);
    let mut head = Vec::new();
    loop {
        let mut text = String::new();
        reader.read_line(&mut text).ok()?;
        if text.trim().is_empty() {
            break;
        }
        head.push(text.trim().to_owned());
    }
    // A hub that is killed may leave a connection on which nothing comes.
    assert_eq!(head.first()?, "POST /hub?x=1 HTTP/1.1");
    let header = |name: &str| {
        let found = head.iter().filter_map(|line| line.split_once(": "));
        found.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Came {
        id: header("webhook-id")?,
        at: header("webhook-timestamp")?,
        signature: header("webhook-signature")?,
        body: String::from_utf8(body).ok()?,
        status,
    })
}

fn answer(mut line: &TcpStream, status: u16) {
    let place = if status == 302 { "Location: http://127.0.0.1:9/\r\n" } else { "" };
    let text = format!("HTTP/1.1 {status} X\r\n{place}Content-Length: 2\r\nConnection: close\r\n\r\nok");
    drop(line.write_all(text.as_bytes()));
}

fn subscribed(server: &Server, receiver: &Receiver, more: &[&str]) -> (String, String) {
    let url = receiver.url();
    let args = [&["--format", "json", "subscriptions", "add", &url], more].concat();
    let made = server.hub("ministry", &args).expect(0).json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("subscription"), text("secret"))
}

fn listed(server: &Server) -> Value {
    server.hub("ministry", &["--format", "json", "subscriptions", "list"]).expect(0).json()
}

fn push(server: &Server, seed: u64) {
    let file = server.file("rows.csv", &synthetic("rb28s", "026401", "2022-Q4", 40, seed));
    server.accepted("publisher2", &file, "rb28s", "2022-Q4", &["--replace-all", "--confirm-deletions"]);
}

fn versions(came: &[Came]) -> Vec<u64> {
    let version = |came: &Came| came.event()["data"]["dataset_version"].as_u64().expect("a version");
    came.iter().map(version).collect()
}

#[test]
fn news_comes_signed_and_in_order_also_after_restarts() {
    let mut server = Server::start_with(&SETTINGS);
    let receiver = Receiver::start();
    push(&server, 1);
    let (id, secret) = subscribed(&server, &receiver, &["--dataset", "rb28s", "--kind", "changes"]);
    (2..4).for_each(|seed| push(&server, seed));
    let came = receiver.taken(2);
    came.iter().for_each(|came| came.verify(&secret));
    let event = came[0].event();
    assert_eq!((&event["type"], &event["data"]["dataset"]), (&"dataset.changed".into(), &"rb28s".into()));
    assert_eq!(event["data"]["revisions"][0]["publisher"], "gmina-026401");
    assert!(event["data"]["since"].as_str().expect("a cursor").starts_with("1."), "{event}");
    assert_eq!(versions(&came), [2, 3], "from the subscription on");
    // While the receiver is away nothing is lost, whoever dies; what failed is tried again under its id.
    receiver.answers(500);
    push(&server, 4);
    wait_for(PATIENCE, || receiver.all().iter().any(|came| came.status == 500).then_some(())).expect("a try");
    server.kill();
    push_while_away(&mut server, &receiver);
    let came = receiver.taken(5);
    let taken = versions(&came);
    let told: BTreeSet<u64> = taken.iter().copied().collect();
    assert!(told.contains(&5) && told.contains(&6), "{taken:?}");
    assert!(taken.is_sorted(), "{taken:?}");
    // What was given up meanwhile comes when it is asked for.
    let shown = listed(&server);
    assert_eq!(shown["subscription"], id);
    if !told.contains(&4) {
        assert_eq!(shown["dead"], 1, "{shown}");
        server.hub("ministry", &["subscriptions", "redeliver", &id]).expect(0);
        wait_for(PATIENCE, || versions(&receiver.taken(5)).contains(&4).then_some(())).expect("version 4");
    }
    assert!(!server.log().contains(&secret) && !server.log().contains("whsec_"), "a secret in the log");
    server.hub("ministry", &["subscriptions", "remove", &id]).expect(0);
    assert_eq!(server.hub("ministry", &["--format", "json", "subscriptions", "list"]).expect(0).stdout, "");
}

fn push_while_away(server: &mut Server, receiver: &Receiver) {
    let root = server.root().to_owned();
    let mut command = Command::new(server_binary());
    command.envs(SETTINGS);
    let other = Server::under(&root, &mut command);
    receiver.answers(200);
    (5..7).for_each(|seed| push(&other, seed));
    receiver.taken(4);
    drop(other);
    server.restart();
    push(server, 7);
}

#[test]
fn what_is_never_taken_becomes_a_dead_letter_and_later_news_goes_on() {
    let server = Server::start_with(&SETTINGS);
    let receiver = Receiver::start();
    let (id, secret) = subscribed(&server, &receiver, &[]);
    receiver.answers(302);
    push(&server, 1);
    let dead = || Some(listed(&server)).filter(|shown| shown["dead"] == 1);
    let shown = wait_for(PATIENCE, dead).expect("a dead letter");
    let tries = receiver.all();
    assert_eq!(tries.len(), 3, "as often as it is tried");
    assert_eq!(tries.iter().map(|came| &came.id).collect::<BTreeSet<_>>().len(), 1, "under one id");
    let letter = &shown["dead_letters"][0];
    assert_eq!((&letter["id"], &letter["tries"]), (&tries[0].id.clone().into(), &3.into()));
    assert!(
        shown["last_error"].as_str().expect("an error").contains("redirects are not followed"),
        "{shown}"
    );
    receiver.answers(200);
    push(&server, 2);
    assert_eq!(versions(&receiver.taken(1)), [2]);
    let again =
        server.hub("ministry", &["--format", "json", "subscriptions", "redeliver", &id]).expect(0).json();
    assert_eq!(again["count"], 1);
    let came = receiver.taken(2);
    assert_eq!((versions(&came), &came[1].id), (vec![2, 1], &tries[0].id));
    came[1].verify(&secret);
    assert_eq!(listed(&server)["dead"], 0);
    server.hub("publisher", &["subscriptions", "redeliver", &id]).expect(1).says("SUBSCRIPTION_UNKNOWN");
}

#[test]
fn a_server_that_dies_when_a_delivery_was_sent_sends_it_again_and_leaves_none_out() {
    let mut server = Server::start_with(&SETTINGS);
    let receiver = Receiver::start();
    let (_, secret) = subscribed(&server, &receiver, &["--kind", "changes"]);
    assert!(server.stop().success());
    let mut dying = Command::new(server_binary());
    dying.env("HUB_FAULT", "webhook.sent:2").envs(SETTINGS);
    let root = server.root().to_owned();
    let mut dying = Server::under(&root, &mut dying);
    push(&dying, 1);
    receiver.taken(1);
    let file = dying.file("more.csv", &synthetic("rb28s", "026401", "2022-Q4", 40, 2));
    let more = ["--replace-all", "--confirm-deletions", "--retry-for", "0"];
    let pushed = dying.push("publisher2", &file, "rb28s", "2022-Q4", &more);
    assert!(pushed.code == 0 || pushed.code == 4, "{}", pushed.stderr);
    assert!(dying.finished(PATIENCE).is_some(), "the server lives");
    server.restart();
    let came = receiver.taken(3);
    came.iter().for_each(|came| came.verify(&secret));
    assert_eq!(versions(&came), [1, 2, 2], "at least once");
    assert_eq!(came[1].id, came[2].id, "and by its id once");
}

#[test]
fn notices_are_sent_too_and_addresses_are_looked_at() {
    let server = Server::start_with(&SETTINGS);
    let receiver = Receiver::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", "2022-Q4", &[]);
    let out = server.file("pulled.csv", b"");
    server.hub("ministry", &["pull", "rb28s", "--out", out.to_str().expect("a path")]).expect(0);
    let (_, secret) = subscribed(&server, &receiver, &["--kind", "notices"]);
    let text = std::fs::read_to_string(kutno_sample()).expect("the sample");
    let file = server.file("korekta.csv", text.replacen("17900.00", "17901.00", 1).as_bytes());
    server.accepted("publisher", &file, "rb28s", "2022-Q4", &[]);
    let came = receiver.taken(1);
    came[0].verify(&secret);
    let event = came[0].event();
    assert_eq!((&event["type"], &event["data"]["rows"]["changed"]), (&"notice.created".into(), &1.into()));
    assert!(!came[0].body.contains("17901"), "no value of a row");
    // Where nothing may be sent to is refused with its fault.
    for (url, fault) in [
        ("http://odbiorca.example/", "https://"),
        ("https://10.1.2.3/hub", "no public address"),
        ("https://169.254.169.254/latest/meta-data", "no public address"),
        ("https://u:p@odbiorca.example/", "password"),
    ] {
        server.hub("ministry", &["subscriptions", "add", url]).expect(1).says("WEBHOOK_REFUSED").says(fault);
    }
    // The HTTP door has the same; the same request gives the same subscription, another one is another.
    let key = server.key("ministry");
    let ask = |body: &str| keyed(server.http, &key, ("POST", "/api/v1/subscriptions"), &[], body.as_bytes());
    let id = "0192aaaa-0000-7000-8000-000000000001";
    let body = format!(r#"{{"request_id":"{id}","url":"{}","kinds":["CHANGES"]}}"#, receiver.url());
    let made = value(&ask(&body));
    assert_eq!((&made["subscription"]["id"], made == value(&ask(&body))), (&id.into(), true));
    assert_eq!(ask(&body.replace("CHANGES", "NOTICES")).status, 409);
    let gone = keyed(server.http, &key, ("DELETE", &format!("/api/v1/subscriptions/{id}")), &[], b"");
    assert_eq!(gone.status, 204);
}
