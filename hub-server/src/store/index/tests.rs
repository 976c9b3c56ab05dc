use std::sync::Arc;

use super::{DataFile, FileIndex, SEGMENT_FILES};

fn file(number: usize) -> Arc<DataFile> {
    Arc::new(DataFile {
        path: format!("d/{number}.parquet"),
        bytes: 1,
        rows: 3,
        sha256: String::new(),
        blocks: Default::default(),
        partition: "p".into(),
        seqs: vec![],
        publishers: vec![],
        publisher_rows: vec![],
        partial: false,
        stats: Default::default(),
    })
}

#[test]
fn a_commit_shares_all_segments_that_it_does_not_touch() {
    let many = FileIndex::default().with([], (0..5 * SEGMENT_FILES).map(file)).unwrap();
    let next = many.with(["d/1500.parquet"], [file(90_000)]).unwrap();
    let shared: Vec<bool> =
        many.segments.iter().zip(&next.segments).map(|(a, b)| Arc::ptr_eq(a, b)).collect();
    assert_eq!(shared, [true, false, true, true, true]);
    assert_eq!((many.len(), many.rows()), (5 * SEGMENT_FILES, 15 * SEGMENT_FILES as u64));
    assert_eq!((next.len(), next.rows()), (many.len(), many.rows()));
    assert!(many.get("d/1500.parquet").is_some() && next.get("d/1500.parquet").is_none());
    let order: Vec<_> = next.iter().map(|f| f.path.clone()).collect();
    assert_eq!(order[1_499..1_501], ["d/1499.parquet", "d/1501.parquet"]);
    assert_eq!(order.last().unwrap(), "d/90000.parquet");
}

#[test]
fn a_publisher_counts_its_own_rows_alone() {
    let shared = DataFile {
        rows: 9,
        publishers: vec!["a".into(), "b".into()],
        publisher_rows: vec![2, 7],
        partial: false,
        ..(*file(1)).clone()
    };
    assert_eq!(["a", "b", "c"].map(|publisher| shared.rows_of(publisher)), [2, 7, 0]);
    let uncounted = DataFile { publisher_rows: vec![], ..shared.clone() };
    assert_eq!(uncounted.rows_of("a"), 0, "the file of an early hub tells nothing");
    let own = DataFile { publishers: vec!["a".into()], ..uncounted };
    assert_eq!(own.rows_of("a"), 9);
}

#[test]
fn a_remove_of_nothing_and_a_second_add_are_refused() {
    let one = FileIndex::default().with([], [file(1)]).unwrap();
    assert_eq!(one.with(["d/2.parquet"], []).unwrap_err(), "d/2.parquet");
    assert_eq!(one.with([], [file(1)]).unwrap_err(), "d/1.parquet");
    let none = one.with(["d/1.parquet"], []).unwrap();
    assert_eq!((none.len(), none.rows(), none.segments.len()), (0, 0, 0));
}
