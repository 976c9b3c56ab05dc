//! Subscriptions: news that is sent to an address, signed, at least once and in order.

mod address;
mod body;
mod outbox;
mod post;
mod sign;
mod work;

use tokio::sync::{Semaphore, watch};

use super::{NoticeError, Notices};
use crate::catalog::{Delivery, Subscription};
use crate::config::limits::{DEAD_LETTERS_SHOWN, SUBSCRIPTIONS_PER_ORGANISATION, WEBHOOKS_AT_ONCE};
use crate::permit::SubscriptionsPermit;
use crate::store;

pub(crate) use address::Reachable;
use outbox::Reached;
pub(crate) use post::Poster;
pub(crate) use sign::Signing;
pub(crate) use work::Tries;

/// What a subscription tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Dataset versions.
    Changes,
    /// That what its organisation pulled was corrected.
    Notices,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "CHANGES",
            Self::Notices => "NOTICES",
        }
    }

    fn is_in(self, kinds: &[String]) -> bool {
        kinds.iter().any(|kind| kind == self.as_str())
    }
}

/// With what deliveries are sent.
#[derive(Debug)]
pub(crate) struct Hooks {
    signing: Signing,
    poster: Poster,
    tries: Tries,
    places: Semaphore,
    /// Moves when a subscription comes or goes, and when one is to be looked at again.
    changed: watch::Sender<u64>,
    nudged: watch::Sender<u64>,
}

impl Hooks {
    pub(crate) fn new(signing: Signing, poster: Poster, tries: Tries) -> Self {
        let places = Semaphore::new(WEBHOOKS_AT_ONCE);
        Self { signing, poster, tries, places, changed: watch::Sender::new(0), nudged: watch::Sender::new(0) }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewSubscription {
    /// A UUID that its owner drew: the same one gives the same subscription.
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) kinds: Vec<Kind>,
}

/// A subscription as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) subscription: Subscription,
    /// `rb28s:17.…,…`, as watches have it.
    pub(crate) cursor: String,
    /// The newest of those that were given up.
    pub(crate) dead_letters: Vec<Delivery>,
}

impl Notices {
    /// Subscribes to the permit's datasets from now on. Gives the secret with which deliveries are signed.
    pub(crate) async fn subscribe(
        &self,
        permit: &SubscriptionsPermit,
        new: &NewSubscription,
    ) -> Result<(Shown, String), NoticeError> {
        address::Target::of(&new.url, self.hooks.poster.reachable)?;
        let kinds: Vec<String> = new.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
        let organisation = permit.organisation().to_owned();
        let mut wanted = Subscription {
            id: new.id.clone(),
            organisation,
            url: new.url.clone(),
            datasets: permit.named().to_vec(),
            kinds,
            created_at: self.clock.now(),
            places: String::new(),
            notice_number: 0,
            delivered_at: None,
            last_error: String::new(),
            dead: 0,
            owed: 0,
        };
        let same = |known: &Subscription| {
            (&known.organisation, &known.url, &known.datasets, &known.kinds)
                == (&wanted.organisation, &wanted.url, &wanted.datasets, &wanted.kinds)
        };
        let secret = self.hooks.signing.of(&new.id).reveal();
        match self.catalog.subscription(&new.id).await? {
            Some(known) if same(&known) => return Ok((self.shown(known).await?, secret)),
            Some(_) => return Err(NoticeError::RequestIdReused),
            None => {}
        }
        let held = self.catalog.count_subscriptions(permit.organisation()).await?;
        if held >= SUBSCRIPTIONS_PER_ORGANISATION {
            return Err(NoticeError::TooMany);
        }
        let mut reached = Reached::default();
        for dataset in permit.datasets() {
            let Some(table) = self.commits.table(dataset) else { continue };
            let newest = store::blocking(move || table.cursor(table.snapshot().dataset_version)).await?;
            reached.places.insert(dataset.clone(), newest);
        }
        wanted.places = reached.text();
        self.catalog.put_subscription(&wanted).await?;
        self.hooks.changed.send_modify(|number| *number += 1);
        let written = self.catalog.subscription(&new.id).await?;
        let written = written.ok_or_else(|| NoticeError::SubscriptionUnknown(new.id.clone()))?;
        Ok((self.shown(written).await?, secret))
    }

    /// A page of an organisation's subscriptions.
    pub(crate) async fn subscriptions(
        &self,
        permit: &SubscriptionsPermit,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Shown>, NoticeError> {
        let mut shown = Vec::new();
        for one in self.catalog.subscriptions(permit.organisation(), after, limit).await? {
            shown.push(self.shown(one).await?);
        }
        Ok(shown)
    }

    /// Ends a subscription; what is owed to it goes.
    pub(crate) async fn unsubscribe(
        &self,
        permit: &SubscriptionsPermit,
        id: &str,
    ) -> Result<(), NoticeError> {
        self.own(permit, id).await?;
        self.catalog.delete_subscription(id).await?;
        self.hooks.changed.send_modify(|number| *number += 1);
        Ok(())
    }

    /// Has what was given up sent again; tells how many deliveries that are.
    pub(crate) async fn redeliver(&self, permit: &SubscriptionsPermit, id: &str) -> Result<u64, NoticeError> {
        self.own(permit, id).await?;
        let again = self.catalog.revive(id, self.clock.now()).await?;
        self.hooks.nudged.send_modify(|number| *number += 1);
        Ok(again)
    }

    async fn own(&self, permit: &SubscriptionsPermit, id: &str) -> Result<Subscription, NoticeError> {
        let found = self.catalog.subscription(id).await?;
        let own = found.filter(|found| found.organisation == permit.organisation());
        own.ok_or_else(|| NoticeError::SubscriptionUnknown(id.to_owned()))
    }

    async fn shown(&self, subscription: Subscription) -> Result<Shown, NoticeError> {
        let places = Reached::of(&subscription).places;
        let places: Vec<String> =
            places.iter().map(|(dataset, place)| format!("{dataset}:{place}")).collect();
        let dead_letters = self.catalog.dead_letters(&subscription.id, DEAD_LETTERS_SHOWN).await?;
        Ok(Shown { cursor: places.join(","), subscription, dead_letters })
    }
}
