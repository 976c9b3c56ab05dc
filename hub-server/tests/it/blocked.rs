//! Where a proxy lets only HTTP/1.1 through, `hub` finds it out and goes by the hub's HTTP door.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Line, Output, PERIOD, Rules, Server, invalid_samples, kutno_sample, synthetic};

/// A profile whose two addresses lead to a line.
fn profile(server: &Server, name: &str, line: &Line, http: Option<&Line>) {
    let http = http.map(|http| format!("http_endpoint = \"http://{}\"\n", http.address)).unwrap_or_default();
    let text =
        format!("endpoint = \"http://{}\"\n{http}token = \"{}\"\n", line.address, server.key("publisher"));
    std::fs::write(server.root().join(format!("dev/{name}.toml")), text).expect("a profile");
}

fn push(server: &Server, name: &str, file: &std::path::Path, more: &[&str]) -> Output {
    server.push(name, file, "rb28s", PERIOD, more)
}

#[test]
fn a_push_goes_by_the_http_door() {
    let server = Server::start();
    let line = Line::of_http1(server.http, u64::MAX);
    profile(&server, "blocked", &line, Some(&line));
    let began = Instant::now();
    let dry = push(&server, "blocked", &kutno_sample(), &["--dry-run"]).expect(0).says("HTTP/2 is blocked");
    assert_eq!(dry.json()["report"]["rows_read"], 293);
    assert!(began.elapsed() < Duration::from_secs(8), "waiting would not have helped");
    let receipt = server.file("upo.json", b"");
    let receipt = receipt.to_str().expect("a path");
    let over_https: Value =
        push(&server, "blocked", &kutno_sample(), &["--receipt", receipt]).expect(0).json();
    assert_eq!(over_https["submission"]["state"], "COMMITTED");
    let by_grpc = push(&server, "publisher", &kutno_sample(), &[]).expect(0).json();
    assert_eq!(by_grpc["unchanged"], true, "the same bytes by the other door");
    assert_eq!(by_grpc["report"], over_https["report"]);
    assert_eq!(by_grpc["receipt"], over_https["receipt"]);
    let refused = push(&server, "blocked", &invalid_samples("rb28s")[0], &[]).expect(3).json();
    assert_eq!(refused["submission"]["state"], "REFUSED");
    let id = over_https["submission"]["submission"].as_str().expect("an id");
    server.hub("blocked", &["submissions", "show", id]).expect(0);
    server.hub("blocked", &["submissions", "report", id]).expect(0);
    server.hub("blocked", &["submissions", "receipt", id]).expect(0);
    let rows = server.hub("blocked", &["--format", "csv", "submissions", "diff", id]).expect(0).stdout;
    assert!(rows.lines().count() > 100 && rows.starts_with("_change_type,"), "{rows}");
    let withdraw = ["submissions", "withdraw", id, "--confirm-deletions"];
    server.hub("blocked", &withdraw).expect(0).says("withdrawn; revision 2");
    server.hub("blocked", &["submissions", "revert", id]).expect(0).says("accepted, revision 3");
    let listed = server.hub("blocked", &["--format", "json", "submissions", "list"]).expect(0);
    assert!(listed.stdout.contains(id), "{}", listed.stdout);
}

#[test]
fn what_there_is_is_the_same_by_the_http_door() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let line = Line::of_http1(server.http, u64::MAX);
    let address = line.address;
    for (blocked, key) in [("blocked", "publisher"), ("blocked_ministry", "ministry")] {
        let key = server.key(key);
        let text = format!(
            "endpoint = \"http://{address}\"\nhttp_endpoint = \"http://{address}\"\ntoken = \"{key}\"\n"
        );
        std::fs::write(server.root().join(format!("dev/{blocked}.toml")), text).expect("a profile");
    }
    let asked: [&[&str]; 9] = [
        &["patterns", "list"],
        &["patterns", "show", "rb28s"],
        &["patterns", "show", "nic/../rb28s ?"],
        &["datasets", "list"],
        &["datasets", "show", "rb28s"],
        &["datasets", "show", "nic"],
        &["organisations", "list"],
        &["organisations", "list", "--filter", "kut"],
        &["organisations", "show", "gmina-100201"],
    ];
    for (grpc, https) in [("publisher", "blocked"), ("ministry", "blocked_ministry")] {
        for args in asked {
            let args = [&["--format", "json"], args].concat();
            let (grpc, https) = (server.hub(grpc, &args), server.hub(https, &args));
            assert_eq!((&https.stdout, https.code), (&grpc.stdout, grpc.code), "{args:?}: {}", https.stderr);
            assert!(grpc.code == 0 || https.stderr.contains(grpc.stderr.trim()), "{}", https.stderr);
        }
    }
}

