//! The rows that a submission without verdict would commit, for who wants to see what it changes.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use hub_datasets::{Pattern, Period};
use hub_proto::Reason;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::examine::discard;
use super::payload::PayloadBytes;
use super::{Intake, IntakeError, erased, view};
use crate::catalog::SubmissionRecord;
use crate::commit::JobRows;
use crate::permit::PayloadPermit;
use crate::query::{QueryError, RowStream};
use crate::store::Table;
use crate::store::spool::SpoolHeader;

/// What a submission is of, for who compares it with another.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) period: Period,
    pub(crate) stage: Stage,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// Revision and dataset version that it made.
    Committed(u64, u64),
    Open(Box<SpoolHeader>),
}

/// Rows of a submission without verdict.
#[derive(Debug)]
pub(crate) struct Proposed {
    /// In the order of the key, with the hub's columns behind the pattern's.
    pub(crate) rows: RowStream,
    /// The slices that it sends.
    pub(crate) slices: Vec<String>,
}

/// Staged rows that no commit will take; they go with who reads them.
struct Staged {
    table: Arc<Table>,
    rows: JobRows,
}

impl Drop for Staged {
    fn drop(&mut self) {
        discard(&self.table, std::mem::replace(&mut self.rows, JobRows::None));
    }
}

impl Intake {
    /// What a submission of the permit's publisher is of.
    pub(crate) async fn compared_of(
        &self,
        permit: &PayloadPermit,
        id: &str,
    ) -> Result<Compared, IntakeError> {
        self.parts.commits.shown(id).await;
        let record = self.parts.catalog.submission(id).await?;
        if let Some(record) = record.filter(|record| record.publisher == permit.publisher()) {
            return self.committed_of(&record);
        }
        let header = self.parts.store.spool().header(id);
        let header = header.filter(|header| header.publisher == permit.publisher());
        let header = header.ok_or_else(|| IntakeError::unknown(id))?;
        let (pattern, period) = self.pattern_and_period(&header)?;
        Ok(Compared { pattern, period, stage: Stage::Open(Box::new(header)) })
    }

    fn committed_of(&self, record: &SubmissionRecord) -> Result<Compared, IntakeError> {
        erased(record)?;
        if record.receipt.is_empty() {
            let message = format!("submission `{}` was not committed ({})", record.id, record.state);
            let polish = format!("przesyłki `{}` nie przyjęto ({})", record.id, record.state);
            return Err(IntakeError::new(Reason::StateConflict, message).in_polish(polish));
        }
        let pattern = self.pattern(&record.dataset)?;
        let period = self.period(&pattern, &record.period, "submission")?;
        let stage = Stage::Committed(record.revision, record.dataset_version);
        Ok(Compared { pattern, period, stage })
    }

    /// Checks a payload that is whole, for its rows. Nothing of it is kept.
    pub(crate) async fn proposed(
        &self,
        pattern: &Arc<Pattern>,
        period: &Period,
        header: &SpoolHeader,
    ) -> Result<Proposed, IntakeError> {
        if pattern.key.is_empty() {
            return Err(without_key(pattern));
        }
        let received = self.parts.store.spool().offset(&header.id).unwrap_or_default();
        if header.nothing_to_report || header.declared_size.is_some_and(|size| size != received) {
            let id = &header.id;
            let message =
                format!("submission `{id}` has not all of its bytes yet; there is nothing to compare");
            let polish = format!("przesyłka `{id}` nie ma jeszcze całego pliku; nie ma czego porównać");
            return Err(IntakeError::new(Reason::StateConflict, message).in_polish(polish));
        }
        let mut outcome = match self.read_already(header).await {
            Some((_, outcome)) => outcome,
            None => {
                let payload = PayloadBytes::Spooled(header.id.clone());
                let seq = self.parts.commits.reserve_seq(&pattern.id);
                self.examine(header, pattern, period, payload, seq, false).await?
            }
        };
        let commits = Arc::clone(&self.parts.commits);
        let unknown =
            || IntakeError::new(Reason::DatasetUnknown, format!("there is no dataset `{}`", pattern.id));
        let table = commits.table(&pattern.id).ok_or_else(unknown)?;
        let schema = Arc::clone(&commits.layout(&pattern.id).ok_or_else(unknown)?.schema);
        let staged = Staged { table, rows: std::mem::replace(&mut outcome.rows, JobRows::None) };
        let (estimated_rows, slices) = (outcome.row_count, outcome.slices.clone());
        let refusal = outcome.report.blocks().then(|| view::refusal(&outcome.report));
        self.early.looked_at(&header.id, received, outcome);
        if let Some(reason) = refusal {
            let message = "the payload would be refused by its check; `hub check` or a dry run shows why";
            return Err(IntakeError::new(reason, message));
        }
        let (sender, batches) = mpsc::channel(1);
        let dataset = pattern.id.clone();
        // Ends when nobody listens any more.
        let task = tokio::task::spawn_blocking(move || {
            let fault = |error: crate::commit::CommitError| QueryError::internal(&error);
            match &staged.rows {
                JobRows::None => {}
                JobRows::Batches(batches) => {
                    let mut batches = batches.iter().cloned();
                    let _all = batches.all(|batch| sender.blocking_send(Ok(batch)).is_ok());
                }
                JobRows::Files(files) => {
                    for file in files {
                        let rows = match commits.staged(&dataset, file) {
                            Ok(rows) => rows,
                            Err(error) => return drop(sender.blocking_send(Err(fault(error)))),
                        };
                        for batch in rows {
                            if sender.blocking_send(batch.map_err(fault)).is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        });
        // What broke off is no end.
        let end = stream::once(task)
            .filter_map(|end| async { end.err().map(|lost| Err(QueryError::internal(&lost))) });
        let batches = ReceiverStream::new(batches).chain(end).boxed();
        let rows = RowStream {
            schema,
            batches,
            datasets: vec![pattern.id.clone()],
            estimated_rows,
            warnings: Vec::new(),
        };
        Ok(Proposed { rows, slices })
    }
}

fn without_key(pattern: &Pattern) -> IntakeError {
    let message = format!("rows of pattern `{}` have no key by which they could be found again", pattern.id);
    IntakeError::new(Reason::RequestInvalid, message)
}
