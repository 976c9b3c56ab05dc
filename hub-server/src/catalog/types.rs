//! What the catalogue holds.

use chrono::{DateTime, NaiveDate, Utc};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Organisation {
    /// Opaque, minted once: `gmina-100201`, `mf`.
    pub(crate) id: String,
    pub(crate) name: String,
    /// gmina, powiat, wojewodztwo, ministry, other.
    pub(crate) kind: String,
    pub(crate) identifiers: Vec<Identifier>,
}

/// A dated TERC, REGON or NIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// `terc6` (a county's ends in 00, a voivodeship's in 0000), `regon`, `nip`; who reports as a county
    /// also carries `terc4` (a city with county rights too), a voivodeship `terc2`.
    pub(crate) scheme: String,
    pub(crate) value: String,
    /// First day of validity; None: always was.
    pub(crate) valid_from: Option<NaiveDate>,
    /// Last day of validity; None: still is.
    pub(crate) valid_to: Option<NaiveDate>,
}

impl Identifier {
    pub(crate) fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }
}

impl Organisation {
    /// Value of an identifier as of a day. When several hold, the one that began last wins.
    pub(crate) fn identifier_on(&self, scheme: &str, day: NaiveDate) -> Option<&str> {
        self.identifiers
            .iter()
            .filter(|identifier| identifier.scheme == scheme && identifier.holds_on(day))
            .max_by_key(|identifier| identifier.valid_from)
            .map(|identifier| identifier.value.as_str())
    }

    /// The organisation as the check of a payload knows it, with identifiers as of a day.
    pub(crate) fn publisher_on(&self, day: NaiveDate) -> hub_datasets::check::Publisher {
        hub_datasets::check::Publisher {
            id: self.id.clone(),
            terc6: self.identifier_on("terc6", day).map(str::to_owned),
            regon: self.identifier_on("regon", day).map(str::to_owned),
        }
    }
}

/// A submission with a verdict, as the lists show it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SubmissionRecord {
    pub(crate) id: String,
    pub(crate) caller: String,
    pub(crate) request_id: String,
    pub(crate) publisher: String,
    pub(crate) dataset: String,
    pub(crate) period: String,
    pub(crate) media_type: String,
    /// COMMITTED, SUPERSEDED, REFUSED, ABANDONED …
    pub(crate) state: String,
    /// Why it was refused, from the Reason registry; empty otherwise.
    pub(crate) reason: String,
    pub(crate) revision: u64,
    pub(crate) dataset_version: u64,
    pub(crate) rows: u64,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) carried: Vec<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) nothing_to_report: bool,
    /// The submission that it takes back.
    pub(crate) withdraws: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) ended_at: DateTime<Utc>,
    /// JSON of `hub_datasets::Report`; empty in lists, where a page of reports would be too large.
    pub(crate) report: String,
    /// Canonical JSON of the receipt; empty when refused, and in lists.
    pub(crate) receipt: String,
    /// Set when its rows and bytes are gone for good.
    pub(crate) erased: Option<Tombstone>,
}

/// That a submission was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) at: DateTime<Utc>,
    /// As the operator gave it.
    pub(crate) reason: String,
}

/// How submissions end in a commit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends<'a> {
    /// Nothing of them is current any more.
    pub(crate) superseded: &'a [&'a str],
    /// Their publisher took them back.
    pub(crate) withdrawn: &'a [&'a str],
    pub(crate) erased: &'a [(&'a str, Tombstone)],
}

/// One page's filter and cursor: newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct SubmissionFilter {
    pub(crate) publisher: String,
    pub(crate) dataset: Option<String>,
    pub(crate) period: Option<String>,
    /// (created_at micros, id) of the last record of the page before.
    pub(crate) after: Option<(i64, String)>,
    pub(crate) limit: u32,
}

/// A stored API key: its hash only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) organisation: String,
    /// SHA-256 of the key.
    pub(crate) hash: [u8; 32],
    pub(crate) label: String,
    /// `push`, `read`.
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}
