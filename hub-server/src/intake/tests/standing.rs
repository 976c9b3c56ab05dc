//! What a payload does to what stands, as its report tells it, and what is taken back.

use hub_datasets::report::{Code, Explanation};
use hub_proto::Reason;

use super::{House, KUTNO, csv, kutno_q4, own, permit};
use crate::intake::{CommitOptions, NewSubmission, SubmissionState, Verdict, Withdrawal};
use crate::permit::for_tests::payloads;

/// The header of the Kutno report and as many rows of its first school; `version`: what they name as theirs.
fn school(rows: usize, version: &str) -> Vec<u8> {
    let text = std::str::from_utf8(kutno_q4()).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let first = text.lines().nth(1).unwrap().split(',').next().unwrap();
    let mut own: Vec<&str> = lines.filter(|line| line.starts_with(first)).take(rows).collect();
    assert_eq!(own.len(), rows);
    own.sort_unstable();
    let rows = own.iter().map(|line| format!("{line},{version}\n"));
    format!("{header},wersja\n{}", rows.collect::<String>()).into_bytes()
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.report.counts.iter().map(|count| count.code).collect()
}

fn withdrawal(verdict: &Verdict, request_id: &str, confirm_deletions: bool) -> Withdrawal {
    let request_id = request_id.to_owned();
    let submission = verdict.submission.id.clone();
    Withdrawal { submission, request_id, confirm_deletions, parent_revision: None }
}

#[tokio::test]
async fn a_slice_that_loses_rows_is_told_and_one_that_loses_most_waits_for_a_word() {
    let house = House::new().await;
    let push = async |rows| house.push(csv("rb28s", "2022-Q4"), &school(rows, "")).await;
    assert_eq!(codes(&push(10).await.unwrap()), []);
    assert_eq!(codes(&push(8).await.unwrap()), []);
    let told = push(6).await.unwrap();
    assert_eq!(codes(&told), [Code::RowsLost]);
    assert!(told.report.violations[0].message_pl.contains("25 %"), "{:?}", told.report.violations);
    let refused = push(1).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::DeletionUnconfirmed);
    assert!(refused.to_string().contains("1 of 6 rows"), "{refused}");
    assert!(refused.message_pl().unwrap().contains("(wierszy: 1 z 6)"), "{:?}", refused.message_pl());
    // A dry run says the same.
    let dry = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let dry = house.push_with(csv("rb28s", "2022-Q4"), &school(1, ""), dry).await;
    assert_eq!(dry.unwrap_err().reason(), Reason::DeletionUnconfirmed);
    let confirmed = CommitOptions { confirm_deletions: true, ..CommitOptions::default() };
    let verdict = house.push_with(csv("rb28s", "2022-Q4"), &school(1, ""), confirmed).await.unwrap();
    assert_eq!((codes(&verdict), verdict.submission.revision), (vec![Code::RowsLost], 4));
}

#[tokio::test]
async fn an_older_version_over_a_newer_one_must_be_explained() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &school(3, "2")).await.unwrap();
    let waits = house.push(csv("rb28s", "2022-Q4"), &school(3, "1")).await.unwrap();
    assert_eq!(codes(&waits), [Code::VersionOlder]);
    assert_eq!(waits.submission.state, SubmissionState::Awaiting);
    let said = Explanation { rule: "VERSION_OLDER".into(), text: "Wersję 2 wysłano omyłkowo".into() };
    let options = CommitOptions { explanations: vec![said.clone()], ..CommitOptions::default() };
    let verdict = house.push_with(csv("rb28s", "2022-Q4"), &school(3, "1"), options).await.unwrap();
    assert_eq!((verdict.submission.state, verdict.submission.revision), (SubmissionState::Committed, 2));
    assert_eq!(verdict.report.explanations, [said]);
    // From here on the older one is the one that stands.
    let newer = house.push(csv("rb28s", "2022-Q4"), &school(4, "2")).await.unwrap();
    assert_eq!((codes(&newer), newer.submission.revision), (vec![], 3));
}

