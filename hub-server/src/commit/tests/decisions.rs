//! What a job does to a state, without a disk.

use hub_datasets::check::standing::SliceFacts;

use super::harness::{House, Push, push, shape};
use crate::commit::CommitJob;
use crate::commit::plan::{Accepted, Decision, Refusal, Shrunk, decide, touched};
use crate::commit::prepare::add;
use crate::store::disk::sim::SimDisk;

/// A dataset with revision 1 of publisher `a`: units u1, u2; and a way to decide the next push.
async fn decided(change: impl FnOnce(Push) -> Push) -> Decision {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let (item, answer) = house.item(&push(1, "a", &[("u1", 2), ("u2", 1)])).await;
    tokio::task::block_in_place(|| putter.commit(vec![item], None));
    answer.await.unwrap().unwrap();
    let job: CommitJob = change(push(2, "a", &[("u1", 3)])).job(&house.context.files);
    let decision = decide(&house.context.state(), &job);
    if let Decision::Accepted(accepted) = &decision {
        let mut superseded = Default::default();
        add(&mut superseded, accepted.superseded.iter().cloned());
        let touched = touched(&house.context.state(), &superseded, shape(true).slice.as_deref());
        assert_eq!(touched.whole.len() + touched.shared.len(), usize::from(!superseded.is_empty()));
        assert_eq!(touched.whole.len(), usize::from(accepted.superseded.len() == 2));
    }
    decision
}

