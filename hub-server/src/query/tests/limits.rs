use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryLimit;
use futures::StreamExt as _;

use super::fixture::{Fixture, row};
use crate::query::session::{Purpose, environment, session};
use crate::query::{QueryError, QueryLimits, Scan};
use hub_proto::Reason;

async fn filled(limits: QueryLimits) -> Fixture {
    let fixture = Fixture::with(limits).await;
    let rows = (0..200).map(|n| row("a", 1, &format!("{n}"), n)).collect();
    fixture.commit(&[rows]).await;
    fixture
}

/// A statement that would run for minutes.
const ENDLESS: &str = "SELECT sum(a.plan * b.plan) FROM proba a, proba b, proba c, proba d, proba e";

#[tokio::test]
async fn a_statement_ends_at_its_deadline() {
    let fixture =
        filled(QueryLimits { deadline: Duration::from_millis(300), ..QueryLimits::default() }).await;
    let error = fixture.sql(None, ENDLESS).await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryLimit);
    // A scan is planned by the hub and has no deadline.
    assert_eq!(fixture.scan(None, Scan::default()).await.unwrap().len(), 200);
}

#[tokio::test]
async fn an_answer_ends_at_its_row_cap() {
    let fixture = filled(QueryLimits { rows: 100, ..QueryLimits::default() }).await;
    let error = fixture.sql(None, "SELECT * FROM proba").await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryLimit);
    assert!(error.to_string().contains("100"), "{error}");
    assert_eq!(fixture.sql(None, "SELECT * FROM proba LIMIT 100").await.unwrap().len(), 100);
}

#[tokio::test]
async fn memory_that_runs_out_is_a_limit_and_not_a_fault() {
    let fixture =
        filled(QueryLimits { memory_bytes: 64 << 10, spill_bytes: 1, ..QueryLimits::default() }).await;
    let sql = "SELECT a.dzial, b.dzial, c.dzial FROM proba a, proba b, proba c ORDER BY 3, 2, 1";
    let error = fixture.sql(None, sql).await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryLimit, "{error}");
}

#[test]
fn wrapped_exhaustion_is_a_limit() {
    let root = || DataFusionError::ResourcesExhausted("no memory".to_owned());
    let forms = [
        root().context("sorting"),
        DataFusionError::Shared(Arc::new(root().context("in a task"))),
        DataFusionError::External(Box::new(root())),
        DataFusionError::External(Box::new(Arc::new(root()))),
        DataFusionError::Collection(vec![DataFusionError::Execution("other".to_owned()), root()]),
        DataFusionError::Shared(Arc::new(DataFusionError::Collection(vec![root()]))),
        DataFusionError::from(ArrowError::ExternalError(Box::new(root()))),
        DataFusionError::from(ArrowError::MemoryError("no memory".to_owned())),
        DataFusionError::IoError(std::io::ErrorKind::StorageFull.into()),
        DataFusionError::IoError(std::io::Error::other(root())),
    ];
    for form in forms {
        let text = form.to_string();
        assert_eq!(QueryError::from(form).reason(), Reason::QueryLimit, "{text}");
    }
    let other = DataFusionError::External(Box::new(DataFusionError::Execution("other".to_owned())));
    assert_eq!(QueryError::from(other).reason(), Reason::Internal);
}

#[tokio::test]
async fn statements_share_the_memory_in_equal_parts() {
    let limits = QueryLimits { memory_bytes: 4_000, slots: 4, ..QueryLimits::default() };
    let fixture = Fixture::new().await;
    let spill = fixture.folder.path().join("spill");
    let shared = environment(&fixture.store.objects(), &spill, &limits).unwrap();
    let task = session(&shared, Purpose::Statement).unwrap().task();
    let limit = task.runtime_env().memory_pool.memory_limit();
    assert!(matches!(limit, MemoryLimit::Finite(1_000)));
}

#[tokio::test]
async fn window_functions_need_a_small_table() {
    let fixture = filled(QueryLimits { window_rows: 100, ..QueryLimits::default() }).await;
    let error = fixture.sql(None, "SELECT row_number() OVER () FROM proba").await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryLimit);
}

#[tokio::test]
async fn rows_of_others_do_not_bring_the_limit_of_windows_nearer() {
    let fixture = Fixture::with(QueryLimits { window_rows: 100, ..QueryLimits::default() }).await;
    let rows = |publisher, seq, count: i128| (0..count).map(move |n| row(publisher, seq, "750", n));
    fixture.commit(&[rows("a", 1, 60).chain(rows("b", 2, 120)).collect()]).await;
    let sql = "SELECT count(*) FROM (SELECT row_number() OVER () FROM proba)";
    assert_eq!(fixture.sql(Some("a"), sql).await.unwrap(), ["60"]);
    assert_eq!(fixture.sql(Some("b"), sql).await.unwrap_err().reason(), Reason::QueryLimit);
}

#[tokio::test]
async fn dropping_the_answer_frees_its_place() {
    let limits = QueryLimits { slots: 1, deadline: Duration::from_secs(20), ..QueryLimits::default() };
    let fixture = filled(limits).await;
    let sql = "SELECT a.plan FROM proba a, proba b, proba c, proba d";
    let mut rows = fixture.rows(vec![fixture.view(None)], sql).await.unwrap();
    for _ in ["schema", "rows"] {
        assert!(rows.chunks.next().await.unwrap().is_ok());
    }
    drop(rows);
    // The one slot is free only once the endless work has stopped.
    assert_eq!(fixture.sql(None, "SELECT count(*) FROM proba").await.unwrap(), ["200"]);
}

#[tokio::test]
async fn a_statement_is_parsed_on_the_threads_of_the_engine() {
    let fixture = Fixture::with(QueryLimits { partitions: 1, ..QueryLimits::default() }).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    fixture.engine.handle().unwrap().spawn(async move { held.recv() });
    let mut asked = std::pin::pin!(fixture.engine.parse("SELECT 1 FROM proba, terc"));
    assert!(futures::poll!(asked.as_mut()).is_pending(), "the one thread of the engine is held");
    drop(release);
    assert_eq!(asked.await.unwrap().1, ["proba", "terc"]);
}

#[tokio::test]
async fn a_full_house_says_busy() {
    let limits = QueryLimits { slots: 0, deadline: Duration::from_millis(20), ..QueryLimits::default() };
    let fixture = filled(limits).await;
    assert_eq!(fixture.sql(None, "SELECT 1").await.unwrap_err().reason(), Reason::Busy);
}

/// One that takes the last place is worked on in one partition; its answer is the same.
#[tokio::test]
async fn a_statement_beside_many_has_the_same_answer() {
    let limits = QueryLimits { slots: 2, ..QueryLimits::default() };
    let fixture = filled(limits).await;
    let sql = "SELECT plan % 7 AS k, count(*), sum(plan) FROM proba GROUP BY k ORDER BY k";
    let alone = fixture.sql(None, sql).await.unwrap();
    let open = "SELECT a.plan FROM proba a, proba b, proba c";
    let beside = fixture.rows(vec![fixture.view(None)], open).await.unwrap();
    assert_eq!(fixture.sql(None, sql).await.unwrap(), alone);
    drop(beside);
}
