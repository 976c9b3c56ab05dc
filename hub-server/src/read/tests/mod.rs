mod kept;
mod since;
mod statements;
mod watch;

use std::io;
use std::sync::Arc;

use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use hub_proto::Reason;

use super::{Chunks, ReadError, Reads, RowsFrom, SessionRequest, Snapshots};
use crate::catalog::Catalog;
use crate::commit::CommitError;
use crate::permit::{ReadPermit, Rows, for_tests};
use crate::query::RowFormat;
use crate::query::tests::fixture::{Fixture, Row, row, text};
use crate::seal::Seal;
use crate::store::{AsOf, ChangesBound, ChangesSince, Cursor, Made, Snapshot, StoreError, Table};

#[derive(Debug)]
struct OneTable(Arc<Table>);

impl Snapshots for OneTable {
    fn as_of(&self, dataset: &str, as_of: AsOf) -> Result<Option<Arc<Snapshot>>, StoreError> {
        if dataset != "proba" {
            return Ok(None);
        }
        self.0.as_of(as_of).map(Some)
    }
    fn cursor(&self, _: &str, version: u64) -> Result<Option<Cursor>, StoreError> {
        self.0.cursor(version).map(Some)
    }
    fn changes(
        &self,
        _: &str,
        since: &Cursor,
        bound: ChangesBound,
    ) -> Result<Option<ChangesSince>, StoreError> {
        self.0.changes(since, None, bound).map(Some)
    }
    fn made(&self, _: &str, since: &Cursor, most: usize) -> Result<Option<Vec<Made>>, StoreError> {
        self.0.made_since(since, most).map(Some)
    }
    fn moved(&self, _: &str) -> Option<tokio::sync::watch::Receiver<Arc<Snapshot>>> {
        Some(self.0.subscribe())
    }
    fn readable<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), CommitError>> {
        futures::future::ready(Ok(())).boxed()
    }
}

async fn reads(fixture: &Fixture) -> Reads {
    let catalog = Catalog::open(&fixture.folder.path().join("catalog.sqlite")).await.unwrap();
    Reads::new(
        Arc::new(OneTable(Arc::clone(&fixture.table))),
        (Arc::clone(&fixture.engine), Arc::clone(&fixture.statements)),
        vec![Arc::clone(&fixture.pattern)],
        Arc::clone(&fixture.lists),
        Arc::new(catalog),
        Seal::new([3; 32]),
    )
}

fn rows(from: i128, publisher: &'static str, seq: i64) -> Vec<Row> {
    (from..from + 30).map(|n| row(publisher, seq, &format!("{n}"), n)).collect()
}

/// Two versions; rows of `a` and `b` share a file in the second.
async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.commit(&[rows(0, "a", 1)]).await;
    fixture.commit(&[[rows(30, "a", 2), rows(60, "b", 3)].concat()]).await;
    fixture
}

fn ministry() -> ReadPermit {
    for_tests::read("mf", "proba", &["jednostka_regon", "dzial", "plan"], Rows::All)
}

fn request(format: RowFormat) -> SessionRequest {
    SessionRequest {
        columns: vec!["plan".into(), "_publisher".into()],
        filter: None,
        as_of: AsOf::Latest,
        format,
        max_streams: 0,
    }
}

fn from(offset: usize) -> RowsFrom {
    RowsFrom { stream: 0, offset: offset as u64 }
}

async fn bytes(mut chunks: Chunks) -> Result<(Vec<u8>, u64), ReadError> {
    let (mut all, mut complete, mut count) = (Vec::new(), false, 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        assert!(!complete, "a chunk after the last");
        all.extend_from_slice(&chunk.data);
        (complete, count) = (chunk.complete, chunk.rows);
    }
    assert!(complete, "the stream is not whole");
    Ok((all, count))
}

fn arrow(bytes: Vec<u8>) -> Vec<String> {
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(io::Cursor::new(bytes), None).unwrap().map(Result::unwrap).collect();
    text(&batches)
}

#[tokio::test]
async fn a_session_outlives_commits_and_restarts_and_resumes() {
    let fixture = fixture().await;
    let reads_before = reads(&fixture).await;
    let session = reads_before.create_session(&ministry(), request(RowFormat::Arrow)).await.unwrap();
    assert_eq!((session.version.version, session.estimated_rows), (2, 90));
    assert_eq!(session.columns, ["plan", "_publisher"]);
    assert_eq!(session.version.coverage.units_reporting, 2);
    assert!(session.version.coverage.units_expected > 2_000);
    drop(reads_before);
    fixture.commit(&[rows(90, "c", 4)]).await;
    // Another instance with the same key is what a restart leaves.
    let reads = reads(&fixture).await;
    assert_eq!(reads.session(&session.name).unwrap().0, "proba");
    let (whole, count) =
        bytes(reads.read_rows(&ministry(), &session.name, RowsFrom::default()).await.unwrap()).await.unwrap();
    let whole = arrow(whole);
    assert_eq!((whole.len(), count), (90, 90));
    for offset in [1usize, 30, 59, 90] {
        let rest = reads.read_rows(&ministry(), &session.name, from(offset)).await.unwrap();
        let (rest, count) = bytes(rest).await.unwrap();
        assert_eq!((arrow(rest), count), (whole[offset..].to_vec(), 90), "from {offset}");
    }
}

