use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use proptest::prelude::*;
use sqlx::Row as _;

use super::*;

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    (dir, catalog)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_700_000_000 + seconds, 0).unwrap()
}

fn identifier(scheme: &str, value: &str, from: Option<&str>, to: Option<&str>) -> Identifier {
    Identifier {
        scheme: scheme.to_owned(),
        value: value.to_owned(),
        valid_from: from.map(day),
        valid_to: to.map(day),
    }
}

fn organisation(id: &str, name: &str, identifiers: Vec<Identifier>) -> Organisation {
    Organisation { id: id.to_owned(), name: name.to_owned(), kind: "gmina".to_owned(), identifiers }
}

fn record(id: &str, publisher: &str, dataset: &str, seconds: i64) -> SubmissionRecord {
    SubmissionRecord {
        id: id.to_owned(),
        caller: publisher.to_owned(),
        request_id: format!("request-{id}"),
        publisher: publisher.to_owned(),
        dataset: dataset.to_owned(),
        period: "2022-Q4".to_owned(),
        media_type: "text/csv".to_owned(),
        state: "COMMITTED".to_owned(),
        reason: String::new(),
        revision: 1,
        dataset_version: 7,
        rows: 200,
        size: 12_345,
        sha256: "ab".repeat(32),
        carried: vec!["a \"quoted\" slice".to_owned()],
        dropped: Vec::new(),
        nothing_to_report: false,
        withdraws: None,
        created_at: at(seconds),
        ended_at: at(seconds + 1),
        report: "{\"rows_read\":200}".to_owned(),
        receipt: "{\"id\":1}".to_owned(),
        erased: None,
    }
}

fn refused(id: &str, publisher: &str, dataset: &str, seconds: i64) -> SubmissionRecord {
    SubmissionRecord {
        state: "REFUSED".to_owned(),
        reason: "REPORT_BLOCKS".to_owned(),
        receipt: String::new(),
        revision: 0,
        ..record(id, publisher, dataset, seconds)
    }
}

#[tokio::test]
async fn organisations_are_found_by_id_text_and_page() {
    let (_dir, catalog) = catalog().await;
    let kutno = organisation(
        "gmina-100201",
        "Kutno (gmina miejska)",
        vec![
            identifier("terc6", "100201", None, None),
            identifier("regon", "610000000", Some("1990-05-27"), Some("2020-12-31")),
        ],
    );
    let wroclaw = organisation("gmina-026401", "Wrocław 100%", Vec::new());
    catalog.put_organisations(&[kutno.clone(), wroclaw.clone()]).await.unwrap();

    assert_eq!(catalog.organisation("gmina-100201"), Some(kutno.clone()));
    assert_eq!(catalog.organisation("gmina"), None);
    assert_eq!(catalog.all_organisations().await.unwrap(), [wroclaw.clone(), kutno.clone()]);
    assert_eq!(catalog.organisations("", "", 1).await.unwrap(), std::slice::from_ref(&wroclaw));
    assert_eq!(catalog.organisations("gmina-026401", "", 10).await.unwrap(), std::slice::from_ref(&kutno));
    assert_eq!(catalog.organisations("", "miejska", 10).await.unwrap(), std::slice::from_ref(&kutno));
    // Wildcards of LIKE are letters like any other.
    assert_eq!(catalog.organisations("", "0%", 10).await.unwrap(), [wroclaw]);
    assert_eq!(catalog.organisations("", "100_01", 10).await.unwrap(), []);

    let renamed = Organisation { name: "Kutno".to_owned(), identifiers: Vec::new(), ..kutno };
    catalog.put_organisation(&renamed).await.unwrap();
    assert_eq!(catalog.organisation("gmina-100201"), Some(renamed));
}

#[test]
fn an_identifier_is_that_of_the_day() {
    let one = organisation(
        "gmina-1",
        "",
        vec![
            identifier("regon", "1", None, Some("2019-12-31")),
            identifier("regon", "2", Some("2020-01-01"), None),
            identifier("terc6", "100201", None, None),
        ],
    );
    assert_eq!(one.identifier_on("regon", day("2019-12-31")), Some("1"));
    assert_eq!(one.identifier_on("regon", day("2020-01-01")), Some("2"));
    assert_eq!(one.identifier_on("nip", day("2020-01-01")), None);
    let publisher = one.publisher_on(day("2022-12-31"));
    assert_eq!(publisher.terc6.as_deref(), Some("100201"));
    assert_eq!(publisher.regon.as_deref(), Some("2"));
}

