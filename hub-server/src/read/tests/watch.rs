//! Watches: nothing is left out, whenever the watcher was there.

use std::time::Duration;

use futures::StreamExt as _;
use hub_proto::Reason;

use super::{fixture, ministry, reads, rows};
use crate::permit::{Rows, for_tests};
use crate::read::Watched;
use crate::read::watch::Pace;

fn version(told: &Watched) -> Option<u64> {
    told.version.as_ref().map(|version| version.version)
}

#[tokio::test]
async fn a_watch_tells_what_was_and_what_comes() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let mut watch = reads.watch(&[ministry()], "proba:1.c1").await.unwrap();
    let mut next = async || watch.next().await.unwrap().unwrap();
    let first = next().await;
    assert_eq!((version(&first), first.cursor.as_str()), (None, "proba:1.c1"));
    let second = next().await;
    assert_eq!((version(&second), second.cursor.as_str()), (Some(2), "proba:2.c2"));
    let told = second.version.unwrap().revisions;
    assert_eq!(told.iter().map(|r| r.publisher.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    fixture.commit(&[rows(90, "c", 4)]).await;
    fixture.commit(&[rows(120, "b", 5)]).await;
    assert_eq!(version(&next().await), Some(3));
    assert_eq!(version(&next().await), Some(4));

    // Who was away goes on; who names no place is told what comes from now on.
    let again = reads.watch(&[ministry()], "proba:2.c2").await.unwrap();
    let told: Vec<_> = again.take(3).map(|told| version(&told.unwrap())).collect().await;
    assert_eq!(told, [None, Some(3), Some(4)]);
    let mut fresh = reads.watch(&[ministry()], "").await.unwrap();
    assert_eq!(fresh.next().await.unwrap().unwrap().cursor, "proba:4.c4");
    fixture.commit(&[rows(150, "a", 6)]).await;
    assert_eq!(version(&fresh.next().await.unwrap().unwrap()), Some(5));

    // A publisher is not told what others sent.
    let own = for_tests::read("b", "proba", &["plan"], Rows::Of("b".into()));
    let own = reads.watch(&[own], "proba:0").await.unwrap();
    let told: Vec<_> = own.take(3).map(|told| version(&told.unwrap())).collect().await;
    assert_eq!(told, [None, Some(2), Some(4)]);
    for (cursor, reason) in [("proba", Reason::RequestInvalid), ("proba:1.other", Reason::CursorUnknown)] {
        assert_eq!(reads.watch(&[ministry()], cursor).await.err().unwrap().reason(), reason);
    }
}

#[tokio::test]
async fn a_quiet_watch_says_that_the_hub_lives_and_ends_in_time() {
    let fixture = fixture().await;
    let reads = reads(&fixture).await;
    let pace = Pace { alive: Duration::from_millis(1), life: Duration::from_millis(40) };
    let watch = reads.watch_at(&[ministry()], "", pace).await.unwrap();
    let told: Vec<_> = watch.map(|told| version(&told.unwrap())).collect().await;
    assert!(told.len() > 2 && told.iter().all(Option::is_none), "{} messages", told.len());
}
