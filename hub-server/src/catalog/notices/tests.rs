//! A notice is made once, of what was taken, and never of what was taken anew.

use chrono::{DateTime, TimeDelta};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn pull(id: &str, version: u64) -> Pull {
    Pull {
        id: id.to_owned(),
        reader: "mf".to_owned(),
        dataset: "rb28s".to_owned(),
        columns: vec!["plan".to_owned()],
        filter: String::new(),
        version,
        place: format!("{version}.c"),
        taken_at: at(i64::try_from(version).unwrap()),
    }
}

fn notice(pull: &Pull, version: u64) -> Notice {
    Notice {
        id: format!("{}-{version}-{}", pull.id, pull.version),
        number: 0,
        pull: pull.id.clone(),
        reader: pull.reader.clone(),
        dataset: pull.dataset.clone(),
        publisher: "gmina-100201".to_owned(),
        period: "2022-Q4".to_owned(),
        partition: "2022-12-31".to_owned(),
        kind: "CORRECTED".to_owned(),
        submission: format!("s{version}"),
        cause: format!("s{version}"),
        taken_version: pull.version,
        taken_place: pull.place.clone(),
        taken_revision: 1,
        version,
        revision: 2,
        committed_at: at(10),
        columns: pull.columns.clone(),
        filter: pull.filter.clone(),
        counts: Some(RowCounts { inserted: 0, deleted: 0, updated: 3 }),
        state: "OPEN".to_owned(),
        note: String::new(),
        made_at: at(11),
        settled_at: None,
    }
}

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap();
    (dir, catalog)
}

async fn states(catalog: &Catalog) -> Vec<(u64, String)> {
    let datasets = ["rb28s".to_owned()];
    let filter = NoticeFilter { reader: "mf", datasets: &datasets, all: true, before: None, limit: 100 };
    let all = catalog.notices(&filter).await.unwrap();
    all.into_iter().map(|notice| (notice.version, notice.state)).collect()
}

#[tokio::test]
async fn a_notice_is_made_once_and_a_later_one_stands_in_its_place() {
    let (_dir, catalog) = catalog().await;
    let taken = pull("a", 2);
    catalog.put_pull(&taken, &[], 10).await.unwrap();
    for _ in 0..2 {
        let put = catalog.put_notices(("rb28s", "3.c"), &[notice(&taken, 3)], 10).await.unwrap();
        assert_eq!(put, Put::Done);
    }
    assert_eq!(states(&catalog).await, [(3, "OPEN".to_owned())]);
    assert_eq!(catalog.notice_places().await.unwrap()["rb28s"], "3.c");
    let report = ("gmina-100201", "2022-12-31");
    assert!(!catalog.was_told(&taken, report, "s3").await.unwrap());
    assert!(catalog.was_told(&taken, report, "s4").await.unwrap());
    catalog.put_notices(("rb28s", "4.c"), &[notice(&taken, 4)], 10).await.unwrap();
    assert_eq!(states(&catalog).await, [(4, "OPEN".to_owned()), (3, "SUPERSEDED".to_owned())]);
    // Only what is open or was said by its reader can be said otherwise.
    assert!(catalog.say_to_notice(("a-4-2", "mf"), ("PINNED", "ok"), at(12)).await.unwrap());
    assert!(!catalog.say_to_notice(("a-4-2", "mz"), ("PINNED", "ok"), at(12)).await.unwrap());
    assert!(!catalog.say_to_notice(("a-3-2", "mf"), ("PINNED", "ok"), at(12)).await.unwrap());
}

#[tokio::test]
async fn what_was_taken_anew_makes_a_notice_void_or_has_it_made_again() {
    let (_dir, catalog) = catalog().await;
    let (old, narrow) = (pull("a", 2), pull("b", 1));
    for taken in [&old, &narrow] {
        catalog.put_pull(taken, &[], 10).await.unwrap();
    }
    // Taken at or behind the correction meanwhile: void. Taken, but older still: to be held beside anew.
    catalog.put_pull(&pull("a", 3), &[], 10).await.unwrap();
    assert_eq!(catalog.put_notices(("rb28s", "3.c"), &[notice(&old, 3)], 10).await.unwrap(), Put::Done);
    assert_eq!(states(&catalog).await, []);
    assert_eq!(catalog.put_notices(("rb28s", "4.c"), &[notice(&old, 4)], 10).await.unwrap(), Put::Moved);
    assert_eq!(catalog.notice_places().await.unwrap()["rb28s"], "3.c", "nothing of it is written");
    let told = [notice(&pull("a", 3), 4), notice(&narrow, 4)];
    catalog.put_notices(("rb28s", "4.c"), &told, 10).await.unwrap();
    // A wider pull settles what the narrower ones were told.
    catalog.put_pull(&pull("a", 4), &["b".to_owned()], 10).await.unwrap();
    assert!(states(&catalog).await.iter().all(|(_, state)| state == "TAKEN_ANEW"));
    assert!(catalog.pulls_before("rb28s", 4).await.unwrap().is_empty());
    // An older pull takes nothing back.
    catalog.put_pull(&pull("a", 1), &[], 10).await.unwrap();
    assert_eq!(catalog.pulls_of("mf", "rb28s").await.unwrap().iter().map(|p| p.version).max(), Some(4));
}

#[tokio::test]
async fn pulls_and_notices_are_bounded_and_the_oldest_go() {
    let (_dir, catalog) = catalog().await;
    for (id, version) in [("a", 1), ("b", 2), ("c", 3)] {
        catalog.put_pull(&pull(id, version), &[], 2).await.unwrap();
    }
    let left: Vec<String> =
        catalog.pulls_of("mf", "rb28s").await.unwrap().into_iter().map(|pull| pull.id).collect();
    assert_eq!(left, ["b", "c"]);
    for version in 4..8 {
        let told = [notice(&pull("c", 3), version)];
        catalog.put_notices(("rb28s", "x"), &told, 2).await.unwrap();
    }
    assert_eq!(states(&catalog).await.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [7, 6]);
}
