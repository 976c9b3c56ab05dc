//! What a verification asks the catalogue, and how its projection is made anew.

use super::{Catalog, CatalogError, begin, failed};

/// SQLite's own look at its file; `ok` when there is nothing to tell.
const DAMAGE: &str = "PRAGMA integrity_check(20)";
const PROJECTED: &str = "SELECT COUNT(*) FROM submissions";
/// The projection's tables; no other ones.
const FORGET: [&str; 3] = ["DELETE FROM submissions", "DELETE FROM datasets", "DELETE FROM comparisons"];

impl Catalog {
    /// What is wrong with the database itself, a line each.
    pub(crate) async fn damage(&self) -> Result<Vec<String>, CatalogError> {
        let found: Vec<String> =
            sqlx::query_scalar(DAMAGE).fetch_all(&self.readers).await.map_err(failed("be checked"))?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Number of submissions that the projection shows.
    pub(crate) async fn projected(&self) -> Result<u64, CatalogError> {
        let count: i64 = sqlx::query_scalar(PROJECTED)
            .fetch_one(&self.readers)
            .await
            .map_err(failed("count submissions"))?;
        Ok(count.unsigned_abs())
    }

    /// Removes the projection and nothing else; the next start makes it again from the logs.
    pub(crate) async fn forget_projection(&self) -> Result<(), CatalogError> {
        const DEED: &str = "forget the projection";
        let mut transaction = begin(&self.writer, DEED).await?;
        for statement in FORGET {
            sqlx::query(statement).execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        transaction.commit().await.map_err(failed(DEED))
    }
}
