//! What can go wrong between a caller and the hub.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hub_proto::{MESSAGE_PL, Reason, v1};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::fault::{EndpointFault, ProfileFault};

/// A failure of the client, with what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The profile lacks or does not parse.
    #[error("profile {name}: {fault}")]
    Profile {
        /// Name of the profile.
        name: String,
        /// What is wrong with it.
        fault: ProfileFault,
    },
    /// The endpoint is not an address that this client may call.
    #[error("endpoint {endpoint}: {fault}")]
    Endpoint {
        /// The address as written.
        endpoint: String,
        /// What is wrong with it.
        fault: EndpointFault,
    },
    /// No connection within the time allowed.
    #[error(
        "hub not reached at {endpoint} for {:.0} s ({cause}); check the address, the network and that the hub runs, then repeat the command: it goes on where it stopped",
        waited.as_secs_f64()
    )]
    NotReached {
        /// The address that was tried.
        endpoint: String,
        /// How long it was tried.
        waited: Duration,
        /// The last failure.
        cause: String,
    },
    /// Between here and the hub something lets only HTTP/1.1 through.
    #[error(
        "HTTP/2 is blocked on the way to {endpoint}; name the hub's HTTP door as http_endpoint in the profile, by which it is reached then"
    )]
    Http2Blocked {
        /// The address that was tried.
        endpoint: String,
    },
    /// The hub answered, and said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A local file could not be read or written.
    #[error("cannot {deed} {path}: {source}")]
    File {
        /// What was tried.
        deed: Deed,
        /// The file.
        path: PathBuf,
        /// The system's cause.
        source: std::io::Error,
    },
    /// A submission that was taken up again can no longer be finished.
    #[error("{submission} is {state} and takes no more bytes; push again to open a new one")]
    Closed {
        /// Name of the submission.
        submission: String,
        /// Its state.
        state: String,
    },
    /// More rows than are taken into memory at once.
    #[error("the rows take more than {most_mib} MiB; ask for fewer of them")]
    TooManyRows {
        /// What is taken at most.
        most_mib: u64,
    },
    /// The answer ended early or does not add up; what came of it must not be used.
    #[error("the answer of {endpoint} is not whole: {message}; repeat the command")]
    Incomplete {
        /// The address.
        endpoint: String,
        /// What is missing.
        message: String,
    },
}

/// What was tried with a local file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Reading.
    Read,
    /// Writing.
    Write,
}

impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// A refusal by the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Machine-readable cause; none when something between client and hub refused.
    pub reason: Option<Reason>,
    /// gRPC code.
    pub code: Code,
    /// The hub's text.
    pub message: String,
    /// Faults by field of the request.
    pub fields: Vec<(String, String)>,
    /// Further facts, as the submission that the refusal is about.
    pub metadata: BTreeMap<String, String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason {
            Some(reason) => write!(f, "refused ({}): {}", reason.as_str(), self.message)?,
            None => write!(f, "refused ({:?}): {}", self.code, self.message)?,
        }
        for (field, fault) in &self.fields {
            write!(f, "; {field}: {fault}")?;
        }
        Ok(())
    }
}

impl Refusal {
    /// True when the caller is unknown to the hub or may not do this.
    pub(crate) fn is_not_permitted(&self) -> bool {
        matches!(self.code, Code::PermissionDenied | Code::Unauthenticated)
    }
}

impl From<hub_proto::json::Problem> for Refusal {
    fn from(problem: hub_proto::json::Problem) -> Self {
        let reason = Reason::parse(&problem.reason);
        let offset = problem.durable_offset.map(|offset| ("durable_offset".to_owned(), offset.to_string()));
        let polish = problem.detail_pl.map(|polish| (MESSAGE_PL.to_owned(), polish));
        Self {
            reason,
            code: reason.map_or(Code::Unknown, Reason::grpc_code),
            message: problem.detail,
            fields: problem.errors.into_iter().map(|fault| (fault.field, fault.detail)).collect(),
            metadata: offset.into_iter().chain(polish).collect(),
        }
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let fields = details
            .bad_request()
            .map(|bad| {
                bad.field_violations.iter().map(|v| (v.field.clone(), v.description.clone())).collect()
            })
            .unwrap_or_default();
        let metadata =
            details.error_info().map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default();
        Self {
            reason: hub_proto::reason_of(status),
            code: status.code(),
            message: status.message().to_owned(),
            fields,
            metadata,
        }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(Refusal::from(&status)))
    }
}

impl ClientError {
    pub(crate) fn profile(name: &str, fault: ProfileFault) -> Self {
        Self::Profile { name: name.to_owned(), fault }
    }

    pub(crate) fn endpoint(endpoint: &str, fault: EndpointFault) -> Self {
        Self::Endpoint { endpoint: endpoint.to_owned(), fault }
    }

    /// Of a submission that takes no more bytes.
    pub(crate) fn closed(submission: &v1::Submission) -> Self {
        let state = submission.state().as_str_name().trim_start_matches("SUBMISSION_STATE_");
        Self::Closed { submission: submission.name.clone(), state: state.to_owned() }
    }

    pub(crate) fn file(deed: Deed, path: &Path, source: std::io::Error) -> Self {
        Self::File { deed, path: path.to_owned(), source }
    }

    /// The hub's reason, when the hub refused.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => refusal.reason,
            _ => None,
        }
    }

    /// True when the caller is unknown to the hub or may not do this.
    pub fn is_not_permitted(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_not_permitted())
    }
}
