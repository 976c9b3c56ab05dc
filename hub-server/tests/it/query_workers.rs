//! Statements that bring down who runs them: they cost a query worker, and the hub goes on.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hub_proto::v1::read_service_client::ReadServiceClient;
use hub_proto::v1::{QueryRowsRequest, QueryRowsResponse, RowFormat};
use hub_proto::{Reason, reason_of};
use tonic::transport::Endpoint;
use tonic::{Request, Status, Streaming};

use crate::harness::{PERIOD, Server, children, kutno_sample, run, wait_for};
use crate::memory::peak;

/// Longer than all that these tests wait for takes.
const LONG: Duration = Duration::from_secs(60);
/// What a hostile statement may add to the memory of the hub itself.
const GROWTH_MAX: u64 = 48 << 20;
/// A statement that would run for days.
const ENDLESS: &str =
    "SELECT sum(length(a.nazwa || b.nazwa || c.nazwa)) FROM terc a CROSS JOIN terc b CROSS JOIN terc c";
/// Rows without end.
const BOUNDLESS: &str = "SELECT a.nazwa, b.nazwa AS druga FROM terc a CROSS JOIN terc b";
/// Rows of which a window holds more than a worker may, and which nobody counts.
const GREEDY: &str = "SELECT max(t), max(n) FROM (SELECT a.nazwa || b.nazwa AS t, count(*) OVER () AS n \
                      FROM terc a CROSS JOIN terc b)";
const COUNT: &str = "SELECT count(*) FROM rb28s";

fn query_workers(server: &Server) -> Vec<u32> {
    children(server.pid(), "query-worker")
}

/// The one worker of a server that ran one statement at a time.
fn worker(server: &Server) -> u32 {
    let found = query_workers(server);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn kill(pid: u32) {
    run(Command::new("kill").args(["-KILL", &pid.to_string()])).expect(0);
}

/// Processor time of a process in ticks.
fn ticks(pid: u32) -> u64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0 };
    let fields = text.rsplit_once(')').expect("a name in parentheses").1;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields[11].parse::<u64>().expect("user ticks") + fields[12].parse::<u64>().expect("system ticks")
}

/// Waits until a process works.
fn wait_for_work(pid: u32) {
    let before = ticks(pid);
    wait_for(LONG, || (ticks(pid) > before + 10).then_some(())).expect("the worker works on the statement");
}

fn is_gone(pid: u32) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    // One that nobody waits for any more is gone as well.
    stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
}

/// Calls the contract itself, without the patience of a client.
async fn ask(server: &Server, sql: &str) -> Result<Streaming<QueryRowsResponse>, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc)).expect("an address");
    let bearer = format!("Bearer {}", server.key("ministry"));
    let channel = endpoint.connect().await.expect("the gRPC listener");
    let mut calls = ReadServiceClient::with_interceptor(channel, move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", bearer.parse().expect("a key"));
        Ok(request)
    });
    let request =
        QueryRowsRequest { sql: sql.to_owned(), format: RowFormat::Csv.into(), ..Default::default() };
    Ok(calls.query_rows(request).await?.into_inner())
}

/// All bytes of an answer.
async fn answer(server: &Server, sql: &str) -> Result<Vec<u8>, Status> {
    let mut rows = ask(server, sql).await?;
    let mut all = Vec::new();
    while let Some(message) = rows.message().await? {
        all.extend_from_slice(&message.data);
    }
    Ok(all)
}

#[track_caller]
fn assert_refused(answer: Result<Vec<u8>, Status>, reason: Reason) {
    let Err(status) = answer else { panic!("answered, {reason} was expected") };
    assert_eq!(reason_of(&status), Some(reason), "{status:?}");
    assert!(!status.message().is_empty());
}

