//! The intake over real rooms: a store in a temporary folder, the catalogue, the committers.

mod beside;
mod early;
mod flow;
mod formats;
mod order;
mod originals;
mod standing;
mod trial;
mod unsent;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hub_datasets::{CodeLists, Patterns};
use tempfile::TempDir;
use uuid::Uuid;

use super::{CommitOptions, Intake, IntakeError, IntakeLimits, IntakeParts, NewSubmission, Verdict};
use crate::catalog::{Catalog, Identifier, Organisation};
use crate::clock::{Clock, RandomIds};
use crate::commit::Commits;
use crate::permit::{PushPermit, SubmissionsPermit, for_tests};
use crate::store::Store;
use crate::store::disk::LocalDisk;

const KUTNO: &str = "gmina-100201";

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a moment")
    }
}

/// An intake on a folder that goes with it.
struct House {
    folder: TempDir,
    intake: Arc<Intake>,
    commits: Arc<Commits>,
}

fn kutno() -> Organisation {
    Organisation {
        id: KUTNO.into(),
        name: "Kutno".into(),
        kind: "gmina".into(),
        identifiers: vec![Identifier {
            scheme: "terc6".into(),
            value: "100201".into(),
            valid_from: None,
            valid_to: None,
        }],
    }
}

impl House {
    async fn new() -> Self {
        Self::on(TempDir::new().expect("a folder")).await
    }

    /// Opens the rooms on a folder, which may hold an earlier house's data.
    async fn on(folder: TempDir) -> Self {
        let root = folder.path().to_owned();
        let store = Store::open(Arc::new(LocalDisk), root.clone()).await.expect("a store");
        let catalog = Arc::new(Catalog::open(&root.join("catalog.sqlite")).await.expect("a catalogue"));
        catalog.put_organisation(&kutno()).await.expect("an organisation");
        let patterns = Arc::new(Patterns::embedded().expect("patterns"));
        let all: Vec<_> = patterns.iter().map(Arc::clone).collect();
        let clock: Arc<dyn Clock> = Arc::new(FixedClock);
        let commits = Commits::open(
            Arc::clone(&store),
            Arc::clone(&catalog),
            &all,
            Arc::clone(&clock),
            Arc::new(RandomIds),
            (crate::store::table::LogLimits::default(), std::time::Duration::from_secs(60)),
            &crate::config::history::History::default(),
        )
        .await
        .expect("committers");
        let scratch = root.join("tmp");
        std::fs::create_dir_all(&scratch).expect("a scratch folder");
        let intake = Intake::new(IntakeParts {
            store,
            commits: Arc::clone(&commits),
            catalog,
            patterns,
            lists: Arc::new(CodeLists::embedded().expect("lists")),
            clock,
            ids: Arc::new(RandomIds),
            signer: crate::sign::for_tests(),
            scratch,
            limits: limits(),
            workers: None,
        });
        Self { folder, intake, commits }
    }

    /// Closes all rooms and gives the folder back.
    async fn close(self) -> TempDir {
        self.commits.close().await;
        let Self { folder, intake, commits } = self;
        let store = Arc::downgrade(&intake.parts.store);
        drop((intake, commits));
        // What has answered may still be on its way out, with the folder's lock.
        while store.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        folder
    }

    async fn push(&self, new: NewSubmission, payload: &[u8]) -> Result<Verdict, IntakeError> {
        self.push_with(new, payload, CommitOptions::default()).await
    }

    async fn push_with(
        &self,
        new: NewSubmission,
        payload: &[u8],
        options: CommitOptions,
    ) -> Result<Verdict, IntakeError> {
        let mut push = self.intake.begin_push(&permit(&new), new).await?;
        for part in payload.chunks(100_000) {
            push.data(Bytes::copy_from_slice(part)).await?;
        }
        push.commit(options).await
    }

    /// Submissions in the spool, once nobody works on one.
    async fn spooled(&self) -> usize {
        while !self.intake.running.is_idle() {
            tokio::task::yield_now().await;
        }
        self.intake.parts.store.spool().unfinished().len()
    }
}

fn limits() -> IntakeLimits {
    IntakeLimits {
        payload_bytes: 64 << 20,
        record_bytes: 64 << 10,
        chunk_bytes: 32 << 10,
        threads: 2,
        checks: 2,
        open_submissions: 3,
        receiving: Duration::from_secs(3_600),
    }
}

fn permit(new: &NewSubmission) -> PushPermit {
    for_tests::push(KUTNO, &new.pattern)
}

fn own() -> SubmissionsPermit {
    for_tests::submissions(KUTNO)
}

/// A CSV submission of Kutno under a fresh request id.
fn csv(pattern: &str, period: &str) -> NewSubmission {
    NewSubmission {
        request_id: Uuid::now_v7().to_string(),
        pattern: pattern.into(),
        period: period.into(),
        media_type: "text/csv".into(),
        profile: String::new(),
        size: None,
        sha256: None,
        nothing_to_report: false,
    }
}

fn sample(path: &str) -> &'static [u8] {
    hub_datasets::pattern::embedded_sample(path).expect("a sample")
}

fn kutno_q4() -> &'static [u8] {
    sample("rb28s/1.0.0/samples/valid/kutno-2022-q4.csv")
}
