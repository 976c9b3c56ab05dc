//! What becomes of a payload: accepted, refused, repeated, resumed, given up.

use bytes::Bytes;
use hub_proto::Reason;

use super::{House, csv, kutno_q4, own, permit, sample};
use crate::intake::{CommitOptions, ListSubmissions, SubmissionState};

#[tokio::test]
async fn a_valid_report_is_committed_and_said_again_is_unchanged() {
    let house = House::new().await;
    let first = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    assert_eq!(first.submission.state, SubmissionState::Committed, "{:?}", first.report);
    assert_eq!(first.submission.revision, 1);
    assert_eq!(first.submission.rows, 293);
    let again = house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    assert!(again.unchanged);
    assert_eq!(again.submission.id, first.submission.id);
    assert_eq!(again.receipt, first.receipt);
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn the_same_request_gives_the_same_answer_and_other_bytes_are_refused() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let first = house.push(new.clone(), kutno_q4()).await.unwrap();
    let again = house.push(new.clone(), kutno_q4()).await.unwrap();
    assert_eq!(again.receipt, first.receipt);
    let other = house.push(new, sample("rb28s/1.0.0/samples/invalid/kutno-2022-q4-caly.csv")).await;
    assert_eq!(other.unwrap_err().reason(), Reason::RequestIdReused);
}

#[tokio::test]
async fn a_refused_request_id_stands_for_its_bytes() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let refused = house.push(new.clone(), b"dzial\n801\n").await.unwrap();
    assert_eq!(refused.submission.state, SubmissionState::Refused);
    let again = house.push(new.clone(), b"dzial\n801\n").await.unwrap();
    assert_eq!(again.submission, refused.submission);
    let other = house.push(new, kutno_q4()).await;
    assert_eq!(other.unwrap_err().reason(), Reason::RequestIdReused);
}

#[tokio::test]
async fn a_clashing_package_is_refused_with_a_report_and_leaves_nothing() {
    let house = House::new().await;
    let whole = sample("rb28s/1.0.0/samples/invalid/kutno-2022-q4-caly.csv");
    let verdict = house.push(csv("rb28s", "2022-Q4"), whole).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Refused);
    assert_eq!(verdict.submission.reason, Some(Reason::ReportBlocks));
    assert!(verdict.receipt.is_none());
    let report = house.intake.report(&own(), &verdict.submission.id).await.unwrap();
    assert_eq!(report, verdict.report);
    assert_eq!(house.spooled().await, 0);
    let receipt = house.intake.receipt(&own(), &verdict.submission.id).await;
    assert_eq!(receipt.unwrap_err().reason(), Reason::StateConflict);
}

#[tokio::test]
async fn an_empty_file_a_wrong_period_and_a_wrong_media_type_have_their_reasons() {
    let house = House::new().await;
    let header = kutno_q4().split(|byte| *byte == b'\n').next().unwrap();
    let empty = house.push(csv("rb28s", "2022-Q4"), header).await.unwrap();
    assert_eq!(empty.submission.reason, Some(Reason::PayloadEmpty), "{:?}", empty.report);
    let nothing = house.push(csv("rb28s", "2022-Q4"), b"").await.unwrap();
    assert_eq!(nothing.submission.reason, Some(Reason::PayloadEmpty), "{:?}", nothing.report);
    let period = house.push(csv("rb28s", "2022-Q5"), kutno_q4()).await;
    assert_eq!(period.unwrap_err().reason(), Reason::PeriodInvalid);
    let half = house.push(csv("rb28s", "2022-S1"), kutno_q4()).await.unwrap_err();
    assert_eq!(half.reason(), Reason::PeriodInvalid);
    // Both languages name the forms that the pattern takes.
    for said in [half.to_string().as_str(), half.message_pl().unwrap()] {
        assert!(said.contains("2022-M11, 2022-Q4, 2022") && !said.contains("2022-11-05"), "{said}");
    }
    let mut pdf = csv("rb28s", "2022-Q4");
    pdf.media_type = "application/pdf".into();
    assert_eq!(house.push(pdf, b"x").await.unwrap_err().reason(), Reason::MediaTypeUnsupported);
}

#[tokio::test]
async fn a_trial_keeps_nothing() {
    let house = House::new().await;
    let options = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let trial = house.push_with(csv("rb28s", "2022-Q4"), kutno_q4(), options).await.unwrap();
    assert!(!trial.report.blocks());
    assert_eq!(house.spooled().await, 0);
    let listed =
        house.intake.list(&own(), ListSubmissions { limit: 10, ..Default::default() }).await.unwrap();
    assert!(listed.is_empty());
}