fn pairs(pairs: &[(i64, &str)]) -> Vec<(i64, String)> {
    pairs.iter().map(|(seq, slice)| (*seq, (*slice).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_replaces_its_slices_and_carries_the_others() {
    let expected = Accepted {
        revision: 2,
        parent: Some(1),
        carried: vec!["u2".into()],
        dropped: vec![],
        superseded: pairs(&[(1, "u1")]),
    };
    assert_eq!(decided(|push| push).await, Decision::Accepted(expected.clone()));
    let seen = decided(|push| Push { parent: Some(1), ..push }).await;
    assert_eq!(seen, Decision::Accepted(expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_publisher_or_period_begins_its_own_chain() {
    let expected = Decision::Accepted(Accepted { revision: 1, ..Accepted::default() });
    assert_eq!(decided(|push| Push { publisher: "b".into(), ..push }).await, expected);
    assert_eq!(decided(|push| Push { partition: "2023-12-31".into(), ..push }).await, expected);
    assert_eq!(decided(|push| Push { publisher: "b".into(), parent: Some(0), ..push }).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_moved_is_told() {
    let moved = decided(|push| Push { parent: Some(0), ..push }).await;
    assert_eq!(moved, Decision::Refused(Refusal::RevisionMoved { seen: 0, current: 1 }));
    let ahead = decided(|push| Push { parent: Some(2), ..push }).await;
    assert_eq!(ahead, Decision::Refused(Refusal::RevisionMoved { seen: 2, current: 1 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_dropped_only_when_confirmed() {
    let drops = Refusal::DeletionUnconfirmed { drops: pairs(&[(1, "u2")]), shrinks: vec![] };
    assert_eq!(decided(|push| Push { replace_all: true, ..push }).await, Decision::Refused(drops));
    let nothing = |push: Push| Push { nothing: true, units: Default::default(), ..push };
    let drops = Refusal::DeletionUnconfirmed { drops: pairs(&[(1, "u1"), (1, "u2")]), shrinks: vec![] };
    assert_eq!(decided(nothing).await, Decision::Refused(drops));
    let confirmed = decided(|push| Push { confirm: true, ..nothing(push) }).await;
    let expected = Accepted {
        revision: 2,
        parent: Some(1),
        dropped: vec!["u1".into(), "u2".into()],
        superseded: pairs(&[(1, "u1"), (1, "u2")]),
        ..Accepted::default()
    };
    assert_eq!(confirmed, Decision::Accepted(expected));
    let fresh = decided(|push| Push { publisher: "b".into(), ..nothing(push) }).await;
    assert!(matches!(fresh, Decision::Accepted(Accepted { revision: 1, .. })), "nothing is dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slice_that_would_lose_most_of_its_rows_waits_for_a_word() {
    let facts = |rows| SliceFacts { rows, version: None };
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let ten = Push { facts: vec![facts(10), facts(10)], ..push(1, "a", &[("u1", 10), ("u2", 10)]) };
    let (item, answer) = house.item(&ten).await;
    tokio::task::block_in_place(|| putter.commit(vec![item], None));
    answer.await.unwrap().unwrap();
    let decided = |rows: u64, confirm: bool| {
        let next = Push { facts: vec![facts(rows)], confirm, ..push(2, "a", &[("u1", rows)]) };
        decide(&house.context.state(), &next.job(&house.context.files))
    };
    let shrinks = vec![Shrunk { slice: "u1".into(), sent: 1, current: 10 }];
    let refused = Decision::Refused(Refusal::DeletionUnconfirmed { drops: vec![], shrinks });
    assert_eq!(decided(1, false), refused);
    for (rows, confirm) in [(2, false), (1, true), (11, false)] {
        assert!(matches!(decided(rows, confirm), Decision::Accepted(_)), "{rows} rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withdrawn_takes_its_own_slices_along() {
    let withdraws =
        |id: &str, push: Push| Push { withdraws: Some(id.into()), units: Default::default(), ..push };
    let unconfirmed = decided(|push| withdraws("s1", push)).await;
    let drops = pairs(&[(1, "u1"), (1, "u2")]);
    let refused = Refusal::DeletionUnconfirmed { drops: drops.clone(), shrinks: vec![] };
    assert_eq!(unconfirmed, Decision::Refused(refused));
    let confirmed = decided(|push| Push { confirm: true, ..withdraws("s1", push) }).await;
    let expected = Accepted {
        revision: 2,
        parent: Some(1),
        dropped: vec!["u1".into(), "u2".into()],
        superseded: drops,
        ..Accepted::default()
    };
    assert_eq!(confirmed, Decision::Accepted(expected));
    let other = decided(|push| withdraws("s9", push)).await;
    assert_eq!(other, Decision::Refused(Refusal::NotCurrent { submission: "s9".into() }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_again_are_unchanged() {
    let same = |push: Push| Push { content: 1, units: [("u1".into(), 2), ("u2".into(), 1)].into(), ..push };
    let unchanged = decided(same).await;
    assert!(matches!(unchanged, Decision::Unchanged(earlier) if earlier.id == "s1"));
    // Also when the sender saw an older revision: nothing is changed.
    let unchanged = decided(|push| Push { parent: Some(0), replace_all: true, ..same(push) }).await;
    assert!(matches!(unchanged, Decision::Unchanged(_)));
    let part = decided(|push| Push { content: 1, replace_all: true, confirm: true, ..push }).await;
    assert!(matches!(part, Decision::Accepted(accepted) if accepted.dropped == ["u2"]), "it drops a slice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_id_stands_for_one_content() {
    let repeated = |push: Push| Push { request_id: "r1".into(), content: 1, ..push };
    assert!(matches!(decided(repeated).await, Decision::Repeated(earlier) if earlier.id == "s1"));
    let reused = Decision::Refused(Refusal::RequestIdReused { submission: "s1".into() });
    assert_eq!(decided(|push| Push { request_id: "r1".into(), ..push }).await, reused);
    assert_eq!(decided(|push| Push { nothing: true, ..repeated(push) }).await, reused);
    // It is scoped to the caller.
    let other = decided(|push| Push { publisher: "b".into(), ..repeated(push) }).await;
    assert!(matches!(other, Decision::Accepted(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_label_of_the_same_period_is_the_next_revision() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let quarter = push(1, "a", &[("u1", 2)]);
    let (item, answer) = house.item(&quarter).await;
    tokio::task::block_in_place(|| putter.commit(vec![item], None));
    answer.await.unwrap().unwrap();
    let month = Push { content: 1, ..push(2, "a", &[("u1", 2)]) };
    let job = CommitJob { period: "2022-M12".into(), ..month.job(&house.context.files) };
    let decision = decide(&house.context.state(), &job);
    assert!(matches!(decision, Decision::Accepted(Accepted { revision: 2, .. })), "{decision:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_without_rows_must_say_so() {
    let empty = decided(|push| Push { units: Default::default(), ..push }).await;
    assert_eq!(empty, Decision::Refused(Refusal::Empty));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_slice_stands_in_a_day_and_in_its_month() {
    let house = House::open(&SimDisk::new(), true).await.unwrap();
    let mut putter = house.putter();
    let of = |seq, partition: &str, units: &[(&str, u64)]| Push {
        partition: partition.into(),
        excludes: true,
        ..push(seq, "a", units)
    };
    let (item, answer) = house.item(&of(1, "2017-02-15", &[("u1", 2), ("u2", 1)])).await;
    tokio::task::block_in_place(|| putter.commit(vec![item], None));
    answer.await.unwrap().unwrap();
    let decided = |push: Push| decide(&house.context.state(), &push.job(&house.context.files));
    let overlaps = |slices: &[&str]| {
        let slices = slices.iter().map(|slice| (*slice).to_owned()).collect();
        Decision::Refused(Refusal::Overlaps { other: "2017-02-15".into(), slices })
    };
    assert_eq!(decided(of(2, "2017-M02", &[("u1", 9), ("u3", 1)])), overlaps(&["u1"]));
    assert_eq!(decided(of(2, "2017", &[("u1", 9), ("u2", 1)])), overlaps(&["u1", "u2"]));
    for (partition, unit) in
        [("2017-M03", "u1"), ("2017-02-16", "u1"), ("2017-M02", "u3"), ("2017-02-15", "u1")]
    {
        let taken = decided(of(2, partition, &[(unit, 9)]));
        assert!(matches!(taken, Decision::Accepted(_)), "{partition} {unit}: {taken:?}");
    }
    let other = Push { publisher: "b".into(), ..of(2, "2017-M02", &[("u1", 9)]) };
    assert!(matches!(decided(other), Decision::Accepted(_)));
    // Two at once are decided one after the other.
    let lanes = [of(2, "2017-M02", &[("u1", 1)]), of(3, "2017-02-15", &[("u1", 1)])];
    let [month, day] = lanes.map(|push| push.job(&house.context.files).lane());
    assert_eq!(month, day);
}

#[test]
fn an_overlap_is_told_to_clerks_too() {
    let told = |slices: &[&str]| {
        let slices = slices.iter().map(|slice| (*slice).to_owned()).collect();
        let (publisher, period, other) = ("gmina-100201".into(), "2017-M02".into(), "2017-02-15".into());
        crate::commit::CommitError::PeriodOverlaps { publisher, period, other, slices }.message_pl().unwrap()
    };
    assert!(told(&["u1", "u2"]).contains("części `u1`, `u2` są już w sprawozdaniu za 2017-02-15"));
    assert!(told(&[""]).contains("te wiersze są już w sprawozdaniu za 2017-02-15"));
}