#[tokio::test]
async fn credentials_are_kept_by_hash_and_revoked_once() {
    let (_dir, catalog) = catalog().await;
    let credential = Credential {
        id: "c1".to_owned(),
        organisation: "gmina-1".to_owned(),
        hash: [0xA7; 32],
        label: "office".to_owned(),
        scopes: vec!["push".to_owned(), "read".to_owned()],
        created_at: at(0),
        expires_at: Some(at(100)),
        revoked_at: None,
    };
    let orphan = catalog.put_credentials(std::slice::from_ref(&credential)).await.unwrap_err();
    assert_eq!(orphan.reason(), Reason::PublisherUnknown);
    catalog.put_organisation(&organisation("gmina-1", "One", Vec::new())).await.unwrap();
    catalog.put_credentials(std::slice::from_ref(&credential)).await.unwrap();
    assert_eq!(catalog.credential_by_hash(&[0xA7; 32]), Some(credential.clone()));
    assert_eq!(catalog.credential_by_hash(&[0xA8; 32]), None);
    assert!(catalog.revoke_credential("c1", at(5)).await.unwrap());
    assert!(!catalog.revoke_credential("c1", at(6)).await.unwrap());
    let revoked = Credential { revoked_at: Some(at(5)), ..credential };
    assert_eq!(catalog.credentials("gmina-1").await.unwrap(), [revoked]);
}

#[tokio::test]
async fn a_withdrawn_submission_is_shown_as_such_whether_it_was_superseded_or_not() {
    let (_dir, catalog) = catalog().await;
    let records = [record("s1", "gmina-1", "rb28s", 0), record("s2", "gmina-1", "rb28s", 10)];
    catalog.apply("rb28s", 1, &records, Ends::default()).await.unwrap();
    let withdrawal =
        SubmissionRecord { withdraws: Some("s1".to_owned()), ..record("s3", "gmina-1", "rb28s", 20) };
    let ends = Ends { superseded: &["s1"], withdrawn: &["s1", "s2"], erased: &[] };
    catalog.apply("rb28s", 2, std::slice::from_ref(&withdrawal), ends).await.unwrap();
    for id in ["s1", "s2"] {
        assert_eq!(catalog.submission(id).await.unwrap().unwrap().state, "WITHDRAWN");
    }
    assert_eq!(catalog.submission("s3").await.unwrap(), Some(withdrawal));
}

#[tokio::test]
async fn a_log_version_is_applied_once() {
    let (_dir, catalog) = catalog().await;
    assert_eq!(catalog.applied_version("rb28s").await.unwrap(), None);
    let first = record("s1", "gmina-1", "rb28s", 0);
    catalog.apply("rb28s", 3, std::slice::from_ref(&first), Ends::default()).await.unwrap();
    let second = record("s2", "gmina-1", "rb28s", 10);
    catalog
        .apply("rb28s", 4, std::slice::from_ref(&second), Ends { superseded: &["s1"], ..Ends::default() })
        .await
        .unwrap();
    // A replay of what was applied changes nothing: s1 stays superseded, s3 does not appear.
    let ghost = record("s3", "gmina-1", "rb28s", 20);
    for version in [3, 4] {
        catalog
            .apply(
                "rb28s",
                version,
                &[first.clone(), ghost.clone()],
                Ends { superseded: &["s2"], ..Ends::default() },
            )
            .await
            .unwrap();
    }
    assert_eq!(catalog.applied_version("rb28s").await.unwrap(), Some(4));
    assert_eq!(catalog.applied_version("rb27s").await.unwrap(), None);
    assert_eq!(catalog.submission("s1").await.unwrap().unwrap().state, "SUPERSEDED");
    assert_eq!(catalog.submission("s2").await.unwrap(), Some(second.clone()));
    assert_eq!(catalog.submission("s3").await.unwrap(), None);
    assert_eq!(catalog.submission_by_request("gmina-1", "request-s2").await.unwrap(), Some(second));
    assert_eq!(catalog.submission_by_request("gmina-2", "request-s2").await.unwrap(), None);
}

