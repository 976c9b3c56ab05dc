//! The look through the logs: which corrections came, and whose pull they touch.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::select_all;
use hub_datasets::{Pattern, Period};

use super::{Held, NoticeError, Notices, plain};
use crate::catalog::{Notice, Pull, Put};
use crate::config::limits::{NOTICE_PAUSE, NOTICE_PLACE_VERSIONS, NOTICE_VERSIONS, NOTICES_PER_READER};
use crate::fault;
use crate::store::{self, Cursor, Made, Revised, RevisedBy, StoreError, revised};

/// Why a look ended before it was through.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Notice(#[from] NoticeError),
    #[error("{0}")]
    Later(String),
}

impl From<crate::catalog::CatalogError> for Stopped {
    fn from(error: crate::catalog::CatalogError) -> Self {
        Self::Notice(error.into())
    }
}

impl Notices {
    /// Tells of corrections as they come, and of those that came while nobody looked. Ends with the hub.
    pub(crate) async fn run(&self) {
        let tables = self.patterns.iter().filter_map(|pattern| self.commits.table(&pattern.id));
        let mut moved: Vec<_> = tables.map(|table| table.subscribe()).collect();
        loop {
            moved.iter_mut().for_each(|newest| drop(newest.borrow_and_update()));
            let mut is_through = true;
            for pattern in &self.patterns {
                if let Err(error) = self.look(pattern).await {
                    tracing::warn!(dataset = %pattern.id, %error, "telling of corrections; it is tried again");
                    is_through = false;
                }
            }
            let waits: Vec<_> = moved.iter_mut().map(|newest| newest.changed().boxed()).collect();
            if !is_through || waits.is_empty() {
                tokio::time::sleep(NOTICE_PAUSE).await;
            } else if select_all(waits).await.0.is_err() {
                return;
            }
        }
    }

    /// Goes on through the log of a dataset, to its end.
    async fn look(&self, pattern: &Arc<Pattern>) -> Result<(), Stopped> {
        let dataset = &pattern.id;
        let mut written = self.places().get(dataset).cloned().unwrap_or_default();
        loop {
            let place = self.places().get(dataset).cloned().unwrap_or_default();
            let Some(found) = self.behind(dataset, place).await? else { return Ok(()) };
            if found.is_empty() {
                return Ok(());
            }
            for made in found {
                let notices = self.due(pattern, &made).await?;
                let far = made.cursor.version >= written.version + NOTICE_PLACE_VERSIONS;
                if far || !notices.is_empty() {
                    self.write(pattern, &made, notices).await?;
                    written = made.cursor.clone();
                }
                self.places().insert(dataset.clone(), made.cursor);
            }
        }
    }

    /// What made the versions behind a place. One that the log does not have, for the hub was restored, is looked for
    /// again from the first version on: what was told already is not told again.
    async fn behind(&self, dataset: &str, place: Cursor) -> Result<Option<Vec<Made>>, Stopped> {
        let (commits, wanted) = (Arc::clone(&self.commits), dataset.to_owned());
        let found = store::blocking(move || commits.made(&wanted, &place, NOTICE_VERSIONS)).await;
        match found {
            Err(StoreError::CursorUnknown { .. }) => {
                self.places().insert(dataset.to_owned(), Cursor::default());
                Err(Stopped::Later(
                    "its log is another than it was; it is looked at from the start".to_owned(),
                ))
            }
            found => Ok(found.map_err(NoticeError::from)?),
        }
    }

    async fn write(&self, pattern: &Arc<Pattern>, made: &Made, notices: Vec<Notice>) -> Result<(), Stopped> {
        let place = made.cursor.to_string();
        let mut notices = notices;
        loop {
            fault::point("notice.before");
            let put = self.catalog.put_notices((&pattern.id, &place), &notices, NOTICES_PER_READER).await?;
            fault::point("notice.after");
            match put {
                Put::Done => {
                    self.told.send_modify(|number| *number += 1);
                    return Ok(());
                }
                Put::Moved => notices = self.due(pattern, made).await?,
            }
        }
    }

