//! The contract as JSON, for the HTTP door and those who call it: the messages of the `.proto` under the same names,
//! with plain ids (`rb28s`, not `patterns/rb28s`), states without their prefix and moments as RFC 3339.

mod catalog;
mod convert;
mod notice;
mod report;
mod shape;
mod subscription;

pub use catalog::{
    Column, CommittedVersion, CommittedVersions, Dataset, Datasets, Identifier, LocalizedText, Organisation,
    Organisations, Pattern, Patterns, Rule, WholePattern,
};
pub use notice::{Acknowledgement, Notice, Notices, RowCounts};
pub use shape::Shape;
pub use subscription::{DeadLetter, NewSubscription, Redelivery, Subscribed, Subscription, Subscriptions};

use hub_datasets::Report;
use shape::shapes;

shapes! {
    /// A submission as it stands.
    answer Submission {
        /// A UUID that the hub drew.
        id: String,
        /// RECEIVING, CHECKING, REFUSED, AWAITING, COMMITTED, SUPERSEDED, WITHDRAWN, ABANDONED, EXPIRED or ERASED.
        state: String,
        /// As `rb28s`.
        pattern: String,
        /// As `gmina-100201`.
        publisher: String,
        /// As it was sent, `2022-Q4`.
        period: String,
        /// Format of the payload.
        media_type: String,
        /// Length of the payload in bytes; 0 until it is known.
        size_bytes: u64,
        /// SHA-256 of the payload in hex; empty until it is known.
        sha256: String,
        /// Bytes that are durable: an upload goes on from here.
        durable_offset: u64,
        /// Number in the chain of (dataset, publisher, period), from 1; 0 before the commit.
        revision: u64,
        /// Rows of this submission.
        rows: u64,
        /// The dataset version that it made visible; 0 before the commit.
        dataset_version: u64,
        /// When it was opened.
        create_time: String,
        /// When it was committed.
        commit_time: Option<String>,
        /// Slices of the earlier revision that the payload lacks and that stay current.
        carried_slices: Vec<String>,
        /// Slices that this revision dropped.
        dropped_slices: Vec<String>,
        /// The publisher has nothing to report for the period.
        nothing_to_report: bool,
        /// The id that its sender drew.
        request_id: String,
        /// Why it was refused; empty otherwise.
        reason: String,
        /// Set when it was erased.
        erasure: Option<Erasure>,
        /// Findings of comparisons that came after the acceptance; the report has them under `later`.
        late_findings: u64,
        /// The submission that this one takes back; left out otherwise.
        withdraws: Option<String>,
    }

    /// That the rows and bytes of a submission are gone for good.
    answer Erasure {
        /// When.
        time: String,
        /// As the operator gave it.
        reason: String,
    }

    /// A signed receipt in its parts. `GET /api/v1/submissions/{id}/receipt` gives it as it is filed.
    answer Receipt {
        /// The text that is signed: canonical JSON (RFC 8785) with an empty `signature`.
        canonical_json: String,
        /// Thumbprint of the key, as `/.well-known/jwks.json` names it.
        key_id: String,
        /// Ed25519 over the UTF-8 bytes of `canonical_json`, in base64url without padding.
        signature: String,
        /// When the submission was committed.
        commit_time: Option<String>,
    }

    /// What became of a push. A refusal by the check is an answer: `submission.state` says so.
    answer Verdict {
        /// The submission, with its state, revision and dataset version.
        submission: Submission,
        /// What the check found.
        report: Option<Report>,
        /// Set when committed.
        receipt: Option<Receipt>,
        /// The same bytes were current already; the receipt is the earlier one.
        unchanged: bool,
    }

    /// A page of submissions, the newest first.
    answer Submissions {
        /// The submissions.
        submissions: Vec<Submission>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
    }

    /// What a check found that kept nothing.
    answer Checked {
        /// `ACCEPTED` or `REFUSED`, as a push would be by this report alone.
        verdict: String,
        /// What the check found.
        report: Option<Report>,
    }

    /// A refusal (RFC 9457).
    answer Problem {
        /// `about:blank`: `reason` says what it is.
        r#type: String,
        /// Text of the status.
        title: String,
        /// The HTTP status.
        status: u16,
        /// What, where, and what to do.
        detail: String,
        /// The same in Polish, where a clerk may have to read it.
        detail_pl: Option<String>,
        /// Stable cause, as in the vendor's guide.
        reason: String,
        /// Faults by field of the request.
        errors: Vec<FieldFault>,
        /// With `OFFSET_STALE`: from where the upload goes on.
        durable_offset: Option<u64>,
    }

    /// What is wrong with a field.
    answer FieldFault {
        /// Its name.
        field: String,
        /// What is wrong with it.
        detail: String,
    }

    /// What a sender announces.
    request NewSubmission requires ["request_id", "pattern", "period"] {
        /// A UUID that the sender draws, and keeps until there is a verdict.
        request_id: String,
        /// As `rb28s`.
        pattern: String,
        /// As `gmina-100201`; left out: the key's own organisation.
        publisher: String,
        /// As `2022-Q4`.
        period: String,
        /// Format of the payload, as `text/csv`; needed unless there is nothing to report.
        media_type: String,
        /// Length of the payload in bytes, if it is known.
        size_bytes: u64,
        /// SHA-256 of the payload in hex, if it is known.
        sha256: String,
        /// The publisher has nothing to report for the period; no payload follows.
        nothing_to_report: bool,
    }

    /// What a sender decides when committing; all of it may be left out.
    request CommitOptions requires [] {
        /// Check only: nothing becomes visible and nothing is kept.
        validate_only: bool,
        /// The current revision that the sender saw; left out: whatever is current.
        parent_revision: Option<u64>,
        /// Drop slices of the earlier revision that the payload lacks.
        replace_all: bool,
        /// Agree to the loss of rows that this commit would drop.
        confirm_deletions: bool,
        /// Warnings block too.
        strict: bool,
        /// SHA-256 of the whole payload in hex, if it was not announced.
        sha256: String,
        /// What the sender says to rules that must be explained, at most 100.
        explanations: Vec<Explanation>,
    }

    /// That a submission is taken back.
    request Withdrawal requires ["request_id"] {
        /// A UUID that the sender draws for this deed.
        request_id: String,
        /// Agree to the loss of its rows.
        confirm_deletions: bool,
        /// The current revision that the sender saw; left out: whatever is current.
        parent_revision: Option<u64>,
    }

    /// That a submission is sent again with the bytes that it was sent with.
    request Reversion requires ["request_id"] {
        /// A UUID that the sender draws for this deed.
        request_id: String,
        /// As at a commit.
        options: Option<CommitOptions>,
    }

    /// What the sender says to all findings of a rule.
    request Explanation requires ["rule", "text"] {
        /// Id of the rule, as the report names it.
        rule: String,
        /// At most 2,000 characters.
        text: String,
    }

    /// What rows stand on: the header `Hub-Rows` of their answer.
    answer RowsHead {
        /// The dataset versions.
        versions: Vec<DatasetVersion>,
        /// Names of the columns, in order; none for a statement, or where they are too long for a header.
        columns: Vec<String>,
        /// Rows that the files hold before the filter, for progress; 0 for a statement.
        estimated_rows: u64,
        /// Where the dataset version stands, for `changes`; empty for a statement.
        cursor: String,
        /// An address that gives the same rows of a statement again; empty where there is none.
        permalink: String,
        /// Traps of a statement.
        warnings: Vec<Warning>,
    }

    /// What is wrong with a sum of a statement. The rows come all the same.
    answer Warning {
        /// CUMULATIVE_SUM or DOUBLE_COUNT.
        code: String,
        /// The dataset whose column is added.
        dataset: String,
        /// The column; `*` where rows are counted.
        column: String,
        /// What is wrong.
        message: LocalizedText,
        /// What to write instead.
        hint: LocalizedText,
    }

    /// What a read session is to pin.
    request NewReadSession requires [] {
        /// In this order; left out: all that the key may see.
        columns: Vec<String>,
        /// Row expression, as `dzial = '801'`.
        r#where: String,
        /// A past state: a dataset version or a moment (RFC 3339); left out: the newest.
        as_of: String,
        /// arrow (the default, the only one that goes on at an offset), csv, ndjson or parquet.
        format: String,
        /// Streams at most, 16 at most; left out: 1.
        max_streams: u64,
    }

    /// A pinned reading of one dataset.
    answer ReadSession {
        /// Stands in the address of its rows.
        session: String,
        /// The dataset version.
        version: Option<DatasetVersion>,
        /// Names of the columns, in order.
        columns: Vec<String>,
        /// Rows that the files hold before the filter; an upper bound for progress.
        estimated_rows: u64,
        /// Streams that may be read beside each other; their rows in the order of their numbers are all rows.
        streams: u64,
        /// Where the dataset version stands, for `changes`.
        cursor: String,
    }

    /// What a page of changes covers: the header `Hub-Changes` of its answer.
    answer ChangesHead {
        /// The dataset version at which the page begins.
        since_version: u64,
        /// The last one of it; the same when nothing changed.
        last_version: u64,
        /// Goes on behind the page.
        next_cursor: String,
        /// There are later versions already.
        more: bool,
    }

    /// What a watch tells.
    answer WatchEvent {
        /// As `rb28s`; empty when nothing happened.
        dataset: String,
        /// The dataset version; 0 when nothing happened.
        version: u64,
        /// When it was committed.
        commit_time: Option<String>,
        /// What made it.
        revisions: Vec<RevisionChange>,
    }

    /// A submission that changed a dataset.
    answer RevisionChange {
        /// ADDED, CORRECTED, WITHDRAWN or ERASED.
        kind: String,
        /// Its id; of an erasure that of the one that was erased.
        submission: String,
        /// As `gmina-100201`.
        publisher: String,
        /// As it was sent, `2022-Q4`.
        period: String,
        /// Its number in the chain of (dataset, publisher, period); 0 for an erasure.
        revision: u64,
        /// The submission that it takes back; left out otherwise.
        withdraws: Option<String>,
    }

    /// The dataset version that an answer stands on.
    answer DatasetVersion {
        /// As `rb28s`.
        dataset: String,
        /// Its number.
        version: u64,
        /// When it was committed.
        commit_time: Option<String>,
        /// Units behind it.
        coverage: Option<Coverage>,
    }

    /// Units behind an answer, of those that are expected.
    answer Coverage {
        /// Units that have reported.
        units_reporting: u64,
        /// Units that are expected; 0 when nothing is.
        units_expected: u64,
        /// Where that number comes from.
        expected_source: String,
    }

    /// A statement.
    request Query requires ["sql"] {
        /// One SELECT.
        sql: String,
        /// csv (the default), json, ndjson, arrow or parquet.
        format: String,
        /// A past state: a dataset version or a moment (RFC 3339); left out: the newest.
        as_of: String,
        /// States of tables, one by one, as a permalink has them: `rb28s@7`; what is not named is read at `as_of`.
        at: Vec<String>,
    }

    /// A page of the revisions that an answer stands on.
    answer RevisionsBehind {
        /// By dataset, publisher, period and number.
        revisions: Vec<RevisionBehind>,
        /// For `page_token` of the next page; empty: this is the last.
        next_page_token: String,
        /// The dataset versions that the page stands on.
        versions: Vec<DatasetVersion>,
    }

    /// A submission that an answer stands on.
    answer RevisionBehind {
        /// As `rb28s`.
        dataset: String,
        /// Its id.
        submission: String,
        /// As `gmina-100201`.
        publisher: String,
        /// The hub's name of it: its last day where periods cumulate, as 2022-12-31, else as it was sent.
        period: String,
        /// Number in the chain of (dataset, publisher, period), from 1.
        revision: u64,
        /// When it was committed.
        commit_time: Option<String>,
    }
}

#[cfg(test)]
mod tests;
