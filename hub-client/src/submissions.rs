//! Looking after submissions: list, show, report, receipt, abandon.

use hub_proto::v1;

use crate::catalog::{Listing, paged};
use crate::client::{Client, by_either};
use crate::error::ClientError;
use crate::names;
use crate::push::{PushOptions, Verdict};

/// Which submissions to list; each filter is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmissionFilter {
    /// Under this pattern.
    pub pattern: Option<String>,
    /// By this publisher.
    pub publisher: Option<String>,
    /// For this period.
    pub period: Option<String>,
}

macro_rules! about {
    ($client:expr, $method:ident, $request:ident, $submission:expr) => {{
        let request = v1::$request { name: names::submission($submission) };
        $client
            .repeating(|| {
                let (mut service, request) = ($client.submissions(), request.clone());
                async move { service.$method(request).await }
            })
            .await
    }};
}

impl Client {
    /// Submissions of the caller, newest first.
    pub fn submissions_list(&self, filter: &SubmissionFilter) -> Listing<v1::Submission> {
        let client = self.clone();
        let request = v1::ListSubmissionsRequest {
            pattern: filter.pattern.as_deref().map(names::pattern).unwrap_or_default(),
            publisher: filter.publisher.as_deref().map(names::organisation).unwrap_or_default(),
            period: filter.period.clone().unwrap_or_default(),
            ..Default::default()
        };
        paged(move |page_token| {
            let client = client.clone();
            let request = v1::ListSubmissionsRequest { page_token, ..request.clone() };
            async move {
                by_either!(client, client.page_by_grpc(&request).await, |https| https.page(&request).await)
            }
        })
    }

    async fn page_by_grpc(
        &self,
        request: &v1::ListSubmissionsRequest,
    ) -> Result<(Vec<v1::Submission>, String), ClientError> {
        let page = self.repeating(|| {
            let (mut service, request) = (self.submissions(), request.clone());
            async move { service.list_submissions(request).await }
        });
        page.await.map(|page| (page.submissions, page.next_page_token))
    }

    /// One submission.
    pub async fn submission(&self, name: &str) -> Result<v1::Submission, ClientError> {
        by_either!(self, self.submission_by_grpc(name).await, |https| https.submission(name).await)
    }

    async fn submission_by_grpc(&self, name: &str) -> Result<v1::Submission, ClientError> {
        let answer = about!(self, get_submission, GetSubmissionRequest, name)?;
        answer.submission.ok_or_else(|| self.incomplete("it holds no submission"))
    }

    /// What the check found in a submission.
    pub async fn report(&self, name: &str) -> Result<v1::Report, ClientError> {
        by_either!(self, self.report_by_grpc(name).await, |https| https.report(name).await)
    }

    async fn report_by_grpc(&self, name: &str) -> Result<v1::Report, ClientError> {
        let answer = about!(self, get_report, GetReportRequest, name)?;
        answer.report.ok_or_else(|| self.incomplete("it holds no report"))
    }

    /// The receipt (UPO) of a committed submission.
    pub async fn receipt(&self, name: &str) -> Result<v1::Receipt, ClientError> {
        by_either!(self, self.receipt_by_grpc(name).await, |https| https.receipt(name).await)
    }

    async fn receipt_by_grpc(&self, name: &str) -> Result<v1::Receipt, ClientError> {
        let answer = about!(self, get_receipt, GetReceiptRequest, name)?;
        answer.receipt.ok_or_else(|| self.incomplete("it holds no receipt"))
    }

    /// Takes a committed submission back. `request_id`: a UUID; the same one gives the same answer.
    pub async fn withdraw(
        &self,
        name: &str,
        request_id: &str,
        (confirm_deletions, parent_revision): (bool, Option<u64>),
    ) -> Result<Verdict, ClientError> {
        let request = v1::WithdrawSubmissionRequest {
            name: names::submission(name),
            request_id: request_id.to_owned(),
            confirm_deletions,
            parent_revision,
        };
        by_either!(self, self.withdraw_by_grpc(&request).await, |https| https.withdraw(&request).await)
    }

    async fn withdraw_by_grpc(
        &self,
        request: &v1::WithdrawSubmissionRequest,
    ) -> Result<Verdict, ClientError> {
        let answer = self.repeating(|| {
            let (mut service, request) = (self.submissions(), request.clone());
            async move { service.withdraw_submission(request).await }
        });
        let answer = answer.await?;
        Verdict::of(answer.submission, (None, answer.receipt, false))
            .ok_or_else(|| self.incomplete("it holds no submission"))
    }

    /// Has a committed submission sent again with the bytes that the hub keeps of it. `request_id`: a UUID; the same
    /// one gives the same answer.
    pub async fn revert(
        &self,
        name: &str,
        request_id: &str,
        options: &PushOptions,
    ) -> Result<Verdict, ClientError> {
        let request = v1::RevertSubmissionRequest {
            name: names::submission(name),
            request_id: request_id.to_owned(),
            options: Some(options.wire()),
        };
        by_either!(self, self.revert_by_grpc(&request).await, |https| https.revert(&request).await)
    }

    async fn revert_by_grpc(&self, request: &v1::RevertSubmissionRequest) -> Result<Verdict, ClientError> {
        let answer = self.repeating(|| {
            let (mut service, request) = (self.submissions(), request.clone());
            async move { service.revert_submission(request).await }
        });
        let answer = answer.await?;
        Verdict::of(answer.submission, (answer.report, answer.receipt, answer.unchanged))
            .ok_or_else(|| self.incomplete("it holds no submission"))
    }

    /// Gives up a submission that has no verdict yet; the hub removes its bytes.
    pub async fn abandon(&self, name: &str) -> Result<v1::Submission, ClientError> {
        by_either!(self, self.abandon_by_grpc(name).await, |https| https.abandon(name).await)
    }

    async fn abandon_by_grpc(&self, name: &str) -> Result<v1::Submission, ClientError> {
        let answer = about!(self, abandon_submission, AbandonSubmissionRequest, name)?;
        answer.submission.ok_or_else(|| self.incomplete("it holds no submission"))
    }
}
