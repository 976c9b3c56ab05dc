//! A payload that was announced and never sent, because the hub has it: the publisher's current report holds the same
//! bytes, and those that are kept are checked in their place.

use std::sync::Arc;

use super::payload::PayloadBytes;
use super::push::order_for;
use super::types::{CommitOptions, SubmissionView, Verdict};
use super::verdict::parse;
use super::{Intake, IntakeError, view};
use crate::catalog::SubmissionRecord;
use crate::store::spool::{CommitOrder, SpoolHeader};

impl Intake {
    /// The verdict on a payload of which only length and SHA-256 are here. None: it is to be sent. It is what the
    /// verdict on the bytes would be: they are checked as any others, with today's pattern, lists, rules and options,
    /// and unless that ends with `unchanged` (or only a check was asked for) nothing is said.
    pub(super) async fn unsent(
        self: &Arc<Self>,
        header: &SpoolHeader,
        options: &CommitOptions,
    ) -> Result<Option<Verdict>, IntakeError> {
        let (Some(size @ 1..), Some(sha256)) = (header.declared_size, &header.declared_sha256) else {
            return Ok(None);
        };
        let order = order_for(header, options, size, sha256.clone())?;
        if !options.validate_only
            && let Some(verdict) = self.earlier_verdict(header, sha256).await?
        {
            return Ok(Some(verdict));
        }
        let Some(earlier) = self.current_of(header, &order).await? else { return Ok(None) };
        let bytes = match self.reread(&earlier.id, size, sha256).await {
            Ok(original) => PayloadBytes::Kept(Arc::new(original)),
            Err(error) => {
                tracing::warn!(submission = %earlier.id, %error, "the bytes of a report are asked for again");
                return Ok(None);
            }
        };
        let header = SpoolHeader { commit: Some(order), ..header.clone() };
        let verdict = self.trial(&header, bytes).await;
        if options.validate_only {
            return verdict.map(Some);
        }
        match verdict {
            Ok(verdict) if verdict.unchanged => self.again(&earlier.id).await,
            // Whatever else is to be said of it is said when it is here.
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The same for a submission that is sent in steps, which is over with such a verdict.
    pub(super) async fn unsent_in_steps(
        self: &Arc<Self>,
        header: &SpoolHeader,
        options: &CommitOptions,
    ) -> Result<Option<Verdict>, IntakeError> {
        let is_empty = || self.parts.store.spool().offset(&header.id) == Some(0);
        // In others' hands it has all its bytes.
        let Some(_hold) = self.hold(&header.id).filter(|_| is_empty()) else { return Ok(None) };
        let verdict = self.unsent(header, options).await?;
        if verdict.is_some() && is_empty() {
            self.forget(&header.id).await?;
        }
        Ok(verdict)
    }

    /// The committed submission of the header's publisher that holds the announced bytes, and of whose slices one at
    /// least is current.
    async fn current_of(
        &self,
        header: &SpoolHeader,
        order: &CommitOrder,
    ) -> Result<Option<SubmissionRecord>, IntakeError> {
        let (pattern, period) = self.pattern_and_period(header)?;
        let partition = period.partition(&pattern);
        let current = self.parts.commits.current(&pattern.id, &header.publisher, &partition);
        let slices = current.iter().flat_map(|current| current.slices.values());
        let Some(slice) = slices.clone().find(|slice| slice.sha256 == order.sha256) else { return Ok(None) };
        // What joined an open version is current too.
        self.parts.commits.projected(&pattern.id).await;
        let record = self.parts.catalog.submission(&slice.submission).await?;
        Ok(record.filter(|record| {
            record.publisher == header.publisher
                && record.size == order.size
                && record.period == header.period
                && record.media_type == header.media_type
                && record.erased.is_none()
        }))
    }

    /// The verdict that a committed submission got, with its receipt.
    async fn again(&self, id: &str) -> Result<Option<Verdict>, IntakeError> {
        let Some(record) = self.parts.catalog.submission(id).await? else { return Ok(None) };
        let (report, receipt) = (parse(&record.report)?, Some(self.signed(&record.receipt)?));
        let submission: SubmissionView = view::of_record(&record);
        Ok(Some(Verdict { submission, report, receipt, unchanged: true }))
    }
}
