//! The Flight SQL door, for BI tools and data frames: commands of Arrow Flight SQL go to the desk and come back from it, on
//! the listener of the gRPC door. The only room that names arrow_flight. It keeps nothing: handles and tickets are
//! sealed by the room behind.

mod catalogue;
mod features;
mod frames;
mod login;
mod parameters;
mod service;
mod statements;
mod types;

use arrow_flight::flight_service_server::FlightServiceServer;
use hub_proto::Reason;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::config::limits;
use crate::desk::Desk;
use crate::error::HubError;
use crate::identity::Principal;

/// The desk, for commands of Flight SQL.
#[derive(Debug, Clone)]
pub(crate) struct FlightDoor(Desk);

/// The service that a gRPC listener serves.
pub(crate) fn service(desk: Desk) -> FlightServiceServer<FlightDoor> {
    FlightServiceServer::new(FlightDoor(desk))
        .max_decoding_message_size(limits::MESSAGE_IN_BYTES)
        .max_encoding_message_size(limits::MESSAGE_OUT_BYTES)
}

impl FlightDoor {
    /// Verifies the call's `authorization`: a key as bearer, or as the password of any user.
    fn caller(&self, metadata: &MetadataMap) -> Result<Principal, HubError> {
        let given = metadata.get("authorization").map(|value| value.to_str());
        match given {
            Some(Ok(value)) => {
                let bearer = login::bearer_of(value)?;
                self.0.caller(Some(Ok::<_, std::convert::Infallible>(bearer.as_ref())))
            }
            given => self.0.caller(given),
        }
    }
}

fn refuse(error: HubError) -> Status {
    error.into_refusal().into()
}

/// A call that would change something.
fn read_only() -> Status {
    refuse(HubError::new(
        Reason::QueryNotAllowed,
        "Flight SQL reads: only SELECT is allowed; data is sent with `hub push`, or by SubmissionService",
    ))
}
