//! Subscriptions, and the deliveries that are owed.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::notices::{Notice, first_behind};
use super::row::{bigint, count, list, list_text, moment, moment_or_none, text};
use super::{Catalog, CatalogError, begin, failed};

macro_rules! subscriptions {
    ($tail:literal) => {
        concat!(
            "SELECT id, organisation, url, datasets, kinds, created_at, places, notice_number, delivered_at, last_error, \
             (SELECT COUNT(*) FROM deliveries d WHERE d.subscription = subscriptions.id AND d.dead = 1) AS dead, \
             (SELECT COUNT(*) FROM deliveries d WHERE d.subscription = subscriptions.id AND d.dead = 0) AS owed \
             FROM subscriptions ",
            $tail
        )
    };
}
macro_rules! deliveries {
    ($tail:literal) => {
        concat!("SELECT id, body, made_at, tries, next_at, last_error FROM deliveries ", $tail)
    };
}

const INSERT: &str = "INSERT INTO subscriptions \
     (id, organisation, url, datasets, kinds, created_at, places, notice_number, delivered_at, last_error) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT COALESCE(MAX(number), 0) FROM notices), NULL, '')";
const ONE: &str = subscriptions!("WHERE id = $1");
const ALL: &str = subscriptions!("ORDER BY id");
const PAGE: &str = subscriptions!("WHERE organisation = $1 AND id > $2 ORDER BY id LIMIT $3");
const COUNT: &str = "SELECT COUNT(*) FROM subscriptions WHERE organisation = $1";
const DELETE: [&str; 2] =
    ["DELETE FROM deliveries WHERE subscription = $1", "DELETE FROM subscriptions WHERE id = $1"];
const OWED: &str = deliveries!("WHERE subscription = $1 AND dead = 0 ORDER BY number LIMIT 1");
const DEAD: &str = deliveries!("WHERE subscription = $1 AND dead = 1 ORDER BY number DESC LIMIT $2");
const MAKE_OUT: &str = "INSERT INTO deliveries \
     (id, subscription, number, body, made_at, tries, next_at, dead, last_error) \
     SELECT $1, $2, (SELECT COALESCE(MAX(number), 0) + 1 FROM deliveries WHERE subscription = $2), $3, $4, 0, $4, 0, '' \
     WHERE EXISTS (SELECT 1 FROM subscriptions WHERE id = $2)";
const MOVE: &str = "UPDATE subscriptions SET places = $2, notice_number = $3 WHERE id = $1";
const DONE: &str = "DELETE FROM deliveries WHERE id = $1";
const DELIVERED: &str = "UPDATE subscriptions SET delivered_at = $2, last_error = '' WHERE id = $1";
const FAILED: &str =
    "UPDATE deliveries SET tries = $2, next_at = $3, dead = $4, last_error = $5 WHERE id = $1";
const SAY_FAULT: &str = "UPDATE subscriptions SET last_error = $2 WHERE id = $1";
const BOUND: &str = "DELETE FROM deliveries WHERE subscription = $1 AND dead = 1 AND number <= \
     (SELECT number FROM deliveries WHERE subscription = $1 AND dead = 1 ORDER BY number DESC LIMIT 1 OFFSET $2)";
const REVIVE: &str =
    "UPDATE deliveries SET dead = 0, tries = 0, next_at = $2 WHERE subscription = $1 AND dead = 1";

/// Who has news sent to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) organisation: String,
    pub(crate) url: String,
    /// Ids, ascending; none: all that the organisation may read.
    pub(crate) datasets: Vec<String>,
    /// CHANGES, NOTICES.
    pub(crate) kinds: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    /// Places in the logs of datasets up to which deliveries were made out.
    pub(crate) places: String,
    /// Number of the last notice of which one was.
    pub(crate) notice_number: u64,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    pub(crate) last_error: String,
    /// Deliveries that were given up, and those that are owed.
    pub(crate) dead: u64,
    pub(crate) owed: u64,
}

