//! Payloads that are announced and not sent: what the hub has is not asked for, and what it has is no one else's.

use hub_proto::Reason;
use sha2::{Digest as _, Sha256};

use super::{House, csv, for_tests, kutno_q4, own, permit};
use crate::intake::{CommitOptions, IntakeError, ListSubmissions, NewSubmission, SubmissionState, Verdict};
use crate::store::hex;

fn announced(period: &str, payload: &[u8]) -> NewSubmission {
    let (size, sha256) = (Some(payload.len() as u64), Some(hex(&Sha256::digest(payload))));
    NewSubmission { size, sha256, ..csv("rb28s", period) }
}

async fn unsent(house: &House, new: NewSubmission, options: CommitOptions) -> Result<Verdict, IntakeError> {
    let verdict = house.push_with(new, b"", options).await;
    assert_eq!(house.spooled().await, 0, "nothing is left behind");
    verdict
}

async fn wanted(house: &House, new: NewSubmission, options: CommitOptions) {
    assert_eq!(unsent(house, new, options).await.unwrap_err().reason(), Reason::PayloadMismatch);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_current_already_needs_no_bytes() {
    let house = House::new().await;
    wanted(&house, announced("2022-Q4", kutno_q4()), CommitOptions::default()).await;
    let first = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let again = unsent(&house, announced("2022-Q4", kutno_q4()), CommitOptions::default()).await.unwrap();
    assert!(again.unchanged);
    assert_eq!((&again.submission.id, again.submission.revision), (&first.submission.id, 1));
    assert_eq!((again.receipt, again.report), (first.receipt, first.report));
    // In steps too, and the steps are over then.
    let new = announced("2022-Q4", kutno_q4());
    let open = house.intake.create(&permit(&new), new).await.unwrap();
    let again = house.intake.commit(&own(), &open.id, CommitOptions::default()).await.unwrap();
    assert!(again.unchanged && house.spooled().await == 0);
    // A trial is answered, whatever it says.
    let dry = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let tried = unsent(&house, announced("2022-Q4", kutno_q4()), dry).await.unwrap();
    assert!(tried.unchanged && tried.receipt.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_is_worth_nothing_to_others_and_for_anything_else() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let usual = CommitOptions::default;
    let known = announced("2022-Q4", kutno_q4());
    let other = for_tests::push("gmina-026401", "rb28s");
    let push = house.intake.begin_push(&other, known.clone()).await.unwrap();
    assert_eq!(push.commit(usual()).await.unwrap_err().reason(), Reason::PayloadMismatch);
    wanted(&house, announced("2022-Q3", kutno_q4()), usual()).await;
    wanted(&house, announced("2022-M12", kutno_q4()), usual()).await;
    let other_form = NewSubmission { media_type: "application/x-ndjson".to_owned(), ..known.clone() };
    wanted(&house, other_form, usual()).await;
    let other_length = NewSubmission { size: known.size.map(|size| size + 1), ..known.clone() };
    wanted(&house, other_length, usual()).await;
    let without_hash = NewSubmission { sha256: None, ..known.clone() };
    wanted(&house, without_hash, usual()).await;
    let told_other = CommitOptions { sha256: Some("0".repeat(64)), ..usual() };
    wanted(&house, known, told_other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_are_judged_as_with_the_bytes() {
    let house = House::new().await;
    let lines: Vec<&str> = std::str::from_utf8(kutno_q4()).unwrap().lines().collect();
    let school = lines[1].split(',').next().unwrap();
    let part: String = std::iter::once(&lines[0])
        .chain(lines.iter().filter(|line| line.starts_with(school)))
        .map(|line| format!("{line}\n"))
        .collect();
    house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    house.push(csv("rb28s", "2022-Q4"), part.as_bytes()).await.unwrap();
    // The whole is current in part only.
    wanted(&house, announced("2022-Q4", kutno_q4()), CommitOptions::default()).await;
    let again = announced("2022-Q4", part.as_bytes());
    let replaces = CommitOptions { replace_all: true, ..CommitOptions::default() };
    wanted(&house, again.clone(), replaces).await;
    let verdict = unsent(&house, again.clone(), CommitOptions::default()).await.unwrap();
    assert_eq!((verdict.unchanged, verdict.submission.revision), (true, 2));
    // The parent is looked at only for a revision that is new, with the bytes as without.
    let saw_another = CommitOptions { parent_revision: Some(7), ..CommitOptions::default() };
    let with_bytes = house.push_with(csv("rb28s", "2022-Q4"), part.as_bytes(), saw_another.clone()).await;
    let without = unsent(&house, again, saw_another).await;
    assert_eq!(with_bytes.unwrap().unchanged, without.unwrap().unchanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_answered_is_answered_again() {
    let house = House::new().await;
    let new = announced("2022-Q4", kutno_q4());
    let first = house.push(new.clone(), kutno_q4()).await.unwrap();
    let again = unsent(&house, new.clone(), CommitOptions::default()).await.unwrap();
    assert_eq!((again.submission.id, again.unchanged), (first.submission.id, false));
    let other = NewSubmission { sha256: Some("0".repeat(64)), ..new };
    let reused = unsent(&house, other, CommitOptions::default()).await.unwrap_err();
    assert_eq!(reused.reason(), Reason::RequestIdReused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_what_the_hub_has_closes_no_version() {
    let house = House::new().await;
    let seen = || house.commits.table("rb28s").unwrap().snapshot().log_version;
    let list = |pattern: Option<&str>, period: Option<&str>| ListSubmissions {
        pattern: pattern.map(str::to_owned),
        period: period.map(str::to_owned),
        after: None,
        limit: 10,
    };
    let first = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let before = seen();
    for (pattern, period, count) in [
        (Some("rb28s"), Some("2022-Q4"), 1),
        (Some("rb28s"), Some("2022-Q3"), 0),
        (Some("rb27s"), None, 0),
        (None, None, 1),
    ] {
        let listed = house.intake.list(&own(), list(pattern, period)).await.unwrap();
        assert_eq!(listed.len(), count, "{pattern:?} {period:?}");
        if let [one] = &listed[..] {
            assert_eq!(
                (&one.id, one.state, one.rows),
                (&first.submission.id, SubmissionState::Committed, 293)
            );
            let after = Some((one.created_at.timestamp_micros(), one.id.clone()));
            let next = ListSubmissions { after, ..list(pattern, period) };
            assert_eq!(house.intake.list(&own(), next).await.unwrap(), []);
        }
    }
    wanted(&house, announced("2022-Q3", kutno_q4()), CommitOptions::default()).await;
    let new = csv("rb28s", "2022-Q3");
    let open = house.intake.create(&permit(&new), new).await.unwrap();
    assert_eq!(house.intake.get(&own(), &open.id).await.unwrap().state, SubmissionState::Receiving);
    house.intake.abandon(&own(), &open.id).await.unwrap();
    assert_eq!(seen(), before, "the version is open still");
    house.commits.readable("rb28s").await.unwrap();
    assert_eq!(seen(), before + 1);
    // Once it is closed it is listed once, as before.
    let listed = house.intake.list(&own(), list(None, Some("2022-Q4"))).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [first.submission.id]);
}
