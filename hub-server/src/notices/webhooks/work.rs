//! The work of each subscription: one delivery at a time, tried again after longer and longer pauses, given up at last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::select_all;
use rand::Rng as _;
use tokio_util::task::AbortOnDropHandle;

use super::super::{NoticeError, Notices};
use super::outbox::Reached;
use crate::catalog::{Delivery, Failed, Subscription};
use crate::config::limits::{DEAD_LETTERS_PER_SUBSCRIPTION, NOTICE_PAUSE, WEBHOOK_LOOK, WEBHOOK_PAUSE_MAX};
use crate::fault;

/// How often a delivery is tried, and after which pause first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    pub(crate) most: u32,
    pub(crate) pause: Duration,
}

impl Tries {
    /// The pause after as many tries: doubled with each, up to a bound, then between a half and all of it, so that
    /// deliveries that failed together are not tried together.
    fn pause(self, tries: u32, draw: f64) -> Duration {
        let doubled = self.pause.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
        doubled.min(WEBHOOK_PAUSE_MAX).mul_f64(0.5 + draw / 2.0)
    }
}

impl Notices {
    /// Sends what is owed to subscriptions, those that come meanwhile too. Ends with the hub.
    pub(crate) async fn send(self: Arc<Self>) {
        let mut changed = self.hooks.changed.subscribe();
        let mut at_work: BTreeMap<String, AbortOnDropHandle<()>> = BTreeMap::new();
        loop {
            changed.borrow_and_update();
            match self.catalog.all_subscriptions().await {
                Ok(all) => {
                    at_work.retain(|id, _| all.iter().any(|one| one.id == *id));
                    for one in all {
                        let (id, this) = (one.id.clone(), Arc::clone(&self));
                        at_work.entry(id).or_insert_with(|| {
                            AbortOnDropHandle::new(tokio::spawn(async move { this.serve(one).await }))
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "subscriptions cannot be listed; it is tried again");
                    tokio::time::sleep(NOTICE_PAUSE).await;
                    continue;
                }
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Serves one subscription until it is deleted.
    async fn serve(&self, subscription: Subscription) {
        let mut reached = Reached::of(&subscription);
        let tables = self.patterns.iter().filter_map(|pattern| self.commits.table(&pattern.id));
        let mut moved: Vec<_> = tables.map(|table| table.subscribe()).collect();
        let (mut told, mut nudged) = (self.told.subscribe(), self.hooks.nudged.subscribe());
        loop {
            // Marked as seen before the look, so that what comes during it wakes again.
            moved.iter_mut().for_each(|newest| drop(newest.borrow_and_update()));
            told.borrow_and_update();
            nudged.borrow_and_update();
            let wait = match self.one_step(&subscription, &mut reached).await {
                Ok(Step::Again) => continue,
                Ok(Step::Wait(wait)) => wait,
                Err(error) => {
                    // What was reached and not written is made out again.
                    tracing::warn!(subscription = subscription.id, %error, "a webhook waits; it is tried again");
                    if let Ok(Some(written)) = self.catalog.subscription(&subscription.id).await {
                        reached = Reached::of(&written);
                    }
                    tokio::time::sleep(NOTICE_PAUSE).await;
                    continue;
                }
            };
            match wait {
                // Nothing but time, or its owner, brings a delivery that waits further.
                Some(pause) => {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        _ = nudged.changed() => {}
                    }
                }
                None => {
                    let moves = moved.iter_mut().map(|newest| newest.changed().boxed());
                    // Also where there is no dataset that could move.
                    let moves: Vec<_> = moves.chain([std::future::pending().boxed()]).collect();
                    tokio::select! {
                        // Rights change without a sign.
                        () = tokio::time::sleep(WEBHOOK_LOOK) => {}
                        _ = told.changed() => {}
                        _ = nudged.changed() => {}
                        _ = select_all(moves) => {}
                    }
                }
            }
        }
    }

    async fn one_step(
        &self,
        subscription: &Subscription,
        reached: &mut Reached,
    ) -> Result<Step, NoticeError> {
        let Some(delivery) = self.catalog.owed(&subscription.id).await? else {
            let made = self.make_out(subscription, reached).await?;
            return Ok(if made { Step::Again } else { Step::Wait(None) });
        };
        let now = self.clock.now();
        if delivery.next_at > now {
            return Ok(Step::Wait(Some(until(delivery.next_at, now))));
        }
        // Who may read nothing any more is sent nothing any more.
        if !self.patterns.iter().any(|p| self.consumers.permit(&subscription.organisation, &p.id).is_some()) {
            return Ok(Step::Wait(Some(WEBHOOK_LOOK)));
        }
        self.deliver(subscription, &delivery).await?;
        Ok(Step::Again)
    }

    async fn deliver(&self, subscription: &Subscription, delivery: &Delivery) -> Result<(), NoticeError> {
        let secret = self.hooks.signing.of(&subscription.id);
        let Ok(_place) = self.hooks.places.acquire().await else { return Ok(()) };
        let now = self.clock.now();
        let sent = self.hooks.poster.send(&subscription.url, (delivery, now.timestamp()), &secret).await;
        fault::point("webhook.sent");
        let Err(error) = sent else {
            return Ok(self.catalog.delivered(&subscription.id, &delivery.id, self.clock.now()).await?);
        };
        let (tries, pause) = (delivery.tries + 1, self.hooks.tries.pause(delivery.tries + 1, draw()));
        let is_over = tries >= self.hooks.tries.most;
        let next = self.clock.now() + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        let failure = Failed { tries, next_at: (!is_over).then_some(next), error: &error };
        tracing::info!(subscription = subscription.id, delivery = delivery.id, tries, is_over, %error, "a webhook failed");
        let of = (subscription.id.as_str(), delivery);
        Ok(self.catalog.undelivered(of, &failure, DEAD_LETTERS_PER_SUBSCRIPTION).await?)
    }
}

/// What comes after a step.
enum Step {
    Again,
    /// A time, or until something happens.
    Wait(Option<Duration>),
}

fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

fn draw() -> f64 {
    rand::rng().random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_spread() {
        let tries = Tries { most: 12, pause: Duration::from_secs(5) };
        let longest = |number| tries.pause(number, 1.0).as_secs();
        assert_eq!([1, 2, 3, 10, 11, 40].map(longest), [5, 10, 20, 2_560, 3_600, 3_600]);
        assert_eq!(tries.pause(3, 0.0), Duration::from_secs(10));
    }
}
