//! What consumers took of datasets.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::row::{bigint, count, list, list_text, moment, text};
use super::{Catalog, CatalogError, begin, failed};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, reader, dataset, columns, filter, version, place, taken_at FROM pulls WHERE ",
            $tail
        )
    };
}

const OF_READER: &str = select!("reader = $1 AND dataset = $2 ORDER BY id");
const BEFORE: &str = select!("dataset = $1 AND version < $2 ORDER BY id");
const PUT: &str = "INSERT INTO pulls (id, reader, dataset, columns, filter, version, place, taken_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET \
     version = excluded.version, place = excluded.place, taken_at = excluded.taken_at \
     WHERE pulls.version < excluded.version";
const MOVE: &str = "UPDATE pulls SET version = $2, place = $3, taken_at = $4 WHERE id = $1 AND version < $2";
const SETTLE: &str = "UPDATE notices SET state = 'TAKEN_ANEW', settled_at = $3 \
     WHERE pull = $1 AND version <= $2 AND state = 'OPEN'";
const BOUND: &str = "DELETE FROM pulls WHERE id IN \
     (SELECT id FROM pulls WHERE reader = $1 ORDER BY taken_at DESC, id LIMIT 1000 OFFSET $2)";

/// What a consumer took: columns and rows of a dataset, and how new they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pull {
    pub(crate) id: String,
    /// Organisation that took it.
    pub(crate) reader: String,
    pub(crate) dataset: String,
    /// Of the pattern, ascending.
    pub(crate) columns: Vec<String>,
    /// SQL row expression; empty: all rows.
    pub(crate) filter: String,
    pub(crate) version: u64,
    /// Where the version stands in the order of commits.
    pub(crate) place: String,
    pub(crate) taken_at: DateTime<Utc>,
}

impl Catalog {
    /// What a reader took of a dataset.
    pub(crate) async fn pulls_of(&self, reader: &str, dataset: &str) -> Result<Vec<Pull>, CatalogError> {
        let rows = sqlx::query(OF_READER).bind(reader).bind(dataset);
        let rows = rows.fetch_all(&self.readers).await.map_err(failed("list pulls"))?;
        rows.iter().map(read).collect()
    }

    /// What was taken of a dataset before a version.
    pub(crate) async fn pulls_before(&self, dataset: &str, version: u64) -> Result<Vec<Pull>, CatalogError> {
        let rows = sqlx::query(BEFORE).bind(dataset).bind(bigint(version, "version")?);
        let rows = rows.fetch_all(&self.readers).await.map_err(failed("list pulls"))?;
        rows.iter().map(read).collect()
    }

    /// Notes what was taken, and that the `covered` pulls of the same reader are as new as it; what they were told
    /// of until then is settled. Of more than `most` pulls the oldest are forgotten.
    pub(crate) async fn put_pull(
        &self,
        pull: &Pull,
        covered: &[String],
        most: u32,
    ) -> Result<(), CatalogError> {
        const DEED: &str = "note a pull";
        let (version, at) = (bigint(pull.version, "version")?, pull.taken_at.timestamp_micros());
        let mut transaction = begin(&self.writer, DEED).await?;
        let put = sqlx::query(PUT)
            .bind(&pull.id)
            .bind(&pull.reader)
            .bind(&pull.dataset)
            .bind(list_text(&pull.columns))
            .bind(&pull.filter)
            .bind(version)
            .bind(&pull.place)
            .bind(at);
        put.execute(&mut *transaction).await.map_err(failed(DEED))?;
        for id in covered {
            let moved = sqlx::query(MOVE).bind(id).bind(version).bind(&pull.place).bind(at);
            moved.execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        for id in covered.iter().chain([&pull.id]) {
            let settled = sqlx::query(SETTLE).bind(id).bind(version).bind(at);
            settled.execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        let bound = sqlx::query(BOUND).bind(&pull.reader).bind(i64::from(most));
        bound.execute(&mut *transaction).await.map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))
    }
}

fn read(row: &SqliteRow) -> Result<Pull, CatalogError> {
    Ok(Pull {
        id: text(row, "id")?,
        reader: text(row, "reader")?,
        dataset: text(row, "dataset")?,
        columns: list(row, "columns")?,
        filter: text(row, "filter")?,
        version: count(row, "version")?,
        place: text(row, "place")?,
        taken_at: moment(row, "taken_at")?,
    })
}
