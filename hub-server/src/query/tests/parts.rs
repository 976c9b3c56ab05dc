//! A state of the past whose rows lie in a file with those of later states.

use std::sync::Arc;

use hub_proto::Reason;

use super::fixture::{Fixture, Row, answer, collect, row, text};
use crate::query::{QueryError, Scan, TableView};
use crate::store::Snapshot;
use crate::store::index::{DataFile, FileIndex};

/// A merged file with the rows of four submissions in turn, of which the state means those of 1 and 3, and
/// behind it a file of its own.
async fn merged() -> Fixture {
    let fixture = Fixture::new().await;
    let of = |n: i128| -> Row {
        let (publisher, seq) = [("a", 1), ("b", 2), ("a", 3), ("c", 4)][usize::try_from(n / 5 % 4).unwrap()];
        row(publisher, seq, &format!("{:03}", n % 7), n)
    };
    fixture.commit(&[(0..120).map(of).collect()]).await;
    fixture.commit(&[(120..130).map(|n| row("b", 5, "900", n)).collect()]).await;
    fixture
}

fn meant(n: i128) -> bool {
    n >= 120 || n / 5 % 2 == 0
}

fn view(fixture: &Fixture, publisher: Option<&str>, rows: u64) -> TableView {
    let newest = fixture.table.snapshot();
    let files: Vec<Arc<DataFile>> = newest.files.iter().map(Arc::clone).collect();
    let part = DataFile {
        rows,
        seqs: vec![1, 3],
        publishers: vec!["a".into()],
        publisher_rows: vec![rows],
        stats: Default::default(),
        partial: true,
        ..(*files[0]).clone()
    };
    let snapshot = Snapshot {
        folder: newest.folder.clone(),
        dataset: newest.dataset.clone(),
        schema: Arc::clone(&newest.schema),
        files: FileIndex::default().with([], [Arc::new(part), Arc::clone(&files[1])]).unwrap(),
        submissions: Arc::clone(&newest.submissions),
        homes: 1,
        erased: Arc::default(),
        ..*newest
    };
    TableView { snapshot: Arc::new(snapshot), ..fixture.view(publisher) }
}

async fn scan(fixture: &Fixture, view: TableView, scan: Scan) -> Result<Vec<String>, QueryError> {
    collect(fixture.engine.scan(view, scan).await?).await.map(|batches| text(&batches))
}

async fn sql(fixture: &Fixture, publisher: Option<&str>, sql: &str) -> Vec<String> {
    let views = vec![view(fixture, publisher, 60)];
    answer(fixture.rows(views, sql).await.unwrap()).await.unwrap()
}

fn plans(filter: Option<&str>, offset: u64) -> Scan {
    Scan { columns: vec!["plan".to_owned()], filter: filter.map(str::to_owned), offset, ..Scan::default() }
}

fn grosze(numbers: impl Iterator<Item = i128>) -> Vec<String> {
    numbers.map(|n| format!("{}.{:02}", n / 100, n % 100)).collect()
}

#[tokio::test]
async fn only_the_rows_of_the_state_are_read() {
    let fixture = merged().await;
    let all = grosze((0..130).filter(|n| meant(*n)));
    for offset in [0, 1, 4, 5, 59, 60, 61, 69, 70, 100] {
        let rows = scan(&fixture, view(&fixture, None, 60), plans(None, offset)).await.unwrap();
        let expected = all.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        assert_eq!(rows, expected, "from {offset}");
    }
    let filtered = scan(&fixture, view(&fixture, None, 60), plans(Some("dzial = '003'"), 0)).await.unwrap();
    assert_eq!(filtered, grosze((0..120).filter(|n| meant(*n) && n % 7 == 3)));
    let of_another =
        scan(&fixture, view(&fixture, None, 60), plans(Some("_publisher = 'c'"), 0)).await.unwrap();
    assert_eq!(of_another, Vec::<String>::new());
}

#[tokio::test]
async fn statements_count_only_the_rows_of_the_state() {
    let fixture = merged().await;
    let figures = "SELECT count(*), min(plan), max(plan), count(DISTINCT _submission) FROM proba";
    assert_eq!(sql(&fixture, None, figures).await, ["70|0.00|1.29|3"]);
    assert_eq!(sql(&fixture, None, "SELECT plan FROM proba WHERE dzial < '900' LIMIT 1000").await.len(), 60);
    assert_eq!(sql(&fixture, None, "SELECT plan FROM proba LIMIT 7").await.len(), 7);
    assert_eq!(sql(&fixture, Some("a"), figures).await, ["60|0.00|1.14|2"]);
    assert_eq!(sql(&fixture, Some("b"), figures).await, ["10|1.20|1.29|1"]);
    assert_eq!(sql(&fixture, Some("c"), "SELECT count(*) FROM proba").await, ["0"]);
}

#[tokio::test]
async fn a_file_that_lacks_rows_of_the_state_is_damage() {
    let fixture = merged().await;
    let error = scan(&fixture, view(&fixture, None, 61), plans(None, 0)).await.unwrap_err();
    assert_eq!(error.reason(), Reason::StorageCorrupt, "{error}");
}
