//! Subscriptions.

use super::convert::{id, moment, name};
use super::shape::shapes;
use crate::TypeConversionError;
use crate::name::Collection;
use crate::v1;

shapes! {
    /// What is to be sent, and where.
    request NewSubscription requires ["request_id", "url"] {
        /// A UUID that the caller draws.
        request_id: String,
        /// `https://…`, at most 2,048 bytes.
        url: String,
        /// As `rb28s`; left out: all that the organisation may read.
        datasets: Vec<String>,
        /// CHANGES, NOTICES; left out: both.
        kinds: Vec<String>,
    }

    /// A new subscription.
    answer Subscribed {
        /// As it stands.
        subscription: Subscription,
        /// `whsec_…`, with which deliveries are signed; nothing else shows it.
        secret: String,
    }

    /// A page of subscriptions.
    answer Subscriptions {
        /// The subscriptions.
        subscriptions: Vec<Subscription>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// News that is sent to an address.
    answer Subscription {
        /// Its id.
        id: String,
        /// Where it is sent.
        url: String,
        /// As `rb28s`; none: all that the organisation may read.
        datasets: Vec<String>,
        /// CHANGES, NOTICES.
        kinds: Vec<String>,
        /// When it was made.
        create_time: Option<String>,
        /// Up to where deliveries were made out, as a watch has it.
        cursor: String,
        /// When the last delivery was taken.
        deliver_time: Option<String>,
        /// Why the last one was not; empty: it was.
        last_error: String,
        /// Deliveries that are owed now.
        owed: u64,
        /// Deliveries that were given up.
        dead: u64,
        /// Of those the newest 10.
        dead_letters: Vec<DeadLetter>,
    }

    /// A delivery that was given up.
    answer DeadLetter {
        /// The header `webhook-id`, the same at each try.
        id: String,
        /// When it was made out.
        create_time: Option<String>,
        /// How often it was tried.
        tries: u64,
        /// Why it was not taken at last.
        last_error: String,
    }

    /// Deliveries that are sent again.
    answer Redelivery {
        /// How many.
        count: u64,
    }
}

impl From<v1::Subscription> for Subscription {
    fn from(s: v1::Subscription) -> Self {
        Self {
            kinds: s.kinds().map(|kind| kind_text(kind).to_owned()).collect(),
            id: id(&s.name),
            url: s.url,
            datasets: s.datasets.iter().map(|dataset| id(dataset)).collect(),
            create_time: s.create_time.map(moment),
            cursor: s.cursor,
            deliver_time: s.deliver_time.map(moment),
            last_error: s.last_error,
            owed: s.owed,
            dead: s.dead,
            dead_letters: s.dead_letters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<v1::DeadLetter> for DeadLetter {
    fn from(letter: v1::DeadLetter) -> Self {
        Self {
            id: letter.id,
            create_time: letter.create_time.map(moment),
            tries: letter.tries.into(),
            last_error: letter.last_error,
        }
    }
}

impl From<v1::CreateSubscriptionResponse> for Subscribed {
    fn from(made: v1::CreateSubscriptionResponse) -> Self {
        Self { subscription: made.subscription.unwrap_or_default().into(), secret: made.secret }
    }
}

impl From<v1::ListSubscriptionsResponse> for Subscriptions {
    fn from(list: v1::ListSubscriptionsResponse) -> Self {
        Self {
            subscriptions: list.subscriptions.into_iter().map(Into::into).collect(),
            next_page_token: list.next_page_token,
        }
    }
}

impl TryFrom<NewSubscription> for v1::CreateSubscriptionRequest {
    type Error = TypeConversionError;

    fn try_from(new: NewSubscription) -> Result<Self, TypeConversionError> {
        let kind = |text: &String| {
            v1::SubscriptionKind::from_str_name(&format!("SUBSCRIPTION_KIND_{text}"))
                .filter(|kind| *kind != v1::SubscriptionKind::Unspecified)
                .map(i32::from)
                .ok_or_else(|| {
                    let text = format!("`{text}` is no kind of news; there are CHANGES and NOTICES");
                    TypeConversionError::invalid("CreateSubscriptionRequest", "kinds", text)
                })
        };
        Ok(Self {
            request_id: new.request_id,
            url: new.url,
            datasets: new.datasets.iter().map(|dataset| name(Collection::Datasets, dataset)).collect(),
            kinds: new.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        })
    }
}

fn kind_text(kind: v1::SubscriptionKind) -> &'static str {
    kind.as_str_name().trim_start_matches("SUBSCRIPTION_KIND_")
}
