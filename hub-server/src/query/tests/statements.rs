use super::fixture::{Fixture, row};
use hub_proto::Reason;

async fn two_publishers() -> Fixture {
    let fixture = Fixture::new().await;
    fixture
        .commit(&[vec![row("a", 1, "750", 100), row("a", 1, "801", 250)], vec![row("b", 2, "801", 50)]])
        .await;
    fixture
}

#[tokio::test]
async fn a_row_shows_the_visible_columns_then_the_hubs() {
    let fixture = two_publishers().await;
    let rows = fixture.sql(None, "SELECT * FROM proba WHERE dzial = '750'").await.unwrap();
    assert_eq!(rows, ["000524720|750|1.00|2022-12-31|a|s1|2|2023-11-14T22:13:20Z"]);
}

#[tokio::test]
async fn sums_counts_and_extremes_are_right() {
    let fixture = two_publishers().await;
    let ask = async |sql: &str| fixture.sql(None, sql).await.unwrap().join(";");
    assert_eq!(
        ask("SELECT dzial, sum(plan) FROM proba GROUP BY dzial ORDER BY 1").await,
        "750|1.00;801|3.00"
    );
    assert_eq!(ask("SELECT count(*) FROM proba").await, "3");
    assert_eq!(ask("SELECT count(*), min(plan), max(plan) FROM proba").await, "3|0.50|2.50");
    assert_eq!(ask("SELECT count(*) FROM proba WHERE _publisher = 'b'").await, "1");
    assert_eq!(ask("SELECT count(*) FROM proba WHERE _period_end = DATE '2022-12-31'").await, "3");
    assert_eq!(ask("SELECT count(*) FROM proba WHERE _period_end = DATE '2021-12-31'").await, "0");
    assert_eq!(ask("SELECT _submission, count(*) FROM proba GROUP BY 1 ORDER BY 1").await, "s1|2;s2|1");
    assert_eq!(ask("SELECT plan FROM proba WHERE _submission = 's2'").await, "0.50");
}

#[tokio::test]
async fn a_view_and_its_major_are_the_same_table() {
    let fixture = two_publishers().await;
    let rows = fixture.sql(None, "SELECT count(*) FROM proba p JOIN proba_v1 q ON p.dzial = q.dzial").await;
    assert_eq!(rows.unwrap(), ["5"]);
}

#[tokio::test]
async fn lists_and_organisations_are_tables() {
    let fixture = two_publishers().await;
    let rows = fixture.sql(None, "SELECT nazwa FROM organisations WHERE id = 'gmina-100201'").await.unwrap();
    assert_eq!(rows, ["Kutno"]);
    let rows = fixture.sql(None, "SELECT count(*) > 2000 FROM terc WHERE level = 'gmina'").await.unwrap();
    assert_eq!(rows, ["true"]);
}

#[tokio::test]
async fn the_answer_names_the_datasets_that_it_scans() {
    let fixture = two_publishers().await;
    for (sql, expected) in
        [("SELECT 1", vec![]), ("SELECT (SELECT max(plan) FROM proba_v1)", vec!["proba".to_owned()])]
    {
        let rows = fixture.rows(vec![fixture.view(None)], sql).await.unwrap();
        assert_eq!(rows.datasets(), expected, "{sql}");
    }
}

#[tokio::test]
async fn an_empty_table_answers() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.sql(None, "SELECT count(*) FROM proba").await.unwrap(), ["0"]);
    assert!(fixture.sql(None, "SELECT * FROM proba").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_misspelt_name_is_answered_with_the_right_one() {
    let fixture = two_publishers().await;
    let error = fixture.sql(None, "SELECT dzal FROM proba").await.unwrap_err();
    assert_eq!(
        (error.reason(), error.to_string()),
        (Reason::QueryInvalid, "column `dzal` is unknown; did you mean `dzial`?".to_owned())
    );
    let error = fixture.sql(None, "SELECT 1 FROM prroba").await.unwrap_err();
    assert_eq!(error.to_string(), "table `prroba` is unknown; did you mean `proba`?");
}

#[tokio::test]
async fn faults_of_computing_name_no_value() {
    let fixture = two_publishers().await;
    let error = fixture.sql(None, "SELECT CAST('tajne' || dzial AS INT) FROM proba").await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryInvalid);
    assert!(!error.to_string().contains("tajne"), "{error}");
    let error = fixture.sql(None, "SELECT 1 / (CAST(dzial AS INT) - 750) FROM proba").await.unwrap_err();
    assert_eq!(error.reason(), Reason::QueryInvalid);
}