#[tokio::test]
async fn refusals_outlive_the_projection_and_a_restart() {
    let (dir, catalog) = catalog().await;
    let verdict = refused("r1", "gmina-1", "rb28s", 0);
    catalog.put_ended(&verdict).await.unwrap();
    // The same check ran again after a restart: the first verdict stays.
    catalog.put_ended(&SubmissionRecord { ended_at: at(99), ..verdict.clone() }).await.unwrap();
    catalog.apply("rb28s", 1, &[record("s1", "gmina-1", "rb28s", 5)], Ends::default()).await.unwrap();
    for table in ["DELETE FROM submissions", "DELETE FROM datasets"] {
        sqlx::query(table).execute(&catalog.writer).await.unwrap();
    }
    catalog.close().await;

    let again = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    assert_eq!(again.applied_version("rb28s").await.unwrap(), None);
    assert_eq!(again.submission("s1").await.unwrap(), None);
    assert_eq!(again.submission("r1").await.unwrap(), Some(verdict.clone()));
    assert_eq!(again.submission_by_request("gmina-1", "request-r1").await.unwrap(), Some(verdict));
    again.apply("rb28s", 1, &[record("s1", "gmina-1", "rb28s", 5)], Ends::default()).await.unwrap();
    assert!(again.submission("s1").await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_durable_is_asked_of_sqlite() {
    let (_dir, catalog) = catalog().await;
    for (pool, expected, name) in [(&catalog.writer, 2, "FULL"), (&catalog.projection, 1, "NORMAL")] {
        let mode = sqlx::query("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!(mode.get::<String, _>(0), "wal");
        let level = sqlx::query("PRAGMA synchronous").fetch_one(pool).await.unwrap();
        assert_eq!(level.get::<i64, _>(0), expected, "{name}");
    }
    let refused = sqlx::query("DELETE FROM organisations").execute(&catalog.readers).await;
    assert!(refused.is_err(), "readers cannot write");
}

#[tokio::test]
async fn pages_are_read_by_an_index() {
    let (_dir, catalog) = catalog().await;
    for (statement, index) in submissions::tests_support::pages() {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&catalog.readers)
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
    // Each commit would keep an index by which nobody reads.
    let unread = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%_by_time'";
    assert!(sqlx::query(unread).fetch_all(&catalog.readers).await.unwrap().is_empty());
}

#[test]
fn errors_name_their_reason() {
    assert_eq!(database_reason(&sqlx::Error::PoolTimedOut), Reason::Busy);
    assert_eq!(database_reason(&sqlx::Error::RowNotFound), Reason::Internal);
    let corrupt = CatalogError::Corrupt { what: "column hash".to_owned() };
    assert_eq!(corrupt.reason(), Reason::StorageCorrupt);
}

/// A submission of the model: publisher, dataset, second, whether it was refused.
fn any_submission() -> impl Strategy<Value = (u8, u8, i64, bool)> {
    (0_u8..3, 0_u8..2, 0_i64..5, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn paging_shows_each_once_newest_first(
        submissions in prop::collection::vec(any_submission(), 0..30),
        limit in 1_u32..6,
        publisher in 0_u8..3,
        dataset in prop::option::of(0_u8..2),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, catalog) = catalog().await;
            let mut expected = Vec::new();
            for (number, (of, set, second, is_refused)) in submissions.iter().enumerate() {
                let (of_name, set_name) = (format!("gmina-{of}"), format!("set{set}"));
                let id = format!("s{number:03}");
                if *is_refused {
                    catalog.put_ended(&refused(&id, &of_name, &set_name, *second)).await.unwrap();
                } else {
                    let version = number as u64 + 1;
                    let records = [record(&id, &of_name, &set_name, *second)];
                    catalog.apply(&set_name, version, &records, Ends::default()).await.unwrap();
                }
                if publisher == *of && dataset.is_none_or(|wanted| wanted == *set) {
                    expected.push((at(*second), id));
                }
            }
            expected.sort_by(|a, b| b.cmp(a));
            let mut filter = SubmissionFilter {
                publisher: format!("gmina-{publisher}"),
                dataset: dataset.map(|set| format!("set{set}")),
                limit,
                ..SubmissionFilter::default()
            };
            let mut seen = Vec::new();
            loop {
                let page = catalog.submissions(&filter).await.unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                filter.after = Some((last.created_at.timestamp_micros(), last.id.clone()));
                seen.extend(page.into_iter().map(|record| (record.created_at, record.id)));
            }
            assert_eq!(seen, expected);
        });
    }
}
