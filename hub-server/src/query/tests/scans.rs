use super::fixture::{Fixture, Row, row};
use crate::query::Scan;

/// Three files whose rows are not sorted by any column.
async fn three_files() -> Fixture {
    let fixture = Fixture::new().await;
    let rows = |from: i128, publisher, seq| -> Vec<Row> {
        (from..from + 40).map(|n| row(publisher, seq, &format!("{}", (n * 37) % 101), n)).collect()
    };
    fixture.commit(&[rows(0, "a", 1), rows(40, "b", 2)]).await;
    fixture.commit(&[rows(80, "a", 3)]).await;
    fixture
}

#[tokio::test]
async fn rows_come_in_the_order_of_files_and_a_resume_goes_on() {
    let fixture = three_files().await;
    for publisher in [None, Some("a")] {
        let whole = fixture.scan(publisher, Scan::default()).await.unwrap();
        let plans: Vec<i64> =
            whole.iter().map(|r| r.split('|').nth(2).unwrap().replace('.', "").parse().unwrap()).collect();
        assert!(plans.is_sorted(), "{plans:?}");
        for offset in [0, 1, 39, 40, 41, 79, 80, 119, 120, 500] {
            let rest = fixture.scan(publisher, Scan { offset, ..Scan::default() }).await.unwrap();
            let expected = whole.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
            assert_eq!(rest, expected, "{publisher:?} from {offset}");
        }
    }
}

#[tokio::test]
async fn a_filtered_scan_resumes_too() {
    let fixture = three_files().await;
    let scan = |offset| Scan {
        columns: vec!["plan".to_owned(), "_submission".to_owned()],
        filter: Some("dzial > '5' AND _publisher <> 'b'".to_owned()),
        offset,
        ..Scan::default()
    };
    let whole = fixture.scan(None, scan(0)).await.unwrap();
    assert!(whole.len() > 10 && whole.len() < 80, "{}", whole.len());
    for offset in 0..whole.len() {
        assert_eq!(fixture.scan(None, scan(offset as u64)).await.unwrap(), whole[offset..]);
    }
}

#[tokio::test]
async fn columns_come_in_the_asked_order() {
    let fixture = three_files().await;
    let scan = Scan { columns: vec!["_revision".into(), "plan".into(), "dzial".into()], ..Scan::default() };
    assert_eq!(fixture.scan(None, scan).await.unwrap()[1], "2|0.01|37");
}

#[tokio::test]
async fn a_check_tells_columns_and_rows_without_reading() {
    let fixture = three_files().await;
    let scan = Scan { columns: vec!["plan".into()], filter: Some("plan > 1".into()), ..Scan::default() };
    let checked = fixture.engine.check(fixture.view(None), scan).await.unwrap();
    assert_eq!((checked.columns, checked.rows, checked.files), (vec!["plan".to_owned()], 120, 3));
}
