//! The commit with its catalogue: opened, used, closed and opened again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use hub_proto::Reason;
use serde_json::Value;

use super::harness::{Push, TestClock, TestIds, push, shape};
use crate::catalog::{Catalog, SubmissionFilter, SubmissionRecord};
use crate::commit::dataset::{Parts, Shape};
use crate::commit::{CommitJob, Commits};
use crate::config::history::History;
use crate::store::Store;
use crate::store::disk::sim::SimDisk;
use crate::store::table::{LogLimits, TableSpec};

fn other_shape() -> Shape {
    let table = TableSpec { dataset: "rb27s".into(), name: "rb27s_v1".into(), ..shape(true).table };
    Shape { pattern: "rb27s".into(), table, ..shape(true) }
}

async fn open(disk: &SimDisk, catalog: &Arc<Catalog>) -> Arc<Commits> {
    let store = Store::open(Arc::new(disk.clone()), PathBuf::from("/hub")).await.unwrap();
    let clock = Arc::new(TestClock(AtomicI64::new(4_000_000_000_000_000)));
    let maintenance = Arc::new(tokio::sync::Semaphore::new(1));
    let parts = Parts {
        store,
        catalog: Arc::clone(catalog),
        clock,
        ids: Arc::new(TestIds),
        maintenance,
        log: LogLimits::default(),
        // Only who asks closes a version.
        open_version: std::time::Duration::from_secs(600),
        history: History::default(),
    };
    Commits::open_as(parts, [shape(true), other_shape()]).await.unwrap()
}

async fn catalog(folder: &tempfile::TempDir, name: &str) -> Arc<Catalog> {
    Arc::new(Catalog::open(&folder.path().join(name)).await.unwrap())
}

/// All records of the publishers of these tests, newest first.
async fn records(catalog: &Catalog) -> Vec<SubmissionRecord> {
    let mut records = Vec::new();
    for publisher in ["a", "b"] {
        let filter =
            SubmissionFilter { publisher: publisher.into(), limit: 100, ..SubmissionFilter::default() };
        for listed in catalog.submissions(&filter).await.unwrap() {
            records.push(catalog.submission(&listed.id).await.unwrap().unwrap());
        }
    }
    records.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    records
}

