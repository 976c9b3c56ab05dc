//! Statements and prepared statements: what a flight of them is, and how one is stopped.

use arrow_flight::sql::{
    ActionCreatePreparedStatementResult, Any, Command, ProstMessageExt as _, TicketStatementQuery,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightDescriptor, FlightEndpoint,
    FlightInfo, Ticket,
};
use bytes::Bytes;
use hub_proto::Reason;
use prost::Message as _;

use super::FlightDoor;
use super::frames::stands_on;
use crate::desk::Outlook;
use crate::error::HubError;
use crate::identity::Principal;

/// Type of the action that stops a flight; the older one of Flight SQL is dispatched by its library.
pub(super) const CANCEL: &str = "CancelFlightInfo";

/// What a client may fetch, and with which tickets.
pub(super) fn info(outlook: Outlook, descriptor: FlightDescriptor) -> Result<FlightInfo, HubError> {
    let rows = outlook.rows;
    let mut info = FlightInfo::new()
        .with_descriptor(descriptor)
        .with_total_records(rows.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(-1))
        // The parts of a table are in its order.
        .with_ordered(outlook.tickets.len() > 1)
        .with_app_metadata(stands_on(outlook.versions, (String::new(), outlook.warnings), rows)?);
    info.schema = outlook.schema;
    for ticket in outlook.tickets {
        let ticket = TicketStatementQuery { statement_handle: ticket.into() };
        let ticket = Ticket::new(ticket.as_any().encode_to_vec());
        // No location: where the client is connected.
        info = info.with_endpoint(FlightEndpoint::new().with_ticket(ticket));
    }
    Ok(info)
}

pub(super) fn prepared(handle: String, outlook: Outlook) -> ActionCreatePreparedStatementResult {
    ActionCreatePreparedStatementResult {
        prepared_statement_handle: handle.into(),
        dataset_schema: outlook.schema,
        parameter_schema: outlook.parameters,
    }
}

/// A handle or ticket of the hub is text.
pub(super) fn text(handle: &Bytes) -> Result<&str, HubError> {
    std::str::from_utf8(handle).map_err(|_| {
        let message = "a handle or ticket is not one that this hub made; prepare or ask again";
        HubError::new(Reason::RequestInvalid, message)
    })
}

impl FlightDoor {
    /// Stops the flights of an info that the caller was given.
    pub(super) fn cancel_info(
        &self,
        caller: &Principal,
        info: &FlightInfo,
    ) -> Result<CancelStatus, HubError> {
        let mut stopped = false;
        for endpoint in &info.endpoint {
            let ticket = endpoint.ticket.as_ref().map(|ticket| &ticket.ticket[..]).unwrap_or_default();
            let command = Any::decode(ticket).ok().and_then(|any| Command::try_from(any).ok());
            if let Some(Command::TicketStatementQuery(ticket)) = command {
                stopped |= self.0.cancel(caller, text(&ticket.statement_handle)?)?;
            }
        }
        // What does not run cannot be stopped, and nothing of it is kept.
        Ok(if stopped { CancelStatus::Cancelled } else { CancelStatus::NotCancellable })
    }

    /// As [`Self::cancel_info`], of the action's body.
    pub(super) fn cancel_action(&self, caller: &Principal, action: &Action) -> Result<Bytes, HubError> {
        let request = CancelFlightInfoRequest::decode(&action.body[..]).map_err(|_| {
            HubError::new(
                Reason::RequestInvalid,
                "the body of CancelFlightInfo holds no CancelFlightInfoRequest",
            )
        })?;
        let status = self.cancel_info(caller, &request.info.unwrap_or_default())?;
        Ok(CancelFlightInfoResult { status: status.into() }.encode_to_vec().into())
    }
}
