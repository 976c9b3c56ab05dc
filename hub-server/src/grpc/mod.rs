//! The gRPC door: messages go to the desk and come back from it. The only room that names tonic.

mod answers;
mod calls;
mod catalog;
mod fault;
mod notices;
mod read;
mod server;
mod submission;

use std::ops::Deref;

use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::desk::Desk;
use crate::error::HubError;
use crate::identity::Principal;

pub(crate) use server::serve;

/// The desk, for calls over gRPC.
#[derive(Debug, Clone)]
struct Door(Desk);

impl Deref for Door {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Door {
    /// Verifies the call's `authorization`.
    fn caller(&self, metadata: &MetadataMap) -> Result<Principal, HubError> {
        self.0.caller(metadata.get("authorization").map(|value| value.to_str()))
    }

    /// Who calls, and what is asked.
    fn taken<T>(&self, request: Request<T>) -> Result<(Principal, T), Status> {
        let caller = self.caller(request.metadata()).map_err(refuse)?;
        Ok((caller, request.into_inner()))
    }
}

/// The end of each call: the answer, or the refusal with its Reason.
fn answer<T>(result: Result<T, HubError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(refuse)
}

fn refuse(error: HubError) -> Status {
    error.into_refusal().into()
}
