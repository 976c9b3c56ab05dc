//! The bytes of a submission, as they were sent, back to their publisher.

use super::convert::submission_id;
use crate::desk::{Answers, Desk, answers};
use crate::error::HubError;
use crate::identity::Principal;
use crate::intake::OriginalPiece;

/// A payload on its way back.
pub(crate) struct Payload {
    /// Length, SHA-256 (hex) and media type of the whole.
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) media_type: String,
    /// From the asked offset on; at least one piece comes, which may be empty.
    pub(crate) pieces: Answers<OriginalPiece>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Desk {
    /// The bytes of a committed submission from an offset on.
    pub(crate) async fn payload(
        &self,
        caller: &Principal,
        name: &str,
        offset: u64,
    ) -> Result<Payload, HubError> {
        let place = self.admission.read(&caller.organisation)?;
        let permit = self.rooms.identity.payloads(caller)?;
        let original = self.rooms.intake.original(&permit, submission_id(name)?, offset).await?;
        let pieces = answers(original.pieces, place);
        Ok(Payload { size: original.size, sha256: original.sha256, media_type: original.media_type, pieces })
    }
}
