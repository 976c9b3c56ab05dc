//! Answers that are given again, and those that must not be.

use futures::StreamExt as _;
use hub_proto::Reason;

use super::{bytes, fixture, ministry, reads, rows};
use crate::config::limits::ANSWER_KEPT_BYTES;
use crate::permit::{ReadPermit, Rows, for_tests};
use crate::query::RowFormat;
use crate::query::tests::fixture::{Fixture, row};
use crate::read::Reads;
use crate::store::AsOf;

const COUNT: &str = "SELECT count(*) AS n FROM proba";

async fn csv(reads: &Reads, permit: ReadPermit, as_of: AsOf, sql: &str) -> Result<String, Reason> {
    let answer = reads.query(vec![permit], sql, as_of, RowFormat::Csv).await;
    let chunks = answer.map_err(|error| error.reason())?.chunks;
    let (csv, _) = bytes(chunks).await.map_err(|error| error.reason())?;
    Ok(String::from_utf8(csv).unwrap())
}

fn found(reads: &Reads) -> (u64, usize) {
    let counts = reads.kept.counts();
    (counts.found, counts.entries)
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_until_a_commit() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    for again in 0..3 {
        assert_eq!(csv(&reads, ministry(), AsOf::Latest, COUNT).await.unwrap(), "n\n90\n");
        assert_eq!(found(&reads), (again, 1));
        let answer = reads.query(vec![ministry()], COUNT, AsOf::Version(1), RowFormat::Csv).await.unwrap();
        assert_eq!(answer.versions[0].version, 1, "dropped before its end, and so not kept");
    }
    fixture.commit(&[rows(90, "c", 4)]).await;
    assert_eq!(csv(&reads, ministry(), AsOf::Latest, COUNT).await.unwrap(), "n\n120\n");
    assert_eq!(csv(&reads, ministry(), AsOf::Version(2), COUNT).await.unwrap(), "n\n90\n");
    assert_eq!(found(&reads), (3, 2), "the version before is asked for by number");
    let answer = reads.query(vec![ministry()], COUNT, AsOf::Latest, RowFormat::Csv).await.unwrap();
    let version = &answer.versions[0];
    assert_eq!((version.version, version.coverage.units_reporting), (3, 3));
    let (ndjson, _) = {
        let answer = reads.query(vec![ministry()], COUNT, AsOf::Latest, RowFormat::Ndjson).await.unwrap();
        bytes(answer.chunks).await.unwrap()
    };
    assert_eq!(ndjson, b"{\"n\":120}\n", "another format is another answer");
}

#[tokio::test]
async fn an_answer_is_never_given_to_one_who_sees_something_else() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let all = "SELECT count(*) AS n, max(plan) AS m FROM proba";
    let whole = csv(&reads, ministry(), AsOf::Latest, all).await.unwrap();
    assert_eq!(whole, "n,m\n90,0.89\n");
    let own = |publisher: &str| for_tests::read(publisher, "proba", &["plan"], Rows::Of(publisher.into()));
    assert_eq!(csv(&reads, own("a"), AsOf::Latest, all).await.unwrap(), "n,m\n60,0.59\n");
    assert_eq!(csv(&reads, own("b"), AsOf::Latest, all).await.unwrap(), "n,m\n30,0.89\n");
    let fewer = for_tests::read("mz", "proba", &["dzial"], Rows::All);
    assert_eq!(csv(&reads, fewer.clone(), AsOf::Latest, all).await.unwrap_err(), Reason::QueryInvalid);
    // The number of rows is the same, yet who sees other columns asks for himself.
    assert_eq!(csv(&reads, ministry(), AsOf::Latest, COUNT).await.unwrap(), "n\n90\n");
    assert_eq!(csv(&reads, fewer, AsOf::Latest, COUNT).await.unwrap(), "n\n90\n");
    assert_eq!(found(&reads), (0, 5));
    // One who sees the same has the same answer; one without any permit has none.
    let alike = for_tests::read("mz", "proba", &["jednostka_regon", "dzial", "plan"], Rows::All);
    assert_eq!(csv(&reads, alike, AsOf::Latest, all).await.unwrap(), whole);
    assert_eq!(found(&reads), (1, 5));
    let nobody = reads.query(vec![], all, AsOf::Latest, RowFormat::Csv).await;
    assert_eq!(nobody.unwrap_err().reason(), Reason::QueryInvalid);
}

#[tokio::test]
async fn what_has_no_version_or_no_end_is_not_kept() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    for sql in ["SELECT count(*) FROM organisations", "SELECT count(*) FROM proba, organisations"] {
        csv(&reads, ministry(), AsOf::Latest, sql).await.unwrap();
    }
    let broken = "SELECT 1 / (plan - plan) FROM proba";
    for _ in 0..2 {
        assert_eq!(csv(&reads, ministry(), AsOf::Latest, broken).await.unwrap_err(), Reason::QueryInvalid);
    }
    let mut left = reads.query(vec![ministry()], COUNT, AsOf::Latest, RowFormat::Csv).await.unwrap().chunks;
    assert!(left.next().await.unwrap().is_ok());
    drop(left);
    assert_eq!(found(&reads), (0, 0));
}

#[tokio::test]
async fn a_long_answer_is_not_kept() {
    let fixture = Fixture::new().await;
    let many = (0..8_000).map(|n| row("a", 1, &format!("{n}-{}", "x".repeat(40)), n)).collect();
    fixture.commit(&[many]).await;
    let reads = reads(&fixture).await;
    let long = csv(&reads, ministry(), AsOf::Latest, "SELECT dzial FROM proba").await.unwrap();
    assert!(long.len() > ANSWER_KEPT_BYTES);
    assert_eq!(found(&reads), (0, 0));
    csv(&reads, ministry(), AsOf::Latest, "SELECT dzial FROM proba LIMIT 100").await.unwrap();
    assert_eq!(found(&reads), (0, 1));
}
