//! Receipts (Polish: UPO): what a hub says of a submission that it committed, in the one form that is signed.
//!
//! A receipt is one object of canonical JSON (RFC 8785). What is signed is that text with the id of the key in `key_id`
//! and an empty `signature`; the receipt that is filed is the same text with the Ed25519 signature in its place. Here
//! are the text, the page for people and the published keys. Making and comparing signatures is left to those who have
//! a key at hand, so that this crate needs no cryptography but a hash.

mod canonical;
mod keys;
mod page;
mod signed;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

pub use canonical::{NotCanonical, canonical};
pub use keys::{KeyFault, KeySet, PublicKey, Validity};
pub use page::{page, read_page};
pub use signed::{ReceiptFault, Signed, Unsignable, to_sign, with_signature};

/// What a receipt says. Times are RFC 3339 in UTC, sums SHA-256 in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Receipt {
    /// Opaque id of the hub that committed.
    pub hub: String,
    /// Id of the submission.
    pub submission: String,
    /// Id of the publisher, and the name that it had at the commit.
    pub publisher: String,
    /// Empty in receipts of hubs that did not write it yet.
    #[serde(default)]
    pub publisher_name: String,
    /// Pattern and version, as `rb28s/1.0.0`.
    pub pattern: String,
    /// As it was sent.
    pub period: String,
    /// `accepted` or `accepted-with-warnings`.
    pub verdict: String,
    /// Findings of the report by severity.
    pub counts: BTreeMap<String, u64>,
    /// When the submission became visible.
    pub committed_at: String,
    /// Number in the chain of (dataset, publisher, period).
    pub revision: u64,
    /// The revision that it corrects.
    pub parent: Option<u64>,
    /// The dataset, and its version that the submission made.
    pub dataset: String,
    /// Its version that the submission made.
    pub dataset_version: u64,
    /// Rows of the submission.
    pub rows: u64,
    /// Slices of the submission.
    pub slices: u64,
    /// Slices of the earlier revision that stay current.
    pub carried: Vec<String>,
    /// Slices that this revision dropped.
    pub dropped: Vec<String>,
    /// The publisher had nothing to report.
    pub nothing_to_report: bool,
    /// The submission that was taken back; it is the deed of this one, which has no payload.
    #[serde(default)]
    pub withdraws: Option<String>,
    /// Media type, length and sum of the payload.
    pub media_type: String,
    /// Bytes of the payload.
    pub size: u64,
    /// Sum of the payload.
    pub sha256: String,
    /// Sum of the report as JSON.
    pub report_sha256: String,
    /// Sum of pattern and code lists.
    pub bundle_sha256: String,
    /// Submissions that were erased later: slices that they alone had sent have no name here any more.
    #[serde(default)]
    pub erasures: Vec<String>,
    /// Id of the key that signed.
    pub key_id: String,
    /// When it was signed, if by a key that came into force after the commit.
    #[serde(default)]
    pub signed_at: Option<String>,
}

impl Receipt {
    /// The time as of which the key had to be valid: that of the signature, or of the commit.
    pub fn stands_at(&self) -> Option<DateTime<Utc>> {
        moment(self.signed_at.as_deref().unwrap_or(&self.committed_at))
    }
}

/// A moment as receipts write it.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}
