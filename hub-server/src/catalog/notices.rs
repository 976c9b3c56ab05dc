//! Notices: that what a consumer took was corrected, and what it said to that.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool, Transaction};

use super::row::{bigint, count, list, list_text, moment, moment_or_none, text};
use super::{Catalog, CatalogError, Pull, begin, failed};

macro_rules! columns {
    () => {
        "id, number, pull, reader, dataset, publisher, period, partition_key, kind, submission, cause, taken_version, \
         taken_place, taken_revision, version, revision, committed_at, columns, filter, inserted, deleted, updated, \
         state, note, made_at, settled_at"
    };
}

const PULL_VERSION: &str = "SELECT version FROM pulls WHERE id = $1";
const INSERT: &str = concat!(
    "INSERT INTO notices (",
    columns!(),
    ") VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM notices), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, 'OPEN', '', $22, NULL) ON CONFLICT (pull, cause) DO NOTHING"
);
/// The newest notice of a report stands for those before it.
const SUPERSEDE: &str = "UPDATE notices SET state = 'SUPERSEDED', settled_at = $5 \
     WHERE pull = $1 AND publisher = $2 AND partition_key = $3 AND id <> $4 AND state = 'OPEN'";
const BOUND: &str = "DELETE FROM notices WHERE reader = $1 AND number <= \
     (SELECT number FROM notices WHERE reader = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)";
const ONE: &str = concat!("SELECT ", columns!(), " FROM notices WHERE id = $1 AND reader = $2");
const TOLD: &str = "SELECT COUNT(*) FROM notices WHERE pull = $1 AND publisher = $2 AND partition_key = $3 AND cause <> $4 AND version > $5";
const SAY: &str = "UPDATE notices SET state = $3, note = $4, settled_at = $5 \
     WHERE id = $1 AND reader = $2 AND state IN ('OPEN', 'ACKNOWLEDGED', 'PINNED')";
const PLACES: &str = "SELECT dataset, place FROM notice_places";
const BEGIN_PLACE: &str =
    "INSERT INTO notice_places (dataset, place) VALUES ($1, $2) ON CONFLICT (dataset) DO NOTHING";
const MOVE_PLACE: &str = "INSERT INTO notice_places (dataset, place) VALUES ($1, $2) \
     ON CONFLICT (dataset) DO UPDATE SET place = excluded.place";

/// Rows that differ between what was taken and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) inserted: u64,
    pub(crate) deleted: u64,
    pub(crate) updated: u64,
}

/// That what a consumer took was corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) id: String,
    /// Order in which notices were made; 0 until it is written.
    pub(crate) number: u64,
    /// What was taken.
    pub(crate) pull: String,
    pub(crate) reader: String,
    pub(crate) dataset: String,
    pub(crate) publisher: String,
    /// As it was sent, `2022-Q4`.
    pub(crate) period: String,
    /// Value of `_period`.
    pub(crate) partition: String,
    /// CORRECTED, WITHDRAWN or ERASED.
    pub(crate) kind: String,
    /// The submission that corrects; of an erasure the one that was erased.
    pub(crate) submission: String,
    /// The deed that it tells of: one notice for each pull and deed.
    pub(crate) cause: String,
    pub(crate) taken_version: u64,
    pub(crate) taken_place: String,
    /// The newest revision among the rows that were taken; 0: it cannot be told.
    pub(crate) taken_revision: u64,
    pub(crate) version: u64,
    /// 0 for an erasure.
    pub(crate) revision: u64,
    pub(crate) committed_at: DateTime<Utc>,
    pub(crate) columns: Vec<String>,
    pub(crate) filter: String,
    /// None: it cannot be told.
    pub(crate) counts: Option<RowCounts>,
    /// OPEN, ACKNOWLEDGED, PINNED, TAKEN_ANEW or SUPERSEDED.
    pub(crate) state: String,
    /// What the consumer said.
    pub(crate) note: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) settled_at: Option<DateTime<Utc>>,
}

/// Which notices: those of a reader about some datasets, newest first.
#[derive(Debug, Clone)]
pub(crate) struct NoticeFilter<'a> {
    pub(crate) reader: &'a str,
    pub(crate) datasets: &'a [String],
    /// Also those that are settled.
    pub(crate) all: bool,
    /// Number of the last one of the page before.
    pub(crate) before: Option<u64>,
    pub(crate) limit: u32,
}

/// Whether notices could be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    /// What they are about was taken anew meanwhile, and is still older than they are.
    Moved,
}

