//! How comparisons of current revisions stand; a projection of what is committed, which can be made again.

use sqlx::{QueryBuilder, Sqlite};

use super::row::{bigint, count, text};
use super::{Catalog, CatalogError, failed};

/// Names in one question.
const NAMES: usize = 500;
const PUT: &str = "INSERT INTO comparisons (dataset, publisher, partition_key, submission, against, late_findings, later) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (dataset, publisher, partition_key) DO UPDATE SET \
     submission = excluded.submission, against = excluded.against, late_findings = excluded.late_findings, \
     later = excluded.later";
const DROP: &str = "DELETE FROM comparisons WHERE dataset = $1 AND publisher = $2 AND partition_key = $3";
/// The entries stay, as made by nothing: the next start makes them again.
const FORGET: &str = "UPDATE comparisons SET against = '', late_findings = 0, later = '{\"counts\":[],\"violations\":[]}' \
     WHERE publisher = $1";
const OF_SUBMISSION: &str = "SELECT later FROM comparisons WHERE submission = $1";
const ALL: &str = "SELECT dataset, publisher, partition_key, submission, against FROM comparisons";

/// A current revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RevisionKey {
    pub(crate) dataset: String,
    pub(crate) publisher: String,
    pub(crate) partition: String,
}

/// By what comparisons of a revision were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MadeBy {
    /// The submission that made the revision.
    pub(crate) submission: String,
    /// JSON.
    pub(crate) against: String,
}

impl Catalog {
    /// Writes how the comparisons of a revision stand.
    pub(crate) async fn put_comparisons(
        &self,
        key: &RevisionKey,
        made: &MadeBy,
        late_findings: u64,
        later: &str,
    ) -> Result<(), CatalogError> {
        let put = sqlx::query(PUT)
            .bind(&key.dataset)
            .bind(&key.publisher)
            .bind(&key.partition)
            .bind(&made.submission)
            .bind(&made.against)
            .bind(bigint(late_findings, "late findings")?)
            .bind(later);
        put.execute(&self.projection).await.map_err(failed("write comparisons")).map(drop)
    }

    /// Forgets the comparisons of a revision that is no more.
    pub(crate) async fn drop_comparisons(&self, key: &RevisionKey) -> Result<(), CatalogError> {
        let gone = sqlx::query(DROP).bind(&key.dataset).bind(&key.publisher).bind(&key.partition);
        gone.execute(&self.projection).await.map_err(failed("forget comparisons")).map(drop)
    }

    /// Forgets all comparisons of a publisher: they name sums of its rows.
    pub(crate) async fn forget_comparisons(&self, publisher: &str) -> Result<(), CatalogError> {
        let gone = sqlx::query(FORGET).bind(publisher).execute(&self.writer).await;
        gone.map_err(failed("forget comparisons")).map(drop)
    }

    /// How the comparisons of the revision stand that a submission made: JSON.
    pub(crate) async fn comparisons(&self, submission: &str) -> Result<Option<String>, CatalogError> {
        let found = sqlx::query(OF_SUBMISSION).bind(submission).fetch_optional(&self.readers).await;
        found.map_err(failed("read comparisons"))?.map(|row| text(&row, "later")).transpose()
    }

    /// Late findings of submissions, of those that have some.
    pub(crate) async fn late_findings(&self, ids: &[&str]) -> Result<Vec<(String, u64)>, CatalogError> {
        let mut late = Vec::new();
        for ids in ids.chunks(NAMES) {
            let mut ask: QueryBuilder<Sqlite> = QueryBuilder::new(
                "SELECT submission, late_findings FROM comparisons WHERE late_findings > 0 AND submission IN (",
            );
            let mut names = ask.separated(", ");
            ids.iter().for_each(|id| {
                names.push_bind((*id).to_owned());
            });
            ask.push(")");
            let rows = ask.build().fetch_all(&self.readers).await.map_err(failed("read comparisons"))?;
            for row in &rows {
                late.push((text(row, "submission")?, count(row, "late_findings")?));
            }
        }
        Ok(late)
    }

    /// All revisions whose comparisons are known, and by what they were made.
    pub(crate) async fn all_comparisons(&self) -> Result<Vec<(RevisionKey, MadeBy)>, CatalogError> {
        let rows = sqlx::query(ALL).fetch_all(&self.readers).await.map_err(failed("read comparisons"))?;
        let read = |row| {
            let key = RevisionKey {
                dataset: text(row, "dataset")?,
                publisher: text(row, "publisher")?,
                partition: text(row, "partition_key")?,
            };
            Ok((key, MadeBy { submission: text(row, "submission")?, against: text(row, "against")? }))
        };
        rows.iter().map(read).collect()
    }
}