fn pushed(server: &Server) {
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_costs_its_statement_and_no_other() {
    let server = Server::start();
    let first = worker(&server);
    let asked = answer(&server, ENDLESS);
    let disturbed = async {
        tokio::task::spawn_blocking(move || wait_for_work(first)).await.expect("no panic");
        pushed(&server);
        kill(first);
    };
    let (answered, ()) = tokio::join!(asked, disturbed);
    assert_refused(answered, Reason::Unavailable);
    assert!(server.log().contains("a query worker ended in the middle of a statement"), "{}", server.log());
    let rows = answer(&server, COUNT).await.expect("the next statement");
    assert!(!rows.is_empty());
    assert_ne!(worker(&server), first);
    // The client itself comes again by itself.
    assert!(server.cell("ministry", COUNT).parse::<u64>().expect("a number") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_outgrows_its_process_is_refused() {
    let server = Server::start();
    pushed(&server);
    answer(&server, COUNT).await.expect("an answer");
    let (first, before) = (worker(&server), peak(&server));
    assert_refused(answer(&server, GREEDY).await, Reason::QueryLimit);
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < GROWTH_MAX, "the hub itself grew by {grown} bytes");
    // Of a text that nobody has asked: answers that are kept ask no worker.
    answer(&server, &format!("{COUNT} AS n")).await.expect("the next statement");
    assert_ne!(worker(&server), first);
    pushed(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_overflows_is_the_statements_own() {
    // Each worker falls at its second statement.
    let server = Server::start_with(&[("HUB_FAULT", "statement.plan:2:overflow")]);
    // Answers that are kept ask no worker.
    for sql in ["SELECT 1", "SELECT 2"] {
        answer(&server, sql).await.expect("an answer");
        assert_refused(answer(&server, &format!("{sql} AS n")).await, Reason::QueryLimit);
    }
    pushed(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_fault_of_the_hub_and_ends_nothing() {
    let server = Server::start_with(&[("HUB_FAULT", "statement.plan:2:panic")]);
    let first = worker(&server);
    answer(&server, "SELECT 1").await.expect("an answer");
    assert_refused(answer(&server, "SELECT 2").await, Reason::Internal);
    answer(&server, "SELECT 3").await.expect("an answer");
    assert_eq!(worker(&server), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_does_not_end_loses_its_worker() {
    let variables = [("HUB_FAULT", "statement.batch:2:stall"), ("HUB_LIMITS_QUERY_DEADLINE_SECONDS", "8")];
    let server = Server::start_with(&variables);
    let first = worker(&server);
    answer(&server, "SELECT 1").await.expect("an answer");
    assert_refused(answer(&server, "SELECT 2").await, Reason::QueryLimit);
    wait_for(LONG, || is_gone(first)).expect("the worker that stalls is ended");
    wait_for(LONG, || (query_workers(&server).len() == 1).then_some(())).expect("another is started");
    answer(&server, "SELECT 3").await.expect("an answer");
    assert!(server.log().contains("a query worker is ended"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stops_reading_holds_up_nobody() {
    let server = Server::start();
    pushed(&server);
    answer(&server, COUNT).await.expect("an answer");
    let before = peak(&server);
    let mut held = ask(&server, BOUNDLESS).await.expect("rows");
    held.message().await.expect("rows").expect("a first message");
    let of_held = query_workers(&server);
    pushed(&server);
    answer(&server, "SELECT sum(plan) FROM rb28s").await.expect("an answer beside it");
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < GROWTH_MAX, "the hub itself grew by {grown} bytes");
    drop(held);
    // Its worker ends the statement, and is still there for others.
    let rests = || {
        let before: Vec<u64> = of_held.iter().map(|pid| ticks(*pid)).collect();
        std::thread::yield_now();
        let after: Vec<u64> = of_held.iter().map(|pid| ticks(*pid)).collect();
        (before == after).then_some(())
    };
    wait_for(LONG, rests).expect("nobody works");
    assert!(of_held.iter().all(|pid| is_gone(*pid).is_none()));
}

/// A statement that runs, as a command of its own.
fn endless(server: &Server) -> Child {
    let mut command = server.hub_command("ministry", &["query", ENDLESS]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hub");
    wait_for_work(worker(server));
    child
}

#[test]
fn workers_end_with_the_hub_however_it_ends() {
    let mut server = Server::start();
    for ends in ["by a signal", "killed"] {
        let mut asking = endless(&server);
        let pid = worker(&server);
        match ends {
            // The statement is no reason to stay: the caller goes, and the hub closes.
            "by a signal" => {
                asking.kill().expect("a running command");
                assert!(server.stop().success());
            }
            _ => server.kill(),
        }
        wait_for(LONG, || is_gone(pid)).unwrap_or_else(|| panic!("{ends}: the worker {pid} stays"));
        let _ = asking.kill();
        let _ = asking.wait();
        if ends == "by a signal" {
            server.restart();
        }
    }
}

#[test]
fn query_workers_inherit_nothing_and_see_no_signal_of_the_hub() {
    let server = Server::start_with(&[("A_SECRET", "of the hub")]);
    let pid = worker(&server);
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).expect("its environment");
    assert!(!environment.contains("A_SECRET"), "{environment}");
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("its limits");
    let data = limits.lines().find(|line| line.starts_with("Max data size")).expect("a limit");
    assert!(!data.contains("unlimited"), "{data}");
    run(Command::new("kill").args(["-TERM", &pid.to_string()])).expect(0);
    server.cell("ministry", COUNT);
    assert_eq!(worker(&server), pid);
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("its files");
    let open: Vec<_> = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok()).collect();
    assert!(!open.iter().any(|path| path.starts_with(server.root())), "{open:?}");
}
