//! The desk behind both doors. A door brings who calls and a message of the contract; the desk asks `identity` for a
//! permit, finds the call a place, has one room do it, and gives a message back. What a call means is the same by
//! whichever door it came.

mod admission;
mod answers;
mod catalog;
mod check;
mod notices;
mod paging;
mod read;
mod submission;
mod subscriptions;

use std::sync::Arc;

use hub_datasets::{CodeLists, Pattern, Patterns};
use hub_proto::name::Collection;
use hub_proto::{MESSAGE_PL, Reason, Refusal};

use crate::commit::Commits;
use crate::error::{HubError, hub_errors};
use crate::identity::{Identity, IdentityError, Principal};
use crate::intake::{Intake, IntakeError};
use crate::listen::PhaseWatch;
use crate::notices::Notices;
use crate::permit::ReadPermit;
use crate::read::Reads;
use crate::seal::Seal;
use crate::sign::Signer;
use crate::telemetry;

pub(crate) use answers::{Answers, answers, answers_until, cancelled, panicked};
pub(crate) use paging::Page;
pub(crate) use read::{Found, Outlook};
pub(crate) use submission::{Differences, convert};

hub_errors!(
    crate::commit::CommitError,
    crate::read::ReadError,
    crate::catalog::CatalogError,
    crate::notices::NoticeError,
    crate::store::StoreError,
);

impl From<IntakeError> for HubError {
    fn from(error: IntakeError) -> Self {
        in_polish(Self::of_room(error.reason(), &error), error.message_pl())
    }
}

impl From<IdentityError> for HubError {
    fn from(error: IdentityError) -> Self {
        in_polish(Self::of_room(error.reason(), &error), error.message_pl().as_deref())
    }
}

/// The refusal with what a clerk reads of it.
fn in_polish(refused: HubError, message: Option<&str>) -> HubError {
    match message {
        Some(message) => refused.fact(MESSAGE_PL, message),
        None => refused,
    }
}

/// The rooms behind the desk.
#[derive(Debug)]
pub(crate) struct Rooms {
    /// Of the server, for answers that do not end by themselves.
    pub(crate) phase: PhaseWatch,
    pub(crate) identity: Arc<Identity>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) reads: Arc<Reads>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) catalog: Arc<crate::catalog::Catalog>,
    pub(crate) patterns: Arc<Patterns>,
    pub(crate) lists: Arc<CodeLists>,
    pub(crate) seal: Arc<Seal>,
    pub(crate) signer: Arc<Signer>,
    /// Address of the HTTP door as the outside has it; empty: unknown.
    pub(crate) public_url: Arc<str>,
}

/// What the doors share: the rooms, and the places of calls.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) admission: admission::Admission,
    /// Tickets whose rows are under way.
    running: read::Running,
}

impl Desk {
    pub(crate) fn new(rooms: Rooms) -> Self {
        let (admission, running) = (admission::Admission::new(), read::Running::default());
        Self { rooms: Arc::new(rooms), admission, running }
    }

    /// Verifies the value of an `authorization` header, which a client wrote; `Err`: it is not even text.
    pub(crate) fn caller<E>(&self, authorization: Option<Result<&str, E>>) -> Result<Principal, HubError> {
        let value = authorization.transpose().map_err(|_| {
            HubError::new(
                Reason::CredentialInvalid,
                "the authorization header holds other than plain ASCII; send `Bearer hub_…`",
            )
        })?;
        let caller = self.rooms.identity.authenticate(value)?;
        telemetry::of_organisation(&caller.organisation);
        Ok(caller)
    }

    /// The pattern of a `patterns/…` or `datasets/…` name.
    pub(crate) fn pattern(&self, collection: Collection, name: &str) -> Result<Arc<Pattern>, HubError> {
        let id = collection.id(name)?;
        self.rooms.patterns.get(id).ok_or_else(|| {
            let (reason, what, polish) = match collection {
                Collection::Datasets => (Reason::DatasetUnknown, "dataset", "zbioru"),
                _ => (Reason::PatternUnknown, "pattern", "wzoru"),
            };
            let message = format!("the hub has no {what} `{id}`; list them to see which there are");
            let polish = format!("hub nie ma {polish} `{id}`; listę pokazuje `hub {what}s list`");
            Refusal::new(reason, message)
                .resource(format!("hub.v1/{what}"), name)
                .fact(MESSAGE_PL, polish)
                .into()
        })
    }

    /// What the caller may read, one entry a dataset. What it may not read does not exist for it.
    pub(crate) fn readable(&self, caller: &Principal) -> Result<Vec<(Arc<Pattern>, ReadPermit)>, HubError> {
        let mut readable: Vec<(Arc<Pattern>, ReadPermit)> = Vec::new();
        for pattern in self.rooms.patterns.iter() {
            // Several versions of a pattern are one dataset.
            if readable.iter().any(|(known, _)| known.id == pattern.id) {
                continue;
            }
            match self.rooms.identity.read(caller, pattern) {
                Ok(permit) => readable.push((Arc::clone(pattern), permit)),
                Err(error) if error.reason() == Reason::ReadNotPermitted => {}
                // A key that may read nothing at all is told so.
                Err(error) => return Err(error.into()),
            }
        }
        readable.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        Ok(readable)
    }
}
