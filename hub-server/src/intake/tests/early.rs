//! A large payload is checked while it comes, and nothing depends on that.

use bytes::Bytes;
use futures::StreamExt as _;
use sha2::{Digest, Sha256};

use super::order::{joined, synthetic};
use super::{House, KUTNO, csv, for_tests, own, permit};
use crate::intake::{CommitOptions, NewSubmission, Stage, SubmissionState};
use crate::permit::for_tests::payloads;
use crate::store::hex;

const PIECE: usize = 1 << 20;

/// A report of about 7 MB in key order, and its announcement.
fn large(tamper: impl FnOnce(&mut Vec<String>)) -> (NewSubmission, Vec<u8>) {
    let (new, payload) = report(110_000, tamper);
    assert!(payload.len() > 6 * PIECE, "{} bytes", payload.len());
    (new, payload)
}

fn report(rows: u64, tamper: impl FnOnce(&mut Vec<String>)) -> (NewSubmission, Vec<u8>) {
    let (header, mut lines) = synthetic(rows);
    tamper(&mut lines);
    let payload = joined(&header, &lines);
    let sha256 = Some(hex(&Sha256::digest(&payload)));
    (NewSubmission { size: Some(payload.len() as u64), sha256, ..csv("rb28s", "2022-Q4") }, payload)
}

impl House {
    /// Uploads pieces from an offset on; gives the offset after them.
    async fn upload(&self, id: &str, payload: &[u8], from: usize, until: usize) {
        for (at, piece) in payload[from..until].chunks(PIECE).enumerate() {
            let offset = (from + at * PIECE) as u64;
            self.intake.append(&own(), id, offset, Bytes::copy_from_slice(piece)).await.unwrap();
        }
        self.intake.sync(&own(), id).await.unwrap();
    }