fn job(commits: &Commits, push: &Push) -> CommitJob {
    push.job(&commits.dataset("rb28s").unwrap().context().files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawal_leaves_what_others_sent_and_the_projection_is_made_again_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, first) = (SimDisk::new(), catalog(&folder, "first").await);
    let commits = open(&disk, &first).await;
    for push in [push(1, "a", &[("u1", 2), ("u2", 1)]), push(2, "a", &[("u2", 3)])] {
        commits.commit("rb28s", job(&commits, &push)).await.unwrap();
    }
    let withdraw = |seq, id: &str| Push { withdraws: Some(id.into()), confirm: true, ..push(seq, "a", &[]) };
    let done = commits.commit("rb28s", job(&commits, &withdraw(3, "s1"))).await.unwrap();
    assert_eq!(
        (done.revision, done.rows, done.dropped, done.carried),
        (3, 0, vec!["u1".into()], vec!["u2".into()])
    );
    let receipt: Value = serde_json::from_str(&done.receipt).unwrap();
    assert_eq!(receipt["withdraws"], "s1");
    // Nothing of s1 is left; the same request again is the same deed.
    let again = commits.commit("rb28s", job(&commits, &withdraw(4, "s1"))).await.unwrap_err();
    assert_eq!(again.reason(), Reason::StateConflict);
    let repeated = Push { request_id: "r3".into(), content: 3, ..withdraw(5, "s1") };
    assert_eq!(commits.commit("rb28s", job(&commits, &repeated)).await.unwrap().id, "s3");
    let other = Push { request_id: "r3".into(), content: 3, ..withdraw(5, "s2") };
    assert_eq!(
        commits.commit("rb28s", job(&commits, &other)).await.unwrap_err().reason(),
        Reason::RequestIdReused
    );
    commits.commit("rb28s", job(&commits, &push(6, "a", &[("u2", 3)]))).await.unwrap();
    commits.caught_up().await;
    let shown = records(&first).await;
    let states: Vec<_> = shown.iter().rev().map(|r| (r.id.as_str(), r.state.as_str())).collect();
    let expected = [("s1", "WITHDRAWN"), ("s2", "SUPERSEDED"), ("s3", "SUPERSEDED"), ("s6", "COMMITTED")];
    assert_eq!(states, expected);
    assert_eq!(shown[1].withdraws.as_deref(), Some("s1"));
    commits.close().await;
    drop(commits);
    let second = catalog(&folder, "second").await;
    let commits = open(&disk.killed(), &second).await;
    assert_eq!(records(&second).await, shown, "the projection from scratch is the incremental one");
    commits.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_follows_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, first) = (SimDisk::new(), catalog(&folder, "first").await);
    let commits = open(&disk, &first).await;
    let seqs = [commits.reserve_seq("rb28s"), commits.reserve_seq("rb28s_v1"), commits.reserve_seq("rb28s")];
    assert_eq!(seqs, [1, 2, 3]);
    for push in [
        push(1, "a", &[("u1", 2), ("u2", 1)]),
        push(2, "a", &[("u1", 1), ("u2", 1)]),
        push(3, "b", &[("u1", 1)]),
    ] {
        commits.commit("rb28s", job(&commits, &push)).await.unwrap();
    }
    commits.caught_up().await;
    let shown = records(&first).await;
    let states: Vec<_> = shown.iter().rev().map(|r| (r.id.as_str(), r.state.as_str(), r.revision)).collect();
    assert_eq!(states, [("s1", "SUPERSEDED", 1), ("s2", "COMMITTED", 2), ("s3", "COMMITTED", 1)]);
    let current = commits.current("rb28s", "a", "2022-12-31").unwrap();
    assert_eq!((current.revision, current.slices["u1"].submission.as_str()), (2, "s2"));
    commits.close().await;
    let closed = commits.commit("rb28s", job(&commits, &push(4, "b", &[("u1", 3)]))).await.unwrap_err();
    assert_eq!(closed.reason(), Reason::Unavailable);
    drop(commits);

    let second = catalog(&folder, "second").await;
    let commits = open(&disk.killed(), &second).await;
    assert_eq!(records(&second).await, shown, "the projection from scratch is the incremental one");
    assert!(commits.reserve_seq("rb28s") > 3, "no seq is given twice");
    commits.close().await;
    drop(commits);

    let commits = open(&disk.killed(), &first).await;
    assert_eq!(records(&first).await, shown, "what was applied is not applied again");
    commits.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_shows_what_was_acknowledged_ahead_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, catalog) = (SimDisk::new(), catalog(&folder, "catalogue").await);
    let commits = open(&disk, &catalog).await;
    let pushes = [push(7, "a", &[("u1", 2), ("u2", 1)]), push(8, "b", &[("u1", 1)])];
    for push in &pushes {
        commits.commit("rb28s", job(&commits, push)).await.unwrap();
    }
    assert_eq!(records(&catalog).await, [], "nobody has asked yet");
    let commits = open(&disk.killed(), &catalog).await;
    let shown: Vec<String> = records(&catalog).await.into_iter().map(|record| record.id).collect();
    assert_eq!(shown, ["s8", "s7"]);
    assert_eq!(commits.reserve_seq("rb28s"), 9, "what it took up counts too");
    commits.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_read_back_by_id_and_by_request() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, catalog) = (SimDisk::new(), catalog(&folder, "catalogue").await);
    let commits = open(&disk, &catalog).await;
    let first = push(1, "a", &[("u1", 2)]);
    let committed = commits.commit("rb28s", job(&commits, &first)).await.unwrap();
    assert_eq!(commits.by_id("s1").as_ref(), Some(&committed));
    assert_eq!(commits.by_request("a", "r1").as_ref(), Some(&committed));
    assert_eq!((commits.by_id("s2"), commits.by_request("b", "r1")), (None, None));
    commits.caught_up().await;
    assert_eq!(catalog.submission("s1").await.unwrap().unwrap().receipt, committed.receipt);

    let again = Push { id: "s2".into(), seq: 2, content: 1, request_id: "r2".into(), ..first.clone() };
    let unchanged = commits.commit("rb28s", job(&commits, &again)).await.unwrap();
    assert!(unchanged.unchanged);
    assert_eq!((unchanged.id.as_str(), &unchanged.receipt), ("s1", &committed.receipt));

    // The same request id under another pattern is another content.
    let elsewhere = CommitJob { pattern: "rb27s/1.0.0".into(), ..job(&commits, &Push { seq: 9, ..first }) };
    let reused = commits.commit("rb27s", elsewhere).await.unwrap_err();
    assert_eq!(reused.reason(), Reason::RequestIdReused);
    let unknown = commits.commit("rb34s", job(&commits, &again)).await.unwrap_err();
    assert_eq!(unknown.reason(), Reason::DatasetUnknown);
    commits.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_says_what_was_committed_in_canonical_form() {
    let folder = tempfile::tempdir().unwrap();
    let commits = open(&SimDisk::new(), &catalog(&folder, "catalogue").await).await;
    let report = r#"{"pattern":"rb28s/1.0.0","bundle_sha256":"","rows_read":2,"rows_refused":0,
        "rows_set_aside":0,"counts":[{"code":"FLOAT_NOISE","severity":"warn","count":3}],
        "violations":[],"not_evaluated":[]}"#;
    let job = CommitJob { report: report.into(), ..job(&commits, &push(1, "a", &[("u1", 2)])) };
    let committed = commits.commit("rb28s", job).await.unwrap();
    let receipt: Value = serde_json::from_str(&committed.receipt).unwrap();
    let hub = receipt["hub"].as_str().unwrap();
    assert_eq!(hub.len(), 16);
    let expected = format!(
        "{{\"bundle_sha256\":\"{}\",\"carried\":[],\"committed_at\":\"2096-10-02T07:06:40.000000Z\",\
         \"counts\":{{\"warn\":3}},\"dataset\":\"rb28s_v1\",\"dataset_version\":1,\"dropped\":[],\"hub\":\"{hub}\",\
         \"key_id\":\"\",\"media_type\":\"text/csv\",\"nothing_to_report\":false,\"parent\":null,\
         \"pattern\":\"rb28s/1.0.0\",\"period\":\"2022-Q4\",\"publisher\":\"a\",\"publisher_name\":\"Gmina a\",\"report_sha256\":\"{}\",\
         \"revision\":1,\"rows\":2,\"sha256\":\"{:064x}\",\"signature\":\"\",\"size\":100,\"slices\":1,\
         \"submission\":\"s1\",\"verdict\":\"accepted-with-warnings\"}}",
        "b".repeat(64),
        crate::commit::receipt::sha256_hex(report.as_bytes()),
        1
    );
    assert_eq!(committed.receipt, expected);
    commits.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_do_not_fit_the_table_are_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let commits = open(&SimDisk::new(), &catalog(&folder, "catalogue").await).await;
    let good = job(&commits, &push(1, "a", &[("u1", 2)]));
    let miscounted = CommitJob { rows: 3, ..job(&commits, &push(2, "b", &[("u1", 2)])) };
    let error = commits.commit("rb28s", miscounted).await.unwrap_err();
    assert!(error.to_string().contains("2 rows instead of 3"), "{error}");
    commits.commit("rb28s", good).await.unwrap();
    commits.close().await;
}

