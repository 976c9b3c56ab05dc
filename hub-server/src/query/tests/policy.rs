//! Rows and columns that the reader must not see, in files that also hold visible ones.

use super::fixture::{Fixture, row};
use crate::query::Scan;
use hub_proto::Reason;

/// One file in which rows of `a` (visible) and `b` (hidden) lie together.
async fn mixed() -> Fixture {
    let fixture = Fixture::new().await;
    fixture
        .commit(&[vec![
            row("a", 1, "750", 100),
            row("a", 1, "801", 250),
            row("b", 2, "x-secret", 7),
            row("b", 2, "900", 9_900),
        ]])
        .await;
    fixture
}

#[tokio::test]
async fn only_own_rows_are_counted_summed_and_shown() {
    let fixture = mixed().await;
    let ask = async |sql: &str| fixture.sql(Some("a"), sql).await.unwrap().join(";");
    assert_eq!(ask("SELECT count(*) FROM proba").await, "2");
    assert_eq!(
        ask("SELECT min(plan), max(plan), sum(plan), min(dzial), max(dzial) FROM proba").await,
        "1.00|2.50|3.50|750|801"
    );
    assert_eq!(ask("SELECT DISTINCT _publisher FROM proba").await, "a");
    assert_eq!(ask("SELECT count(*) FROM proba WHERE _publisher = 'b'").await, "0");
    assert_eq!(ask("SELECT count(*) FROM proba WHERE dzial = 'x-secret' OR plan = 99").await, "0");
    assert_eq!(ask("SELECT plan FROM proba ORDER BY plan DESC LIMIT 1").await, "2.50");
    assert_eq!(ask("SELECT count(*) FROM (SELECT 1 FROM proba LIMIT 10)").await, "2");
    assert_eq!(ask("SELECT count(*) FROM proba p FULL JOIN proba q ON p.plan = q.plan").await, "2");
    assert_eq!(
        ask("SELECT dzial FROM proba EXCEPT SELECT dzial FROM proba WHERE _publisher = 'a'").await,
        ""
    );
}

#[tokio::test]
async fn what_the_reader_wrote_never_runs_on_hidden_rows() {
    let fixture = mixed().await;
    // `x-secret` is no number, and the plan of 0.07 makes the divisor zero.
    for sql in [
        "SELECT count(*) FROM proba WHERE CAST(dzial AS INT) > 0",
        "SELECT count(*) FROM proba WHERE 1 / (plan * 100 - 7) IS NOT NULL",
        "SELECT count(*) FROM proba WHERE dzial = '750' OR CAST(dzial AS INT) > 1",
        "SELECT count(CAST(dzial AS INT)) FROM proba",
    ] {
        let rows = fixture.sql(Some("a"), sql).await;
        assert_eq!(rows.unwrap(), ["2"], "{sql}");
    }
    let scan = Scan { filter: Some("CAST(dzial AS INT) > 0".to_owned()), ..Scan::default() };
    assert_eq!(fixture.scan(Some("a"), scan).await.unwrap().len(), 2);
}

#[tokio::test]
async fn hidden_rows_are_not_even_estimated() {
    let fixture = mixed().await;
    let rows = fixture.engine.scan(fixture.view(Some("a")), Scan::default()).await.unwrap();
    assert_eq!(rows.estimated_rows, 2);
    let rows = fixture.engine.scan(fixture.view(None), Scan::default()).await.unwrap();
    assert_eq!(rows.estimated_rows, 4);
}

#[tokio::test]
async fn a_reader_of_nothing_sees_nothing() {
    let fixture = mixed().await;
    assert_eq!(fixture.sql(Some("c"), "SELECT count(*) FROM proba").await.unwrap(), ["0"]);
}

#[tokio::test]
async fn hidden_columns_cannot_be_named_and_are_not_suggested() {
    let fixture = mixed().await;
    for column in ["wykonanie", "wykonani", "_seq", "_period", "_sequence"] {
        for sql in [
            format!("SELECT {column} FROM proba"),
            format!("SELECT 1 FROM proba WHERE {column} IS NULL"),
            format!("SELECT count(*) FROM proba GROUP BY {column}"),
            format!("SELECT 1 FROM proba ORDER BY proba.{column}"),
        ] {
            let error = fixture.sql(None, &sql).await.unwrap_err();
            assert_eq!(error.reason(), Reason::QueryInvalid, "{sql}");
            let message = error.to_string().replacen(&format!("`{column}`"), "", 1);
            for hidden in ["wykonanie", "_seq`", "_period`"] {
                assert!(!message.contains(hidden), "{sql}: {message}");
            }
        }
        let scan = Scan { columns: vec![column.to_owned()], ..Scan::default() };
        assert_eq!(fixture.scan(None, scan).await.unwrap_err().reason(), Reason::QueryInvalid, "{column}");
        let scan = Scan { filter: Some(format!("{column} IS NULL")), ..Scan::default() };
        assert_eq!(fixture.scan(None, scan).await.unwrap_err().reason(), Reason::QueryInvalid, "{column}");
    }
}

/// Random rows of two publishers in shared files: what `a` asks gives the same as on a copy that never
/// held rows of `b`.
#[tokio::test]
async fn a_shared_table_answers_like_one_with_own_rows_alone() {
    let (shared, alone) = (Fixture::new().await, Fixture::new().await);
    let mut files = vec![vec![], vec![], vec![]];
    for n in 0..60i64 {
        let publisher = if n % 3 == 0 { "a" } else { "b" };
        let at = usize::try_from(n % 3 + n % 2).unwrap() % 3;
        files[at].push(row(
            publisher,
            if publisher == "a" { 1 } else { 2 },
            &format!("{}", 100 + n * 7 % 13),
            i128::from(n * 31 % 17),
        ));
    }
    shared.commit(&files).await;
    let own: Vec<Vec<_>> = files
        .iter()
        .map(|rows| rows.iter().filter(|r| r.publisher == "a").cloned().collect::<Vec<_>>())
        .filter(|rows| !rows.is_empty())
        .collect();
    alone.commit(&own).await;
    for sql in [
        "SELECT * FROM proba ORDER BY dzial, plan",
        "SELECT dzial, sum(plan), count(*) FROM proba GROUP BY dzial ORDER BY 1",
        "SELECT count(*) FROM proba WHERE plan > 0.05",
        "SELECT max(dzial) FROM proba WHERE dzial < '110'",
        "SELECT dzial, rank() OVER (ORDER BY plan, dzial) FROM proba ORDER BY 2, 1 LIMIT 5",
        "SELECT p.dzial FROM proba p WHERE plan = (SELECT max(plan) FROM proba q WHERE q.dzial = p.dzial) ORDER BY 1",
    ] {
        assert_eq!(shared.sql(Some("a"), sql).await.unwrap(), alone.sql(None, sql).await.unwrap(), "{sql}");
    }
}
