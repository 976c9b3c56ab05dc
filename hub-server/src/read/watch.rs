//! Dataset versions as they come: behind a cursor first, then with each commit. What is told comes out of the log, so
//! nothing is left out, whenever its watcher was there.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::select_all;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{ReadError, Reads, Snapshots};
use crate::config::limits::{WATCH_ALIVE, WATCH_LIFE, WATCH_VERSIONS};
use crate::permit::ReadPermit;
use crate::store::{self, Cursor, Made, Revised, Snapshot, revised};

/// Places in several datasets, as `rb27s:3.…,rb28s:17.…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places(BTreeMap<String, Cursor>);

impl std::fmt::Display for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (dataset, cursor)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{dataset}:{cursor}")?;
        }
        Ok(())
    }
}

impl FromStr for Places {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let place = |part: &str| {
            let (dataset, cursor) =
                part.split_once(':').filter(|(dataset, cursor)| !dataset.is_empty() && !cursor.is_empty())?;
            Some((dataset.to_owned(), cursor.parse().ok()?))
        };
        let parts = text.split(',').filter(|part| !part.is_empty());
        parts.map(place).collect::<Option<_>>().map(Self).ok_or(ReadError::CursorUnreadable)
    }
}

/// What a watcher is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watched {
    /// None: nothing happened that it may know of.
    pub(crate) version: Option<WatchedVersion>,
    /// Behind all that was told.
    pub(crate) cursor: String,
}

/// A dataset version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WatchedVersion {
    pub(crate) dataset: String,
    pub(crate) version: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) revisions: Vec<Revised>,
}

/// After which quiet time a watcher is told that the hub lives, and when its time is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) alive: Duration,
    pub(super) life: Duration,
}

/// Told to a watcher, until its time is over.
pub(crate) type Watch = BoxStream<'static, Result<Watched, ReadError>>;

impl Reads {
    /// Versions of the permits' datasets behind a cursor; of one that the cursor does not name from now on.
    pub(crate) async fn watch(&self, permits: &[ReadPermit], cursor: &str) -> Result<Watch, ReadError> {
        self.watch_at(permits, cursor, Pace { alive: WATCH_ALIVE, life: WATCH_LIFE }).await
    }

    pub(super) async fn watch_at(
        &self,
        permits: &[ReadPermit],
        cursor: &str,
        pace: Pace,
    ) -> Result<Watch, ReadError> {
        let mut places: Places = cursor.parse()?;
        let mut of = Vec::new();
        for permit in permits {
            let dataset = permit.dataset();
            let unknown = || ReadError::DatasetUnknown(dataset.to_owned());
            self.snapshots.readable(dataset).await?;
            let moved = self.snapshots.moved(dataset).ok_or_else(unknown)?;
            let newest = moved.borrow().dataset_version;
            match places.0.get(dataset) {
                // One that the hub does not have is refused at once.
                Some(place) => drop(made(&self.snapshots, dataset, place, 1).await?),
                None => drop(places.0.insert(dataset.to_owned(), self.cursor_at(dataset, newest).await?)),
            }
            let publisher = permit.publisher().map(str::to_owned);
            of.push(Watching { dataset: dataset.to_owned(), publisher, moved });
        }
        places.0.retain(|dataset, _| of.iter().any(|watching| watching.dataset == *dataset));
        let first = Watched { version: None, cursor: places.to_string() };
        let (snapshots, until) = (Arc::clone(&self.snapshots), Instant::now() + pace.life);
        let all = All { snapshots, of, places, ready: VecDeque::from([first]), alive: pace.alive, until };
        Ok(stream::try_unfold(all, All::next).boxed())
    }
}

async fn made(
    snapshots: &Arc<dyn Snapshots>,
    dataset: &str,
    since: &Cursor,
    most: usize,
) -> Result<Vec<Made>, ReadError> {
    let (snapshots, wanted, since) = (Arc::clone(snapshots), dataset.to_owned(), since.clone());
    let found = store::blocking(move || snapshots.made(&wanted, &since, most)).await?;
    found.ok_or_else(|| ReadError::DatasetUnknown(dataset.to_owned()))
}

/// One dataset that is watched.
#[derive(Debug)]
struct Watching {
    dataset: String,
    /// Only what this publisher sent; None: all.
    publisher: Option<String>,
    moved: watch::Receiver<Arc<Snapshot>>,
}

#[derive(Debug)]
struct All {
    snapshots: Arc<dyn Snapshots>,
    of: Vec<Watching>,
    places: Places,
    ready: VecDeque<Watched>,
    alive: Duration,
    until: Instant,
}

impl All {
    /// The next thing to tell; None at the end of the watcher's time.
    async fn next(mut self) -> Result<Option<(Watched, Self)>, ReadError> {
        loop {
            if let Some(told) = self.ready.pop_front() {
                return Ok(Some((told, self)));
            }
            if Instant::now() >= self.until {
                return Ok(None);
            }
            if self.look().await? {
                continue;
            }
            match self.wait().await {
                Woken::Moved => {}
                Woken::Closed => return Ok(None),
                Woken::Quiet => {
                    let cursor = self.places.to_string();
                    return Ok(Some((Watched { version: None, cursor }, self)));
                }
            }
        }
    }

    /// Takes up what is behind the places; false: there is nothing.
    async fn look(&mut self) -> Result<bool, ReadError> {
        let mut moved = false;
        for watching in &mut self.of {
            let newest = watching.moved.borrow_and_update().dataset_version;
            let Some(place) = self.places.0.get(&watching.dataset).cloned() else { continue };
            if place.version >= newest {
                continue;
            }
            moved = true;
            for made in made(&self.snapshots, &watching.dataset, &place, WATCH_VERSIONS).await? {
                let revisions = revised(&made, watching.publisher.as_deref());
                self.places.0.insert(watching.dataset.clone(), made.cursor.clone());
                if revisions.is_empty() {
                    continue;
                }
                let (dataset, version) = (watching.dataset.clone(), made.cursor.version);
                let version = WatchedVersion { dataset, version, committed_at: made.committed_at, revisions };
                self.ready.push_back(Watched { version: Some(version), cursor: self.places.to_string() });
            }
        }
        Ok(moved)
    }

    /// Until a dataset moves, or it is time to say that the hub lives.
    async fn wait(&mut self) -> Woken {
        let left = self.until.saturating_duration_since(Instant::now());
        let patience = self.alive.min(left);
        let moves: Vec<_> = self.of.iter_mut().map(|watching| watching.moved.changed().boxed()).collect();
        if moves.is_empty() {
            tokio::time::sleep(patience).await;
            return Woken::Quiet;
        }
        match timeout(patience, select_all(moves)).await {
            Ok((Ok(()), ..)) => Woken::Moved,
            // The hub stops.
            Ok((Err(_), ..)) => Woken::Closed,
            Err(_) => Woken::Quiet,
        }
    }
}

/// Why a wait is over.
enum Woken {
    Moved,
    Quiet,
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_text_and_back() {
        for text in ["", "rb28s:0", "rb27s:3.a-b,rb28s:17.c"] {
            assert_eq!(text.parse::<Places>().unwrap().to_string(), text);
        }
        for text in ["rb28s", "rb28s:x", "rb28s:1", ":,"] {
            assert!(text.parse::<Places>().is_err(), "{text}");
        }
    }
}