#[tokio::test]
async fn steps_resume_at_the_durable_offset_and_repeated_bytes_are_skipped() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new.clone()).await.unwrap();
    let (id, bytes) = (created.id, Bytes::from_static(kutno_q4()));
    house.intake.append(&own(), &id, 0, bytes.slice(..5_000)).await.unwrap();
    assert_eq!(house.intake.sync(&own(), &id).await.unwrap(), 5_000);
    let stale = house.intake.append(&own(), &id, 9_000, bytes.slice(9_000..)).await;
    assert_eq!(stale.unwrap_err().reason(), Reason::OffsetStale);

    let folder = house.close().await;
    let house = House::on(folder).await;
    let resumed = house.intake.create(&permit(&new), new).await.unwrap();
    assert_eq!((resumed.id.as_str(), resumed.durable_offset), (id.as_str(), 5_000));
    house.intake.append(&own(), &id, 4_000, bytes.slice(4_000..)).await.unwrap();
    let verdict = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
    assert_eq!(verdict.submission.rows, 293);
    let again = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
    assert_eq!(again.receipt, verdict.receipt);
}

#[tokio::test]
async fn an_order_that_was_durable_is_finished_after_a_restart() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new).await.unwrap();
    let spool = house.intake.parts.store.spool();
    house.intake.append(&own(), &created.id, 0, Bytes::from_static(kutno_q4())).await.unwrap();
    let (size, sha256) = house.intake.measure(&created.id).await.unwrap();
    let header = spool.header(&created.id).unwrap();
    let order = crate::intake::push::order_for(&header, &CommitOptions::default(), size, sha256).unwrap();
    spool.order(&created.id, order).await.unwrap();

    let house = House::on(house.close().await).await;
    house.intake.recover().await;
    let view = house.intake.get(&own(), &created.id).await.unwrap();
    assert_eq!((view.state, view.revision), (SubmissionState::Committed, 1));
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn nothing_to_report_asks_before_it_drops_rows() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    let mut nothing = csv("rb28s", "2022-Q4");
    nothing.nothing_to_report = true;
    nothing.media_type = String::new();
    let unconfirmed = house.push(nothing.clone(), b"").await;
    assert_eq!(unconfirmed.unwrap_err().reason(), Reason::DeletionUnconfirmed);
    let confirmed = CommitOptions { confirm_deletions: true, ..CommitOptions::default() };
    let verdict = house.push_with(nothing, b"", confirmed).await.unwrap();
    assert_eq!((verdict.submission.revision, verdict.submission.rows), (2, 0));
    assert!(!verdict.submission.dropped.is_empty());
}

#[tokio::test]
async fn open_submissions_are_bounded_listed_and_given_up() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let new = csv("rb28s", "2022-Q4");
        ids.push(house.intake.create(&permit(&new), new).await.unwrap().id);
    }
    let new = csv("rb28s", "2022-Q4");
    let fourth = house.intake.create(&permit(&new), new).await;
    assert_eq!(fourth.unwrap_err().reason(), Reason::Busy);
    let first = house.intake.abandon(&own(), &ids[0]).await.unwrap();
    assert_eq!(first.state, SubmissionState::Abandoned);
    let listed =
        house.intake.list(&own(), ListSubmissions { limit: 10, ..Default::default() }).await.unwrap();
    let states: Vec<SubmissionState> = listed.iter().map(|view| view.state).collect();
    assert_eq!(states.iter().filter(|state| **state == SubmissionState::Receiving).count(), 2);
    assert_eq!(states.iter().filter(|state| **state == SubmissionState::Abandoned).count(), 1);
}

#[tokio::test]
async fn announced_length_and_hash_must_hold() {
    let house = House::new().await;
    let mut new = csv("rb28s", "2022-Q4");
    new.sha256 = Some("00".repeat(32));
    assert_eq!(house.push(new, kutno_q4()).await.unwrap_err().reason(), Reason::PayloadMismatch);
    let mut new = csv("rb28s", "2022-Q4");
    new.size = Some(10);
    assert_eq!(house.push(new, kutno_q4()).await.unwrap_err().reason(), Reason::PayloadMismatch);
    let mut new = csv("rb28s", "2022-Q4");
    new.size = Some(1 << 40);
    assert_eq!(house.push(new, kutno_q4()).await.unwrap_err().reason(), Reason::PayloadTooLarge);
    assert_eq!(house.spooled().await, 0);
}

