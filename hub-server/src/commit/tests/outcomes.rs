//! What the sender hears when the disk fails, and what is true afterwards.

use std::io::ErrorKind;

use hub_proto::Reason;

use super::harness::{House, Push, oracle, push};
use crate::commit::CommitError;
use crate::commit::queue::Answer;
use crate::store::disk::sim::{Fault, Op, SimDisk};

fn fault(op: Op, path: &str, error: ErrorKind, after_effect: bool) -> Fault {
    Fault { op, path: path.into(), skip: 0, error, after_effect }
}

/// Commits one push directly, then meets faults with a second one, then sends that one again.
async fn meet(faults: &[Fault]) -> (House, Vec<Push>, Answer, Answer) {
    let disk = SimDisk::new();
    let house = House::open(&disk, true).await.unwrap();
    let mut putter = house.putter();
    let pushes = vec![push(1, "a", &[("u1", 2), ("u2", 1)]), push(2, "b", &[("u1", 3)])];
    let mut commit = async |push: &Push| {
        let (item, answer) = house.item(push).await;
        let end = tokio::task::block_in_place(|| putter.commit(vec![item], None));
        assert!(end.back.is_empty());
        answer.await.unwrap()
    };
    commit(&pushes[0]).await.unwrap();
    faults.iter().for_each(|fault| disk.fail(fault.clone()));
    let hurt = commit(&pushes[1]).await;
    assert_eq!(disk.faults_left(), 0, "all faults were met");
    let again = commit(&pushes[1]).await;
    (house, pushes, hurt, again)
}

/// After the story both pushes are there exactly once, whatever was answered in between.
async fn whole(house: House, pushes: &[Push]) {
    let log = house.log();
    assert_eq!(log.iter().map(|entry| entry.info.submissions.len()).sum::<usize>(), 2);
    assert_eq!(house.rows(), oracle(&log, pushes));
    let mentioned: usize = log.iter().map(|entry| entry.adds.len()).sum();
    assert_eq!(house.data_files().len(), mentioned, "nothing is left behind");
    let state = house.context.state().clone();
    let fresh = House::open(&house.killed(), true).await.unwrap();
    assert_eq!(*fresh.context.state(), state);
    assert_eq!(fresh.rows(), oracle(&log, pushes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_happened_and_told_an_error_is_done() {
    for error in [ErrorKind::Other, ErrorKind::TimedOut, ErrorKind::AlreadyExists] {
        let (house, pushes, hurt, again) = meet(&[fault(Op::Rename, "_delta_log", error, true)]).await;
        assert_eq!(hurt.unwrap(), again.unwrap(), "{error}");
        whole(house, &pushes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_did_not_happen_is_refused_and_leaves_the_state() {
    let journal = [(Op::Append, "journal"), (Op::SyncFile, "journal")];
    let log = [Op::Rename, Op::Create, Op::Append].map(|op| (op, "_delta_log"));
    for (op, path) in journal.into_iter().chain(log) {
        let (house, pushes, hurt, again) = meet(&[fault(op, path, ErrorKind::Other, false)]).await;
        assert_eq!(hurt.unwrap_err().reason(), Reason::Internal, "{op:?} {path}");
        assert!(!again.unwrap().unchanged);
        whole(house, &pushes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_the_job_and_leaves_nothing() {
    for (op, path) in [
        (Op::Create, "/d/"),
        (Op::Append, "/d/"),
        (Op::Append, "journal"),
        (Op::SyncFile, "journal"),
        (Op::Create, "_delta_log"),
        (Op::Append, "_delta_log"),
    ] {
        let (house, pushes, hurt, again) = meet(&[fault(op, path, ErrorKind::StorageFull, false)]).await;
        assert_eq!(hurt.unwrap_err().reason(), Reason::StorageFull, "{op:?} {path}");
        assert_eq!(again.unwrap().revision, 1);
        whole(house, &pushes).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_cannot_be_known_is_found_out_before_the_next_group() {
    // The record is written, not known to be durable, and twice it cannot be taken back.
    let sync = fault(Op::SyncFile, "journal", ErrorKind::Other, false);
    let cut = fault(Op::Truncate, "journal", ErrorKind::Other, false);
    let (house, pushes, hurt, again) = meet(&[sync, cut.clone(), cut]).await;
    assert!(matches!(hurt, Err(CommitError::OutcomeUnknown { .. })), "{hurt:?}");
    let again = again.unwrap();
    assert_eq!((again.id.as_str(), again.revision, again.unchanged), ("s2", 1, false));
    whole(house, &pushes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_is_planned_again_on_what_the_rival_left() {
    let disk = SimDisk::new();
    let house = House::open(&disk, true).await.unwrap();
    let mut putter = house.putter();
    let first = push(1, "a", &[("u1", 2), ("u2", 1)]);
    let (item, answer) = house.item(&first).await;
    tokio::task::block_in_place(|| putter.commit(vec![item], None));
    answer.await.unwrap().unwrap();
    // The rival opened the folder before, and corrects a slice of the same publisher.
    let rival = House::open(&disk.killed(), true).await.unwrap();
    let theirs = push(7, "a", &[("u1", 5)]);
    let (item, answer) = rival.item(&theirs).await;
    let prepared =
        tokio::task::block_in_place(|| crate::commit::prepare::prepare(&rival.context, vec![item]));
    let mut rival_putter = rival.putter();
    tokio::task::block_in_place(|| rival_putter.commit(Vec::new(), prepared));
    answer.await.unwrap().unwrap();

    let behind = House::behind(&rival, 1).await;
    let ours = Push { parent: Some(1), ..push(8, "a", &[("u2", 4)]) };
    let other = push(9, "b", &[("u1", 1)]);
    let mut behind_putter = behind.putter();
    let (moved, moved_answer) = behind.item(&ours).await;
    let (appended, appended_answer) = behind.item(&other).await;
    let prepared =
        tokio::task::block_in_place(|| crate::commit::prepare::prepare(&behind.context, vec![moved]));
    let end = tokio::task::block_in_place(|| behind_putter.commit(vec![appended], prepared));
    let refused = moved_answer.await.unwrap().unwrap_err();
    assert!(matches!(refused, CommitError::RevisionMoved { seen: 1, current: 2, .. }), "{refused}");
    assert_eq!(appended_answer.await.unwrap().unwrap().dataset_version, 3);
    assert_eq!(end.projected.len(), 2, "the rival's commit goes to the projection too");
    assert_eq!(behind.rows(), oracle(&behind.log(), &[first, theirs, ours, other]));
}
