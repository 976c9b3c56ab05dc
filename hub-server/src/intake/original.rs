//! The bytes that a submission was sent with, back to its publisher.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use hub_proto::Reason;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Intake, IntakeError, erased};
use crate::catalog::SubmissionRecord;
use crate::config::limits;
use crate::permit::PayloadPermit;
use crate::store::spool::Original;

/// A payload on its way back.
pub(crate) struct OriginalPayload {
    /// Length, SHA-256 (hex) and media type of the whole.
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) media_type: String,
    /// From the asked offset on; at least one piece comes, which may be empty.
    pub(crate) pieces: BoxStream<'static, Result<OriginalPiece, IntakeError>>,
}

impl std::fmt::Debug for OriginalPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginalPayload").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Bytes at an offset of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginalPiece {
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
}

impl Intake {
    /// The bytes of a committed submission, as they were sent, from an offset on. All of them are compared before the
    /// first is given away.
    pub(crate) async fn original(
        self: &Arc<Self>,
        permit: &PayloadPermit,
        id: &str,
        offset: u64,
    ) -> Result<OriginalPayload, IntakeError> {
        let record = self.sent_by(permit, id).await?;
        if offset > record.size {
            let message = format!("field `offset`: the payload has {} bytes", record.size);
            return Err(IntakeError::new(Reason::RequestInvalid, message));
        }
        let size = record.size;
        let original = self.reread(id, size, &record.sha256).await?;
        let (sender, pieces) = mpsc::channel(1);
        // Ends when nobody listens any more.
        tokio::task::spawn_blocking(move || send(&original, offset, size, &sender));
        let (sha256, media_type) = (record.sha256, record.media_type);
        Ok(OriginalPayload { size, sha256, media_type, pieces: ReceiverStream::new(pieces).boxed() })
    }

    /// The bytes of a committed submission, after all of them were compared with its SHA-256.
    pub(super) async fn reread(
        self: &Arc<Self>,
        id: &str,
        size: u64,
        sha256: &str,
    ) -> Result<Original, IntakeError> {
        // Whole payloads are read to be compared: a few at a time, so that pushes keep the disk.
        let turn = Arc::clone(&self.originals).acquire_owned().await;
        let turn = turn.map_err(|_| IntakeError::internal("no payload is read any more"))?;
        let (intake, id, sha256) = (Arc::clone(self), id.to_owned(), sha256.to_owned());
        let compared = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            intake.parts.store.spool().original(&id, size, &sha256)
        });
        Ok(compared.await.map_err(|lost| IntakeError::internal(lost.to_string()))??)
    }

    /// The record of a submission whose bytes are kept for the permit's publisher.
    async fn sent_by(&self, permit: &PayloadPermit, id: &str) -> Result<SubmissionRecord, IntakeError> {
        self.parts.commits.shown(id).await;
        let record = self.parts.catalog.submission(id).await?;
        let Some(record) = record.filter(|record| record.publisher == permit.publisher()) else {
            let open = self.parts.store.spool().header(id);
            return Err(match open.filter(|header| header.publisher == permit.publisher()) {
                Some(_) => IntakeError::new(
                    Reason::StateConflict,
                    format!("submission `{id}` has no verdict yet; what was committed can be had back"),
                )
                .in_polish(format!("przesyłka `{id}` nie ma jeszcze wyniku; oddać można plik przyjętej")),
                None => IntakeError::unknown(id),
            });
        };
        erased(&record)?;
        if record.receipt.is_empty() {
            let message = format!(
                "submission `{id}` was not committed ({}); of such the hub keeps no bytes, only hash and report",
                record.state
            );
            let polish = format!(
                "przesyłki `{id}` nie przyjęto ({}); hub nie przechowuje jej pliku, tylko skrót i raport",
                record.state
            );
            return Err(IntakeError::new(Reason::PayloadNotKept, message).in_polish(polish));
        }
        if record.nothing_to_report || record.withdraws.is_some() {
            let what = record.withdraws.as_ref().map(|other| format!("it withdrew `{other}`"));
            let what = what.unwrap_or_else(|| "there was nothing to report".to_owned());
            let message = format!("submission `{id}` has no payload: {what}");
            let polish = match &record.withdraws {
                Some(other) => format!("przesyłka `{id}` nie ma pliku: wycofała przesyłkę `{other}`"),
                None => format!("przesyłka `{id}` nie ma pliku: nie było danych do sprawozdania"),
            };
            return Err(IntakeError::new(Reason::StateConflict, message).in_polish(polish));
        }
        Ok(record)
    }
}

/// Reads on as pieces are taken. Blocking.
fn send(
    original: &Original,
    mut offset: u64,
    size: u64,
    sender: &mpsc::Sender<Result<OriginalPiece, IntakeError>>,
) {
    loop {
        let left = usize::try_from(size - offset).unwrap_or(usize::MAX);
        let mut data = vec![0; left.min(limits::PAYLOAD_PIECE_BYTES)];
        let at = offset;
        offset += data.len() as u64;
        let read = original.read_exact_at(at, &mut data).map_err(IntakeError::from);
        let is_last = read.is_err() || offset == size;
        let sent = sender.blocking_send(read.map(|()| OriginalPiece { offset: at, data: data.into() }));
        if sent.is_err() || is_last {
            return;
        }
    }
}