#[tokio::test]
async fn the_largest_version_stays_known_whatever_comes_between() {
    let house = House::new().await;
    let explained = |text: &str| {
        let said = Explanation { rule: "VERSION_OLDER".into(), text: text.into() };
        CommitOptions { explanations: vec![said], ..CommitOptions::default() }
    };
    house.push(csv("rb28s", "2022-Q4"), &school(3, "2")).await.unwrap();
    // A file without a version says nothing of it, and one that was explained is the older one still.
    house.push(csv("rb28s", "2022-Q4"), &school(4, "")).await.unwrap();
    let waits = house.push(csv("rb28s", "2022-Q4"), &school(3, "0")).await.unwrap();
    assert_eq!(
        (codes(&waits), waits.submission.state),
        (vec![Code::VersionOlder, Code::RowsLost], SubmissionState::Awaiting)
    );
    house.push_with(csv("rb28s", "2022-Q4"), &school(3, "0"), explained("pomyłka")).await.unwrap();
    let waits = house.push(csv("rb28s", "2022-Q4"), &school(3, "1")).await.unwrap();
    assert_eq!(
        (codes(&waits), waits.submission.state),
        (vec![Code::VersionOlder], SubmissionState::Awaiting)
    );
    let newer = house.push(csv("rb28s", "2022-Q4"), &school(3, "2")).await.unwrap();
    assert_eq!(codes(&newer), []);
}

#[tokio::test]
async fn what_was_explained_needs_no_other_word_when_it_is_sent_again() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &school(3, "2")).await.unwrap();
    let said = Explanation { rule: "VERSION_OLDER".into(), text: "Wersję 2 wysłano omyłkowo".into() };
    let options = CommitOptions { explanations: vec![said], ..CommitOptions::default() };
    let first = house.push_with(csv("rb28s", "2022-Q4"), &school(3, "1"), options).await.unwrap();
    assert_eq!(first.submission.state, SubmissionState::Committed);
    let again = house.push(csv("rb28s", "2022-Q4"), &school(3, "1")).await.unwrap();
    assert!(again.unchanged, "{:?}", again.submission);
    assert_eq!(again.submission.id, first.submission.id);
    let dry = CommitOptions { validate_only: true, ..CommitOptions::default() };
    assert!(house.push_with(csv("rb28s", "2022-Q4"), &school(3, "1"), dry).await.unwrap().unchanged);
    // Other rows of the same version are another statement.
    let other = house.push(csv("rb28s", "2022-Q4"), &school(4, "1")).await.unwrap();
    assert_eq!(other.submission.state, SubmissionState::Awaiting);
}

#[tokio::test]
async fn what_the_pattern_does_not_know_is_not_explained() {
    let house = House::new().await;
    let said = Explanation { rule: "VERSION_OLD".into(), text: "pomyłka".into() };
    let options = CommitOptions { explanations: vec![said], ..CommitOptions::default() };
    let refused = house.push_with(csv("rb28s", "2022-Q4"), &school(3, "2"), options).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::RequestInvalid);
    assert!(refused.to_string().contains("`VERSION_OLD`") && refused.to_string().contains("VERSION_OLDER"));
    assert!(refused.message_pl().unwrap().contains("nie ma reguły"), "{refused}");
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn what_waits_for_a_word_is_known_to_who_takes_it_back() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), &school(3, "2")).await.unwrap();
    let waits = house.push(csv("rb28s", "2022-Q4"), &school(3, "1")).await.unwrap();
    assert_eq!(waits.submission.state, SubmissionState::Awaiting);
    let (push, id) = (permit(&csv("rb28s", "2022-Q4")), uuid::Uuid::new_v4().to_string());
    let withdrawn = house.intake.withdraw(&push, withdrawal(&waits, &id, true)).await.unwrap_err();
    let options = CommitOptions::default();
    let back = house.intake.revert((&push, &payloads(KUTNO)), &waits.submission.id, id, options).await;
    for refused in [withdrawn, back.unwrap_err()] {
        assert_eq!(refused.reason(), Reason::StateConflict);
        assert!(refused.to_string().contains("abandon"), "{refused}");
        assert!(refused.message_pl().unwrap().contains("nie ma jeszcze wyniku"));
    }
}

#[tokio::test]
async fn bytes_that_were_withdrawn_draw_no_warning() {
    let house = House::new().await;
    let first = house.push(csv("rb28s", "2022-Q3"), kutno_q4()).await.unwrap();
    let second = house.push(csv("rb28s", "2022-Q2"), kutno_q4()).await.unwrap();
    assert_eq!(codes(&second), [Code::PayloadKnown]);
    let ids = [(); 3].map(|()| uuid::Uuid::new_v4().to_string());
    house
        .intake
        .withdraw(&permit(&csv("rb28s", "2022-Q2")), withdrawal(&second, &ids[0], true))
        .await
        .unwrap();
    // The one before it still stands.
    let told = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    assert!(told.report.violations[0].message_en.contains("2022-Q3"), "{:?}", told.report.violations);
    house.intake.withdraw(&permit(&csv("rb28s", "2022-Q4")), withdrawal(&told, &ids[2], true)).await.unwrap();
    house
        .intake
        .withdraw(&permit(&csv("rb28s", "2022-Q3")), withdrawal(&first, &ids[1], true))
        .await
        .unwrap();
    let right = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    assert_eq!(codes(&right), []);
}

