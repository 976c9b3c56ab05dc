//! Small pushes that share a dataset version: acknowledged ahead of the log, read once somebody asks.

use std::io::ErrorKind;
use std::time::Duration;

use hub_proto::Reason;

use super::harness::{House, Push, blocking, oracle, push};
use crate::commit::CommitError;
use crate::commit::prepare::prepare;
use crate::commit::put::{GroupEnd, Putter};
use crate::commit::queue::Answer;
use crate::config::limits::OPEN_VERSION_ROWS;
use crate::store::disk::sim::{Fault, Op, SimDisk};

/// Longer than any test: only who asks closes a version.
const LONG: Duration = Duration::from_secs(3_600);

fn three() -> [Push; 3] {
    [push(1, "a", &[("u1", 2), ("u2", 1)]), push(2, "b", &[("u1", 3)]), push(3, "c", &[("u9", 1)])]
}

async fn commit(house: &House, putter: &mut Putter, push: &Push) -> Answer {
    let (item, answer) = house.item(push).await;
    let end = blocking(|| putter.commit(vec![item], None));
    assert!(end.back.is_empty());
    answer.await.unwrap()
}

fn close(putter: &mut Putter) -> Result<(), CommitError> {
    blocking(|| putter.close(&mut GroupEnd::default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_share_a_version_that_the_first_reader_closes() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task, asking) = house.committer_with(LONG);
    let mut answers = Vec::new();
    for push in &three() {
        answers.push(house.send(&queue, push).await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer.dataset_version == 1));
    assert_eq!(house.rows(), [], "nothing can be read yet");
    // Who sends again is answered out of the open version.
    assert_eq!(house.send(&queue, &three()[1]).await.unwrap(), answers[1]);
    let same = Push { id: "s9".into(), request_id: "r9".into(), seq: 9, content: 3, ..three()[2].clone() };
    let unchanged = house.send(&queue, &same).await.unwrap();
    assert_eq!((unchanged.unchanged, unchanged.id.as_str()), (true, "s3"));

    let acknowledged = house.context.state().log_version();
    asking.reaches(acknowledged).await.unwrap();
    let log = house.log();
    assert_eq!((log.len(), log[1].info.submissions.len(), log[1].adds.len()), (2, 3, 1));
    assert_eq!(house.rows(), oracle(&log, &three()));
    assert_eq!(house.send(&queue, &three()[1]).await.unwrap(), answers[1], "the log says the same");
    drop(queue);
    assert_eq!(task.await.unwrap().len(), 1, "one commit for the projection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_revision_is_another_version() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let (queue, task, _asking) = house.committer_with(LONG);
    let corrected = push(4, "a", &[("u2", 5)]);
    let more = push(5, "b", &[("u7", 1)]);
    for push in &three() {
        house.send(&queue, push).await.unwrap();
    }
    let answer = house.send(&queue, &corrected).await.unwrap();
    assert_eq!(
        (answer.dataset_version, answer.revision, &answer.carried[..]),
        (2, 2, &["u1".to_owned()][..])
    );
    // It adds a slice and takes nothing away, but it is the second revision of its publisher's period.
    let answer = house.send(&queue, &more).await.unwrap();
    assert_eq!((answer.dataset_version, answer.revision), (3, 2));
    drop(queue);
    task.await.unwrap();
    assert_eq!(house.rows(), oracle(&house.log(), &[three().to_vec(), vec![corrected, more]].concat()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_closes_a_version_that_nobody_asks_for() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut newest = house.context.files.table().subscribe();
    let (queue, task, _asking) = house.committer_with(Duration::from_millis(5));
    house.send(&queue, &three()[0]).await.unwrap();
    newest.wait_for(|snapshot| snapshot.dataset_version == 1).await.unwrap();
    house.send(&queue, &three()[1]).await.unwrap();
    drop(queue);
    task.await.unwrap();
    assert_eq!(house.rows(), oracle(&house.log(), &three()), "the end closes what is open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_holds_no_more_rows_than_its_bound() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter_with(LONG).unwrap();
    let rows = u64::try_from(OPEN_VERSION_ROWS).unwrap() / 2 + 1;
    let pushes = [push(1, "a", &[("u1", rows)]), push(2, "b", &[("u1", rows)]), push(3, "c", &[("u1", 1)])];
    for (push, version) in pushes.iter().zip([1, 2, 2]) {
        assert_eq!(commit(&house, &mut putter, push).await.unwrap().dataset_version, version);
    }
    close(&mut putter).unwrap();
    let files: Vec<usize> = house.log().iter().map(|entry| entry.adds.len()).collect();
    assert_eq!(files, [0, 1, 1]);
    assert_eq!(house.rows(), oracle(&house.log(), &pushes));
}

/// A full version becomes a file while the next is filled; it is in the log once that one is full too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_version_is_encoded_beside_the_next() {
    let pushes: Vec<Push> = (1..=4).map(|n| push(n, &format!("p{n}"), &[("u1", 5)])).collect();
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter_with(LONG).unwrap().bounded(6);
    for (push, in_log) in pushes.iter().zip([0, 0, 1, 2]) {
        let version = commit(&house, &mut putter, push).await.unwrap().dataset_version;
        assert_eq!(version, push.seq.cast_unsigned());
        assert_eq!(house.context.files.table().snapshot().dataset_version, in_log);
        // Who sends again is answered out of any of the open versions.
        for earlier in &pushes[..usize::try_from(push.seq).unwrap()] {
            let again = commit(&house, &mut putter, earlier).await.unwrap();
            assert_eq!(again.dataset_version, earlier.seq.cast_unsigned());
        }
    }
    let state = house.context.state().clone();
    let started = House::open(&house.disk.killed(), true).await.unwrap();
    drop(started.putter_with(LONG).unwrap());
    assert_eq!(started.rows(), oracle(&started.log(), &pushes));
    let versions: Vec<u64> = started.log().iter().map(|entry| entry.info.dataset_version).collect();
    assert_eq!(versions, [0, 1, 2, 3, 4], "a start keeps what was told");
    // A correction of what is in a full version waits for both.
    let correction = push(9, "p3", &[("u1", 2)]);
    let (item, answer) = house.item(&correction).await;
    let back = blocking(|| putter.commit(vec![item], None)).back;
    let prepared = blocking(|| prepare(&house.context, back));
    blocking(|| putter.commit(Vec::new(), prepared));
    assert_eq!(answer.await.unwrap().unwrap().dataset_version, 5);
    assert_eq!(house.rows(), oracle(&house.log(), &[pushes, vec![correction]].concat()));
    assert_ne!(*house.context.state(), state);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_version_that_cannot_be_put_stays_and_is_put_later() {
    let pushes: Vec<Push> = (1..=3).map(|n| push(n, &format!("p{n}"), &[("u1", 5)])).collect();
    let disk = SimDisk::new();
    let house = House::open(&disk, true).await.unwrap();
    let mut putter = house.putter_with(LONG).unwrap().bounded(6);
    commit(&house, &mut putter, &pushes[0]).await.unwrap();
    commit(&house, &mut putter, &pushes[1]).await.unwrap();
    disk.fail(fault(Op::Rename, "_delta_log", ErrorKind::StorageFull));
    let refused = commit(&house, &mut putter, &pushes[2]).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::StorageFull);
    commit(&house, &mut putter, &pushes[2]).await.unwrap();
    close(&mut putter).unwrap();
    assert_eq!(house.rows(), oracle(&house.log(), &pushes));
    assert_eq!(house.data_files().len(), 3, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_takes_up_what_was_acknowledged() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter_with(LONG).unwrap();
    let mut answers = Vec::new();
    for push in &three() {
        answers.push(commit(&house, &mut putter, push).await.unwrap());
    }
    let house = House::open(&house.killed(), true).await.unwrap();
    assert_eq!(house.rows(), []);
    let mut putter = house.putter_with(LONG).unwrap();
    assert_eq!(house.rows(), oracle(&house.log(), &three()));
    let projected = house.projected.lock().unwrap().back().map(|commit| commit.records().count());
    assert_eq!(projected, Some(3));
    for (push, answer) in three().iter().zip(&answers) {
        assert_eq!(&commit(&house, &mut putter, push).await.unwrap(), answer);
    }
    let house = House::open(&house.killed(), true).await.unwrap();
    let (state, recovered) = (house.context.state().clone(), house.putter_with(LONG).unwrap());
    drop(recovered);
    assert_eq!(*house.context.state(), state);
    assert_eq!(house.log().len(), 2, "what is in the log is not taken up again");
}

fn fault(op: Op, path: &str, error: ErrorKind) -> Fault {
    Fault { op, path: path.into(), skip: 0, error, after_effect: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_fails_is_refused_and_leaves_nothing() {
    for op in [Op::Append, Op::SyncFile] {
        let disk = SimDisk::new();
        let house = House::open(&disk, true).await.unwrap();
        let mut putter = house.putter_with(LONG).unwrap();
        commit(&house, &mut putter, &three()[0]).await.unwrap();
        disk.fail(fault(op, ".ahead", ErrorKind::StorageFull));
        let refused = commit(&house, &mut putter, &three()[1]).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::StorageFull, "{op:?}");
        commit(&house, &mut putter, &three()[2]).await.unwrap();
        commit(&house, &mut putter, &three()[1]).await.unwrap();
        let house = House::open(&house.killed(), true).await.unwrap();
        house.putter_with(LONG).unwrap();
        assert_eq!(house.rows(), oracle(&house.log(), &three()), "{op:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_put_before_a_record_of_unknown_outcome_is_cut_off() {
    let disk = SimDisk::new();
    let house = House::open(&disk, true).await.unwrap();
    let mut putter = house.putter_with(LONG).unwrap();
    commit(&house, &mut putter, &three()[0]).await.unwrap();
    disk.fail(fault(Op::SyncFile, ".ahead", ErrorKind::Other));
    disk.fail(fault(Op::Truncate, ".ahead", ErrorKind::Other));
    let unknown = commit(&house, &mut putter, &three()[1]).await.unwrap_err();
    assert!(matches!(unknown, CommitError::OutcomeUnknown { .. }), "{unknown}");
    disk.fail(fault(Op::Truncate, ".ahead", ErrorKind::Other));
    assert!(close(&mut putter).is_err());
    close(&mut putter).unwrap();
    let again = commit(&house, &mut putter, &three()[1]).await.unwrap();
    assert_eq!((again.id.as_str(), again.dataset_version), ("s2", 2));
    close(&mut putter).unwrap();
    assert_eq!(house.rows(), oracle(&house.log(), &three()));
    assert_eq!(house.log().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_cannot_be_closed_stays_open_and_loses_nothing() {
    for (op, path) in [(Op::Append, "/d/"), (Op::Append, ".journal"), (Op::Rename, "_delta_log")] {
        let disk = SimDisk::new();
        let house = House::open(&disk, true).await.unwrap();
        let mut putter = house.putter_with(LONG).unwrap();
        commit(&house, &mut putter, &three()[0]).await.unwrap();
        disk.fail(fault(op, path, ErrorKind::StorageFull));
        assert_eq!(close(&mut putter).unwrap_err().reason(), Reason::StorageFull, "{op:?} {path}");
        commit(&house, &mut putter, &three()[1]).await.unwrap();
        // A correction needs the version closed, and is refused while that fails.
        disk.fail(fault(op, path, ErrorKind::StorageFull));
        let correction = push(4, "a", &[("u1", 7)]);
        let refused = commit(&house, &mut putter, &correction).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::StorageFull);
        close(&mut putter).unwrap();
        assert_eq!(house.rows(), oracle(&house.log(), &three()), "{op:?} {path}");
        assert_eq!(house.data_files().len(), 1, "nothing is left behind");
        let state = house.context.state().clone();
        let fresh = House::open(&house.killed(), true).await.unwrap();
        assert_eq!(*fresh.context.state(), state);
    }
}