/// Something that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The same at each try.
    pub(crate) id: String,
    /// JSON.
    pub(crate) body: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) tries: u32,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) last_error: String,
}

/// What becomes of a delivery that failed.
#[derive(Debug, Clone)]
pub(crate) struct Failed<'a> {
    pub(crate) tries: u32,
    /// When it is tried again; None: it is given up.
    pub(crate) next_at: Option<DateTime<Utc>>,
    pub(crate) error: &'a str,
}

impl Catalog {
    /// Writes a new subscription.
    pub(crate) async fn put_subscription(&self, new: &Subscription) -> Result<(), CatalogError> {
        let put = sqlx::query(INSERT)
            .bind(&new.id)
            .bind(&new.organisation)
            .bind(&new.url)
            .bind(list_text(&new.datasets))
            .bind(list_text(&new.kinds))
            .bind(new.created_at.timestamp_micros())
            .bind(&new.places);
        put.execute(&self.writer).await.map_err(failed("write a subscription")).map(drop)
    }

    pub(crate) async fn subscription(&self, id: &str) -> Result<Option<Subscription>, CatalogError> {
        let found = sqlx::query(ONE).bind(id).fetch_optional(&self.readers).await;
        found.map_err(failed("read a subscription"))?.map(|row| read(&row)).transpose()
    }

    /// Those of all organisations.
    pub(crate) async fn all_subscriptions(&self) -> Result<Vec<Subscription>, CatalogError> {
        let rows = sqlx::query(ALL).fetch_all(&self.readers).await.map_err(failed("list subscriptions"))?;
        rows.iter().map(read).collect()
    }

    /// A page of an organisation's subscriptions behind an id.
    pub(crate) async fn subscriptions(
        &self,
        organisation: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Subscription>, CatalogError> {
        let rows = sqlx::query(PAGE).bind(organisation).bind(after).bind(i64::from(limit));
        let rows = rows.fetch_all(&self.readers).await.map_err(failed("list subscriptions"))?;
        rows.iter().map(read).collect()
    }

    /// How many an organisation has.
    pub(crate) async fn count_subscriptions(&self, organisation: &str) -> Result<u64, CatalogError> {
        let count = sqlx::query_scalar(COUNT).bind(organisation).fetch_one(&self.readers).await;
        let count: i64 = count.map_err(failed("count subscriptions"))?;
        Ok(count.unsigned_abs())
    }

    /// Removes a subscription with all that is owed to it.
    pub(crate) async fn delete_subscription(&self, id: &str) -> Result<(), CatalogError> {
        const DEED: &str = "delete a subscription";
        let mut transaction = begin(&self.writer, DEED).await?;
        for statement in DELETE {
            sqlx::query(statement).bind(id).execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        transaction.commit().await.map_err(failed(DEED))
    }

    /// The delivery that is owed next.
    pub(crate) async fn owed(&self, subscription: &str) -> Result<Option<Delivery>, CatalogError> {
        let found = sqlx::query(OWED).bind(subscription).fetch_optional(&self.readers).await;
        found.map_err(failed("read deliveries"))?.map(|row| read_delivery(&row)).transpose()
    }

    /// Deliveries that were given up, the newest first.
    pub(crate) async fn dead_letters(
        &self,
        subscription: &str,
        limit: u32,
    ) -> Result<Vec<Delivery>, CatalogError> {
        let rows = sqlx::query(DEAD).bind(subscription).bind(i64::from(limit));
        let rows = rows.fetch_all(&self.readers).await.map_err(failed("read deliveries"))?;
        rows.iter().map(read_delivery).collect()
    }

    /// Makes out a delivery, and says in the same breath how far that came; without one only that.
    pub(crate) async fn make_out(
        &self,
        subscription: &str,
        delivery: Option<(&str, &str, DateTime<Utc>)>,
        (places, notice_number): (&str, u64),
    ) -> Result<(), CatalogError> {
        const DEED: &str = "make out a delivery";
        let mut transaction = begin(&self.writer, DEED).await?;
        if let Some((id, body, at)) = delivery {
            let made = sqlx::query(MAKE_OUT).bind(id).bind(subscription).bind(body);
            let made = made.bind(at.timestamp_micros()).execute(&mut *transaction).await;
            made.map_err(failed(DEED))?;
        }
        let moved = sqlx::query(MOVE).bind(subscription).bind(places);
        let moved = moved.bind(bigint(notice_number, "number")?).execute(&mut *transaction).await;
        moved.map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))
    }

