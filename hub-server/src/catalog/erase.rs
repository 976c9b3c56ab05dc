//! The catalogue's file without what an erased submission left in it.

use super::row::list_text;
use super::{Catalog, CatalogError, SubmissionRecord, begin, failed};

const OTHERS: &str =
    "SELECT id FROM submissions WHERE sha256 = $1 AND id <> $2 AND state <> 'ERASED' ORDER BY id LIMIT 1";
const REWRITE: &str =
    "UPDATE submissions SET carried = $2, dropped = $3, report = $4, receipt = $5 WHERE id = $1";
/// The file is written anew, for pages that are free or half full keep what was in them; then the log of
/// changes goes, which has it too.
const CLEAN: [&str; 3] = ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"];

impl Catalog {
    /// A committed submission with the same bytes that is not erased.
    pub(crate) async fn same_bytes(&self, id: &str, sha256: &str) -> Result<Option<String>, CatalogError> {
        let other = sqlx::query_scalar(OTHERS).bind(sha256).bind(id).fetch_optional(&self.readers).await;
        other.map_err(failed("look for the same bytes"))
    }

    /// Writes slices, reports and receipts of submissions as their log has them now.
    pub(crate) async fn rewrite(&self, records: &[SubmissionRecord]) -> Result<(), CatalogError> {
        const DEED: &str = "rewrite submissions";
        let mut transaction = begin(&self.writer, DEED).await?;
        for record in records {
            let rewrite = sqlx::query(REWRITE)
                .bind(&record.id)
                .bind(list_text(&record.carried))
                .bind(list_text(&record.dropped))
                .bind(&record.report)
                .bind(&record.receipt);
            rewrite.execute(&mut *transaction).await.map_err(failed(DEED))?;
        }
        transaction.commit().await.map_err(failed(DEED))
    }

    /// Leaves no byte in the file that no row holds. Nobody else may be at it.
    pub(crate) async fn clean(&self) -> Result<(), CatalogError> {
        for statement in CLEAN {
            sqlx::query(statement).execute(&self.writer).await.map_err(failed("be cleaned"))?;
        }
        Ok(())
    }
}
