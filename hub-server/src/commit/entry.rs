//! A submission as commitInfo keeps it.

use hub_datasets::receipt::NotCanonical;

use super::plan::Accepted;
use super::queue::Item;
use super::receipt::{Stamp, receipt};
use crate::store::log::SubmissionEntry;

/// All that the history of an accepted job needs.
pub(crate) fn submission_entry(
    stamp: Stamp<'_>,
    item: &Item,
    accepted: &Accepted,
) -> Result<SubmissionEntry, NotCanonical> {
    let job = &item.job;
    Ok(SubmissionEntry {
        id: job.id.clone(),
        seq: job.seq,
        caller: job.caller.clone(),
        request_id: job.request_id.clone(),
        publisher: job.publisher.clone(),
        period: job.period.clone(),
        partition: job.partition.clone(),
        media_type: job.media_type.clone(),
        size: job.size,
        sha256: job.sha256.clone(),
        rows: job.rows,
        slices: job.slices.clone(),
        slice_facts: job.slice_facts.clone(),
        carried: accepted.carried.clone(),
        dropped: accepted.dropped.clone(),
        revision: accepted.revision,
        parent: accepted.parent,
        pattern: job.pattern.clone(),
        bundle_sha256: job.bundle_sha256.clone(),
        nothing_to_report: job.nothing_to_report,
        withdraws: job.withdraws.clone(),
        created_at: job.created_at,
        report: job.report.clone(),
        report_sha256: item.checked.report_sha256.clone(),
        receipt: receipt(stamp, job, &item.checked, accepted)?,
    })
}