    fn data_files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("tables/rb28s_v1/d")).unwrap().count()
    }

    /// Waits until no data file lies there that no log names.
    async fn no_data_file_stays(&self) {
        while self.data_files() > 0 {
            tokio::task::yield_now().await;
        }
    }

    fn rows(&self) -> u64 {
        let table = self.commits.table("rb28s").unwrap();
        table.as_of(crate::store::AsOf::Latest).unwrap().files.rows()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_comes_whole_is_checked_once_and_committed() {
    let house = House::new().await;
    let (new, payload) = large(|_| ());
    let id = house.intake.create(&permit(&new), new).await.unwrap().id;
    house.upload(&id, &payload, 0, payload.len()).await;
    assert!(house.intake.early.is_begun(&id));
    let verdict = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Committed, "{:?}", verdict.report.counts);
    assert!(!house.intake.early.is_begun(&id));
    assert_eq!((verdict.submission.rows, house.rows(), house.data_files()), (110_000, 110_000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_ends_the_check_and_the_rest_is_checked_anew() {
    let house = House::new().await;
    let (new, payload) = large(|_| ());
    let id = house.intake.create(&permit(&new), new).await.unwrap().id;
    house.upload(&id, &payload, 0, 5 * PIECE).await;
    assert!(!house.intake.early.is_begun(&id), "its stream has ended");
    house.no_data_file_stays().await;
    house.upload(&id, &payload, 5 * PIECE, payload.len()).await;
    let verdict = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
    assert_eq!(verdict.submission.state, SubmissionState::Committed, "{:?}", verdict.report.counts);
    assert_eq!((house.rows(), house.data_files()), (110_000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_found_as_in_a_payload_that_lies_there() {
    let house = House::new().await;
    let (new, payload) = large(|lines| {
        lines[100_000] = lines[100_000].replacen(',', ",9", 1);
        // Out of order, so that all is read a second time.
        lines.swap(7, 60_000);
    });
    let id = house.intake.create(&permit(&new), new).await.unwrap().id;
    house.upload(&id, &payload, 0, payload.len()).await;
    let refused = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
    assert_eq!(refused.submission.state, SubmissionState::Refused);
    assert_eq!(refused.report.rows_refused, 1);
    assert_eq!(house.data_files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_says_what_a_commit_would_say_and_keeps_nothing() {
    let house = House::new().await;
    let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
    for (revision, unchanged) in [(1, false), (1, true)] {
        let (mut new, payload) = report(20_000, |_| ());
        let id = house.intake.create(&permit(&new), new.clone()).await.unwrap().id;
        house.upload(&id, &payload, 0, payload.len()).await;
        let tried = house.intake.commit(&own(), &id, trial.clone()).await.unwrap();
        assert_eq!(tried.submission.state, SubmissionState::Receiving);
        assert_eq!((tried.submission.revision, tried.unchanged), (revision, unchanged));
        assert_eq!(tried.submission.rows, 20_000);
        assert_eq!(house.spooled().await, 0);
        new.request_id = uuid::Uuid::now_v7().to_string();
        let id = house.intake.create(&permit(&new), new).await.unwrap().id;
        house.upload(&id, &payload, 0, payload.len()).await;
        let done = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap();
        assert_eq!((done.submission.revision, done.unchanged), (revision, unchanged));
    }
    // Nothing to report drops what is there, and a trial asks for the same confirmation.
    let nothing = NewSubmission { nothing_to_report: true, ..csv("rb28s", "2022-Q4") };
    let mut said = Vec::new();
    for options in [trial, CommitOptions::default()] {
        let new = NewSubmission { request_id: uuid::Uuid::now_v7().to_string(), ..nothing.clone() };
        said.push(house.push_with(new, &[], options).await.unwrap_err().to_string());
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0].contains("20000"), "{}", said[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_break_off_take_no_more_places_than_there_are() {
    let house = House::new().await;
    for _ in 0..super::limits().open_submissions {
        let new = csv("rb28s", "2022-Q4");
        let mut push = house.intake.begin_push(&permit(&new), new).await.unwrap();
        push.data(Bytes::from(vec![b'a'; PIECE])).await.unwrap();
        push.data(Bytes::from_static(b"b")).await.unwrap();
    }
    let new = csv("rb28s", "2022-Q4");
    let mut push = house.intake.begin_push(&permit(&new), new).await.unwrap();
    push.data(Bytes::from(vec![b'a'; PIECE])).await.unwrap();
    let refused = push.data(Bytes::from_static(b"b")).await.unwrap_err();
    assert_eq!(refused.reason(), hub_proto::Reason::Busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_leaves_no_file() {
    let house = House::new().await;
    let (new, payload) = large(|_| ());
    let id = house.intake.create(&permit(&new), new.clone()).await.unwrap().id;
    house.upload(&id, &payload, 0, payload.len()).await;
    house.intake.abandon(&own(), &id).await.unwrap();
    house.no_data_file_stays().await;

    // The same in one stream, which breaks off.
    let new = NewSubmission { request_id: uuid::Uuid::now_v7().to_string(), ..new };
    let mut push = house.intake.begin_push(&permit(&new), new).await.unwrap();
    for piece in payload[..6 * PIECE].chunks(PIECE) {
        push.data(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    drop(push);
    house.no_data_file_stays().await;
    assert_eq!(house.rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_changes_first_has_the_payload_checked_once() {
    let house = House::new().await;
    for (rows, begins_early) in [(20_000, false), (110_000, true)] {
        let (new, payload) = report(rows, |_| ());
        let id = house.intake.create(&permit(&new), new).await.unwrap().id;
        house.upload(&id, &payload, 0, payload.len()).await;
        assert_eq!(house.intake.early.is_begun(&id), begins_early);
        let compared = house.intake.compared_of(&payloads(KUTNO), &id).await.unwrap();
        let Stage::Open(header) = compared.stage else { panic!("it has no verdict") };
        let mut proposed = house.intake.proposed(&compared.pattern, &compared.period, &header).await.unwrap();
        let mut came = 0;
        while let Some(batch) = proposed.rows.batches.next().await {
            came += batch.unwrap().num_rows() as u64;
        }
        assert_eq!(came, rows);
        // No other check finds a place.
        let places = house.intake.checks.acquire_many(super::limits().checks as u32).await.unwrap();
        let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
        let tried = house.intake.commit(&own(), &id, trial.clone()).await.unwrap();
        assert_eq!((tried.submission.revision, tried.submission.rows), (1, rows));
        assert_eq!(house.spooled().await, 0);
        drop((places, proposed));
        // A sender whose line broke off meanwhile asks again, and others learn nothing.
        assert_eq!(house.intake.commit(&own(), &id, trial.clone()).await.unwrap(), tried);
        let other = for_tests::submissions("gmina-026401");
        let unknown = house.intake.commit(&other, &id, trial).await.unwrap_err();
        assert_eq!(unknown.reason(), hub_proto::Reason::SubmissionUnknown);
        let gone = house.intake.commit(&own(), &id, CommitOptions::default()).await.unwrap_err();
        assert_eq!(gone.reason(), hub_proto::Reason::SubmissionUnknown);
        house.no_data_file_stays().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_look_found_serves_no_longer_payload() {
    let house = House::new().await;
    let (new, payload) = report(2_000, |_| ());
    let new = NewSubmission { size: None, sha256: None, ..new };
    let id = house.intake.create(&permit(&new), new).await.unwrap().id;
    let half = payload[..payload.len() / 2].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    house.upload(&id, &payload, 0, half).await;
    let compared = house.intake.compared_of(&payloads(KUTNO), &id).await.unwrap();
    let Stage::Open(header) = compared.stage else { panic!("it has no verdict") };
    drop(house.intake.proposed(&compared.pattern, &compared.period, &header).await.unwrap());
    house.upload(&id, &payload, half, payload.len()).await;
    let trial = CommitOptions { validate_only: true, ..CommitOptions::default() };
    let tried = house.intake.commit(&own(), &id, trial).await.unwrap();
    assert_eq!(tried.submission.rows, 2_000);
}