#[test]
fn a_dry_run_shows_what_it_would_change_by_the_http_door() {
    let server = Server::start();
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    let text = std::fs::read_to_string(kutno_sample()).expect("a sample");
    let changed =
        server.file("changed.csv", text.lines().take(290).collect::<Vec<_>>().join("\n").as_bytes());
    let line = Line::of_http1(server.http, u64::MAX);
    profile(&server, "blocked", &line, Some(&line));
    let file = changed.to_str().expect("a path");
    let command =
        ["--format", "csv", "push", file, "--pattern", "rb28s", "--period", PERIOD, "--dry-run", "--diff"];
    let asked = |profile: &str| server.hub(profile, &command);
    let (grpc, https) = (asked("publisher"), asked("blocked"));
    let rows = |stdout: &str| -> Vec<String> {
        let kinds = ["_change_type,", "insert,", "delete,", "update_"];
        let is_row = |line: &&str| kinds.iter().any(|kind| line.starts_with(kind));
        stdout.lines().filter(is_row).map(str::to_owned).collect()
    };
    assert_eq!((rows(&https.stdout), https.code), (rows(&grpc.stdout), grpc.code), "{}", https.stderr);
    assert!(rows(&grpc.stdout).iter().any(|row| row.starts_with("delete,")), "{}", grpc.stdout);
    let listed = server.hub("publisher", &["--format", "json", "submissions", "list"]).expect(0).stdout;
    assert_eq!(listed.lines().count(), 1, "nothing is kept of it: {listed}");
}

#[test]
fn pulls_and_queries_are_what_they_are_over_grpc() {
    let server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 60_000, 5);
    push(&server, "publisher", &server.file("rows.csv", &data), &[]).expect(0);
    let line = Line::of_http1(server.http, u64::MAX);
    let text = |key: &str| {
        let (grpc, http, key) = (line.address, line.address, server.key(key));
        format!("endpoint = \"http://{grpc}\"\nhttp_endpoint = \"http://{http}\"\ntoken = \"{key}\"\n")
    };
    std::fs::write(server.root().join("dev/blocked.toml"), text("ministry")).expect("a profile");
    for extension in ["csv", "ndjson", "arrow", "parquet"] {
        let pulled = |profile: &str| {
            let file = server.file(&format!("{profile}.{extension}"), b"");
            let path = file.to_str().expect("a path");
            let args = [
                "--format",
                "json",
                "pull",
                "rb28s",
                "--columns",
                "dzial,plan",
                "--where",
                "dzial <> '801'",
                "--out",
                path,
            ];
            let told = server.hub(profile, &args).expect(0);
            (told.json(), told.stderr, std::fs::read(&file).expect("the rows"))
        };
        let ((grpc, grpc_said, grpc_rows), (https, https_said, https_rows)) =
            (pulled("ministry"), pulled("blocked"));
        assert!(https_rows == grpc_rows, "{extension}");
        for member in ["rows", "bytes", "columns", "version"] {
            assert_eq!(https[member], grpc[member], "{extension}: {member}");
        }
        let stands_on = |said: &str| {
            said.lines().filter(|line| line.contains("rb28s")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(stands_on(&https_said), stands_on(&grpc_said));
        assert!(https_said.contains("HTTP/2 is blocked"), "{https_said}");
    }
    let sql = "SELECT dzial, sum(plan) AS plan FROM rb28s GROUP BY dzial ORDER BY dzial";
    for format in ["csv", "json", "table"] {
        let asked = |profile: &str| server.hub(profile, &["--format", format, "query", sql]).expect(0);
        assert_eq!(asked("blocked").stdout, asked("ministry").stdout, "{format}");
    }
    // Refusals and exit codes are the same.
    for (args, code) in [(["query", "SELECT nothing FROM rb28s"], 1), (["query", "DROP TABLE rb28s"], 1)] {
        let (grpc, https) =
            (server.hub("ministry", &args).expect(code), server.hub("blocked", &args).expect(code));
        assert!(https.stderr.contains(grpc.stderr.trim()), "{} / {}", https.stderr, grpc.stderr);
    }
}

#[test]
fn a_pull_that_is_cut_begins_anew() {
    let server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 60_000, 5);
    push(&server, "publisher", &server.file("rows.csv", &data), &[]).expect(0);
    let rules = Rules { only_http1: true, back_after: 200_000, cuts: 1, ..Rules::GOOD };
    let line = Line::start(server.http, rules);
    let (address, key) = (line.address, server.key("ministry"));
    let text =
        format!("endpoint = \"http://{address}\"\nhttp_endpoint = \"http://{address}\"\ntoken = \"{key}\"\n");
    std::fs::write(server.root().join("dev/blocked.toml"), text).expect("a profile");
    for extension in ["csv", "arrow"] {
        let file = server.file(&format!("cut.{extension}"), b"");
        let path = file.to_str().expect("a path");
        let told =
            server.hub("blocked", &["--format", "json", "pull", "rb28s", "--out", path]).expect(0).json();
        assert_eq!(told["rows"], 60_000);
    }
    assert!(line.was_cut());
}

