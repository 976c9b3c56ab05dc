//! Submissions with a verdict: the projection of the logs (`submissions`) and, beside it, what no log
//! knows (`ended`: refusals and abandonments).

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::row::{bigint, count, integer, list, list_text, moment, moment_or_none, text};
use super::{Catalog, CatalogError, Ends, SubmissionFilter, SubmissionRecord, Tombstone, begin, failed};

macro_rules! columns {
    () => {
        "id, caller, request_id, publisher, dataset, period, media_type, state, reason, revision, \
         dataset_version, row_count, size, sha256, carried, dropped, nothing_to_report, withdraws, created_at, ended_at, \
         erased_at, erased_reason"
    };
}
macro_rules! insert {
    ($table:literal) => {
        concat!("INSERT INTO ", $table, " (", columns!(), ", report, receipt) ")
    };
}
macro_rules! select {
    ($table:literal, $tail:literal) => {
        concat!("SELECT ", columns!(), ", report, receipt FROM ", $table, " WHERE ", $tail)
    };
}
/// A page: `$1` publisher, `$2` dataset, `$3` period, `$4`, `$5` the cursor, `$6` the limit. Reports and
/// receipts stay out, so that a page is small.
macro_rules! page {
    ($table:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", '' AS report, '' AS receipt FROM ",
            $table,
            " WHERE publisher = $1 AND (CAST($2 AS TEXT) IS NULL OR dataset = $2) AND (CAST($3 AS TEXT) IS NULL OR period = $3) \
             AND (created_at, id) < ($4, $5) ORDER BY created_at DESC, id DESC LIMIT $6"
        )
    };
}

const INSERT_SUBMISSION: &str = insert!("submissions");
const INSERT_ENDED: &str = insert!("ended");
/// Records of one INSERT: one hand-over to the thread of the database, and few forms of the statement.
const INSERT_ROWS: usize = 16;
const SUPERSEDE: &str = "UPDATE submissions SET state = 'SUPERSEDED' WHERE id = $1 AND state = 'COMMITTED'";
const WITHDRAW: &str =
    "UPDATE submissions SET state = 'WITHDRAWN' WHERE id = $1 AND state IN ('COMMITTED', 'SUPERSEDED')";
const ERASE: &str =
    "UPDATE submissions SET state = 'ERASED', report = '', erased_at = $2, erased_reason = $3 WHERE id = $1";
const NEWEST: &str = "SELECT max(ended_at) FROM submissions";
const APPLIED: &str = "SELECT applied_version FROM datasets WHERE id = $1";
const MOVE_APPLIED: &str = "INSERT INTO datasets (id, applied_version) VALUES ($1, $2) \
     ON CONFLICT (id) DO UPDATE SET applied_version = excluded.applied_version";
const BY_ID: [&str; 2] = [select!("submissions", "id = $1"), select!("ended", "id = $1")];
const BY_REQUEST: [&str; 2] = [
    select!("submissions", "caller = $1 AND request_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1"),
    select!("ended", "caller = $1 AND request_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1"),
];
const ENDED_REQUESTS: &str = "SELECT caller, request_id FROM ended";
const PAGE: [&str; 2] = [page!("submissions"), page!("ended")];

impl Catalog {
    /// Writes a refusal or an abandonment (primary data, durable before the answer). The first verdict
    /// of an id stays: a check that ran again after a restart changes nothing.
    pub(crate) async fn put_ended(&self, record: &SubmissionRecord) -> Result<(), CatalogError> {
        self.known.put_ended(&record.caller, &record.request_id);
        let mut insert = insert(INSERT_ENDED, std::slice::from_ref(record))?;
        insert.build().execute(&self.writer).await.map_err(failed("write a verdict"))?;
        Ok(())
    }

