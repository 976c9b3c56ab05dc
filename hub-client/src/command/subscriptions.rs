//! `hub subscriptions add|list|remove|redeliver`.

use hub_client::v1::SubscriptionKind;
use hub_client::{Client, Pending, PushKey, short, v1};
use serde_json::{Value, json};

use super::json::time;
use super::lookup::list;
use super::verdict::is_final;
use super::{print, print_json};
use crate::args::{News, Subscriptions};
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text;

/// Columns of a list.
const LISTED: [&str; 8] =
    ["subscription", "url", "datasets", "kinds", "deliver_time", "owed", "dead", "last_error"];

pub(super) async fn run(session: &Session, deed: &Subscriptions) -> Result<Exit, Failure> {
    let client = session.client()?;
    match deed {
        Subscriptions::Add { url, datasets, kinds } => add(session, &client, (url, datasets, kinds)).await,
        Subscriptions::List => list(session, client.subscriptions(), object, &LISTED, None).await,
        Subscriptions::Remove { id } => {
            client.unsubscribe(id).await?;
            told(session, &json!({ "subscription": short(id) }), text::UNSUBSCRIBED, &[("id", short(id))])
        }
        Subscriptions::Redeliver { id } => {
            let count = client.redeliver(id).await?;
            let facts = [("id", short(id)), ("count", &count.to_string())];
            let value = json!({ "subscription": short(id), "count": count });
            told(session, &value, text::REDELIVERED, &facts)
        }
    }
}

async fn add(
    session: &Session,
    client: &Client,
    (url, datasets, kinds): (&str, &[String], &[News]),
) -> Result<Exit, Failure> {
    // Kept until there is an answer, so that the same command after a cut does not subscribe twice.
    let key = PushKey {
        profile: session.profile()?.name,
        payload: format!("subscribe {url} {datasets:?} {kinds:?}"),
        pattern: String::new(),
        publisher: String::new(),
        period: String::new(),
    };
    let pending = Pending::take_up(&session.environment.config_dir, &key)?;
    let kinds: Vec<SubscriptionKind> = kinds
        .iter()
        .map(|kind| match kind {
            News::Changes => SubscriptionKind::Changes,
            News::Notices => SubscriptionKind::Notices,
        })
        .collect();
    let outcome = client.subscribe(pending.request_id(), (url, datasets), &kinds).await;
    if outcome.as_ref().map_or_else(is_final, |_| true) {
        pending.settle()?;
    }
    let (subscription, secret) = outcome?;
    let mut value = object(&subscription);
    value["secret"] = json!(secret);
    let facts = [("id", short(&subscription.name)), ("url", url), ("secret", secret.as_str())];
    told(session, &value, text::SUBSCRIBED, &facts)
}

fn told(session: &Session, value: &Value, said: text::Text, facts: &[(&str, &str)]) -> Result<Exit, Failure> {
    if session.is_json() {
        print_json(value)?;
    } else {
        print(&session.say(said, facts))?;
    }
    Ok(Exit::Accepted)
}

fn object(subscription: &v1::Subscription) -> Value {
    let kinds = subscription.kinds();
    let kinds = kinds.map(|kind| kind.as_str_name().trim_start_matches("SUBSCRIPTION_KIND_"));
    let letters = subscription.dead_letters.iter().map(|letter| {
        json!({
            "id": letter.id,
            "create_time": time(letter.create_time.as_ref()),
            "tries": letter.tries,
            "last_error": letter.last_error,
        })
    });
    json!({
        "subscription": short(&subscription.name),
        "url": subscription.url,
        "datasets": subscription.datasets.iter().map(|name| short(name)).collect::<Vec<_>>(),
        "kinds": kinds.collect::<Vec<_>>(),
        "create_time": time(subscription.create_time.as_ref()),
        "cursor": subscription.cursor,
        "deliver_time": time(subscription.deliver_time.as_ref()),
        "owed": subscription.owed,
        "dead": subscription.dead,
        "last_error": subscription.last_error,
        "dead_letters": letters.collect::<Vec<_>>(),
    })
}
