//! A push in one stream. A small payload stays in memory until its verdict and reaches the disk in
//! one record together with its order; a large one turns into a resumable submission on the way.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hub_proto::Reason;
use sha2::{Digest, Sha256};

use super::types::{CommitOptions, Verdict};
use super::verdict::Payload;
use super::{Intake, IntakeError};
use crate::config::limits::SPOOL_SMALL_BYTES;
use crate::store::hex;
use crate::store::spool::{CommitOrder, SpoolHeader};

/// Begun with a permit, fed, committed. Dropping it before `commit` leaves nothing behind while the
/// payload is small, and a resumable submission once it is large.
#[derive(Debug)]
pub(crate) struct Push {
    intake: Arc<Intake>,
    header: SpoolHeader,
    held: BytesMut,
    /// Offset in the spool, once the payload outgrew memory.
    spooled: Option<u64>,
}

impl Push {
    pub(super) fn new(intake: Arc<Intake>, header: SpoolHeader) -> Self {
        Self { intake, header, held: BytesMut::new(), spooled: None }
    }

    /// Takes the next bytes of the payload.
    pub(crate) async fn data(&mut self, data: Bytes) -> Result<(), IntakeError> {
        if let Some(offset) = self.spooled {
            self.spooled = Some(self.intake.take(&self.header, offset, data).await?);
            return Ok(());
        }
        if (self.held.len() + data.len()) as u64 <= SPOOL_SMALL_BYTES {
            self.held.extend_from_slice(&data);
            return Ok(());
        }
        self.intake.room_for_one_more(&self.header.caller, &self.header.id)?;
        self.intake.parts.store.spool().create(self.header.clone()).await?;
        let held = self.held.split().freeze();
        let offset = self.intake.take(&self.header, 0, held).await?;
        self.spooled = Some(self.intake.take(&self.header, offset, data).await?);
        Ok(())
    }

    /// Leaves nothing behind, of a push that nobody can take up again.
    pub(crate) async fn give_up(self) -> Result<(), IntakeError> {
        self.intake.forget_unordered(&self.header.id).await
    }

    /// Checks what was sent and, if nothing blocks, makes it visible.
    pub(crate) async fn commit(mut self, options: CommitOptions) -> Result<Verdict, IntakeError> {
        let verdict = match (self.intake.explainable(&self.header.pattern, &options), self.spooled) {
            (Err(unknown), _) => Err(unknown),
            (Ok(()), Some(_)) => self.intake.order(&self.header, &options).await,
            (Ok(()), None) => self.commit_small(&options).await,
        };
        let nothing_stays = match &verdict {
            Ok(_) => options.validate_only,
            // What became of the commit is not known: its order stays, and a restart or a repeat finds out.
            Err(error) => error.reason() != Reason::Unavailable,
        };
        if nothing_stays {
            self.intake.forget_unordered(&self.header.id).await?;
        }
        verdict
    }

    async fn commit_small(&mut self, options: &CommitOptions) -> Result<Verdict, IntakeError> {
        let data = self.held.split().freeze();
        if data.is_empty()
            && let Some(verdict) = self.intake.unsent(&self.header, options).await?
        {
            return Ok(verdict);
        }
        let order = order_for(&self.header, options, data.len() as u64, hex(&Sha256::digest(&data)))?;
        let order = self.intake.seen(&self.header, order)?;
        let header = SpoolHeader { commit: Some(order), ..self.header.clone() };
        self.intake.decide(header, Payload::Held(data), options.clone()).await
    }
}

impl Drop for Push {
    /// A stream that broke off leaves a resumable submission, and no check that waits for its bytes.
    fn drop(&mut self) {
        if self.spooled.is_some() {
            self.intake.drop_early(&self.header);
        }
    }
}

/// The hub has other bytes than the sender tells of.
pub(super) fn other_bytes(sha256: &str, told: &str) -> IntakeError {
    let message =
        format!("the payload's SHA-256 is {sha256}, while {told} was announced; send the file again");
    IntakeError::new(Reason::PayloadMismatch, message)
}

/// The order of a whole payload, after its length and hash were compared with what was declared.
pub(super) fn order_for(
    header: &SpoolHeader,
    options: &CommitOptions,
    size: u64,
    sha256: String,
) -> Result<CommitOrder, IntakeError> {
    if let Some(declared) = header.declared_size.filter(|declared| *declared != size) {
        return Err(IntakeError::new(
            Reason::PayloadMismatch,
            format!("{declared} bytes were announced and {size} are here; send the rest, or announce anew"),
        ));
    }
    let told = [header.declared_sha256.as_ref(), options.sha256.as_ref()];
    if let Some(declared) = told.into_iter().flatten().find(|declared| **declared != sha256) {
        return Err(other_bytes(&sha256, declared));
    }
    Ok(CommitOrder {
        parent_revision: options.parent_revision,
        replace_all: options.replace_all,
        confirm_deletions: options.confirm_deletions,
        strict: options.strict,
        explanations: options.explanations.clone(),
        seen_revision: None,
        recalled: false,
        size,
        sha256,
    })
}
