//! Submissions over the HTTP door: listed, looked at, taken back, given up.

use hub_datasets::Report;
use hub_datasets::receipt::Signed;
use hub_proto::json::{Submission, Submissions};
use hub_proto::{json, v1};

use super::{Answer, Asked, Https, address, segment};
use crate::error::ClientError;
use crate::names::short;
use crate::push::Verdict;
use http::Method;

/// The address of a submission.
pub(super) fn place(name: &str) -> String {
    format!("/api/v1/submissions/{}", segment(name))
}

impl Https {
    pub(crate) async fn submission(&self, name: &str) -> Result<v1::Submission, ClientError> {
        let answer = self.ask(&Asked::get(place(name))).await?;
        self.one(&answer)
    }

    /// Gives up a submission that has no verdict yet.
    pub(crate) async fn abandon(&self, name: &str) -> Result<v1::Submission, ClientError> {
        let asked = Asked { method: Method::DELETE, ..Asked::get(place(name)) };
        let answer = self.ask(&asked).await?;
        self.one(&answer)
    }

    /// Takes a committed submission back.
    pub(crate) async fn withdraw(
        &self,
        request: &v1::WithdrawSubmissionRequest,
    ) -> Result<Verdict, ClientError> {
        let withdrawal = json::Withdrawal {
            request_id: request.request_id.clone(),
            confirm_deletions: request.confirm_deletions,
            parent_revision: request.parent_revision,
        };
        self.deed(&Asked::post(format!("{}/withdraw", place(&request.name)), &withdrawal)).await
    }

    /// Has a committed submission sent again.
    pub(crate) async fn revert(&self, request: &v1::RevertSubmissionRequest) -> Result<Verdict, ClientError> {
        let again = json::Reversion {
            request_id: request.request_id.clone(),
            options: request.options.clone().map(Into::into),
        };
        self.deed(&Asked::post(format!("{}/revert", place(&request.name)), &again)).await
    }

    async fn deed(&self, asked: &Asked) -> Result<Verdict, ClientError> {
        self.verdict(&self.ask(asked).await?)
    }

    pub(super) fn verdict(&self, answer: &Answer) -> Result<Verdict, ClientError> {
        let verdict: json::Verdict = self.read(answer)?;
        let answer = v1::CommitSubmissionResponse::try_from(verdict).map_err(|error| self.unread(&error))?;
        Verdict::of(answer.submission, (answer.report, answer.receipt, answer.unchanged))
            .ok_or_else(|| self.incomplete("it holds no submission"))
    }

    /// A page of submissions, and the token of the next.
    pub(crate) async fn page(
        &self,
        request: &v1::ListSubmissionsRequest,
    ) -> Result<(Vec<v1::Submission>, String), ClientError> {
        let parameters = [
            ("pattern", short(&request.pattern)),
            ("publisher", short(&request.publisher)),
            ("period", &request.period),
            ("page_token", &request.page_token),
        ];
        let answer = self.ask(&Asked::get(address("/api/v1/submissions", &parameters))).await?;
        let page: Submissions = self.read(&answer)?;
        let each = page.submissions.into_iter().map(v1::Submission::try_from);
        let submissions = each.collect::<Result<_, _>>().map_err(|error| self.unread(&error))?;
        Ok((submissions, page.next_page_token))
    }

    pub(super) fn one(&self, answer: &Answer) -> Result<v1::Submission, ClientError> {
        let submission: Submission = self.read(answer)?;
        v1::Submission::try_from(submission).map_err(|error| self.unread(&error))
    }

    pub(crate) async fn report(&self, name: &str) -> Result<v1::Report, ClientError> {
        let answer = self.ask(&Asked::get(format!("{}/report", place(name)))).await?;
        Ok(self.read::<Report>(&answer)?.into())
    }

    pub(crate) async fn receipt(&self, name: &str) -> Result<v1::Receipt, ClientError> {
        let answer = self.ask(&Asked::get(format!("{}/receipt", place(name)))).await?;
        let text = std::str::from_utf8(&answer.body).map_err(|error| self.incomplete(error.to_string()))?;
        let signed = Signed::read(text).map_err(|error| self.incomplete(error.to_string()))?;
        let commit_time = signed.receipt.committed_at.parse().ok();
        Ok(v1::Receipt {
            canonical_json: signed.text,
            key_id: signed.receipt.key_id,
            signature: signed.signature.into(),
            commit_time,
        })
    }
}
