//! The gRPC door: each call is converted, asks `identity` for a permit, calls one room, and is
//! converted back. The only room that names tonic.

mod admission;
mod answers;
mod caller;
mod calls;
mod catalog;
mod fault;
mod paging;
mod read;
mod server;
mod submission;

use std::sync::Arc;

use hub_datasets::{CodeLists, Pattern, Patterns};
use hub_proto::name::Collection;
use hub_proto::{Reason, Refusal};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};

use crate::commit::Commits;
use crate::error::{HubError, hub_errors};
use crate::identity::{Identity, Principal};
use crate::intake::Intake;
use crate::permit::ReadPermit;
use crate::read::Reads;
use crate::seal::Seal;
use crate::sign::Signer;
use crate::telemetry;

pub(crate) use server::serve;

hub_errors!(
    crate::identity::IdentityError,
    crate::intake::IntakeError,
    crate::commit::CommitError,
    crate::read::ReadError,
    crate::catalog::CatalogError,
    crate::store::StoreError,
);

/// The rooms behind the gRPC door.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) identity: Arc<Identity>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) reads: Arc<Reads>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) catalog: Arc<crate::catalog::Catalog>,
    pub(crate) patterns: Arc<Patterns>,
    pub(crate) lists: Arc<CodeLists>,
    pub(crate) seal: Arc<Seal>,
    pub(crate) signer: Arc<Signer>,
}

/// What the services share.
#[derive(Debug, Clone)]
struct Door {
    rooms: Arc<Rooms>,
    admission: admission::Admission,
}

impl Door {
    fn new(rooms: Rooms) -> Self {
        Self { rooms: Arc::new(rooms), admission: admission::Admission::new() }
    }

    fn caller(&self, metadata: &MetadataMap) -> Result<Principal, HubError> {
        let caller = caller::caller(&self.rooms.identity, metadata)?;
        telemetry::of_organisation(&caller.organisation);
        Ok(caller)
    }

    /// The pattern of a `patterns/…` or `datasets/…` name.
    fn pattern(&self, collection: Collection, name: &str) -> Result<Arc<Pattern>, HubError> {
        let id = collection.id(name)?;
        self.rooms.patterns.get(id).ok_or_else(|| {
            let (reason, what) = match collection {
                Collection::Datasets => (Reason::DatasetUnknown, "dataset"),
                _ => (Reason::PatternUnknown, "pattern"),
            };
            let message = format!("the hub has no {what} `{id}`; list them to see which there are");
            Refusal::new(reason, message).resource(format!("hub.v1/{what}"), name).into()
        })
    }

    /// What the caller may read, one entry a dataset. What it may not read does not exist for it.
    fn readable(&self, caller: &Principal) -> Result<Vec<(Arc<Pattern>, ReadPermit)>, HubError> {
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

/// The end of each call: the answer, or the refusal with its Reason.
fn answer<T>(result: Result<T, HubError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse)
}

fn refuse(error: HubError) -> Status {
    error.into_refusal().into()
}