/// The first byte of the newest log version of a table's that is a digit of its SHA-256.
const IN_THE_SUM: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_table_stays_closed_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, catalog) = (SimDisk::new(), catalog(&folder, "catalogue").await);
    let commits = open(&disk, &catalog).await;
    commits.commit("rb28s", job(&commits, &push(1, "a", &[("u1", 2)]))).await.unwrap();
    commits.close().await;
    drop(commits);
    // A start takes the journal in, which would repair what is broken below.
    let disk = disk.killed();
    open(&disk, &catalog).await.close().await;
    let disk = disk.killed();
    let log = PathBuf::from("/hub/tables/rb28s_v1/_delta_log/00000000000000000001.json");
    disk.flip(&log, IN_THE_SUM);

    let commits = open(&disk, &catalog).await;
    let damage = commits.whole("rb28s").unwrap_err();
    assert_eq!(damage.reason(), Reason::StorageCorrupt);
    let said = damage.to_string();
    assert!(said.contains("rb28s_v1 is damaged") && said.contains("00000000000000000001.json"), "{said}");
    assert!(commits.table("rb28s").is_none() && commits.whole("rb28s_v1").is_err());
    assert!(commits.whole("rb27s").is_ok() && commits.whole("none").is_ok());
    let elsewhere = |seq| {
        let of = commits.dataset("rb27s").unwrap();
        CommitJob { pattern: "rb27s/1.0.0".into(), ..push(seq, "a", &[("u1", 1)]).job(&of.context().files) }
    };
    let refused = commits.commit("rb28s", elsewhere(2)).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::StorageCorrupt);
    let foreseen = commits.foresee("rb28s", elsewhere(2)).await.unwrap_err();
    assert_eq!(foreseen.reason(), Reason::StorageCorrupt);
    assert_eq!(commits.commit("rb27s", elsewhere(3)).await.unwrap().revision, 1);
    commits.caught_up().await;
    assert_eq!(records(&catalog).await.len(), 2, "what was committed is still shown");
    commits.close().await;
    drop(commits);

    let disk = disk.killed();
    disk.flip(&log, IN_THE_SUM);
    let commits = open(&disk, &catalog).await;
    assert_eq!(commits.current("rb28s", "a", "2022-12-31").unwrap().revision, 1);
    commits.close().await;
}
