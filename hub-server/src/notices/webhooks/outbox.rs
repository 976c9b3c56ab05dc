//! What is sent next to a subscription: made out of the log and of notices, together with how far that came. At most one
//! delivery is owed at a time, so that a subscriber that is away for long costs nothing but its place in the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{NoticeError, Notices};
use super::{Kind, body};
use crate::catalog::Subscription;
use crate::config::limits::{NOTICE_PLACE_VERSIONS, NOTICE_VERSIONS};
use crate::permit::ReadPermit;
use crate::store::{self, Cursor, Made, StoreError, revised};

/// How far a subscription came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) places: BTreeMap<String, Cursor>,
    pub(super) notice_number: u64,
    /// Versions that held nothing for it since this was written.
    pub(super) unwritten: u64,
}

impl Reached {
    pub(super) fn of(subscription: &Subscription) -> Self {
        let places: BTreeMap<String, String> = serde_json::from_str(&subscription.places).unwrap_or_default();
        let cursors = places.into_iter().map(|(dataset, place)| (dataset, place.parse().unwrap_or_default()));
        Self { places: cursors.collect(), notice_number: subscription.notice_number, unwritten: 0 }
    }

    pub(super) fn text(&self) -> String {
        let places = self.places.iter().map(|(dataset, place)| (dataset.clone(), place.to_string().into()));
        serde_json::Value::Object(places.collect()).to_string()
    }
}

impl Notices {
    /// Makes out the next delivery; false: there is nothing to tell.
    pub(super) async fn make_out(
        &self,
        subscription: &Subscription,
        reached: &mut Reached,
    ) -> Result<bool, NoticeError> {
        let permits = self.permits_of(subscription);
        if Kind::Notices.is_in(&subscription.kinds)
            && self.next_notice(subscription, &permits, reached).await?
        {
            return Ok(true);
        }
        if Kind::Changes.is_in(&subscription.kinds) {
            for permit in &permits {
                if self.next_version(subscription, permit, reached).await? {
                    return Ok(true);
                }
            }
        }
        if reached.unwritten > NOTICE_PLACE_VERSIONS {
            self.write_out(subscription, None, reached).await?;
        }
        Ok(false)
    }

    /// What its organisation may read now, of the datasets that it is about.
    fn permits_of(&self, subscription: &Subscription) -> Vec<ReadPermit> {
        let is_meant =
            |dataset: &String| subscription.datasets.is_empty() || subscription.datasets.contains(dataset);
        let datasets = self.patterns.iter().map(|pattern| &pattern.id).filter(|dataset| is_meant(dataset));
        datasets.filter_map(|dataset| self.consumers.permit(&subscription.organisation, dataset)).collect()
    }

    async fn next_notice(
        &self,
        subscription: &Subscription,
        permits: &[ReadPermit],
        reached: &mut Reached,
    ) -> Result<bool, NoticeError> {
        let told = permits.iter().filter(|permit| permit.publisher().is_none());
        let datasets: Vec<String> = told.map(|permit| permit.dataset().to_owned()).collect();
        let (reader, behind) = (&subscription.organisation, reached.notice_number);
        let Some(notice) = self.catalog.notice_behind(reader, &datasets, behind).await? else {
            return Ok(false);
        };
        reached.notice_number = notice.number;
        self.write_out(subscription, Some(body::noticed(&notice)), reached).await?;
        Ok(true)
    }

    async fn next_version(
        &self,
        subscription: &Subscription,
        permit: &ReadPermit,
        reached: &mut Reached,
    ) -> Result<bool, NoticeError> {
        let dataset = permit.dataset();
        let Some(table) = self.commits.table(dataset) else { return Ok(false) };
        let Some(mut place) = reached.places.get(dataset).cloned() else {
            // Of a dataset that it was not told of before it is told from now on.
            let newest = store::blocking(move || table.cursor(table.snapshot().dataset_version)).await?;
            reached.places.insert(dataset.to_owned(), newest);
            self.write_out(subscription, None, reached).await?;
            return Ok(false);
        };
        while place.version != table.snapshot().dataset_version {
            let found = match self.versions_behind(dataset, &place).await {
                Err(NoticeError::Store(StoreError::CursorUnknown { .. })) => {
                    let newest = Arc::clone(&table);
                    let newest =
                        store::blocking(move || newest.cursor(newest.snapshot().dataset_version)).await?;
                    let told = body::restored(dataset, self.clock.now(), &newest);
                    reached.places.insert(dataset.to_owned(), newest);
                    self.write_out(subscription, Some(told), reached).await?;
                    return Ok(true);
                }
                found => found?,
            };
            if found.is_empty() {
                return Ok(false);
            }
            for made in found {
                let revisions = revised(&made, permit.publisher());
                reached.places.insert(dataset.to_owned(), made.cursor.clone());
                if !revisions.is_empty() {
                    let told = body::changed(dataset, &place, &made, &revisions);
                    self.write_out(subscription, Some(told), reached).await?;
                    return Ok(true);
                }
                reached.unwritten += 1;
                place = made.cursor;
            }
        }
        Ok(false)
    }

    async fn versions_behind(&self, dataset: &str, place: &Cursor) -> Result<Vec<Made>, NoticeError> {
        let (commits, wanted, place) = (Arc::clone(&self.commits), dataset.to_owned(), place.clone());
        let found = store::blocking(move || commits.made(&wanted, &place, NOTICE_VERSIONS)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Writes a delivery, and how far that came, together.
    async fn write_out(
        &self,
        subscription: &Subscription,
        body: Option<String>,
        reached: &mut Reached,
    ) -> Result<(), NoticeError> {
        let (id, places) = (format!("msg_{}", self.ids.next().simple()), reached.text());
        let delivery = body.as_ref().map(|body| (id.as_str(), body.as_str(), self.clock.now()));
        self.catalog.make_out(&subscription.id, delivery, (&places, reached.notice_number)).await?;
        reached.unwritten = 0;
        Ok(())
    }
}