    /// The notices that a dataset version makes due.
    async fn due(&self, pattern: &Arc<Pattern>, made: &Made) -> Result<Vec<Notice>, Stopped> {
        let all = revised(made, None);
        let corrections: Vec<Revised> =
            all.into_iter().filter(|revised| revised.by != RevisedBy::Addition).collect();
        let mut notices = Vec::new();
        if corrections.is_empty() {
            return Ok(notices);
        }
        for pull in self.catalog.pulls_before(&pattern.id, made.cursor.version).await? {
            for correction in &corrections {
                notices.extend(self.notice(pattern, &pull, (correction, made)).await?);
            }
        }
        Ok(notices)
    }

    /// What a consumer is to be told of a correction, if anything.
    async fn notice(
        &self,
        pattern: &Arc<Pattern>,
        pull: &Pull,
        (correction, made): (&Revised, &Made),
    ) -> Result<Option<Notice>, Stopped> {
        let publisher = correction.publisher.as_str();
        if pull.version == 0 || pull.reader == publisher {
            return Ok(None);
        }
        let Some(permit) = self.consumers.permit(&pull.reader, &pattern.id) else { return Ok(None) };
        if permit.publisher().is_some_and(|own| own != publisher) {
            return Ok(None);
        }
        let cause = cause_of(correction);
        let held = match correction.by {
            RevisedBy::Erasure => erased(pattern, pull, made),
            _ => match correction.period.parse::<Period>() {
                Ok(period) => {
                    let report = (publisher, &period);
                    let held = self.consumers.held_beside(&permit, pull, report, correction.version).await;
                    held.map_err(Stopped::Later)?
                }
                Err(_) => Held::Unknown,
            },
        };
        let (revision, counts) = match held {
            Held::NotTaken => return Ok(None),
            Held::Unknown => (0, None),
            Held::Taken { revision, counts } => {
                let differs = counts.inserted + counts.deleted + counts.updated > 0;
                let report = (publisher, correction.partition.as_str());
                // Who was told that a figure changed is told, too, that it is as it was.
                if !differs && !self.catalog.was_told(pull, report, &cause).await? {
                    return Ok(None);
                }
                (revision, Some(counts))
            }
        };
        Ok(Some(Notice {
            id: self.ids.next().to_string(),
            number: 0,
            pull: pull.id.clone(),
            reader: pull.reader.clone(),
            dataset: pattern.id.clone(),
            publisher: publisher.to_owned(),
            period: correction.period.clone(),
            partition: correction.partition.clone(),
            kind: correction.by.as_str().to_owned(),
            submission: correction.submission.clone(),
            cause,
            taken_version: pull.version,
            taken_place: pull.place.clone(),
            taken_revision: revision,
            version: correction.version,
            revision: correction.revision,
            committed_at: correction.committed_at,
            columns: pull.columns.clone(),
            filter: pull.filter.clone(),
            counts,
            state: "OPEN".to_owned(),
            note: String::new(),
            made_at: self.clock.now(),
            settled_at: None,
        }))
    }
}

/// Of a pull whose rows were erased nothing can be asked but whether its version held them, and what its filter says.
fn erased(pattern: &Pattern, pull: &Pull, made: &Made) -> Held {
    let Some(erasure) = &made.erasure else { return Held::NotTaken };
    let held = erasure
        .held
        .is_some_and(|held| (held.dataset_versions.0..=held.dataset_versions.1).contains(&pull.version));
    let label = (!pattern.period.cumulative).then_some(erasure.partition.as_str());
    let last_day = match label {
        Some(label) => label.parse::<Period>().ok().map(|period| period.last_day()),
        None => erasure.partition.parse().ok(),
    };
    match held && !plain::excludes(&pull.filter, &erasure.publisher, (label, last_day)) {
        true => Held::Unknown,
        false => Held::NotTaken,
    }
}

fn cause_of(correction: &Revised) -> String {
    match correction.by {
        RevisedBy::Erasure => format!("erasure of {}", correction.submission),
        _ => correction.submission.clone(),
    }
}