impl Catalog {
    /// Up to which place of each dataset's log corrections were looked at.
    pub(crate) async fn notice_places(&self) -> Result<BTreeMap<String, String>, CatalogError> {
        let rows = sqlx::query(PLACES).fetch_all(&self.readers).await.map_err(failed("read places"))?;
        rows.iter().map(|row| Ok((text(row, "dataset")?, text(row, "place")?))).collect()
    }

    /// Says where the look at a dataset begins, unless it has begun.
    pub(crate) async fn begin_notice_place(&self, dataset: &str, place: &str) -> Result<(), CatalogError> {
        let begun = sqlx::query(BEGIN_PLACE).bind(dataset).bind(place).execute(&self.writer).await;
        begun.map_err(failed("write a place")).map(drop)
    }

    /// True when a reader was told of a report since it took it, by another deed.
    pub(crate) async fn was_told(
        &self,
        pull: &Pull,
        (publisher, partition): (&str, &str),
        cause: &str,
    ) -> Result<bool, CatalogError> {
        let told = sqlx::query_scalar(TOLD).bind(&pull.id).bind(publisher).bind(partition).bind(cause);
        let told = told.bind(bigint(pull.version, "version")?);
        let told: i64 = told.fetch_one(&self.readers).await.map_err(failed("read notices"))?;
        Ok(told > 0)
    }

    /// Writes notices and the place behind what they tell of, all or nothing. One that is there already stays as it
    /// is; one whose consumer took a version at or behind its own meanwhile is not due any more.
    pub(crate) async fn put_notices(
        &self,
        (dataset, place): (&str, &str),
        notices: &[Notice],
        most: u32,
    ) -> Result<Put, CatalogError> {
        const DEED: &str = "write notices";
        let mut transaction = begin(&self.writer, DEED).await?;
        for notice in notices {
            let taken = sqlx::query(PULL_VERSION).bind(&notice.pull);
            let taken = taken.fetch_optional(&mut *transaction).await.map_err(failed(DEED))?;
            let taken = taken.map(|row| count(&row, "version")).transpose()?;
            if taken.is_none_or(|taken| taken >= notice.version) {
                continue;
            }
            if taken != Some(notice.taken_version) {
                transaction.rollback().await.map_err(failed(DEED))?;
                return Ok(Put::Moved);
            }
            put(&mut transaction, notice, most).await?;
        }
        let moved = sqlx::query(MOVE_PLACE).bind(dataset).bind(place);
        moved.execute(&mut *transaction).await.map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))?;
        Ok(Put::Done)
    }

    /// A page of notices, newest first.
    pub(crate) async fn notices(&self, filter: &NoticeFilter<'_>) -> Result<Vec<Notice>, CatalogError> {
        if filter.datasets.is_empty() {
            return Ok(Vec::new());
        }
        let before = bigint(filter.before.unwrap_or(i64::MAX.unsigned_abs()), "number")?;
        let mut ask: QueryBuilder<Sqlite> =
            QueryBuilder::new(concat!("SELECT ", columns!(), " FROM notices WHERE reader = "));
        ask.push_bind(filter.reader.to_owned()).push(" AND number < ").push_bind(before);
        if !filter.all {
            ask.push(" AND state = 'OPEN'");
        }
        ask.push(" AND dataset IN (");
        let mut names = ask.separated(", ");
        filter.datasets.iter().for_each(|dataset| {
            names.push_bind(dataset.clone());
        });
        ask.push(") ORDER BY number DESC LIMIT ").push_bind(i64::from(filter.limit));
        let rows = ask.build().fetch_all(&self.readers).await.map_err(failed("list notices"))?;
        rows.iter().map(read).collect()
    }

    /// A notice of a reader.
    pub(crate) async fn notice(&self, id: &str, reader: &str) -> Result<Option<Notice>, CatalogError> {
        let found = sqlx::query(ONE).bind(id).bind(reader).fetch_optional(&self.readers).await;
        found.map_err(failed("read a notice"))?.map(|row| read(&row)).transpose()
    }

    /// Writes what a consumer says to a notice; false: it is settled by something else.
    pub(crate) async fn say_to_notice(
        &self,
        (id, reader): (&str, &str),
        (state, note): (&str, &str),
        at: DateTime<Utc>,
    ) -> Result<bool, CatalogError> {
        let said = sqlx::query(SAY).bind(id).bind(reader).bind(state).bind(note);
        let said = said.bind(at.timestamp_micros()).execute(&self.writer).await;
        Ok(said.map_err(failed("settle a notice"))?.rows_affected() > 0)
    }
}