    /// Applies commits of a dataset to the projection in one transaction: inserts the records, marks the
    /// named submissions SUPERSEDED, WITHDRAWN or ERASED, moves `applied_version`. A log version that was applied before, or
    /// lies before one that was, changes nothing.
    pub(crate) async fn apply(
        &self,
        dataset: &str,
        log_version: u64,
        records: &[SubmissionRecord],
        ends: Ends<'_>,
    ) -> Result<(), CatalogError> {
        const DEED: &str = "apply a commit";
        let version = bigint(log_version, "log version")?;
        let mut transaction = begin(&self.projection, DEED).await?;
        let applied = applied_version(&mut transaction, dataset).await?;
        if applied.is_some_and(|applied| applied >= version) {
            return transaction.rollback().await.map_err(failed(DEED));
        }
        for records in records.chunks(INSERT_ROWS) {
            let mut insert = insert(INSERT_SUBMISSION, records)?;
            insert.build().execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        for id in ends.superseded {
            sqlx::query(SUPERSEDE).bind(*id).execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        for id in ends.withdrawn {
            sqlx::query(WITHDRAW).bind(*id).execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        for (id, Tombstone { at, reason }) in ends.erased {
            let erase = sqlx::query(ERASE).bind(*id).bind(at.timestamp_micros()).bind(reason);
            erase.execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        sqlx::query(MOVE_APPLIED)
            .bind(dataset)
            .bind(version)
            .execute(&mut *transaction)
            .await
            .map_err(failed(DEED))?;
        transaction.commit().await.map_err(failed(DEED))
    }

    /// Log version that the projection of a dataset has reached; None: nothing applied yet.
    pub(crate) async fn applied_version(&self, dataset: &str) -> Result<Option<u64>, CatalogError> {
        let mut reader = self.readers.acquire().await.map_err(failed("read"))?;
        Ok(applied_version(&mut reader, dataset).await?.map(i64::unsigned_abs))
    }

    pub(crate) async fn submission(&self, id: &str) -> Result<Option<SubmissionRecord>, CatalogError> {
        for statement in BY_ID {
            let row = sqlx::query(statement)
                .bind(id)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed("read a submission"))?;
            if let Some(row) = row {
                return read(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// The submission of a request id, which is scoped to the caller. A committed one goes before one
    /// that was refused.
    pub(crate) async fn submission_by_request(
        &self,
        caller: &str,
        request_id: &str,
    ) -> Result<Option<SubmissionRecord>, CatalogError> {
        for statement in BY_REQUEST {
            let row = sqlx::query(statement)
                .bind(caller)
                .bind(request_id)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed("read a submission"))?;
            if let Some(row) = row {
                return read(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// What ended without a commit under a request id. Each push asks for it.
    pub(crate) async fn ended_by_request(
        &self,
        caller: &str,
        request_id: &str,
    ) -> Result<Option<SubmissionRecord>, CatalogError> {
        if !self.known.may_have_ended(caller, request_id) {
            return Ok(None);
        }
        let [_, ended] = BY_REQUEST;
        let row = sqlx::query(ended).bind(caller).bind(request_id).fetch_optional(&self.readers).await;
        row.map_err(failed("read a submission"))?.as_ref().map(read).transpose()
    }

    /// Remembers which request ids ended without a commit.
    pub(super) async fn remember_ended(&self) -> Result<(), CatalogError> {
        let mut rows = sqlx::query(ENDED_REQUESTS).fetch(&self.readers);
        while let Some(row) = rows.try_next().await.map_err(failed("read what has ended"))? {
            self.known.put_ended(&text(&row, "caller")?, &text(&row, "request_id")?);
        }
        Ok(())
    }

    /// When the newest of all commits was, as far as the projection has come.
    pub(crate) async fn newest_commit(&self) -> Result<Option<DateTime<Utc>>, CatalogError> {
        let newest: Option<i64> = sqlx::query_scalar(NEWEST)
            .fetch_one(&self.readers)
            .await
            .map_err(failed("find the newest commit"))?;
        Ok(newest.and_then(DateTime::from_timestamp_micros))
    }

    /// One page of a publisher, newest first, without reports and receipts.
    pub(crate) async fn submissions(
        &self,
        filter: &SubmissionFilter,
    ) -> Result<Vec<SubmissionRecord>, CatalogError> {
        let (moment, id) = filter.after.clone().unwrap_or((i64::MAX, String::new()));
        let mut records = Vec::new();
        for statement in PAGE {
            let rows = sqlx::query(statement)
                .bind(&filter.publisher)
                .bind(&filter.dataset)
                .bind(&filter.period)
                .bind(moment)
                .bind(&id)
                .bind(i64::from(filter.limit))
                .fetch_all(&self.readers)
                .await
                .map_err(failed("list submissions"))?;
            for row in &rows {
                records.push(read(row)?);
            }
        }
        // Each table gave its newest; the page is the newest of both.
        records.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        records.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        Ok(records)
    }
}

async fn applied_version(
    connection: &mut SqliteConnection,
    dataset: &str,
) -> Result<Option<i64>, CatalogError> {
    sqlx::query_scalar(APPLIED)
        .bind(dataset)
        .fetch_optional(connection)
        .await
        .map_err(failed("read how far the projection is"))
}

/// An INSERT of all records; those whose id is there already are left out.
fn insert(into: &'static str, records: &[SubmissionRecord]) -> Result<QueryBuilder<Sqlite>, CatalogError> {
    let mut numbers = Vec::with_capacity(records.len());
    for record in records {
        numbers.push([
            bigint(record.revision, "revision")?,
            bigint(record.dataset_version, "dataset version")?,
            bigint(record.rows, "rows")?,
            bigint(record.size, "size")?,
        ]);
    }
    let mut insert = QueryBuilder::new(into);
    insert.push_values(records.iter().zip(numbers), |mut row, (record, numbers)| {
        let texts = [
            &record.id,
            &record.caller,
            &record.request_id,
            &record.publisher,
            &record.dataset,
            &record.period,
            &record.media_type,
            &record.state,
            &record.reason,
        ];
        for text in texts {
            row.push_bind(text.clone());
        }
        for number in numbers {
            row.push_bind(number);
        }
        row.push_bind(record.sha256.clone())
            .push_bind(list_text(&record.carried))
            .push_bind(list_text(&record.dropped))
            .push_bind(i64::from(record.nothing_to_report))
            .push_bind(record.withdraws.clone().unwrap_or_default())
            .push_bind(record.created_at.timestamp_micros())
            .push_bind(record.ended_at.timestamp_micros())
            .push_bind(record.erased.as_ref().map(|erased| erased.at.timestamp_micros()))
            .push_bind(record.erased.as_ref().map(|erased| erased.reason.clone()).unwrap_or_default())
            .push_bind(record.report.clone())
            .push_bind(record.receipt.clone());
    });
    insert.push(" ON CONFLICT (id) DO NOTHING");
    Ok(insert)
}

fn read(row: &SqliteRow) -> Result<SubmissionRecord, CatalogError> {
    Ok(SubmissionRecord {
        id: text(row, "id")?,
        caller: text(row, "caller")?,
        request_id: text(row, "request_id")?,
        publisher: text(row, "publisher")?,
        dataset: text(row, "dataset")?,
        period: text(row, "period")?,
        media_type: text(row, "media_type")?,
        state: text(row, "state")?,
        reason: text(row, "reason")?,
        revision: count(row, "revision")?,
        dataset_version: count(row, "dataset_version")?,
        rows: count(row, "row_count")?,
        size: count(row, "size")?,
        sha256: text(row, "sha256")?,
        carried: list(row, "carried")?,
        dropped: list(row, "dropped")?,
        nothing_to_report: integer(row, "nothing_to_report")? != 0,
        withdraws: Some(text(row, "withdraws")?).filter(|withdrawn| !withdrawn.is_empty()),
        created_at: moment(row, "created_at")?,
        ended_at: moment(row, "ended_at")?,
        report: text(row, "report")?,
        receipt: text(row, "receipt")?,
        erased: moment_or_none(row, "erased_at")?
            .map(|at| Ok::<_, CatalogError>(Tombstone { at, reason: text(row, "erased_reason")? }))
            .transpose()?,
    })
}

#[cfg(test)]
pub(super) mod tests_support {
    use super::PAGE;

    /// Page statements, and the index by which each must be read.
    pub(in crate::catalog) fn pages() -> [(&'static str, &'static str); 2] {
        [(PAGE[0], "submissions_by_publisher"), (PAGE[1], "ended_by_publisher")]
    }
}