#[tokio::test]
async fn a_session_belongs_to_its_reader_and_right() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let session = reads.create_session(&ministry(), request(RowFormat::Arrow)).await.unwrap();
    let refused = async |permit: ReadPermit, name: &str| {
        reads.read_rows(&permit, name, RowsFrom::default()).await.err().unwrap().reason()
    };
    let other = for_tests::read("mz", "proba", &["plan"], Rows::All);
    assert_eq!(refused(other, &session.name).await, Reason::ReadNotPermitted);
    let narrower = for_tests::read("mf", "proba", &["dzial"], Rows::All);
    assert_eq!(refused(narrower, &session.name).await, Reason::ReadNotPermitted);
    let own_rows = for_tests::read("mf", "proba", &["plan"], Rows::Of("a".into()));
    assert_eq!(refused(own_rows, &session.name).await, Reason::ReadNotPermitted);
    let forged = format!("{}A", session.name);
    assert_eq!(refused(ministry(), &forged).await, Reason::RequestInvalid);
    assert_eq!(refused(ministry(), "sessions/x").await, Reason::RequestInvalid);
}

#[tokio::test]
async fn a_publisher_reads_its_own_rows_of_shared_files() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let permit = for_tests::read("a", "proba", &["plan", "wykonanie"], Rows::Of("a".into()));
    let session = reads.create_session(&permit, request(RowFormat::Csv)).await.unwrap();
    let coverage = &session.version.coverage;
    assert_eq!((session.estimated_rows, coverage.units_reporting, coverage.units_expected), (60, 1, 1));
    let (csv, count) =
        bytes(reads.read_rows(&permit, &session.name, RowsFrom::default()).await.unwrap()).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!((csv.lines().count(), count), (61, 60));
    assert!(csv.lines().skip(1).all(|l| l.ends_with(",a")), "{csv}");
    let error = reads.read_rows(&permit, &session.name, from(5)).await.err().unwrap();
    assert_eq!(error.reason(), Reason::RequestInvalid);
}

#[tokio::test]
async fn a_session_refuses_at_once_what_could_not_be_read() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let ask = async |change: &dyn Fn(&mut SessionRequest)| {
        let mut asked = request(RowFormat::Arrow);
        change(&mut asked);
        reads.create_session(&ministry(), asked).await.unwrap_err().reason()
    };
    assert_eq!(ask(&|r| r.columns = vec!["wykonanie".into()]).await, Reason::QueryInvalid);
    assert_eq!(ask(&|r| r.filter = Some("plan >".into())).await, Reason::QueryInvalid);
    assert_eq!(ask(&|r| r.filter = Some("plan IN (SELECT 1)".into())).await, Reason::QueryNotAllowed);
    assert_eq!(ask(&|r| r.as_of = AsOf::Version(9)).await, Reason::VersionUnknown);
    let elsewhere = for_tests::read("mf", "inny", &[], Rows::All);
    let error = reads.create_session(&elsewhere, request(RowFormat::Arrow)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::DatasetUnknown);
}

#[tokio::test]
async fn a_query_names_the_versions_that_it_stands_on() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let ask = async |as_of, sql: &str| reads.query(vec![ministry()], sql, as_of, RowFormat::Csv).await;
    let sql = "SELECT count(*) AS n FROM proba_v1";
    for (as_of, version, count) in [(AsOf::Latest, 2, "90"), (AsOf::Version(1), 1, "30")] {
        let answer = ask(as_of, sql).await.unwrap();
        assert_eq!((answer.versions.len(), answer.versions[0].version), (1, version));
        let (csv, _) = bytes(answer.chunks).await.unwrap();
        assert_eq!(String::from_utf8(csv).unwrap(), format!("n\n{count}\n"));
    }
    assert_eq!(ask(AsOf::Version(9), sql).await.unwrap_err().reason(), Reason::VersionUnknown);
    // A statement that does not name the dataset does not miss the version.
    let answer = ask(AsOf::Version(9), "SELECT count(*) AS n FROM organisations").await.unwrap();
    assert!(answer.versions.is_empty());
    assert_eq!(
        ask(AsOf::Latest, "SELECT wykonanie FROM proba").await.unwrap_err().reason(),
        Reason::QueryInvalid
    );
}
