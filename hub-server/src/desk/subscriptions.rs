//! Subscriptions: news that is sent to an address.

use hub_proto::convert::time_to_wire;
use hub_proto::name::{Collection, is_uuid};
use hub_proto::{TypeConversionError, v1};

use super::{Desk, Page};
use crate::catalog::Delivery;
use crate::config::limits::SUBSCRIPTION_DATASETS;
use crate::error::HubError;
use crate::identity::Principal;
use crate::notices::{Kind, NewSubscription, Shown};
use crate::permit::SubscriptionsPermit;

const MESSAGE: &str = "CreateSubscriptionRequest";

impl Desk {
    /// Subscribes from now on; gives the secret with which deliveries are signed.
    pub(crate) async fn create_subscription(
        &self,
        caller: &Principal,
        request: v1::CreateSubscriptionRequest,
    ) -> Result<v1::CreateSubscriptionResponse, HubError> {
        let wrong = |field, text: &str| TypeConversionError::invalid(MESSAGE, field, text);
        if !is_uuid(&request.request_id) {
            return Err(wrong("request_id", "it must be a UUID in lower case, with hyphens").into());
        }
        if request.datasets.len() > SUBSCRIPTION_DATASETS {
            let most = format!("it names more than {SUBSCRIPTION_DATASETS} datasets; leave them out for all");
            return Err(wrong("datasets", &most).into());
        }
        let kinds = kinds_of(&request)
            .map_err(|number| wrong("kinds", &format!("{number} is no kind of news that this hub knows")))?;
        let mut permits = Vec::new();
        for name in &request.datasets {
            let pattern = self.pattern(Collection::Datasets, name)?;
            permits.push(self.rooms.identity.read(caller, &pattern)?);
        }
        let mut named: Vec<String> = permits.iter().map(|permit| permit.dataset().to_owned()).collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() {
            permits.extend(self.readable(caller)?.into_iter().map(|(_, permit)| permit));
        }
        let permit = self.rooms.identity.subscriptions(caller, named, &permits)?;
        let new = NewSubscription { id: request.request_id, url: request.url, kinds };
        let (shown, secret) = self.rooms.notices.subscribe(&permit, &new).await?;
        Ok(v1::CreateSubscriptionResponse { subscription: Some(to_wire(shown)), secret })
    }

    /// Subscriptions of the caller's organisation, a page of them.
    pub(crate) async fn list_subscriptions(
        &self,
        caller: &Principal,
        request: v1::ListSubscriptionsRequest,
    ) -> Result<v1::ListSubscriptionsResponse, HubError> {
        let permit = self.own_subscriptions(caller)?;
        let asked = (request.page_size, request.page_token.as_str());
        let chosen = [permit.organisation()];
        let page = Page::<String>::open(&self.rooms.seal, "ListSubscriptionsRequest", &chosen, asked)?;
        let after = page.after.clone().unwrap_or_default();
        let fetched = self.rooms.notices.subscriptions(&permit, &after, page.fetch()).await?;
        let (subscriptions, next_page_token) =
            page.close(fetched, |shown| shown.subscription.id.clone(), to_wire)?;
        Ok(v1::ListSubscriptionsResponse { subscriptions, next_page_token })
    }

    /// Ends a subscription.
    pub(crate) async fn delete_subscription(
        &self,
        caller: &Principal,
        request: v1::DeleteSubscriptionRequest,
    ) -> Result<v1::DeleteSubscriptionResponse, HubError> {
        let permit = self.own_subscriptions(caller)?;
        let id = Collection::Subscriptions.id(&request.name)?;
        self.rooms.notices.unsubscribe(&permit, id).await?;
        Ok(v1::DeleteSubscriptionResponse {})
    }

    /// Has deliveries that were given up sent again.
    pub(crate) async fn redeliver_dead_letters(
        &self,
        caller: &Principal,
        request: v1::RedeliverDeadLettersRequest,
    ) -> Result<v1::RedeliverDeadLettersResponse, HubError> {
        let permit = self.own_subscriptions(caller)?;
        let id = Collection::Subscriptions.id(&request.name)?;
        let count = self.rooms.notices.redeliver(&permit, id).await?;
        Ok(v1::RedeliverDeadLettersResponse { count })
    }

    fn own_subscriptions(&self, caller: &Principal) -> Result<SubscriptionsPermit, HubError> {
        Ok(self.rooms.identity.subscriptions(caller, Vec::new(), &[])?)
    }
}

/// None said: both. Err: a number that stands for none.
fn kinds_of(request: &v1::CreateSubscriptionRequest) -> Result<Vec<Kind>, i32> {
    let kinds = request.kinds.iter().map(|kind| match v1::SubscriptionKind::try_from(*kind) {
        Ok(v1::SubscriptionKind::Changes) => Ok(Kind::Changes),
        Ok(v1::SubscriptionKind::Notices) => Ok(Kind::Notices),
        Ok(v1::SubscriptionKind::Unspecified) | Err(_) => Err(*kind),
    });
    let kinds = kinds.collect::<Result<Vec<Kind>, i32>>()?;
    let all = [Kind::Changes, Kind::Notices];
    Ok(all.into_iter().filter(|kind| kinds.is_empty() || kinds.contains(kind)).collect())
}

fn to_wire(shown: Shown) -> v1::Subscription {
    let Shown { subscription, cursor, dead_letters } = shown;
    let kinds = subscription.kinds.iter();
    let kinds = kinds.filter_map(|kind| {
        v1::SubscriptionKind::from_str_name(&format!("SUBSCRIPTION_KIND_{kind}")).map(i32::from)
    });
    v1::Subscription {
        name: Collection::Subscriptions.name(&subscription.id),
        kinds: kinds.collect(),
        url: subscription.url,
        datasets: subscription.datasets.iter().map(|id| Collection::Datasets.name(id)).collect(),
        create_time: Some(time_to_wire(subscription.created_at)),
        cursor,
        deliver_time: subscription.delivered_at.map(time_to_wire),
        last_error: subscription.last_error,
        owed: subscription.owed,
        dead: subscription.dead,
        dead_letters: dead_letters.into_iter().map(letter).collect(),
    }
}

fn letter(delivery: Delivery) -> v1::DeadLetter {
    v1::DeadLetter {
        id: delivery.id,
        create_time: Some(time_to_wire(delivery.made_at)),
        tries: delivery.tries,
        last_error: delivery.last_error,
    }
}