    /// A delivery was taken.
    pub(crate) async fn delivered(
        &self,
        subscription: &str,
        delivery: &str,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        const DEED: &str = "settle a delivery";
        let mut transaction = begin(&self.writer, DEED).await?;
        sqlx::query(DONE).bind(delivery).execute(&mut *transaction).await.map_err(failed(DEED))?;
        let told = sqlx::query(DELIVERED).bind(subscription).bind(at.timestamp_micros());
        told.execute(&mut *transaction).await.map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))
    }

    /// A delivery failed. Of more than `most` that were given up the oldest go.
    pub(crate) async fn undelivered(
        &self,
        (subscription, delivery): (&str, &Delivery),
        failure: &Failed<'_>,
        most: u32,
    ) -> Result<(), CatalogError> {
        const DEED: &str = "note a failure";
        let mut transaction = begin(&self.writer, DEED).await?;
        let noted = sqlx::query(FAILED)
            .bind(&delivery.id)
            .bind(i64::from(failure.tries))
            .bind(failure.next_at.unwrap_or(delivery.next_at).timestamp_micros())
            .bind(i64::from(failure.next_at.is_none()))
            .bind(failure.error);
        noted.execute(&mut *transaction).await.map_err(failed(DEED))?;
        let said = sqlx::query(SAY_FAULT).bind(subscription).bind(failure.error);
        said.execute(&mut *transaction).await.map_err(failed(DEED))?;
        let bound = sqlx::query(BOUND).bind(subscription).bind(i64::from(most));
        bound.execute(&mut *transaction).await.map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))
    }

    /// Has what was given up sent again, before what is owed; tells how many.
    pub(crate) async fn revive(&self, subscription: &str, now: DateTime<Utc>) -> Result<u64, CatalogError> {
        let again = sqlx::query(REVIVE).bind(subscription).bind(now.timestamp_micros());
        let again = again.execute(&self.writer).await.map_err(failed("send deliveries again"))?;
        Ok(again.rows_affected())
    }

    /// The first notice of a reader behind a number, about some datasets.
    pub(crate) async fn notice_behind(
        &self,
        reader: &str,
        datasets: &[String],
        number: u64,
    ) -> Result<Option<Notice>, CatalogError> {
        first_behind(&self.readers, (reader, datasets), number).await
    }
}

fn read(row: &SqliteRow) -> Result<Subscription, CatalogError> {
    Ok(Subscription {
        id: text(row, "id")?,
        organisation: text(row, "organisation")?,
        url: text(row, "url")?,
        datasets: list(row, "datasets")?,
        kinds: list(row, "kinds")?,
        created_at: moment(row, "created_at")?,
        places: text(row, "places")?,
        notice_number: count(row, "notice_number")?,
        delivered_at: moment_or_none(row, "delivered_at")?,
        last_error: text(row, "last_error")?,
        dead: count(row, "dead")?,
        owed: count(row, "owed")?,
    })
}

fn read_delivery(row: &SqliteRow) -> Result<Delivery, CatalogError> {
    let tries = u32::try_from(count(row, "tries")?);
    Ok(Delivery {
        id: text(row, "id")?,
        body: text(row, "body")?,
        made_at: moment(row, "made_at")?,
        tries: tries.map_err(|_| CatalogError::Corrupt { what: "column tries".to_owned() })?,
        next_at: moment(row, "next_at")?,
        last_error: text(row, "last_error")?,
    })
}