#[test]
fn a_long_push_goes_on_after_a_cut() {
    let server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 220_000, 11);
    assert!(data.len() > 9 << 20);
    let file = server.file("long.csv", &data);
    let line = Line::of_http1(server.http, 6 << 20);
    profile(&server, "blocked", &line, Some(&line));
    let verdict = push(&server, "blocked", &file, &[]).expect(0).json();
    assert_eq!(verdict["submission"]["rows"], 220_000);
    assert!(line.was_cut() && line.passed() < data.len() as u64 + (5 << 20), "{}", line.passed());
}

#[test]
fn bytes_come_back_by_the_http_door_and_go_on_after_a_cut() {
    let server = Server::start();
    let data = synthetic("rb28s", "100201", PERIOD, 60_000, 5);
    let sent = push(&server, "publisher", &server.file("rows.csv", &data), &[]).expect(0).json();
    let id = sent["submission"]["submission"].as_str().expect("an id").to_owned();
    let line =
        Line::start(server.http, Rules { only_http1: true, back_after: 1_000_000, cuts: 1, ..Rules::GOOD });
    profile(&server, "blocked", &line, Some(&line));
    let file = server.file("back.csv", b"");
    let path = file.to_str().expect("a path");
    server
        .hub("blocked", &["submissions", "payload", &id, "--out", path])
        .expect(0)
        .says("HTTP/2 is blocked");
    assert!(std::fs::read(&file).expect("the bytes") == data);
    assert!(line.was_cut());
    // It is its publisher's alone.
    let of_nobody = ["submissions", "payload", "0192f0c4-0000-7000-8000-000000000001", "--out", path];
    server.hub("blocked", &of_nobody).expect(1).says("SUBMISSION_UNKNOWN");
}

#[test]
fn without_an_http_door_the_reason_is_told() {
    let server = Server::start();
    let line = Line::of_http1(server.http, u64::MAX);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nowhere = closed.local_addr().expect("an address");
    drop(closed);
    let text = format!(
        "endpoint = \"http://{}\"\nhttp_endpoint = \"http://{nowhere}\"\ntoken = \"{}\"\n",
        line.address,
        server.key("publisher")
    );
    std::fs::write(server.root().join("dev/blocked.toml"), text).expect("a profile");
    let file = kutno_sample();
    let file = file.to_str().expect("a path");
    let args = ["--retry-for", "1", "push", file, "--pattern", "rb28s", "--period", PERIOD];
    server.hub("blocked", &args).expect(4).says(&nowhere.to_string());
}

