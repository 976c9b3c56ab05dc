//! Statements that try to leave the fence: each is refused with its reason, and no file changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::fixture::{Fixture, row};
use hub_proto::Reason;

const NOT_ALLOWED: &[&str] = &[
    "CREATE TABLE t (a INT)",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 's3://x/y'",
    "CREATE SCHEMA s",
    "CREATE DATABASE d",
    "CREATE FUNCTION f(INT) RETURNS INT RETURN $1",
    "CREATE INDEX i ON proba (dzial)",
    "DROP TABLE proba",
    "DROP VIEW proba",
    "DROP SCHEMA data CASCADE",
    "ALTER TABLE proba ADD COLUMN x INT",
    "TRUNCATE TABLE proba",
    "INSERT INTO proba VALUES ('1')",
    "INSERT OVERWRITE proba SELECT * FROM proba",
    "UPDATE proba SET dzial = '1'",
    "DELETE FROM proba",
    "MERGE INTO proba USING proba_v1 ON true WHEN MATCHED THEN DELETE",
    "COPY proba TO '/tmp/out.csv'",
    "COPY (SELECT * FROM proba) TO '/tmp/out.parquet' STORED AS PARQUET",
    "EXPLAIN SELECT * FROM proba",
    "EXPLAIN ANALYZE SELECT * FROM proba",
    "EXPLAIN VERBOSE SELECT * FROM proba",
    "DESCRIBE proba",
    "DESCRIBE SELECT * FROM proba",
    "SHOW TABLES",
    "SHOW COLUMNS FROM proba",
    "SHOW ALL",
    "SHOW FUNCTIONS",
    "SET datafusion.execution.batch_size = 1",
    "SET datafusion.catalog.information_schema = true",
    "RESET datafusion.execution.batch_size",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE proba",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM hub.other.proba",
    "SELECT * FROM other.data.proba",
    "SELECT * FROM generate_series(1, 1000000000)",
    "SELECT * FROM range(1, 10)",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM unnest(ARRAY[1, 2, 3])",
    "SELECT unnest(ARRAY[1, 2, 3])",
    "SELECT ARRAY[1, 2, 3]",
    "SELECT make_array(1, 2)",
    "SELECT repeat('a', 1000000000)",
    "SELECT lpad('a', 1000000000)",
    "SELECT rpad('a', 1000000000)",
    "SELECT replace('aaaa', 'a', 'bbbbbbbb')",
    "SELECT regexp_replace('aaaa', 'a', 'bbbbbbbb')",
    "SELECT array_repeat(1, 1000000000)",
    "SELECT array_agg(dzial) FROM proba",
    "SELECT string_agg(dzial, ',') FROM proba",
    "SELECT random()",
    "SELECT uuid()",
    "SELECT now()",
    "SELECT current_date",
    "SELECT version()",
    "SELECT arrow_cast(1, 'Int8')",
    "SELECT {a: 1}",
    "SELECT named_struct('a', 1)",
    "SELECT * INTO t FROM proba",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n",
    "SELECT LOWER(x.y.z('a'))",
];

const INVALID: &[&str] = &[
    "",
    ";",
    "SELECT",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.test/x.parquet'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM proba WHERE",
    "SELECT dzial FROM proba GROUP BY plan",
    "SELECT sum(dzial) FROM proba",
    "SELECT $1",
    "SELECT @@version",
    "SELECT * FROM proba LIMIT -1",
    "SELECT 'a' FROM",
    "GIBBERISH",
];

/// All files below a folder with their lengths.
fn files(folder: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert((path.clone(), path.metadata().unwrap().len()))),
        }
    }
    found
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.commit(&[vec![row("a", 1, "750", 100)]]).await;
    fixture
}

#[tokio::test]
async fn what_is_not_on_the_list_is_refused_and_touches_no_file() {
    assert!(NOT_ALLOWED.len() + INVALID.len() >= 60);
    let fixture = fixture().await;
    let before = files(fixture.folder.path());
    for sql in NOT_ALLOWED {
        let error = fixture.sql(None, sql).await.expect_err(sql);
        assert!(
            matches!(error.reason(), Reason::QueryNotAllowed | Reason::QueryInvalid),
            "{sql}: {:?} {error}",
            error.reason()
        );
        // Some forms are refused by the grammar already; none may be taken for a fault of the hub.
        if error.reason() == Reason::QueryInvalid {
            assert!(error.to_string().contains("does not parse"), "{sql}: {error}");
        }
    }
    for sql in INVALID {
        let error = fixture.sql(None, sql).await.expect_err(sql);
        assert!(
            matches!(error.reason(), Reason::QueryInvalid | Reason::QueryNotAllowed),
            "{sql}: {:?} {error}",
            error.reason()
        );
    }
    assert_eq!(files(fixture.folder.path()), before);
    assert_eq!(fixture.sql(None, "SELECT count(*) FROM proba").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn statements_that_would_exhaust_the_stack_are_too_complex() {
    let fixture = fixture().await;
    let chain = |operator: &str, n: usize| format!("SELECT {}", vec!["1"; n].join(operator));
    for sql in [
        chain("+", 5_000),
        chain(" OR 1=", 3_000),
        format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000)),
        format!("SELECT {}1", "- ".repeat(5_000)),
        format!("SELECT {} true", "NOT ".repeat(5_000)),
        format!("SELECT {}", vec!["1"; 5_000].join(",")),
        vec!["SELECT 1"; 500].join(" UNION ALL "),
        format!("SELECT 1{}", " ".repeat(40_000)),
        format!("SELECT '{}'", "x".repeat(2_000)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(1_000), " END".repeat(1_000)),
        format!("SELECT {}", ["dzial"; 12].join("||")) + " FROM proba",
    ] {
        let error = fixture.sql(None, &sql).await.expect_err(&sql[..60]);
        assert_eq!(error.reason(), Reason::QueryTooComplex, "{}: {error}", &sql[..60]);
    }
    // What is long but allowed still runs.
    assert_eq!(fixture.sql(None, &chain("+", 300)).await.unwrap(), ["300"]);
}

#[tokio::test]
async fn filters_of_scans_stand_behind_the_same_fence() {
    let fixture = fixture().await;
    for filter in [
        "dzial IN (SELECT dzial FROM proba)",
        "EXISTS (SELECT 1)",
        "count(*) > 1",
        "row_number() OVER () = 1",
        "repeat('a', 1000000) = 'a'",
        "random() > 0",
        "1 = 1; DROP TABLE proba",
        "dzial = '1' dzial = '2'",
        "dzial = '1' AS x",
        "plan",
        "(SELECT max(plan) FROM proba) > 1",
    ] {
        let scan = crate::query::Scan { filter: Some(filter.to_owned()), ..Default::default() };
        let error = fixture.scan(None, scan).await.expect_err(filter);
        assert!(
            matches!(error.reason(), Reason::QueryNotAllowed | Reason::QueryInvalid),
            "{filter}: {:?} {error}",
            error.reason()
        );
    }
    let long = vec!["dzial = '1'"; 2_000].join(" OR ");
    let scan = crate::query::Scan { filter: Some(long), ..Default::default() };
    assert_eq!(fixture.scan(None, scan).await.unwrap_err().reason(), Reason::QueryTooComplex);
}
