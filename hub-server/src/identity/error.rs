//! Why a caller is turned away. The messages say what to do and nothing of what others hold.

use chrono::{DateTime, Utc};
use hub_proto::Reason;

use super::Scope;
use crate::catalog::CatalogError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error(
        "no credential came with the call; send `authorization: Bearer hub_…` (the operator of the hub issues keys)"
    )]
    CredentialMissing,
    #[error("the credential is not valid: {0}; ask the operator of the hub for a new key")]
    CredentialInvalid(CredentialFault),
    #[error("the key `{label}` has no scope `{scope}`; use a key that was issued with it")]
    ScopeMissing { scope: Scope, label: String },
    #[error(
        "organisation `{caller}` may not push for `{publisher}`; leave the publisher out to push for your own organisation"
    )]
    PublisherNotPermitted { caller: String, publisher: String },
    #[error(
        "there is no organisation `{publisher}`; `hub organisations list` shows those that there are, and without a publisher you push for your own"
    )]
    PublisherUnknown { publisher: String },
    #[error("{0}")]
    ReadNotPermitted(String),
    #[error("{0}")]
    Refused(String),
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// What is wrong with a credential. Only the holder of a key learns that it expired or was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialFault {
    #[error("the header is not of the form `Bearer hub_` and 43 letters and digits")]
    Form,
    #[error("this hub does not know it")]
    Unknown,
    #[error("it expired at {}", .0.format("%Y-%m-%d %H:%M UTC"))]
    Expired(DateTime<Utc>),
    #[error("it was revoked at {}", .0.format("%Y-%m-%d %H:%M UTC"))]
    Revoked(DateTime<Utc>),
}

impl IdentityError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::CredentialMissing => Reason::CredentialMissing,
            Self::CredentialInvalid(_) => Reason::CredentialInvalid,
            Self::ScopeMissing { .. } => Reason::ScopeMissing,
            Self::PublisherNotPermitted { .. } => Reason::PublisherNotPermitted,
            Self::PublisherUnknown { .. } => Reason::PublisherUnknown,
            Self::ReadNotPermitted(_) => Reason::ReadNotPermitted,
            Self::Refused(_) => Reason::RequestInvalid,
            Self::Random(_) => Reason::Internal,
            Self::Catalog(error) => error.reason(),
        }
    }

    /// What a clerk reads, of refusals that a clerk meets.
    pub(crate) fn message_pl(&self) -> Option<String> {
        match self {
            Self::ScopeMissing { scope, label } => Some(format!(
                "klucz `{label}` nie ma zakresu `{scope}`; użyj klucza, któremu operator huba go nadał"
            )),
            Self::PublisherNotPermitted { caller, publisher } => Some(format!(
                "klucz jednostki `{caller}` nie pozwala wysyłać za `{publisher}`; bez --publisher wyślesz za własną jednostkę"
            )),
            Self::PublisherUnknown { publisher } => Some(format!(
                "nie ma jednostki `{publisher}`; listę pokazuje `hub organisations list`, a bez --publisher wyślesz za własną"
            )),
            Self::CredentialInvalid(fault) => {
                Some(format!("klucz jest nieważny: {}; poproś operatora huba o nowy", fault.message_pl()))
            }
            Self::CredentialMissing => Some(
                "z poleceniem nie przyszedł klucz; wpisz do profilu `token` (klucze wydaje operator huba)"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl CredentialFault {
    fn message_pl(self) -> String {
        match self {
            Self::Form => "nie ma postaci `hub_` i 43 liter i cyfr".to_owned(),
            Self::Unknown => "ten hub go nie zna".to_owned(),
            Self::Expired(at) => format!("wygasł {}", at.format("%Y-%m-%d %H:%M UTC")),
            Self::Revoked(at) => format!("cofnięto go {}", at.format("%Y-%m-%d %H:%M UTC")),
        }
    }
}
