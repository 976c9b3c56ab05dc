//! Submissions: opened, fed, committed, looked at.

mod changes;
pub(crate) mod convert;
mod payload;
mod push;
mod takeback;
mod upload;

use std::sync::Arc;

use hub_proto::name::Collection;
use hub_proto::{MESSAGE_PL, Reason, Refusal, TypeConversionError, v1};
use tracing::Instrument as _;

use super::{Desk, Page};
use crate::error::HubError;
use crate::identity::Principal;
use crate::intake::{ListSubmissions, NewSubmission, SubmissionView};
use crate::permit::PushPermit;
use crate::telemetry;
pub(crate) use changes::Differences;
use convert::submission_id;

impl Desk {
    /// Opens a submission; the same request id gives the same one.
    pub(crate) async fn create_submission(
        &self,
        caller: &Principal,
        request: v1::CreateSubmissionRequest,
    ) -> Result<v1::Submission, HubError> {
        let _place = self.admission.push(&caller.organisation)?;
        let (permit, new) = self.announced(caller, request)?;
        let view = self.rooms.intake.create(&permit, new).await?;
        telemetry::of_submission(&view.id);
        Ok(convert::submission(view))
    }

    /// What a sender announces, and the permit for it.
    pub(crate) fn announced(
        &self,
        caller: &Principal,
        request: v1::CreateSubmissionRequest,
    ) -> Result<(PushPermit, NewSubmission), HubError> {
        if request.pattern.is_empty() {
            return Err(TypeConversionError::missing(convert::CREATE, "pattern").into());
        }
        let pattern = self.pattern(Collection::Patterns, &request.pattern)?;
        let publisher = match request.publisher.as_str() {
            "" => None,
            name => Some(Collection::Organisations.id(name)?),
        };
        let permit = self.rooms.identity.push(caller, &pattern, publisher)?;
        Ok((permit, convert::new_submission(request, &pattern.id)?))
    }

    /// Checks a submission and, if nothing blocks, makes it visible. It goes on though its caller leaves.
    pub(crate) async fn commit_submission(
        &self,
        caller: &Principal,
        request: v1::CommitSubmissionRequest,
    ) -> Result<v1::CommitSubmissionResponse, HubError> {
        let place = self.admission.push(&caller.organisation)?;
        let permit = self.rooms.identity.submissions(caller)?;
        let id = submission_id(&request.submission)?.to_owned();
        let options = convert::commit_options(request.options)?;
        let intake = Arc::clone(&self.rooms.intake);
        let verdict = to_the_end(async move {
            let _place = place;
            intake.commit(&permit, &id, options).await
        });
        Ok(convert::verdict(verdict.await?))
    }

    /// One submission of the caller's organisation, by its name.
    pub(crate) async fn submission(
        &self,
        caller: &Principal,
        name: &str,
    ) -> Result<v1::Submission, HubError> {
        let permit = self.rooms.identity.submissions(caller)?;
        Ok(convert::submission(self.rooms.intake.get(&permit, submission_id(name)?).await?))
    }

    /// Gives a submission up.
    pub(crate) async fn abandon(&self, caller: &Principal, name: &str) -> Result<v1::Submission, HubError> {
        let permit = self.rooms.identity.submissions(caller)?;
        Ok(convert::submission(self.rooms.intake.abandon(&permit, submission_id(name)?).await?))
    }

    /// What the check found.
    pub(crate) async fn report(
        &self,
        caller: &Principal,
        name: &str,
    ) -> Result<hub_datasets::Report, HubError> {
        let permit = self.rooms.identity.submissions(caller)?;
        Ok(self.rooms.intake.report(&permit, submission_id(name)?).await?)
    }

    /// The signed receipt.
    pub(crate) async fn receipt(&self, caller: &Principal, name: &str) -> Result<v1::Receipt, HubError> {
        let permit = self.rooms.identity.submissions(caller)?;
        let id = submission_id(name)?;
        let signed = self.rooms.intake.receipt(&permit, id).await?;
        let committed_at = self.rooms.intake.get(&permit, id).await?.committed_at;
        Ok(convert::receipt(signed, committed_at))
    }

    /// Submissions of the caller's organisation, newest first, a page of them.
    pub(crate) async fn list_submissions(
        &self,
        caller: &Principal,
        request: v1::ListSubmissionsRequest,
    ) -> Result<v1::ListSubmissionsResponse, HubError> {
        let permit = self.rooms.identity.submissions(caller)?;
        if !request.publisher.is_empty()
            && Collection::Organisations.id(&request.publisher)? != permit.publisher()
        {
            let message = format!("you may list the submissions of `{}` only", permit.publisher());
            let polish = format!("możesz przeglądać przesyłki tylko jednostki `{}`", permit.publisher());
            return Err(Refusal::new(Reason::PublisherNotPermitted, message)
                .field("publisher", "not yours")
                .fact(MESSAGE_PL, polish)
                .into());
        }
        let pattern = match request.pattern.as_str() {
            "" => None,
            name => Some(self.pattern(Collection::Patterns, name)?.id.clone()),
        };
        let chosen = [permit.publisher(), &request.pattern, &request.period];
        let asked = (request.page_size, request.page_token.as_str());
        let page = Page::<(i64, String)>::open(&self.rooms.seal, "ListSubmissionsRequest", &chosen, asked)?;
        let list = ListSubmissions {
            pattern,
            period: (!request.period.is_empty()).then(|| request.period.clone()),
            after: page.after.clone(),
            limit: page.fetch(),
        };
        let fetched = self.rooms.intake.list(&permit, list).await?;
        let (submissions, next_page_token) = page.close(fetched, key, convert::submission)?;
        Ok(v1::ListSubmissionsResponse { submissions, next_page_token })
    }
}

fn key(view: &SubmissionView) -> (i64, String) {
    (view.created_at.timestamp_micros(), view.id.clone())
}

/// Runs work in a task of its own: a caller that leaves does not stop it half-way.
pub(crate) async fn to_the_end<T: Send + 'static, E: Into<HubError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, HubError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(HubError::fault(format!("the task of a call ended: {error}"))),
    }
}
