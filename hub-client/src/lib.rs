#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod catalog;
mod changes;
mod client;
mod compression;
mod copy;
mod doctor;
mod environment;
mod error;
mod fault;
mod https;
mod media;
mod names;
mod notices;
pub mod offline;
mod original;
mod patterns;
mod probe;
mod profile;
mod pull;
mod push;
mod query;
mod receipt;
mod retry;
mod since;
mod state;
mod streamed;
mod submissions;
mod temporary;
mod transport;
mod validate;
mod watch;

pub use catalog::Listing;
pub use changes::{Changes, DiffRequest};
pub use client::Client;
pub use compression::Compression;
pub use copy::{Anew, Copied, CopyRequest};
pub use doctor::{Finding, diagnose};
pub use environment::Environment;
pub use error::{ClientError, Deed, Refusal};
pub use fault::{EndpointFault, ProfileFault};
pub use hub_datasets::MediaType;
pub use hub_datasets::receipt::{KeyFault, KeySet, ReceiptFault, Signed};
pub use media::row_format;
pub use names::short;
pub use patterns::{PatternFile, fetch_pattern_file, pattern_files, pattern_folder};
pub use profile::{DEFAULT_PROFILE, Profile, Secret};
pub use pull::{AsOf, AsOfError, Part, Pull, PullRequest, Pulled, RowsProgress};
pub use push::{
    Digest, Payload, Progress, Proposed, PushOptions, PushRequest, SMALL_PAYLOAD_MAX, Verdict, digest_of,
    identity_of,
};
pub use query::{Answer, QueryRequest};
pub use receipt::{
    KeptKeys, Met, ReceiptForm, ReceiptProblem, compare, read_receipt, signed_receipt, verify, write_receipt,
};
pub use retry::RETRY_FOR;
pub use since::{ChangesFile, SincePage, SinceRequest};
pub use state::{Pending, PushKey};
pub use submissions::SubmissionFilter;
pub use temporary::write_whole;
pub use validate::CheckRequest;
pub use watch::Watch;

/// The messages of the contract, as they come from the hub.
pub use hub_proto::v1;
