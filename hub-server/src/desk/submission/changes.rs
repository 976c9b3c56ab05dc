//! What differs between two states of a report.

use std::sync::{Arc, Mutex, PoisonError};

use hub_datasets::diff::Counts;
use hub_proto::{Reason, Refusal, v1};

use super::convert::submission_id;
use crate::desk::read::convert::format_from_wire;
use crate::desk::{Answers, Desk, answers};
use crate::error::HubError;
use crate::identity::Principal;
use crate::intake::Stage;
use crate::query::RowChunk;
use crate::read::{After, Sides};
use crate::store::AsOf;

/// Changes, and how many they are once all have come.
pub(crate) struct Differences {
    pub(crate) rows: Answers<RowChunk>,
    counts: Arc<Mutex<Counts>>,
}

impl Differences {
    /// What is to be told with the last chunk.
    pub(crate) fn counted(counts: &Mutex<Counts>) -> v1::RevisionChanges {
        let Counts { inserted, deleted, updated, same } =
            *counts.lock().unwrap_or_else(PoisonError::into_inner);
        v1::RevisionChanges { inserted, deleted, updated, same }
    }

    pub(crate) fn apart(self) -> (Answers<RowChunk>, Arc<Mutex<Counts>>) {
        (self.rows, self.counts)
    }
}

impl Desk {
    /// Holds the report as it stood with one submission beside the report with another.
    pub(crate) async fn diff_revisions(
        &self,
        caller: &Principal,
        request: v1::DiffRevisionsRequest,
    ) -> Result<Differences, HubError> {
        let place = self.admission.read(&caller.organisation)?;
        let permit = self.rooms.identity.payloads(caller)?;
        let format = format_from_wire("DiffRevisionsRequest", request.format)?;
        let (intake, reads) = (&self.rooms.intake, &self.rooms.reads);
        let to = intake.compared_of(&permit, submission_id(&request.to)?).await?;
        let of = (&to.pattern, &to.period);
        let before = match (request.from.as_str(), &to.stage) {
            ("", Stage::Committed(1, _)) => None,
            ("", Stage::Committed(_, version)) => {
                Some(reads.revision(&permit, of, AsOf::Version(version.saturating_sub(1))).await?)
            }
            ("", Stage::Open(_)) => Some(reads.revision(&permit, of, AsOf::Latest).await?),
            (name, _) => {
                let from = intake.compared_of(&permit, submission_id(name)?).await?;
                let Stage::Committed(_, version) = from.stage else {
                    return Err(unfit("it has no verdict yet; compare it as `to`"));
                };
                if from.pattern.id != to.pattern.id {
                    return Err(unfit("it is of another pattern than `to`"));
                }
                Some(reads.revision(&permit, (&from.pattern, &from.period), AsOf::Version(version)).await?)
            }
        };
        let (after, slices) = match &to.stage {
            Stage::Committed(_, version) => {
                (After::Committed(reads.revision(&permit, of, AsOf::Version(*version)).await?), None)
            }
            Stage::Open(header) => {
                let proposed = intake.proposed(&to.pattern, &to.period, header).await?;
                // What it lacks stays as it is.
                let is_sliced = to.pattern.slice.is_some() && !request.replace_all;
                (After::Proposed(proposed.rows), is_sliced.then(|| proposed.slices.into_iter().collect()))
            }
        };
        let changes = reads.changes(&to.pattern, Sides { before, after, slices }, format)?;
        Ok(Differences { rows: answers(changes.chunks, place), counts: changes.counts })
    }
}

fn unfit(why: &str) -> HubError {
    Refusal::new(Reason::RequestInvalid, format!("field `from`: {why}")).field("from", why).into()
}
