//! Why somebody cannot be told.

use hub_proto::Reason;

use crate::catalog::CatalogError;
use crate::config::limits::{NOTICE_NOTE_CHARS, SUBSCRIPTIONS_PER_ORGANISATION};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum NoticeError {
    #[error("there is no notice `{0}` for your organisation")]
    Unknown(String),
    #[error("the notice is settled already ({state}), and a later pull or notice stands in its place")]
    Settled { state: String },
    #[error("the note has {0} characters, at most {NOTICE_NOTE_CHARS}")]
    NoteTooLong(usize),
    #[error("say in a note why the earlier figure stays")]
    NoteMissing,
    #[error("there is no subscription `{0}` of your organisation")]
    SubscriptionUnknown(String),
    #[error("news cannot be sent to this address: {0}")]
    WebhookRefused(String),
    #[error(
        "your organisation has {SUBSCRIPTIONS_PER_ORGANISATION} subscriptions, which is the most; delete one"
    )]
    TooMany,
    #[error("the request id stands for another subscription; draw a new one")]
    RequestIdReused,
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NoticeError {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Unknown(_) => Reason::NoticeUnknown,
            Self::SubscriptionUnknown(_) => Reason::SubscriptionUnknown,
            Self::WebhookRefused(_) => Reason::WebhookRefused,
            Self::TooMany => Reason::SubscriptionsFull,
            Self::RequestIdReused => Reason::RequestIdReused,
            Self::Settled { .. } => Reason::StateConflict,
            Self::NoteTooLong(_) | Self::NoteMissing => Reason::RequestInvalid,
            Self::Catalog(error) => error.reason(),
            Self::Store(error) => error.reason(),
        }
    }
}