#[tokio::test]
async fn an_order_that_was_refused_is_not_taken_up_by_a_restart() {
    let house = House::new().await;
    house.push(csv("rb28s", "2022-Q4"), kutno_q4()).await.unwrap();
    // Only the first school: with `replace_all` the others would be dropped.
    let text = std::str::from_utf8(kutno_q4()).unwrap();
    let school = text.lines().nth(1).unwrap().split(',').next().unwrap();
    let one: String = text
        .lines()
        .enumerate()
        .filter(|(at, line)| *at == 0 || line.starts_with(school))
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new).await.unwrap();
    house.intake.append(&own(), &created.id, 0, Bytes::from(one)).await.unwrap();
    let options = CommitOptions { replace_all: true, ..CommitOptions::default() };
    let refused = house.intake.commit(&own(), &created.id, options.clone()).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::DeletionUnconfirmed);

    let house = House::on(house.close().await).await;
    house.intake.recover().await;
    let view = house.intake.get(&own(), &created.id).await.unwrap();
    assert_eq!(view.state, SubmissionState::Awaiting);
    let confirmed = CommitOptions { confirm_deletions: true, ..options };
    let verdict = house.intake.commit(&own(), &created.id, confirmed).await.unwrap();
    assert_eq!((verdict.submission.revision, verdict.submission.dropped.len()), (2, 5));
}

#[tokio::test]
async fn a_verdict_is_not_told_to_who_has_other_bytes() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new).await.unwrap();
    house.intake.append(&own(), &created.id, 0, Bytes::from_static(kutno_q4())).await.unwrap();
    let telling =
        |sha256: &str| CommitOptions { sha256: Some(sha256.to_owned()), ..CommitOptions::default() };
    let other = telling(&"ab".repeat(32));
    let before = house.intake.commit(&own(), &created.id, other.clone()).await;
    assert_eq!(before.unwrap_err().reason(), Reason::PayloadMismatch);
    let verdict = house.intake.commit(&own(), &created.id, CommitOptions::default()).await.unwrap();
    house.spooled().await;
    let after = house.intake.commit(&own(), &created.id, other).await;
    assert_eq!(after.unwrap_err().reason(), Reason::PayloadMismatch);
    let same = house.intake.commit(&own(), &created.id, telling(&verdict.submission.sha256)).await.unwrap();
    assert_eq!(same.receipt, verdict.receipt);
}

#[tokio::test]
async fn an_order_that_waited_gives_way_to_a_newer_revision() {
    let house = House::new().await;
    let new = csv("rb28s", "2022-Q4");
    let created = house.intake.create(&permit(&new), new).await.unwrap();
    house.intake.append(&own(), &created.id, 0, Bytes::from_static(kutno_q4())).await.unwrap();
    let (size, sha256) = house.intake.measure(&created.id).await.unwrap();
    let header = house.intake.parts.store.spool().header(&created.id).unwrap();
    let order = crate::intake::push::order_for(&header, &CommitOptions::default(), size, sha256).unwrap();
    let order = house.intake.seen(&header, order).unwrap();
    house.intake.parts.store.spool().order(&created.id, order).await.unwrap();
    let newer = house.push(csv("rb28s", "2022-M12"), kutno_q4()).await.unwrap();
    assert_eq!(newer.submission.revision, 1);
    house.intake.recover().await;
    let view = house.intake.get(&own(), &created.id).await.unwrap();
    assert_eq!(view.state, SubmissionState::Awaiting, "it waits for its sender");
}

#[tokio::test]
async fn a_large_payload_that_strictness_refuses_leaves_no_file() {
    let house = House::new().await;
    let mut text = Vec::new();
    let lists = hub_datasets::CodeLists::embedded().unwrap();
    let pattern = hub_datasets::Patterns::embedded().unwrap().get("rb28s").unwrap();
    let period = "2022-Q4".parse().unwrap();
    hub_datasets::synthetic::csv(&pattern, &lists, "100201", &period, 20_000, 7, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    // A commitment above the plan is worth a warning.
    let column = |name| text.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    let (plan, last) = (column("plan"), text.lines().last().unwrap());
    let mut cells: Vec<&str> = last.split(',').collect();
    cells[plan] = "0.00";
    let payload = text.replace(last, &cells.join(","));
    let strict = CommitOptions { strict: true, ..CommitOptions::default() };
    let verdict = house.push_with(csv("rb28s", "2022-Q4"), payload.as_bytes(), strict).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Refused);
    assert!(!verdict.report.blocks(), "{:?}", verdict.report.counts);
    let files = std::fs::read_dir(house.folder.path().join("tables/rb28s_v1/d")).unwrap().count();
    assert_eq!(files, 0);
}
