//! Statements that are described before they run: whose tickets are, and of which state.

use hub_proto::Reason;

use super::{arrow, bytes, fixture, ministry, reads, rows};
use crate::permit::{ReadPermit, Rows, for_tests};
use crate::read::{Asked, Described, ReadError, Reads};
use crate::store::AsOf;

fn asked(sql: &str) -> Asked {
    Asked { sql: sql.to_owned(), parameters: None }
}

async fn described(reads: &Reads, sql: &str) -> Described {
    reads.describe("mf", vec![ministry()], asked(sql), AsOf::Latest).await.unwrap()
}

#[tokio::test]
async fn a_ticket_gives_the_state_that_was_described_also_after_a_restart() {
    let fixture = fixture().await;
    let sql = "SELECT count(*), sum(plan) FROM proba";
    let Described { versions, mut tickets, rows: known, .. } = described(&reads(&fixture).await, sql).await;
    assert_eq!((versions.len(), versions[0].version, tickets.len(), known), (1, 2, 1, None));
    fixture.commit(&[rows(90, "c", 4)]).await;
    let reads = reads(&fixture).await;
    let ticket = tickets.remove(0);
    let answer = reads.redeem("mf", vec![ministry()], &ticket).await.unwrap();
    assert_eq!(answer.versions[0].version, 2);
    assert_eq!(arrow(bytes(answer.chunks).await.unwrap().0), ["90|40.05"]);
    let newer = described(&reads, sql).await;
    assert_ne!(
        reads.described_as("mf", &newer.tickets[0]).unwrap(),
        reads.described_as("mf", &ticket).unwrap(),
        "one answer is not the next"
    );
}

#[tokio::test]
async fn a_ticket_and_a_handle_are_of_one_reader_and_right() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let ticket = described(&reads, "SELECT plan FROM proba").await.tickets.remove(0);
    let narrowed = for_tests::read("mf", "proba", &["plan"], Rows::Of("a".to_owned()));
    let blind = for_tests::read("mf", "proba", &["dzial"], Rows::All);
    for (reader, permits, reason) in [
        ("gus", vec![ministry()], Reason::ReadNotPermitted),
        ("mf", vec![narrowed], Reason::ReadNotPermitted),
        ("mf", vec![], Reason::ReadNotPermitted),
        ("mf", vec![blind], Reason::QueryInvalid),
    ] {
        let refused = reads.redeem(reader, permits, &ticket).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{reader}: {refused}");
    }
    assert!(matches!(reads.redeem("mf", vec![], "forged").await, Err(ReadError::TicketUnknown)));

    let handle = reads.handle("mf", asked("SELECT 1")).unwrap();
    assert_eq!(reads.asked("mf", &handle).unwrap(), asked("SELECT 1"));
    assert_eq!(reads.asked("gus", &handle).unwrap_err().reason(), Reason::ReadNotPermitted);
    assert_eq!(reads.asked("mf", &ticket).unwrap_err().reason(), Reason::RequestInvalid);
    let long = reads.handle("mf", asked(&"x".repeat(64 << 10))).unwrap_err();
    assert_eq!(long.reason(), Reason::QueryTooComplex);
}

#[tokio::test]
async fn tables_are_those_that_the_permits_show() {
    let fixture = fixture().await;
    let tables = reads(&fixture).await.tables(&[ministry()]).await.unwrap();
    let table = |name: &str| tables.iter().find(|table| table.name == name);
    let columns = table("proba").unwrap().schema.fields().iter().map(|field| field.name().clone());
    let columns: Vec<String> = columns.collect();
    assert!(
        columns.contains(&"plan".to_owned()) && !columns.contains(&"wykonanie".to_owned()),
        "{columns:?}"
    );
    assert_eq!(table("proba_v1").map(|table| &table.schema), table("proba").map(|table| &table.schema));
    assert!(table("proba").unwrap().key.is_empty(), "not all columns of the key are there");
    assert!(table("terc").is_some() && table("organisations").is_some());
}

#[tokio::test]
async fn revisions_of_others_stand_behind_no_answer_that_is_narrowed() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let behind = async |permit: ReadPermit, sql: &str| {
        let found = reads.behind(&[permit], sql, AsOf::Latest.into()).await.unwrap();
        found.revisions.into_iter().map(|r| r.submission.publisher).collect::<Vec<_>>()
    };
    let all = "SELECT plan FROM proba";
    assert_eq!(behind(ministry(), all).await, ["a", "a", "b"]);
    assert_eq!(behind(ministry(), "SELECT plan FROM proba WHERE _publisher = 'b'").await, ["b"]);
    assert_eq!(behind(ministry(), "SELECT plan FROM proba WHERE _publisher <> 'b'").await, ["a", "a"]);
    let either = "SELECT plan FROM proba WHERE _publisher IN ('b', 'c') OR plan > 0.35";
    assert_eq!(behind(ministry(), either).await, ["a", "b"], "in the first file nothing is that much");
    let own = for_tests::read("b", "proba", &["plan"], Rows::Of("b".to_owned()));
    assert_eq!(behind(own, all).await, ["b"]);
}