/// A push past whoever is at the port of gRPC instead of the hub, and does not let anything through to it.
fn pushes_by_https(at: std::net::SocketAddr) -> Server {
    let server = Server::start();
    let text = format!(
        "endpoint = \"http://{at}\"\nhttp_endpoint = \"http://{}\"\ntoken = \"{}\"\n",
        server.http,
        server.key("publisher")
    );
    std::fs::write(server.root().join("dev/blocked.toml"), text).expect("a profile");
    push(&server, "blocked", &kutno_sample(), &[]).expect(0).says("HTTP/2 is blocked");
    server
}

/// The same, and what is asked then.
fn goes_by_https(at: std::net::SocketAddr) {
    let server = pushes_by_https(at);
    let count =
        server.hub("blocked", &["--format", "csv", "query", "SELECT count(*) AS n FROM rb28s"]).expect(0);
    assert_eq!(count.stdout, "n\n293\n");
    server.hub("blocked", &["doctor"]).expect(4).says("work all the same");
}

#[test]
fn a_port_that_is_shut_is_gone_around() {
    let shut = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = shut.local_addr().expect("an address");
    drop(shut);
    goes_by_https(address);
}

#[test]
fn a_port_where_somebody_hangs_up_is_gone_around() {
    let rude = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = rude.local_addr().expect("an address");
    std::thread::spawn(move || rude.incoming().for_each(drop));
    goes_by_https(address);
}

#[test]
fn a_port_where_nobody_says_a_word_is_gone_around() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = mute.local_addr().expect("an address");
    std::thread::spawn(move || mute.incoming().collect::<Vec<_>>());
    // Once is enough: it takes half a minute until a silent connection is taken for dead.
    pushes_by_https(address);
}

#[test]
fn a_check_that_takes_longer_than_a_proxy_waits_is_waited_for() {
    let server = Server::start();
    // Shorter than what is checked while it comes.
    let data = synthetic("rb28s", "100201", PERIOD, 55_000, 5);
    assert!((3 << 20..4 << 20).contains(&data.len()), "{}", data.len());
    let file = server.file("long.csv", &data);
    let within = Some(Duration::from_millis(200));
    let line = Line::start(server.http, Rules { only_http1: true, commit_within: within, ..Rules::GOOD });
    profile(&server, "blocked", &line, Some(&line));
    let file = file.to_str().expect("a path");
    let command =
        ["--format", "json", "--retry-for", "5", "push", file, "--pattern", "rb28s", "--period", PERIOD];
    let dry = server.hub("blocked", &[&command[..], &["--dry-run"]].concat()).expect(0).json();
    assert_eq!(dry["report"]["rows_read"], 55_000);
    let asked = line.commits();
    assert!(asked > 1, "the first one was cut");
    let verdict = server.hub("blocked", &command).expect(0).json();
    assert_eq!(
        (&verdict["submission"]["state"], &verdict["submission"]["rows"]),
        (&"COMMITTED".into(), &55_000.into())
    );
    assert!(line.commits() > asked + 1, "the first one was cut");
    assert_eq!(server.rows("ministry", "SELECT count(*) FROM rb28s"), ["55000"]);
}

#[test]
fn an_address_that_is_none_is_told_before_it_is_needed() {
    let server = Server::start();
    for (address, said) in [("http://hub.example:8080", "http://hub.example:8080"), ("8080", "8080")] {
        let text = format!(
            "endpoint = \"http://{}\"\nhttp_endpoint = \"{address}\"\ntoken = \"{}\"\n",
            server.grpc,
            server.key("publisher")
        );
        std::fs::write(server.root().join("dev/wrong.toml"), text).expect("a profile");
        for command in [&["submissions", "list"][..], &["doctor"]] {
            server.hub("wrong", command).expect(2).says(said);
        }
    }
}
