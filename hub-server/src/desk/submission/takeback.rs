//! Submissions that are taken back, and such as are sent again.

use std::sync::Arc;

use hub_proto::name::Collection;
use hub_proto::v1;

use super::convert::{self, submission_id};
use super::to_the_end;
use crate::desk::Desk;
use crate::error::HubError;
use crate::identity::Principal;
use crate::intake::Withdrawal;
use crate::permit::PushPermit;
use crate::telemetry;

impl Desk {
    /// Takes a committed submission back. It goes on though its caller leaves.
    pub(crate) async fn withdraw_submission(
        &self,
        caller: &Principal,
        request: v1::WithdrawSubmissionRequest,
    ) -> Result<v1::WithdrawSubmissionResponse, HubError> {
        let place = self.admission.push(&caller.organisation)?;
        let submission = submission_id(&request.name)?.to_owned();
        let permit = self.permit_of(caller, &submission).await?;
        let withdrawal = Withdrawal {
            submission,
            request_id: convert::request_id("WithdrawSubmissionRequest", &request.request_id)?,
            confirm_deletions: request.confirm_deletions,
            parent_revision: request.parent_revision,
        };
        let intake = Arc::clone(&self.rooms.intake);
        let verdict = to_the_end(async move {
            let _place = place;
            intake.withdraw(&permit, withdrawal).await
        });
        let verdict = convert::verdict(verdict.await?);
        Ok(v1::WithdrawSubmissionResponse { submission: verdict.submission, receipt: verdict.receipt })
    }

    /// Sends a committed submission again. It goes on though its caller leaves.
    pub(crate) async fn revert_submission(
        &self,
        caller: &Principal,
        request: v1::RevertSubmissionRequest,
    ) -> Result<v1::CommitSubmissionResponse, HubError> {
        let place = self.admission.push(&caller.organisation)?;
        let id = submission_id(&request.name)?.to_owned();
        let permit = self.permit_of(caller, &id).await?;
        let payloads = self.rooms.identity.payloads(caller)?;
        let request_id = convert::request_id("RevertSubmissionRequest", &request.request_id)?;
        let options = convert::commit_options(request.options)?;
        let intake = Arc::clone(&self.rooms.intake);
        let verdict = to_the_end(async move {
            let _place = place;
            intake.revert((&permit, &payloads), &id, request_id, options).await
        });
        let verdict = verdict.await?;
        telemetry::of_submission(&verdict.submission.id);
        Ok(convert::verdict(verdict))
    }

    /// The permit to push what a submission is of.
    async fn permit_of(&self, caller: &Principal, id: &str) -> Result<PushPermit, HubError> {
        let seen = self.rooms.identity.submissions(caller)?;
        let view = self.rooms.intake.get(&seen, id).await?;
        let pattern = self.pattern(Collection::Patterns, &Collection::Patterns.name(&view.pattern))?;
        Ok(self.rooms.identity.push(caller, &pattern, Some(&view.publisher))?)
    }
}
