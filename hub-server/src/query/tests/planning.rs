//! Planning over many live files: the index answers for whole segments, so that a file which is not read is not
//! looked at. `HUB_PLANNING_FILES=100000 cargo nextest run planning --no-capture` tells the times.

use std::sync::Arc;
use std::time::Instant;

use chrono::{Days, NaiveDate};

use super::fixture::Fixture;
use crate::query::{Scan, TableView};
use crate::store::Snapshot;
use crate::store::index::{Bound, ColumnStats, DataFile, FileIndex};

const PUBLISHERS: usize = 50;
/// Files unless the environment says another number: three segments.
const FILES: usize = 2_500;

fn day(number: usize) -> NaiveDate {
    NaiveDate::from_ymd_opt(2018, 1, 1).unwrap().checked_add_days(Days::new(number as u64)).unwrap()
}

/// A file of five rows that a publisher sent for a day. There are no such bytes.
fn file(number: usize) -> Arc<DataFile> {
    let (day, publisher) = (day(number / PUBLISHERS), format!("gmina-{:06}", number % PUBLISHERS));
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    let one = |bound: Bound| ColumnStats { min: Some(bound.clone()), max: Some(bound), nulls: 0 };
    let stats = [
        ("dzial", one(Bound::Text("600".into()))),
        ("jednostka_regon", one(Bound::Text(format!("{:09}", number % PUBLISHERS).into()))),
        ("_period_end", one(Bound::Date(i32::try_from(days).unwrap()))),
        ("_publisher", one(Bound::Text(publisher.as_str().into()))),
        ("_seq", one(Bound::Int64(number as i64))),
    ];
    Arc::new(DataFile {
        path: format!("d/{number:036}.parquet"),
        bytes: 3_000,
        rows: 5,
        sha256: "00".repeat(32),
        blocks: Default::default(),
        partition: day.to_string().into(),
        seqs: vec![number as i64],
        publishers: vec![publisher.into()],
        publisher_rows: vec![5],
        stats: stats.into_iter().collect(),
        partial: false,
    })
}

fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[tokio::test]
async fn planning_looks_at_what_it_reads() {
    let files = std::env::var_os("HUB_PLANNING_FILES")
        .map_or(FILES, |files| files.to_str().unwrap().parse().unwrap());
    let fixture = Fixture::new().await;
    let before = resident_bytes();
    let index = FileIndex::default().with([], (0..files).map(file)).unwrap();
    println!("{files} files: {} bytes each", resident_bytes().saturating_sub(before) / files);
    let newest = fixture.table.snapshot();
    let view = |publisher: Option<&str>| TableView {
        snapshot: Arc::new(Snapshot {
            folder: newest.folder.clone(),
            dataset: newest.dataset.clone(),
            schema: Arc::clone(&newest.schema),
            files: index.clone(),
            submissions: Arc::clone(&newest.submissions),
            erased: Arc::clone(&newest.erased),
            ..*newest
        }),
        ..fixture.view(publisher)
    };
    let middle = day(files / PUBLISHERS / 2);
    let of_day = format!("_period_end = DATE '{middle}'");
    let of_file = format!("{of_day} AND _publisher = 'gmina-000007'");
    let of_publisher = "_publisher = 'gmina-000007'".to_owned();
    let all = files as u64 * 5;
    for (name, filter, publisher, rows) in [
        ("all", None, None, all),
        ("one day", Some(of_day), None, all),
        ("one file", Some(of_file), None, all),
        ("one publisher", Some(of_publisher), None, all),
        ("a publisher sees", None, Some("gmina-000007"), all / PUBLISHERS as u64),
    ] {
        let scan = Scan { filter, ..Scan::default() };
        for pass in ["first", "second"] {
            let begun = Instant::now();
            let checked = fixture.engine.check(view(publisher), scan.clone()).await.unwrap();
            println!("{name}, {pass} time: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
            assert_eq!(checked.rows, rows, "{name}");
        }
    }
    let begun = Instant::now();
    let extent = index.extent();
    println!("extent: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
    assert_eq!((extent.publishers, extent.last_day), (PUBLISHERS, Some(day((files - 1) / PUBLISHERS))));
    println!(
        "with what is known of segments: {} bytes each",
        resident_bytes().saturating_sub(before) / files
    );
}
