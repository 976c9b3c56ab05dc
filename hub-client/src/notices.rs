//! Notices, that what was pulled was corrected; and subscriptions, news that is sent to an address.

use hub_proto::v1;

use crate::catalog::{Listing, paged};
use crate::client::Client;
use crate::error::ClientError;
use crate::names;

/// A call over gRPC that is safe to repeat.
macro_rules! call {
    ($client:expr, $method:ident, $request:expr) => {
        $client
            .repeating(|| {
                let (mut service, request) = ($client.notice_service(), $request.clone());
                async move { service.$method(request).await }
            })
            .await
    };
}

impl Client {
    /// Notices of the caller's organisation, newest first; `all`: also those that are settled. By gRPC alone: the hub's
    /// HTTP door has them under `/api/v1/notices`.
    pub fn notices(&self, all: bool) -> Listing<v1::Notice> {
        let client = self.clone();
        paged(move |page_token| {
            let client = client.clone();
            let request = v1::ListNoticesRequest { page_token, all, page_size: 0 };
            async move {
                let page = call!(client, list_notices, request)?;
                Ok((page.notices, page.next_page_token))
            }
        })
    }

    /// Says that a notice was seen, or, `pinned`, that the earlier figure stays in use, and why.
    pub async fn acknowledge_notice(
        &self,
        id: &str,
        pinned: bool,
        note: &str,
    ) -> Result<v1::Notice, ClientError> {
        let request = v1::AcknowledgeNoticeRequest { name: names::notice(id), pinned, note: note.to_owned() };
        let answer = call!(self, acknowledge_notice, request)?;
        answer.notice.ok_or_else(|| self.incomplete("it holds no notice"))
    }

    /// Has news of datasets, as `rb28s`, sent to an address; none: of all that the caller may read. `request_id`: a
    /// UUID; the same one gives the same subscription. Gives the secret with which deliveries are signed.
    pub async fn subscribe(
        &self,
        request_id: &str,
        (url, datasets): (&str, &[String]),
        kinds: &[v1::SubscriptionKind],
    ) -> Result<(v1::Subscription, String), ClientError> {
        let request = v1::CreateSubscriptionRequest {
            request_id: request_id.to_owned(),
            url: url.to_owned(),
            datasets: datasets.iter().map(|dataset| names::dataset(dataset)).collect(),
            kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        };
        let answer = call!(self, create_subscription, request)?;
        let subscription = answer.subscription.ok_or_else(|| self.incomplete("it holds no subscription"))?;
        Ok((subscription, answer.secret))
    }

    /// Subscriptions of the caller's organisation.
    pub fn subscriptions(&self) -> Listing<v1::Subscription> {
        let client = self.clone();
        paged(move |page_token| {
            let client = client.clone();
            let request = v1::ListSubscriptionsRequest { page_token, page_size: 0 };
            async move {
                let page = call!(client, list_subscriptions, request)?;
                Ok((page.subscriptions, page.next_page_token))
            }
        })
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), ClientError> {
        let request = v1::DeleteSubscriptionRequest { name: names::subscription(id) };
        call!(self, delete_subscription, request).map(drop)
    }

    /// Has deliveries that were given up sent again; tells how many.
    pub async fn redeliver(&self, id: &str) -> Result<u64, ClientError> {
        let request = v1::RedeliverDeadLettersRequest { name: names::subscription(id) };
        Ok(call!(self, redeliver_dead_letters, request)?.count)
    }
}
