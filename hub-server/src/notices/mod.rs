//! Who is told of what: consumers whose pull took a revision that was corrected since.
//!
//! What was pulled stands in the catalogue. Behind the commits a look goes through each dataset's log from a durable
//! place on and asks, of each correction, whose pull took what it corrects. A notice and the place behind it are
//! written together, and a notice is one for each pull and deed, so that whatever dies, each is made once.
//! News is sent to addresses of subscribers, too (`webhooks`).

mod error;
mod look;
mod plain;
mod pulls;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use hub_datasets::{Pattern, Period};
use tokio::sync::watch;

use crate::catalog::{Catalog, Notice, NoticeFilter, Pull, RowCounts};
use crate::clock::{Clock, Ids};
use crate::commit::Commits;
use crate::config::limits::NOTICE_NOTE_CHARS;
use crate::permit::{NoticesPermit, ReadPermit};
use crate::store::{self, Cursor};

pub(crate) use error::NoticeError;
pub(crate) use pulls::Took;
pub(crate) use webhooks::{Hooks, Kind, NewSubscription, Poster, Reachable, Shown, Signing, Tries};

/// How a report differs from what was taken of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing of it was taken.
    NotTaken,
    Taken {
        revision: u64,
        counts: RowCounts,
    },
    /// One of the two states cannot be read any more.
    Unknown,
}

/// What the room asks of those above it.
pub(crate) trait Consumers: Send + Sync + std::fmt::Debug {
    /// What an organisation may read of a dataset now.
    fn permit(&self, organisation: &str, dataset: &str) -> Option<ReadPermit>;
    /// Holds what a pull took of a publisher's report beside a later dataset version; Err: not now, ask again.
    fn held_beside<'a>(
        &'a self,
        permit: &'a ReadPermit,
        pull: &'a Pull,
        report: (&'a str, &'a Period),
        version: u64,
    ) -> BoxFuture<'a, Result<Held, String>>;
}

/// What a consumer says to a notice.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// It keeps the earlier figure, knowingly.
    pub(crate) pinned: bool,
    pub(crate) note: String,
}

#[derive(Debug)]
pub(crate) struct Notices {
    catalog: Arc<Catalog>,
    commits: Arc<Commits>,
    consumers: Arc<dyn Consumers>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    patterns: Vec<Arc<Pattern>>,
    /// Up to where each dataset's log was looked at.
    places: Mutex<BTreeMap<String, Cursor>>,
    hooks: Hooks,
    /// Moves when notices were made.
    told: watch::Sender<u64>,
}

impl Notices {
    /// A dataset that was never looked at is looked at from now on. No pull may be noted before this returns.
    pub(crate) async fn open(
        (catalog, commits): (Arc<Catalog>, Arc<Commits>),
        consumers: Arc<dyn Consumers>,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>),
        patterns: &[Arc<Pattern>],
        hooks: Hooks,
    ) -> Result<Self, NoticeError> {
        let mut known: Vec<Arc<Pattern>> = Vec::new();
        for pattern in patterns {
            if !known.iter().any(|other| other.id == pattern.id) {
                known.push(Arc::clone(pattern));
            }
        }
        let written = catalog.notice_places().await?;
        let mut places = BTreeMap::new();
        for pattern in &known {
            let dataset = &pattern.id;
            let place = match written.get(dataset) {
                // What was written is a cursor; anything else begins at the first version.
                Some(place) => place.parse().unwrap_or_default(),
                None => {
                    let Some(table) = commits.table(dataset) else { continue };
                    let place =
                        store::blocking(move || table.cursor(table.snapshot().dataset_version)).await?;
                    catalog.begin_notice_place(dataset, &place.to_string()).await?;
                    place
                }
            };
            places.insert(dataset.clone(), place);
        }
        let (places, told) = (Mutex::new(places), watch::Sender::new(0));
        Ok(Self { catalog, commits, consumers, clock, ids, patterns: known, places, hooks, told })
    }

    /// A page of notices, newest first.
    pub(crate) async fn list(
        &self,
        permit: &NoticesPermit,
        all: bool,
        (before, limit): (Option<u64>, u32),
    ) -> Result<Vec<Notice>, NoticeError> {
        let (reader, datasets) = (permit.reader(), permit.datasets());
        Ok(self.catalog.notices(&NoticeFilter { reader, datasets, all, before, limit }).await?)
    }

    /// Settles a notice. Saying the same again changes nothing; saying other words replaces what was said.
    pub(crate) async fn say(
        &self,
        permit: &NoticesPermit,
        id: &str,
        said: &Said,
    ) -> Result<Notice, NoticeError> {
        let length = said.note.chars().count();
        if length > NOTICE_NOTE_CHARS {
            return Err(NoticeError::NoteTooLong(length));
        }
        if said.pinned && said.note.trim().is_empty() {
            return Err(NoticeError::NoteMissing);
        }
        let notice = self.one(permit, id).await?;
        let state = if said.pinned { "PINNED" } else { "ACKNOWLEDGED" };
        if notice.state == state && notice.note == said.note {
            return Ok(notice);
        }
        let now = self.clock.now();
        if self.catalog.say_to_notice((id, permit.reader()), (state, &said.note), now).await? {
            return self.one(permit, id).await;
        }
        Err(NoticeError::Settled { state: notice.state })
    }

    async fn one(&self, permit: &NoticesPermit, id: &str) -> Result<Notice, NoticeError> {
        let found = self.catalog.notice(id, permit.reader()).await?;
        let seen = found.filter(|notice| permit.datasets().contains(&notice.dataset));
        seen.ok_or_else(|| NoticeError::Unknown(id.to_owned()))
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<String, Cursor>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
