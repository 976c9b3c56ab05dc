//! The committer as senders meet it: order, groups, answers, time, room.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hub_proto::Reason;

use super::harness::{House, Push, oracle, push};
use crate::commit::closing::closing;
use crate::commit::committer::Committer;
use crate::commit::error::DroppedSlice;
use crate::commit::queue::{Claims, Room};
use crate::commit::{CommitError, CommitJob};
use crate::store::disk::sim::SimDisk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_wait_together_are_one_commit_and_one_file() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let pushes = [push(1, "b", &[("u1", 2)]), push(2, "a", &[("u1", 1)]), push(3, "a", &[("u2", 1)])];
    let (queue, queued) = tokio::sync::mpsc::channel(16);
    let (commits, mut committed) = tokio::sync::mpsc::channel(16);
    let mut answers = Vec::new();
    for push in &pushes {
        let (item, answer) = house.item(push).await;
        queue.send(item).await.unwrap();
        answers.push(answer);
    }
    drop(queue);
    // The committer starts when all wait: the first two go together, the second of a key comes after.
    let committer =
        Committer::new(Arc::clone(&house.context), queued, commits, house.maintenance(), closing().1);
    committer.run(house.putter()).await;
    let mut revisions = Vec::new();
    for answer in answers {
        let committed = answer.await.unwrap().unwrap();
        revisions.push((committed.dataset_version, committed.revision));
    }
    assert_eq!(revisions, [(1, 1), (1, 1), (2, 2)]);
    let log = house.log();
    assert_eq!((log[1].adds.len(), log[1].adds[0].publishers.clone()), (1, vec!["a".into(), "b".into()]));
    assert_eq!(house.rows(), oracle(&log, &pushes));
    let mut versions = Vec::new();
    while let Some(next) = committed.recv().await {
        versions.push((next.log_version, next.records().count()));
    }
    assert_eq!(versions, [(1, 2), (2, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_jobs_bring_their_files_and_lose_them_when_they_are_refused() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task) = house.committer();
    let big = Push { big: true, ..push(1, "a", &[("u1", 4), ("u2", 3), ("u3", 1)]) };
    assert_eq!(house.send(&queue, &big).await.unwrap().rows, 8);
    assert_eq!(house.data_files().len(), 3);
    // The correction of one unit touches only the file of that unit.
    let correction = Push { big: true, ..push(2, "a", &[("u2", 5)]) };
    let committed = house.send(&queue, &correction).await.unwrap();
    assert_eq!(committed.carried, ["u1", "u3"]);
    let last = house.log().pop().unwrap();
    assert_eq!((last.removes.len(), last.adds.len()), (1, 1));
    let refused = Push { big: true, parent: Some(1), ..push(3, "a", &[("u1", 1)]) };
    let error = house.send(&queue, &refused).await.unwrap_err();
    assert!(matches!(error, CommitError::RevisionMoved { seen: 1, current: 2, .. }), "{error}");
    assert_eq!(house.data_files().len(), 4, "the refused file is gone, the history stays");
    assert_eq!(house.rows(), oracle(&house.log(), &[big, correction]));
    drop(queue);
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_names_the_slices_and_their_rows() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task) = house.committer();
    let first = push(1, "a", &[("u1", 4), ("u2", 3)]);
    house.send(&queue, &first).await.unwrap();
    let nothing = Push { nothing: true, units: Default::default(), ..push(2, "a", &[]) };
    let error = house.send(&queue, &nothing).await.unwrap_err();
    assert_eq!(error.reason(), Reason::DeletionUnconfirmed);
    let CommitError::DeletionUnconfirmed { drops, .. } = &error else { panic!("{error}") };
    let drop_of = |slice: &str, rows| DroppedSlice { slice: slice.into(), rows };
    assert_eq!(*drops, [drop_of("u1", 4), drop_of("u2", 3)]);
    assert!(error.to_string().contains("7 rows in 2 slices: `u1` (4 rows), `u2` (3 rows)"), "{error}");
    let confirmed = house.send(&queue, &Push { confirm: true, ..nothing.clone() }).await.unwrap();
    assert_eq!((confirmed.revision, confirmed.rows, confirmed.dropped.len()), (2, 0, 2));
    assert_eq!(house.rows(), []);
    // A school that reports after all: the empty revision is superseded by it.
    let late = push(3, "a", &[("u1", 1)]);
    assert_eq!(house.send(&queue, &late).await.unwrap().revision, 3);
    drop(queue);
    let projected = task.await.unwrap();
    let superseded: Vec<_> = projected.into_iter().map(|commit| commit.superseded).collect();
    assert_eq!(superseded, [vec![], vec!["s1".to_owned()], vec!["s2".to_owned()]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_same_answer_also_after_a_restart() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task) = house.committer();
    let first = push(1, "a", &[("u1", 4)]);
    // Two at once under one request id: the second waits for the first, and gets its answer.
    let twin = Push { id: "twin".into(), seq: 5, content: 1, ..first.clone() };
    let (one, two) = tokio::join!(house.send(&queue, &first), house.send(&queue, &twin));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two);
    house.send(&queue, &push(2, "a", &[("u1", 1)])).await.unwrap();
    let other = Push { request_id: "r1".into(), ..push(3, "a", &[("u1", 9)]) };
    assert_eq!(house.send(&queue, &other).await.unwrap_err().reason(), Reason::RequestIdReused);
    drop(queue);
    task.await.unwrap();

    let house = House::open(&house.killed(), true).await.unwrap();
    let (queue, _task) = house.committer();
    let again = Push { id: "again".into(), seq: 6, content: 1, ..first };
    assert_eq!(house.send(&queue, &again).await.unwrap(), one, "also though it is not current any more");
    assert_eq!(house.context.state().largest_seq(), 2, "nothing was committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_grow_although_the_clock_jumps_back() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, _task) = house.committer();
    let start = house.clock.0.load(Ordering::SeqCst);
    let mut times = Vec::new();
    for (seq, jump) in [(1, 0), (2, -3_600_000_000), (3, 0), (4, 7_200_000_000), (5, -1)] {
        house.clock.0.fetch_add(jump, Ordering::SeqCst);
        let committed = house.send(&queue, &push(seq, "a", &[("u1", 1)])).await.unwrap();
        times.push(committed.committed_at.timestamp_micros());
    }
    let end = start + 3_600_000_000;
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    // Version 0 has the time of the machine, which is later than that of the test.
    let made = house.log()[0].info.committed_at.timestamp_micros();
    assert!(times[0] == start.max(made + 1) && times[3] >= end, "{times:?}");
}

#[tokio::test]
async fn a_full_queue_says_busy_until_there_is_room() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let job: CommitJob = push(1, "a", &[("u1", 4)]).job(&house.context.files);
    let room = Room::new("rb28s_v1", 2, 1024 * 1024);
    let (one, _two) = (room.take(&job).unwrap(), room.take(&job).unwrap());
    let error = room.take(&job).unwrap_err();
    assert_eq!(error.reason(), Reason::Busy);
    assert!(error.to_string().contains("2 submissions"), "{error}");
    drop(one);
    room.take(&job).unwrap();

    let huge: CommitJob = CommitJob { report: "x".repeat(3 * 1024 * 1024), ..job };
    let room = Room::new("rb28s_v1", 2, 1024 * 1024);
    let alone = room.take(&huge).unwrap();
    assert!(room.take(&huge).unwrap_err().to_string().contains("1 MiB"));
    drop(alone);
    room.take(&huge).unwrap();
}

#[tokio::test]
async fn a_claim_is_free_again_when_its_job_is_gone() {
    let claims = Arc::new(Claims::default());
    let first = claims.claim("a", "r1").await;
    let _other_caller = claims.claim("b", "r1").await;
    let (_none, _none_either) = (claims.claim("a", "").await, claims.claim("a", "").await);
    let mut second = std::pin::pin!(claims.claim("a", "r1"));
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    assert!(futures::poll!(&mut second).is_ready());
}