#[tokio::test]
async fn bytes_that_were_accepted_for_another_period_draw_a_warning() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let quarter = house.push(csv("rb28s", "2022-Q3"), kutno_q4()).await.unwrap();
    assert_eq!(codes(&quarter), [Code::PayloadKnown]);
    assert!(quarter.report.violations[0].message_en.contains("2022-Q4"));
    // The year as a month is the same period.
    let month = house.push(csv("rb28s", "2022-M09"), kutno_q4()).await.unwrap();
    assert_eq!(codes(&month), []);
    let strict = CommitOptions { strict: true, ..CommitOptions::default() };
    let refused = house.push_with(csv("rb28s", "2022-Q2"), kutno_q4(), strict).await.unwrap();
    assert_eq!(refused.submission.state, SubmissionState::Refused);
}

#[tokio::test]
async fn what_was_withdrawn_is_gone_and_comes_back_by_its_bytes() {
    let house = House::new().await;
    let first = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let (push, payloads) = (permit(&csv("rb28s", "2022-Q4")), payloads(KUTNO));
    let ids = [(); 3].map(|()| uuid::Uuid::new_v4().to_string());
    let asked = house.intake.withdraw(&push, withdrawal(&first, &ids[0], false)).await.unwrap_err();
    assert_eq!(asked.reason(), Reason::DeletionUnconfirmed);
    let done = house.intake.withdraw(&push, withdrawal(&first, &ids[0], true)).await.unwrap();
    assert_eq!(done.submission.withdraws.as_ref(), Some(&first.submission.id));
    assert_eq!((done.submission.revision, done.submission.rows, done.receipt.is_some()), (2, 0, true));
    let shown = house.intake.get(&own(), &first.submission.id).await.unwrap();
    assert_eq!(shown.state, SubmissionState::Withdrawn);
    let again = house.intake.withdraw(&push, withdrawal(&first, &ids[0], true)).await.unwrap();
    assert_eq!(again.submission.id, done.submission.id, "the same request is the same deed");
    let other = house.intake.withdraw(&push, withdrawal(&first, &ids[1], true)).await.unwrap_err();
    assert_eq!(other.reason(), Reason::StateConflict);
    let no_rows = house.intake.withdraw(&push, withdrawal(&done, &ids[1], true)).await.unwrap_err();
    assert!(no_rows.to_string().contains("revert to"), "{no_rows}");
    let unseen = house.intake.original(&payloads, &done.submission.id, 0).await.unwrap_err();
    assert!(unseen.to_string().contains("it withdrew"), "{unseen}");

    let options = CommitOptions::default();
    let id = &first.submission.id;
    let back = house.intake.revert((&push, &payloads), id, ids[2].clone(), options.clone()).await.unwrap();
    assert_eq!((back.submission.revision, back.submission.rows), (3, first.submission.rows));
    assert_eq!(back.submission.sha256, first.submission.sha256);
    // What is current already does not come back twice.
    let fresh = uuid::Uuid::new_v4().to_string();
    let unchanged = house.intake.revert((&push, &payloads), id, fresh, options).await.unwrap();
    assert!(unchanged.unchanged);
    assert_eq!(unchanged.submission.id, back.submission.id);
}

#[tokio::test]
async fn only_what_was_committed_of_the_permits_pattern_is_taken_back() {
    let house = House::new().await;
    let first = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let id = uuid::Uuid::new_v4().to_string();
    let other = NewSubmission { pattern: "rb27s".to_owned(), ..csv("rb28s", "2022-Q4") };
    let foreign = house.intake.withdraw(&permit(&other), withdrawal(&first, &id, true)).await;
    assert_eq!(foreign.unwrap_err().reason(), Reason::SubmissionUnknown);
    let refused = house.push(csv("rb28s", "2022-Q4"), b"x,y\n1,2\n").await.unwrap();
    let push = permit(&csv("rb28s", "2022-Q4"));
    let never = house.intake.withdraw(&push, withdrawal(&refused, &id, true)).await;
    assert_eq!(never.unwrap_err().reason(), Reason::StateConflict);
}