async fn put(
    transaction: &mut Transaction<'_, Sqlite>,
    notice: &Notice,
    most: u32,
) -> Result<(), CatalogError> {
    const DEED: &str = "write notices";
    let rows =
        |count: fn(RowCounts) -> u64| notice.counts.map(|counts| bigint(count(counts), "rows")).transpose();
    let made = sqlx::query(INSERT)
        .bind(&notice.id)
        .bind(&notice.pull)
        .bind(&notice.reader)
        .bind(&notice.dataset)
        .bind(&notice.publisher)
        .bind(&notice.period)
        .bind(&notice.partition)
        .bind(&notice.kind)
        .bind(&notice.submission)
        .bind(&notice.cause)
        .bind(bigint(notice.taken_version, "version")?)
        .bind(&notice.taken_place)
        .bind(bigint(notice.taken_revision, "revision")?)
        .bind(bigint(notice.version, "version")?)
        .bind(bigint(notice.revision, "revision")?)
        .bind(notice.committed_at.timestamp_micros())
        .bind(list_text(&notice.columns))
        .bind(&notice.filter)
        .bind(rows(|counts| counts.inserted)?)
        .bind(rows(|counts| counts.deleted)?)
        .bind(rows(|counts| counts.updated)?)
        .bind(notice.made_at.timestamp_micros());
    let made = made.execute(&mut **transaction).await.map_err(failed(DEED))?;
    if made.rows_affected() == 0 {
        return Ok(());
    }
    let earlier = sqlx::query(SUPERSEDE)
        .bind(&notice.pull)
        .bind(&notice.publisher)
        .bind(&notice.partition)
        .bind(&notice.id)
        .bind(notice.made_at.timestamp_micros());
    earlier.execute(&mut **transaction).await.map_err(failed(DEED))?;
    let bound = sqlx::query(BOUND).bind(&notice.reader).bind(i64::from(most));
    bound.execute(&mut **transaction).await.map_err(failed(DEED)).map(drop)
}

fn read(row: &SqliteRow) -> Result<Notice, CatalogError> {
    let rows = |column: &'static str| -> Result<Option<u64>, CatalogError> {
        let wrong = || CatalogError::Corrupt { what: format!("column {column}") };
        let count: Option<i64> = row.try_get(column).map_err(|_| wrong())?;
        count.map(|count| u64::try_from(count).map_err(|_| wrong())).transpose()
    };
    let counts = match (rows("inserted")?, rows("deleted")?, rows("updated")?) {
        (Some(inserted), Some(deleted), Some(updated)) => Some(RowCounts { inserted, deleted, updated }),
        _ => None,
    };
    Ok(Notice {
        id: text(row, "id")?,
        number: count(row, "number")?,
        pull: text(row, "pull")?,
        reader: text(row, "reader")?,
        dataset: text(row, "dataset")?,
        publisher: text(row, "publisher")?,
        period: text(row, "period")?,
        partition: text(row, "partition_key")?,
        kind: text(row, "kind")?,
        submission: text(row, "submission")?,
        cause: text(row, "cause")?,
        taken_version: count(row, "taken_version")?,
        taken_place: text(row, "taken_place")?,
        taken_revision: count(row, "taken_revision")?,
        version: count(row, "version")?,
        revision: count(row, "revision")?,
        committed_at: moment(row, "committed_at")?,
        columns: list(row, "columns")?,
        filter: text(row, "filter")?,
        counts,
        state: text(row, "state")?,
        note: text(row, "note")?,
        made_at: moment(row, "made_at")?,
        settled_at: moment_or_none(row, "settled_at")?,
    })
}

/// The first notice of a reader behind a number, about some datasets.
pub(super) async fn first_behind(
    readers: &SqlitePool,
    (reader, datasets): (&str, &[String]),
    number: u64,
) -> Result<Option<Notice>, CatalogError> {
    if datasets.is_empty() {
        return Ok(None);
    }
    let mut ask: QueryBuilder<Sqlite> =
        QueryBuilder::new(concat!("SELECT ", columns!(), " FROM notices WHERE reader = "));
    ask.push_bind(reader.to_owned()).push(" AND number > ").push_bind(bigint(number, "number")?);
    ask.push(" AND dataset IN (");
    let mut names = ask.separated(", ");
    datasets.iter().for_each(|dataset| {
        names.push_bind(dataset.clone());
    });
    ask.push(") ORDER BY number LIMIT 1");
    let found = ask.build().fetch_optional(readers).await.map_err(failed("read notices"))?;
    found.map(|row| read(&row)).transpose()
}

#[cfg(test)]
mod tests;
